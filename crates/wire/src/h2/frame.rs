//! Frames (RFC 9113, sections 4 and 6).

/// What a client sends first (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What stands in front of each frame's payload, in bytes.
pub const HEADER: usize = 9;

/// The largest payload that every peer takes (RFC 9113, section 4.2).
pub const MAX_PAYLOAD: usize = 16_384;

/// Frame types.
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Frame flags.
pub mod flag {
    pub const END_STREAM: u8 = 1;
    pub const ACK: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const PADDED: u8 = 8;
    pub const PRIORITY: u8 = 32;
}

/// Settings (RFC 9113, section 6.5.2; RFC 8441, section 3).
pub mod setting {
    pub const HEADER_TABLE_SIZE: u16 = 1;
    pub const ENABLE_PUSH: u16 = 2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    pub const MAX_FRAME_SIZE: u16 = 5;
    pub const ENABLE_CONNECT_PROTOCOL: u16 = 8;
}

/// Error codes (RFC 9113, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    /// NO_ERROR
    pub const NONE: Self = Self(0);
    /// PROTOCOL_ERROR
    pub const PROTOCOL: Self = Self(1);
    /// INTERNAL_ERROR
    pub const INTERNAL: Self = Self(2);
    /// FLOW_CONTROL_ERROR
    pub const FLOW_CONTROL: Self = Self(3);
    /// STREAM_CLOSED
    pub const STREAM_CLOSED: Self = Self(5);
    /// FRAME_SIZE_ERROR
    pub const FRAME_SIZE: Self = Self(6);
    /// REFUSED_STREAM
    pub const REFUSED: Self = Self(7);
    /// CANCEL
    pub const CANCEL: Self = Self(8);
    /// COMPRESSION_ERROR
    pub const COMPRESSION: Self = Self(9);
    /// ENHANCE_YOUR_CALM
    pub const CALM: Self = Self(11);
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of payload.
    pub len: usize,
    /// One of [`kind`], or another that is to be ignored.
    pub kind: u8,
    /// What [`flag`] names.
    pub flags: u8,
    /// The stream, 0 for the connection.
    pub stream: u32,
}

impl FrameHeader {
    /// Reads a header from the beginning of `input`.
    pub fn read(input: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, s1, s2, s3, s4] = *input.first_chunk::<HEADER>()?;
        Some(Self {
            len: u32::from_be_bytes([0, a, b, c]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes([s1, s2, s3, s4]) & 0x7fff_ffff,
        })
    }

    /// Appends the header.
    pub fn write(self, out: &mut Vec<u8>) {
        let [_, a, b, c] = (self.len as u32).to_be_bytes();
        let [s1, s2, s3, s4] = self.stream.to_be_bytes();
        out.extend_from_slice(&[a, b, c, self.kind, self.flags, s1, s2, s3, s4]);
    }

    /// Whether a flag is set.
    pub fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Changes the length in a header that starts at `at`.
pub fn patch_len(out: &mut [u8], at: usize, len: usize) {
    let [_, a, b, c] = (len as u32).to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 3) {
        place.copy_from_slice(&[a, b, c]);
    }
}

/// Sets flags in a header that starts at `at`.
pub fn patch_flags(out: &mut [u8], at: usize, flags: u8) {
    if let Some(place) = out.get_mut(at + 4) {
        *place |= flags;
    }
}

/// Appends a frame whose payload is one number.
pub fn write_number(kind: u8, stream: u32, number: u32, out: &mut Vec<u8>) {
    FrameHeader {
        len: 4,
        kind,
        flags: 0,
        stream,
    }
    .write(out);
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends a SETTINGS frame.
pub fn write_settings(settings: &[(u16, u32)], out: &mut Vec<u8>) {
    let len = settings.len() * 6;
    FrameHeader {
        len,
        kind: kind::SETTINGS,
        flags: 0,
        stream: 0,
    }
    .write(out);
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// The number at the beginning of a payload.
pub fn number(payload: &[u8]) -> Option<u32> {
    payload
        .first_chunk()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_are_written() {
        let header = FrameHeader {
            len: 0x01_0203,
            kind: 9,
            flags: 4,
            stream: 0x0405_0607,
        };
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out, [1, 2, 3, 9, 4, 4, 5, 6, 7]);
        assert_eq!(FrameHeader::read(&out), Some(header));
        assert_eq!(FrameHeader::read(&out[..8]), None);
        patch_len(&mut out, 0, 5);
        patch_flags(&mut out, 0, flag::END_STREAM);
        let patched = FrameHeader::read(&out).unwrap();
        assert_eq!((patched.len, patched.flags), (5, 5));
    }
}
