//! Which version this is, and what was built in.

use crate::args::VersionForm;
use crate::features;
use std::fmt::Write;

/// The HAProxy version whose behaviour is matched.
pub const HAPROXY: &str = "3.4.0";
/// The branch of that version.
pub const BRANCH: &str = "3.4";
/// When this version was released.
const DATE: &str = "2026/11/21";

/// HAProxy's version with ours behind it, in the form of its own packaged versions.
pub fn full() -> String {
    format!("{HAPROXY}-hapax{}", env!("CARGO_PKG_VERSION"))
}

/// What `-vq` and its kin print.
pub fn bare(form: VersionForm) -> String {
    match form {
        VersionForm::Full => full(),
        VersionForm::Short => HAPROXY.to_owned(),
        VersionForm::Branch => BRANCH.to_owned(),
    }
}

/// What precedes the first message of a run: who is speaking.
pub fn introduction() -> Vec<String> {
    let path = std::env::current_exe().map(|path| path.display().to_string());
    let mut lines = vec![format!("hapax version is {}", full())];
    lines.extend(path.map(|path| format!("path to executable is {path}")));
    lines
}

/// What `-v` prints. Tools look for the first line's `HAProxy version`.
pub fn short() -> String {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    format!(
        "HAProxy version {} {DATE} - hapax, a proxy that is compatible with HAProxy {BRANCH}\n\
         Status: development version {} of hapax, not made by the HAProxy project.\n\
         Running on: {} {} {} {}\n",
        full(),
        env!("CARGO_PKG_VERSION"),
        text(system.sysname()),
        text(system.release()),
        text(system.version()),
        text(system.machine()),
    )
}

/// What `-vv` prints.
pub fn long() -> String {
    let mut out = short();
    let defaults = model::Global::default();
    let threads = crate::limits::usable_cpus();
    let _ = write!(
        out,
        "Build options : \n  TARGET  = {}\n  PROFILE = {}\n  OPTIONS = \n\nFeature list : {}\n\n\
         Default settings :\n  bufsize = {}, maxrewrite = {}\n\n\
         Built with multi-threading support (default={threads}).\n\
         Built with SSL library version : rustls 0.23 over AWS-LC, with OpenSSL 3.0's names and numbers\n\
         SSL library supports TLS extensions : yes\n\
         SSL library supports SNI : yes\n\
         SSL library supports : TLSv1.2 TLSv1.3\n\
         Built without compression.\n\n\
         Available polling systems :\n      epoll : pref=300,  test result OK\nTotal: 1 (1 usable), will use epoll.\n\n\
         Available multiplexer protocols :\n\
         (protocols marked as <default> cannot be specified using 'proto' keyword)\n",
        target(),
        if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        features::list(),
        defaults.buffer_size,
        defaults.rewrite_reserve,
    );
    for (name, mode, mux, flags) in features::MULTIPLEXERS {
        let _ = writeln!(
            out,
            "{name:>11} : mode={mode:<4}  side=FE|BE  mux={mux:<4}  flags={flags}"
        );
    }
    out.push_str("\nAvailable services : prometheus-exporter\nAvailable filters : none\n");
    out
}

/// The platform as HAProxy's build names it.
fn target() -> &'static str {
    match (cfg!(target_os = "linux"), cfg!(target_env = "musl")) {
        (true, true) => "linux-musl",
        (true, false) => "linux-glibc",
        (false, _) => "generic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that HAProxy's own test driver picks from `-vv`, and what it makes of them.
    #[test]
    fn test_drivers_find_their_lines() {
        let text = long();
        let picked: Vec<&str> = text
            .lines()
            .filter(|line| {
                line.contains("HAProxy version")
                    || (line.contains("TARGET") && line.contains('='))
                    || line.starts_with("Feature")
                    || line.starts_with("Available services")
            })
            .collect();
        let [version, target, features, services] = picked[..] else {
            panic!("{picked:?}");
        };
        assert_eq!(version.split(' ').nth(2), Some(full().as_str()));
        assert!(target.contains("TARGET  = linux-"));
        assert!(features.contains(" +EPOLL ") && features.contains(" +OPENSSL "));
        assert_eq!(services, "Available services : prometheus-exporter");
    }

    #[test]
    fn forms_of_the_version() {
        assert_eq!(bare(VersionForm::Short), "3.4.0");
        assert_eq!(bare(VersionForm::Branch), "3.4");
        assert!(bare(VersionForm::Full).starts_with("3.4.0-hapax"));
    }
}
