//! Which process a command is for.

use crate::reader::Command;

/// A process as named by a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `@`, `@0` or `@master`.
    Master,
    /// `@1`: the worker that serves.
    Current,
    /// `@!<pid>`.
    Pid(i32),
}

/// How a command begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix<'a> {
    /// With the command.
    None,
    /// `@…`: this command, or all that follow when there is none, is for a process.
    One(Target),
    /// `@@…`: the rest of the line and of the connection is for a process, until that one ends it.
    Whole(Target),
    /// With a prefix that names nothing.
    Unknown(&'a str),
}

/// What stands in front of a command.
#[must_use]
pub fn prefix(words: &[String]) -> Prefix<'_> {
    let Some(word) = words.first().filter(|word| word.starts_with('@')) else {
        return Prefix::None;
    };
    let whole = word.starts_with("@@");
    let name = word.trim_start_matches('@');
    let target = match name {
        "" | "0" | "master" => Target::Master,
        "1" => Target::Current,
        name => match name.strip_prefix('!').and_then(|pid| pid.parse().ok()) {
            Some(pid) if pid > 0 => Target::Pid(pid),
            _ => return Prefix::Unknown(word),
        },
    };
    match whole {
        true => Prefix::Whole(target),
        false => Prefix::One(target),
    }
}

/// Commands as text again, which reads as the same commands.
#[must_use]
pub fn text(commands: &[Command]) -> String {
    let mut out = String::new();
    for (at, command) in commands.iter().enumerate() {
        if at > 0 {
            out.push_str("; ");
        }
        for (at, word) in command.words.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            for c in word.chars() {
                if matches!(c, ' ' | '\t' | ';' | '\\' | '\n' | '\r' | '<') {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    let payload = commands.last().and_then(|last| last.payload.as_deref());
    if let Some(payload) = payload {
        // One of them is in no line: there are more than the payload can have lines.
        let mut names = (0_u32..).map(|number| format!("end-of-payload-{number}"));
        let taken = |name: &String| payload.lines().any(|line| line == name);
        let terminator = names.find(|name| !taken(name)).unwrap_or_default();
        out.push_str(&format!(" <<{terminator}\n{payload}{terminator}"));
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::{Event, Reader};
    use proptest::prelude::*;

    fn of(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn prefixes() {
        for (line, expected) in [
            ("show info", Prefix::None),
            ("@1 show info", Prefix::One(Target::Current)),
            ("@!12", Prefix::One(Target::Pid(12))),
            ("@", Prefix::One(Target::Master)),
            ("@0", Prefix::One(Target::Master)),
            ("@master show proc", Prefix::One(Target::Master)),
            ("@@1 wait 5", Prefix::Whole(Target::Current)),
            ("@@!7", Prefix::Whole(Target::Pid(7))),
            ("@2 show info", Prefix::Unknown("@2")),
            ("@!0", Prefix::Unknown("@!0")),
            ("@foo", Prefix::Unknown("@foo")),
        ] {
            assert_eq!(prefix(&of(line)), expected, "{line}");
        }
    }

    fn read(text: &str) -> Option<Vec<Command>> {
        let mut reader = Reader::new(1 << 16);
        reader.feed(text.as_bytes());
        loop {
            match reader.next_event() {
                Ok(Some(Event::Line(commands))) => return Some(commands),
                Ok(Some(Event::PayloadBegins)) => {}
                _ => return None,
            }
        }
    }

    proptest! {
        #[test]
        fn text_reads_as_the_same_commands(
            commands in proptest::collection::vec(proptest::collection::vec("[a-z;\\\\ \n\t<]{1,6}", 1..4), 1..4),
            payload in proptest::option::of("([a-z ]{0,4}\n){0,4}"),
        ) {
            let mut commands: Vec<Command> = commands
                .into_iter()
                .map(|words| Command { words, payload: None })
                .collect();
            if let Some(last) = commands.last_mut() {
                last.payload = payload;
            }
            prop_assert_eq!(read(&text(&commands)), Some(commands));
        }
    }
}
