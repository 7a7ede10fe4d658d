//! Dates as logs show them.

use base::calendar::Day;
use std::cell::Cell;

fn two(value: i64, out: &mut Vec<u8>) {
    out.push(b'0' + (value / 10 % 10) as u8);
    out.push(b'0' + (value % 10) as u8);
}

thread_local! {
    /// The second written last, and its text: a busy proxy writes the same one thousands of times.
    static LAST: Cell<(i64, [u8; 20])> = const { Cell::new((i64::MIN, [0; 20])) };
}

/// Writes `21/Nov/2026:03:58:01` of a local time in seconds since 1970.
fn write_seconds(local: i64, out: &mut Vec<u8>) {
    let (second, text) = LAST.get();
    if second == local {
        return out.extend_from_slice(&text);
    }
    let start = out.len();
    compose_seconds(local, out);
    if let Ok(text) = out.get(start..).unwrap_or_default().try_into() {
        LAST.set((local, text));
    }
}

fn compose_seconds(local: i64, out: &mut Vec<u8>) {
    let date = Day::of(local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    two(date.day, out);
    out.push(b'/');
    out.extend_from_slice(date.month_name().as_bytes());
    out.push(b'/');
    two(date.year / 100, out);
    two(date.year % 100, out);
    for part in [second / 3600, second / 60 % 60, second % 60] {
        out.push(b':');
        two(part, out);
    }
}

/// Writes `21/Nov/2026:03:58:01.724`, in the zone that is `offset` seconds ahead of UTC.
pub fn write_log_date(seconds: i64, millis: u32, offset: i32, out: &mut Vec<u8>) {
    write_seconds(seconds + i64::from(offset), out);
    let millis = i64::from(millis);
    out.push(b'.');
    out.push(b'0' + (millis / 100 % 10) as u8);
    two(millis % 100, out);
}

/// Writes `21/Nov/2026:03:58:01 +0000`, in the zone that is `offset` seconds ahead of UTC.
pub fn write_clf_date(seconds: i64, offset: i32, out: &mut Vec<u8>) {
    write_seconds(seconds + i64::from(offset), out);
    out.push(b' ');
    out.push(if offset < 0 { b'-' } else { b'+' });
    let minutes = i64::from(offset.unsigned_abs()) / 60;
    two(minutes / 60, out);
    two(minutes % 60, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut out = Vec::new();
        write_log_date(1_795_233_481, 724, 0, &mut out);
        assert_eq!(out, b"21/Nov/2026:03:58:01.724");
        out.clear();
        write_clf_date(951_782_400, -12_600, &mut out);
        assert_eq!(out, b"28/Feb/2000:20:30:00 -0330");
        out.clear();
        write_clf_date(951_782_400, 0, &mut out);
        assert_eq!(out, b"29/Feb/2000:00:00:00 +0000");
    }
}
