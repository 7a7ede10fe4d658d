//! What is built in, by HAProxy's names for it, and what conditions may ask about the program.

use crate::args::Options;
use config::Facts;

/// Every name in HAProxy's feature list, and whether the thing it names is built in here.
const FEATURES: &[(&str, bool)] = &[
    ("51DEGREES", false),
    ("ACCEPT4", true),
    ("ACME", false),
    ("BACKTRACE", false),
    ("CLOSEFROM", false),
    ("CPU_AFFINITY", true),
    ("CRYPT_H", false),
    ("DEVICEATLAS", false),
    ("DL", false),
    ("ECH", false),
    ("ENGINE", false),
    ("EPOLL", true),
    ("EVPORTS", false),
    ("GETADDRINFO", true),
    ("HAVE_TCP_MD5SIG", true),
    ("KQUEUE", false),
    ("KTLS", false),
    ("LIBATOMIC", false),
    ("LIBCRYPT", false),
    ("LINUX_CAP", true),
    ("LINUX_SPLICE", true),
    ("LINUX_TPROXY", true),
    ("LUA", false),
    ("MATH", false),
    ("MEMORY_PROFILING", false),
    ("NETFILTER", false),
    ("NS", false),
    ("OBSOLETE_LINKER", false),
    ("OPENSSL", true),
    ("OPENSSL_AWSLC", false),
    ("OPENSSL_WOLFSSL", false),
    ("OT", false),
    ("PCRE", false),
    ("PCRE2", false),
    ("PCRE2_JIT", false),
    ("PCRE_JIT", false),
    ("POLL", false),
    ("PRCTL", true),
    ("PROCCTL", false),
    ("PROMEX", true),
    ("PTHREAD_EMULATION", false),
    ("QUIC", false),
    ("QUIC_OPENSSL_COMPAT", false),
    ("RT", false),
    ("SHM_OPEN", false),
    ("SLZ", false),
    ("SSL", true),
    ("STATIC_PCRE", false),
    ("STATIC_PCRE2", false),
    ("TFO", false),
    ("THREAD", true),
    ("THREAD_DUMP", false),
    ("TPROXY", true),
    ("TRACE", false),
    ("WURFL", false),
    ("ZLIB", false),
];

/// Multiplexers as `-vv` lists them: name, mode, multiplexer, flags.
pub const MULTIPLEXERS: &[(&str, &str, &str, &str)] = &[
    ("<default>", "HTTP", "H1", "HTX"),
    ("h1", "HTTP", "H1", "HTX|NO_UPG"),
    ("<default>", "TCP", "PASS", ""),
    ("none", "TCP", "PASS", "NO_UPG"),
];

/// The feature list of `-vv`.
pub fn list() -> String {
    let mark = |built| if built { '+' } else { '-' };
    let names: Vec<String> = FEATURES
        .iter()
        .map(|(name, built)| format!("{}{name}", mark(*built)))
        .collect();
    names.join(" ")
}

/// What the conditions of a configuration may ask about this program.
pub struct Program {
    reuseport: bool,
    splice: bool,
    forward: bool,
}

impl Program {
    /// The program as these options leave it.
    pub fn new(options: &Options) -> Self {
        Self {
            reuseport: !options.no_reuseport,
            splice: !options.no_splice && has("LINUX_SPLICE"),
            forward: !options.no_splice,
        }
    }
}

fn has(name: &str) -> bool {
    FEATURES
        .iter()
        .any(|(known, built)| *known == name && *built)
}

impl Facts for Program {
    fn feature(&self, name: &str) -> bool {
        has(name)
    }

    fn enabled(&self, name: &str) -> Option<bool> {
        match name {
            "EPOLL" | "GETADDRINFO" => Some(true),
            "POLL" | "EVPORTS" | "KQUEUE" => Some(false),
            "SPLICE" => Some(self.splice),
            "REUSEPORT" => Some(self.reuseport),
            "FAST-FORWARD" => Some(self.forward),
            "SERVER-SSL-VERIFY-NONE" => Some(false),
            _ => None,
        }
    }

    fn version(&self) -> &str {
        crate::version::HAPROXY
    }

    // Files ask for the library to know how TLS behaves: which options there are, what ciphers are called, which numbers
    // errors have. All of that is as with OpenSSL 3.0 here, whoever does the work.
    fn ssl_library(&self) -> Option<&str> {
        Some("OpenSSL 3.0.0 compatible")
    }

    fn openssl_version(&self) -> Option<u32> {
        Some(0x3000_000f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(FEATURES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn conditions_see_the_list() {
        let program = Program::new(&Options {
            no_reuseport: true,
            ..Options::default()
        });
        assert!(
            program.feature("EPOLL") && program.feature("OPENSSL") && !program.feature("epoll")
        );
        assert_eq!(
            (
                program.enabled("REUSEPORT"),
                program.enabled("EPOLL"),
                program.enabled("X")
            ),
            (Some(false), Some(true), None)
        );
    }
}
