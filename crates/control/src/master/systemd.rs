//! Telling systemd how the service is (`sd_notify(3)`).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends a message to the socket that `NOTIFY_SOCKET` names; without one, or when nobody listens, nothing happens.
pub fn notify(message: &str) {
    if let Some(name) = std::env::var_os("NOTIFY_SOCKET") {
        send(&name, message);
    }
}

fn send(name: &OsStr, message: &str) {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound();
    if let (Ok(address), Ok(socket)) = (address, socket) {
        // A manager that does not listen has nothing to be told.
        let _ = socket.send_to_addr(message.as_bytes(), &address);
    }
}

/// The worker serves.
pub fn ready(master: u32) {
    notify(&format!("READY=1\nMAINPID={master}\nSTATUS=Ready.\n"));
}

/// A reload begins, at this time of the monotonic clock in milliseconds.
pub fn reloading(now_ms: u64) {
    notify(&format!(
        "RELOADING=1\nSTATUS=Reloading Configuration.\nMONOTONIC_USEC={}\n",
        now_ms * 1000
    ));
}

/// The reload has failed, and the workers before it serve on.
pub fn reload_failed() {
    notify("READY=1\nSTATUS=Reload failed!\n");
}

/// The end has begun.
pub fn stopping() {
    notify("STOPPING=1");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_with_and_without_a_path() {
        let name = format!("hapax-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name);
        let Ok(socket) = address.and_then(|address| UnixDatagram::bind_addr(&address)) else {
            panic!("no socket");
        };
        send(OsStr::new(&format!("@{name}")), "READY=1");
        let mut room = [0; 16];
        assert_eq!(socket.recv(&mut room).ok(), Some(7));
        send(OsStr::new("/nonexistent/socket"), "READY=1");
    }
}
