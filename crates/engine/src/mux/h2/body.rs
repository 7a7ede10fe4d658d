//! Bytes of a body that have come and were not read yet.

use crate::io::{give_text, take_text};

/// A queue of bytes. Its memory comes from the worker's pool and goes back as soon as it is empty.
#[derive(Debug, Default)]
pub struct Body {
    text: Vec<u8>,
    read: usize,
}

impl Body {
    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.read == self.text.len()
    }

    /// Adds bytes at the end.
    pub fn push(&mut self, data: &[u8]) {
        if self.text.capacity() == 0 {
            self.text = take_text();
        }
        // What was read is dropped only once it is the larger part, so that each byte moves once at most.
        if self.read > self.text.len() / 2 {
            self.text.drain(..self.read);
            self.read = 0;
        }
        self.text.extend_from_slice(data);
    }

    /// Reads into `room`, and says how much.
    pub fn read(&mut self, room: &mut [u8]) -> usize {
        let rest = self.text.get(self.read..).unwrap_or_default();
        let n = rest.len().min(room.len());
        if let (Some(to), Some(from)) = (room.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.read += n;
        if self.is_empty() {
            give_text(std::mem::take(&mut self.text));
            self.read = 0;
        }
        n
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        give_text(std::mem::take(&mut self.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut body = Body::default();
        let mut room = [0; 4];
        body.push(b"abcdef");
        assert_eq!((body.read(&mut room), &room), (4, b"abcd"));
        body.push(b"gh");
        assert_eq!((body.read(&mut room), &room), (4, b"efgh"));
        assert!(body.is_empty());
        assert_eq!(body.read(&mut room), 0);
    }
}
