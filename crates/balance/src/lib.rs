//! Load-balancing algorithms, weights and queues. Pure.
//!
//! A [`Balancer`] knows the servers' weights and states and picks among them; what changes with every connection
//! (connections served, requests queued) it reads through [`Load`], so that the engine's own counters stay the truth.
//! [`Queue`] orders the requests that wait for a server, [`hash`] turns keys into what the hash algorithms take.
//!
//! Orders are HAProxy's: a roundrobin farm gives the same sequence, a hash the same server. Where they are not yet, the
//! item says so.
#![forbid(unsafe_code)]

mod balancer;
mod farm;
mod first;
pub mod hash;
mod leastconn;
mod map;
mod maxconn;
mod queue;
mod ring;
mod roundrobin;
mod server;
mod sticky;

pub use balancer::{Algorithm, Balancer};
pub use maxconn::{MaxconnRamp, effective_maxconn, normalize_minconn, slowstart_maxconn};
pub use queue::{Pending, Queue, QueueKey, Source, choose};
pub use ring::{Affinity, NodeKey, RingOptions};
pub use server::{
    Load, MAX_WEIGHT, PickCtx, ServerIdx, ServerSpec, WEIGHT_SCALE, effective_weight,
};
