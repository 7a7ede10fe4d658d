//! Statistics after scripted traffic, with the fields and values that HAProxy 3.4 has for the same.
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{api::ask, http};
use testkit::{Program, Refused, Server, handlers};

/// Section, kind of row, place, name, tags and type of every field, in order.
const FIELDS: &str = include_str!("recorded/stat-fields-3.4.txt");
const HEADER: &str = include_str!("recorded/stat-header-3.4.txt");

const CONFIG: &str = "global
  stats socket {tmp}/admin.sock level admin
defaults
  mode http
  timeout client 3s
  timeout server 3s
  timeout connect 3s
  retries 1
frontend fe
  bind {fe}
  option socket-stats
  tcp-request session reject if { src 127.0.0.8 }
  http-request deny if { path /deny }
  http-request return status 200 content-type text/plain string ok if { path /ret }
  http-request redirect location /x if { path /redir }
  monitor-uri /mon
  use_backend refuses if { path /down }
  use_backend denies if { path /bedeny }
  default_backend be
backend be
  server s1 {s1}
backend refuses
  server s1 {closed}
backend denies
  http-request deny if TRUE
  server s1 {s1}
listen li
  bind {li}
  option socket-stats
  mode tcp
  server s1 {s1}
";

/// A field of typed output: proxy, row, name, and the rest as `place tags type value`.
type Fields = Vec<(String, String, String, [String; 4])>;

fn typed(program: &Program) -> Fields {
    let answer = ask(program, "show stat typed");
    let mut proxy = String::new();
    let lines = answer.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.splitn(4, ':').map(str::to_owned);
            let key = parts.next().expect("a key");
            let [tags, kind, value] = [(); 3].map(|()| parts.next().expect("a part"));
            let key: Vec<&str> = key.split('.').collect();
            let [row, _, _, place, name, _] = key[..] else {
                panic!("{line}");
            };
            if name == "pxname" {
                proxy.clone_from(&value);
            }
            let rest = [place.to_owned(), tags, kind, value];
            (proxy.clone(), row.to_owned(), name.to_owned(), rest)
        })
        .collect()
}

fn start() -> (Server, Refused, Program) {
    let refused = Refused::new();
    let server = Server::start(handlers::says("hello"));
    let program = http()
        .config(CONFIG)
        .port("fe")
        .port("li")
        .server("s1", &server)
        .set("closed", refused.address)
        .start();
    (server, refused, program)
}

#[test]
fn fields_are_those_of_haproxy() {
    let (_server, _refused, program) = start();
    let found: Vec<String> = typed(&program)
        .into_iter()
        .filter(|(proxy, ..)| ["fe", "be", "li"].contains(&proxy.as_str()))
        .map(|(proxy, row, name, [place, tags, kind, _])| {
            format!("{proxy} {row} {place} {name} {tags} {kind}")
        })
        .collect();
    let expected: Vec<&str> = FIELDS.lines().collect();
    assert_eq!(found, expected);
    let csv = ask(&program, "show stat");
    assert_eq!(csv.lines().next(), Some(HEADER.trim_end()));
}

#[test]
fn every_event_is_counted_where_haproxy_counts_it() {
    let (_server, _refused, program) = start();
    for path in ["/x", "/deny", "/ret", "/redir", "/mon", "/down", "/bedeny"] {
        program.connect("fe").get(path);
    }
    program.connect("fe").send("GARBAGE\r\n\r\n").response();
    program.connect("li").get("/");
    let counted = || -> BTreeMap<String, String> {
        typed(&program)
            .into_iter()
            .map(|(proxy, row, name, [.., value])| (format!("{proxy} {row} {name}"), value))
            .collect()
    };
    let expected = [
        (
            "fe F",
            "stot 8 req_tot 8 h1req 8 h1sess 8 dreq 2 ereq 1 intercepted 3 hrsp_2xx 3 hrsp_3xx 1 hrsp_4xx 3 hrsp_5xx 1 h1_total_streams 8 conn_tot 8 dses 0",
        ),
        ("fe L", "stot 8 dreq 2 ereq 1 conn_tot 8 scur 0"),
        (
            "be S",
            "stot 1 req_tot 1 connect 1 reuse 0 hrsp_2xx 1 lbtot 1 srv_icur 1 idle_conn_cur 1 used_conn_cur 0",
        ),
        (
            "be B",
            "stot 1 req_tot 1 connect 1 h1_total_connections 1 h1_open_connections 1 h1_total_streams 1",
        ),
        (
            "refuses S",
            "stot 2 req_tot 0 wretr 1 econ 1 connect 2 hrsp_5xx 0",
        ),
        (
            "refuses B",
            "stot 1 req_tot 1 wretr 1 econ 1 connect 2 hrsp_5xx 1 h1_total_streams 2",
        ),
        ("denies B", "dreq 1 req_tot 1 hrsp_4xx 1 connect 0"),
        ("li F", "stot 1 sess_other 1 req_tot 0 req_other 0 h1sess 0"),
        ("li B", "stot 1 connect 1 h1_total_connections 0"),
    ];
    let expected = expected.iter().flat_map(|(row, fields)| {
        let words: Vec<&str> = fields.split(' ').collect();
        let pairs: Vec<_> = words
            .chunks(2)
            .map(|pair| (format!("{row} {}", pair[0]), pair[1].to_owned()))
            .collect();
        pairs
    });
    let expected: Vec<(String, String)> = expected.collect();
    let differing = || -> Vec<String> {
        let found = counted();
        let all = expected.iter();
        all.filter(|(key, value)| found.get(key) != Some(value))
            .map(|(key, value)| format!("{key}: {:?} instead of {value}", found.get(key)))
            .collect()
    };
    // A stream is counted when it is over, a moment after its client has all of it.
    testkit::eventually(Duration::from_secs(2), || differing().is_empty());
    assert_eq!(differing(), Vec::<String>::new());
    // Heads are counted in HAProxy's own form: "GET / HTTP/1.1" and its separators take a fixed room.
    let found = counted();
    let bytes = |key: &str| found[key].parse::<u64>().expect("a number");
    assert_eq!(bytes("li F bin"), bytes("li S bin"));
    assert!(bytes("fe F bin") > bytes("be S bin") && bytes("be S bin") > 0);
    assert_eq!(bytes("fe F bout"), bytes("be S bout"));
    assert!(bytes("fe F resbout") > bytes("fe F resbin"));
    let _ = ask(&program, "clear counters all");
    assert_eq!(counted()["fe F bin"], "0");
    assert_eq!(counted()["fe F req_tot"], "0");
}

const GUIDS: &str = "global
  stats socket {tmp}/admin.sock level admin
  stats-file {tmp}/counters
defaults
  mode http
  timeout client 3s
  timeout server 3s
  timeout connect 3s
frontend fe
  guid gfe
  bind {fe} guid-prefix gl
  option socket-stats
  default_backend be
backend be
  guid gbe
  server s1 {s1} guid gs
";

const COUNTERS: &str = "#fe guid,stot,unknown,bin,

// a comment
gfe,1024,1,77,
gfe,abc,
gl-0,512,
gl-1,9,
gbe,5,
nobody,1,

#inval guid,stot,
gfe,1,
#be guid,unknown,stot,
gbe,1,33,
gs,1,22,
";

#[test]
fn counters_are_taken_over_from_a_file() {
    let server = Server::start(handlers::says("hello"));
    let program = http()
        .config(GUIDS)
        .file("counters", COUNTERS)
        .port("fe")
        .server("s1", &server)
        .start();
    let value = |row: &str, name: &str| {
        let found = typed(&program);
        let field = found
            .iter()
            .find(|(_, kind, field, _)| kind == row && field == name);
        field
            .map(|(.., [.., value])| value.clone())
            .unwrap_or_default()
    };
    for (row, total) in [("F", "1024"), ("L", "512"), ("B", "33"), ("S", "22")] {
        assert_eq!(value(row, "stot"), total, "{row}");
    }
    assert_eq!(value("F", "bin"), "77");
    program.connect("fe").get("/");
    testkit::eventually(Duration::from_secs(2), || value("F", "hrsp_2xx") == "1");
    let dump = ask(&program, "dump stats-file");
    let line = |guid: &str| {
        let found = dump.lines().find(|line| line.starts_with(guid));
        found.unwrap_or_default().to_owned()
    };
    assert!(dump.starts_with("#fe guid,stot,bin,bout,dreq,"), "{dump}");
    assert!(line("gfe,").starts_with("gfe,1025,"), "{dump}");
    assert!(line("gl-0,").starts_with("gl-0,513,"), "{dump}");
    assert!(
        line("gs,").starts_with("gs,23,") && line("gbe,").starts_with("gbe,34,"),
        "{dump}"
    );
}
