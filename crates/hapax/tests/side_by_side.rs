//! Side by side with an installed `haproxy`.
mod common;

use testkit::side_by_side;

#[test]
fn smoke() {
    let config = "global
  nbthread 1
  log {log} local0
defaults
  mode http
  log global
  option httplog
  timeout connect 3s
  timeout client 3s
  timeout server 3s
frontend in
  bind {fe}
  default_backend back
backend back
  server s1 {s1}
";
    side_by_side(common::HAPAX, config, |side| {
        side.exchange(
            "get",
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        );
    });
}
