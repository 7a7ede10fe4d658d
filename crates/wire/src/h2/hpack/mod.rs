//! HPACK, the compression of field sections (RFC 7541).
//!
//! Reading covers the whole format. Writing refers to the static table and leaves the peer's dynamic table empty, so that
//! a section can be written without any state.

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod table;

pub use decoder::Decoder;
pub use encoder::{write_field, write_named, write_status};

/// Why a field section cannot be read. All of them end the connection (RFC 9113, section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HpackError {
    /// The section ends in the middle of a field.
    Truncated,
    /// An integer is longer than anything that could be meant.
    Integer,
    /// A string is not in the Huffman code.
    Huffman,
    /// An index refers to nothing.
    Index,
    /// A change of the table's size is larger than was allowed, or stands behind a field.
    Resize,
    /// The decoded section exceeds the limit.
    TooLarge,
}
