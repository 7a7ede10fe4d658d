//! The date of now in the two forms of syslog, rendered once a second.

use base::calendar::Day;

/// The texts of one second.
#[derive(Debug, Clone)]
pub struct Dates {
    second: Option<i64>,
    classic: [u8; 15],
    iso: [u8; 19],
    zone: [u8; 6],
}

impl Default for Dates {
    fn default() -> Self {
        let mut dates = Self {
            second: None,
            classic: *b"Jan  1 00:00:00",
            iso: *b"1970-01-01T00:00:00",
            zone: *b"+00:00",
        };
        dates.set(0, 0);
        dates
    }
}

impl Dates {
    /// Whether the texts are those of a second since 1970.
    #[must_use]
    pub fn is_of(&self, second: i64) -> bool {
        self.second == Some(second)
    }

    /// Renders the texts of a second since 1970, in the zone that is `offset` seconds ahead of UTC.
    pub fn set(&mut self, second: i64, offset: i32) {
        self.second = Some(second);
        let local = second + i64::from(offset);
        let date = Day::of(local.div_euclid(86_400));
        let of_day = local.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let [century, years] = [two(date.year / 100), two(date.year)];
        let [month_digits, day_digits] = [two(date.month), two(date.day)];
        let [h, m, s] = [two(hour), two(minute), two(second)];
        let name = date.month_name().as_bytes();
        let [n0, n1, n2] = *name.first_chunk().unwrap_or(b"Jan");
        let tens = if date.day < 10 { b' ' } else { day_digits[0] };
        self.classic = [
            n0,
            n1,
            n2,
            b' ',
            tens,
            day_digits[1],
            b' ',
            h[0],
            h[1],
            b':',
            m[0],
            m[1],
            b':',
            s[0],
            s[1],
        ];
        self.iso = [
            century[0],
            century[1],
            years[0],
            years[1],
            b'-',
            month_digits[0],
            month_digits[1],
            b'-',
            day_digits[0],
            day_digits[1],
            b'T',
            h[0],
            h[1],
            b':',
            m[0],
            m[1],
            b':',
            s[0],
            s[1],
        ];
        let minutes = i64::from(offset.unsigned_abs()) / 60;
        let [zone_hours, zone_minutes] = [two(minutes / 60), two(minutes % 60)];
        let sign = if offset < 0 { b'-' } else { b'+' };
        self.zone = [
            sign,
            zone_hours[0],
            zone_hours[1],
            b':',
            zone_minutes[0],
            zone_minutes[1],
        ];
    }

    /// `Nov 21 04:18:02`, as RFC 3164 has it.
    #[must_use]
    pub fn classic(&self) -> &[u8] {
        &self.classic
    }

    /// The four digits of the year.
    #[must_use]
    pub fn year(&self) -> &[u8] {
        self.iso.get(..4).unwrap_or_default()
    }

    /// Writes `2026-11-21T04:18:02.627091+00:00`, as RFC 5424 has it.
    pub fn write_iso(&self, micros: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.iso);
        let [a, b, c] = [micros / 10_000, micros / 100, micros].map(|part| two(i64::from(part)));
        out.extend_from_slice(&[b'.', a[0], a[1], b[0], b[1], c[0], c[1]]);
        out.extend_from_slice(&self.zone);
    }
}

/// The last two digits of a number.
fn two(value: i64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(dates: &Dates, micros: u32) -> String {
        let mut out = Vec::new();
        dates.write_iso(micros, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn both_forms_show_the_local_time() {
        let mut dates = Dates::default();
        assert_eq!(iso(&dates, 0), "1970-01-01T00:00:00.000000+00:00");
        dates.set(1_795_234_682, 0);
        assert!(dates.is_of(1_795_234_682));
        assert_eq!(dates.classic(), b"Nov 21 04:18:02");
        assert_eq!(iso(&dates, 627_091), "2026-11-21T04:18:02.627091+00:00");
        dates.set(951_782_400, -12_600);
        assert_eq!(iso(&dates, 7), "2000-02-28T20:30:00.000007-03:30");
        dates.set(951_868_800, 7200);
        assert_eq!(dates.classic(), b"Mar  1 02:00:00");
        assert_eq!(
            (dates.year(), iso(&dates, 999_999).as_str()),
            (&b"2000"[..], "2000-03-01T02:00:00.999999+02:00")
        );
    }
}
