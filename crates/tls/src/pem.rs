//! PEM blocks (RFC 7468), with the headers of encrypted keys in their old form (RFC 1421).

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind `BEGIN`.
    pub label: String,
    /// Header lines, name and value.
    pub headers: Vec<(String, String)>,
    /// The decoded content.
    pub content: Vec<u8>,
}

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl std::fmt::Display for PemError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads all blocks of a text; what stands between them is skipped.
///
/// # Errors
/// When a block does not end or its content is no base64.
pub fn read(text: &[u8]) -> Result<Vec<Block>, PemError> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, Vec<u8>, usize)> = None;
    for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let fault = |what| PemError { line: at + 1, what };
        let line = line.trim_ascii();
        if let Some(label) = marker(line, b"-----BEGIN ") {
            if open.is_some() {
                return Err(fault("a block begins inside another"));
            }
            let block = Block {
                label: String::from_utf8_lossy(label).into_owned(),
                headers: Vec::new(),
                content: Vec::new(),
            };
            open = Some((block, Vec::new(), at + 1));
        } else if let Some(label) = marker(line, b"-----END ") {
            let (mut block, digits, begin) = open
                .take()
                .ok_or_else(|| fault("a block ends that has not begun"))?;
            if block.label.as_bytes() != label {
                return Err(fault("a block ends with another name than it began with"));
            }
            block.content = decode_base64(&digits).ok_or(PemError {
                line: begin,
                what: "the block's content is no base64",
            })?;
            blocks.push(block);
        } else if let Some((block, digits, _)) = &mut open {
            match std::str::from_utf8(line)
                .ok()
                .and_then(|l| l.split_once(':'))
            {
                Some((name, value)) => block
                    .headers
                    .push((name.trim().to_owned(), value.trim().to_owned())),
                None => digits.extend_from_slice(line),
            }
        }
    }
    match open {
        None => Ok(blocks),
        Some((_, _, begin)) => Err(PemError {
            line: begin,
            what: "the block does not end",
        }),
    }
}

/// Writes a block.
#[must_use]
pub fn write(label: &str, content: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encode_base64(content).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Encodes base64 with its padding.
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

fn marker<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(begin)?.strip_suffix(b"-----")
}

/// Decodes base64; white space is skipped.
#[must_use]
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut pads) = (0u32, 0u32, 0usize);
    for &byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                pads += 1;
                continue;
            }
            _ => return None,
        };
        if pads > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    let whole = pads <= 2 && held < 6 && bits == 0;
    whole.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_with_headers() {
        let text = b"noise\r\n-----BEGIN A B-----\r\nDEK-Info: X,00\r\n\r\nAAEC\r\n-----END A B-----\nmore\n";
        let blocks = read(text).unwrap();
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].label, "A B");
        assert_eq!(blocks[0].headers, [("DEK-Info".into(), "X,00".into())]);
        assert_eq!(blocks[0].content, [0, 1, 2]);
    }

    #[test]
    fn faults_name_their_line() {
        let at = |text: &str| read(text.as_bytes()).unwrap_err().line;
        assert_eq!(at("\n-----BEGIN X-----\nAAEC"), 2);
        assert_eq!(at("-----BEGIN X-----\n-----END Y-----"), 2);
        assert_eq!(at("-----END X-----"), 1);
        assert_eq!(at("-----BEGIN X-----\nA*\n-----END X-----"), 1);
    }

    #[test]
    fn base64_is_strict_about_its_end() {
        assert_eq!(decode_base64(b"QQ=="), Some(b"A".to_vec()));
        assert_eq!(decode_base64(b"Q"), None);
        assert_eq!(decode_base64(b"QQ==Q"), None);
        assert_eq!(decode_base64(b""), Some(Vec::new()));
    }
}
