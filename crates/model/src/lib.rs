//! The resolved configuration: proxies, servers, binds and rule lists, and the directive tables that build them.
//!
//! [`parse::load`] turns configuration text into one immutable [`Snapshot`]. What outlives a configuration (server state,
//! counters, queues) stands in [`live`].
#![forbid(unsafe_code)]

pub mod address;
pub mod bandwidth;
mod bind;
pub mod check;
pub mod client;
mod errors;
mod global;
pub mod live;
pub mod log;
pub mod namespace;
pub mod persistence;
mod proxy;
pub mod resolvers;
pub mod reverse;
pub mod rules;
mod server;
mod snapshot;
mod stats;
mod statuses;
pub mod trace;
pub mod users;

pub mod parse;
pub mod peers;

pub use address::{Address, AddressRange, Host, IpFamily};
pub use bind::Bind;
pub use errors::{ComposedResponse, ErrorPage, ErrorPages, ResponseBody, StoredResponse};
pub use global::{CloseSpread, Global, Profiling, SocketBuffers, SocketSizes, UnixBind};
pub use proxy::{
    Affinity, Algorithm, Backend, BalanceSettings, Caps, CloseMode, CookieCapture, ForwardHeader,
    Forwarded, Frontend, HashKey, HashType, HeaderCapture, KeepAliveProbe, Mode, Options, Proxy,
    RestrictNames, RetryOn, Reuse, StateSource, SwitchRule, SwitchTarget, Timeouts, UseServerRule,
};
pub use server::{
    AgentSettings, CheckSettings, InitialAddress, InitialState, Naming, NodeKeySource, Observe,
    OnError, SendProxy, Server, ServerDraft, SourceBinding, UseSource,
};
pub use snapshot::Snapshot;
pub use stats::StatsPage;
pub use statuses::StatusSet;
