//! A connection as its streams share it: on one worker, or between workers.

use super::Multiplexed;
use parking_lot::{Mutex, MutexGuard};
use std::cell::{RefCell, RefMut};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::Arc;

/// A connection in the hands of a stream.
#[derive(Debug, Clone)]
pub enum Shared {
    /// All its streams are the worker's.
    Own(Rc<RefCell<Multiplexed>>),
    /// Streams of any worker are on it; the pump is another's, maybe.
    Across(Arc<Mutex<Multiplexed>>),
}

/// Access to it.
pub(super) enum Held<'c> {
    Own(RefMut<'c, Multiplexed>),
    Across(MutexGuard<'c, Multiplexed>),
}

impl Shared {
    /// The connection, for the moment.
    pub(super) fn hold(&self) -> Held<'_> {
        match self {
            Self::Own(connection) => Held::Own(connection.borrow_mut()),
            Self::Across(connection) => Held::Across(connection.lock()),
        }
    }
}

impl From<Rc<RefCell<Multiplexed>>> for Shared {
    fn from(connection: Rc<RefCell<Multiplexed>>) -> Self {
        Self::Own(connection)
    }
}

impl From<Arc<Mutex<Multiplexed>>> for Shared {
    fn from(connection: Arc<Mutex<Multiplexed>>) -> Self {
        Self::Across(connection)
    }
}

impl Deref for Held<'_> {
    type Target = Multiplexed;

    fn deref(&self) -> &Multiplexed {
        match self {
            Self::Own(connection) => connection,
            Self::Across(connection) => connection,
        }
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Multiplexed {
        match self {
            Self::Own(connection) => connection,
            Self::Across(connection) => connection,
        }
    }
}
