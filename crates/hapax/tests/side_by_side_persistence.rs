//! Persistence cookies and limits by stick tables beside an installed `haproxy`: the same bytes and the same log letters,
//! and the same request that goes over the limit.
mod common;

use testkit::side_by_side;

const DEFAULTS: &str = "global
  nbthread 1
  log {log} local0
defaults
  log global
  option httplog
  mode http
  retries 0
  timeout connect 3s
  timeout client 3s
  timeout server 3s
";

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const OWN: &[u8] =
    b"HTTP/1.1 200 OK\r\nSet-Cookie: A=own; path=/\r\nSet-Cookie: B=1\r\nContent-Length: 2\r\n\r\nok";

fn request(cookie: &str) -> Vec<u8> {
    let cookie = match cookie {
        "" => String::new(),
        value => format!("Cookie: {value}\r\n"),
    };
    format!("GET / HTTP/1.1\r\nHost: a\r\n{cookie}Connection: close\r\n\r\n").into_bytes()
}

#[test]
fn cookies_in_every_mode() {
    for mode in [
        "insert",
        "insert indirect",
        "insert indirect preserve",
        "insert httponly secure domain .foo.com",
        "insert postonly",
        "rewrite",
        "prefix",
    ] {
        let config = format!(
            "{DEFAULTS}frontend in\n  bind {{fe}}\n  default_backend back\nbackend back\n  cookie A {mode}\n  server s1 {{s1}} cookie c1\n"
        );
        side_by_side(common::HAPAX, &config, |side| {
            for cookie in [
                "",
                "A=c1",
                "A=zz",
                "A=c1~v",
                "x=1; A=c1; y=2",
                "A=c1; A=zz",
                "A=",
                "$A=c1",
                "x=1;A=c1",
            ] {
                let title = format!("{mode}: '{cookie}'");
                side.exchange(&title, &request(cookie), OK);
                side.exchange(
                    &format!("{title}, one of the server's"),
                    &request(cookie),
                    OWN,
                );
            }
        });
    }
}

#[test]
fn limits_trip_at_the_same_request() {
    let config = format!(
        "{DEFAULTS}frontend in
  bind {{fe}}
  stick-table type ip size 1k expire 30s store http_req_rate(10s),conn_cnt,gpc0,http_err_cnt
  http-request track-sc0 src
  http-request sc-inc-gpc0(0)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 3 }}
  http-response set-header x-seen \"%[sc_http_req_rate(0)] %[sc_conn_cnt(0)] %[sc_get_gpc0(0)] %[sc_http_err_cnt(0)] %[src_get_gpc0(in)] %[src,in_table(in)]\"
  default_backend back
backend back
  server s1 {{s1}}
"
    );
    side_by_side(common::HAPAX, &config, |side| {
        for number in 1..=3 {
            side.exchange(&format!("request {number}"), &request(""), OK);
        }
        side.exchange("one too many", &request(""), b"");
    });
}
