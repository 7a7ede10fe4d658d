//! HTTP/1 messages as far as a test needs them: lenient, and raw bytes kept.

use std::io;

/// A message as it was read from the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The start line, without its end of line.
    pub start: String,
    /// Names (in their original case) and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks joined.
    pub body: Vec<u8>,
    /// The size of each chunk, when the body was chunked.
    pub chunks: Vec<usize>,
    /// The trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
}

/// The length of the head at the start of `bytes`, its empty line included.
pub(crate) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// Splits one header line.
pub(crate) fn header_line(line: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    (name.to_owned(), value.trim().to_owned())
}

impl Message {
    pub(crate) fn parse_head(bytes: &[u8]) -> io::Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        if start.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "empty start line",
            ));
        }
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| header_line(line.as_bytes()))
            .collect();
        Ok(Self {
            start,
            headers,
            ..Self::default()
        })
    }

    fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    /// The status of a response; 0 where there is none.
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    /// A request's method.
    pub fn method(&self) -> &str {
        self.word(0)
    }

    /// A request's target.
    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// The first header of this name (in any case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// All headers of this name (in any case), in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the body comes in chunks.
    pub fn is_chunked(&self) -> bool {
        self.all("transfer-encoding")
            .iter()
            .any(|value| value.to_ascii_lowercase().contains("chunked"))
    }

    /// The stated length of the body.
    pub fn content_length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}
