use crate::parse::testing::load_text;
use stick::{DataType, KeyKind, ServerKey};

/// The messages about a backend `b` with these lines; the first of them is line 3.
fn messages(lines: &str) -> Vec<String> {
    let (_, messages) = load_text(&format!("backend b\n mode http\n{lines}\n"));
    messages
}

#[test]
fn tables_are_read_with_all_their_words() {
    let text = "backend b\n stick-table type string len 20 size 2k expire 30s nopurge recv-only srvkey addr brates-factor 8 store gpc0,conn_rate(10s),bytes_in_rate(1m) store gpt(3),gpc_rate(2,5s)\npeers p\n table x type ipv6 size 5 expire 0\n disabled\n";
    let (snapshot, said) = load_text(text);
    let Some(snapshot) = snapshot else {
        panic!("{said:?}")
    };
    let [b, x] = &snapshot.tables[..] else {
        panic!("two tables")
    };
    assert_eq!((&*b.name, &*x.name), ("b", "p/x"));
    assert_eq!(snapshot.table_names.get("p/x"), Some(&1));
    assert_eq!(
        (b.kind, b.size, b.expire),
        (KeyKind::String(20), 2048, Some(30_000))
    );
    assert_eq!((x.kind, x.size, x.expire), (KeyKind::Ipv6, 5, None));
    assert!(b.nopurge && b.recv_only && b.server_key == ServerKey::Address && b.byte_block == 8);
    let stored: Vec<_> = b
        .layout
        .stored()
        .iter()
        .map(|stored| (stored.kind, stored.elements, stored.period))
        .collect();
    assert_eq!(
        stored,
        [
            (DataType::Gpc0, 1, 1),
            (DataType::ConnRate, 1, 10_000),
            (DataType::BytesInRate, 1, 60_000),
            (DataType::Gpt, 3, 1),
            (DataType::GpcRate, 2, 5000),
        ]
    );
}

#[test]
fn faulty_tables_are_refused_as_the_reference_does() {
    for (words, message) in [
        ("", "missing size."),
        ("type", "unknown type ''."),
        ("type foo", "unknown type 'foo'."),
        ("type ip", "missing size."),
        ("type ip size", "missing argument after 'size'."),
        (
            "type ip size 1x",
            "unexpected character 'x' in argument of 'size'.",
        ),
        ("type ip size 1k expire", "missing argument after 'expire'."),
        (
            "type ip size 1k expire 1y",
            "unexpected character 'y' in argument of 'expire'.",
        ),
        (
            "type ip size 1k expire 30d",
            "timer overflow in argument <30d> to <expire>, maximum value is 2147483647 ms (~24.8 days).",
        ),
        ("type ip size 1k foo", "unknown argument 'foo'."),
        ("type ip len 3 size 1k", "unknown argument 'len'."),
        ("size 1k", "missing type."),
        ("type ip size 0", "missing size."),
        ("type ip size 1k store foo", "unknown store option 'foo'."),
        (
            "type ip size 1k store conn_rate",
            "missing argument to store option 'conn_rate'.",
        ),
        (
            "type ip size 1k store conn_rate()",
            "error when processing store option 'conn_rate'.",
        ),
        (
            "type ip size 1k store conn_rate(25d)",
            "error when processing store option 'conn_rate'.",
        ),
        (
            "type ip size 1k store conn_rate(10s",
            "missing closing parenthesis after store option 'conn_rate'.",
        ),
        (
            "type ip size 1k store gpc0(3)",
            "unexpected argument to store option 'gpc0'.",
        ),
        (
            "type ip size 1k store gpc(101)",
            "array size is out of allowed range (1-100) for store option 'gpc'.",
        ),
        (
            "type ip size 1k store gpc_rate(2)",
            "missing argument to store option 'gpc_rate'.",
        ),
        (
            "type ip size 1k store gpc0,gpc(2)",
            "simultaneous usage of 'gpc' and 'gpc[0/1]' in a same table is not permitted as 'gpc' overrides 'gpc[0/1]'.",
        ),
        (
            "type ip size 1k store gpt(2),gpt0",
            "simultaneous usage of 'gpt' and 'gpt0' in a same table is not permitted as 'gpt' overrides 'gpt0'.",
        ),
        ("type ip size 1k peers", "missing argument after 'peers'."),
        (
            "type ip size 1k brates-factor 0",
            "argument 'brates-factor' must be greater than 0 and lower or equal than 1024.",
        ),
        (
            "type ip size 1k brates-factor x",
            "unexpected character 'x' in argument of 'brates-factor'.",
        ),
    ] {
        assert_eq!(
            messages(&format!(" stick-table {words}")),
            [format!("A 3: stick-table: {message}")],
            "{words}"
        );
    }
    for (words, message) in [
        (
            "type string len x size 1k",
            "'len' expects a positive integer argument.",
        ),
        (
            "type ip size 1k srvkey foo",
            "stick-table : unknown server key type 'foo'.",
        ),
        (
            "type ip size 1k write-to",
            "stick-table : write-to requires table name.",
        ),
    ] {
        assert_eq!(
            messages(&format!(" stick-table {words}")),
            [format!("A 3: {message}")]
        );
    }
    assert_eq!(
        messages(" stick-table type ip size 1 store gpc0,gpc0"),
        ["W 3: stick-table: store option 'gpc0' already enabled, ignored."]
    );
    assert_eq!(
        load_text("defaults\n stick-table type ip size 1k\n").1,
        ["A 2: 'stick-table' is not supported in 'defaults' section."]
    );
    assert_eq!(
        messages(" stick-table type ip size 1\n stick-table type ip size 2"),
        ["A 4: stick-table name 'b' conflicts with table declared in backend 'b' at t.cfg:3."]
    );
}

#[test]
fn tables_that_others_name_have_to_be_there() {
    for (words, message) in [
        ("peers foo", "Proxy 'b': unable to find sync peers 'foo'."),
        (
            "write-to nope",
            "Proxy 'b': failed to initialize stick-table: write-to: table 'nope' doesn't exist.",
        ),
        (
            "write-to t",
            "Proxy 'b': failed to initialize stick-table: write-to: cannot mix table types ('t' has 'string' type and 'b' has 'ip' type).",
        ),
    ] {
        let text = format!(
            " stick-table type ip size 1k {words}\nbackend t\n stick-table type string size 1k"
        );
        assert_eq!(messages(&text), [format!("A 0: {message}")]);
    }
}

#[test]
fn stick_rules_find_their_tables() {
    let table = "backend t\n stick-table type ip size 1k\n";
    let (snapshot, said) = load_text(&format!(
        "{table}backend b\n stick on src table t\n stick store-response src table t if TRUE\n"
    ));
    let Some(snapshot) = snapshot else {
        panic!("{said:?}")
    };
    let rules = &snapshot.backend("b").unwrap().back.stick;
    let flags: Vec<_> = rules
        .iter()
        .map(|r| (r.matches, r.stores, r.on_response, r.table))
        .collect();
    assert_eq!(flags, [(true, true, false, 0), (false, true, true, 0)]);
    assert!(snapshot.tables[0].layout.get(DataType::ServerId).is_some());
    for (line, message) in [
        ("stick", "A 5: 'stick' expects 'on', 'match', or 'store'."),
        ("stick on", "A 5: 'stick' expects a fetch method."),
        ("stick on foo", "A 5: 'stick': unknown fetch method 'foo'"),
        (
            "stick on src table t foo",
            "A 5: 'stick': unknown keyword 'foo'.",
        ),
        (
            "stick on src",
            "A 0: Proxy 'b': unable to find stick-table 'b'.",
        ),
        (
            "stick on src table nope",
            "A 0: Proxy 'b': unable to find stick-table 'nope'.",
        ),
        (
            "stick on bool(1) table t",
            "A 0: Proxy 'b': type of fetch not usable with type of stick-table 't'.",
        ),
        (
            "stick on res.hdr(a) table t",
            "A 5: 'stick': fetch method 'res.hdr' extracts information from 'HTTP response headers', none of which is available during request.",
        ),
        (
            "stick store-response path table t",
            "A 5: 'stick': fetch method 'path' extracts information from 'HTTP request headers', none of which is available for 'store-response'.",
        ),
        (
            "stick on src table t if foo",
            "A 5: 'stick': error detected while parsing sticking condition : no such ACL : 'foo'.",
        ),
    ] {
        let (_, said) = load_text(&format!("{table}backend b\n mode http\n {line}\n"));
        assert_eq!(said, [message], "{line}");
    }
}

#[test]
fn peers_sections_hold_tables() {
    let own = "global\n localpeer a\n";
    for (text, message) in [
        ("peers\n".to_owned(), "A 1: missing name for peers section."),
        (
            "peers p!\n".to_owned(),
            "A 1: character '!' is not permitted in 'peers' name 'p!'.",
        ),
        (
            "peers p\npeers p\n".to_owned(),
            "A 2: peers section 'p' has the same name as another peers section declared at t.cfg:1.",
        ),
        (
            "peers p\n foo\n".to_owned(),
            "A 2: unknown keyword 'foo' in 'peers' section",
        ),
        (
            "peers p\n table t type ip size 1\n table t type ip size 1\n".to_owned(),
            "A 3: stick-table name 't' conflicts with table declared in peers 'p' at t.cfg:2.",
        ),
        (
            "peers p\n table t type ip size 1 peers p\n".to_owned(),
            "A 2: table: unknown argument 'peers'.",
        ),
        (
            format!("{own}peers p\n peer b 127.0.0.1:1\n table t type ip size 1\n"),
            "W 0: Removing incomplete section 'peers p' (no peer named 'a').",
        ),
        (
            format!("{own}peers p\n peer a\n"),
            "W 4: 'peer a' : ignoring invalid peer definition (missing address:port)",
        ),
        (
            format!("{own}peers p\n bind :1\n peer a :2\n"),
            "A 5: mixing \"peer\" and \"bind\" line is forbidden",
        ),
        (
            format!("{own}peers p\n bind :1\n bind :2\n"),
            "A 5: One listener per \"peers\" section is authorized but another is already configured at [t.cfg:4].",
        ),
        (
            format!("{own}peers p\n bind :1-3\n"),
            "A 4: Only one listener per \"peers\" section is authorized. Multiple listening addresses or port range are not supported.",
        ),
        (
            format!("{own}peers p\n bind :1\n server a :2\n"),
            "A 5: 'server p/a' : unknown keyword ':2'. Hint: no address was expected for this server.",
        ),
        (
            format!("{own}peers p\n server b 127.0.0.1:1\n server b 127.0.0.1:2\n"),
            "A 5: Peer section 'p': another peer named 'b' was already defined at line t.cfg:4, please use distinct names.",
        ),
        (
            format!("{own}peers p\n shards 0\n"),
            "A 4: 'shards' : expects a strictly positive integer argument",
        ),
        (
            format!("{own}peers p\n shards 2\n server a :1\n server b 127.0.0.1:1 shard 3\n"),
            "W 6: 'server b' : 3 peer shard greater value than 2 shards value is ignored.",
        ),
        (
            format!("{own}peers p\n bind :1\n server a\n server b 127.0.0.1:1 check\n"),
            "W 6: 'server b' : init_addr, resolvers, check and agent are ignored for peers.",
        ),
        (
            format!("{own}peers p\n default-server ssl verify none\n bind :1\n server a\n"),
            "W 0: Peers section 'p': local peer have a non-SSL listener and a SSL server configured at line t.cfg:6.",
        ),
        (
            format!("{own}peers p\nbackend b\n stick-table type ip size 1 peers p\n"),
            "A 0: Proxy 'b': unable to find local peer 'a' in peers section 'p'.",
        ),
    ] {
        let said = load_text(&text).1;
        assert_eq!(said.first().map(String::as_str), Some(message), "{text}");
    }
}

#[test]
fn peers_sections_have_members() {
    let text = "global
 localpeer a
 tune.peers.max-updates-at-once 50
peers p
 default-bind v4v6
 bind 127.0.0.1:1000
 shards 3
 server a
 server b 127.0.0.1:1001 shard 2
 peer c 127.0.0.1:1002
 table t type string size 1k
backend t
 stick-table type ip size 1k peers p
backend u
 stick-table type ip size 1k
peers q
 disabled
 peer a 127.0.0.1:1003
 table t type ip size 1k
";
    let (snapshot, said) = load_text(&text.replace(" peer c", " server c"));
    assert!(said.is_empty(), "{said:?}");
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.global.peer_updates, 50);
    let [peers] = &snapshot.peers[..] else {
        panic!("{:?}", snapshot.peers)
    };
    assert_eq!((peers.local, peers.shards), (0, 3));
    let names: Vec<_> = peers
        .tables
        .iter()
        .map(|(at, name)| (*at, &**name))
        .collect();
    assert_eq!(names, [(0, "/t"), (1, "t")]);
    let servers = &peers.proxy.back.servers;
    let shards: Vec<_> = servers
        .iter()
        .map(|s| (&*s.name, s.settings.shard))
        .collect();
    assert_eq!(shards, [("a", 0), ("b", 2), ("c", 0)]);
    assert!(crate::peers::Peers::lacks_address(&servers[0]));
    let bind = &peers.proxy.front.binds[0];
    assert_eq!(
        (bind.v6only, peers.proxy.front.binds.len()),
        (Some(false), 1)
    );
    let sharing: Vec<_> = snapshot
        .tables
        .iter()
        .map(|t| (t.peers.is_some(), t.shards))
        .collect();
    assert_eq!(sharing, [(true, 3), (true, 3), (false, 0), (false, 0)]);
    assert_eq!(
        snapshot.tables[0].kind,
        stick::KeyKind::String(31),
        "as HAProxy has it"
    );
    let (_, said) = load_text("global\n tune.peers.max-updates-at-once 0\n");
    assert_eq!(
        said,
        ["A 2: 'tune.peers.max-updates-at-once' expects an integer argument greater than 0."]
    );
}

#[test]
fn expressions_and_rules_name_tables() {
    let text = |line: &str| {
        format!(
            "listen l\n mode http\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n {line}\nbackend t\n stick-table type ip size 1k store conn_rate(1s)\n"
        )
    };
    for line in [
        "http-request track-sc0 src table t",
        "http-response track-sc2 src table t",
        "tcp-request connection track-sc0 src table t",
        "http-request sc-inc-gpc0(0)",
        "http-after-response sc-set-gpt(0,1) int(5)",
        "tcp-request session sc-add-gpc(0,2) 7",
        "http-request deny if { sc_http_req_rate(0) gt 1 } or { src_conn_rate(t) gt 1 } or { src,table_conn_rate(t) gt 1 } or { sc0_conn_cnt(t) 0 } or { table_cnt(t) 1 }",
    ] {
        let (snapshot, said) = load_text(&text(line));
        assert!(snapshot.is_some() && said.is_empty(), "{line}: {said:?}");
    }
    for (line, message) in [
        (
            "http-request track-sc0",
            "A 7: error detected in proxy 'l' while parsing 'http-request track-sc0' rule : missing fetch method.",
        ),
        (
            "tcp-request session track-sc0",
            "A 7: 'tcp-request session track-sc0' : missing fetch method",
        ),
        (
            "http-request track-sc3 src table t",
            "A 7: error detected in proxy 'l' while parsing 'http-request track-sc3' rule : 3 track-sc number exceeding 2 (tune.stick-counters-1) value.",
        ),
        (
            "http-request track-scx src table t",
            "A 7: error detected in proxy 'l' while parsing 'http-request track-scx' rule : Wrong track-sc number 'x'.",
        ),
        (
            "tcp-request connection track-sc0 path table t",
            "A 7: 'tcp-request connection track-sc0' : fetch method 'path' extracts information from 'HTTP request headers', none of which is available here",
        ),
        (
            "http-request track-sc0 src",
            "A 0: Proxy 'l': unable to find table 'l' referenced by track-sc0.",
        ),
        (
            "http-request track-sc0 src table",
            "A 7: error detected in proxy 'l' while parsing 'http-request track-sc0' rule : missing table name.",
        ),
        (
            "http-request track-sc0 bool(1) table t",
            "A 0: Proxy 'l': stick-table 't' uses a type incompatible with the 'track-sc0' rule.",
        ),
        (
            "http-request track-sc0 src table t foo",
            "A 7: 'http-request track-sc0' expects either 'if' or 'unless' followed by a condition but found 'foo'.",
        ),
        (
            "http-request sc-inc-gpc0(3)",
            "A 7: error detected in proxy 'l' while parsing 'http-request sc-inc-gpc0(3)' rule : invalid stick table track ID. The max allowed ID is 2 (tune.stick-counters).",
        ),
        (
            "http-request sc-inc-gpc0(x)",
            "A 7: error detected in proxy 'l' while parsing 'http-request sc-inc-gpc0(x)' rule : invalid stick table track ID. Expects sc-inc-gpc0(x)(<Track ID>).",
        ),
        (
            "http-request sc-inc-gpc(0)",
            "A 7: error detected in proxy 'l' while parsing 'http-request sc-inc-gpc(0)' rule : Missing gpc ID 'sc-inc-gpc(0)'. Expects sc-inc-gpc(<GPC ID>,<Track ID>).",
        ),
        (
            "http-request sc-inc-gpc(0,3)",
            "A 7: error detected in proxy 'l' while parsing 'http-request sc-inc-gpc(0,3)' rule : invalid stick table track ID 'sc-inc-gpc(0,3)'. The max allowed ID is 2 (tune.stick-counters).",
        ),
        (
            "http-request sc-set-gpt0(3) 5",
            "A 7: error detected in proxy 'l' while parsing 'http-request sc-set-gpt0(3)' rule : invalid stick table track ID 'sc-set-gpt0(3)'. The max allowed ID is 2.",
        ),
        (
            "http-request deny if { src_conn_rate(nope) gt 1 }",
            "A 7: unable to find table 'nope' referenced in arg 1 of ACL keyword 'src_conn_rate' in proxy 'l'.",
        ),
        (
            "http-request deny if { src_conn_rate gt 1 }",
            "A 7: unable to find table 'l' referenced in arg 1 of ACL keyword 'src_conn_rate' in proxy 'l'.",
        ),
    ] {
        assert_eq!(load_text(&text(line)).1, [message], "{line}");
    }
    for (line, message) in [
        (
            "tune.stick-counters 101",
            "A 2: tune.stick-counters: the number of stick-counters must be between 1 and 100 (was 101)",
        ),
        (
            "tune.stick-counters x",
            "A 2: tune.stick-counters: 'x' is an invalid number",
        ),
    ] {
        assert_eq!(load_text(&format!("global\n {line}\n")).1, [message]);
    }
}

#[test]
fn tracking_by_content_rules_is_commented_on() {
    let early = "not depending on request contents for an HTTP frontend should be executed at the session level";
    let late =
        "explicitly depending on request contents without any 'tcp-request inspect-delay' setting";
    for (line, comment) in [
        ("tcp-request content track-sc0 src", Some(early)),
        (
            "tcp-request content track-sc0 src if { src 1.2.3.4 }",
            Some(early),
        ),
        ("tcp-request content track-sc0 src if { path /a }", None),
        ("tcp-request content track-sc0 path", Some(late)),
        (
            "tcp-request inspect-delay 1s\n tcp-request content track-sc0 path",
            None,
        ),
    ] {
        let text = format!(
            "frontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n stick-table type string size 1k\n {line}\n"
        );
        let (snapshot, said) = load_text(&text);
        assert!(snapshot.is_some(), "{said:?}");
        match comment {
            Some(comment) => assert!(
                said.len() == 1 && said[0].contains(comment),
                "{line}: {said:?}"
            ),
            None => assert!(said.is_empty(), "{line}: {said:?}"),
        }
    }
}
