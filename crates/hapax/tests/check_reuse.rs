//! Checks over idle connections: `check-reuse-pool`, `check-pool-conn-name`.
mod common;

use common::http;
use std::time::Duration;
use testkit::{Conn, Server, eventually};

const WAIT: Duration = Duration::from_secs(30);

/// Whether a check comes over the connection of a request, in a backend with these lines and a server with these options.
fn reuses(lines: &str, options: &str) -> bool {
    let server = Server::start(|conn: &mut Conn, _| {
        while conn.read_request()?.is_some() {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        }
        Ok(())
    });
    let program = http()
        .config(&format!("listen f\n  bind {{fe}}\n{lines}"))
        .config("  option httpchk\n  http-check send meth GET uri /check ver HTTP/1.1 hdr host x")
        .config(&format!("  server s {{s}} check inter 500ms {options}"))
        .server("s", &server)
        .start();
    assert_eq!(program.connect("fe").get("/traffic").status(), 200);
    let told = |with: &[&str]| {
        let all = server.all_received();
        all.iter().any(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            with.iter().all(|part| text.contains(part))
        })
    };
    let behind = |paths: &[&str]| told(paths);
    let checks = || {
        let all = server.all_received();
        let checks = all.iter().filter(|bytes| bytes.starts_with(b"GET /check"));
        checks.count()
    };
    let first = checks();
    // Either the connection of the request is taken, or two more checks go by without that.
    assert!(eventually(WAIT, || {
        behind(&["/traffic", "/check"]) || checks() >= first + 2
    }));
    behind(&["/traffic", "/check"])
}

#[test]
fn checks_take_idle_connections_where_they_may() {
    assert!(reuses("  http-reuse always", "check-reuse-pool"));
    assert!(reuses(
        "  http-reuse always",
        "check-reuse-pool pool-conn-name str(a) check-pool-conn-name a"
    ));
}

#[test]
fn checks_leave_other_connections_alone() {
    for (lines, options) in [
        ("  http-reuse always", ""),
        ("  http-reuse safe", "check-reuse-pool"),
        ("  http-reuse never", "check-reuse-pool"),
        // It has served one request only.
        ("  http-reuse aggressive", "check-reuse-pool"),
        (
            "  http-reuse always",
            "check-reuse-pool no-check-reuse-pool",
        ),
        (
            "  http-reuse always",
            "check-reuse-pool pool-conn-name str(a)",
        ),
        (
            "  http-reuse always",
            "check-reuse-pool pool-conn-name str(a) check-pool-conn-name b",
        ),
        ("  http-reuse always", "check-reuse-pool addr 127.0.0.1"),
    ] {
        assert!(!reuses(lines, options), "{lines} {options}");
    }
}
