//! Listening sockets as configured.

use crate::address::Address;
use crate::namespace::Namespace;
use std::sync::Arc;

/// One `bind` line's listening address with its options.
#[derive(Debug, Clone)]
pub struct Bind {
    /// Where to listen; a range or list in the file makes one `Bind` each.
    pub address: Address,
    /// Whether connections may take several paths (`mptcp@`).
    pub multipath: bool,
    /// Where the line stands.
    pub origin: (Arc<str>, u32),
    /// The addresses of the line as written.
    pub written: Arc<str>,
    /// `name`.
    pub name: Option<Arc<str>>,
    /// `guid-prefix`.
    pub guid_prefix: Option<Arc<str>>,
    /// `id`, or the next free number.
    pub id: u32,
    /// `maxconn`, 0 for no limit of its own.
    pub maxconn: u32,
    /// `backlog`, 0 for the proxy's.
    pub backlog: u32,
    /// `accept-proxy`.
    pub accept_proxy: bool,
    /// `accept-netscaler-cip`: the magic number.
    pub accept_netscaler: Option<u32>,
    /// `transparent`.
    pub transparent: bool,
    /// `interface`.
    pub interface: Option<Arc<str>>,
    /// `namespace`.
    pub namespace: Option<Arc<Namespace>>,
    /// `mss`; negative values are subtracted from the advertised one.
    pub mss: Option<i32>,
    /// `tcp-ut`: TCP user timeout, in milliseconds.
    pub user_timeout: Option<u64>,
    /// `cc`: the congestion control algorithm.
    pub congestion: Option<Arc<str>>,
    /// `tfo`.
    pub fast_open: bool,
    /// `defer-accept`.
    pub defer_accept: bool,
    /// `v4v6` (`Some(false)`) or `v6only` (`Some(true)`).
    pub v6only: Option<bool>,
    /// `tcp-md5sig`: password.
    pub md5sig: Option<Arc<str>>,
    /// `tcp-ss`: bits of TCP_SAVE_SYN.
    pub save_syn: u8,
    /// `mode` of a Unix socket.
    pub unix_mode: Option<u32>,
    /// `user`/`uid` and `group`/`gid` of a Unix socket.
    pub unix_owner: (Option<u32>, Option<u32>),
    /// `level` of a runtime API socket: 0 user, 1 operator, 2 admin.
    pub level: u8,
    /// `severity-output`: 0 none, 1 number, 2 string.
    pub severity_output: u8,
    /// `expose-fd listeners`: a new process may ask for the listening sockets here.
    pub expose_fd: bool,
    /// `thread`: threads (from 1) that listen; empty for all.
    pub threads: Vec<u32>,
    /// `nbconn`: how many connections a listener that opens them itself (`rhttp@`) keeps up.
    pub connections: u32,
    /// `proto`: the mux forced by its name.
    pub proto: Option<Arc<str>>,
    /// What the line says about TLS.
    pub tls_settings: Arc<tls::settings::BindSettings>,
    /// `ssl`: the certificates, once all files were read.
    pub tls: Option<Arc<tls::Listener>>,
}

impl Bind {
    /// A bind with every option at its default.
    #[must_use]
    pub fn new(address: Address, origin: (Arc<str>, u32)) -> Self {
        Self {
            address,
            multipath: false,
            origin,
            written: "".into(),
            name: None,
            guid_prefix: None,
            id: 0,
            maxconn: 0,
            backlog: 0,
            accept_proxy: false,
            accept_netscaler: None,
            transparent: false,
            interface: None,
            namespace: None,
            mss: None,
            user_timeout: None,
            congestion: None,
            fast_open: false,
            defer_accept: false,
            v6only: None,
            md5sig: None,
            save_syn: 0,
            unix_mode: None,
            unix_owner: (None, None),
            level: 1,
            severity_output: 0,
            expose_fd: false,
            threads: Vec::new(),
            connections: 1,
            proto: None,
            tls_settings: Arc::default(),
            tls: None,
        }
    }
}
