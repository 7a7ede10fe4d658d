//! What stands in front of a message.

use super::{Dates, write_number};
use base::calendar::MONTHS;

/// The forms a header can have (configuration manual, `log`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 3164 without the host name.
    Local,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424.
    Rfc5424,
    /// Facility and level alone.
    Priority,
    /// The level alone.
    Short,
    /// The level and an ISO date.
    Timed,
    /// An ISO date.
    Iso,
    /// Nothing.
    Raw,
}

/// When a message came to be.
#[derive(Debug, Clone, Copy)]
pub enum Time<'a> {
    /// Now.
    Now,
    /// As a received RFC 3164 message says, in 15 bytes.
    Classic(&'a [u8]),
    /// As a received RFC 5424 message says; empty for its `-`.
    Iso(&'a [u8]),
}

/// What a header says. Empty texts are left out or written as the format writes missing ones.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// Facility times eight, plus the level.
    pub priority: u32,
    /// When.
    pub time: Time<'a>,
    /// The date of now.
    pub dates: &'a Dates,
    /// Microseconds of now.
    pub micros: u32,
    /// The host name.
    pub hostname: &'a [u8],
    /// Behind the host name after a comma, or instead of a missing one.
    pub hostname_suffix: &'a [u8],
    /// The tag, or application name.
    pub tag: &'a [u8],
    /// The process id.
    pub pid: &'a [u8],
    /// RFC 5424's message id.
    pub msgid: &'a [u8],
    /// RFC 5424's structured data, brackets included.
    pub structured_data: &'a [u8],
}

impl Fields<'_> {
    /// Writes the header.
    pub fn write(&self, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Raw => {}
            Format::Priority => self.priority(self.priority, out),
            Format::Short => self.priority(self.priority & 7, out),
            Format::Timed | Format::Iso => {
                if format == Format::Timed {
                    self.priority(self.priority & 7, out);
                }
                self.iso_time(out);
                out.push(b' ');
            }
            Format::Local | Format::Rfc3164 => {
                self.priority(self.priority, out);
                self.classic_time(out);
                out.push(b' ');
                if format == Format::Rfc3164 {
                    self.hostname(b"localhost", out);
                    out.push(b' ');
                }
                self.tag(out);
            }
            Format::Rfc5424 => self.rfc5424(out),
        }
    }

    fn rfc5424(&self, out: &mut Vec<u8>) {
        self.priority(self.priority, out);
        out.extend_from_slice(b"1 ");
        match self.time {
            Time::Iso(b"") => out.push(b'-'),
            _ => self.iso_time(out),
        }
        out.push(b' ');
        self.hostname(b"-", out);
        for field in [self.tag, self.pid, self.msgid, self.structured_data] {
            out.push(b' ');
            out.extend_from_slice(if field.is_empty() { b"-" } else { field });
        }
        out.push(b' ');
    }

    fn priority(&self, priority: u32, out: &mut Vec<u8>) {
        out.push(b'<');
        if priority > 999 {
            // Only a received message can say such a thing; three digits of it are kept.
            let rest = priority % 1000;
            let digits = [rest / 100, rest / 10 % 10, rest % 10];
            out.extend_from_slice(&digits.map(|digit| b'0' + digit as u8));
        } else {
            write_number(priority.into(), out);
        }
        out.push(b'>');
    }

    fn hostname(&self, missing: &[u8], out: &mut Vec<u8>) {
        match (self.hostname, self.hostname_suffix) {
            (b"", b"") => out.extend_from_slice(missing),
            (name, b"") | (b"", name) => out.extend_from_slice(name),
            (name, suffix) => {
                out.extend_from_slice(name);
                out.push(b',');
                out.extend_from_slice(suffix);
            }
        }
    }

    fn tag(&self, out: &mut Vec<u8>) {
        if self.tag.is_empty() {
            return;
        }
        out.extend_from_slice(self.tag);
        if !self.pid.is_empty() {
            out.push(b'[');
            out.extend_from_slice(self.pid);
            out.push(b']');
        }
        out.extend_from_slice(b": ");
    }

    fn classic_time(&self, out: &mut Vec<u8>) {
        match self.time {
            Time::Classic(text) => out.extend_from_slice(text),
            Time::Iso(text) => match classic_of(text) {
                Some(text) => out.extend_from_slice(&text),
                None => out.extend_from_slice(self.dates.classic()),
            },
            Time::Now => out.extend_from_slice(self.dates.classic()),
        }
    }

    fn iso_time(&self, out: &mut Vec<u8>) {
        match self.time {
            Time::Iso(text) if !text.is_empty() => out.extend_from_slice(text),
            Time::Classic(text) => match iso_of(self.dates.year(), text) {
                Some(text) => out.extend_from_slice(&text),
                None => self.dates.write_iso(self.micros, out),
            },
            _ => self.dates.write_iso(self.micros, out),
        }
    }
}

/// `Aug  4 05:14:15` of `2003-08-04T05:14:15...`.
fn classic_of(iso: &[u8]) -> Option<[u8; 15]> {
    let digits = iso.get(5..7)?;
    let month = match digits {
        [tens @ b'0'..=b'1', ones @ b'0'..=b'9'] => {
            usize::from(tens - b'0') * 10 + usize::from(ones - b'0')
        }
        _ => return None,
    };
    let mut out = *b"Mmm dd hh:mm:ss";
    out.get_mut(..3)?
        .copy_from_slice(MONTHS.get(month.checked_sub(1)?)?.as_bytes());
    let day = out.get_mut(4..6)?;
    day.copy_from_slice(iso.get(8..10)?);
    if let [tens @ b'0', _] = day {
        *tens = b' ';
    }
    out.get_mut(7..)?.copy_from_slice(iso.get(11..19)?);
    Some(out)
}

/// `2026-10-01T22:14:15-00:00` of `Oct  1 22:14:15`: the sender's zone is not known, which RFC 3339 writes as `-00:00`.
fn iso_of(year: &[u8], classic: &[u8]) -> Option<[u8; 25]> {
    let month = MONTHS
        .iter()
        .position(|name| classic.get(..3) == Some(name.as_bytes()))? as u8
        + 1;
    let mut out = *b"yyyy-mm-ddThh:mm:ss-00:00";
    out.get_mut(..4)?.copy_from_slice(year);
    out.get_mut(5..7)?
        .copy_from_slice(&[b'0' + month / 10, b'0' + month % 10]);
    let day = out.get_mut(8..10)?;
    day.copy_from_slice(classic.get(4..6)?);
    if let [tens @ b' ', _] = day {
        *tens = b'0';
    }
    out.get_mut(11..19)?.copy_from_slice(classic.get(7..15)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates() -> Dates {
        let mut dates = Dates::default();
        dates.set(1_795_234_682, 0);
        dates
    }

    fn own(dates: &Dates) -> Fields<'_> {
        Fields {
            priority: 134,
            time: Time::Now,
            dates,
            micros: 627_091,
            hostname: b"",
            hostname_suffix: b"",
            tag: b"haproxy",
            pid: b"23667",
            msgid: b"",
            structured_data: b"[a@1 b=\"c\"]",
        }
    }

    fn written(fields: &Fields<'_>, format: Format) -> String {
        let mut out = Vec::new();
        fields.write(format, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn every_format_of_an_own_message() {
        let dates = dates();
        let fields = own(&dates);
        let expected = [
            (Format::Local, "<134>Nov 21 04:18:02 haproxy[23667]: "),
            (
                Format::Rfc3164,
                "<134>Nov 21 04:18:02 localhost haproxy[23667]: ",
            ),
            (
                Format::Rfc5424,
                "<134>1 2026-11-21T04:18:02.627091+00:00 - haproxy 23667 - [a@1 b=\"c\"] ",
            ),
            (Format::Priority, "<134>"),
            (Format::Short, "<6>"),
            (Format::Timed, "<6>2026-11-21T04:18:02.627091+00:00 "),
            (Format::Iso, "2026-11-21T04:18:02.627091+00:00 "),
            (Format::Raw, ""),
        ];
        for (format, text) in expected {
            assert_eq!(written(&fields, format), text, "{format:?}");
        }
    }

    #[test]
    fn host_names_are_joined_and_missing_fields_shown() {
        let dates = dates();
        let fields = Fields {
            hostname: b"h",
            hostname_suffix: b"127.0.0.1",
            tag: b"",
            pid: b"",
            structured_data: b"",
            ..own(&dates)
        };
        assert_eq!(
            written(&fields, Format::Rfc3164),
            "<134>Nov 21 04:18:02 h,127.0.0.1 "
        );
        let fields = Fields {
            hostname: b"",
            time: Time::Iso(b""),
            ..fields
        };
        assert_eq!(
            written(&fields, Format::Rfc5424),
            "<134>1 - 127.0.0.1 - - - - "
        );
        assert_eq!(
            written(&fields, Format::Iso),
            "2026-11-21T04:18:02.627091+00:00 "
        );
    }

    #[test]
    fn dates_change_their_form() {
        let dates = dates();
        let fields = Fields {
            time: Time::Iso(b"2003-08-04T05:14:15.000003-07:00"),
            ..own(&dates)
        };
        assert_eq!(
            written(&fields, Format::Local),
            "<134>Aug  4 05:14:15 haproxy[23667]: "
        );
        let fields = Fields {
            time: Time::Iso(b"2003-13-24T05:14:15Z"),
            ..fields
        };
        assert_eq!(
            written(&fields, Format::Local),
            "<134>Nov 21 04:18:02 haproxy[23667]: "
        );
        let fields = Fields {
            time: Time::Classic(b"Oct  1 22:14:15"),
            ..fields
        };
        assert_eq!(
            written(&fields, Format::Timed),
            "<6>2026-10-01T22:14:15-00:00 "
        );
        let fields = Fields {
            priority: 12345,
            ..fields
        };
        assert_eq!(written(&fields, Format::Priority), "<345>");
        let fields = Fields {
            priority: 1000,
            ..fields
        };
        assert_eq!(written(&fields, Format::Priority), "<000>");
    }
}
