//! Saying in words why a server is in the state it is in.

use crate::stat::Row;
use crate::stat::value::Value;

/// Text for HTML.
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// A cell as text.
pub fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    match row.get(column) {
        Some(Value::Str(text)) => text,
        _ => "",
    }
}

/// A cell as a number.
pub fn number(row: &Row, column: &str) -> Option<u64> {
    match row.get(column)? {
        Value::U32(n) => Some((*n).into()),
        Value::U64(n) => Some(*n),
        Value::S32(n) => u64::try_from(*n).ok(),
        Value::Float(_) | Value::Str(_) => None,
    }
}

/// A time in its two largest units: `3d4h`, `5m2s`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m{rest}s"),
        (0, ..) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// How a server fares, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// In service.
    Good,
    /// In service, with something to look at.
    Fair,
    /// Out of service.
    Bad,
    /// Out of service by decision.
    Resting,
    /// Nothing watches it.
    Plain,
}

impl Mood {
    /// Its class in the style sheet.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Bad => "bad",
            Self::Resting => "resting",
            Self::Plain => "plain",
        }
    }

    /// The mood of a status.
    #[must_use]
    pub fn of(status: &str) -> Self {
        let (word, more) = status.split_once(' ').unwrap_or((status, ""));
        match word {
            "UP" | "OPEN" if more.is_empty() => Self::Good,
            "UP" | "OPEN" | "NOLB" | "FULL" | "WAITING" => Self::Fair,
            "DRAIN" | "MAINT" | "PAUSED" => Self::Resting,
            "no" => Self::Plain,
            _ => Self::Bad,
        }
    }
}

/// Why a server is not simply up, in words; `None` when there is nothing to say.
#[must_use]
pub fn reason(row: &Row) -> Option<String> {
    let status = text(row, "status");
    let since = number(row, "lastchg").map(duration).unwrap_or_default();
    if let Some(via) = status.strip_prefix("MAINT (via ") {
        let via = via.trim_end_matches(')');
        return Some(format!(
            "In maintenance because {via}, which it follows, is."
        ));
    }
    match status {
        "UP" | "OPEN" | "no check" => None,
        "MAINT" => Some(format!(
            "Put into maintenance {since} ago: it takes no traffic, and its checks stand still."
        )),
        "MAINT (resolution)" => {
            Some("Waiting for the address of its name: name servers have given none.".into())
        }
        "DRAIN" => Some(format!(
            "Draining since {since}: clients bound to it stay, new ones go elsewhere."
        )),
        _ => Some(by_checks(row, status, &since)),
    }
}

/// What the checks say.
fn by_checks(row: &Row, status: &str, since: &str) -> String {
    let mut what = text(row, "check_desc").to_owned();
    if let Some(code) = number(row, "check_code") {
        what.push_str(&format!(" (code {code})"));
    }
    let detail = text(row, "last_chk");
    if !detail.is_empty() {
        what.push_str(&format!(": {detail}"));
    }
    if what.is_empty() {
        let followed = text(row, "tracked");
        what = match followed {
            "" => "nothing is known of its checks yet".into(),
            name => format!("it follows {name}"),
        };
    }
    let progress = status.split_once(' ').and_then(|(_, n)| n.split_once('/'));
    match (status.starts_with("DOWN"), progress) {
        (true, Some((n, of))) => format!(
            "Down for {since}, coming back: {n} of {of} good checks so far. Last check: {what}."
        ),
        (true, None) => {
            let rise = number(row, "check_rise").unwrap_or(1);
            format!("Down for {since}: {what}. It comes back after {rise} good checks in a row.")
        }
        (false, Some((n, of))) => format!(
            "Still up, but checks fail: {n} of {of} left before it goes down. Last check: {what}."
        ),
        (false, None) => format!("{status} for {since}. Last check: {what}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::Subject;

    fn server(status: &str) -> Row {
        let mut row = Row::new(Subject::Server, (2, 1));
        row.text("status", status);
        row.u32("lastchg", 125);
        row.text("check_desc", "Layer4 connection problem");
        row.text("last_chk", "Connection refused");
        row.u32("check_rise", 2);
        row
    }

    #[test]
    fn states_are_explained() {
        assert_eq!(reason(&server("UP")), None);
        assert_eq!(
            reason(&server("DOWN")).as_deref(),
            Some(
                "Down for 2m5s: Layer4 connection problem: Connection refused. It comes back after 2 good checks in a row."
            )
        );
        let coming = reason(&server("DOWN 1/2")).unwrap_or_default();
        assert!(coming.contains("1 of 2 good checks"), "{coming}");
        let going = reason(&server("UP 2/3")).unwrap_or_default();
        assert!(going.starts_with("Still up"), "{going}");
        let via = reason(&server("MAINT (via be/s1)")).unwrap_or_default();
        assert!(via.contains("be/s1"), "{via}");
        assert_eq!(Mood::of("DOWN (UNPUB)"), Mood::Bad);
        assert_eq!(Mood::of("UP 2/3"), Mood::Fair);
    }

    #[test]
    fn nothing_gets_out_of_its_text() {
        let mut out = String::new();
        escape("<a href='x'>&\"", &mut out);
        assert_eq!(out, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(
            [0, 59, 61, 3700, 90_000].map(duration),
            ["0s", "59s", "1m1s", "1h1m", "1d1h"]
        );
    }
}
