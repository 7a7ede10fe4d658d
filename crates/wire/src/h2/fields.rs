//! Field sections to heads (RFC 9113, section 8).

use super::frame::Code;
use super::hpack::{Decoder, HpackError};
use crate::h1::class::{self, TOKEN};
use crate::h1::{Framing, Limits, MessageFlags, host, merge_lengths, write_decimal};
use message::{FieldId, Head, Kind, Span, Version};

/// What a field section says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// What the stream must know about the message. `upgrade` stands for an extended CONNECT (RFC 8441).
    pub flags: MessageFlags,
    /// `content-length`
    pub length: Option<u64>,
}

impl Section {
    /// How the body is delimited, as HTTP/1 would say it; `end` when the section was the stream's last frame.
    #[must_use]
    pub fn framing(&self, end: bool) -> Framing {
        match (end, self.length) {
            (true, Some(0)) => Framing::Length(0),
            (true, _) => Framing::None,
            (false, Some(length)) => Framing::Length(length),
            (false, None) => Framing::Chunked,
        }
    }
}

/// Why a field section is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The connection cannot go on.
    Connection(Code),
    /// The stream is reset (RFC 9113, section 8.1.1).
    Stream,
    /// The request is answered with status 400: it is well-formed as far as HTTP/2 is concerned.
    Request,
}

/// What a section opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    Request,
    Response,
    Trailers,
}

/// Reads a whole field section into `head`: a request, a response, or with `trailers` the fields behind a body.
///
/// A request's target is put together as the absolute form when there is an `:authority`, which also becomes the `Host`
/// field; crumbs of `Cookie` are joined.
///
/// # Errors
/// When the section is malformed.
pub fn read_section(
    decoder: &mut Decoder,
    section: &[u8],
    kind: Kind,
    trailers: bool,
    limits: &Limits,
    head: &mut Head,
) -> Result<Section, Malformed> {
    head.clear();
    let opens = match (trailers, kind) {
        (true, _) => Opens::Trailers,
        (false, Kind::Request) => Opens::Request,
        (false, Kind::Response) => Opens::Response,
    };
    let mut reader = Reader::new(head, opens, limits.max_fields);
    let decoded = decoder.decode(section, limits.max_head, |name, value| {
        reader.field(name, value)
    });
    match decoded {
        Ok(()) => reader.finish(),
        Err(HpackError::TooLarge) => Err(Malformed::Connection(Code::CALM)),
        Err(_) => Err(Malformed::Connection(Code::COMPRESSION)),
    }
}

/// Pseudo-header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pseudo {
    Method,
    Scheme,
    Authority,
    Path,
    Protocol,
    Status,
}

impl Pseudo {
    const COUNT: usize = 6;

    fn of(name: &[u8], opens: Opens) -> Option<Self> {
        match (name, opens) {
            (b":method", Opens::Request) => Some(Self::Method),
            (b":scheme", Opens::Request) => Some(Self::Scheme),
            (b":authority", Opens::Request) => Some(Self::Authority),
            (b":path", Opens::Request) => Some(Self::Path),
            (b":protocol", Opens::Request) => Some(Self::Protocol),
            (b":status", Opens::Response) => Some(Self::Status),
            _ => None,
        }
    }
}

/// Puts decoded fields into a head. The first fault sticks; what follows is only decoded.
struct Reader<'h> {
    head: &'h mut Head,
    opens: Opens,
    max_fields: usize,
    pseudo: [Option<Span>; Pseudo::COUNT],
    fault: Option<Malformed>,
    /// Regular fields have begun.
    regular: bool,
    length: Option<u64>,
    /// Crumbs of `Cookie`.
    crumbs: Vec<Span>,
    flags: MessageFlags,
}

impl<'h> Reader<'h> {
    fn new(head: &'h mut Head, opens: Opens, max_fields: usize) -> Self {
        Self {
            head,
            opens,
            max_fields,
            pseudo: [None; Pseudo::COUNT],
            fault: None,
            regular: false,
            length: None,
            crumbs: Vec::new(),
            flags: MessageFlags::default(),
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if let Err(fault) = self.add(name, value) {
            self.fault = Some(fault);
        }
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        // HAProxy takes a field without a name for a fault of the compression.
        if name.is_empty() {
            return Err(Malformed::Connection(Code::COMPRESSION));
        }
        if memchr::memchr3(0, b'\r', b'\n', value).is_some() {
            return Err(Malformed::Stream);
        }
        if name.first() == Some(&b':') {
            return self.pseudo(name, value);
        }
        if !self.regular {
            self.regular = true;
            self.push_host()?;
        }
        let plain = |&b: &u8| class::is(b, TOKEN) && !b.is_ascii_uppercase();
        if !name.iter().all(plain) {
            return Err(Malformed::Stream);
        }
        self.regular(name, value)
    }

    fn pseudo(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        let pseudo = Pseudo::of(name, self.opens).ok_or(Malformed::Stream)?;
        let span = self.append(value);
        let slot = self
            .pseudo
            .get_mut(pseudo as usize)
            .ok_or(Malformed::Stream)?;
        if self.regular || slot.is_some() || (value.is_empty() && pseudo == Pseudo::Method) {
            return Err(Malformed::Stream);
        }
        *slot = Some(span);
        Ok(())
    }

    fn append(&mut self, text: &[u8]) -> Span {
        let start = self.head.append_text(text);
        Span::new(start, start + text.len())
    }

    fn part(&self, pseudo: Pseudo) -> Option<&[u8]> {
        let span = (*self.pseudo.get(pseudo as usize)?)?;
        Some(self.head.slice(span))
    }

    /// The authority stands in for `Host`, in front of all fields, and without the scheme's default port.
    fn push_host(&mut self) -> Result<(), Malformed> {
        let Some(authority) = self.part(Pseudo::Authority) else {
            return Ok(());
        };
        if host::invalid_byte(authority).is_some() {
            return Err(Malformed::Stream);
        }
        let len = match (self.part(Pseudo::Scheme), host::split_port(authority)) {
            (Some(scheme), (name, Some(port))) if is_default(scheme, port) => name.len(),
            _ => authority.len(),
        };
        let known = self.pseudo[Pseudo::Authority as usize].unwrap_or_default();
        let host = Span::new(known.start(), known.start() + len);
        self.pseudo[Pseudo::Authority as usize] = Some(host);
        let name = self.append(b"host");
        self.head.push_spans(name, host);
        self.flags.has_host = true;
        Ok(())
    }

    fn regular(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        let id = FieldId::of(name);
        match id {
            FieldId::Connection
            | FieldId::ProxyConnection
            | FieldId::KeepAlive
            | FieldId::Upgrade
            | FieldId::TransferEncoding => return Err(Malformed::Stream),
            // What frames, routes or steers a message has no place behind its body.
            FieldId::Te | FieldId::Host | FieldId::ContentLength
                if self.opens == Opens::Trailers =>
            {
                return Err(Malformed::Stream);
            }
            FieldId::Te if value != b"trailers" => return Err(Malformed::Stream),
            FieldId::Host if self.flags.has_host => return Ok(()),
            FieldId::Host if self.opens == Opens::Request => {
                if host::invalid_byte(value).is_some() {
                    return Err(Malformed::Stream);
                }
                self.flags.has_host = true;
            }
            FieldId::Cookie if self.opens == Opens::Request => {
                let crumb = self.append(value.trim_ascii());
                self.crumbs.push(crumb);
                return Ok(());
            }
            FieldId::ContentLength => {
                let known = self.length.is_some();
                let length = merge_lengths(value, self.length).ok_or(Malformed::Stream)?;
                self.length = Some(length);
                if !known {
                    self.has_room()?;
                    let mut digits = [0; 20];
                    let (name, value) = (
                        self.append(name),
                        self.append(write_decimal(length, &mut digits)),
                    );
                    self.head.push_spans(name, value);
                }
                return Ok(());
            }
            FieldId::Expect => {
                self.flags.expect_continue |= value.eq_ignore_ascii_case(b"100-continue");
            }
            _ => {}
        }
        self.has_room()?;
        let (name, value) = (self.append(name), self.append(value.trim_ascii()));
        self.head.push_spans(name, value);
        Ok(())
    }

    fn has_room(&self) -> Result<(), Malformed> {
        match self.head.len() < self.max_fields {
            true => Ok(()),
            false => Err(Malformed::Connection(Code::COMPRESSION)),
        }
    }

    fn finish(mut self) -> Result<Section, Malformed> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.opens {
            Opens::Request => self.finish_request()?,
            Opens::Response => self.finish_response()?,
            Opens::Trailers => {}
        }
        Ok(Section {
            flags: self.flags,
            length: self.length,
        })
    }

    fn finish_response(&mut self) -> Result<(), Malformed> {
        let status = match self.part(Pseudo::Status) {
            Some(&[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9']) => [a, b, c]
                .iter()
                .fold(0, |n, &digit| n * 10 + u16::from(digit - b'0')),
            _ => return Err(Malformed::Stream),
        };
        // Protocols are not switched this way in HTTP/2 (RFC 9113, section 8.6).
        if status == 101 {
            return Err(Malformed::Stream);
        }
        self.head
            .set_response_spans(Version::HTTP_2, status, Span::default());
        Ok(())
    }

    fn finish_request(&mut self) -> Result<(), Malformed> {
        let method = self.pseudo[Pseudo::Method as usize].ok_or(Malformed::Stream)?;
        let connect = self.head.slice(method) == b"CONNECT";
        let extended = self.part(Pseudo::Protocol).is_some();
        if extended {
            // As HAProxy orders them: what the pseudo-header fields make comes behind regular fields, if there are any.
            self.upgrade(connect)?;
        }
        if !self.regular {
            self.push_host()?;
        }
        let target = match connect && !extended {
            true => self.connect_target()?,
            false => self.target()?,
        };
        let method = match extended {
            true => self.append(b"GET"),
            false => method,
        };
        self.head.set_request_spans(method, target, Version::HTTP_2);
        self.head.set_assembled(true);
        self.join_crumbs();
        let token = self.head.method_text().iter().all(|&b| class::is(b, TOKEN));
        let scheme = self.part(Pseudo::Scheme).unwrap_or(b"http");
        let sound = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let path = self.part(Pseudo::Path).unwrap_or_default();
        // `PRI` is the preface's word and nobody's method.
        match token && sound && self.head.method_text() != b"PRI" && !path.contains(&0x7f) {
            true => Ok(()),
            false => Err(Malformed::Request),
        }
    }

    /// A plain CONNECT has nothing but an authority (RFC 9113, section 8.5).
    fn connect_target(&self) -> Result<Span, Malformed> {
        if self.part(Pseudo::Scheme).is_some() || self.part(Pseudo::Path).is_some() {
            return Err(Malformed::Stream);
        }
        let authority = self.pseudo[Pseudo::Authority as usize];
        authority
            .filter(|span| !span.is_empty())
            .ok_or(Malformed::Stream)
    }

    fn target(&mut self) -> Result<Span, Malformed> {
        let scheme = self.pseudo[Pseudo::Scheme as usize].ok_or(Malformed::Stream)?;
        let path = self.pseudo[Pseudo::Path as usize].ok_or(Malformed::Stream)?;
        let text = self.head.slice(path);
        let star = text == b"*";
        if !star && (text.first() != Some(&b'/') || text.iter().any(|&b| b <= b' ' || b == b'#')) {
            return Err(Malformed::Stream);
        }
        let Some(authority) = self.pseudo[Pseudo::Authority as usize] else {
            return Ok(path);
        };
        // The asterisk is for the whole server (RFC 9112, section 3.2.4); HAProxy makes a path of others'.
        let whole = self.part(Pseudo::Method) == Some(b"OPTIONS");
        let start = self.head.append_span(scheme);
        self.head.append_text(b"://");
        self.head.append_span(authority);
        match star {
            false => {
                self.head.append_span(path);
            }
            true if !whole => {
                self.head.append_text(b"/");
            }
            true => {}
        }
        Ok(Span::new(start, self.head.text_mut().len()))
    }

    /// An extended CONNECT becomes what HTTP/1 would have asked with (RFC 8441, section 5).
    fn upgrade(&mut self, connect: bool) -> Result<(), Malformed> {
        let protocol = self.pseudo[Pseudo::Protocol as usize].ok_or(Malformed::Stream)?;
        let text = self.head.slice(protocol);
        let is_http2 = text.eq_ignore_ascii_case(b"h2") || text.eq_ignore_ascii_case(b"h2c");
        if !connect || is_http2 || self.part(Pseudo::Authority).is_none() {
            return Err(Malformed::Stream);
        }
        let is_empty = text.is_empty();
        self.flags.upgrade = true;
        self.flags.websocket = text.eq_ignore_ascii_case(b"websocket");
        if !is_empty {
            let name = self.append(b"upgrade");
            self.head.push_spans(name, protocol);
        }
        self.head.push_known(FieldId::Connection, b"upgrade");
        Ok(())
    }

    /// Cookies come last, in one field (RFC 9113, section 8.2.3).
    fn join_crumbs(&mut self) {
        let Some((&first, rest)) = self.crumbs.split_first() else {
            return;
        };
        let mut value = first;
        if !rest.is_empty() {
            let start = self.head.append_span(first);
            for &crumb in rest {
                self.head.append_text(b"; ");
                self.head.append_span(crumb);
            }
            value = Span::new(start, self.head.text_mut().len());
        }
        let name = self.append(b"cookie");
        self.head.push_spans(name, value);
    }
}

/// Whether a port goes without saying.
fn is_default(scheme: &[u8], port: &[u8]) -> bool {
    match port {
        b"" => true,
        b"80" => scheme.eq_ignore_ascii_case(b"http"),
        b"443" => scheme.eq_ignore_ascii_case(b"https"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::hpack;
    use proptest::prelude::*;

    const BASE: [(&str, &str); 4] = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/x?y"),
        (":authority", "ex.com"),
    ];

    fn read(fields: &[(&str, &str)], kind: Kind) -> Result<(Head, Section), Malformed> {
        let mut block = Vec::new();
        for (name, value) in fields {
            hpack::write_field(name.as_bytes(), value.as_bytes(), &mut block);
        }
        let mut head = Head::new();
        let mut decoder = Decoder::new(4096);
        let limits = Limits::default();
        read_section(&mut decoder, &block, kind, false, &limits, &mut head)
            .map(|section| (head, section))
    }

    fn request(fields: &[(&str, &str)]) -> Result<(Head, Section), Malformed> {
        read(fields, Kind::Request)
    }

    fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        BASE.iter().chain(more).copied().collect()
    }

    fn fields(head: &Head) -> Vec<(&str, &str)> {
        let text = |text| std::str::from_utf8(text).unwrap();
        head.iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    #[test]
    fn the_authority_comes_first_and_cookies_last() {
        let more = [
            ("a", " 1 "),
            ("cookie", "c=1"),
            ("host", "other"),
            ("b", "2"),
            ("cookie", "d=2"),
        ];
        let (head, section) = request(&with(&more)).unwrap();
        assert_eq!(head.method_text(), b"GET");
        assert_eq!(head.target(), b"https://ex.com/x?y");
        assert!(head.is_assembled());
        let expected = [
            ("host", "ex.com"),
            ("a", "1"),
            ("b", "2"),
            ("cookie", "c=1; d=2"),
        ];
        assert_eq!(fields(&head), expected);
        assert_eq!(section.framing(true), Framing::None);
        assert_eq!(section.framing(false), Framing::Chunked);
    }

    #[test]
    fn targets_follow_the_pseudo_header_fields() {
        for (method, scheme, path, authority, target, host) in [
            ("GET", "http", "/x", "f:80", "http://f/x", Some("f")),
            ("GET", "https", "/x", "f:80", "https://f:80/x", Some("f:80")),
            ("GET", "http", "/x", "", "http:///x", Some("")),
            (
                "OPTIONS",
                "http",
                "*",
                "ex.com",
                "http://ex.com",
                Some("ex.com"),
            ),
        ] {
            let all = [
                (":method", method),
                (":scheme", scheme),
                (":path", path),
                (":authority", authority),
            ];
            let (head, _) = request(&all).unwrap();
            assert_eq!(head.target(), target.as_bytes());
            assert_eq!(head.get(b"host"), host.map(str::as_bytes));
        }
        let (head, _) = request(&[(":method", "CONNECT"), (":authority", "ex.com:443")]).unwrap();
        assert_eq!(head.target(), b"ex.com:443");
    }

    #[test]
    fn an_extended_connect_becomes_an_upgrade() {
        let all = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":path", "/chat"),
            (":authority", "ex.com"),
        ];
        let (head, section) = request(&all).unwrap();
        assert!(section.flags.upgrade && section.flags.websocket);
        assert_eq!(head.method_text(), b"GET");
        let expected = [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("host", "ex.com"),
        ];
        assert_eq!(fields(&head), expected);
        let mut h2c = all;
        h2c[1].1 = "h2c";
        assert_eq!(request(&h2c).err(), Some(Malformed::Stream));
    }

    #[test]
    fn malformed_requests_are_refused() {
        let stream = [
            vec![("connection", "close")],
            vec![("transfer-encoding", "chunked")],
            vec![("te", "gzip")],
            vec![("Ab", "c")],
            vec![("ab", "c\r\nd")],
            vec![("ab", "c\0")],
            vec![("content-length", "")],
            vec![("content-length", "0,")],
            vec![("content-length", "1"), ("content-length", "2")],
            vec![(":path", "/z")],
            vec![("a", "b"), (":protocol", "x")],
            vec![(":foo", "x")],
            vec![(":status", "200")],
        ];
        for more in stream {
            assert_eq!(
                request(&with(&more)).err(),
                Some(Malformed::Stream),
                "{more:?}"
            );
        }
        for (at, value) in [
            (2, "x"),
            (2, ""),
            (2, "/x y"),
            (2, "/x#y"),
            (3, "u@f"),
            (3, "e/f"),
        ] {
            let mut all = BASE;
            all[at].1 = value;
            assert_eq!(request(&all).err(), Some(Malformed::Stream), "{value}");
        }
        for (at, value) in [(0, "GET?"), (1, "http://localhost/?"), (0, "PRI")] {
            let mut all = BASE;
            all[at].1 = value;
            assert_eq!(request(&all).err(), Some(Malformed::Request), "{value}");
        }
        let code = Malformed::Connection(Code::COMPRESSION);
        assert_eq!(request(&with(&[("", "c")])).err(), Some(code));
    }

    #[test]
    fn lengths_that_agree_are_one() {
        let more = [("content-length", "5"), ("content-length", "5")];
        let (head, section) = request(&with(&more)).unwrap();
        assert_eq!(section.framing(false), Framing::Length(5));
        assert_eq!(head.get_all(b"content-length").count(), 1);
    }

    #[test]
    fn responses_have_a_status_and_nothing_of_requests() {
        let (head, _) = read(&[(":status", "200"), ("a", "b")], Kind::Response).unwrap();
        assert_eq!((head.status(), fields(&head)), (200, vec![("a", "b")]));
        for status in ["", "20", "099", "101", "2000"] {
            let response = read(&[(":status", status)], Kind::Response);
            assert_eq!(response.err(), Some(Malformed::Stream), "{status}");
        }
        let response = read(&[(":status", "200"), (":path", "/")], Kind::Response);
        assert_eq!(response.err(), Some(Malformed::Stream));
    }

    proptest! {
        #[test]
        fn nothing_panics(block in proptest::collection::vec(any::<u8>(), 0..200)) {
            let limits = Limits::default();
            for (kind, trailers) in [(Kind::Request, false), (Kind::Response, false), (Kind::Request, true)] {
                let mut head = Head::new();
                let _ = read_section(&mut Decoder::new(4096), &block, kind, trailers, &limits, &mut head);
            }
        }
    }
}
