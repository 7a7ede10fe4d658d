//! What a request asks of the statistics page: the words behind its URI (`;csv`, `;up`, `;scope=…`).

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// The page.
    #[default]
    Html,
    /// `;csv`
    Csv,
    /// `;typed`
    Typed,
    /// `;json`
    Json,
    /// `;json-schema`
    Schema,
}

/// What came of a form that was posted, as the page that follows shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Nothing was to be done.
    None,
    /// Some servers are not known.
    Part,
    /// The parameters make no sense.
    Invalid,
    /// The form is too large.
    Exceeded,
    /// Changes are not allowed here.
    Denied,
}

impl Outcome {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Done, "DONE"),
        (Self::None, "NONE"),
        (Self::Part, "PART"),
        (Self::Invalid, "ERRP"),
        (Self::Exceeded, "EXCD"),
        (Self::Denied, "DENY"),
    ];

    /// The code in URIs.
    #[must_use]
    pub fn code(self) -> &'static str {
        let found = Self::ALL.iter().find(|(outcome, _)| *outcome == self);
        found.map_or("", |(_, code)| code)
    }

    fn of(text: &str) -> Option<Self> {
        let code = text.get(..4)?;
        let found = Self::ALL.iter().find(|(_, known)| *known == code);
        found.map(|(outcome, _)| *outcome)
    }
}

/// The longest scope that is looked at, in bytes.
const MAX_SCOPE: usize = 20;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The form of the answer.
    pub form: Form,
    /// Without servers that are down.
    pub up: bool,
    /// Without servers in maintenance.
    pub no_maint: bool,
    /// Without automatic refresh.
    pub no_refresh: bool,
    /// A part of the names of the proxies that are wanted.
    pub scope: Option<String>,
    /// What came of a form.
    pub outcome: Option<Outcome>,
}

impl Query {
    /// Reads what stands behind the page's URI.
    #[must_use]
    pub fn read(rest: &str) -> Self {
        let mut query = Self::default();
        let words = rest.split([';', '?', '&']);
        for word in words {
            match word.split_once('=') {
                Some(("scope", value)) => {
                    let value = decode(value);
                    let end = value
                        .char_indices()
                        .map(|(at, _)| at)
                        .find(|at| *at >= MAX_SCOPE);
                    let value = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
                    query.scope = Some(value.to_owned()).filter(|scope| !scope.is_empty());
                }
                Some(("st", value)) => query.outcome = Outcome::of(value),
                Some(_) => {}
                None => match word {
                    "csv" => query.form = Form::Csv,
                    "typed" => query.form = Form::Typed,
                    "json" => query.form = Form::Json,
                    "json-schema" => query.form = Form::Schema,
                    "up" => query.up = true,
                    "no-maint" => query.no_maint = true,
                    "norefresh" => query.no_refresh = true,
                    _ => {}
                },
            }
        }
        query
    }

    /// The words that lead to the same view again, behind the page's URI.
    #[must_use]
    pub fn view(&self) -> String {
        let mut text = String::new();
        for (set, word) in [
            (self.up, ";up"),
            (self.no_maint, ";no-maint"),
            (self.no_refresh, ";norefresh"),
        ] {
            if set {
                text.push_str(word);
            }
        }
        if let Some(scope) = &self.scope {
            text.push_str("?scope=");
            encode(scope, &mut text);
        }
        text
    }
}

/// Undoes percent and plus encoding.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        let byte = bytes.get(at).copied().map(char::from);
        byte.and_then(|c| c.to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(byte.into()),
            _ => {
                const DIGITS: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
                ];
                out.push('%');
                out.extend(DIGITS.get(usize::from(byte >> 4)));
                out.extend(DIGITS.get(usize::from(byte & 15)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_wherever_they_stand() {
        let query = Query::read("?;csv;scope=b1");
        assert_eq!(
            (query.form, query.scope.as_deref()),
            (Form::Csv, Some("b1"))
        );
        let query = Query::read(";st=DONE;up;norefresh?scope=a%20b");
        assert_eq!(query.outcome, Some(Outcome::Done));
        assert_eq!(query.view(), ";up;norefresh?scope=a%20b");
        assert_eq!(Query::read(";json-schema").form, Form::Schema);
        assert_eq!(Query::read("x"), Query::default());
        assert_eq!(Query::read("?scope="), Query::default());
        let long = Query::read(&format!("?scope={}", "é".repeat(100)));
        assert!(long.scope.is_some_and(|scope| scope.len() <= MAX_SCOPE));
    }

    #[test]
    fn encoding_is_undone() {
        assert_eq!(decode("%233+x%zz%"), "#3 x%zz%");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}
