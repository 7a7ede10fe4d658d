//! Dates as logs show them.

use std::cell::Cell;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Year, month (from 1) and day of a day counted from 1970-01-01, in the Gregorian calendar.
pub(crate) fn civil(days: i64) -> (i64, usize, u32) {
    // Years are counted from March, so that the leap day comes last; 146,097 days are 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        usize::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

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
    let (year, month, day) = civil(local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    two(i64::from(day), out);
    out.push(b'/');
    out.extend_from_slice(MONTHS.get(month - 1).map_or(&b"Jan"[..], |m| &m[..]));
    out.push(b'/');
    two(year / 100, out);
    two(year % 100, out);
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
