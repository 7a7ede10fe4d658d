//! Load-balancing algorithms, weights and queues. Pure.
#![forbid(unsafe_code)]
