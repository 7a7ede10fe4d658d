//! The process' configuration environment (manual section 2.3).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::text::Text;

/// The environment that the configuration sees and changes, in the order of definition.
///
/// It is a copy: the process' own environment stays as it is, and is given to children from [`Env::iter_os`].
#[derive(Debug, Clone, Default)]
pub struct Env {
    variables: Vec<(Text, Text)>,
}

impl Env {
    /// A copy of the process' environment.
    pub fn new() -> Self {
        let text = |os: OsString| Text::from(os.into_vec());
        Self {
            variables: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        }
    }

    /// An environment without variables.
    pub fn empty() -> Self {
        Self::default()
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.variables
            .iter()
            .position(|(known, _)| known.bytes() == name)
    }

    /// The value of `name`, with U+FFFD where its bytes are not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name.as_bytes())
            .map(|at| self.variables[at].1.as_str())
    }

    /// The exact value of `name`.
    pub fn get_bytes(&self, name: &[u8]) -> Option<&[u8]> {
        self.find(name).map(|at| self.variables[at].1.bytes())
    }

    /// Defines `name`, whether it existed or not.
    pub fn set(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let (name, value) = (name.into(), value.into());
        match self.find(name.bytes()) {
            Some(at) => self.variables[at].1 = value,
            None => self.variables.push((name, value)),
        }
    }

    /// Defines `name` unless it exists, and tells whether it did so.
    pub fn preset(&mut self, name: impl Into<Text>, value: impl Into<Text>) -> bool {
        let name = name.into();
        let absent = self.find(name.bytes()).is_none();
        if absent {
            self.variables.push((name, value.into()));
        }
        absent
    }

    /// Removes `name`, and tells whether it existed.
    pub fn unset(&mut self, name: &str) -> bool {
        let found = self.find(name.as_bytes());
        if let Some(at) = found {
            self.variables.remove(at);
        }
        found.is_some()
    }

    /// Removes every variable but those named.
    pub fn reset<S: AsRef<str>>(&mut self, keep: &[S]) {
        self.variables
            .retain(|(name, _)| keep.iter().any(|k| k.as_ref().as_bytes() == name.bytes()));
    }

    /// Names and values, in the order of definition.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Exact names and values, as a child process gets them.
    pub fn iter_os(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| {
            (
                OsStr::from_bytes(name.bytes()),
                OsStr::from_bytes(value.bytes()),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_from_the_process() {
        let (name, value) = std::env::vars_os().next().expect("an environment");
        assert_eq!(
            Env::new().get_bytes(name.as_bytes()),
            Some(value.as_bytes())
        );
    }

    #[test]
    fn changes() {
        let mut env = Env::empty();
        env.set("A", "1");
        assert!(!env.preset("A", "2"));
        assert!(env.preset("B", "3"));
        env.set("A", "4");
        env.set("C", "");
        assert_eq!(
            env.iter().collect::<Vec<_>>(),
            [("A", "4"), ("B", "3"), ("C", "")]
        );
        assert!(env.unset("B"));
        assert!(!env.unset("B"));
        env.reset(&["C"]);
        assert_eq!((env.get("A"), env.get("C")), (None, Some("")));
        assert_eq!(env.iter_os().count(), 1);
    }
}
