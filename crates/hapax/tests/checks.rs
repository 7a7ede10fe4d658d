//! Health checks: what they send, what they make of answers, and what becomes of the server.
mod common;

use common::checks::without_duration;
use common::{http, http_logged, program};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::{Blackhole, Builder, Program, Refused, Server, Syslog, eventually, handlers};

/// How long what must come may take; also what no timeout of a check must cut short.
const WAIT: Duration = Duration::from_secs(30);

/// A backend `b` behind `{fe}`, its results logged.
fn backend(lines: &str) -> Builder {
    http().config(&format!(
        "frontend f\n  bind {{fe}}\n  default_backend b\nbackend b\n  option log-health-checks\n{lines}"
    ))
}

/// What the program said of its servers so far, without the process' number and durations.
fn news(program: &Program) -> Vec<String> {
    let stderr = program.stderr();
    let lines = stderr.lines().filter(|line| {
        line.contains("Health check for") || line.contains("erver b/") || line.contains("no server")
    });
    let told = lines.filter_map(|line| {
        let (severity, rest) = line.strip_prefix('[')?.split_once(']')?;
        let text = rest.split_once(") : ")?.1;
        Some(format!("{severity}: {}", without_duration(text)))
    });
    told.collect()
}

/// Waits until there are so many news and returns them.
#[track_caller]
fn wait_news(program: &Program, count: usize) -> Vec<String> {
    testkit::eventually(WAIT, || news(program).len() >= count);
    let news = news(program);
    assert!(news.len() >= count, "waited for {count}: {news:#?}");
    news
}

/// A server that answers its connections with these statuses in turn, the last one for ever.
fn statuses(list: &'static [u16]) -> Server {
    Server::start(move |conn, number| {
        conn.read_request()?;
        let status = list.get(number).or(list.last()).copied().unwrap_or(200);
        conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))
    })
}

/// The request that a check with these options sends.
#[track_caller]
fn sent(option: &str, server_options: &str) -> String {
    // A PROXY protocol header has an empty line in it, which a server that answers might take for a request.
    let server = Server::start(handlers::silent());
    let _program = backend(&format!(
        "  {option}\n  server s {{s}} check inter 100ms {server_options}"
    ))
    .server("s", &server)
    .start();
    server.wait_received(0, "HTTP/1.");
    testkit::eventually(WAIT, || server.text(0).ends_with("\r\n\r\n"));
    server.text(0)
}

#[test]
fn a_refused_server_is_down_at_once_and_told_once() {
    let refused = Refused::new();
    let program = backend("  server s {s} check inter 100ms")
        .set("s", refused.address)
        .start();
    let got = wait_news(&program, 3);
    let wanted = [
        "WARNING: Health check for server b/s failed, reason: Layer4 connection problem, info: \
         \"ECONNREFUSED returned by OS (Connection refused)\", check duration: Nms, status: 0/2 DOWN.",
        "WARNING: Server b/s is DOWN. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, \
         0 remaining in queue.",
        "ALERT: backend 'b' has no server available!",
    ];
    assert_eq!(got, wanted);
    std::thread::sleep(Duration::from_millis(350));
    assert_eq!(news(&program).len(), 3);
    assert_eq!(program.connect("fe").get("/").status(), 503);
}

#[test]
fn without_log_health_checks_the_change_carries_the_reason() {
    let refused = Refused::new();
    let program = backend("  no option log-health-checks\n  server s {s} check inter 100ms")
        .set("s", refused.address)
        .start();
    let got = wait_news(&program, 2);
    assert_eq!(
        got[0],
        "WARNING: Server b/s is DOWN, reason: Layer4 connection problem, info: \"ECONNREFUSED returned by OS \
         (Connection refused)\", check duration: Nms. 0 active and 0 backup servers left. 0 sessions active, \
         0 requeued, 0 remaining in queue."
    );
}

#[test]
fn rise_and_fall_with_their_news() {
    let server = statuses(&[200, 500, 500, 200, 200, 500, 500, 500, 200, 200]);
    let program = backend("  option httpchk\n  server s {s} check inter 60ms")
        .server("s", &server)
        .start();
    let no = "reason: Layer7 wrong status, code: 500, info: \"X\", check duration: Nms";
    let ok = "reason: Layer7 check passed, code: 200, check duration: Nms";
    let failed = |status: &str| {
        format!("WARNING: Health check for server b/s failed, {no}, status: {status}.")
    };
    let passed = |status: &str| {
        format!("WARNING: Health check for server b/s succeeded, {ok}, status: {status}.")
    };
    let down = "WARNING: Server b/s is DOWN. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, \
                0 remaining in queue.";
    let up = "WARNING: Server b/s is UP. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.";
    let none = "ALERT: backend 'b' has no server available!";
    let wanted = [
        passed("1/2 DOWN"),
        failed("0/2 DOWN"),
        down.into(),
        none.into(),
        passed("1/2 DOWN"),
        passed("3/3 UP"),
        up.into(),
        failed("2/3 UP"),
        failed("1/3 UP"),
        failed("0/2 DOWN"),
        down.into(),
        none.into(),
        passed("1/2 DOWN"),
        passed("3/3 UP"),
        up.into(),
    ];
    assert_eq!(wait_news(&program, wanted.len()), wanted);
}

#[test]
fn traffic_follows_health() {
    let sick = Arc::new(AtomicUsize::new(200));
    let status = sick.clone();
    let first = Server::start(move |conn, _| {
        while let Some(request) = conn.read_request()? {
            let check = request.method() == "OPTIONS";
            let status = if check {
                status.load(Ordering::Relaxed)
            } else {
                200
            };
            conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 1\r\n\r\na"))?;
        }
        Ok(())
    });
    let second = Server::start(handlers::says("b"));
    let program =
        backend("  balance roundrobin\n  option httpchk\n  server s {s} check inter 50ms rise 1 fall 1\n  server t {t}")
            .server("s", &first)
            .server("t", &second)
            .start();
    let answers = |count: usize| -> String {
        (0..count)
            .map(|_| program.connect("fe").get("/").text())
            .collect()
    };
    wait_news(&program, 1);
    let got = answers(4);
    assert!(got.contains('a') && got.contains('b'), "{got}");
    sick.store(503, Ordering::Relaxed);
    assert!(wait_news(&program, 3)[2].contains("1 active and 0 backup servers left."));
    assert_eq!(answers(4), "bbbb");
    sick.store(200, Ordering::Relaxed);
    assert!(wait_news(&program, 5)[4].contains("Server b/s is UP. 2 active"));
    assert!(answers(4).contains('a'));
}

#[test]
fn requests_by_option() {
    assert_eq!(sent("option httpchk", ""), "OPTIONS / HTTP/1.0\r\n\r\n");
    assert_eq!(sent("option httpchk GET /x", ""), "GET /x HTTP/1.0\r\n\r\n");
    assert_eq!(
        sent("option httpchk GET /x HTTP/1.1 a.b", ""),
        "GET /x HTTP/1.1\r\nhost: a.b\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(
        sent("option httpchk POST /x HTTP/1.1", ""),
        "POST /x HTTP/1.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}

#[test]
fn proxy_protocol_headers() {
    for options in ["check-send-proxy", "send-proxy"] {
        let got = sent("option httpchk", options);
        assert!(got.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "), "{got}");
        assert!(got.ends_with("\r\nOPTIONS / HTTP/1.0\r\n\r\n"), "{got}");
    }
    let got = sent("option httpchk", "send-proxy-v2");
    assert_eq!(got, "\r\n\r\n\0\r\nQUIT\n \0\0\0OPTIONS / HTTP/1.0\r\n\r\n");
    // LOCAL is a recent command: old servers want to be told addresses.
    let got = sent(
        "option httpchk\nglobal\n  pp2-never-send-local\nbackend v2\n  option httpchk",
        "send-proxy-v2",
    );
    let header = "\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{c}\u{7f}\0\0\u{1}\u{7f}\0\0\u{1}";
    assert!(got.starts_with(header), "{got:?}");
    // Checks that go elsewhere than traffic don't take its header along.
    let got = sent("option httpchk", "send-proxy addr 127.0.0.1");
    assert_eq!(got, "OPTIONS / HTTP/1.0\r\n\r\n");
}

/// The first news about a server that treats its connections so.
#[track_caller]
fn verdict<H>(lines: &str, handler: H) -> String
where
    H: Fn(&mut testkit::Conn, usize) -> std::io::Result<()> + Send + Sync + 'static,
{
    let server = Server::start(handler);
    let program = backend(&format!("{lines}\n  server s {{s}} check inter 200ms"))
        .server("s", &server)
        .start();
    let first = wait_news(&program, 1).remove(0);
    let (_, reason) = first.split_once("reason: ").unwrap_or_default();
    reason.to_owned()
}

#[test]
fn answers_and_what_they_mean() {
    let says = |text: &'static str| {
        move |conn: &mut testkit::Conn, _: usize| {
            conn.read_request()?;
            conn.send(text)
        }
    };
    let check = |text| verdict("  option httpchk", says(text));
    let end = "check duration: Nms, status: 0/2 DOWN.";
    let passed = "check duration: Nms, status: 1/2 DOWN.";
    for (answer, wanted) in [
        (
            "HTTP/1.1 204 No\r\n\r\n",
            format!("Layer7 check passed, code: 204, {passed}"),
        ),
        (
            "HTTP/1.1 399 No\r\n\r\n",
            format!("Layer7 check passed, code: 399, {passed}"),
        ),
        (
            "HTTP/2.0 200 OK\r\n\r\n",
            format!("Layer7 check passed, code: 200, {passed}"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
            format!("Layer7 check passed, code: 200, {passed}"),
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            format!("Layer7 wrong status, code: 100, info: \"Continue\", {end}"),
        ),
        (
            "HTTP/1.1 101 S\r\n\r\n",
            format!("Layer7 wrong status, code: 101, info: \"S\", {end}"),
        ),
        (
            "HTTP/1.0 500 \r\n\r\n",
            format!(
                "Layer7 wrong status, code: 500, info: \"TCPCHK did not match content(status codes) at step 2\", {end}"
            ),
        ),
        (
            "HTTP/1.0 500 a\"b<c>\r\n\r\n",
            format!("Layer7 wrong status, code: 500, info: \"a<22>b<3C>c<3E>\", {end}"),
        ),
        ("garbage\r\n\r\n", format!("Socket error, {end}")),
        ("HTTP/1.1 20", format!("Socket error, {end}")),
        ("", format!("Socket error, {end}")),
    ] {
        assert_eq!(check(answer), wanted, "{answer:?}");
    }
}

#[test]
fn timeouts() {
    let wanted = "Layer7 timeout, check duration: Nms, status: 0/2 DOWN.";
    // Without `timeout check` the interval is the limit.
    for (timeout, interval) in [("", "200ms"), ("  timeout check 50ms\n", "1h")] {
        let server = Server::start(handlers::silent());
        let program = program()
            .config(&format!(
                "defaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n\
                 frontend f\n  bind {{fe}}\nbackend b\n  option log-health-checks\n  option httpchk\n{timeout}  \
                 server s {{s}} check inter {interval}\n"
            ))
            .server("s", &server)
            .start();
        let first = wait_news(&program, 1).remove(0);
        assert!(first.ends_with(wanted), "{first}");
    }
    let hole = Blackhole::new();
    let program =
        backend("  timeout connect 50ms\n  timeout check 1h\n  server s {s} check inter 1h")
            .set("s", hole.address)
            .start();
    let first = wait_news(&program, 1).remove(0);
    assert!(
        first.contains("reason: Layer4 timeout, check duration: Nms, status: 0/2 DOWN."),
        "{first}"
    );
}

#[test]
fn checks_go_where_port_and_addr_say() {
    let (service, checked) = (
        Server::start(handlers::says("s")),
        Server::start(handlers::says("c")),
    );
    let program = backend("  option httpchk\n  server s {s} check inter 50ms port {p}")
        .server("s", &service)
        .set("p", checked.port())
        .start();
    wait_news(&program, 2);
    assert_eq!(service.connections(), 0);
    assert!(checked.connections() >= 2);
    assert_eq!(program.connect("fe").get("/").text(), "s");
}

/// What a server with these lines in its backend goes through at its start.
#[track_caller]
fn beginning(lines: &str, answers: &'static [u16], count: usize) -> Vec<String> {
    let server = statuses(answers);
    let program = backend(&format!("  option httpchk\n{lines}"))
        .server("s", &server)
        .start();
    let short = |line: &String| {
        let (_, end) = line.rsplit_once("status: ").or(line.split_once(" is "))?;
        Some(end.split('.').next()?.to_owned())
    };
    wait_news(&program, count)
        .iter()
        .filter_map(short)
        .collect()
}

#[test]
fn what_is_thought_of_a_server_at_its_start() {
    let got = beginning(
        "  default-server rise 4\n  server s {s} check inter 50ms",
        &[200],
        1,
    );
    assert_eq!(got, ["3/3 UP"]);
    let server = "  server s {s} check inter 50ms init-state";
    assert_eq!(beginning(&format!("{server} up"), &[200], 1), ["3/3 UP"]);
    let got = beginning(&format!("{server} fully-up"), &[500], 4);
    assert_eq!(got, ["2/3 UP", "1/3 UP", "0/2 DOWN", "DOWN"]);
    assert_eq!(
        beginning(&format!("{server} down"), &[200], 2),
        ["3/3 UP", "UP"]
    );
    let got = beginning(&format!("{server} fully-down"), &[200], 3);
    assert_eq!(got, ["1/2 DOWN", "3/3 UP", "UP"]);
}

#[test]
fn disabled_servers_are_not_checked() {
    let server = Server::start(handlers::says("s"));
    let other = Server::start(handlers::says("o"));
    let program = backend("  option httpchk\n  server s {s} check inter 50ms disabled\n  server o {o} check inter 50ms")
        .server("s", &server)
        .server("o", &other)
        .start();
    other.wait_connections(3);
    assert_eq!(server.connections(), 0);
    assert_eq!(program.connect("fe").get("/").text(), "o");
}

#[test]
fn backups_take_over() {
    let refused = Refused::new();
    let server = Server::start(handlers::says("backup"));
    let program = backend("  server s {r} check inter 50ms\n  server t {s} backup\n  server u {r} check inter 50ms backup")
        .set("r", refused.address)
        .server("s", &server)
        .start();
    let got = wait_news(&program, 4);
    let find = |text: &str| got.iter().any(|line| line.contains(text));
    assert!(
        find("Server b/s is DOWN. 0 active and ") && find("Running on backup."),
        "{got:#?}"
    );
    assert!(
        find("Health check for backup server b/u failed, "),
        "{got:#?}"
    );
    assert!(find("Backup Server b/u is DOWN. "), "{got:#?}");
    assert_eq!(program.connect("fe").get("/").text(), "backup");
}

#[test]
fn trackers_follow() {
    let server = statuses(&[200, 200, 500, 500, 500, 200]);
    let program = backend(
        "  option httpchk\n  server s {s} check inter 60ms\n  server t {s} track s\n  server u {s} track b/t",
    )
    .server("s", &server)
    .start();
    let lines: Vec<String> = wait_news(&program, 14)
        .into_iter()
        .filter(|line| line.contains(" is "))
        .collect();
    let tail = "0 sessions active, 0 requeued, 0 remaining in queue.";
    let wanted = [
        format!("WARNING: Server b/s is DOWN. 2 active and 0 backup servers left. {tail}"),
        format!("WARNING: Server b/t is DOWN via b/s. 1 active and 0 backup servers left. {tail}"),
        format!("WARNING: Server b/u is DOWN via b/t. 0 active and 0 backup servers left. {tail}"),
    ];
    assert_eq!(lines[..3], wanted);
    assert!(
        lines[5].starts_with("WARNING: Server b/u is UP via b/t. 3 active"),
        "{lines:#?}"
    );
}

#[test]
fn plain_connections_are_not_seen_by_the_server() {
    // The kernel completes a handshake by itself after a while: on a machine that is stalled just then the server sees it.
    let unseen = || {
        let server = Server::start(handlers::silent());
        let program = backend("  server s {s} check inter 50ms")
            .server("s", &server)
            .start();
        let got = wait_news(&program, 2);
        assert!(got[1].contains(
            "succeeded, reason: Layer4 check passed, check duration: Nms, status: 3/3 UP."
        ));
        std::thread::sleep(Duration::from_millis(120));
        server.connections() == 0
    };
    assert!((0..10).any(|_| unseen()));
}

#[test]
fn first_checks_are_spread() {
    let server = Server::start(handlers::says("s"));
    let program = backend(
        "  option httpchk\n  server s1 {s} check inter 10s\n  server s2 {s} check inter 10s",
    )
    .server("s", &server)
    .start();
    let first = wait_news(&program, 1);
    assert!(
        first.len() == 1 && first[0].contains(" b/s1 "),
        "{first:#?}"
    );
    assert!(wait_news(&program, 2)[1].contains(" b/s2 "));
}

#[test]
fn checks_come_again_an_interval_after_their_end() {
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = times.clone();
    let server = Server::start(move |conn, _| {
        seen.lock().expect("unpoisoned").push(Instant::now());
        conn.read_request()?;
        std::thread::sleep(Duration::from_millis(1000));
        conn.send("HTTP/1.0 200 OK\r\n\r\n")
    });
    let _program = backend("  option httpchk\n  server s {s} check inter 1s")
        .server("s", &server)
        .start();
    let noted = || times.lock().expect("unpoisoned").clone();
    assert!(eventually(WAIT, || noted().len() >= 2));
    let times = noted();
    let gap = times[1] - times[0];
    assert!(gap >= Duration::from_millis(1500), "{gap:?}");
}

#[test]
fn many_servers_are_checked_by_several_workers() {
    let server = Server::start(handlers::says("s"));
    let program = program()
        .config(
            "global
  nbthread 3
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
  timeout check 20s
frontend f
  bind {fe}
  default_backend b
backend b
  option log-health-checks
  option httpchk
  server-template s 20 {s} check inter 200ms",
        )
        .server("s", &server)
        .start();
    // The first server of a template needs one check more, being the only one that starts from nothing.
    let got = wait_news(&program, 21);
    for number in 1..=20 {
        let name = format!("Health check for server b/s{number} succeeded, ");
        let told = got.iter().filter(|line| line.contains(&name)).count();
        assert_eq!(told, if number == 1 { 2 } else { 1 }, "{name}");
    }
}

#[test]
fn news_go_to_the_backends_logs_with_their_levels() {
    let log = Syslog::udp();
    let refused = Refused::new();
    let server = statuses(&[200, 500, 200, 200]);
    let _program = http_logged(&log)
        .config(
            "listen l
  bind {fe}
  option httpchk
  option log-health-checks
  server s {s} check inter 50ms
backend quiet
  no log
  server r {r} check inter 50ms",
        )
        .server("s", &server)
        .set("r", refused.address)
        .start();
    let lines = log.wait_lines(7);
    let wanted = [
        ("<133>", "Health check for server l/s succeeded, "),
        ("<133>", "Health check for server l/s failed, "),
        ("<129>", "Server l/s is DOWN. 0 active"),
        ("<128>", "proxy l has no server available!"),
        ("<133>", "Health check for server l/s succeeded, "),
        ("<133>", "Health check for server l/s succeeded, "),
        ("<133>", "Server l/s is UP. 1 active"),
    ];
    for (line, (level, text)) in lines.iter().zip(wanted) {
        assert!(line.starts_with(level) && line.contains(text), "{line}");
    }
    assert!(
        !lines.iter().any(|line| line.contains("quiet")),
        "{lines:#?}"
    );
}
