//! TLS: what `bind`, `server`, `global` and `crt-store` say about it.

pub mod bind;
pub mod certificates;
pub mod frontend;
pub mod global;
pub mod ocsp;
mod resolve;
pub mod server;
pub mod store;
#[cfg(test)]
mod tests;

pub use resolve::resolve;
