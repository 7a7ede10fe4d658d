//! The way to a server: choosing, queueing, connecting, and keeping connections for later.

mod connect;
mod dispatch;
mod idle;
mod line;
mod location;
pub(crate) mod socks;

pub use connect::{
    ConnectError, Route, Secure, address_for, binding, connect, connect_deadline, decides_late,
    establish, fixed_namespace, follow, open, shake_hands, socket_for, source_for, start,
};
pub use dispatch::{Assigned, Availability, Dispatch, Moved, Place, Slot, Wish};
pub use idle::{IdleConn, IdlePool, InUse, Open, begin_key, end_key};
pub use line::{Broken, Line};
pub use location::{Location, Whereabouts};
