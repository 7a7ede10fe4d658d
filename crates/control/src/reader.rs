//! Cuts what comes in on a connection into commands: lines, chains with `;`, escapes, and payloads after `<<`.

/// Words of one command at most, its name included.
pub const MAX_WORDS: usize = 64;
/// Bytes of a payload at most.
pub const MAX_PAYLOAD: usize = 128 * 1024;
/// Bytes of a payload's terminator at most.
const MAX_TERMINATOR: usize = 64;

/// One command of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Its words, escapes undone.
    pub words: Vec<String>,
    /// What came after `<<`, without the terminator.
    pub payload: Option<String>,
}

/// What the reader has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A line with its commands, in order; there is always at least one, maybe without words.
    Line(Vec<Command>),
    /// A line that ends with the beginning of a payload, which is awaited now.
    PayloadBegins,
}

/// What can't be read; the connection has no use after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A line beyond the limit.
    LineTooLong,
    /// A payload beyond [`MAX_PAYLOAD`].
    PayloadTooLong,
}

/// A payload being read.
#[derive(Debug)]
struct Payload {
    commands: Vec<Command>,
    terminator: Vec<u8>,
    text: Vec<u8>,
}

/// Reads commands from bytes as they come.
#[derive(Debug)]
pub struct Reader {
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no line end.
    searched: usize,
    limit: usize,
    payload: Option<Payload>,
}

impl Reader {
    /// A reader that takes lines of less than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: Vec::new(),
            searched: 0,
            limit,
            payload: None,
        }
    }

    /// Takes bytes in. Callers take all events out in between, so that no more than a line and these bytes are held.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Whether a payload is being read.
    #[must_use]
    pub fn awaits_payload(&self) -> bool {
        self.payload.is_some()
    }

    /// The next event, if it is complete.
    ///
    /// # Errors
    /// When a limit is passed.
    pub fn next_event(&mut self) -> Result<Option<Event>, Fault> {
        while let Some(line) = self.take_line()? {
            match self.payload.take() {
                None => return Ok(Some(self.begin(&line))),
                Some(payload) => {
                    if let Some(event) = self.go_on(payload, &line)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
        Ok(None)
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(end) = self.line_end() else {
            self.searched = self.pending.len();
            return match (self.payload.is_some(), self.searched) {
                (true, held) if held > MAX_PAYLOAD => Err(Fault::PayloadTooLong),
                (false, held) if held >= self.limit => Err(Fault::LineTooLong),
                _ => Ok(None),
            };
        };
        self.searched = 0;
        let rest = self.pending.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.pending, rest);
        line.pop();
        if self.payload.is_none() && line.len() >= self.limit {
            return Err(Fault::LineTooLong);
        }
        Ok(Some(line))
    }

    /// Where the next line ends. Outside of payloads a backslash before a line end makes it a part of its word.
    fn line_end(&self) -> Option<usize> {
        let mut from = self.searched;
        loop {
            let unseen = self.pending.get(from..)?;
            let end = from + unseen.iter().position(|byte| *byte == b'\n')?;
            let before = self.pending.get(..end).unwrap_or_default();
            let backslashes = before.iter().rev().take_while(|b| **b == b'\\').count();
            if self.payload.is_some() || backslashes.is_multiple_of(2) {
                return Some(end);
            }
            from = end + 1;
        }
    }

    /// What has come in after the last event, as it came; the reader is empty afterwards.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.pending)
    }

    /// Whether nothing of the next line has come yet.
    #[must_use]
    pub fn is_at_line_start(&self) -> bool {
        self.pending.is_empty()
    }

    fn begin(&mut self, line: &[u8]) -> Event {
        let (line, terminator) = split_payload(line);
        let commands = split_chain(line);
        let Some(terminator) = terminator else {
            return Event::Line(commands);
        };
        self.payload = Some(Payload {
            commands,
            terminator: terminator.to_vec(),
            text: Vec::new(),
        });
        Event::PayloadBegins
    }

    fn go_on(&mut self, mut payload: Payload, line: &[u8]) -> Result<Option<Event>, Fault> {
        if line.strip_suffix(b"\r").unwrap_or(line) == payload.terminator {
            let text = String::from_utf8_lossy(&payload.text).into_owned();
            if let Some(last) = payload.commands.last_mut() {
                last.payload = Some(text);
            }
            return Ok(Some(Event::Line(payload.commands)));
        }
        payload.text.extend_from_slice(line);
        payload.text.push(b'\n');
        if payload.text.len() > MAX_PAYLOAD {
            return Err(Fault::PayloadTooLong);
        }
        self.payload = Some(payload);
        Ok(None)
    }
}

/// The line without `<<terminator` at its end, and the terminator. `<<` counts only at the beginning of the last word.
fn split_payload(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    let trimmed = line.trim_ascii_end();
    let word = trimmed
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace())
        .map_or(0, |at| at + 1);
    let (before, last) = trimmed.split_at(word);
    match last.strip_prefix(b"<<") {
        Some(terminator)
            if terminator.len() <= MAX_TERMINATOR && !terminator.contains(&b';') && word > 0 =>
        {
            (before, Some(terminator))
        }
        _ => (line, None),
    }
}

/// The commands of a line. A backslash takes the meaning from the byte after it.
fn split_chain(line: &[u8]) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => {
                if let Some(&next) = bytes.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            // A carriage return ends a command too, so that lines of terminals are understood.
            b';' | b'\r' => {
                words.extend(word.take());
                commands.push(command(&mut words));
            }
            b' ' | b'\t' => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    commands.push(command(&mut words));
    commands
}

fn command(words: &mut Vec<Vec<u8>>) -> Command {
    let words = words
        .drain(..)
        .map(|word| String::from_utf8_lossy(&word).into_owned())
        .collect();
    Command {
        words,
        payload: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Event> {
        let mut reader = Reader::new(16384);
        reader.feed(text.as_bytes());
        std::iter::from_fn(|| reader.next_event().ok().flatten()).collect()
    }

    fn words(text: &str) -> Vec<Vec<String>> {
        match read(text).as_slice() {
            [Event::Line(commands)] => commands.iter().map(|c| c.words.clone()).collect(),
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn lines_are_cut_into_commands_and_words() {
        assert_eq!(words("show info\n"), [["show", "info"]]);
        assert_eq!(words("a  b ;\tc\n"), [vec!["a", "b"], vec!["c"]]);
        assert_eq!(words("\n"), [Vec::<String>::new()]);
        assert_eq!(words(";\n").len(), 2);
        assert_eq!(words("show version\r\n").len(), 2);
        assert!(read("show version").is_empty(), "a line needs its end");
    }

    #[test]
    fn a_backslash_takes_the_meaning_of_the_next_byte() {
        assert_eq!(words("echo a\\ b\n"), [["echo", "a b"]]);
        assert_eq!(words("echo a\\;b\n"), [["echo", "a;b"]]);
        assert_eq!(words("echo a\\\nb\n"), [["echo", "a\nb"]]);
        assert_eq!(words("echo a\\\\\n"), [["echo", "a\\"]]);
        assert_eq!(words("echo a\\\\nb\\x\n"), [["echo", "a\\nbx"]]);
        assert_eq!(words("echo \"a  b\"\n"), [["echo", "\"a", "b\""]]);
    }

    #[test]
    fn payloads_end_with_an_empty_line_or_their_terminator() {
        let events = read("x <<\na;b\nc\n\ny <<E\n\nE\nz\n");
        let expected = |word: &str, payload: Option<&str>| {
            Event::Line(vec![Command {
                words: vec![word.to_owned()],
                payload: payload.map(str::to_owned),
            }])
        };
        assert_eq!(
            events,
            [
                Event::PayloadBegins,
                expected("x", Some("a;b\nc\n")),
                Event::PayloadBegins,
                expected("y", Some("\n")),
                expected("z", None),
            ]
        );
    }

    #[test]
    fn only_the_last_word_of_a_line_begins_a_payload() {
        assert_eq!(words("echo << XX\n"), [["echo", "<<", "XX"]]);
        assert_eq!(words("echo <<XX a\n"), [["echo", "<<XX", "a"]]);
        assert_eq!(words("echo a<<\n"), [["echo", "a<<"]]);
        assert_eq!(words("a <<E;b\n"), [["a", "<<E"].as_slice(), &["b"]]);
    }

    #[test]
    fn lines_and_payloads_are_bounded() {
        let mut reader = Reader::new(32);
        reader.feed(&[b'x'; 31]);
        assert_eq!(reader.next_event(), Ok(None));
        reader.feed(b"x");
        assert_eq!(reader.next_event(), Err(Fault::LineTooLong));
        let mut reader = Reader::new(32);
        reader.feed(b"x <<\n");
        assert_eq!(reader.next_event(), Ok(Some(Event::PayloadBegins)));
        let line = [[b'y'; 1023].as_slice(), b"\n"].concat();
        let mut outcome = Ok(None);
        for _ in 0..130 {
            reader.feed(&line);
            outcome = reader.next_event();
            if outcome.is_err() {
                break;
            }
        }
        assert_eq!(outcome, Err(Fault::PayloadTooLong));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_in_any_pieces_read_the_same(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b';'), Just(b'<'), Just(b' '), Just(b'\\'), any::<u8>()], 0..300),
            piece in 1_usize..40,
        ) {
            let mut whole = Reader::new(16384);
            whole.feed(&bytes);
            let mut pieces = Reader::new(16384);
            let mut found = Vec::new();
            for part in bytes.chunks(piece) {
                pieces.feed(part);
                while let Ok(Some(event)) = pieces.next_event() {
                    found.push(event);
                }
            }
            let expected: Vec<_> = std::iter::from_fn(|| whole.next_event().ok().flatten()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
