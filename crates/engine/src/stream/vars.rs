//! The variables of one scope holder.

use super::Stream;
use expr::sample::Value;
use expr::vars::{Scope, VarId};

/// A few variables, looked up by their interned names.
#[derive(Debug, Default)]
pub struct Vars {
    values: Vec<(VarId, Value<'static>)>,
}

/// The bytes that a variable is counted with besides its text, as in HAProxy.
const OVERHEAD: usize = 88;

fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Str(text) | Value::Bin(text) | Value::Method(_, text) => OVERHEAD + text.len(),
        _ => OVERHEAD,
    }
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

    /// All variables of a scope.
    pub fn of_scope(&self, scope: Scope) -> impl Iterator<Item = (VarId, &Value<'static>)> {
        self.values
            .iter()
            .filter(move |(id, _)| id.scope == scope)
            .map(|(id, value)| (*id, value))
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

    /// The bytes that the variables of the chosen scopes, but for one variable, are counted with.
    fn size_without(&self, name: VarId, chosen: impl Fn(Scope) -> bool) -> usize {
        self.values
            .iter()
            .filter(|(id, _)| *id != name && chosen(id.scope))
            .map(|(_, value)| size(value))
            .sum()
    }
}

impl Stream<'_> {
    /// Whether variables of a scope are there now: the request's go when the response comes.
    pub(super) fn has_scope(&self, scope: Scope) -> bool {
        match scope {
            Scope::Request => !self.state.answering,
            Scope::Response => self.state.answering,
            Scope::Process | Scope::Session | Scope::Transaction => true,
            Scope::Check | Scope::Parent => false,
        }
    }

    /// Sets a variable, or unsets it for `None`. Returns whether its scope is there and had room for it.
    pub(super) fn store_var(&self, name: VarId, value: Option<Value<'static>>) -> bool {
        if !self.has_scope(name.scope) || !self.has_room(name, value.as_ref()) {
            return false;
        }
        let mut vars = match name.scope {
            Scope::Process => {
                self.session.runtime.process.set_var(name.name, value);
                return true;
            }
            Scope::Session => self.session.vars.borrow_mut(),
            _ => self.state.vars.borrow_mut(),
        };
        match value {
            Some(value) => vars.set(name, value),
            None => vars.unset(name),
        }
        true
    }

    /// Whether the limits of all scopes around a variable leave room for a value.
    fn has_room(&self, name: VarId, value: Option<&Value<'_>>) -> bool {
        let limits = self.session.runtime.snapshot.global.variable_limits;
        let Some(value) = value.filter(|_| limits != Default::default()) else {
            return true;
        };
        let is_message = |scope| matches!(scope, Scope::Request | Scope::Response);
        let vars = self.state.vars.borrow();
        let fits = |limit: usize, others: usize| limit == 0 || others + size(value) <= limit;
        let inner = vars.size_without(name, |_| true);
        let in_message = vars.size_without(name, is_message);
        let in_session = || inner + self.session.vars.borrow().size_without(name, |_| true);
        match name.scope {
            Scope::Process | Scope::Check | Scope::Parent => true,
            Scope::Session => fits(limits.session, in_session()),
            Scope::Transaction => {
                fits(limits.transaction, inner) && fits(limits.session, in_session())
            }
            Scope::Request | Scope::Response => {
                fits(limits.message, in_message)
                    && fits(limits.transaction, inner)
                    && fits(limits.session, in_session())
            }
        }
    }
}
