//! Dates as texts, and texts as dates.

use super::strftime::Calendar;
use super::{number, string, text};
use crate::args::spec::{OPT_INT, OPT_STR, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::{Convert, ConverterRow};
use crate::sample::{Type, Value};
use crate::view::View;
use base::calendar::{Day, MONTHS};

/// Seconds and nanoseconds of a time in so many units per second.
fn split(time: i64, per_second: i64) -> (i64, u32) {
    let fraction = time.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let nanos = u32::try_from(fraction).unwrap_or(0);
    (time.div_euclid(per_second), nanos)
}

/// Writes a date in the format of the first argument; the second one shifts it by seconds, whatever the unit.
fn format<'a>(
    args: &Args,
    value: &Value<'_>,
    per_second: i64,
    local: bool,
    view: &dyn View,
) -> Option<Value<'a>> {
    let (seconds, nanos) = split(number(value)?, per_second);
    let seconds = seconds.wrapping_add(args.int(1).unwrap_or(0));
    let nanos = (per_second > 1).then_some(nanos);
    let calendar = if local {
        let process = view.process();
        let zone = process.zone_name(seconds);
        Calendar::new(seconds, nanos, process.utc_offset(seconds), zone)
    } else {
        Calendar::new(seconds, nanos, 0, "GMT")
    };
    let mut out = Vec::with_capacity(32);
    calendar.format(args.str(0)?, &mut out);
    string(out)
}

/// One function per unit and zone.
macro_rules! formats {
    ($($name:ident $per_second:literal $local:literal;)*) => {
        $(fn $name<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
            format(args, &value, $per_second, $local, view)
        })*
    };
}

formats! {
    utime 1 false;
    ltime 1 true;
    ms_utime 1_000 false;
    ms_ltime 1_000 true;
    us_utime 1_000_000 false;
    us_ltime 1_000_000 true;
}

fn check_http_date(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let per_second = match args.str(1) {
        None => return Ok(()),
        Some(b"s") => 1,
        Some(b"ms") => 1_000,
        Some(b"us") => 1_000_000,
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(format!("expects 's', 'ms' or 'us', got '{other}'"));
        }
    };
    args.set(1, Arg::Int(per_second));
    Ok(())
}

fn http_date<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let per_second = args.int(1).unwrap_or(1);
    let time = number(&value)?.wrapping_add(args.int(0).unwrap_or(0));
    let (seconds, nanos) = split(time, per_second);
    let digits = match per_second {
        1 => 0,
        1_000 => 3,
        _ => 6,
    };
    let mut out = Vec::with_capacity(36);
    Calendar::new(seconds, Some(nanos), 0, "GMT").write_http(digits, &mut out);
    string(out)
}

/// A reader of fixed dates.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    }

    fn one_of(&mut self, names: &[&[u8]]) -> Option<i64> {
        let at = names.iter().position(|name| self.0.starts_with(name))?;
        self.0 = self.0.strip_prefix(*names.get(at)?)?;
        i64::try_from(at).ok()
    }

    fn month(&mut self) -> Option<i64> {
        let names = MONTHS.map(str::as_bytes);
        self.one_of(&names).map(|at| at + 1)
    }

    fn short_weekday(&mut self) -> Option<i64> {
        self.one_of(&[b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"])
    }

    /// Seconds of the day. Hours, minutes and seconds may be any two digits.
    fn time(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.literal(b":")?;
        let minute = self.digits(2)?;
        self.literal(b":")?;
        Some(hour * 3600 + minute * 60 + self.digits(2)?)
    }
}

/// Years before 1970 wrap around in days.
fn seconds(year: i64, month: i64, day: i64, time: i64) -> i64 {
    i64::from(Day { year, month, day }.number() as u32) * 86_400 + time
}

fn imf(text: &[u8]) -> Option<i64> {
    let mut reader = Reader(text);
    reader.short_weekday()?;
    reader.literal(b", ")?;
    let day = reader.digits(2)?;
    reader.literal(b" ")?;
    let month = reader.month()?;
    reader.literal(b" ")?;
    let year = reader.digits(4)?;
    reader.literal(b" ")?;
    let time = reader.time()?;
    reader.literal(b" GMT")?;
    Some(seconds(year, month, day, time))
}

fn rfc850(text: &[u8]) -> Option<i64> {
    let mut reader = Reader(text);
    reader.one_of(&[
        b"Sunday",
        b"Monday",
        b"Tuesday",
        b"Wednesday",
        b"Thursday",
        b"Friday",
        b"Saturday",
    ])?;
    reader.literal(b", ")?;
    let day = reader.digits(2)?;
    reader.literal(b"-")?;
    let month = reader.month()?;
    reader.literal(b"-")?;
    let short = reader.digits(2)?;
    let year = match reader.0.first() {
        Some(b'0'..=b'9') => short * 100 + reader.digits(2)?,
        _ if short > 60 => 1900 + short,
        _ => 2000 + short,
    };
    reader.literal(b" ")?;
    let time = reader.time()?;
    reader.literal(b" GMT")?;
    Some(seconds(year, month, day, time))
}

fn asctime(text: &[u8]) -> Option<i64> {
    let mut reader = Reader(text);
    reader.short_weekday()?;
    reader.literal(b" ")?;
    let month = reader.month()?;
    reader.literal(b" ")?;
    let day = match reader.literal(b" ") {
        Some(()) => reader.digits(1)?,
        None => reader.digits(2)?,
    };
    reader.literal(b" ")?;
    let time = reader.time()?;
    reader.literal(b" ")?;
    let year = reader.digits(4)?;
    Some(seconds(year, month, day, time))
}

fn date<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    imf(&text)
        .or_else(|| rfc850(&text))
        .or_else(|| asctime(&text))
        .map(Value::Int)
}

const fn time(name: &'static str, convert: Convert, doc: &'static str) -> ConverterRow {
    ConverterRow::new(name, Type::Int, Type::Str, convert, doc).args(&[STR, OPT_INT])
}

pub(super) static ROWS: &[ConverterRow] = &[
    time("utime", utime, "A date in UTC."),
    time("ltime", ltime, "A date in local time.").impure(),
    time("ms_utime", ms_utime, "A date in milliseconds in UTC."),
    time(
        "ms_ltime",
        ms_ltime,
        "A date in milliseconds in local time.",
    )
    .impure(),
    time("us_utime", us_utime, "A date in microseconds in UTC."),
    time(
        "us_ltime",
        us_ltime,
        "A date in microseconds in local time.",
    )
    .impure(),
    ConverterRow::new(
        "http_date",
        Type::Int,
        Type::Str,
        http_date,
        "A date for header fields.",
    )
    .args(&[OPT_INT, OPT_STR])
    .check(check_http_date),
    ConverterRow::new(
        "date",
        Type::Str,
        Type::Int,
        date,
        "The time of a header field's date.",
    ),
];
