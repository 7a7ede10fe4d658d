//! Lists of certificates with options and names (`crt-list`).

use crate::options;
use crate::settings::Common;

/// One line of a list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// The certificate's file, as written.
    pub path: String,
    /// What stands in brackets, as written.
    pub options: Option<String>,
    /// What the options say.
    pub common: Option<Common>,
    /// Names that the certificate is for instead of its own, `!` before those it is not for.
    pub filters: Vec<Box<str>>,
}

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Reads a list.
///
/// # Errors
/// At the first faulty line.
pub fn read(text: &[u8], warn: &mut dyn FnMut(usize, String)) -> Result<Vec<Entry>, ListError> {
    let text = String::from_utf8_lossy(text);
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let mut note = |warning| warn(number, warning);
        match read_line(line, &mut note) {
            Ok(Some(entry)) => entries.push(Entry {
                line: number,
                ..entry
            }),
            Ok(None) => {}
            Err(what) => return Err(ListError { line: number, what }),
        }
    }
    Ok(entries)
}

/// Reads one line; `None` when there is nothing on it.
///
/// # Errors
/// In words.
pub fn read_line(line: &str, warn: &mut dyn FnMut(String)) -> Result<Option<Entry>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (path, rest) = cut(line);
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => {
            let (inner, rest) = inner
                .split_once(']')
                .ok_or("']' is missing behind the options")?;
            (Some(inner.trim().to_owned()), rest.trim())
        }
        None => (None, rest),
    };
    if path.contains('[') {
        return Err("a space is missing before '['".to_owned());
    }
    let common = match &options {
        Some(options) => Some(read_options(options, warn)?),
        None => None,
    };
    Ok(Some(Entry {
        line: 1,
        path: path.to_owned(),
        options,
        common,
        filters: rest.split_whitespace().map(Into::into).collect(),
    }))
}

/// The first word and what follows.
fn cut(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

fn read_options(text: &str, warn: &mut dyn FnMut(String)) -> Result<Common, String> {
    let mut common = Common::default();
    let mut words = text.split_whitespace();
    while let Some(name) = words.next() {
        let Some(count) = options::arity(name) else {
            return Err(format!("unknown ssl keyword {name}"));
        };
        let value = match count {
            0 => "",
            _ => words
                .next()
                .ok_or_else(|| format!("'{name}' : missing value"))?,
        };
        let warning =
            options::apply(&mut common, name, value).map_err(|why| format!("'{name}' : {why}"))?;
        if let Some(warning) = warning {
            warn(format!("'{name}' : {warning}"));
        }
    }
    Ok(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_options_and_names() {
        let text = b"# list\n\na.pem\nb.pem [alpn h2 ssl-min-ver TLSv1.3] *.b.example !x.b.example\nc.pem c.example\n";
        let entries = read(text, &mut |_, _| {}).unwrap();
        let lines: Vec<usize> = entries.iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [3, 4, 5]);
        let common = entries[1].common.as_ref().unwrap();
        assert_eq!(common.alpn.as_deref(), Some(&[b"h2".to_vec()][..]));
        assert_eq!(entries[1].filters.len(), 2);
        assert_eq!(&*entries[2].filters[0], "c.example");
    }

    #[test]
    fn faults_name_their_line() {
        let fault = |text: &str| read(text.as_bytes(), &mut |_, _| {}).unwrap_err();
        assert_eq!(fault("a\nb [alpn").line, 2);
        assert_eq!(fault("b [foo]").what, "unknown ssl keyword foo");
        assert_eq!(fault("b [verify]").what, "'verify' : missing value");
    }
}
