//! Dates in answers: `21/Nov/2026:09:37:56.144`, in local time.

use base::calendar::Day;
use expr::view::Date;
use std::fmt::Write;

/// A date in local time with so many digits of the second, 3 or 6.
pub fn local(date: Date, digits: usize) -> String {
    let seconds = date.seconds + i64::from(sys::utc_offset(date.seconds));
    let day = Day::of(seconds.div_euclid(86400));
    let second = seconds.rem_euclid(86400);
    let mut out = format!(
        "{:02}/{}/{:04}:{:02}:{:02}:{:02}.",
        day.day,
        day.month_name(),
        day.year,
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    let _ = match digits {
        3 => write!(out, "{:03}", date.micros / 1000),
        _ => write!(out, "{:06}", date.micros),
    };
    out
}
