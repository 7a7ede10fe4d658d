//! Calendar dates and their formats, as the C locale of strftime(3) has them.

use crate::cast;
use base::calendar::Day;
use std::io::Write;

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Seconds since 1970 are cut to so many bits.
const SECONDS_MASK: i64 = (1 << 55) - 1;

/// A date with time of day in some zone.
pub(super) struct Calendar<'z> {
    date: Day,
    hour: i64,
    minute: i64,
    second: i64,
    /// From 0, Sunday.
    weekday: i64,
    /// From 0.
    yearday: i64,
    epoch: i64,
    nanos: Option<u32>,
    offset: i32,
    zone: &'z str,
}

impl<'z> Calendar<'z> {
    /// The date at a time in seconds since 1970, in a zone so many seconds ahead of UTC. Nanoseconds are there for the
    /// `%N` of finer clocks.
    pub(super) fn new(seconds: i64, nanos: Option<u32>, offset: i32, zone: &'z str) -> Self {
        let epoch = seconds & SECONDS_MASK;
        let local = epoch + i64::from(offset);
        let days = local.div_euclid(86_400);
        let of_day = local.rem_euclid(86_400);
        let date = Day::of(days);
        Self {
            date,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            weekday: (days + 4).rem_euclid(7),
            yearday: days
                - Day {
                    month: 1,
                    day: 1,
                    ..date
                }
                .number(),
            epoch,
            nanos,
            offset,
            zone,
        }
    }

    fn day_name(&self) -> &'static str {
        DAYS.get(self.weekday as usize).copied().unwrap_or_default()
    }

    fn month_name(&self) -> &'static str {
        MONTHS
            .get(self.date.month as usize - 1)
            .copied()
            .unwrap_or_default()
    }

    fn hour12(&self) -> i64 {
        (self.hour + 11) % 12 + 1
    }

    /// Year and week of ISO 8601.
    fn iso_week(&self) -> (i64, i64) {
        let monday_based = (self.weekday + 6) % 7;
        let week = (self.yearday - monday_based + 10) / 7;
        if week < 1 {
            let year = self.date.year - 1;
            return (year, weeks_in(year));
        }
        if week > weeks_in(self.date.year) {
            return (self.date.year + 1, 1);
        }
        (self.date.year, week)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), with so many digits of fractions of a second behind a
    /// dot. As HAProxy writes them, they lack their leading zeros.
    pub(super) fn write_http(&self, digits: u32, out: &mut Vec<u8>) {
        self.format(b"%a, %d %b %Y %H:%M:%S", out);
        if digits > 0 {
            let unit = 10u32.pow(9u32.saturating_sub(digits));
            out.push(b'.');
            cast::write_uint(u64::from(self.nanos.unwrap_or(0) / unit), out);
        }
        out.extend_from_slice(b" GMT");
    }

    fn write_nanos(&self, digits: usize, out: &mut Vec<u8>) {
        let text = format!("{:09}", self.nanos.unwrap_or(0));
        out.extend_from_slice(text.as_bytes().get(..digits.min(9)).unwrap_or_default());
    }

    /// Writes the date in a format. What is no conversion is copied.
    pub(super) fn format(&self, format: &[u8], out: &mut Vec<u8>) {
        let mut rest = format;
        while let Some(at) = memchr::memchr(b'%', rest) {
            out.extend_from_slice(rest.get(..at).unwrap_or_default());
            let spec = rest.get(at..).unwrap_or_default();
            let used = self.conversion(spec, out).unwrap_or_else(|| {
                out.push(b'%');
                1
            });
            rest = spec.get(used..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }

    /// Writes the conversion at the start of `spec`, which is its percent sign, and returns its length.
    fn conversion(&self, spec: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let mut at = 1;
        let flag = |b: &u8| matches!(b, b'_' | b'-' | b'0' | b'^' | b'#');
        let flags = spec.get(1..)?.iter().take_while(|b| flag(b)).count();
        let flags = spec.get(1..1 + flags)?;
        at += flags.len();
        let digits = spec.get(at..)?.iter().take_while(|b| b.is_ascii_digit());
        let digits = spec.get(at..at + digits.count())?;
        at += digits.len();
        let width = digits
            .iter()
            .fold(0usize, |n, b| (n * 10 + usize::from(b - b'0')).min(1024));
        let modifier = spec.get(at).copied().filter(|b| matches!(b, b'E' | b'O'));
        at += usize::from(modifier.is_some());
        let letter = *spec.get(at)?;
        if !takes_modifier(letter, modifier) {
            return None;
        }
        if letter == b'N' && modifier.is_none() && self.nanos.is_some() {
            // A leading zero is a part of the width here, no flag.
            if flags.iter().any(|b| *b != b'0') {
                return None;
            }
            let given = !flags.is_empty() || !digits.is_empty();
            self.write_nanos(if given { width } else { 9 }, out);
            return Some(at + 1);
        }
        let field = self.field(letter)?;
        field.write(flags, width, out);
        Some(at + 1)
    }

    fn field(&self, letter: u8) -> Option<Field> {
        let number = |value: i64, width: usize, pad: u8| Field::Number { value, width, pad };
        let two = |value: i64| number(value, 2, b'0');
        let nested = |format: &[u8]| {
            let mut out = Vec::new();
            self.format(format, &mut out);
            Field::Text(out)
        };
        let text = |text: &str| Field::Text(text.as_bytes().to_vec());
        let short = |name: &str| Field::Text(name.as_bytes().get(..3).unwrap_or_default().to_vec());
        let afternoon = self.hour >= 12;
        Some(match letter {
            b'a' => short(self.day_name()),
            b'A' => text(self.day_name()),
            b'b' | b'h' => short(self.month_name()),
            b'B' => text(self.month_name()),
            b'c' => nested(b"%a %b %e %H:%M:%S %Y"),
            b'C' => two(self.date.year.div_euclid(100)),
            b'd' => two(self.date.day),
            b'D' | b'x' => nested(b"%m/%d/%y"),
            b'e' => number(self.date.day, 2, b' '),
            b'F' => nested(b"%Y-%m-%d"),
            b'g' => two(self.iso_week().0.rem_euclid(100)),
            b'G' => number(self.iso_week().0, 1, b'0'),
            b'H' => two(self.hour),
            b'I' => two(self.hour12()),
            b'j' => number(self.yearday + 1, 3, b'0'),
            b'k' => number(self.hour, 2, b' '),
            b'l' => number(self.hour12(), 2, b' '),
            b'm' => two(self.date.month),
            b'M' => two(self.minute),
            b'n' => text("\n"),
            b'p' => Field::Lowered(if afternoon { b"PM" } else { b"AM" }.to_vec()),
            b'P' => text(if afternoon { "pm" } else { "am" }),
            b'r' => nested(b"%I:%M:%S %p"),
            b'R' => nested(b"%H:%M"),
            b's' => number(self.epoch, 1, b'0'),
            b'S' => two(self.second),
            b't' => text("\t"),
            b'T' | b'X' => nested(b"%H:%M:%S"),
            b'u' => number((self.weekday + 6) % 7 + 1, 1, b'0'),
            b'U' => two((self.yearday + 7 - self.weekday) / 7),
            b'V' => two(self.iso_week().1),
            b'w' => number(self.weekday, 1, b'0'),
            b'W' => two((self.yearday + 7 - (self.weekday + 6) % 7) / 7),
            b'y' => two(self.date.year.rem_euclid(100)),
            b'Y' => number(self.date.year, 1, b'0'),
            b'z' => {
                let minutes = self.offset.unsigned_abs() / 60;
                let sign = if self.offset < 0 { '-' } else { '+' };
                text(&format!("{sign}{:02}{:02}", minutes / 60, minutes % 60))
            }
            b'Z' => Field::Lowered(self.zone.as_bytes().to_vec()),
            b'%' => text("%"),
            _ => return None,
        })
    }
}

/// Whether a conversion may carry the modifier, which changes nothing in this locale.
fn takes_modifier(letter: u8, modifier: Option<u8>) -> bool {
    match modifier {
        Some(b'E') => !b"aAbBdDeFgGhHIjklmMSUVwW".contains(&letter),
        Some(_) => !b"aAcDFxXY".contains(&letter),
        None => true,
    }
}

/// Weeks of a year of ISO 8601: 53 when it begins or, being a leap year, ends with a Thursday.
fn weeks_in(year: i64) -> i64 {
    let weekday = |month, day| (Day { year, month, day }.number() + 4).rem_euclid(7);
    let (first, last) = (weekday(1, 1), weekday(12, 31));
    if first == 4 || last == 4 { 53 } else { 52 }
}

enum Field {
    Number {
        value: i64,
        width: usize,
        pad: u8,
    },
    Text(Vec<u8>),
    /// Like a text, but lower case is what its `#` asks for.
    Lowered(Vec<u8>),
}

impl Field {
    /// Writes a field as flags (`_` spaces, `0` zeros, `-` nothing, `^` upper case, `#` other case) and width ask for.
    fn write(self, flags: &[u8], wanted: usize, out: &mut Vec<u8>) {
        let padding = flags.iter().rev().find(|b| matches!(b, b'_' | b'-' | b'0'));
        let has = |flag| flags.contains(&flag);
        let text_pad = if padding == Some(&b'0') { b'0' } else { b' ' };
        let (mut text, width, pad) = match self {
            Self::Number { value, width, pad } => {
                let mut text = Vec::with_capacity(20);
                drop(write!(text, "{value}"));
                match padding {
                    Some(b'_') => (text, width.max(wanted), b' '),
                    Some(b'0') => (text, width.max(wanted), b'0'),
                    Some(_) => (text, 0, pad),
                    None => (text, width.max(wanted), pad),
                }
            }
            Self::Text(mut text) => {
                if has(b'^') || has(b'#') {
                    text.make_ascii_uppercase();
                }
                (text, wanted, text_pad)
            }
            Self::Lowered(mut text) => {
                if has(b'#') {
                    text.make_ascii_lowercase();
                } else if has(b'^') {
                    text.make_ascii_uppercase();
                }
                (text, wanted, text_pad)
            }
        };
        out.extend(std::iter::repeat_n(pad, width.saturating_sub(text.len())));
        out.append(&mut text);
    }
}
