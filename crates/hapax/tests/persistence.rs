//! Clients that find their server again: the persistence cookie in all its modes, `stick` rules, and the letters that logs
//! show for cookies. Everything expected here is what HAProxy 3.4 does with the same bytes.
mod common;

use common::{http_logged, program};
use testkit::{HttpLog, Program, Server, Syslog, handlers};

/// A request's `Cookie` header and the server's `Set-Cookie` header, both perhaps empty; what then has to come: the server's
/// name, the `Cookie` header that it gets, the `Set-Cookie` header that the client gets, and the log's letters.
type Case<'c> = [&'c str; 6];

struct Scene {
    program: Program,
    log: Syslog,
}

/// Two servers that repeat the cookie they got, and set the one they are told to; `sd` is in maintenance.
fn scene(backend: &str) -> (Scene, [Server; 2]) {
    let server = || {
        Server::start(handlers::http(|request| {
            let cookies = request.all("cookie").join(" & ");
            let own = request
                .header("x-set")
                .map(|own| format!("set-cookie: {own}\r\n"));
            let cache = request
                .header("x-cache")
                .map(|text| format!("cache-control: {text}\r\n"));
            let (own, cache) = (own.unwrap_or_default(), cache.unwrap_or_default());
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-got: {cookies}\r\n{own}{cache}\r\n")
                .into_bytes()
        }))
    };
    let servers = [server(), server()];
    let log = Syslog::udp();
    let config = format!(
        "frontend in\n  bind {{fe}}\n  default_backend back\nbackend back\n  balance roundrobin\n  {backend}\n  server s1 {{s1}} cookie c1\n  server s2 {{s2}} cookie c2\n  server sd 127.0.0.1:9 cookie cd disabled\n"
    );
    let program = http_logged(&log)
        .config(&config)
        .server("s1", &servers[0])
        .server("s2", &servers[1])
        .start();
    (Scene { program, log }, servers)
}

impl Scene {
    fn ask(&self, request: &str) -> (testkit::Message, HttpLog) {
        let mut client = self.program.connect("fe");
        let answer = client.send(request).response();
        drop(client);
        let line = common::http_line(&self.log);
        self.log.clear();
        (answer, line)
    }

    #[track_caller]
    fn expect(&self, cases: &[Case<'_>]) {
        for case in cases {
            let [cookie, own, ..] = *case;
            let header = |name: &str, value: &str| match value {
                "" => String::new(),
                value => format!("{name}: {value}\r\n"),
            };
            let request = format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}{}\r\n",
                header("Cookie", cookie),
                header("X-Set", own)
            );
            let (answer, line) = self.ask(&request);
            let set_cookies = answer.all("set-cookie").join(" & ");
            let found = [
                cookie,
                own,
                line.base.server.as_str(),
                answer.header("x-got").unwrap_or_default(),
                &set_cookies,
                line.base.state.get(2..).unwrap_or_default(),
            ];
            assert_eq!(found, *case);
        }
    }
}

#[test]
fn cookies_are_inserted() {
    let (scene, _servers) = scene("cookie A insert");
    scene.expect(&[
        ["", "", "s1", "", "A=c1; path=/", "NI"],
        ["A=c1", "", "s1", "A=c1", "", "VN"],
        ["A=c2", "", "s2", "A=c2", "", "VN"],
        ["A=zz", "", "s2", "A=zz", "A=c2; path=/", "II"],
        ["A=cd", "", "s1", "A=cd", "A=c1; path=/", "DI"],
        ["A=zz; A=c1", "", "s1", "A=zz; A=c1", "", "VN"],
        ["$A=c1", "", "s2", "$A=c1", "A=c2; path=/", "NI"],
        ["A = c1 ; b=2", "", "s1", "A=c1 ; b=2", "", "VN"],
        ["A=c1", "A=own; path=/", "s1", "A=c1", "", "VD"],
        ["A=c1", "B=own", "s1", "A=c1", "B=own", "VN"],
        ["", "A=own", "s1", "", "A=c1; path=/", "NI"],
    ]);
}

#[test]
fn indirect_cookies_do_not_reach_servers() {
    let (scene, _servers) = scene("cookie A insert indirect preserve");
    scene.expect(&[
        ["A=c1", "", "s1", "", "", "VN"],
        ["x=1; A=c1; y=2", "", "s1", "x=1; y=2", "", "VN"],
        ["x=1;A=c1", "", "s1", "x=1", "", "VN"],
        ["A=c1; A=c2", "", "s1", "", "", "VN"],
        ["A=c1", "A=own", "s1", "", "A=own", "VP"],
        ["", "A=own", "s1", "", "A=own", "NP"],
    ]);
}

#[test]
fn cookies_of_servers_are_rewritten_or_prefixed() {
    let (scene, _servers) = self::scene("cookie A rewrite");
    scene.expect(&[
        ["", "", "s1", "", "", "NN"],
        ["A=c1", "A=own; path=/", "s1", "A=c1", "A=c1; path=/", "VR"],
    ]);
    let (scene, _servers) = self::scene("cookie A prefix");
    scene.expect(&[
        [
            "A=c1~v; b=2",
            "A=own; path=/",
            "s1",
            "A=v; b=2",
            "A=c1~own; path=/",
            "VR",
        ],
        ["x=1; A=c2~a~b; y=2", "", "s2", "x=1; A=a~b; y=2", "", "VN"],
        ["A=zz~v", "", "s1", "A=v", "", "IN"],
    ]);
}

#[test]
fn inserted_cookies_have_their_attributes() {
    let (scene, _servers) =
        scene("cookie A insert nocache httponly secure domain .foo.com attr SameSite=Lax");
    let set = "A=c1; path=/; domain=.foo.com; HttpOnly; Secure; SameSite=Lax";
    scene.expect(&[["", "", "s1", "", set, "NI"]]);
    let ask = |cache: &str| {
        let (answer, _) = scene.ask(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Cache: {cache}\r\n\r\n"
        ));
        answer.all("cache-control").join(" & ")
    };
    assert_eq!(ask("max-age=5"), "max-age=5 & private");
    assert_eq!(ask("no-store"), "no-store");
}

#[test]
fn posts_only() {
    let (scene, _servers) = scene("cookie A insert postonly");
    scene.expect(&[["", "", "s1", "", "", "NN"]]);
    let (answer, _) = scene.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(answer.header("set-cookie"), Some("A=c2; path=/"));
}

#[test]
fn dated_cookies_are_renewed() {
    let (scene, _servers) = scene("cookie A insert maxidle 30m maxlife 1h");
    let ask = |cookie: &str| {
        let (answer, line) = scene.ask(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n"
        ));
        let set = answer.header("set-cookie").unwrap_or_default().to_owned();
        (set, line.base.state.get(2..).unwrap_or_default().to_owned())
    };
    let (set, letters) = ask("x=1");
    assert_eq!(letters, "NI");
    let value = set.strip_suffix("; path=/").expect("the path").to_owned();
    assert!(
        value.starts_with("A=c1|") && value.matches('|').count() == 2,
        "{value}"
    );
    let (set, letters) = ask("A=c1");
    assert!(
        letters == "VU" && set.starts_with("A=c1|"),
        "{set} {letters}"
    );
    assert_eq!(ask("A=c1|AAAAB|AAAAB").1, "OI", "of 1970");
    assert_eq!(ask("A=c1|AAAAB").1, "EI");
}

#[test]
fn servers_that_are_down_may_be_had_all_the_same() {
    let (scene, _servers) =
        scene("cookie A insert indirect\n  ignore-persist if { hdr(x-set) i=1 }");
    scene.expect(&[["A=c1", "i=1", "s1", "", "i=1", "UN"]]);
    let log = Syslog::udp();
    let config = "frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  retries 0\n  cookie A insert\n  PERSIST\n  server s1 127.0.0.1:9 cookie c1 disabled\n  server s2 {s2} cookie c2\n";
    let server = Server::start(handlers::says("two"));
    for (line, status, name, letters) in [
        ("option persist", 503, "s1", "SCDN"),
        ("force-persist if TRUE", 503, "s1", "SCDN"),
        ("force-persist if FALSE", 200, "s2", "--DI"),
    ] {
        let program = http_logged(&log)
            .config(&config.replace("PERSIST", line))
            .server("s2", &server)
            .start();
        let mut client = program.connect("fe");
        let answer = client
            .send("GET / HTTP/1.1\r\nHost: a\r\nCookie: A=c1\r\n\r\n")
            .response();
        drop(client);
        let logged = common::http_line(&log);
        log.clear();
        assert_eq!(
            (answer.status(), &*logged.base.server, &*logged.base.state),
            (status, name, letters),
            "{line}"
        );
    }
}

#[test]
fn a_server_that_is_gone_is_left() {
    let server = Server::start(handlers::says("one"));
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  retries 1\n  option redispatch 1\n  cookie A insert\n  server s1 {s1} cookie c1\n  server gone 127.0.0.1:9 cookie cg\n")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    let answer = client
        .send("GET / HTTP/1.1\r\nHost: a\r\nCookie: A=cg\r\n\r\n")
        .response();
    drop(client);
    assert_eq!(
        (answer.status(), answer.header("set-cookie")),
        (200, Some("A=c1; path=/"))
    );
    assert_eq!(common::http_line(&log).base.state, "--DI");
}

#[test]
fn keys_stick_to_servers() {
    let server = |name: &str| {
        Server::start(handlers::fixed(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-server: {name}\r\nx-id: id-{name}\r\n\r\n"
        )))
    };
    let (one, two) = (server("one"), server("two"));
    let start = |rules: &str| {
        program()
            .config(&format!("global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 3s\n  timeout client 3s\n  timeout server 3s\nfrontend in\n  bind {{fe}}\n  default_backend back\nbackend back\n  balance roundrobin\n  stick-table type string len 10 size 100 expire 1m\n  {rules}\n  server s1 {{s1}}\n  server s2 {{s2}}\n"))
            .server("s1", &one)
            .server("s2", &two)
            .start()
    };
    let had = |program: &Program, key: &str| {
        let mut client = program.connect("fe");
        let answer = client
            .send(format!("GET / HTTP/1.1\r\nHost: a\r\nK: {key}\r\n\r\n"))
            .response();
        answer.header("x-server").unwrap_or_default().to_owned()
    };
    let program = start("stick on req.hdr(k)");
    let order = ["a", "a", "b", "b", "a", "c", "c"].map(|key| had(&program, key));
    assert_eq!(order, ["one", "one", "two", "two", "one", "one", "one"]);
    let program = start("stick match req.hdr(k)\n  stick store-response res.hdr(x-id)");
    had(&program, "x");
    had(&program, "y");
    let order = ["id-one", "id-two", "id-one", "id-one"].map(|key| had(&program, key));
    assert_eq!(order, ["one", "two", "one", "one"]);
}
