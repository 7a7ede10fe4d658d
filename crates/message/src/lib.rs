//! The HTTP message: head, header access, cookies, URIs and normalisation. Knows no wire.
#![forbid(unsafe_code)]
