//! One configuration line as directive functions see it, and what they answer when it is faulty.

use base::units::{self, TimeUnit};
use config::{Line, Prefix};

/// One line of a section: a keyword and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'l> {
    /// The line.
    pub line: &'l Line,
    /// Which word is the keyword: 0, or more inside a family such as `timeout`.
    pub keyword_at: usize,
}

/// Why a line is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in HAProxy's shape.
    pub message: String,
    /// Which word of the line is at fault.
    pub word: usize,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault at a word of the line.
    #[must_use]
    pub fn at(word: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            word,
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The answer of a directive's function.
pub type Parsed<T = ()> = Result<T, Fault>;

impl<'l> Statement<'l> {
    /// The statement of a line, its first word being the keyword.
    #[must_use]
    pub fn new(line: &'l Line) -> Self {
        Self {
            line,
            keyword_at: 0,
        }
    }

    /// The statement whose keyword is the present one's first argument (`timeout client`: `client`).
    #[must_use]
    pub fn inner(self) -> Self {
        Self {
            line: self.line,
            keyword_at: self.keyword_at + 1,
        }
    }

    /// The keyword.
    #[must_use]
    pub fn keyword(self) -> &'l str {
        self.word(self.keyword_at)
    }

    /// The whole keyword from the line's first word on (`timeout client`).
    #[must_use]
    pub fn path(self) -> String {
        let words: Vec<&str> = (0..=self.keyword_at).map(|at| self.word(at)).collect();
        words.join(" ")
    }

    /// How many arguments there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.line.words.len().saturating_sub(self.keyword_at + 1)
    }

    /// Whether there is no argument.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The argument at `index` (from 0), empty when missing.
    #[must_use]
    pub fn arg(self, index: usize) -> &'l str {
        self.word(self.keyword_at + 1 + index)
    }

    /// The bytes of the argument at `index`, which need not be UTF-8.
    #[must_use]
    pub fn arg_bytes(self, index: usize) -> &'l [u8] {
        self.line
            .words
            .get(self.keyword_at + 1 + index)
            .map(config::Word::bytes)
            .unwrap_or_default()
    }

    /// All arguments from `index` on.
    #[must_use]
    pub fn args_from(self, index: usize) -> Vec<&'l str> {
        self.line
            .words
            .iter()
            .skip(self.keyword_at + 1 + index)
            .map(config::Word::as_str)
            .collect()
    }

    /// Whether `no` stands in front.
    #[must_use]
    pub fn is_negated(self) -> bool {
        self.line.prefix == Prefix::No
    }

    /// Whether `default` stands in front.
    #[must_use]
    pub fn is_default(self) -> bool {
        self.line.prefix == Prefix::Default
    }

    /// Where the line stands.
    #[must_use]
    pub fn origin(self) -> (std::sync::Arc<str>, u32) {
        (self.line.file.clone(), self.line.number)
    }

    /// A fault at the argument at `index`.
    #[must_use]
    pub fn fault(self, index: usize, message: impl Into<String>) -> Fault {
        Fault::at(self.keyword_at + 1 + index, message)
    }

    /// A fault at the keyword.
    #[must_use]
    pub fn fault_here(self, message: impl Into<String>) -> Fault {
        Fault::at(self.keyword_at, message)
    }

    /// The argument at `index`, which must be there; `what` says what is expected.
    ///
    /// # Errors
    /// When it is missing.
    pub fn required(self, index: usize, what: &str) -> Parsed<&'l str> {
        match self.arg(index) {
            "" => Err(self.fault_here(format!("'{}' expects {what} as argument.", self.path()))),
            text => Ok(text),
        }
    }

    /// Refuses arguments beyond the first `most`.
    ///
    /// # Errors
    /// When there are more.
    pub fn at_most(self, most: usize) -> Parsed {
        if self.len() <= most {
            return Ok(());
        }
        let (path, extra) = (self.path(), self.arg(most));
        Err(self.fault(
            most,
            format!("'{path}' cannot handle unexpected argument '{extra}'."),
        ))
    }

    /// The argument at `index` as an integer in a range.
    ///
    /// # Errors
    /// When it is missing, no integer, or out of range.
    pub fn integer(self, index: usize, range: std::ops::RangeInclusive<i64>) -> Parsed<i64> {
        let text = self.required(index, "an integer")?;
        let path = self.path();
        let value: i64 = text.parse().map_err(|_| {
            self.fault(
                index,
                format!("cannot parse '{path}' value '{text}', an integer is expected."),
            )
        })?;
        if range.contains(&value) {
            return Ok(value);
        }
        let (low, high) = (range.start(), range.end());
        Err(self.fault(
            index,
            format!("'{path}' value '{text}' is out of range ({low} to {high})."),
        ))
    }

    /// The argument at `index` as a number of things, 0 included.
    ///
    /// # Errors
    /// As [`Statement::integer`].
    pub fn count(self, index: usize) -> Parsed<u32> {
        self.integer(index, 0..=i64::from(i32::MAX))
            .map(|n| n as u32)
    }

    /// The argument at `index` as a duration in milliseconds, `ms` being the default unit.
    ///
    /// # Errors
    /// When it is missing or no duration.
    pub fn duration(self, index: usize) -> Parsed<u64> {
        self.duration_in(index, TimeUnit::Millisecond)
    }

    /// The argument at `index` as a duration in milliseconds with another default unit.
    ///
    /// # Errors
    /// When it is missing or no duration.
    pub fn duration_in(self, index: usize, default: TimeUnit) -> Parsed<u64> {
        let text = self.required(index, "a time value")?;
        parse_duration(text, default)
            .map_err(|why| self.fault(index, format!("'{}' : {why} in '{text}'.", self.path())))
    }

    fn word(self, at: usize) -> &'l str {
        self.line
            .words
            .get(at)
            .map(config::Word::as_str)
            .unwrap_or_default()
    }
}

/// Reads a duration into milliseconds and words its faults; `default` is the unit of a figure without one.
///
/// # Errors
/// With what is wrong: an unexpected character or an overflow.
pub fn parse_duration(text: &str, default: TimeUnit) -> Result<u64, String> {
    let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let read = match default {
        TimeUnit::Second if bare => units::parse_time(format!("{text}s"), TimeUnit::Millisecond),
        _ => units::parse_time(text, TimeUnit::Millisecond),
    };
    match read {
        Ok(time) => Ok(time.value),
        Err(units::TimeError::Empty) => Err("unexpected end of text".into()),
        Err(units::TimeError::Character(at)) => {
            let c = text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .unwrap_or('?');
            Err(format!("unexpected character '{c}'"))
        }
        Err(units::TimeError::Overflow) => {
            Err("timer overflow (maximum value is 2147483647 ms or ~24.8 days)".into())
        }
    }
}
