//! Workers, listeners, muxes, sessions and streams.
#![forbid(unsafe_code)]
