//! The resolved configuration: proxies, servers, binds and rule lists, and the directive tables that build them.
#![forbid(unsafe_code)]
