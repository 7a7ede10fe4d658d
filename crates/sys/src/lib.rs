//! The few system calls that need unsafe code, each with its reason.
#![allow(unsafe_code)]
