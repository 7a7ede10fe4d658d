//! What a ClientHello says (RFC 8446, section 4.1.2; RFC 5246, section 7.4.1.2).

use std::borrow::Cow;

/// What a client offers, and all of its message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The message without its header.
    body: Vec<u8>,
    /// How many bytes of its lists count as captured (`tune.ssl.capture-buffer-size`).
    pub(crate) captured: usize,
    session_id: Span,
    ciphers: Span,
    extensions: Span,
}

type Span = (usize, usize);

/// The lists that are captured, in the order in which they share the room for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Cipher suites.
    Ciphers,
    /// The numbers of extensions.
    Extensions,
    /// `supported_groups`.
    Groups,
    /// `ec_point_formats`.
    Formats,
    /// `supported_versions`.
    Versions,
    /// `signature_algorithms`.
    Signatures,
}

impl List {
    const ALL: [Self; 6] = [
        Self::Ciphers,
        Self::Extensions,
        Self::Groups,
        Self::Formats,
        Self::Versions,
        Self::Signatures,
    ];
}

/// Extension numbers (IANA, TLS ExtensionType Values).
pub mod extension {
    /// `server_name`.
    pub const SERVER_NAME: u16 = 0;
    /// `supported_groups`.
    pub const GROUPS: u16 = 10;
    /// `ec_point_formats`.
    pub const POINT_FORMATS: u16 = 11;
    /// `signature_algorithms`.
    pub const SIGNATURES: u16 = 13;
    /// `application_layer_protocol_negotiation`.
    pub const ALPN: u16 = 16;
    /// `early_data`.
    pub const EARLY_DATA: u16 = 42;
    /// `supported_versions`.
    pub const VERSIONS: u16 = 43;
}

/// What reading the beginning of a client's stream came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message has not come as a whole.
    More,
    /// The message.
    Hello(Box<ClientHello>),
    /// Something else, or it is malformed.
    Broken,
}

/// The longest ClientHello that is read, in bytes.
const LONGEST: usize = 1 << 16;

/// Reads a ClientHello from the beginning of a client's stream; it may span records.
#[must_use]
pub fn read(stream: &[u8]) -> Outcome {
    let mut message = Vec::new();
    let mut rest = stream;
    loop {
        let Some((&[kind, major, _, high, low], after)) = rest.split_first_chunk::<5>() else {
            return match rest {
                [] | [22] | [22, 3, ..] => Outcome::More,
                _ => Outcome::Broken,
            };
        };
        if kind != 22 || major != 3 {
            return Outcome::Broken;
        }
        let length = usize::from(high) << 8 | usize::from(low);
        if length == 0 || length > 16_640 {
            return Outcome::Broken;
        }
        let part = after.get(..length).unwrap_or(after);
        message.extend_from_slice(part);
        if message.first().is_some_and(|&kind| kind != 1) {
            return Outcome::Broken;
        }
        if let Some((&[_, a, b, c], body)) = message.split_first_chunk::<4>() {
            let wanted = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if wanted > LONGEST {
                return Outcome::Broken;
            }
            if let Some(body) = body.get(..wanted) {
                return match ClientHello::parse(body) {
                    Some(hello) => Outcome::Hello(Box::new(hello)),
                    None => Outcome::Broken,
                };
            }
        }
        match after.get(length..) {
            Some(next) if part.len() == length => rest = next,
            _ => return Outcome::More,
        }
    }
}

/// Takes numbers and blocks off the front of a message.
struct Cursor<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn skip(&mut self, count: usize) -> Option<Span> {
        let end = self.at.checked_add(count)?;
        self.all.get(self.at..end)?;
        let span = (self.at, end);
        self.at = end;
        Some(span)
    }

    fn number(&mut self, width: usize) -> Option<usize> {
        let (from, to) = self.skip(width)?;
        let bytes = self.all.get(from..to)?;
        Some(bytes.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    }

    fn block(&mut self, width: usize) -> Option<Span> {
        let length = self.number(width)?;
        self.skip(length)
    }

    fn block_bytes(&mut self, width: usize) -> Option<&'a [u8]> {
        let (from, to) = self.block(width)?;
        self.all.get(from..to)
    }
}

impl ClientHello {
    fn parse(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor { all: body, at: 0 };
        cursor.skip(2 + 32)?;
        let session_id = cursor.block(1)?;
        let ciphers = cursor.block(2)?;
        cursor.block(1)?;
        let extensions = match cursor.at == body.len() {
            true => (0, 0),
            false => cursor.block(2)?,
        };
        Some(Self {
            body: body.to_vec(),
            captured: 0,
            session_id,
            ciphers,
            extensions,
        })
    }

    fn span(&self, (from, to): Span) -> &[u8] {
        self.body.get(from..to).unwrap_or_default()
    }

    /// The protocol version in the message itself, which is never above TLS 1.2.
    #[must_use]
    pub fn legacy_version(&self) -> u16 {
        let bytes = self.body.first_chunk::<2>().copied().unwrap_or_default();
        u16::from_be_bytes(bytes)
    }

    /// The client's random.
    #[must_use]
    pub fn random(&self) -> [u8; 32] {
        let bytes = self.body.get(2..34).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or_default()
    }

    /// The session id.
    #[must_use]
    pub fn session_id(&self) -> &[u8] {
        self.span(self.session_id)
    }

    /// The numbers of cipher suites, two bytes each.
    #[must_use]
    pub fn ciphers(&self) -> &[u8] {
        self.span(self.ciphers)
    }

    /// The extensions: number and content.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut cursor = Cursor {
            all: self.span(self.extensions),
            at: 0,
        };
        std::iter::from_fn(move || {
            let kind = cursor.number(2)?;
            Some((kind as u16, cursor.block_bytes(2)?))
        })
    }

    /// The content of an extension.
    #[must_use]
    pub fn extension(&self, wanted: u16) -> Option<&[u8]> {
        self.extensions()
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, content)| content)
    }

    /// The list that an extension consists of, behind a length of `width` bytes.
    #[must_use]
    pub fn list(&self, wanted: u16, width: usize) -> Option<&[u8]> {
        Cursor {
            all: self.extension(wanted)?,
            at: 0,
        }
        .block_bytes(width)
    }

    /// What is captured of a list: lists are cut where the room ends, that of extensions between two.
    #[must_use]
    pub fn captured(&self, wanted: List) -> Cow<'_, [u8]> {
        let mut left = self.captured;
        for list in List::ALL {
            let mut bytes = self.whole(list);
            let fits = match list {
                List::Extensions => left & !1,
                _ => left,
            };
            let n = bytes.len().min(fits);
            if list == wanted {
                match &mut bytes {
                    Cow::Borrowed(all) => *all = all.get(..n).unwrap_or_default(),
                    Cow::Owned(all) => all.truncate(n),
                }
                return bytes;
            }
            // Behind an extension that does not fit, nothing is captured.
            let is_cut = list == List::Extensions && n < bytes.len();
            left = if is_cut { 0 } else { left - n };
        }
        Cow::default()
    }

    fn whole(&self, list: List) -> Cow<'_, [u8]> {
        let content = |number, width| self.list(number, width).unwrap_or_default();
        Cow::Borrowed(match list {
            List::Ciphers => self.ciphers(),
            List::Extensions => {
                let numbers = self.extensions().flat_map(|(kind, _)| kind.to_be_bytes());
                return Cow::Owned(numbers.collect());
            }
            List::Groups => content(extension::GROUPS, 2),
            List::Formats => content(extension::POINT_FORMATS, 1),
            List::Versions => content(extension::VERSIONS, 1),
            List::Signatures => self.signatures(),
        })
    }

    /// The host name asked for.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        let mut cursor = Cursor {
            all: self.list(extension::SERVER_NAME, 2)?,
            at: 0,
        };
        match cursor.number(1)? {
            0 => cursor.block_bytes(2).filter(|name| !name.is_empty()),
            _ => None,
        }
    }

    /// The signature schemes that the client accepts.
    #[must_use]
    pub fn signatures(&self) -> &[u8] {
        self.list(extension::SIGNATURES, 2).unwrap_or_default()
    }

    /// Whether TLS 1.3 is offered.
    #[must_use]
    pub fn offers_tls13(&self) -> bool {
        self.list(extension::VERSIONS, 1)
            .is_some_and(|list| numbers(list).any(|version| version == 0x0304))
    }

    /// Whether early data comes behind the message.
    #[must_use]
    pub fn announces_early_data(&self) -> bool {
        self.extension(extension::EARLY_DATA).is_some()
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }
}

/// The 16-bit numbers of a list.
pub fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    list.chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |n, &byte| n << 8 | u16::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello in one record, with a server name.
    pub(crate) fn example(name: &str) -> Vec<u8> {
        let block = |width: usize, content: &[u8]| {
            let length = content.len().to_be_bytes();
            [&length[8 - width..], content].concat()
        };
        let sni = block(2, &[&[0][..], &block(2, name.as_bytes())].concat());
        let versions = block(1, &[3, 4, 3, 3]);
        let extensions = [
            &[0, 0][..],
            &block(2, &sni),
            &[0, 43],
            &block(2, &versions),
            &[0, 13],
            &block(2, &block(2, &[4, 3, 8, 4])),
        ]
        .concat();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &block(1, &[9, 9]),
            &block(2, &[0x13, 1, 0xc0, 0x2b]),
            &block(1, &[0]),
            &block(2, &extensions),
        ]
        .concat();
        let message = [&[1][..], &block(3, &body)].concat();
        [&[22, 3, 1][..], &block(2, &message)].concat()
    }

    #[test]
    fn lists_share_the_room_for_what_is_captured() {
        let Outcome::Hello(mut hello) = read(&example("a")) else {
            panic!("not read");
        };
        let lengths = |hello: &ClientHello| List::ALL.map(|list| hello.captured(list).len());
        // Ciphers, extensions, groups, formats, versions, signatures.
        for (room, expected) in [
            (0, [0, 0, 0, 0, 0, 0]),
            (3, [3, 0, 0, 0, 0, 0]),
            (5, [4, 0, 0, 0, 0, 0]),
            (7, [4, 2, 0, 0, 0, 0]),
            (10, [4, 6, 0, 0, 0, 0]),
            (13, [4, 6, 0, 0, 3, 0]),
            (17, [4, 6, 0, 0, 4, 3]),
            (1000, [4, 6, 0, 0, 4, 4]),
        ] {
            hello.captured = room;
            assert_eq!(lengths(&hello), expected, "{room}");
        }
        hello.captured = 8;
        assert_eq!(&*hello.captured(List::Extensions), [0, 0, 0, 43]);
    }

    #[test]
    fn a_hello_is_read_however_it_is_cut() {
        let bytes = example("www.example");
        let Outcome::Hello(hello) = read(&bytes) else {
            panic!("not read");
        };
        assert_eq!(hello.server_name(), Some(&b"www.example"[..]));
        assert_eq!(hello.random(), [7; 32]);
        assert_eq!(hello.session_id(), [9, 9]);
        assert!(hello.offers_tls13() && !hello.announces_early_data());
        assert_eq!(
            numbers(hello.signatures()).collect::<Vec<_>>(),
            [0x0403, 0x0804]
        );
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Outcome::More, "at {end}");
        }
        let message = &bytes[5..];
        let (one, two) = message.split_at(10);
        let record = |part: &[u8]| [&[22, 3, 1, 0, part.len() as u8][..], part].concat();
        let split = [record(one), record(two)].concat();
        assert_eq!(read(&split), Outcome::Hello(hello));
    }

    #[test]
    fn other_things_are_told_at_once() {
        assert_eq!(read(b"GET / HTTP/1.1"), Outcome::Broken);
        assert_eq!(read(&[0x80, 46, 1, 3, 1]), Outcome::Broken);
        assert_eq!(read(b""), Outcome::More);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(flips in proptest::collection::vec((0usize..120, proptest::num::u8::ANY), 0..6)) {
            let mut bytes = example("www.example");
            for (at, byte) in flips {
                if let Some(place) = bytes.get_mut(at) { *place = byte; }
            }
            if let Outcome::Hello(hello) = read(&bytes) {
                let _ = (hello.server_name(), hello.offers_tls13(), hello.extensions().count());
            }
        }
    }
}
