//! TCP headers and their options (RFC 9293, section 3.1).

use super::{block, text};
use crate::args::Args;
use crate::row::{Convert, ConverterRow};
use crate::sample::{Type, Value};
use crate::view::View;

/// A TCP segment of at least 20 bytes.
pub(super) struct Segment<'s>(&'s [u8]);

impl<'s> Segment<'s> {
    pub(super) fn new(bytes: &'s [u8]) -> Option<Self> {
        (bytes.len() >= 20).then_some(Self(bytes))
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.0.get(at..at + 2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    pub(super) fn flags(&self) -> Option<u8> {
        self.0.get(13).copied()
    }

    pub(super) fn window(&self) -> Option<u16> {
        self.short(14)
    }

    /// The header's length in words of 4 bytes.
    pub(super) fn header_words(&self) -> Option<u8> {
        self.0.get(12).map(|b| b >> 4).filter(|words| *words >= 5)
    }

    pub(super) fn has_data(&self) -> Option<bool> {
        Some(self.0.len() > usize::from(self.header_words()?) * 4)
    }

    fn options(&self) -> Option<&'s [u8]> {
        self.0.get(20..usize::from(self.header_words()?) * 4)
    }

    /// Walks over the options up to the end of their list or to a broken one: each one's kind and, unless it is broken,
    /// all that follows its length.
    fn each(&self, mut see: impl FnMut(u8, Option<&'s [u8]>)) -> Option<()> {
        let mut rest = self.options()?;
        while let [kind, tail @ ..] = rest {
            match (*kind, tail) {
                (0, _) => break,
                (1, _) => {
                    see(1, Some(&[]));
                    rest = tail;
                }
                (kind, [length, value @ ..])
                    if (2..=rest.len()).contains(&usize::from(*length)) =>
                {
                    see(kind, Some(value));
                    rest = rest.get(usize::from(*length)..).unwrap_or_default();
                }
                (kind, _) => {
                    see(kind, None);
                    break;
                }
            }
        }
        Some(())
    }

    /// The kinds of all options in order.
    pub(super) fn option_kinds(&self) -> Option<Vec<u8>> {
        let mut kinds = Vec::new();
        self.each(|kind, _| kinds.push(kind))?;
        Some(kinds)
    }

    /// What follows the length of the first option of a kind, if there is one. Nothing for broken headers.
    pub(super) fn option(&self, wanted: u8) -> Option<Option<&'s [u8]>> {
        let mut found = None;
        self.each(|kind, value| {
            if kind == wanted && found.is_none() {
                found = value;
            }
        })?;
        Some(found)
    }

    /// The largest segment that the sender takes, 0 when it does not say.
    pub(super) fn segment_size(&self) -> Option<u16> {
        Some(match self.option(2)? {
            Some([high, low, ..]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        })
    }

    fn timestamp(&self) -> Option<u32> {
        Some(match self.option(8)? {
            Some([a, b, c, d, ..]) => u32::from_be_bytes([*a, *b, *c, *d]),
            _ => 0,
        })
    }

    fn window_scale(&self) -> Option<u8> {
        Some(match self.option(3)? {
            Some([scale, ..]) => *scale,
            _ => 0,
        })
    }
}

/// One function per row.
macro_rules! readers {
    ($($name:ident |$segment:ident| $result:expr;)*) => {
        $(fn $name<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
            let bytes = text(value)?;
            let $segment = Segment::new(&bytes)?;
            $result
        })*
    };
}

fn integer<'a>(value: impl Into<i64>) -> Option<Value<'a>> {
    Some(Value::Int(value.into()))
}

readers! {
    dst |segment| integer(segment.short(2)?);
    src |segment| integer(segment.short(0)?);
    flags |segment| integer(segment.flags()?);
    seq |segment| integer(segment.long(4)?);
    win |segment| integer(segment.window()?);
    mss |segment| integer(segment.segment_size()?);
    sack |segment| integer(segment.option(4)?.is_some());
    tsopt |segment| integer(segment.option(8)?.is_some());
    tsval |segment| integer(segment.timestamp()?);
    wscale |segment| integer(segment.window_scale()?);
    wsopt |segment| integer(segment.option(3)?.is_some());
    options_list |segment| block(segment.option_kinds()?);
}

const fn row(name: &'static str, convert: Convert, doc: &'static str) -> ConverterRow {
    ConverterRow::new(name, Type::Bin, Type::Int, convert, doc)
}

pub(super) static ROWS: &[ConverterRow] = &[
    row("tcp.dst", dst, "Destination port."),
    row("tcp.src", src, "Source port."),
    row("tcp.flags", flags, "Flags, FIN being 1."),
    row("tcp.seq", seq, "Sequence number."),
    row("tcp.win", win, "Window without its scale."),
    row("tcp.options.mss", mss, "Largest segment."),
    row(
        "tcp.options.sack",
        sack,
        "Whether selective acknowledgements are permitted.",
    ),
    row("tcp.options.tsopt", tsopt, "Whether there is a timestamp."),
    row("tcp.options.tsval", tsval, "Timestamp."),
    row("tcp.options.wscale", wscale, "Window scale."),
    row(
        "tcp.options.wsopt",
        wsopt,
        "Whether there is a window scale.",
    ),
    ConverterRow::new(
        "tcp.options_list",
        Type::Bin,
        Type::Bin,
        options_list,
        "The kinds of all options.",
    ),
];
