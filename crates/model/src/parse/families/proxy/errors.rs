//! Error pages: `errorfile`, `errorloc`, `errorfiles`, `http-error` and the `http-errors` section.

use super::{errorfile, http_error};
use crate::errors::{ComposedResponse, ErrorPage, ErrorPages, ResponseBody};
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{ANY, Fault, Open, Parsed, Parser, Row, Statement, Valid};
use std::collections::HashMap;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "errorfile",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "A file to answer with for a status.",
        read: proxy_errorfile,
    },
    Row {
        name: "errorloc",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Where to redirect to for a status.",
        read: proxy_errorloc,
    },
    Row {
        name: "errorloc302",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Where to redirect to for a status.",
        read: proxy_errorloc,
    },
    Row {
        name: "errorloc303",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Where to redirect to with a GET for a status.",
        read: proxy_errorloc,
    },
    Row {
        name: "errorfiles",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Take the pages of an http-errors section.",
        read: errorfiles,
    },
    Row {
        name: "http-error",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "An answer for a status, built from expressions.",
        read: http_error,
    },
];

/// The sections of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "http-errors",
    doc: "Error pages to be shared by proxies.",
    open: open_section,
}];

/// One line that gives error pages.
#[derive(Debug, Clone)]
enum ErrorSource {
    Page(u16, ErrorPage),
    /// The built-in page.
    BuiltIn(u16),
    /// The pages of a section for some statuses; all of them when none is named.
    Section {
        name: Arc<str>,
        statuses: Vec<u16>,
        file: Arc<str>,
        line: u32,
    },
}

/// The lines of a proxy that give error pages, those of its `defaults` section first. Later ones win.
#[derive(Debug, Clone, Default)]
pub struct ErrorSources(Arc<Vec<ErrorSource>>);

impl ErrorSources {
    fn push(&mut self, source: ErrorSource) {
        Arc::make_mut(&mut self.0).push(source);
    }

    /// Which list this is: proxies that only inherit share one.
    #[must_use]
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The pages once all sections are known, and what was wrong with the names: errors and warnings.
    #[must_use]
    pub fn resolve(
        &self,
        proxy: &str,
        sections: &HashMap<Arc<str>, Arc<ErrorPages>>,
    ) -> (ErrorPages, Vec<Result<String, String>>) {
        let mut pages = ErrorPages::new();
        let mut messages = Vec::new();
        for source in self.0.iter() {
            match source {
                ErrorSource::Page(status, page) => {
                    pages.insert(*status, page.clone());
                }
                ErrorSource::BuiltIn(status) => {
                    pages.remove(status);
                }
                ErrorSource::Section {
                    name,
                    statuses,
                    file,
                    line,
                } => match sections.get(name) {
                    None => messages.push(Err(format!(
                        "proxy '{proxy}': unknown http-errors section '{name}' (at {file}:{line})."
                    ))),
                    Some(section) if statuses.is_empty() => {
                        pages.extend(section.iter().map(|(status, page)| (*status, page.clone())));
                    }
                    Some(section) => {
                        for status in statuses {
                            match section.get(status) {
                                Some(page) => {
                                    pages.insert(*status, page.clone());
                                }
                                None => messages.push(Ok(format!(
                                    "config: proxy '{proxy}' : status '{status}' not declared in http-errors section '{name}' (at {file}:{line})."
                                ))),
                            }
                        }
                    }
                },
            }
        }
        (pages, messages)
    }
}

/// A status that pages can be given for, or 0 where HAProxy reads one into a word that is no number.
fn status(statement: Statement<'_>, at: usize, what: &str) -> Parsed<u16> {
    let status: u16 = statement.arg(at).parse().unwrap_or(0);
    if errorfile::is_handled(status) {
        return Ok(status);
    }
    Err(statement.fault(at, format!("{what} : status code '{status}' not handled.")))
}

fn read_errorfile(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<(u16, ErrorPage)> {
    if statement.len() < 2 {
        return Err(
            statement.fault_here("errorfile : expects <status_code> and <file> as arguments.")
        );
    }
    if statement.len() > 2 {
        return Err(statement.fault(2, "errorfile : expects exactly two arguments."));
    }
    let status = status(statement, 0, "errorfile")?;
    let page = errorfile::load(parser, statement, 1, "errorfile")?;
    Ok((status, page))
}

fn read_errorloc(statement: Statement<'_>) -> Parsed<(u16, ErrorPage)> {
    let keyword = statement.keyword();
    if statement.len() < 2 {
        return Err(statement.fault_here(format!(
            "{keyword} : expects <status_code> and <url> as arguments."
        )));
    }
    if statement.len() > 2 {
        return Err(statement.fault(2, format!("{keyword} : expects exactly two arguments.")));
    }
    let status = status(statement, 0, keyword)?;
    let redirect = if keyword == "errorloc303" { 303 } else { 302 };
    Ok((
        status,
        ErrorPage::Redirect(redirect, statement.arg(1).into()),
    ))
}

fn proxy_errorfile(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (status, page) = read_errorfile(parser, statement)?;
    parser
        .draft()?
        .errorfiles
        .push(ErrorSource::Page(status, page));
    Ok(())
}

fn proxy_errorloc(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (status, page) = read_errorloc(statement)?;
    parser
        .draft()?
        .errorfiles
        .push(ErrorSource::Page(status, page));
    Ok(())
}

fn errorfiles(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("errorfiles : expects <name> as argument."));
    }
    let statuses: Vec<u16> = (1..statement.len())
        .map(|at| status(statement, at, "errorfiles"))
        .collect::<Parsed<_>>()?;
    add_section(parser, statement, name, statuses)
}

fn add_section(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
    statuses: Vec<u16>,
) -> Parsed {
    let (file, line) = statement.origin();
    parser.draft()?.errorfiles.push(ErrorSource::Section {
        name: name.into(),
        statuses,
        file,
        line,
    });
    Ok(())
}

fn http_error(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    // The status may stand anywhere.
    if !statement.args_from(0).contains(&"status") {
        return Err(statement.fault_here("http-error : expects at least a <status> as arguments."));
    }
    let spec = http_error::read(parser, statement, 0, &http_error::HTTP_ERROR)?;
    if spec.end < statement.len() {
        return Err(statement.fault(
            spec.end,
            format!(
                "http-error : unknown keyword '{}'.",
                statement.arg(spec.end)
            ),
        ));
    }
    let Some(status) = spec.status else {
        return Err(statement.fault_here("http-error : expects at least a <status> as arguments."));
    };
    if !errorfile::is_handled(status) {
        return Err(statement.fault(
            1,
            format!("http-error: status code '{status}' not handled."),
        ));
    }
    let source = match spec.payload {
        // Without a word about the body there is none.
        http_error::Payload::BuiltIn if !statement.args_from(0).contains(&"default-errorfiles") => {
            let empty = ComposedResponse {
                status,
                content_type: None,
                headers: Vec::new(),
                body: ResponseBody::Empty,
            };
            ErrorSource::Page(status, ErrorPage::Composed(Arc::new(empty)))
        }
        http_error::Payload::BuiltIn => ErrorSource::BuiltIn(status),
        http_error::Payload::Page(page) => ErrorSource::Page(status, page),
        http_error::Payload::Section(name) => {
            return add_section(parser, statement, &name, vec![status]);
        }
        http_error::Payload::Composed(composed) => {
            ErrorSource::Page(status, ErrorPage::Composed(Arc::new(composed)))
        }
    };
    parser.draft()?.errorfiles.push(source);
    Ok(())
}

/// An `http-errors` section being read.
struct HttpErrors {
    name: Arc<str>,
    pages: ErrorPages,
}

fn open_section(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("missing name for http-errors section."));
    }
    if let Some(c) = name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "_-.:".contains(*c)))
    {
        return Err(statement.fault(
            0,
            format!("character '{c}' is not permitted in 'http-errors' name '{name}'."),
        ));
    }
    statement.at_most(1)?;
    if parser.http_errors.contains_key(name) {
        return Err(statement.fault(0, format!("http-errors section '{name}' already exists.")));
    }
    parser.open = Open::Other(Box::new(HttpErrors {
        name: name.into(),
        pages: ErrorPages::new(),
    }));
    Ok(())
}

impl OpenSection for HttpErrors {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let (status, page) = match statement.keyword() {
            "errorfile" => read_errorfile(parser, statement)?,
            other => return Err(unknown(statement, other)),
        };
        self.pages.insert(status, page);
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        parser.http_errors.insert(self.name, Arc::new(self.pages));
    }
}

fn unknown(statement: Statement<'_>, keyword: &str) -> Fault {
    let message = format!("unknown keyword '{keyword}' in 'http-errors' section");
    statement.fault_here(match config::suggest::nearest(keyword, ["errorfile"]) {
        Some(near) => format!("{message}; did you mean '{near}' maybe ?"),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Outcome, read};
    use crate::errors::ErrorPage;
    use std::io::Write;

    fn front(lines: &str) -> Outcome {
        read(&format!(
            "frontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n{lines}\n"
        ))
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file
    }

    #[test]
    fn files_and_redirects() {
        let page = file("HTTP/1.1 404 Nope\r\nX-A: b\r\n\r\nhi");
        let empty = file("");
        let out = front(&format!(
            " errorfile 404 {}\n errorfile 408 {}\n errorloc 502 /x\n errorloc303 503 /y",
            page.path().display(),
            empty.path().display()
        ));
        let pages = &out.proxy("f").errors;
        assert!(matches!(&pages[&404], ErrorPage::File(page) if page.body == b"hi"));
        assert!(matches!(pages[&408], ErrorPage::Silent));
        assert!(matches!(&pages[&502], ErrorPage::Redirect(302, to) if &**to == "/x"));
        assert!(matches!(&pages[&503], ErrorPage::Redirect(303, _)));
    }

    #[test]
    fn sections_may_follow_their_use_and_later_lines_win() {
        let (first, second) = (
            file("HTTP/1.1 503 A\r\n\r\na"),
            file("HTTP/1.1 503 B\r\n\r\nb"),
        );
        let (a, b) = (first.path().display(), second.path().display());
        let sections = format!(
            "\nhttp-errors a\n errorfile 503 {a}\n errorfile 404 {a}\nhttp-errors b\n errorfile 503 {b}\n"
        );
        let out = front(&format!(
            " errorfiles a\n errorloc 404 /own\n errorfiles b 503 500{sections}"
        ));
        let pages = &out.proxy("f").errors;
        assert!(matches!(&pages[&503], ErrorPage::File(page) if page.body == b"b"));
        assert!(matches!(&pages[&404], ErrorPage::Redirect(_, to) if &**to == "/own"));
        assert!(
            out.messages
                .contains("status '500' not declared in http-errors section 'b' (at t.cfg:7)."),
            "{}",
            out.messages
        );
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " errorfile 503",
                "errorfile : expects <status_code> and <file> as arguments.",
            ),
            (
                " errorfile 505 x",
                "errorfile : status code '505' not handled.",
            ),
            (
                " errorfile abc x",
                "errorfile : status code '0' not handled.",
            ),
            (
                " errorfile 503 /nonexistent",
                "errorfile : error opening file '/nonexistent'.",
            ),
            (
                " errorloc302 503 /x y",
                "errorloc302 : expects exactly two arguments.",
            ),
            (" errorfiles", "errorfiles : expects <name> as argument."),
            (
                " errorfiles foo",
                "proxy 'f': unknown http-errors section 'foo' (at t.cfg:5).",
            ),
            (
                " http-error",
                "http-error : expects at least a <status> as arguments.",
            ),
            (
                "http-errors a\n foo",
                "unknown keyword 'foo' in 'http-errors' section",
            ),
            ("http-errors", "missing name for http-errors section."),
        ] {
            let out = front(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn an_oversized_file_is_refused() {
        let big = file(&format!("HTTP/1.1 503 S\r\n\r\n{}", "x".repeat(20_000)));
        let out = front(&format!(" errorfile 503 {}", big.path().display()));
        assert!(
            out.loaded.is_none() && out.messages.contains("larger than 16384 bytes"),
            "{}",
            out.messages
        );
    }
}
