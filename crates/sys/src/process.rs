//! Becoming a daemon and another user.

use std::ffi::c_int;
use std::io;

/// Detaches from the terminal: forks, lets the parent exit with status 0, and starts a session of its own.
///
/// Must be called before any thread is started.
///
/// # Errors
/// Those of `fork(2)`.
pub fn daemonize(before_parent_exits: impl FnOnce(u32)) -> io::Result<()> {
    // SAFETY: the caller promises that there is only this thread, so the child may go on as the parent would.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        child => {
            before_parent_exits(child as u32);
            // SAFETY: leaves without running destructors, which belong to the child now.
            unsafe { libc::_exit(0) }
        }
    }
    rustix::process::setsid()?;
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Changes group, supplementary groups and user of the whole process.
///
/// # Errors
/// Those of `setgroups(2)`, `setgid(2)` and `setuid(2)`.
pub fn set_groups_and_ids(uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let check = |outcome: c_int| {
        if outcome == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    };
    if let Some(gid) = gid {
        // SAFETY: plain calls with plain numbers; libc changes every thread.
        unsafe {
            if libc::getgroups(0, std::ptr::null_mut()) > 0 {
                check(libc::setgroups(0, std::ptr::null()))?;
            }
            check(libc::setgid(gid))?;
        }
    }
    if let Some(uid) = uid {
        // SAFETY: as above.
        check(unsafe { libc::setuid(uid) })?;
    }
    Ok(())
}

/// Raises the limit on open descriptors to `wanted`, the hard limit included where that is allowed, and says what it is.
///
/// # Errors
/// Those of `setrlimit(2)`.
pub fn raise_descriptor_limit(wanted: u64) -> io::Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(now.current.unwrap_or(u64::MAX));
    }
    let hard = now.maximum.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(wanted),
        maximum: Some(hard.max(wanted)),
    };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(wanted);
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(hard.min(wanted)),
            maximum: now.maximum,
        },
    )?;
    Ok(hard.min(wanted))
}

/// Ends the process by a signal, with the signal's own meaning whatever was installed for it.
pub fn end_by_signal(signal: c_int) {
    // SAFETY: the default action of a signal refers to no code of this process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Holds signals back until [`release_signals`], also beyond `execve(2)`, so that none comes while nobody listens.
pub fn hold_signals() {
    mask(libc::SIG_SETMASK, true);
}

/// Lets signals through, those held back first.
pub fn release_signals() {
    mask(libc::SIG_SETMASK, false);
}

fn mask(how: c_int, all: bool) {
    // SAFETY: the set is initialised by `sigfillset` or `sigemptyset` before it is used, and outlives the calls.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        if all {
            libc::sigfillset(&raw mut set);
        } else {
            libc::sigemptyset(&raw mut set);
        }
        libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut());
    }
}
