//! Stick tables: what is tracked, counted and limited, and the runtime API on it. The figures are HAProxy's for the same
//! traffic.
mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{api::ask, http, program, tcp};
use testkit::{Builder, Program, Server, handlers};

fn with_api(builder: Builder) -> Builder {
    builder.config("global\n  stats socket {tmp}/admin.sock level admin\n")
}

/// The values of the only entry of table `t`, without those that are 0.
fn values(program: &Program) -> BTreeMap<String, String> {
    let answer = ask(program, "show table t");
    let line = answer.lines().nth(1).unwrap_or_default();
    line.split(' ')
        .skip(5)
        .filter_map(|word| word.split_once('='))
        .filter(|(_, value)| *value != "0")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Waits until the entry of table `t` has these values and no others, the rates left aside.
#[track_caller]
fn expect_values(program: &Program, expected: &str) {
    let started = Instant::now();
    loop {
        let shown: Vec<String> = values(program)
            .iter()
            .filter(|(name, _)| !name.contains("rate"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let shown = shown.join(" ");
        if shown == expected {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{shown}\n{expected}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

const ALL: &str = "backend t
  stick-table type ip size 1k expire 10s store gpt0,gpc0,gpc0_rate(10s),conn_cnt,conn_rate(10s),conn_cur,sess_cnt,sess_rate(10s),http_req_cnt,http_req_rate(10s),http_err_cnt,http_err_rate(10s),bytes_in_cnt,bytes_out_cnt,http_fail_cnt,http_fail_rate(10s),glitch_cnt,glitch_rate(10s)
";

fn status_server() -> Server {
    Server::start(handlers::http(|request| {
        let status = request.target().trim_start_matches('/');
        match status {
            "" => handlers::ok("hello s"),
            _ => format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes(),
        }
    }))
}

fn tracking(rule: &str) -> (Server, Program) {
    let server = status_server();
    let config = format!(
        "frontend in\n  bind {{fe}}\n  {rule}\n  http-request deny if {{ path /deny }}\n  http-request tarpit if {{ path /tarpit }}\n  default_backend back\nbackend back\n  timeout tarpit 10ms\n  server s1 {{s1}}\n{ALL}"
    );
    let program = with_api(http())
        .config(&config)
        .server("s1", &server)
        .start();
    (server, program)
}

#[test]
fn sessions_count_everything_that_comes_on_them() {
    let (_server, program) = tracking("tcp-request connection track-sc0 src table t");
    let mut client = program.connect("fe");
    expect_values(&program, "conn_cnt=1 conn_cur=1 sess_cnt=1");
    for path in ["/", "/404", "/500", "/501", "/deny"] {
        client.get(path);
    }
    expect_values(
        &program,
        "bytes_in_cnt=218 bytes_out_cnt=200 conn_cnt=1 conn_cur=1 http_err_cnt=2 http_fail_cnt=1 http_req_cnt=5 sess_cnt=1",
    );
    drop(client);
    expect_values(
        &program,
        "bytes_in_cnt=218 bytes_out_cnt=200 conn_cnt=1 http_err_cnt=2 http_fail_cnt=1 http_req_cnt=5 sess_cnt=1",
    );
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nfoo bar\r\n\r\n");
    client.read_to_end();
    drop(client);
    expect_values(
        &program,
        "bytes_in_cnt=218 bytes_out_cnt=200 conn_cnt=2 glitch_cnt=1 http_err_cnt=3 http_fail_cnt=1 http_req_cnt=6 sess_cnt=2",
    );
    let rates: Vec<_> = values(&program)
        .into_iter()
        .filter(|(name, _)| name.contains("rate"))
        .collect();
    let rates: Vec<String> = rates
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        rates,
        [
            "conn_rate(10000)=2",
            "glitch_rate(10000)=1",
            "http_err_rate(10000)=3",
            "http_fail_rate(10000)=1",
            "http_req_rate(10000)=6",
            "sess_rate(10000)=2"
        ]
    );
}

#[test]
fn requests_count_from_the_rule_that_tracks_them() {
    for rule in [
        "http-request track-sc0 src table t",
        "tcp-request content track-sc0 src table t",
    ] {
        let (_server, program) = tracking(rule);
        let mut client = program.connect("fe");
        client.get("/");
        expect_values(
            &program,
            "bytes_in_cnt=41 bytes_out_cnt=56 conn_cnt=1 http_req_cnt=1",
        );
        client.get("/404");
        client.get("/tarpit");
        expect_values(
            &program,
            "bytes_in_cnt=132 bytes_out_cnt=104 conn_cnt=3 http_err_cnt=2 http_req_cnt=3",
        );
    }
    let (_server, program) = tracking("http-response track-sc0 src table t");
    program.connect("fe").get("/404");
    expect_values(
        &program,
        "bytes_in_cnt=44 bytes_out_cnt=48 conn_cnt=1 http_err_cnt=1 http_req_cnt=1",
    );
}

#[test]
fn tcp_streams_count_their_bytes() {
    let server = Server::start(handlers::echo());
    let program = with_api(tcp())
        .config(&format!("frontend in\n  bind {{fe}}\n  tcp-request session track-sc0 src table t\n  default_backend back\nbackend back\n  server s1 {{s1}}\n{ALL}"))
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("12345");
    client.read_exact(5);
    expect_values(&program, "conn_cnt=1 conn_cur=1 sess_cnt=1");
    drop(client);
    expect_values(
        &program,
        "bytes_in_cnt=5 bytes_out_cnt=5 conn_cnt=1 sess_cnt=1",
    );
}

#[test]
fn a_rate_limit_trips_at_the_same_request_as_haproxys() {
    let config = "frontend in
  bind {fe}
  stick-table type ip size 100k expire 30s store http_req_rate(10s)
  http-request track-sc0 src
  http-request deny if { sc_http_req_rate(0) gt 4 }
  http-request return status 200 hdr x-rate %[sc_http_req_rate(0)]
";
    let program = http().config(config).start();
    let mut client = program.connect("fe");
    for n in 1..=4 {
        let answer = client.get("/");
        assert_eq!(
            (answer.status(), answer.header("x-rate")),
            (200, Some(&*n.to_string()))
        );
    }
    assert_eq!(client.get("/").status(), 403);
    let other = program.connect("fe").get("/").status();
    assert_eq!(other, 403, "another connection of the same client");
}

#[test]
fn concurrent_connections_are_limited() {
    let config = "frontend in
  bind {fe}
  stick-table type ip size 100 store conn_cur
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc_conn_cur(0) gt 2 }
  http-request return status 200
";
    let program = http().config(config).start();
    let mut kept = [program.connect("fe"), program.connect("fe")];
    assert!(
        kept.iter_mut()
            .all(|client| client.get("/").status() == 200)
    );
    program.connect("fe").expect_closed();
    let [mut first, second] = kept;
    drop(second);
    let started = Instant::now();
    loop {
        let mut client = program.connect("fe");
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if client.read_to_end().starts_with(b"HTTP/1.1 200") {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "the place stays taken"
        );
    }
    assert_eq!(first.get("/").status(), 200);
}

#[test]
fn counters_and_tags_are_set_by_rules_and_read_by_samples() {
    let config = "frontend in
  bind {fe}
  http-request track-sc0 src table t
  http-request track-sc1 path table names
  http-request sc-inc-gpc(1,0)
  http-request sc-add-gpc(1,0) 5 if { path /add }
  http-request sc-set-gpt(0,0) int(77)
  http-request sc-inc-gpc0(1) if { path /inc }
  http-request return status 200 hdr a \"%[sc_get_gpc(1,0)] %[sc_get_gpt0(0)] %[sc_gpc_rate(1,0)] %[sc0_get_gpc1] [%[sc_get_gpc(7,0)]]\" hdr b \"%[sc_key(0)] %[sc1_key] %[sc_tracked(0)] %[sc_tracked(2)] %[sc_trackers(0)] [%[sc_conn_cnt(2)]]\" hdr c \"%[table_cnt(t)] %[table_avl(t)] %[src,in_table(t)] %[int(9),in_table(t)] %[int(9),table_conn_cnt(t)] [%[int(9),table_expire(t)]] %[int(9),table_expire(t,-1)]\" hdr d \"%[path,table_gpc0(names)] %[sc_get_gpc0(1)] %[src_inc_gpc0(third)] %[src_inc_gpc0(third)] %[src_clr_gpc0(third)] %[src_get_gpc0(third)] %[src_updt_conn_cnt(third)] [%[src_conn_rate(third)]] %[sc_conn_cnt(0,third)]\"
backend t
  stick-table type ip size 1k expire 10s store gpt(2),gpc(2),gpc_rate(2,10s)
backend names
  stick-table type string len 5 size 1k store gpc0
backend third
  stick-table type ip size 1k store gpc0,conn_cnt
";
    let program = with_api(http()).config(config).start();
    let mut client = program.connect("fe");
    let answer = client.get("/inc");
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("a"), "1 77 1 1 []");
    assert_eq!(header("b"), "127.0.0.1 /inc 1 0 1 []");
    assert_eq!(header("c"), "1 1023 1 0 0 [] -1");
    assert_eq!(header("d"), "1 1 1 2 2 0 1 [] 1");
    let answer = client.get("/add");
    assert_eq!(answer.header("a"), Some("7 77 7 7 []"));
    assert_eq!(answer.header("d"), Some("0 0 1 2 2 0 2 [] 2"));
    assert!(ask(&program, "show table names").contains("key=/inc use=0 exp=0 shard=0 gpc0=1"));
}

#[test]
fn expiry_is_put_off_by_tracking_only() {
    let config = "frontend in
  bind {fe}
  stick-table type ip size 10 expire 400ms store http_req_cnt
  http-request track-sc0 src if { path /track }
  http-request return status 200 hdr n \"%[src,table_http_req_cnt(in)] %[table_cnt(in)]\"
";
    let program = http().config(config).start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/track").header("n"), Some("1 1"));
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(client.get("/track").header("n"), Some("2 1"));
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(client.get("/look").header("n"), Some("2 1"));
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(client.get("/look").header("n"), Some("0 0"));
}

#[test]
fn tables_are_shown_set_and_cleared() {
    let config = "frontend in
  bind {fe}
  tcp-request connection track-sc0 src table t
  http-request return status 200
backend t
  stick-table type ip size 1k expire 10s store gpt(3),gpc(2),server_id,conn_rate(5s),conn_cnt
backend texts
  stick-table type string len 5 size 3
peers p
  table numbers type integer size 10
  disabled
";
    let program = with_api(http()).config(config).start();
    let said = |command: &str, expected: &str| {
        assert_eq!(ask(&program, command), format!("{expected}\n"), "{command}");
    };
    said(
        "show table",
        "# table: p/numbers, type: integer, size:10, used:0\n# table: texts, type: string, size:3, used:0\n# table: t, type: ip, size:1024, used:0\n",
    );
    for (command, message) in [
        ("show table nope", "No such table\n"),
        (
            "show table t data.gpc0 gt 0",
            "Filter entry #1: Data type not stored in this table\n",
        ),
        (
            "show table t data.foo gt 0",
            "Filter entry #1: Unknown data type\n",
        ),
        (
            "show table t data.conn_rate xx 0",
            "Filter entry #1: Require and operator among \"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"\n",
        ),
        (
            "show table t data.conn_rate gt",
            "Filter entry #1: Require a valid integer value to compare against\n",
        ),
        (
            "show table t data.conn_rate gt 0 data.conn_rate gt 0 data.conn_rate gt 0 data.conn_rate gt 0 data.conn_rate gt 0",
            "Detected extra data in filter, 16th word of input, after '0'\n",
        ),
        ("show table t key", "Key value expected\n"),
        ("show table t key 1.2.3.4", ""),
        ("show table t key xx", "Invalid key\n"),
        ("show table t ptr", "Pointer expected (0xffff notation)\n"),
        (
            "show table t ptr 0x1",
            "No entry can be found matching ptr.\n",
        ),
        ("set table t key 1.2.3.5 data.gpc[1] 5 data.gpt[0] 9", ""),
        (
            "set table t key 1.2.3.6 data.conn_rate 50 data.server_id -3",
            "",
        ),
        (
            "set table t key 1.2.3.6 data.gpc[2] 3",
            "index out of range in this data array\n",
        ),
        (
            "set table t key 1.2.3.6 data.conn_rate x",
            "Require a valid integer value to store\n",
        ),
        (
            "set table t key 1.2.3.6 foo 1",
            "\"data.<type>\" followed by a value expected\n",
        ),
        ("set table t key x", "Invalid key\n"),
        ("user; set table t key 1.2.3.7", "\nPermission denied\n"),
        ("set table p/numbers key 4294967297", ""),
        ("set table p/numbers key -1", ""),
    ] {
        said(command, message);
    }
    let shown = ask(&program, "show table t data.gpc[1] gt 4");
    assert!(
        shown.starts_with("# table: t, type: ip, size:1024, used:2\n0x"),
        "{shown}"
    );
    assert!(
        shown.contains(
            " shard=0 server_id=0 conn_cnt=0 conn_rate(5000)=0 gpt0=9 gpt1=0 gpt2=0 gpc0=0 gpc1=5\n"
        ),
        "{shown}"
    );
    let shown = ask(&program, "show table t key 1.2.3.6");
    assert!(
        shown.contains("server_id=-3 conn_cnt=0 conn_rate(5000)=50 "),
        "{shown}"
    );
    let pointer = shown
        .lines()
        .nth(1)
        .and_then(|line| line.split_once(':'))
        .map(|(id, _)| id.to_owned());
    let pointer = pointer.expect("an entry");
    said(&format!("set table t ptr {pointer} data.gpc[0] 8"), "");
    assert!(ask(&program, &format!("show table t ptr {pointer}")).contains("gpc0=8"));
    let numbers = ask(&program, "show table p/numbers");
    assert!(
        numbers.contains("key=1 ") && numbers.contains("key=4294967295 "),
        "{numbers}"
    );
    for key in ["abcdefg", "a", "b", "c"] {
        said(&format!("set table texts key {key}"), "");
    }
    let texts = ask(&program, "show table texts");
    assert!(
        texts.contains("used:3\n") && !texts.contains("key=abcde "),
        "the oldest gave way: {texts}"
    );
    let mut client = program.connect("fe");
    client.get("/");
    said(
        "clear table t key 127.0.0.1",
        "Entry currently in use, cannot remove\n",
    );
    said("clear table t data.gpc[1] eq 5", "");
    assert!(ask(&program, "show table t").contains("used:2\n"));
    said("clear table t", "");
    assert!(
        ask(&program, "show table t").contains("used:1\n"),
        "what is tracked stays"
    );
}

#[test]
fn keys_of_every_type_are_kept_as_haproxy_shows_them() {
    let config = "frontend in
  bind {fe}
  http-request track-sc0 req.hdr(k) table texts
  http-request track-sc1 req.hdr(k) table numbers
  http-request track-sc2 req.hdr(k) table blocks
  http-request return status 200
backend texts
  stick-table type string len 30 size 1k
backend numbers
  stick-table type integer size 1k
backend blocks
  stick-table type binary len 4 size 1k
";
    let program = with_api(http()).config(config).start();
    for key in ["a=b\\c\u{7f}\t\"'x", "77777777777", "jkmo"] {
        let mut client = program.connect("fe");
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nK: {key}\r\n\r\n"));
        client.response();
    }
    program.connect("fe").get("/no-key");
    let keys = |table: &str| {
        let answer = ask(&program, &format!("show table {table}"));
        let keys = answer.lines().filter_map(|line| line.split_once("key="));
        let mut keys: Vec<String> = keys
            .filter_map(|(_, rest)| Some(rest.split_once(" use=")?.0.to_owned()))
            .collect();
        keys.sort();
        keys
    };
    assert_eq!(
        keys("texts"),
        ["77777777777", "a\\=b\\\\c\\x7F\\t\"'x", "jkmo"]
    );
    assert_eq!(keys("numbers"), ["0", "468366449"]);
    assert_eq!(keys("blocks"), ["37373737", "613D625C", "6A6B6D6F"]);
}

#[test]
fn status_codes_say_what_counts_as_error_and_failure() {
    let server = status_server();
    let program = with_api(http())
        .config(&format!("global\n  http-err-codes -404 +501\n  http-fail-codes 404\nfrontend in\n  bind {{fe}}\n  http-request track-sc0 src table t\n  default_backend back\nbackend back\n  server s1 {{s1}}\n{ALL}"))
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    for path in ["/404", "/501", "/500"] {
        client.get(path);
    }
    let counts = || {
        let values = values(&program);
        ["http_err_cnt", "http_fail_cnt"].map(|name| values.get(name).cloned())
    };
    assert_eq!(counts(), [Some("1".to_owned()), Some("1".to_owned())]);
}

#[test]
fn the_example_limits_clients_and_says_what_is_left() {
    let text = include_str!("../../../examples/rate-limit.cfg");
    let server = Server::start(handlers::says("ok"));
    let config = text
        .replace("bind 127.0.0.1:8146", "bind {fe}")
        .replace("bind 127.0.0.1:8141-8142", "bind {demo}")
        .replace("127.0.0.1:8141 ", "{s1} ")
        .replace("127.0.0.1:8142 ", "{s1} ")
        .replace("gt 100", "gt 3")
        .replace("int(100)", "int(3)")
        .replace(" check", "");
    let program = program().config(&config).server("s1", &server).start();
    let mut client = program.connect("fe");
    for left in ["2", "1", "0"] {
        let answer = client.get("/");
        assert_eq!(
            (answer.status(), answer.header("x-ratelimit-remaining")),
            (200, Some(left))
        );
        assert!(answer.header("x-ratelimit-limit").is_some());
    }
    let refused = client.get("/");
    assert_eq!(
        (refused.status(), refused.header("retry-after")),
        (429, Some("10"))
    );
}

#[test]
fn headers_of_responses_show_the_rate() {
    let server = Server::start(handlers::says("ok"));
    let config = "frontend in
  bind {fe}
  stick-table type ip size 100k expire 30s store http_req_rate(10s)
  http-request track-sc0 src
  http-request deny if { sc_http_req_rate(0) gt 100 }
  http-response set-header X-RateLimit-Limit 100
  http-response set-header X-RateLimit-Remaining %[sc_http_req_rate(0),sub(100)]
  default_backend back
backend back
  server s1 {s1}
";
    let program = http().config(config).server("s1", &server).start();
    let mut client = program.connect("fe");
    for left in ["-99", "-98"] {
        let answer = client.get("/");
        assert_eq!(answer.header("x-ratelimit-limit"), Some("100"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
    }
}
