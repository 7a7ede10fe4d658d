//! What can be read of a TLS ClientHello or ServerHello (RFC 8446, section 4.1) or an RDP request in the buffer of a TCP
//! stream.

use crate::args::Args;
use crate::args::spec::OPT_STR;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;

/// Why a part of a hello can't be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// More bytes may tell.
    Short,
    /// It is something else, or has no such part.
    Absent,
}

impl Lack {
    fn outcome<'a>(self, complete: bool) -> Outcome<'a> {
        match self {
            Self::Short if !complete => Outcome::NotYet,
            _ => Outcome::Missing,
        }
    }
}

/// Takes fields off the front of a record.
#[derive(Debug, Clone, Copy)]
struct Cursor<'b> {
    bytes: &'b [u8],
}

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Lack> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(Lack::Short)?;
        self.bytes = tail;
        Ok(head)
    }

    fn number(&mut self, width: usize) -> Result<usize, Lack> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    }

    /// A block behind its own length.
    fn block(&mut self, width: usize) -> Result<&'b [u8], Lack> {
        let length = self.number(width)?;
        self.take(length)
    }
}

/// The parts of a ClientHello.
#[derive(Debug, Clone, Copy)]
struct Hello<'b> {
    version: usize,
    ciphers: &'b [u8],
    extensions: &'b [u8],
}

/// Reads the handshake message in the first record, which must be there as a whole.
fn handshake(bytes: &[u8]) -> Result<(usize, Cursor<'_>), Lack> {
    let mut record = Cursor { bytes };
    if record.number(1)? != 22 {
        return Err(Lack::Absent);
    }
    if record.number(1)? < 3 {
        return Err(Lack::Absent);
    }
    record.take(1)?;
    let mut message = Cursor {
        bytes: record.block(2)?,
    };
    let kind = message.number(1).map_err(|_| Lack::Absent)?;
    Ok((kind, message))
}

fn client_hello(bytes: &[u8]) -> Result<Hello<'_>, Lack> {
    let (kind, mut message) = handshake(bytes)?;
    if kind != 1 {
        return Err(Lack::Absent);
    }
    let read = |message: &mut Cursor<'_>| -> Result<(), Lack> {
        message.number(3)?;
        Ok(())
    };
    read(&mut message).map_err(|_| Lack::Absent)?;
    let mut parts = || -> Result<_, Lack> {
        let version = message.number(2)?;
        message.take(32)?;
        message.block(1)?;
        let ciphers = message.block(2)?;
        message.block(1)?;
        let extensions = if message.bytes.is_empty() {
            &[][..]
        } else {
            message.block(2)?
        };
        Ok(Hello {
            version,
            ciphers,
            extensions,
        })
    };
    // The record is complete, so what is short in it is wrong.
    parts().map_err(|_| Lack::Absent)
}

impl<'b> Hello<'b> {
    fn extension(&self, wanted: usize) -> Result<&'b [u8], Lack> {
        let mut list = Cursor {
            bytes: self.extensions,
        };
        while !list.bytes.is_empty() {
            let kind = list.number(2).map_err(|_| Lack::Absent)?;
            let data = list.block(2).map_err(|_| Lack::Absent)?;
            if kind == wanted {
                return Ok(data);
            }
        }
        Err(Lack::Absent)
    }

    /// A list in an extension, behind its own length.
    fn list(&self, wanted: usize) -> Result<&'b [u8], Lack> {
        Cursor {
            bytes: self.extension(wanted)?,
        }
        .block(2)
        .map_err(|_| Lack::Absent)
    }
}

fn read<'a>(
    view: &'a dyn View,
    side: Side,
    part: impl FnOnce(&'a [u8]) -> Result<Value<'a>, Lack>,
) -> Outcome<'a> {
    match view.payload(side) {
        None => Outcome::Missing,
        Some(content) => {
            part(content.bytes).map_or_else(|lack| lack.outcome(content.complete), Outcome::Found)
        }
    }
}

fn int<'a>(value: usize) -> Value<'a> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn bin(bytes: &[u8]) -> Value<'_> {
    Value::Bin(Cow::Borrowed(bytes))
}

fn text(bytes: &[u8]) -> Value<'_> {
    Value::Str(Cow::Borrowed(bytes))
}

fn req_hello_type<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| Ok(int(handshake(b)?.0)))
}

fn res_hello_type<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Response, |b| Ok(int(handshake(b)?.0)))
}

/// The version that the hello names: major in the high half, minor in the low one.
fn version<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        let version = client_hello(b)?.version;
        Ok(int((version >> 8) << 16 | version & 0xff))
    })
}

fn sni<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        let mut names = Cursor {
            bytes: client_hello(b)?.list(0)?,
        };
        while !names.bytes.is_empty() {
            let kind = names.number(1).map_err(|_| Lack::Absent)?;
            let name = names.block(2).map_err(|_| Lack::Absent)?;
            if kind == 0 {
                return Ok(text(name));
            }
        }
        Err(Lack::Absent)
    })
}

/// The first protocol that the client offers.
fn alpn<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        let mut names = Cursor {
            bytes: client_hello(b)?.list(16)?,
        };
        names.block(1).map(text).map_err(|_| Lack::Absent)
    })
}

fn ec_ext<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        client_hello(b)?.extension(10).map(|_| Value::Bool(true))
    })
}

/// 0 without the session ticket extension, 1 with an empty one, 2 with a ticket.
fn st_ext<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        Ok(int(match client_hello(b)?.extension(35) {
            Err(_) => 0,
            Ok([]) => 1,
            Ok(_) => 2,
        }))
    })
}

fn cipherlist<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| Ok(bin(client_hello(b)?.ciphers)))
}

fn sigalgs<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| client_hello(b)?.list(13).map(bin))
}

fn groups<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| client_hello(b)?.list(10).map(bin))
}

fn keyshares<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| {
        let mut shares = Cursor {
            bytes: client_hello(b)?.list(51)?,
        };
        let mut groups = Vec::new();
        while !shares.bytes.is_empty() {
            groups.extend_from_slice(shares.take(2).map_err(|_| Lack::Absent)?);
            shares.block(2).map_err(|_| Lack::Absent)?;
        }
        Ok(Value::Bin(Cow::Owned(groups)))
    })
}

/// The cookie in an RDP connection request (MS-RDPBCGR, 2.2.1.1), behind the TPKT and X.224 headers.
fn rdp<'a>(args: &'a Args, bytes: &'a [u8]) -> Result<&'a [u8], Lack> {
    let mut packet = Cursor { bytes };
    let header = packet.take(11)?;
    if header.get(..2) != Some(&[3, 0]) || header.get(5) != Some(&0xe0) {
        return Err(Lack::Absent);
    }
    let length = header.get(2..4).map_or(0, |l| {
        l.iter().fold(0, |n, &byte| n << 8 | usize::from(byte))
    });
    let rest = packet.bytes;
    if bytes.len() < length {
        return Err(Lack::Short);
    }
    let prefix = rest.get(..7).ok_or(Lack::Absent)?;
    if !prefix.eq_ignore_ascii_case(b"Cookie:") {
        return Err(Lack::Absent);
    }
    let line = rest.get(7..).unwrap_or_default().trim_ascii_start();
    let end = memchr::memmem::find(line, b"\r\n").ok_or(Lack::Absent)?;
    let pair = line.get(..end).unwrap_or_default();
    let equals = memchr::memchr(b'=', pair).ok_or(Lack::Absent)?;
    let name = args.str(0).unwrap_or_default();
    let same = pair
        .get(..equals)
        .is_some_and(|n| n.eq_ignore_ascii_case(name));
    if name.is_empty() || same {
        pair.get(equals + 1..).ok_or(Lack::Absent)
    } else {
        Err(Lack::Absent)
    }
}

fn rdp_cookie<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    read(view, Side::Request, |b| rdp(args, b).map(text))
}

fn rdp_cookie_cnt<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match rdp_cookie(args, view) {
        Outcome::Found(_) => Outcome::Found(int(1)),
        Outcome::Missing => Outcome::Found(int(0)),
        other => other,
    }
}

const REQ: Phases = Phases::REQUEST;
const RES: Phases = Phases::RESPONSE;
const CLIENT: Phases = Phases::CLIENT;

const RDP: FetchRow =
    FetchRow::new("req.rdp_cookie", Type::Str, REQ, rdp_cookie, "RDP cookie.").args(&[OPT_STR]);
const RDP_CNT: FetchRow = FetchRow::new(
    "req.rdp_cookie_cnt",
    Type::Int,
    REQ,
    rdp_cookie_cnt,
    "Number of RDP cookies.",
)
.args(&[OPT_STR]);
const HELLO_TYPE: FetchRow = FetchRow::new(
    "req.ssl_hello_type",
    Type::Int,
    REQ,
    req_hello_type,
    "Type of the handshake message in the request buffer.",
);
const RES_HELLO_TYPE: FetchRow = FetchRow::new(
    "res.ssl_hello_type",
    Type::Int,
    RES,
    res_hello_type,
    "Type of the handshake message in the response buffer.",
);
const SNI: FetchRow = FetchRow::new(
    "req.ssl_sni",
    Type::Str,
    REQ,
    sni,
    "Server name in the ClientHello.",
);
const VERSION: FetchRow = FetchRow::new(
    "req.ssl_ver",
    Type::Int,
    REQ,
    version,
    "Version in the ClientHello.",
);

pub(super) static ROWS: &[FetchRow] = &[
    HELLO_TYPE,
    HELLO_TYPE.alias("req_ssl_hello_type"),
    RES_HELLO_TYPE,
    RES_HELLO_TYPE.alias("rep_ssl_hello_type"),
    SNI,
    SNI.alias("req_ssl_sni"),
    VERSION,
    VERSION.alias("req_ssl_ver"),
    FetchRow::new(
        "req.ssl_alpn",
        Type::Str,
        REQ,
        alpn,
        "First protocol offered in the ClientHello.",
    ),
    FetchRow::new(
        "req.ssl_ec_ext",
        Type::Bool,
        REQ,
        ec_ext,
        "Whether the ClientHello lists elliptic curves.",
    ),
    FetchRow::new(
        "req.ssl_st_ext",
        Type::Int,
        REQ,
        st_ext,
        "Session ticket extension of the ClientHello: none, empty, with ticket.",
    ),
    FetchRow::new(
        "req.ssl_cipherlist",
        Type::Bin,
        CLIENT,
        cipherlist,
        "Cipher suites of the ClientHello.",
    ),
    FetchRow::new(
        "req.ssl_sigalgs",
        Type::Bin,
        CLIENT,
        sigalgs,
        "Signature algorithms of the ClientHello.",
    ),
    FetchRow::new(
        "req.ssl_supported_groups",
        Type::Bin,
        CLIENT,
        groups,
        "Groups of the ClientHello.",
    ),
    FetchRow::new(
        "req.ssl_keyshare_groups",
        Type::Bin,
        CLIENT,
        keyshares,
        "Groups of the key shares in the ClientHello.",
    ),
    RDP,
    RDP.alias("rdp_cookie"),
    RDP_CNT,
    RDP_CNT.alias("rdp_cookie_cnt"),
];

#[cfg(test)]
mod tests {
    use crate::testview::{TestView, eval};

    fn hello() -> Vec<u8> {
        let mut extensions = vec![0, 0, 0, 10, 0, 8, 0, 0, 5];
        extensions.extend_from_slice(b"ex.io");
        extensions.extend_from_slice(&[0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        extensions.extend_from_slice(&[0, 10, 0, 4, 0, 2, 0, 29]);
        extensions.extend_from_slice(&[0, 35, 0, 0]);
        let mut body = vec![3, 3];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend_from_slice(&[0, extensions.len() as u8]);
        body.extend_from_slice(&extensions);
        let mut message = vec![1, 0, 0, body.len() as u8];
        message.extend_from_slice(&body);
        let mut record = vec![22, 3, 1, 0, message.len() as u8];
        record.extend_from_slice(&message);
        record
    }

    #[test]
    fn a_client_hello_is_read() {
        let mut view = TestView::new("GET", "/", &[]);
        view.payload = hello();
        for (text, expected) in [
            ("req.ssl_sni", "ex.io"),
            ("req.ssl_alpn", "h2"),
            ("req.ssl_hello_type", "1"),
            ("req.ssl_ver", "196611"),
            ("req.ssl_st_ext", "1"),
            ("req.ssl_ec_ext", "1"),
        ] {
            assert_eq!(
                eval(text, &view).as_ref().map(Option::as_deref),
                Ok(Some(expected)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_part_of_a_hello_is_waited_for_and_anything_else_is_not() {
        use crate::sample::Outcome;
        let mut view = TestView::new("GET", "/", &[]);
        view.complete = false;
        let expr = crate::testview::compile(|ctx| crate::Expr::parse_str("req.ssl_sni", ctx))
            .expect("an expression");
        for end in 0..hello().len() {
            view.payload = hello()[..end].to_vec();
            assert_eq!(expr.eval(&view), Outcome::NotYet, "{end} bytes");
        }
        view.payload = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        assert_eq!(expr.eval(&view), Outcome::Missing);
    }

    #[test]
    fn an_rdp_cookie_is_read() {
        let mut view = TestView::new("GET", "/", &[]);
        let mut packet = vec![3, 0, 0, 40, 35, 0xe0, 0, 0, 0, 0, 0];
        packet.extend_from_slice(b"Cookie: mstshash=someuser\r\n!!");
        view.payload = packet;
        assert_eq!(
            eval("req.rdp_cookie(MSTShash)", &view),
            Ok(Some("someuser".into()))
        );
        assert_eq!(eval("rdp_cookie", &view), Ok(Some("someuser".into())));
        assert_eq!(eval("rdp_cookie_cnt(other)", &view), Ok(Some("0".into())));
    }
}
