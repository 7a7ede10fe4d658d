//! For tests only: scripted clients and servers, ephemeral ports, a driver for the built program.
#![forbid(unsafe_code)]
