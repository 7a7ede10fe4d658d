//! The variables of one scope holder.

use super::Stream;
use expr::sample::Value;
use expr::vars::{Scope, VARIABLE_SIZE, VarId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A few variables, looked up by their interned names.
#[derive(Debug, Default)]
pub struct Vars {
    values: Vec<(VarId, Value<'static>)>,
    /// Where their bytes are counted, and how many are.
    counted: Option<(Arc<AtomicUsize>, usize)>,
}

/// The bytes of a value's text.
pub(crate) fn text_size(value: &Value<'_>) -> usize {
    match value {
        Value::Str(text) | Value::Bin(text) | Value::Method(_, text) => text.len(),
        _ => 0,
    }
}

/// The bytes that a variable with such a value is counted with.
pub(crate) fn size(value: &Value<'_>) -> usize {
    VARIABLE_SIZE + text_size(value)
}

impl Drop for Vars {
    fn drop(&mut self) {
        if let Some((total, counted)) = self.counted.take() {
            total.fetch_sub(counted, Ordering::Relaxed);
        }
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

    /// Removes all of a scope that has ended.
    pub fn end(&mut self, scope: Scope) {
        self.values.retain(|(id, _)| id.scope != scope);
    }

    /// Adds to a total, or takes from it, by how much these have grown or shrunk since the last time.
    pub fn count_in(&mut self, total: &Arc<AtomicUsize>) {
        let bytes = self.values.iter().map(|(_, value)| size(value)).sum();
        let (total, counted) = self.counted.get_or_insert_with(|| (Arc::clone(total), 0));
        total.fetch_add(bytes, Ordering::Relaxed);
        total.fetch_sub(std::mem::replace(counted, bytes), Ordering::Relaxed);
    }

    /// The bytes of all of them but for one.
    #[must_use]
    pub fn size_besides(&self, name: VarId) -> usize {
        self.size_without(name, |_| true)
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
            Scope::Process => return self.session.runtime.set_process_var(name.name, value),
            Scope::Session => self.session.vars.borrow_mut(),
            _ => self.state.vars.borrow_mut(),
        };
        match value {
            Some(value) => vars.set(name, value),
            None => vars.unset(name),
        }
        self.session.runtime.count_vars(&mut vars);
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
        let grown = || {
            let present = match name.scope {
                Scope::Session => self.session.vars.borrow().get(name).map_or(0, size),
                _ => vars.get(name).map_or(0, size),
            };
            size(value).saturating_sub(present)
        };
        if name.scope != Scope::Process && !self.session.runtime.has_room_for_vars(grown()) {
            return false;
        }
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
