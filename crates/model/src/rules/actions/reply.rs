//! `return`, `deny` and `tarpit`: answers made by rules (configuration manual, `return`).

use super::ActionRow;
use super::headers::field_name;
use crate::errors::{ErrorPage, ErrorPages};
use crate::parse::Parsed;
use crate::parse::families::proxy::rules::error_file;
use crate::rules::{
    Action, CloseKind, Families, Family, Flow, Names, Reply, RuleCursor, Stream, has_page, reason,
};
use bytes::Bytes;
use expr::logformat::{LogFormat, Usage};
use expr::view::View;
use message::FieldId;
use std::sync::{Arc, OnceLock};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "return",
        Families::MESSAGES,
        "Answers with this response.",
        parse_return,
    ),
    ActionRow::new(
        "deny",
        Families::MESSAGES,
        "Refuses the message.",
        parse_deny,
    ),
    ActionRow::new(
        "tarpit",
        Families::REQUEST,
        "Refuses the request after a while.",
        parse_tarpit,
    ),
];

/// Where a response comes from.
#[derive(Debug)]
enum Source {
    /// The proxy's page for the status.
    Page,
    /// A complete response.
    File(ErrorPage),
    /// Pages of an `http-errors` section, looked up once all sections have been read.
    Section(Arc<str>, OnceLock<Arc<ErrorPages>>),
    /// One made here.
    Made(Payload),
}

/// The body of a response that is made here.
#[derive(Debug)]
enum Payload {
    None,
    Fixed(Bytes),
    Format(Arc<LogFormat>),
}

/// A response as configured.
#[derive(Debug)]
struct Response {
    status: u16,
    source: Source,
    content_type: Option<Arc<str>>,
    fields: Vec<(Arc<str>, Arc<LogFormat>)>,
}

/// What a response turned out to be.
enum Built {
    /// The proxy's page.
    Page,
    /// This.
    Reply(Box<Reply>),
    /// Nothing: an empty error file.
    Silence,
}

impl Response {
    fn build(&self, view: &dyn View) -> Built {
        match &self.source {
            Source::Page => Built::Page,
            Source::File(page) => from_page(page, view),
            Source::Section(_, pages) => {
                match pages.get().and_then(|pages| pages.get(&self.status)) {
                    Some(page) => from_page(page, view),
                    None => Built::Page,
                }
            }
            Source::Made(payload) => Built::Reply(Box::new(self.make(payload, view))),
        }
    }

    fn make(&self, payload: &Payload, view: &dyn View) -> Reply {
        let mut reply = Reply::new(self.status, reason(self.status).as_bytes());
        let mut text = Vec::new();
        for (name, format) in &self.fields {
            text.clear();
            format.render(view, &mut text);
            if !text.is_empty() {
                reply.head.push(name.as_bytes(), &text);
            }
        }
        reply.body = match payload {
            Payload::None => Bytes::new(),
            Payload::Fixed(bytes) => bytes.clone(),
            Payload::Format(format) => {
                let mut body = Vec::new();
                format.render(view, &mut body);
                body.into()
            }
        };
        // The connection writes this field itself.
        if reply.head.lists_token(FieldId::Connection, b"close") {
            reply.close = true;
            reply.head.remove_known(FieldId::Connection);
        }
        finish(&mut reply, self.content_type.as_deref());
        reply
    }
}

/// Puts length and type of the body behind the other fields.
fn finish(reply: &mut Reply, content_type: Option<&str>) {
    if !matches!(reply.head.status(), 100..=199 | 204 | 304) {
        let length = reply.body.len().to_string();
        reply
            .head
            .push_known(FieldId::ContentLength, length.as_bytes());
    }
    if let Some(kind) = content_type.filter(|_| !reply.body.is_empty()) {
        reply.head.push_known(FieldId::ContentType, kind.as_bytes());
    }
}

fn from_page(page: &ErrorPage, view: &dyn View) -> Built {
    match page_reply(page, view) {
        Some(reply) => Built::Reply(Box::new(reply)),
        None => Built::Silence,
    }
}

/// The reply that a configured page stands for; `None` when the connection is to be closed without a word.
#[must_use]
pub fn page_reply(page: &ErrorPage, view: &dyn View) -> Option<Reply> {
    Some(match page {
        ErrorPage::Silent => return None,
        ErrorPage::File(stored) => Reply {
            head: stored.head.clone(),
            body: Bytes::copy_from_slice(&stored.body),
            verbatim: true,
            ..Reply::default()
        },
        ErrorPage::Redirect(status, location) => {
            let mut reply = Reply::new(*status, reason(*status).as_bytes());
            reply.head.push_known(FieldId::ContentLength, b"0");
            reply.head.push_known(FieldId::CacheControl, b"no-cache");
            reply
                .head
                .push_known(FieldId::Location, location.as_bytes());
            reply
        }
        ErrorPage::Composed(composed) => {
            let mut reply = Reply::new(composed.status, reason(composed.status).as_bytes());
            let text = |format: &LogFormat| {
                let mut text = Vec::new();
                format.render(view, &mut text);
                text
            };
            for (name, format) in &composed.headers {
                reply.head.push(name.as_bytes(), &text(format));
            }
            reply.body = match &composed.body {
                crate::errors::ResponseBody::Empty => Bytes::new(),
                crate::errors::ResponseBody::Fixed(bytes) => Bytes::copy_from_slice(bytes),
                crate::errors::ResponseBody::Format(format) => text(format).into(),
            };
            finish(&mut reply, composed.content_type.as_deref());
            reply
        }
    })
}

/// What an answer means for the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Return,
    Deny,
    Tarpit,
}

#[derive(Debug)]
struct Answer {
    meaning: Meaning,
    response: Response,
}

impl Action for Answer {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let status = self.response.status;
        // The response that an answer takes the place of is gone before the answer is made.
        stream.set_aside_response(true);
        let built = self.response.build(stream.view());
        stream.set_aside_response(false);
        match (self.meaning, built) {
            (_, Built::Silence) => Flow::Close(CloseKind::Reject),
            (Meaning::Return, Built::Reply(reply)) => Flow::Reply(reply),
            (Meaning::Return, Built::Page) => match stream.error_page(status) {
                Some(reply) => Flow::Reply(Box::new(reply)),
                None => Flow::Close(CloseKind::Reject),
            },
            (Meaning::Deny, Built::Page) => Flow::Deny(status, None),
            (Meaning::Deny, Built::Reply(reply)) => Flow::Deny(status, Some(reply)),
            (Meaning::Tarpit, Built::Page) => Flow::Tarpit(status, None),
            (Meaning::Tarpit, Built::Reply(reply)) => Flow::Tarpit(status, Some(reply)),
        }
    }

    fn is_final(&self) -> bool {
        true
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let Source::Section(name, slot) = &self.response.source else {
            return Ok(());
        };
        let Some(pages) = names.http_errors.get(name) else {
            return Err(format!(
                "unknown http-errors section '{name}' referenced by an http reply ."
            ));
        };
        // Rules of a `defaults` section are resolved once per proxy, always to the same section.
        let _ = slot.set(pages.clone());
        Ok(())
    }
}

fn parse_return(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, Meaning::Return, 200)
}

fn parse_deny(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let status = if cursor.family() == Family::HttpRequest {
        403
    } else {
        502
    };
    parse(cursor, Meaning::Deny, status)
}

fn parse_tarpit(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, Meaning::Tarpit, 500)
}

/// The arguments of a response while they are being read.
struct Arguments {
    status: u16,
    /// Whether `deny_status` alone asks for the proxy's page.
    old_status: bool,
    content_type: Option<Arc<str>>,
    /// The source, and the keyword that named it.
    source: Option<(&'static str, Source)>,
    fields: Vec<(Arc<str>, Arc<LogFormat>)>,
}

fn parse(
    cursor: &mut RuleCursor<'_, '_, '_>,
    meaning: Meaning,
    status: u16,
) -> Parsed<Box<dyn Action>> {
    let mut arguments = Arguments {
        status,
        old_status: false,
        content_type: None,
        source: None,
        fields: Vec::new(),
    };
    let has_arguments = !cursor.at_end();
    while arguments.take(cursor, meaning)? {}
    let only_old_status =
        arguments.old_status && arguments.fields.is_empty() && arguments.content_type.is_none();
    if meaning != Meaning::Return
        && arguments.source.is_none()
        && (!has_arguments || only_old_status)
    {
        arguments.source = Some(("default-errorfiles", Source::Page));
    }
    let response = arguments.finish(cursor)?;
    Ok(Box::new(Answer { meaning, response }))
}

impl Arguments {
    /// Takes one argument; false when the next word is none.
    fn take(&mut self, cursor: &mut RuleCursor<'_, '_, '_>, meaning: Meaning) -> Parsed<bool> {
        match cursor.peek() {
            "status" => self.take_status(cursor)?,
            "deny_status" if meaning != Meaning::Return => {
                self.take_status(cursor)?;
                self.old_status = true;
            }
            "content-type" => {
                cursor.take();
                self.content_type = Some(
                    cursor
                        .expect("'content-type' expects <ctype> as argument")?
                        .into(),
                );
            }
            "hdr" => self.take_field(cursor)?,
            "default-errorfiles" => {
                self.source(cursor, "default-errorfiles", |_| Ok(Source::Page))?
            }
            "errorfile" => self.source(cursor, "errorfile", take_error_file)?,
            "errorfiles" => self.source(cursor, "errorfiles", |cursor| {
                let name = cursor.expect("'errorfiles' expects <name> as argument")?;
                Ok(Source::Section(name.into(), OnceLock::new()))
            })?,
            "file" => self.source(cursor, "file", |cursor| {
                let name = cursor.expect("'file' expects <file> as argument")?;
                Ok(Source::Made(fixed(read_file(cursor, name)?)))
            })?,
            "lf-file" => self.source(cursor, "lf-file", |cursor| {
                let name = cursor.expect("'lf-file' expects <file> as argument")?;
                let text = String::from_utf8(read_file(cursor, name)?)
                    .map_err(|_| cursor.fault_before(format!("file '{name}' is no text")))?;
                Ok(Source::Made(Payload::Format(
                    cursor.format_of(&text, Usage::RAW)?,
                )))
            })?,
            "string" => self.source(cursor, "string", |cursor| {
                let text = cursor.expect("'string' expects <str> as argument")?;
                Ok(Source::Made(fixed(config::bytes_of(text).into_owned())))
            })?,
            "lf-string" => self.source(cursor, "lf-string", |cursor| {
                let format = cursor.format("'lf-string' expects <fmt> as argument", Usage::RAW)?;
                Ok(Source::Made(Payload::Format(format)))
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_status(&mut self, cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed {
        cursor.take();
        let text = cursor.expect("'status' expects <status_code> as argument")?;
        let status: u16 = text.parse().unwrap_or(0);
        if !(200..=599).contains(&status) {
            return Err(cursor.fault_before(format!("Unexpected status code '{status}'")));
        }
        self.status = status;
        Ok(())
    }

    fn take_field(&mut self, cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed {
        let missing = "'hdr' expects <name> and <value> as arguments";
        cursor.take();
        if cursor.peek_second().is_empty() {
            return Err(cursor.fault(missing));
        }
        let written = cursor.peek();
        let name = field_name(cursor, missing)?;
        let format = cursor.format(missing, Usage::HTTP)?;
        if matches!(
            &*name,
            "content-length" | "transfer-encoding" | "content-type"
        ) {
            cursor.warn(format!(
                "header '{written}' always ignored by the http reply."
            ));
            return Ok(());
        }
        self.fields.push((name, format));
        Ok(())
    }

    fn source(
        &mut self,
        cursor: &mut RuleCursor<'_, '_, '_>,
        keyword: &'static str,
        read: impl FnOnce(&mut RuleCursor<'_, '_, '_>) -> Parsed<Source>,
    ) -> Parsed {
        if let Some((before, _)) = self.source {
            return Err(cursor.fault(format!(
                "unexpected '{keyword}' argument, '{before}' already defined"
            )));
        }
        cursor.take();
        self.source = Some((keyword, read(cursor)?));
        Ok(())
    }

    fn finish(self, cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Response> {
        let Self {
            status,
            mut content_type,
            source,
            mut fields,
            ..
        } = self;
        let (keyword, source) = source.unwrap_or(("", Source::Made(Payload::None)));
        let ignored = |content_type: &mut Option<Arc<str>>,
                       cursor: &mut RuleCursor<'_, '_, '_>,
                       why: &str| {
            if let Some(kind) = content_type.take() {
                cursor.warn(format!(
                    "content-type '{kind}' ignored by the http reply {why}."
                ));
            }
        };
        match &source {
            Source::Page | Source::Section(..) | Source::File(_) => {
                if !has_page(status) && !matches!(source, Source::File(_)) {
                    let message = format!(
                        "status code '{status}' not handled by default with '{keyword}' argument."
                    );
                    return Err(cursor.fault(message));
                }
                ignored(&mut content_type, cursor, "when used with an errorfile");
                if !fields.is_empty() {
                    cursor.warn(
                        "hdr parameters ignored by the http reply when used with an errorfile.",
                    );
                    fields.clear();
                }
            }
            Source::Made(Payload::None) if keyword.is_empty() => {
                ignored(
                    &mut content_type,
                    cursor,
                    "because neither errorfile nor payload defined",
                );
            }
            Source::Made(Payload::None) => {
                ignored(&mut content_type, cursor, "because the payload is empty")
            }
            Source::Made(Payload::Fixed(_)) if content_type.is_none() => {
                return Err(cursor
                    .fault("a content type must be defined when non-empty payload is configured"));
            }
            Source::Made(Payload::Format(_)) if content_type.is_none() => {
                return Err(
                    cursor.fault("a content type must be defined with a log-format payload")
                );
            }
            Source::Made(_) if matches!(status, 204 | 304) => {
                return Err(cursor.fault(format!("No body expected for {status} responses")));
            }
            Source::Made(_) => {}
        }
        Ok(Response {
            status,
            source,
            content_type,
            fields,
        })
    }
}

fn fixed(body: Vec<u8>) -> Payload {
    if body.is_empty() {
        Payload::None
    } else {
        Payload::Fixed(body.into())
    }
}

fn read_file(cursor: &RuleCursor<'_, '_, '_>, name: &str) -> Parsed<Vec<u8>> {
    std::fs::read(name).map_err(|why| {
        cursor
            .fault_before(format!("error opening file '{name}'."))
            .hint(why.to_string())
    })
}

fn take_error_file(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Source> {
    if cursor.peek().is_empty() {
        return Err(cursor.fault("'errorfile' expects <fmt> as argument"));
    }
    let page = error_file(cursor)?;
    cursor.take();
    Ok(Source::File(page))
}
