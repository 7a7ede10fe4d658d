//! Lists of certificates with options and names (`crt-list`).

use crate::files::{Files, Origin};
use crate::options;
use crate::settings::Common;

/// A list, a directory of certificates, or what `ssl-f-use` lines name.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Whether it is a directory: its certificates have neither options nor names.
    pub is_directory: bool,
    /// Its lines.
    pub entries: Vec<Entry>,
}

/// One line of a list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// The certificate's file, as written.
    pub path: String,
    /// The options, each with its value.
    pub options: Vec<(Box<str>, Box<str>)>,
    /// What the options say.
    pub common: Option<Common>,
    /// What they say of the certificate's files.
    pub files: Files,
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
    let mut entry = Entry {
        filters: rest.split_whitespace().map(Into::into).collect(),
        ..Entry::plain(path, 1)
    };
    if let Some(options) = &options {
        entry.read_options(&mut options.split_whitespace(), warn)?;
    }
    Ok(Some(entry))
}

/// Reads the words of an `ssl-f-use` line: `crt` with its file, and options as in a list.
///
/// # Errors
/// In words.
pub fn read_words<'w>(
    words: impl Iterator<Item = &'w str>,
    warn: &mut dyn FnMut(String),
) -> Result<Entry, String> {
    let words: Vec<&str> = words.collect();
    let mut entry = Entry::plain("", 1);
    let mut rest = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word != "crt" {
            rest.push(word);
            let known = options::arity(word) == Some(1) || Files::KEYWORDS.contains(&word);
            rest.extend(known.then(|| words.next()).flatten());
            continue;
        }
        if !entry.path.is_empty() {
            return Err("'crt' already specified, aborting.".to_owned());
        }
        let path = words.next().ok_or("'crt' expects a certificate.")?;
        path.clone_into(&mut entry.path);
    }
    if rest.is_empty() && entry.path.is_empty() {
        return Err("'ssl-f-use' expects a certificate: 'crt <filename>'.".to_owned());
    }
    entry
        .read_options(&mut rest.into_iter(), warn)
        .map_err(|why| why.replacen("unknown ssl keyword ", "unknown crt keyword ", 1))?;
    if entry.path.is_empty() {
        return Err("'ssl-f-use' expects a certificate: 'crt <filename>'.".to_owned());
    }
    Ok(entry)
}

/// The first word and what follows.
fn cut(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

impl Entry {
    /// A line with nothing but a certificate.
    #[must_use]
    pub fn plain(path: &str, line: usize) -> Self {
        Self {
            line,
            path: path.to_owned(),
            options: Vec::new(),
            common: None,
            files: Files::default(),
            filters: Vec::new(),
        }
    }

    fn read_options(
        &mut self,
        words: &mut dyn Iterator<Item = &str>,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        let mut common = Common::default();
        let mut said = false;
        while let Some(name) = words.next() {
            let of_file = Files::KEYWORDS.contains(&name) && name != "crt";
            let count = if of_file {
                1
            } else {
                options::arity(name).ok_or_else(|| format!("unknown ssl keyword {name}"))?
            };
            let value = match count {
                0 => "",
                _ => words
                    .next()
                    .ok_or_else(|| format!("'{name}' : missing value"))?,
            };
            self.options.push((name.into(), value.into()));
            if of_file {
                self.files.set(name, value)?;
                continue;
            }
            said = true;
            let warning = options::apply(&mut common, name, value)
                .map_err(|why| format!("'{name}' : {why}"))?;
            if let Some(warning) = warning {
                warn(format!("'{name}' : {warning}"));
            }
        }
        if !self.files.is_plain() {
            self.files.origin = Origin::List;
        }
        self.common = said.then_some(common);
        Ok(())
    }

    /// The line as runtime commands show it, with its number if `numbered`. The order of options, and which are left out, is
    /// HAProxy's.
    #[must_use]
    pub fn show(&self, path: &str, numbered: bool, based: &dyn Fn(&str) -> String) -> String {
        let mut text = path.to_owned();
        if numbered {
            text.push_str(&format!(":{}", self.line));
        }
        let options = self.show_options(based);
        if !self.options.is_empty() {
            text.push_str(&format!(" [{options}]"));
        }
        for filter in &self.filters {
            text.push(' ');
            text.push_str(filter);
        }
        text
    }

    fn show_options(&self, based: &dyn Fn(&str) -> String) -> String {
        let value = |name: &str| {
            let mut found = self.options.iter().rev().filter(|(n, _)| &**n == name);
            found.next().map(|(_, value)| &**value)
        };
        let mut rest: Vec<String> = Vec::new();
        for name in SHOWN {
            let Some(value) = value(name) else { continue };
            rest.push(match (*name, value) {
                (_, "") => (*name).to_owned(),
                ("ca-file" | "crl-file", file) => format!("{name} {}", based(file)),
                (_, value) => format!("{name} {value}"),
            });
        }
        rest.join(" ")
    }
}

/// Options in the order in which they are shown.
const SHOWN: &[&str] = &[
    "npn",
    "alpn",
    "no-alpn",
    "verify",
    "no-ca-names",
    "allow-0rtt",
    "ca-file",
    "crl-file",
    "ciphers",
    "ciphersuites",
    "curves",
    "ecdhe",
    "client-sigalgs",
    "sigalgs",
    "ssl-min-ver",
    "ssl-max-ver",
    "key",
    "ocsp",
    "issuer",
    "sctl",
    "ocsp-update",
    "jwt",
];

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
