//! Chunked bodies (RFC 9112, section 7.1).

use super::fields::{self, Fate, RawField, Rules, Sink};
use super::{ErrorKind, Limits, Options, ParseError};
use message::Head;

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
                    [b'\n', ..] => (self.state, at) = (State::Size, at + 1),
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

/// Reads a size line at `at`; gives the size and where the line ends.
fn read_size(buf: &[u8], at: usize) -> Result<Option<(u64, usize)>, ParseError> {
    let mut size = 0_u64;
    let mut end = at;
    while let Some(&byte) = buf.get(end) {
        let Some(digit) = (byte as char).to_digit(16) else {
            break;
        };
        if size >> 60 != 0 {
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
            [b'\n', ..] => return Ok(Some((size, end + 1))),
            [b'\r', b'\n', ..] => return Ok(Some((size, end + 2))),
            [b'\r', ..] => return Err(ParseError::bad(ErrorKind::LineEnd, end + 1)),
            [b' ' | b'\t', ..] if !extension => end += 1,
            [b';', ..] => (extension, end) = (true, end + 1),
            [_, ..] if extension => end += 1,
            _ => return Err(ParseError::bad(ErrorKind::ChunkSize, end)),
        }
    }
}

struct KeepAll;

impl Sink for KeepAll {
    fn field(&mut self, _: &mut Head, _: RawField) -> Result<Fate, ParseError> {
        Ok(Fate::Keep)
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
    let end = fields::read(buf, 0, rules, trailers, &mut KeepAll, &mut None)?;
    if end.unwrap_or(buf.len()) > limits.max_head {
        return Err(ParseError::bad(ErrorKind::TooLarge, limits.max_head));
    }
    Ok(end)
}
