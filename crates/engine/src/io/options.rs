//! Socket options of client and server connections.

use crate::proxy::ProxyRuntime;
use model::{KeepAliveProbe, Options, SocketSizes};
use rustix::net::sockopt;
use std::os::fd::AsFd;
use std::time::Duration;

/// Sets the options of an accepted connection.
///
/// None of them can fail in a way that the connection would be better off without: a Unix socket has no TCP options.
pub fn apply_to_client(fd: impl AsFd, proxy: &ProxyRuntime, buffers: SocketSizes) {
    let config = &proxy.config;
    let _ = sockopt::set_tcp_nodelay(&fd, true);
    if config.options.has(Options::CLIENT_KEEPALIVE) {
        keepalive(&fd, config.front.keepalive_probe);
    }
    if config.options.has(Options::SMART_ACCEPT) {
        let _ = sockopt::set_tcp_quickack(&fd, false);
    }
    if config.caps.front && config.options.has(Options::NO_LINGER) {
        let _ = sockopt::set_socket_linger(&fd, Some(Duration::ZERO));
    }
    set_buffers(&fd, buffers);
}

/// Sets the options of a connection to a server, before it is opened.
pub fn apply_to_server(
    fd: impl AsFd,
    proxy: &ProxyRuntime,
    buffers: SocketSizes,
    user_timeout: Option<u64>,
) {
    let config = &proxy.config;
    let _ = sockopt::set_tcp_nodelay(&fd, true);
    if config.options.has(Options::SERVER_KEEPALIVE) {
        keepalive(&fd, config.back.keepalive_probe);
    }
    if config.options.has(Options::NO_LINGER) {
        let _ = sockopt::set_socket_linger(&fd, Some(Duration::ZERO));
    }
    if let Some(ms) = user_timeout {
        let _ = sockopt::set_tcp_user_timeout(&fd, u32::try_from(ms).unwrap_or(u32::MAX));
    }
    set_buffers(&fd, buffers);
}

fn set_buffers(fd: impl AsFd, sizes: SocketSizes) {
    if sizes.receive > 0 {
        let _ = sockopt::set_socket_recv_buffer_size(&fd, sizes.receive);
    }
    if sizes.send > 0 {
        let _ = sockopt::set_socket_send_buffer_size(&fd, sizes.send);
    }
    if sizes.unsent > 0 {
        let _ = sys::set_unsent_limit(&fd, u32::try_from(sizes.unsent).unwrap_or(u32::MAX));
    }
}

fn keepalive(fd: impl AsFd, probe: KeepAliveProbe) {
    let _ = sockopt::set_socket_keepalive(&fd, true);
    if let Some(count) = probe.count {
        let _ = sockopt::set_tcp_keepcnt(&fd, count);
    }
    if let Some(idle) = probe.idle {
        let _ = sockopt::set_tcp_keepidle(&fd, Duration::from_secs(idle.into()));
    }
    if let Some(interval) = probe.interval {
        let _ = sockopt::set_tcp_keepintvl(&fd, Duration::from_secs(interval.into()));
    }
}
