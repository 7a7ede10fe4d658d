//! Chunked bodies (RFC 9112, section 7.1).

use super::class;
use super::common::{Common, Side};
use super::fields::{self, Fate, RawField, Rules, Sink};
use super::{ErrorKind, Limits, MessageFlags, Options, ParseError, host};
use message::{FieldId, Head};

/// What [`ChunkDecoder::feed`] found. Offsets and lengths are in bytes of the buffer it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkEvent {
    /// `len` bytes of data stand at `offset`. The bytes up to their end are consumed.
    Data {
        /// Where the data begins.
        offset: usize,
        /// How long it is; more of the chunk may follow.
        len: usize,
    },
    /// The first `consumed` bytes are done with; more are needed to say anything else.
    NeedMore {
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// The body is over, and the trailers, if any, are in the head that was given.
    End {
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At a size line.
    Size,
    /// That many bytes of data are to come.
    Data(u64),
    /// At the line end behind data.
    DataEnd,
    /// At the fields behind the last chunk.
    Trailers,
    Over,
}

/// Reads a chunked body piece by piece.
#[derive(Debug, Clone)]
pub struct ChunkDecoder {
    state: State,
}

impl Default for ChunkDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkDecoder {
    /// A decoder at the beginning of a body.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Size }
    }

    /// Bytes of the current chunk that are still to come, 0 between chunks. The caller may move that many to the other
    /// side by itself and tell with [`ChunkDecoder::skip`].
    #[must_use]
    pub fn remaining(&self) -> u64 {
        match self.state {
            State::Data(left) => left,
            _ => 0,
        }
    }

    /// Whether the body is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Counts `len` bytes of the current chunk as moved without [`ChunkDecoder::feed`]; at most
    /// [`ChunkDecoder::remaining`] are.
    pub fn skip(&mut self, len: u64) {
        if let State::Data(left) = self.state {
            self.state = after_data(left.saturating_sub(len));
        }
    }

    /// Looks at `buf`, which begins where the last event said that its consumed bytes end. `trailers` gets the fields
    /// behind the last chunk.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if the body is not properly chunked; the decoder must not be used further.
    pub fn feed(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        options: &Options,
        trailers: &mut Head,
    ) -> Result<ChunkEvent, ParseError> {
        let mut at = 0;
        loop {
            let rest = buf.get(at..).unwrap_or_default();
            match self.state {
                State::Size => match read_size(buf, at)? {
                    None if rest.len() >= limits.max_buffered => {
                        return Err(ParseError::bad(ErrorKind::TooLarge, buf.len()));
                    }
                    None => return Ok(ChunkEvent::NeedMore { consumed: at }),
                    Some((0, next)) => (self.state, at) = (State::Trailers, next),
                    Some((size, next)) => (self.state, at) = (State::Data(size), next),
                },
                State::Data(_) if rest.is_empty() => {
                    return Ok(ChunkEvent::NeedMore { consumed: at });
                }
                State::Data(left) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    self.state = after_data(left - len as u64);
                    return Ok(ChunkEvent::Data { offset: at, len });
                }
                State::DataEnd => match rest {
                    [] | [b'\r'] => return Ok(ChunkEvent::NeedMore { consumed: at }),
                    [b'\r', b'\n', ..] => (self.state, at) = (State::Size, at + 2),
                    _ => return Err(ParseError::bad(ErrorKind::ChunkEnd, at)),
                },
                State::Trailers => {
                    return match read_trailers(rest, limits, options, trailers) {
                        Ok(None) => Ok(ChunkEvent::NeedMore { consumed: at }),
                        Ok(Some(len)) => {
                            self.state = State::Over;
                            Ok(ChunkEvent::End { consumed: at + len })
                        }
                        Err(error) => Err(ParseError {
                            position: at + error.position,
                            ..error
                        }),
                    };
                }
                State::Over => return Ok(ChunkEvent::End { consumed: at }),
            }
        }
    }
}

fn after_data(left: u64) -> State {
    if left == 0 {
        State::DataEnd
    } else {
        State::Data(left)
    }
}

/// Reads a size line at `at`; gives the size and where the line ends. Lines end in CR LF here and nothing else.
fn read_size(buf: &[u8], at: usize) -> Result<Option<(u64, usize)>, ParseError> {
    let mut size = 0_u64;
    let mut end = at;
    while let Some(digit) = buf.get(end).and_then(|&byte| hex_digit(byte)) {
        // Sizes of 52 bits at most can be counted without fear of an overflow elsewhere.
        if size >> 48 != 0 {
            return Err(ParseError::bad(ErrorKind::ChunkSize, end));
        }
        size = size << 4 | u64::from(digit);
        end += 1;
    }
    if end == at && buf.len() > at {
        return Err(ParseError::bad(ErrorKind::ChunkSize, end));
    }
    let mut extension = false;
    loop {
        match buf.get(end..).unwrap_or_default() {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => return Ok(Some((size, end + 2))),
            [b'\r', ..] => return Err(ParseError::bad(ErrorKind::LineEnd, end + 1)),
            [b';', ..] => (extension, end) = (true, end + 1),
            [b' ' | b'\t', ..] => end += 1,
            [byte, ..] if extension && class::is(*byte, class::EXTENSION) => end += 1,
            _ if extension => return Err(ParseError::bad(ErrorKind::ChunkExtension, end)),
            _ => return Err(ParseError::bad(ErrorKind::ChunkSize, end)),
        }
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Trailers are held to the rules of a head's fields, but are passed on as they are.
struct TrailerSink {
    common: Common,
    host: Option<(usize, usize)>,
}

impl Sink for TrailerSink {
    fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        match field.id {
            FieldId::Host => host::merge(head, field, &mut self.host),
            FieldId::ContentLength | FieldId::TransferEncoding => self.common.field(head, field),
            _ => Ok(Fate::Keep),
        }
    }
}

fn read_trailers(
    buf: &[u8],
    limits: &Limits,
    options: &Options,
    trailers: &mut Head,
) -> Result<Option<usize>, ParseError> {
    fields::adopt_text(buf, trailers);
    let rules = Rules::new(limits, options.accept_unsafe);
    let mut sink = TrailerSink {
        common: Common::new(Side::Request, false),
        host: None,
    };
    let end = fields::read(buf, 0, rules, trailers, &mut sink, &mut None)?;
    match end {
        None if buf.len() >= limits.max_buffered => {
            Err(ParseError::bad(ErrorKind::TooLarge, buf.len()))
        }
        None => Ok(None),
        Some(end) => {
            sink.common
                .framing(trailers, options, &mut MessageFlags::default())?;
            Ok(Some(end))
        }
    }
}
