//! What an agent says of its server (configuration manual, `agent-check`).

/// What an agent's line asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentReply<'a> {
    /// The weight: `75%`, `weight:10`, in the agent's own words without the prefix.
    pub weight: Option<&'a [u8]>,
    /// `maxconn:`, in the agent's own words.
    pub maxconn: Option<&'a [u8]>,
    /// The administrative state.
    pub availability: Option<Availability>,
    /// The operating state.
    pub state: Option<AgentWord<'a>>,
    /// A word that means nothing.
    pub unknown: Option<&'a [u8]>,
}

/// The administrative state that an agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// `ready`.
    Ready,
    /// `drain`.
    Drain,
    /// `maint`.
    Maintenance,
}

/// A word about the operating state, with what is said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentWord<'a> {
    /// Whether the server is up.
    pub up: bool,
    /// The word as it was written.
    pub word: &'a [u8],
    /// The rest of the line, from the next word on and without its leading `#`.
    pub description: &'a [u8],
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',')
}

impl<'a> AgentReply<'a> {
    /// The first line of what an agent sends; `None` while it is incomplete.
    #[must_use]
    pub fn line(bytes: &'a [u8]) -> Option<&'a [u8]> {
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'))?;
        bytes.get(..end)
    }

    /// Reads a line.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Self {
        let mut reply = Self::default();
        let mut rest = line;
        loop {
            let start = rest.iter().position(|byte| !is_separator(byte));
            let Some(start) = start else { break };
            rest = rest.get(start..).unwrap_or_default();
            let end = rest.iter().position(is_separator).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            // What begins with a sharp is a remark up to the end.
            if word.starts_with(b"#") {
                break;
            }
            reply.take(word, after);
            if reply.unknown.is_some() {
                break;
            }
            rest = after;
        }
        reply
    }

    fn take(&mut self, word: &'a [u8], after: &'a [u8]) {
        let lower = word.to_ascii_lowercase();
        let described = |up| AgentWord {
            up,
            word,
            description: description(after),
        };
        match &*lower {
            b"ready" => self.availability = Some(Availability::Ready),
            b"drain" => self.availability = Some(Availability::Drain),
            b"maint" => self.availability = Some(Availability::Maintenance),
            b"up" => self.state = Some(described(true)),
            b"down" | b"stopped" | b"fail" => self.state = Some(described(false)),
            _ if lower.starts_with(b"weight:") => self.weight = word.get(7..),
            _ if lower.starts_with(b"maxconn:") => self.maxconn = word.get(8..),
            _ if lower.first().is_some_and(u8::is_ascii_digit) && lower.contains(&b'%') => {
                self.weight = Some(word);
            }
            // What follows a word about the state may be its description.
            _ if self.state.is_some() => {}
            _ => self.unknown = Some(word),
        }
    }
}

fn description(after: &[u8]) -> &[u8] {
    let skip = |byte: &u8| is_separator(byte) || *byte == b'#';
    let start = after.iter().position(|byte| !skip(byte));
    start.and_then(|at| after.get(at..)).unwrap_or_default()
}
