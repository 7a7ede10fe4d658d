//! Giving up what the process needs no longer: the file system and its user's rights.

use crate::report::{Reporter, reason};
use model::Global;
use rustix::process::{DumpableBehavior, geteuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities, set_no_new_privs,
};
use std::io;
use std::path::{Path, PathBuf};

/// `chroot`.
pub fn enter_jail(global: &Global, reporter: &mut Reporter) -> Result<(), ()> {
    let Some(directory) = &global.chroot else {
        if geteuid().is_root() {
            reporter.warning(
                "[hapax.main()] started as root without 'chroot'. A 'chroot' to an empty directory, or 'chroot auto', keeps \
                 an intruder from the file system; 'chroot /' silences this warning.",
            );
        }
        return Ok(());
    };
    let done = match directory == Path::new("auto") {
        true => nameless_jail(),
        false => rustix::process::chroot(directory).map_err(io::Error::from),
    };
    match done.and_then(|()| std::env::set_current_dir("/")) {
        Ok(()) => Ok(()),
        Err(error) => {
            reporter.alert(format!(
                "[hapax.main()] Cannot chroot({}) : {}.",
                directory.display(),
                reason(&error)
            ));
            Err(())
        }
    }
}

/// Enters an empty directory that has no name any more.
fn nameless_jail() -> io::Result<()> {
    let template =
        |attempt: u32| PathBuf::from(format!("/tmp/hapax-jail-{}-{attempt}", std::process::id()));
    let mut attempt = 0;
    let directory = loop {
        let directory = template(attempt);
        match std::fs::create_dir(&directory) {
            Ok(()) => break directory,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt += 1
            }
            Err(error) => return Err(error),
        }
    };
    let entered = std::env::set_current_dir(&directory);
    let removed = std::fs::remove_dir(&directory);
    entered.and(removed)?;
    Ok(rustix::process::chroot(".")?)
}

/// `uid`, `gid`, `setcap` and `set-dumpable`.
pub fn drop_rights(global: &Global, reporter: &mut Reporter) -> Result<(), ()> {
    let root = geteuid().is_root();
    if root && global.uid.is_none() {
        reporter.warning(
            "[hapax.main()] started as root without 'user' or 'uid' to drop the privileges. 'user root' silences this \
             warning; 'setcap' lets another user keep what it needs.",
        );
    }
    let kept = kept(&global.capabilities);
    if let Err((what, error)) = become_user(global, root, kept) {
        reporter.alert(format!(
            "[hapax.main()] Cannot {what} : {}.",
            reason(&error)
        ));
        return Err(());
    }
    if global.dumpable
        && let Err(error) = set_dumpable_behavior(DumpableBehavior::Dumpable)
    {
        reporter.warning(format!(
            "[hapax.main()] Failed to set the dumpable flag, no core will be dumped ({error})."
        ));
    }
    Ok(())
}

fn become_user(
    global: &Global,
    root: bool,
    kept: CapabilitySet,
) -> Result<(), (String, io::Error)> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: rustix::io::Errno| (what, io::Error::from(error))
    };
    let other_user = global.uid.filter(|uid| *uid != 0).is_some();
    if root && other_user && !kept.is_empty() {
        set_keep_capabilities(true).map_err(failed("keep capabilities"))?;
    }
    sys::set_groups_and_ids(global.uid, global.gid).map_err(|error| {
        let name = |id: Option<u32>| id.map_or_else(|| "unchanged".to_owned(), |id| id.to_string());
        (
            format!("set uid {} and gid {}", name(global.uid), name(global.gid)),
            error,
        )
    })?;
    if other_user && !kept.is_empty() {
        let sets = CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, sets).map_err(failed("keep the capabilities of 'setcap'"))?;
    }
    if !global.insecure[1] {
        set_no_new_privs(true).map_err(failed("renounce new privileges"))?;
    }
    Ok(())
}

/// The capabilities of these names, which the configuration's reader has checked.
fn kept(names: &[String]) -> CapabilitySet {
    let set = names.iter().map(|name| match name.as_str() {
        "cap_net_raw" => CapabilitySet::NET_RAW,
        "cap_net_admin" => CapabilitySet::NET_ADMIN,
        "cap_net_bind_service" => CapabilitySet::NET_BIND_SERVICE,
        "cap_sys_admin" => CapabilitySet::SYS_ADMIN,
        _ => CapabilitySet::empty(),
    });
    set.fold(CapabilitySet::empty(), CapabilitySet::union)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_by_name() {
        let names = ["cap_net_raw", "cap_net_bind_service"].map(str::to_owned);
        assert_eq!(
            kept(&names),
            CapabilitySet::NET_RAW | CapabilitySet::NET_BIND_SERVICE
        );
        assert!(kept(&[]).is_empty());
    }
}
