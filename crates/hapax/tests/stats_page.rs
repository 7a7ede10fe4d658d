//! The statistics page, its forms and renderings, and the exporter of metrics.
mod common;

use common::http;
use std::time::Duration;
use testkit::{Message, Program, Server, eventually, handlers};

const CONFIG: &str = "frontend fe
  bind {fe}
  stats enable
  stats uri /s
  stats refresh 5s
  stats admin if { path_beg /s } !{ req.hdr(x-guest) -m found }
  stats show-legends
  stats show-node a<b
  default_backend be
backend be
  server s1 {s1} cookie c1
  server s2 {s1}
backend other
  server s1 {s1}
listen closed
  bind {closed}
  stats uri /only
  stats auth joe:secret
  stats realm Top\\ Secret
  stats scope .
  stats http-request deny if { path_end -i x }
";

fn start() -> (Server, Program) {
    let server = Server::start(handlers::says("hello"));
    let program = http()
        .config(CONFIG)
        .port("fe")
        .port("closed")
        .server("s1", &server)
        .start();
    (server, program)
}

fn ask(program: &Program, request: &str) -> Message {
    program.connect("fe").send(request).response()
}

fn post(program: &Program, target: &str, body: &str, fields: &str) -> Message {
    let length = body.len();
    ask(
        program,
        &format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
        ),
    )
}

/// The status of each server, as CSV tells it.
fn states(program: &Program) -> Vec<(String, String)> {
    let csv = program.connect("fe").get("/s;csv").text();
    let rows = csv.lines().skip(1).map(|line| line.split(','));
    rows.map(|row| row.collect::<Vec<_>>())
        .filter(|row| row.len() > 17 && row[1].starts_with('s'))
        .map(|row| (format!("{}/{}", row[0], row[1]), row[17].to_owned()))
        .collect()
}

#[test]
fn the_page_keeps_to_itself_and_escapes_what_it_shows() {
    let (_server, program) = start();
    let page = program.connect("fe").get("/s");
    assert_eq!(page.status(), 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("refresh"), Some("5"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
    let text = page.text();
    assert!(text.contains("Statistics of a&lt;b") && !text.contains("a<b"));
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "it loads nothing"
    );
    assert!(!text.contains(" style=") && !text.contains(" onclick="));
    for part in [
        "id=\"be\"",
        "name=\"b\" value=\"#3\"",
        "value=\"drain\"",
        "/s;csv;norefresh",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.ends_with("</body></html>\n"));
    let quiet = program.connect("fe").get("/s;norefresh");
    assert_eq!(quiet.header("refresh"), None);
    let mut client = program.connect("fe");
    client.send("HEAD /s HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.response_to_head().status(), 200);
    assert_eq!(client.get("/x").text(), "hello", "the connection goes on");
    let old = ask(&program, "GET /s;csv HTTP/1.0\r\n\r\n");
    assert!(!old.is_chunked() && old.text().starts_with("# pxname,"));
    let other = ask(
        &program,
        "PUT /s HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
    );
    assert_eq!(
        other.text(),
        "hello",
        "only GET, HEAD and POST are for the page"
    );
}

#[test]
fn renderings_have_their_types_and_scopes() {
    let (_server, program) = start();
    for (target, kind, begin) in [
        ("/s;csv", "text/plain", "# pxname,svname,"),
        ("/s;typed", "text/plain", "F.2.0.0.pxname.1:KNSV:str:fe\n"),
        ("/s;json", "application/json", "[[{\"objType\":\"Frontend\""),
        ("/s;json-schema", "application/json", "{\"$schema\":"),
    ] {
        let answer = program.connect("fe").get(target);
        assert_eq!(answer.header("content-type"), Some(kind), "{target}");
        assert!(
            answer.text().starts_with(begin),
            "{target}: {}",
            answer.text()
        );
        if kind == "application/json" {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&answer.text());
            assert!(parsed.is_ok(), "{target}");
        }
    }
    let scoped = program.connect("fe").get("/s?;csv;scope=oth").text();
    assert!(scoped.contains("\nother,BACKEND,") && !scoped.contains("\nbe,"));
    let own = ask_closed(&program, "/only;csv", Some("am9lOnNlY3JldA=="));
    assert!(own.text().contains("\nclosed,FRONTEND") && !own.text().contains("\nbe,"));
}

fn ask_closed(program: &Program, target: &str, secret: Option<&str>) -> Message {
    let field = secret.map_or(String::new(), |s| format!("authorization: Basic {s}\r\n"));
    let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\n{field}\r\n");
    program.connect("closed").send(request).response()
}

#[test]
fn users_are_asked_for_and_rules_obeyed() {
    let (_server, program) = start();
    for secret in [None, Some("am9lOndyb25n"), Some("%%%"), Some("am9l")] {
        let refused = ask_closed(&program, "/only", secret);
        assert_eq!(refused.status(), 401, "{secret:?}");
        let challenge = refused.header("www-authenticate");
        assert_eq!(challenge, Some("Basic realm=\"Top Secret\""));
    }
    let known = Some("am9lOnNlY3JldA==");
    assert_eq!(ask_closed(&program, "/only", known).status(), 200);
    assert_eq!(ask_closed(&program, "/only;x", known).status(), 403);
}

#[test]
fn forms_change_states_and_lead_back() {
    let (_server, program) = start();
    let outcome = |target: &str, body: &str| {
        let answer = post(&program, target, body, "");
        assert_eq!(answer.status(), 303, "{body}");
        answer.header("location").unwrap_or_default().to_owned()
    };
    assert_eq!(outcome("/s", "s=s1&action=maint&b=%233"), "/s;st=DONE");
    assert_eq!(
        outcome("/s;up;norefresh?scope=be", "s=s2&action=drain&b=be"),
        "/s;st=DONE;up;norefresh?scope=be"
    );
    let now = states(&program);
    let expected = [
        ("be/s1", "MAINT"),
        ("be/s2", "DRAIN"),
        ("other/s1", "no check"),
    ];
    let expected = expected.map(|(name, state)| (name.to_owned(), state.to_owned()));
    assert_eq!(now, expected);
    let page = program.connect("fe").get("/s").text();
    assert!(page.contains("Put into maintenance "), "it says why");
    assert!(page.contains("Draining since "), "it says why");
    for (body, code) in [
        ("s=s1&s=nope&action=ready&b=be", "PART"),
        ("s=nope&action=maint&b=be", "ERRP"),
        ("s=s1&action=foo&b=be", "ERRP"),
        ("s=s1&action=maint&b=nope", "ERRP"),
        ("action=maint&b=be", "NONE"),
        ("x=1", "NONE"),
        ("", "NONE"),
    ] {
        assert_eq!(outcome("/s", body), format!("/s;st={code}"), "{body}");
    }
    let told = program.connect("fe").get("/s;st=PART").text();
    assert!(told.contains("Done in part"));
    // Two forms on one connection: the first one's body is not taken for the second request.
    let mut client = program.connect("fe");
    for _ in 0..2 {
        client.send("POST /s HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nx=1");
        assert_eq!(client.response().status(), 303);
    }
}

#[test]
fn strangers_change_nothing() {
    let (_server, program) = start();
    let body = "s=s1&action=maint&b=be";
    for field in ["x-guest: 1\r\n", "sec-fetch-site: cross-site\r\n"] {
        let answer = post(&program, "/s", body, field);
        assert_eq!(answer.header("location"), Some("/s;st=DENY"), "{field}");
    }
    let large = format!("s=s1&action=maint&b=be&x={}", "y".repeat(40_000));
    let answer = post(&program, "/s", &large, "");
    assert_eq!(answer.header("location"), Some("/s;st=EXCD"));
    assert!(
        states(&program)
            .iter()
            .all(|(_, state)| state == "no check")
    );
    let guest = ask(&program, "GET /s HTTP/1.1\r\nhost: a\r\nx-guest: 1\r\n\r\n");
    assert!(
        !guest.text().contains("<select"),
        "no buttons that would not work"
    );
}

const METRICS: &str = "global
  description the process
frontend fe
  bind {fe}
  option socket-stats
  http-request use-service prometheus-exporter if { path /metrics }
  default_backend be
backend be
  description \"the back\"
  server s1 {s1}
  server s2 {s1} maxqueue 10 maxconn 12 pool-max-conn 42 disabled
";

fn metrics(program: &Program, query: &str) -> Message {
    program.connect("fe").get(&format!("/metrics{query}"))
}

#[test]
fn metrics_have_their_names_labels_and_filters() {
    let server = Server::start(handlers::says("hello"));
    let program = http()
        .config(METRICS)
        .port("fe")
        .server("s1", &server)
        .start();
    program.connect("fe").get("/");
    let all = || metrics(&program, "").text();
    eventually(Duration::from_secs(30), || {
        all().contains(
            "haproxy_server_http_responses_total{proxy=\"be\",server=\"s1\",code=\"2xx\"} 1\n",
        )
    });
    let text = all();
    for line in [
        "haproxy_process_build_info{version=\"3.4.0\"} 1",
        "haproxy_process_nbthread 1",
        "haproxy_frontend_status{proxy=\"fe\",state=\"UP\"} 1",
        "haproxy_frontend_http_responses_total{proxy=\"fe\",code=\"4xx\"} 0",
        "haproxy_listener_status{proxy=\"fe\",listener=\"sock-1\",state=\"OPEN\"} 1",
        "haproxy_backend_agg_server_status{proxy=\"be\",state=\"MAINT\"} 1",
        "haproxy_backend_http_requests_total{proxy=\"be\"} 1",
        "haproxy_server_http_responses_total{proxy=\"be\",server=\"s1\",code=\"2xx\"} 1",
        "haproxy_server_status{proxy=\"be\",server=\"s2\",state=\"MAINT\"} 1",
        "haproxy_server_queue_limit{proxy=\"be\",server=\"s1\"} NaN",
        "haproxy_server_queue_limit{proxy=\"be\",server=\"s2\"} 10",
        "haproxy_server_limit_sessions{proxy=\"be\",server=\"s2\"} 12",
        "haproxy_server_idle_connections_limit{proxy=\"be\",server=\"s2\"} 42",
        "haproxy_server_check_failures_total{proxy=\"be\",server=\"s1\"} NaN",
        "# TYPE haproxy_server_bytes_in_total counter",
        "# TYPE haproxy_server_current_queue gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let names = |query: &str| -> Vec<String> {
        let text = metrics(&program, query).text();
        let types = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE haproxy_"));
        let mut names: Vec<String> = types
            .map(|line| line.split('_').next().unwrap_or_default().to_owned())
            .collect();
        names.dedup();
        names
    };
    assert_eq!(names("?scope=server"), ["server"]);
    assert_eq!(
        names("?scope=frontend&scope=backend"),
        ["frontend", "backend"]
    );
    assert_eq!(metrics(&program, "?scope=").text(), "");
    assert_eq!(metrics(&program, "?scope").status(), 400);
    let two = metrics(&program, "?metrics=haproxy_server_weight&no-maint").text();
    assert!(two.contains("server=\"s1\"") && !two.contains("server=\"s2\""));
    assert_eq!(two.lines().count(), 3);
    let without = metrics(&program, "?metrics=-haproxy_server_weight").text();
    assert!(!without.contains("haproxy_server_weight{") && without.len() > 1000);
    let labelled = metrics(&program, "?desc-labels&scope=backend&scope=global").text();
    assert!(labelled.contains("haproxy_backend_weight{proxy=\"be\",desc=\"the back\"} 1\n"));
    assert!(labelled.contains("haproxy_process_nbthread{desc=\"the process\"} 1\n"));
    let extra = metrics(&program, "?extra-counters&scope=frontend").text();
    assert!(extra.contains("haproxy_frontend_h1_total_connections{proxy=\"fe\",mod=\"h1\"} "));
}

#[test]
fn rules_behind_the_response_have_its_variables() {
    let program = http()
        .config(
            "frontend fe
  bind {fe}
  stats uri /s
  http-after-response set-var(res.code) status
  http-after-response set-header x-code %[var(res.code)]
",
        )
        .start();
    assert_eq!(
        program.connect("fe").get("/s").header("x-code"),
        Some("200")
    );
}
