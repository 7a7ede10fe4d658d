//! Unix sockets in place of TCP, on either side.
mod common;

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use common::{http, http_line, http_logged};
use testkit::{Client, Server, Syslog, handlers};

#[test]
fn a_bind_on_a_path() {
    let server = Server::start(handlers::says("ok"));
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("listen in\n  bind unix@{tmp}/in.sock mode 600\n  bind {fe}\n  option forwardfor\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    let mut client = Client::unix(program.path("in.sock"));
    assert_eq!(client.get("/").text(), "ok");
    assert!(
        !server.text(0).contains("x-forwarded-for"),
        "{}",
        server.text(0)
    );
    let meta = std::fs::metadata(program.path("in.sock")).expect("the socket");
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert_eq!(http_line(&log).base.client, "unix:1");
}

#[test]
fn a_path_without_its_family() {
    let program = http()
        .config("listen in\n  bind {tmp}/in.sock\n  bind {fe}\n  http-request return status 200 content-type text/plain string hi")
        .start();
    assert_eq!(Client::unix(program.path("in.sock")).get("/").text(), "hi");
}

#[test]
fn a_server_on_a_path() {
    let folder = tempfile_path("s1.sock");
    let server = Server::unix(&folder.1, handlers::says("over unix"));
    let program = http()
        .config("listen in\n  bind {fe}\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").text(), "over unix");
    assert_eq!(client.get("/").text(), "over unix");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_path_that_is_missing() {
    let program = http()
        .config("  retries 0\nlisten in\n  bind {fe}\n  server s1 unix@{tmp}/none.sock")
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
}

#[test]
fn an_abstract_name_between_two_proxies() {
    let program = http()
        .config(&format!(
            "listen in\n  bind {{fe}}\n  server s1 abns@hapax-test-{0}
listen second\n  bind abns@hapax-test-{0}\n  http-request return status 200 content-type text/plain string inner",
            std::process::id()
        ))
        .start();
    assert_eq!(program.connect("fe").get("/").text(), "inner");
}

/// A folder of its own and a path in it.
fn tempfile_path(name: &str) -> (Folder, std::path::PathBuf) {
    let folder = Folder(std::env::temp_dir().join(format!("hapax-unix-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    let path = folder.0.join(name);
    (folder, path)
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
