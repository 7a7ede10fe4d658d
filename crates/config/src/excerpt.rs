//! Shows the place of a fault under its line, in the width of a terminal.

const WIDTH: usize = 80;

/// The two lines that HAProxy prints below a message: `lead` with the text around byte offset `at`, and a caret below
/// it. Leading blanks are left out, and what can't be printed is replaced byte by byte.
pub(crate) fn caret(lead: &str, text: &[u8], at: usize) -> String {
    let blanks = text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count()
        .min(at);
    let (text, at) = (&text[blanks..], at - blanks);
    let width = WIDTH - lead.len();
    let (start, shifted) = if at >= width {
        (at - width / 2, true)
    } else {
        (0, false)
    };
    let end = text.len().min(start + width);
    let mut shown: Vec<u8> = text[start.min(end)..end]
        .iter()
        .map(|&b| printable(b))
        .collect();
    if shifted {
        let dots = shown.len().min(3);
        shown[..dots].fill(b'.');
        if end < text.len() {
            let from = shown.len().saturating_sub(3);
            shown[from..].fill(b'.');
        }
    }
    let shown = String::from_utf8_lossy(&shown);
    format!(
        "  {lead}{shown}\n  {:pad$}^",
        "",
        pad = lead.len() + at - start
    )
}

fn printable(byte: u8) -> u8 {
    match byte {
        b' '..=b'~' => byte,
        b'\t'..=b'\r' => b' ',
        _ => b'?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines() {
        assert_eq!(
            caret("", b" \t .notice \"a", 11),
            "  .notice \"a\n          ^"
        );
        assert_eq!(caret(".if ", b"@@", 0), "  .if @@\n      ^");
        assert_eq!(caret("", b"a\t\xe9\r", 4), "  a ? \n      ^");
    }

    #[test]
    fn long_lines_are_centred_on_the_fault() {
        let line = [vec![b'a'; 200], vec![b'"'], vec![b'b'; 100]].concat();
        let shown = caret("", &line, 200);
        let mut lines = shown.lines();
        let first = lines.next().expect("text");
        assert_eq!(
            first,
            format!("  ...{}\"{}...", "a".repeat(37), "b".repeat(36))
        );
        assert_eq!(lines.next(), Some(format!("{}^", " ".repeat(42)).as_str()));
        assert_eq!(caret("", &line, 3).lines().next().map(str::len), Some(82));
    }
}
