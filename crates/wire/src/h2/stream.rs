//! What a connection knows of one stream (RFC 9113, section 5).

use super::frame::Code;

/// The largest window (RFC 9113, section 6.9.1).
pub const MAX_WINDOW: i64 = 0x7fff_ffff;

/// A stream's state. `T` is what the owner keeps with it.
#[derive(Debug)]
pub struct Stream<T> {
    /// The owner's part.
    pub link: T,
    /// The peer has ended its half.
    pub received_end: bool,
    /// This half is ended.
    pub sent_end: bool,
    /// The stream was reset, by either side.
    pub reset: bool,
    /// A head was received: what comes next are trailers.
    pub has_head: bool,
    /// What may still be sent, in bytes; negative after the peer has lowered its initial window.
    pub send_window: i64,
    /// What the peer may still send, in bytes.
    pub receive_window: i64,
    /// Body bytes that are still to come by `content-length`.
    pub expected: Option<u64>,
    /// Bytes passed on that the peer's window has not got back.
    pub unreturned: u32,
    /// The window has been given its full size.
    pub raised: bool,
    /// Whether the response may say a length without a body (HEAD).
    pub bodyless: bool,
}

impl<T> Stream<T> {
    /// A stream whose windows have their initial sizes.
    pub fn new(link: T, send_window: i64, receive_window: i64) -> Self {
        Self {
            link,
            received_end: false,
            sent_end: false,
            reset: false,
            has_head: false,
            send_window,
            receive_window,
            expected: None,
            unreturned: 0,
            raised: false,
            bodyless: false,
        }
    }

    /// Takes note of `len` bytes of flow-controlled payload of which `data` are body.
    ///
    /// # Errors
    /// The code to reset the stream with.
    pub fn receive(&mut self, len: usize, data: usize) -> Result<(), Code> {
        self.receive_window -= len as i64;
        if self.receive_window < 0 {
            return Err(Code::FLOW_CONTROL);
        }
        if let Some(expected) = &mut self.expected {
            *expected = expected.checked_sub(data as u64).ok_or(Code::PROTOCOL)?;
        }
        Ok(())
    }

    /// Takes note of the end of the peer's half.
    ///
    /// # Errors
    /// The code to reset the stream with when the body is shorter than announced.
    pub fn receive_end(&mut self) -> Result<(), Code> {
        self.received_end = true;
        match self.expected {
            Some(1..) if !self.bodyless => Err(Code::PROTOCOL),
            _ => Ok(()),
        }
    }

    /// Whether nothing more comes from either side.
    pub fn is_over(&self) -> bool {
        self.reset || (self.received_end && self.sent_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_keep_to_windows_and_lengths() {
        let mut stream = Stream::new((), 10, 10);
        stream.expected = Some(6);
        assert_eq!(stream.receive(4, 3), Ok(()));
        assert_eq!(stream.receive(4, 4), Err(Code::PROTOCOL));
        assert_eq!(stream.receive(4, 4), Err(Code::FLOW_CONTROL));
        let mut short = Stream::new((), 10, 10);
        short.expected = Some(6);
        assert_eq!(short.receive_end(), Err(Code::PROTOCOL));
        short.bodyless = true;
        assert_eq!(short.receive_end(), Ok(()));
    }
}
