//! The predicates of conditions (manual section 2.4).

use crate::env::Env;
use crate::version::{Version, parse_openssl};

/// What predicates ask about the running program.
pub trait Facts {
    /// Whether `name` is among the features that were built in (`+name` in the list of `-vv`). Case counts.
    fn feature(&self, name: &str) -> bool;

    /// Whether the run-time option `name` (`EPOLL`, `SPLICE`, ...) is enabled; `None` if there is no such option, which
    /// counts as disabled.
    fn enabled(&self, name: &str) -> Option<bool>;

    /// The version, such as `3.4.0` or `3.4-dev3`.
    fn version(&self) -> &str;

    /// The TLS library's name and version, such as `OpenSSL 3.0.2`; `None` without TLS.
    fn ssl_library(&self) -> Option<&str> {
        None
    }

    /// The OpenSSL version that the TLS library claims to be compatible with, as `0xMNNFFPPS`; `None` without TLS.
    fn openssl_version(&self) -> Option<u32> {
        None
    }

    /// The API number of AWS-LC; `None` if the TLS library is another one.
    fn awslc_api(&self) -> Option<u32> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predicate {
    AwslcApiAtleast,
    AwslcApiBefore,
    Defined,
    Enabled,
    Feature,
    OpensslVersionAtleast,
    OpensslVersionBefore,
    SsllibNameStartswith,
    Streq,
    Strneq,
    Strstr,
    VersionAtleast,
    VersionBefore,
}

impl Predicate {
    const ALL: [(&'static str, Self); 13] = [
        ("awslc_api_atleast", Self::AwslcApiAtleast),
        ("awslc_api_before", Self::AwslcApiBefore),
        ("defined", Self::Defined),
        ("enabled", Self::Enabled),
        ("feature", Self::Feature),
        ("openssl_version_atleast", Self::OpensslVersionAtleast),
        ("openssl_version_before", Self::OpensslVersionBefore),
        ("ssllib_name_startswith", Self::SsllibNameStartswith),
        ("streq", Self::Streq),
        ("strneq", Self::Strneq),
        ("strstr", Self::Strstr),
        ("version_atleast", Self::VersionAtleast),
        ("version_before", Self::VersionBefore),
    ];

    pub fn find(name: &[u8]) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| known.as_bytes() == name)
            .map(|&(_, predicate)| predicate)
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|&(name, _)| name)
    }

    /// How many arguments it takes.
    pub fn arity(self) -> usize {
        if matches!(self, Self::Streq | Self::Strneq | Self::Strstr) {
            2
        } else {
            1
        }
    }

    /// `None` if the arguments make no sense to it.
    pub fn eval(self, args: &[Vec<u8>], env: &Env, facts: &dyn Facts) -> Option<bool> {
        let (first, second): (&[u8], &[u8]) = (
            args.first().map_or(b"", Vec::as_slice),
            args.get(1).map_or(b"", Vec::as_slice),
        );
        let text = String::from_utf8_lossy(first);
        let version = || Version::parse(facts.version()).cmp(&Version::parse(&text));
        let openssl =
            || parse_openssl(&text).map(|wanted| facts.openssl_version().map(|is| is.cmp(&wanted)));
        let awslc = || Some(facts.awslc_api()?.cmp(&text.parse().ok()?));
        Some(match self {
            Self::AwslcApiAtleast => awslc()?.is_ge(),
            Self::AwslcApiBefore => awslc()?.is_lt(),
            Self::Defined => env.get_bytes(first).is_some(),
            Self::Enabled => facts.enabled(&text).unwrap_or(false),
            Self::Feature => facts.feature(&text),
            Self::OpensslVersionAtleast => openssl()?.is_some_and(|o| o.is_ge()),
            Self::OpensslVersionBefore => openssl()?.is_some_and(|o| o.is_lt()),
            Self::SsllibNameStartswith => facts
                .ssl_library()
                .is_some_and(|name| name.starts_with(&*text)),
            Self::Streq => first == second,
            Self::Strneq => first != second,
            Self::Strstr => memchr::memmem::find(first, second).is_some(),
            Self::VersionAtleast => version().is_ge(),
            Self::VersionBefore => version().is_lt(),
        })
    }
}
