//! Dates in answers: `21/Nov/2026:09:37:56.144`, in local time.

use expr::view::Date;
use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A date in local time with so many digits of the second, 3 or 6.
pub fn local(date: Date, digits: usize) -> String {
    let seconds = date.seconds + i64::from(sys::utc_offset(date.seconds));
    let (year, month, day) = civil(seconds.div_euclid(86400));
    let second = seconds.rem_euclid(86400);
    let month = MONTHS.get(month as usize - 1).unwrap_or(&"");
    let mut out = format!(
        "{day:02}/{month}/{year:04}:{:02}:{:02}:{:02}.",
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

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted in eras of 400 years that begin in March, so that the day that is sometimes missing comes last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
        assert_eq!(civil(-1), (1969, 12, 31));
    }
}
