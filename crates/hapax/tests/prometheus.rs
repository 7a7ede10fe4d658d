//! The service `prometheus-exporter`: its metrics are HAProxy's, and say what the other statistics say.
mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::api::{SOCKETS, ask, ask_until};
use common::program;
use testkit::{Client, Program, Server, handlers};

/// Name, type, labels and number of samples of every metric that HAProxy 3.4 gives for [`CONFIG`].
const RECORDED: &str = include_str!("recorded/metrics-3.4.txt");

const CONFIG: &str = "global
  nbthread 1
resolvers dns
  nameserver n1 127.0.0.1:1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option socket-stats
frontend fe
  description the front
  bind {fe}
  http-request use-service prometheus-exporter if { path /metrics }
  default_backend be
frontend tcpfe
  mode tcp
  bind {tcpfe}
  default_backend tcpbe
backend be
  stick-table type ip size 1k expire 1m store http_req_rate(10s)
  server s1 {s1}
  server s2 {s2} check inter 1h maxconn 12 maxqueue 10 pool-max-conn 42
  server s3 {s2} backup disabled
backend tcpbe
  mode tcp
  stick-table type string len 10 size 2k
  server t1 {s1}
listen both
  bind {both} name here
  server l1 {s1} weight 5
";

fn scrape(program: &Program, query: &str) -> String {
    let answer = Client::connect(program.address("fe")).get(&format!("/metrics{query}"));
    assert_eq!(answer.status(), 200, "{query}");
    answer.text()
}

/// A sample's metric, the names of its labels, and its value.
fn sample(line: &str) -> (&str, Vec<(&str, &str)>, &str) {
    let (begin, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = begin.split_once('{').unwrap_or((begin, ""));
    let labels = labels.trim_end_matches('}').split("\",");
    let labels = labels.filter_map(|label| label.split_once("=\""));
    let labels = labels.map(|(name, value)| (name, value.trim_end_matches('"')));
    (name, labels.collect(), value)
}

fn outline(text: &str) -> BTreeSet<String> {
    let mut kinds = BTreeMap::new();
    let mut counts: BTreeMap<(&str, String), u32> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(kinds.insert(name, kind).is_none(), "{name} is there twice");
        } else if !line.starts_with('#') {
            let (name, labels, _) = sample(line);
            let labels: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
            let labels = if labels.is_empty() {
                "-".to_owned()
            } else {
                labels.join(",")
            };
            *counts.entry((name, labels)).or_default() += 1;
        }
    }
    let counts = counts.into_iter();
    let lines = counts.map(|((name, labels), n)| format!("{name} {} {labels} {n}", kinds[name]));
    lines.collect()
}

#[test]
fn the_metrics_are_those_of_haproxy() {
    let server = Server::start(handlers::says("here"));
    let program = program()
        .config(CONFIG)
        .server("s1", &server)
        .server("s2", &server)
        .start();
    let ours = outline(&scrape(&program, "?extra-counters"));
    let theirs: BTreeSet<String> = RECORDED.lines().map(str::to_owned).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let extra: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing: {missing:#?}\nextra: {extra:#?}"
    );

    let tables = scrape(&program, "?scope=sticktable");
    for line in [
        "haproxy_sticktable_size{name=\"tcpbe\",type=\"string\"} 2048",
        "haproxy_sticktable_size{name=\"be\",type=\"ip\"} 1024",
        "haproxy_sticktable_used{name=\"be\",type=\"ip\"} 0",
        "haproxy_sticktable_local_updates{name=\"be\",type=\"ip\"} 0",
    ] {
        assert!(
            tables.lines().any(|known| known == line),
            "{line}: {tables}"
        );
    }
    assert!(
        tables
            .lines()
            .all(|line| line.contains("haproxy_sticktable_")),
        "{tables}"
    );
    let one = scrape(
        &program,
        "?metrics=haproxy_sticktable_size,-haproxy_sticktable_used",
    );
    assert_eq!(outline(&one).len(), 1, "{one}");
    for query in ["?scope", "?scope=x", "?metrics"] {
        let status = Client::connect(program.address("fe"))
            .get(&format!("/metrics{query}"))
            .status();
        assert_eq!(status, 400, "{query}");
    }
}

/// Columns of `show stat` and metrics that are the same figure.
const SAME: &[(&str, &str)] = &[
    ("stot", "sessions_total"),
    ("smax", "max_sessions"),
    ("bin", "bytes_in_total"),
    ("bout", "bytes_out_total"),
    ("dreq", "requests_denied_total"),
    ("ereq", "request_errors_total"),
    ("econ", "connection_errors_total"),
    ("eresp", "response_errors_total"),
    ("wretr", "retry_warnings_total"),
    ("wredis", "redispatch_warnings_total"),
    ("req_tot", "http_requests_total"),
    ("lbtot", "loadbalanced_total"),
    ("weight", "weight"),
];

type Table = BTreeMap<(String, String), BTreeMap<String, String>>;

fn csv(text: &str) -> Table {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let names: Vec<&str> = header.split(',').collect();
    let row = |line: &str| {
        let cells: BTreeMap<String, String> = names
            .iter()
            .zip(line.split(','))
            .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
            .collect();
        ((cells["pxname"].clone(), cells["svname"].clone()), cells)
    };
    lines.map(row).collect()
}

#[test]
fn page_command_and_metrics_agree() {
    let here = handlers::ok("here");
    let known = ["/a", "/b", "/c", "/d"].map(|path| (path, here.as_slice()));
    let server = Server::start(handlers::by_path(&known));
    let program = program()
        .config(SOCKETS)
        .config("global\n  nbthread 2\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n")
        .config("frontend watch\n  bind {fe}\n  http-request use-service prometheus-exporter if { path /metrics }\n  stats enable\n  stats uri /stats\n")
        .config("frontend web\n  bind {web}\n  http-request deny if { path /deny }\n  default_backend be\n")
        .config("backend be\n  server s1 {s1} weight 3\n  server s2 {s1}\n")
        .server("s1", &server)
        .start();
    for path in ["/a", "/b", "/c", "/none", "/deny", "/d"] {
        Client::connect(program.address("web")).get(path);
    }
    let mut faulty = Client::connect(program.address("web"));
    faulty.send("GET / HTTP/1.1\r\nBad\x01: a\r\n\r\n");
    assert_eq!(faulty.response().status(), 400);
    drop(faulty);
    // A session that is over has been counted.
    ask_until(&program, "show stat web 1 -1", |answer| {
        let table = csv(answer);
        let row = table.get(&("web".to_owned(), "FRONTEND".to_owned()));
        row.is_some_and(|row| row["scur"] == "0")
    });

    let page = Client::connect(program.address("fe"))
        .get("/stats;csv")
        .text();
    let (page, command) = (csv(&page), csv(&ask(&program, "show stat")));
    let metrics = Client::connect(program.address("fe"))
        .get("/metrics")
        .text();
    let values: BTreeMap<&str, &str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .collect();
    let mut compared = 0;
    for (key, row) in command.iter().filter(|((proxy, _), _)| proxy != "watch") {
        let (scope, labels) = match key.1.as_str() {
            "FRONTEND" => ("frontend", format!("proxy=\"{}\"", key.0)),
            "BACKEND" => ("backend", format!("proxy=\"{}\"", key.0)),
            server => ("server", format!("proxy=\"{}\",server=\"{server}\"", key.0)),
        };
        for (column, cell) in row {
            let moves = [
                "lastsess",
                "lastchg",
                "rate",
                "req_rate",
                "conn_rate",
                "check_duration",
                "addr",
                "cookie",
                "algo",
            ];
            if !moves.contains(&column.as_str()) {
                assert_eq!(page[key].get(column), Some(cell), "{key:?} {column}");
            }
        }
        for (column, metric) in SAME {
            let name = format!("haproxy_{scope}_{metric}{{{labels}}}");
            if let Some(value) = values.get(name.as_str())
                && !row[*column].is_empty()
            {
                assert_eq!(*value, row[*column], "{name}");
                compared += 1;
            }
        }
        for class in ["1xx", "2xx", "3xx", "4xx", "5xx"] {
            let name = format!("haproxy_{scope}_http_responses_total{{{labels},code=\"{class}\"}}");
            assert_eq!(
                values[name.as_str()],
                row[&format!("hrsp_{class}")],
                "{name}"
            );
        }
    }
    assert!(compared > 30, "{compared} figures compared");
    let web = &command[&("web".to_owned(), "FRONTEND".to_owned())];
    let cells =
        ["stot", "req_tot", "dreq", "ereq", "hrsp_2xx", "hrsp_4xx"].map(|name| web[name].as_str());
    assert_eq!(cells, ["7", "7", "1", "1", "4", "3"]);
}
