//! Variables: scoped names, interned once so that look-ups compare small numbers.

use crate::sample::Value;
use hashbrown::{HashMap, HashSet};

/// The life span of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `proc.`: the process.
    Process,
    /// `sess.`: the client's connection.
    Session,
    /// `txn.`: request and response.
    Transaction,
    /// `req.`: the request.
    Request,
    /// `res.`: the response.
    Response,
    /// `check.`: a health check.
    Check,
    /// `psess.`, `ptxn.`, `preq.`, `pres.`: those of the stream for which another one was made. No stream here is made for
    /// another one, and then these are never there, as in HAProxy.
    Parent,
}

impl Scope {
    /// The prefix of names in this scope, without its dot.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "proc",
            Self::Session => "sess",
            Self::Transaction => "txn",
            Self::Request => "req",
            Self::Response => "res",
            Self::Check => "check",
            Self::Parent => "parent",
        }
    }
}

/// A variable's identity: its scope and its interned name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VarId {
    /// The scope.
    pub scope: Scope,
    /// The interned name.
    pub name: u32,
}

/// What has to hold for a variable to be set (configuration manual, converter `set-var`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// `ifexists`, `ifnotexists`: whether the variable is there.
    Exists(bool),
    /// `ifempty`, `ifnotempty`: whether the new value is an empty text.
    Empty(bool),
    /// `ifset`, `ifnotset`: whether the variable has a value.
    Set(bool),
    /// `ifgt`: whether the present number is greater than the new one.
    Greater,
    /// `iflt`: whether the present number is less than the new one.
    Less,
}

impl Requirement {
    /// The requirement of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ifexists" => Self::Exists(true),
            "ifnotexists" => Self::Exists(false),
            "ifempty" => Self::Empty(true),
            "ifnotempty" => Self::Empty(false),
            "ifset" => Self::Set(true),
            "ifnotset" => Self::Set(false),
            "ifgt" => Self::Greater,
            "iflt" => Self::Less,
            _ => return None,
        })
    }

    /// Whether `var`, which is `present` now, may become `new`. What is no number is neither greater nor less, and then both
    /// hold.
    #[must_use]
    pub fn holds(self, var: VarId, present: Option<&Value<'_>>, new: &Value<'_>) -> bool {
        let numbers = match (present, new) {
            (Some(Value::Int(present)), Value::Int(new)) => Some((*present, *new)),
            _ => None,
        };
        match self {
            // Variables of the process are there from the moment the configuration names them.
            Self::Exists(wanted) => (present.is_some() || var.scope == Scope::Process) == wanted,
            Self::Set(wanted) => present.is_some() == wanted,
            Self::Empty(wanted) => {
                let empty = matches!(new, Value::Str(text) | Value::Bin(text) if text.is_empty());
                empty == wanted
            }
            Self::Greater => numbers.is_none_or(|(present, new)| present > new),
            Self::Less => numbers.is_none_or(|(present, new)| present < new),
        }
    }
}

/// The names of all variables that a configuration mentions.
#[derive(Debug, Default, Clone)]
pub struct VarNames {
    ids: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// Which of them name variables of the process. Those are there from the moment they are named.
    process: HashSet<u32>,
    room: Option<usize>,
}

/// The bytes that a variable is counted with besides its text, as in HAProxy.
pub const VARIABLE_SIZE: usize = 88;

impl VarNames {
    /// Finds or adds the variable `scope.name`.
    ///
    /// # Errors
    /// HAProxy's complaint about a missing scope or a character that names may not hold.
    pub fn intern(&mut self, text: &str) -> Result<VarId, String> {
        let (scope, name) = Self::split(text)?;
        let known = self.ids.get(name).copied();
        let is_new = scope == Scope::Process && known.is_none_or(|id| !self.process.contains(&id));
        let taken = (self.process.len() + 1) * VARIABLE_SIZE;
        if let Some(room) = self.room.filter(|room| is_new && taken > *room) {
            return Err(format!(
                "no room for variable '{text}': with it, the variables of the process take {taken} bytes, and 'tune.vars.proc-max-size' or 'tune.vars.global-max-size' allows {room}"
            ));
        }
        let id = known.unwrap_or_else(|| {
            let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            self.names.push(name.into());
            self.ids.insert(name.into(), id);
            id
        });
        if is_new {
            self.process.insert(id);
        }
        Ok(VarId { scope, name: id })
    }

    /// Limits the bytes that variables of the process may take before they have values (`tune.vars.proc-max-size` and
    /// `tune.vars.global-max-size`). Those that are named already stay.
    pub fn limit_process(&mut self, bytes: Option<usize>) {
        self.room = bytes;
    }

    /// Whether such a variable of the process is named.
    #[must_use]
    pub fn names_process(&self, id: u32) -> bool {
        self.process.contains(&id)
    }

    /// How many variables of the process are named.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.process.len()
    }

    /// The variable `scope.name` if the configuration mentions that name.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<VarId> {
        let (scope, name) = Self::split(text).ok()?;
        Some(VarId {
            scope,
            name: *self.ids.get(name)?,
        })
    }

    /// The name behind an interned number, without its scope.
    #[must_use]
    pub fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", |n| n)
    }

    /// How many names there are; they are numbered from 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name has been seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn split(text: &str) -> Result<(Scope, &str), String> {
        const SCOPES: [Scope; 6] = [
            Scope::Process,
            Scope::Session,
            Scope::Transaction,
            Scope::Request,
            Scope::Response,
            Scope::Check,
        ];
        if text.is_empty() {
            return Err("Empty variable name cannot be accepted".into());
        }
        let parents = ["psess.", "ptxn.", "preq.", "pres."];
        let found = SCOPES.into_iter().find_map(|scope| {
            let rest = text.strip_prefix(scope.name())?.strip_prefix('.')?;
            Some((scope, rest))
        });
        let parent = || {
            let name = parents
                .into_iter()
                .find_map(|scope| text.strip_prefix(scope));
            name.map(|name| (Scope::Parent, name))
        };
        let Some((scope, name)) = found.or_else(parent) else {
            return Err(format!("invalid variable name '{text}'. {SCOPE_HINT}"));
        };
        if let Some(bad) = name.chars().find(|c| !is_name_char(*c)) {
            return Err(format!("invalid syntax at char '{bad}'"));
        }
        if name.is_empty() {
            return Err(format!("invalid variable name '{text}'. {SCOPE_HINT}"));
        }
        Ok((scope, name))
    }
}

const SCOPE_HINT: &str = "A variable name must start with its scope. The scope can be 'proc', '(p)sess', '(p)txn', '(p)req', '(p)res' or 'check'";

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}
