//! The variables of one scope holder.

use expr::sample::Value;
use expr::vars::VarId;

/// A few variables, looked up by their interned names.
#[derive(Debug, Default)]
pub struct Vars {
    values: Vec<(VarId, Value<'static>)>,
}

impl Vars {
    /// The variable's value.
    #[must_use]
    pub fn get(&self, name: VarId) -> Option<&Value<'static>> {
        self.values
            .iter()
            .find(|(id, _)| *id == name)
            .map(|(_, value)| value)
    }

    /// Sets it.
    pub fn set(&mut self, name: VarId, value: Value<'static>) {
        match self.values.iter_mut().find(|(id, _)| *id == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name, value)),
        }
    }

    /// Removes it.
    pub fn unset(&mut self, name: VarId) {
        self.values.retain(|(id, _)| *id != name);
    }
}
