//! Lines that take options in any order after their fixed arguments, such as `bind` and `server`.

use super::statement::{Fault, Parsed, Statement, parse_duration};
use super::{Parser, known};
use base::units::TimeUnit;

/// One option of such a line.
pub struct OptionRow<T: 'static> {
    /// The keyword.
    pub name: &'static str,
    /// How many words follow it; negative when the function itself says where it ends.
    pub args: i8,
    /// One line of documentation.
    pub doc: &'static str,
    /// Reads the option into the line's draft.
    pub read: fn(&mut T, &mut Cursor<'_, '_, '_>) -> Parsed,
}

/// A place in a line's options.
pub struct Cursor<'p, 'd, 'l> {
    /// The parser.
    pub parser: &'p mut Parser<'d>,
    /// The line.
    pub statement: Statement<'l>,
    /// The argument to be read next.
    pub at: usize,
    /// What messages begin with: `'server b/a' : `.
    pub label: String,
    /// The option being read.
    option: &'l str,
}

impl<'p, 'd, 'l> Cursor<'p, 'd, 'l> {
    /// A cursor at an argument.
    pub fn new(
        parser: &'p mut Parser<'d>,
        statement: Statement<'l>,
        at: usize,
        label: String,
    ) -> Self {
        Self {
            parser,
            statement,
            at,
            label,
            option: "",
        }
    }

    /// The option being read.
    #[must_use]
    pub fn option(&self) -> &'l str {
        self.option
    }

    /// The next word, empty at the end.
    #[must_use]
    pub fn peek(&self) -> &'l str {
        self.statement.arg(self.at)
    }

    /// Takes the next word, empty at the end.
    pub fn word(&mut self) -> &'l str {
        let word = self.peek();
        self.at += 1;
        word
    }

    /// Takes the next word, which must be there; `missing` says otherwise what is missing.
    ///
    /// # Errors
    /// When it is missing.
    pub fn value(&mut self, missing: &str) -> Parsed<&'l str> {
        match self.word() {
            "" => Err(Fault::at(
                self.statement.keyword_at + self.at - 1,
                format!("{}'{}' {missing}", self.label, self.option),
            )),
            word => Ok(word),
        }
    }

    /// A fault at the word last taken.
    #[must_use]
    pub fn fault(&self, message: impl AsRef<str>) -> Fault {
        self.statement.fault(
            self.at.saturating_sub(1),
            format!("{}{}", self.label, message.as_ref()),
        )
    }

    /// A fault that names the option.
    #[must_use]
    pub fn option_fault(&self, message: impl AsRef<str>) -> Fault {
        self.fault(format!("'{}' {}", self.option, message.as_ref()))
    }

    /// A warning at the word last taken.
    pub fn warn(&mut self, message: impl AsRef<str>, hint: Option<String>) {
        let word = self.statement.keyword_at + self.at;
        let message = format!("{}{}", self.label, message.as_ref());
        self.parser.warn_of(
            self.statement.line,
            Fault {
                message,
                word,
                hint,
            },
        );
    }

    /// Takes the next word as HAProxy takes a number: its leading digits count, and without any it is 0. What follows the
    /// digits is warned of.
    pub fn number(&mut self) -> i64 {
        let word = self.word();
        let (value, clean) = leading_integer(word);
        if !clean {
            let option = self.option;
            self.warn(
                format!("'{option}' : '{word}' is not a number and is taken for {value}."),
                None,
            );
        }
        value
    }

    /// Takes the next word as a count: a number not below 0.
    pub fn count(&mut self) -> u32 {
        u32::try_from(self.number().max(0)).unwrap_or(u32::MAX)
    }

    /// Takes the next word as a duration in milliseconds; `place` words where it stands (`in 'inter' argument`).
    ///
    /// # Errors
    /// When it is no duration.
    pub fn duration(&mut self, place: &str) -> Parsed<u64> {
        let word = self.word();
        parse_duration(word, TimeUnit::Millisecond)
            .map_err(|why| self.fault(format!("{why} {place}.")))
    }

    /// Reads all remaining options into `draft`.
    ///
    /// # Errors
    /// At the first option that is unknown, not built or refused.
    pub fn read_all<T>(
        &mut self,
        rows: &[&[OptionRow<T>]],
        family: known::Family,
        draft: &mut T,
    ) -> Parsed {
        self.read_allowed(rows, family, draft, |_, _| None)
    }

    /// As [`Cursor::read_all`]; what `refused` says of an option's name is the fault of using it here.
    ///
    /// # Errors
    /// As [`Cursor::read_all`], and those.
    pub fn read_allowed<T>(
        &mut self,
        rows: &[&[OptionRow<T>]],
        family: known::Family,
        draft: &mut T,
        refused: impl Fn(&T, &str) -> Option<String>,
    ) -> Parsed {
        while self.at < self.statement.len() {
            let option_at = self.at;
            self.option = self.word();
            let bare = self
                .option
                .split_once('(')
                .map_or(self.option, |(name, _)| name);
            let row = rows.iter().flat_map(|rows| rows.iter());
            let row = row
                .clone()
                .find(|row| row.name == self.option || (row.args < 0 && row.name == bare));
            let Some(row) = row else {
                let names = rows.iter().flat_map(|rows| rows.iter()).map(|row| row.name);
                return Err(self.unknown(names, family));
            };
            if let Some(why) = refused(draft, row.name) {
                return Err(self.statement.fault(option_at, why));
            }
            (row.read)(draft, self)?;
            if let Ok(args) = usize::try_from(row.args) {
                self.at = option_at + 1 + args;
            }
        }
        Ok(())
    }

    fn unknown(&self, names: impl Iterator<Item = &'static str>, family: known::Family) -> Fault {
        let option = self.option;
        if let Some(waits) = known::waits_for(family, option) {
            return self.fault(known::not_built(option, waits));
        }
        // HAProxy puts the colon apart from the closing quote on some lines only; the label decides.
        let label = self
            .label
            .strip_suffix(" : ")
            .filter(|label| label.contains("in section"));
        let label = label.map_or_else(|| self.label.clone(), |label| format!("{label}: "));
        let message = match config::suggest::nearest(option, names.chain(known::names(family))) {
            Some(near) => {
                format!("{label}unknown keyword '{option}'; did you mean '{near}' maybe ?")
            }
            None => format!("{label}unknown keyword '{option}'."),
        };
        self.statement.fault(self.at.saturating_sub(1), message)
    }
}

/// The integer that a text begins with (0 without one) and whether that is all there is.
#[must_use]
pub fn leading_integer(text: &str) -> (i64, bool) {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let length = text.len() - unsigned.len() + digits;
    let value = match text.get(..length).map(str::parse::<i64>) {
        Some(Ok(value)) => value,
        _ if digits > 0 => i64::MAX,
        _ => 0,
    };
    (value, digits > 0 && length == text.len())
}

#[cfg(test)]
mod tests {
    use super::leading_integer;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(leading_integer("12"), (12, true));
        assert_eq!(leading_integer("-3"), (-3, true));
        assert_eq!(leading_integer("5s"), (5, false));
        assert_eq!(leading_integer("x"), (0, false));
        assert_eq!(leading_integer(""), (0, false));
        assert_eq!(leading_integer("99999999999999999999"), (i64::MAX, true));
    }
}
