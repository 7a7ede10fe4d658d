//! Durations and sizes as the configuration, the runtime API and converters write them (manual sections 2.5 and 2.6).
//!
//! Both are unsigned decimal integers with an optional unit. The parsers report *which* character is wrong, since
//! callers name it in their own messages.

use std::fmt;
use std::time::Duration;

/// A unit of time, from the shortest to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// `us`
    Microsecond,
    /// `ms`
    Millisecond,
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
}

impl TimeUnit {
    /// How many microseconds one of this unit lasts.
    pub const fn micros(self) -> u64 {
        match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1_000,
            Self::Second => 1_000_000,
            Self::Minute => 60 * 1_000_000,
            Self::Hour => 3_600 * 1_000_000,
            Self::Day => 86_400 * 1_000_000,
        }
    }

    /// The largest figure that a timer kept in this unit may have: HAProxy keeps timers in signed 32-bit ticks of one
    /// millisecond, and figures in other units in 31 bits as well.
    pub const fn max(self) -> u64 {
        i32::MAX as u64
    }

    fn suffix(text: &[u8]) -> Option<(Self, usize)> {
        match text {
            [b'u', b's', ..] => Some((Self::Microsecond, 2)),
            [b'm', b's', ..] => Some((Self::Millisecond, 2)),
            [b's', ..] => Some((Self::Second, 1)),
            [b'm', ..] => Some((Self::Minute, 1)),
            [b'h', ..] => Some((Self::Hour, 1)),
            [b'd', ..] => Some((Self::Day, 1)),
            _ => None,
        }
    }
}

/// Why a duration can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeError {
    /// There is nothing to read.
    Empty,
    /// The byte at this offset is neither a digit nor a unit.
    Character(usize),
    /// The figure exceeds what a timer can hold.
    Overflow,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty time value"),
            Self::Character(at) => write!(f, "unexpected character at offset {at}"),
            Self::Overflow => f.write_str("timer overflow"),
        }
    }
}

impl std::error::Error for TimeError {}

/// A duration that was read, in the unit that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// The figure, in the wanted unit, rounded up.
    pub value: u64,
    /// Offset of a stray byte after the unit (`1sx`): HAProxy warns about it and uses the value.
    pub trailing: Option<usize>,
}

/// Reads a duration into `unit`, which is also the unit of a figure without suffix.
///
/// A figure that falls between two values of `unit` is rounded up, so a figure that is not zero never becomes zero.
///
/// # Errors
/// See [`TimeError`]. A figure beyond 2147483647 of `unit` overflows.
pub fn parse_time(text: impl AsRef<[u8]>, unit: TimeUnit) -> Result<Time, TimeError> {
    let text = text.as_ref();
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Err(if text.is_empty() {
            TimeError::Empty
        } else {
            TimeError::Character(0)
        });
    }
    let rest = &text[digits..];
    let (written, used) = match TimeUnit::suffix(rest) {
        Some(found) => found,
        None if rest.is_empty() => (unit, 0),
        None => return Err(TimeError::Character(digits)),
    };
    let mut figure: u64 = 0;
    for digit in &text[..digits] {
        figure = figure
            .checked_mul(10)
            .and_then(|f| f.checked_add(u64::from(digit - b'0')))
            .ok_or(TimeError::Overflow)?;
    }
    let micros = u128::from(figure) * u128::from(written.micros());
    let value = micros.div_ceil(u128::from(unit.micros()));
    if value > u128::from(unit.max()) {
        return Err(TimeError::Overflow);
    }
    let end = digits + used;
    Ok(Time {
        value: value as u64,
        trailing: (end < text.len()).then_some(end),
    })
}

/// Reads a duration whose figure without suffix is in `unit`, with the precision of that unit.
///
/// # Errors
/// As [`parse_time`].
pub fn parse_duration(text: impl AsRef<[u8]>, unit: TimeUnit) -> Result<Duration, TimeError> {
    parse_time(text, unit).map(|t| Duration::from_micros(t.value.saturating_mul(unit.micros())))
}

/// Why a size can't be used. The offset is that of the byte from which the text makes no sense any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeError {
    /// There is nothing to read.
    Empty,
    /// The byte at this offset is neither a digit nor one of `k`, `m`, `g`, or follows the suffix.
    Character(usize),
    /// With the byte at this offset (a digit or the suffix) the size exceeds the limit.
    Overflow(usize),
}

impl SizeError {
    /// The offset of the offending byte. HAProxy's messages quote the text from here on.
    pub fn offset(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Character(at) | Self::Overflow(at) => at,
        }
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty size"),
            Self::Character(at) => write!(f, "unexpected character at offset {at}"),
            Self::Overflow(at) => write!(f, "size overflow at offset {at}"),
        }
    }
}

impl std::error::Error for SizeError {}

/// Reads a size in bytes with an optional suffix `k`, `m` or `g` (of either case, powers of 1024), below 4 GiB as most
/// keywords want it.
///
/// # Errors
/// See [`SizeError`].
pub fn parse_size(text: impl AsRef<[u8]>) -> Result<u32, SizeError> {
    let text = text.as_ref();
    if text.is_empty() {
        return Err(SizeError::Empty);
    }
    let mut size: u32 = 0;
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit() {
            size = size
                .checked_mul(10)
                .and_then(|size| size.checked_add(u32::from(byte - b'0')))
                .ok_or(SizeError::Overflow(at))?;
            continue;
        }
        let shift = match byte {
            _ if at == 0 => return Err(SizeError::Character(at)),
            b'k' | b'K' => 10,
            b'm' | b'M' => 20,
            b'g' | b'G' => 30,
            _ => return Err(SizeError::Character(at)),
        };
        if size > u32::MAX >> shift {
            return Err(SizeError::Overflow(at));
        }
        if at + 1 < text.len() {
            return Err(SizeError::Character(at + 1));
        }
        return Ok(size << shift);
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Result<u64, TimeError> {
        parse_time(text, TimeUnit::Millisecond).map(|t| t.value)
    }

    #[test]
    fn every_unit() {
        assert_eq!(ms("10"), Ok(10));
        assert_eq!(ms("1000us"), Ok(1));
        assert_eq!(ms("10ms"), Ok(10));
        assert_eq!(ms("2s"), Ok(2_000));
        assert_eq!(ms("2m"), Ok(120_000));
        assert_eq!(ms("1h"), Ok(3_600_000));
        assert_eq!(ms("24d"), Ok(24 * 86_400_000));
        assert_eq!(
            parse_duration("5", TimeUnit::Second),
            Ok(Duration::from_secs(5))
        );
        assert_eq!(
            parse_duration("1m", TimeUnit::Second),
            Ok(Duration::from_secs(60))
        );
    }

    #[test]
    fn fractions_round_up() {
        assert_eq!(ms("1us"), Ok(1));
        assert_eq!(ms("1001us"), Ok(2));
        assert_eq!(ms("0us"), Ok(0));
    }

    #[test]
    fn wrong_characters_are_named() {
        assert_eq!(ms(""), Err(TimeError::Empty));
        assert_eq!(ms("x"), Err(TimeError::Character(0)));
        assert_eq!(ms("-1"), Err(TimeError::Character(0)));
        assert_eq!(ms("1.5s"), Err(TimeError::Character(1)));
        assert_eq!(ms("12S"), Err(TimeError::Character(2)));
        assert_eq!(ms("1u"), Err(TimeError::Character(1)));
    }

    #[test]
    fn a_stray_character_after_the_unit_is_told() {
        let read = |t: &str| parse_time(t, TimeUnit::Millisecond);
        assert_eq!(
            read("1sx"),
            Ok(Time {
                value: 1000,
                trailing: Some(2)
            })
        );
        assert_eq!(
            read("1mm"),
            Ok(Time {
                value: 60_000,
                trailing: Some(2)
            })
        );
        assert_eq!(
            read("1usx"),
            Ok(Time {
                value: 1,
                trailing: Some(3)
            })
        );
    }

    #[test]
    fn timers_have_31_bits() {
        assert_eq!(ms("2147483647"), Ok(2_147_483_647));
        assert_eq!(ms("2147483648"), Err(TimeError::Overflow));
        assert_eq!(ms("25d"), Err(TimeError::Overflow));
        assert_eq!(ms("2147484s"), Err(TimeError::Overflow));
        assert_eq!(ms("18446744073709551616"), Err(TimeError::Overflow));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("10"), Ok(10));
        assert_eq!(parse_size("1k"), Ok(1024));
        assert_eq!(parse_size("1K"), Ok(1024));
        assert_eq!(parse_size("3m"), Ok(3 << 20));
        assert_eq!(parse_size("3G"), Ok(3 << 30));
        assert_eq!(parse_size("4294967295"), Ok(u32::MAX));
    }

    #[test]
    fn wrong_sizes_say_from_where() {
        assert_eq!(parse_size(""), Err(SizeError::Empty));
        assert_eq!(parse_size("k"), Err(SizeError::Character(0)));
        assert_eq!(parse_size("-1"), Err(SizeError::Character(0)));
        assert_eq!(parse_size("1.5"), Err(SizeError::Character(1)));
        assert_eq!(parse_size("1kb"), Err(SizeError::Character(2)));
        assert_eq!(parse_size("1t"), Err(SizeError::Character(1)));
        assert_eq!(parse_size("4g"), Err(SizeError::Overflow(1)));
        assert_eq!(parse_size("4294967296"), Err(SizeError::Overflow(9)));
        assert_eq!(parse_size("99999999999"), Err(SizeError::Overflow(9)));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            for unit in [TimeUnit::Microsecond, TimeUnit::Second, TimeUnit::Day] {
                if let Err(TimeError::Character(at)) = parse_time(&text, unit) {
                    prop_assert!(at < text.len());
                }
            }
            if let Err(error) = parse_size(&text) {
                prop_assert!(error.offset() <= text.len());
            }
        }

        #[test]
        fn a_plain_figure_is_itself(figure in 0u32..=i32::MAX as u32) {
            prop_assert_eq!(ms(&figure.to_string()), Ok(u64::from(figure)));
            prop_assert_eq!(parse_size(figure.to_string()), Ok(figure));
        }
    }
}
