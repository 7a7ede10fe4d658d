//! Version numbers as the predicates compare them.

/// Orders HAProxy's version strings: `3.4-dev3` < `3.4-rc1` < `3.4.0` < `3.4.0-5` < `3.4.1`. What is missing counts
/// as zero, and what is not understood ends the version.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    numbers: [u64; 3],
    stage: u8,
    build: u64,
    commits: u64,
}

impl Version {
    pub fn parse(text: &str) -> Self {
        let mut rest = text.trim_start();
        let mut numbers = [0; 3];
        if rest.starts_with('-') {
            // HAProxy reads a negative number as a huge one here.
            numbers[0] = u64::MAX;
        }
        for (index, number) in numbers.iter_mut().enumerate() {
            let next = if index == 0 {
                Some(rest)
            } else {
                rest.strip_prefix('.')
            };
            let Some(next) = next.filter(|n| n.starts_with(|c: char| c.is_ascii_digit())) else {
                break;
            };
            (*number, rest) = leading_number(next);
        }
        let mut version = Self {
            numbers,
            stage: 2,
            build: 0,
            commits: 0,
        };
        for (prefix, stage) in [("-dev", 0), ("-rc", 1)] {
            if let Some(after) = rest.strip_prefix(prefix) {
                version.stage = stage;
                (version.build, rest) = leading_number(after);
            }
        }
        if let Some(after) = rest.strip_prefix('-') {
            version.commits = leading_number(after).0;
        }
        version
    }
}

fn leading_number(text: &str) -> (u64, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (
        if digits == 0 {
            0
        } else {
            number.parse().unwrap_or(u64::MAX)
        },
        rest,
    )
}

/// Reads an OpenSSL version (`1.1.1w`, `3.0.2-beta1`) as OpenSSL's own number `0xMNNFFPPS`: major, minor, fix, patch,
/// and status (0 development, 1 to 14 beta, 15 release). All three numbers are mandatory.
pub(crate) fn parse_openssl(text: &str) -> Option<u32> {
    let mut rest = text;
    let mut numbers = [0u64; 3];
    for (index, number) in numbers.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('.')?;
        }
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        (*number, rest) = leading_number(rest);
    }
    let letters = rest.bytes().take_while(u8::is_ascii_lowercase);
    let patch = letters.fold(0u64, |sum, letter| {
        sum.saturating_add(u64::from(letter - b'a') + 1)
    });
    let status = if rest.contains("-dev") {
        0
    } else if let Some(at) = rest.find("-beta") {
        leading_number(&rest[at + 5..]).0.min(14)
    } else {
        15
    };
    let [major, minor, fix] = numbers;
    Some(
        ((major.min(15) << 28)
            | (minor.min(255) << 20)
            | (fix.min(255) << 12)
            | (patch.min(255) << 4)
            | status) as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let order = [
            "2.9",
            "3.4-dev3",
            "3.4-dev19",
            "3.4-rc1",
            "3.4.0",
            "3.4.0-1",
            "3.4.1",
            "3.5-dev0",
            "4",
        ];
        for pair in order.windows(2) {
            assert!(
                Version::parse(pair[0]) < Version::parse(pair[1]),
                "{pair:?}"
            );
        }
        assert_eq!(Version::parse("3.4"), Version::parse("3.4.0-abc"));
        assert_eq!(Version::parse("a"), Version::parse(""));
        assert_eq!(Version::parse(" 3."), Version::parse("3.0.0"));
        assert!(Version::parse("-1") > Version::parse("3.4.0"));
        assert!(Version::parse("99999999999999999999999.0") > Version::parse("3.4.0"));
    }

    #[test]
    fn openssl_numbers() {
        assert_eq!(parse_openssl("1.1.1"), Some(0x1010_100f));
        assert_eq!(parse_openssl("1.1.1w"), Some(0x1010_117f));
        assert_eq!(parse_openssl("3.0.0-beta2"), Some(0x3000_0002));
        assert_eq!(parse_openssl("3.0.0-dev"), Some(0x3000_0000));
        assert_eq!(parse_openssl("1.1"), None);
        assert_eq!(parse_openssl("foo"), None);
    }
}
