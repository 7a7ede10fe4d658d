use crate::address::Address;
use crate::parse::testing::load_text;
use crate::server::{OnError, Server, UseSource};

fn servers(lines: &str) -> Vec<Server> {
    let text = format!("backend b\n mode http\n timeout server 1s\n timeout connect 1s\n{lines}\n");
    let (snapshot, messages) = load_text(&text);
    let Some(snapshot) = snapshot else {
        panic!("{messages:?}")
    };
    let proxy = snapshot.proxies.first().expect("a proxy");
    proxy
        .back
        .servers
        .iter()
        .map(|server| Server::clone(server))
        .collect()
}

fn server(line: &str) -> Server {
    servers(&format!(" {line}")).pop().expect("a server")
}

fn refused(line: &str) -> String {
    let (snapshot, messages) = load_text(&format!("backend b\n {line}\n"));
    assert!(snapshot.is_none(), "{line} was accepted");
    let first = messages
        .into_iter()
        .find(|m| m.starts_with('A'))
        .unwrap_or_default();
    first.strip_prefix("A 2: ").unwrap_or(&first).to_owned()
}

#[test]
fn defaults_come_first() {
    let all = servers(
        " default-server inter 5s weight 7 check\n server a 127.0.0.1:80 weight 9 no-check\n default-server maxconn 3\n server b 127.0.0.1 port 81",
    );
    let [a, b] = all.as_slice() else {
        panic!("two servers")
    };
    assert_eq!(
        (
            a.settings.weight,
            a.settings.check.enabled,
            a.settings.check.interval
        ),
        (9, false, 5000)
    );
    assert_eq!(
        (
            b.settings.weight,
            b.settings.check.enabled,
            b.settings.maxconn
        ),
        (7, true, 3)
    );
    assert_eq!((a.id, b.id, b.idx.0), (1, 2, 1));
    assert!(b.mapped_port && !a.mapped_port);
}

#[test]
fn ports_may_follow_the_clients() {
    let up = server("server a 127.0.0.1:+5");
    let down = server("server a 127.0.0.1:-1");
    assert!(up.mapped_port && down.mapped_port);
    assert_eq!(
        up.address,
        Address::Inet("127.0.0.1:5".parse().expect("an address"))
    );
    assert_eq!(
        down.address,
        Address::Inet("127.0.0.1:65535".parse().expect("an address"))
    );
}

#[test]
fn templates_make_servers_by_number() {
    let all = servers(
        " server-template w 2-4 127.0.0.1:80 cookie x\n server-template v 2 127.0.0.1:80 id 9",
    );
    let names: Vec<(&str, u32)> = all.iter().map(|s| (&*s.name, s.id)).collect();
    assert_eq!(
        names,
        [("w2", 1), ("w3", 2), ("w4", 3), ("v1", 9), ("v2", 5)]
    );
}

#[test]
fn options_of_checks_over_other_ways_can_be_set() {
    let check = |line: &str| server(&format!("server a 127.0.0.1:80 {line}")).settings;
    assert_eq!(check("check-sni-auto").check_sni_auto, Some(true));
    assert_eq!(check("no-check-sni-auto").check_sni_auto, Some(false));
    let reusing = check("check-reuse-pool check-pool-conn-name x").check;
    assert_eq!(
        (reusing.reuse_pool, reusing.pool_name.as_deref()),
        (true, Some("x"))
    );
    assert!(
        !check("check-reuse-pool no-check-reuse-pool")
            .check
            .reuse_pool
    );
    assert!(check("check-via-socks4").check.via_socks4);
    assert!(check("maxconn 1 strict-maxconn").strict_maxconn);
}

#[test]
fn servers_without_a_number_are_numbered_as_haproxy_does() {
    let line = |(name, id): (char, u32)| match id {
        0 => format!(" server {name} 127.0.0.1:80\n"),
        id => format!(" server {name} 127.0.0.1:80 id {id}\n"),
    };
    let given = [
        ('a', 1 << 28),
        ('b', 1),
        ('c', 0),
        ('d', 6),
        ('e', 0),
        ('f', 0),
        ('g', 0),
    ];
    let text: String = given.into_iter().map(line).collect();
    let all = servers(&format!(
        "{text} server-template t 2 127.0.0.1:80 id 30\n server h 127.0.0.1:80"
    ));
    let ids: Vec<u32> = all.iter().map(|server| server.id).collect();
    assert_eq!(ids, [1 << 28, 1, 3, 6, 5, 7, 8, 30, 10, 11]);
}

#[test]
fn lines_without_a_number_are_numbered_by_their_place() {
    let binds = " bind :1 id 3\n bind :2\n bind :3 id 2\n bind :4\n bind :5 id 5\n bind :6\n";
    let (snapshot, messages) = crate::parse::testing::load_text(&format!("frontend f\n{binds}"));
    let snapshot = snapshot.unwrap_or_else(|| panic!("{messages:?}"));
    let ids: Vec<u32> = snapshot.proxies[0]
        .front
        .binds
        .iter()
        .map(|bind| bind.id)
        .collect();
    assert_eq!(ids, [3, 4, 2, 6, 5, 7]);
}

#[test]
fn the_proxy_protocol_header() {
    let sent = |line| {
        server(line)
            .settings
            .send_proxy
            .map(|s| (s.version, s.crc32c, s.ssl.len(), s.tlvs.len()))
    };
    assert_eq!(
        sent("server a 127.0.0.1:80 send-proxy"),
        Some((1, false, 0, 0))
    );
    assert_eq!(
        sent("server a 127.0.0.1:80 send-proxy-v2 no-send-proxy-v2"),
        Some((0, false, 0, 0))
    );
    assert_eq!(
        sent("server a 127.0.0.1:80 send-proxy-v2-ssl-cn proxy-v2-options crc32c,ssl"),
        Some((2, true, 2, 0))
    );
    assert_eq!(sent("server a 127.0.0.1:80"), None);
}

#[test]
fn sources() {
    let source = server(
        "server a 127.0.0.1:80 source 1.2.3.4:10-20 usesrc hdr_ip(X-Ip,2) interface lo backup",
    );
    assert!(source.settings.backup);
    let source = source.settings.source.expect("a source");
    assert_eq!(
        (source.ports, source.interface.as_deref()),
        ((10, 20), Some("lo"))
    );
    assert!(matches!(&source.use_source, UseSource::Header(name, 2) if &**name == "x-ip"));
}

#[test]
fn checks_and_reactions() {
    let s = server("server a 127.0.0.1:80 check inter 3s rise 4 fall 5 addr 1.2.3.4:90 observe none on-error mark-down").settings;
    assert_eq!(
        (s.check.interval, s.check.rise, s.check.fall, s.check.port),
        (3000, 4, 5, Some(90))
    );
    assert_eq!(s.on_error, OnError::MarkDown);
}

#[test]
fn messages_are_those_operators_know() {
    let label = "'server b/a' : ";
    for (line, message) in [
        (
            "server a",
            "'server' expects <name> and <addr>[:<port>] as arguments.".to_owned(),
        ),
        (
            "server a/b 127.0.0.1:80",
            "character '/' is not permitted in server name 'a/b'.".to_owned(),
        ),
        (
            "server a 127.0.0.1:80-90",
            format!("{label}port range not permitted here in '127.0.0.1:80-90'"),
        ),
        (
            "server a 127.0.0.1:80 chek",
            format!("{label}unknown keyword 'chek'; did you mean 'check' maybe ?"),
        ),
        (
            "server a 127.0.0.1:80 weight 257",
            format!("{label}weight of server a is not within 0 and 256 (257)."),
        ),
        (
            "server a 127.0.0.1:80 id x",
            format!("{label}'id' : custom id has to be between 1 and 4294967295."),
        ),
        (
            "server a 127.0.0.1:80 inter 0",
            format!("{label}invalid value 0 for argument 'inter' of server a."),
        ),
        (
            "server a 127.0.0.1:80 rise",
            format!("{label}'rise' expects an integer argument."),
        ),
        (
            "server a 127.0.0.1:80 rise 0",
            format!("{label}'rise' has to be > 0."),
        ),
        (
            "server a 127.0.0.1:80 usesrc client",
            format!("{label}'usesrc' only allowed after a 'source' statement."),
        ),
        (
            "server a 127.0.0.1:80 proxy-v2-options foo",
            format!("{label}'foo' : proxy v2 option not implemented."),
        ),
        (
            "server a 127.0.0.1:80 observe layer7",
            format!("{label}'layer7' can only be used in http proxies."),
        ),
        (
            "server a 127.0.0.1:80 track c",
            format!("{label}unable to find required server 'c' for tracking."),
        ),
        (
            "server a 127.0.0.1:80 check track c",
            format!("{label}unable to enable checks and tracking at the same time!"),
        ),
        (
            "server a 127.0.0.1:80 track c init-state up",
            format!("{label}unable to set init-state and tracking at the same time!"),
        ),
        (
            "server a 127.0.0.1:80 init-state on",
            format!(
                "{label}'init-state' expects one of 'none', 'fully-up', 'up', 'down', or 'fully-down' but got 'on'."
            ),
        ),
        (
            "server a 127.0.0.1:80 track a",
            format!(
                "{label}unable to track b/a as it belongs to a tracking chain looping back to b/a."
            ),
        ),
        (
            "server a 127.0.0.1 check",
            "A 0: config: backend 'b': server 'a' has neither service port nor check port."
                .to_owned(),
        ),
        (
            "server a udp@127.0.0.1:80",
            "unsupported transport for server address in 'tcp' backend.".to_owned(),
        ),
        (
            "server a 127.0.0.1:80 redir /x",
            "A 0: backend 'b' : server cannot have cookie or redirect prefix in non-HTTP mode."
                .to_owned(),
        ),
        (
            "server-template a 0 127.0.0.1:80",
            "Wrong server-template number or range arg '0'.".to_owned(),
        ),
        (
            "default-server id 4",
            "'id' option is not accepted in default-server sections".to_owned(),
        ),
        (
            "default-server 1.2.3.4 check",
            "unknown keyword '1.2.3.4'. Hint: no address was expected for this server.".to_owned(),
        ),
        (
            "source 1.2.3.4 bar",
            "'source' only supports optional keywords 'interface' and 'usesrc'.".to_owned(),
        ),
    ] {
        assert_eq!(refused(line), message);
    }
}

#[test]
fn names_numbers_and_identifiers_are_unique() {
    let (_, messages) = load_text(
        "backend b\n server a 127.0.0.1:80 id 1 guid x\n server a 127.0.0.1:81\n server c 127.0.0.1:82 id 1\n server d 127.0.0.1:83 guid x\n",
    );
    for expected in [
        "A 3: backend 'b', another server named 'a' was already defined at line 2, please use distinct names.",
        "A 4: 'server b/c' : 'id' : custom id 1 already used at t.cfg:2 ('server a').",
        "A 5: 'server b/d' : 'guid': duplicate entry with server b/a.",
    ] {
        assert!(messages.iter().any(|m| m == expected), "{messages:?}");
    }
}

#[test]
fn a_frontend_has_no_servers() {
    let (_, messages) = load_text("frontend f\n server a 127.0.0.1:80\n");
    let expected = "A 2: 'server' not allowed because frontend 'f' has no backend capability.";
    assert!(messages.iter().any(|m| m == expected), "{messages:?}");
}

#[test]
fn chains_of_tracking_end_at_a_check() {
    let alerts = |servers: &str| {
        let (_, messages) = load_text(&format!("backend b\n{servers}"));
        let told = messages.iter().filter(|line| line.contains("track"));
        told.cloned().collect::<Vec<_>>().join("\n")
    };
    let server = |name: &str, options: &str| format!(" server {name} 127.0.0.1:80 {options}\n");
    let fine = server("a", "track b/b") + &server("b", "track c") + &server("c", "check");
    assert_eq!(alerts(&fine), "");
    let unchecked = server("a", "track b") + &server("b", "track c") + &server("c", "");
    let told = alerts(&unchecked);
    assert!(
        told.contains("'server b/b' : unable to use b/c for tracking as it does not have any check nor agent enabled.")
            && !told.contains("b/a'"),
        "{told}"
    );
    let circle = server("a", "track b") + &server("b", "track c") + &server("c", "track a");
    let told = alerts(&circle);
    assert!(
        told.contains("'server b/c' : unable to track b/a as it belongs to a tracking chain looping back to b/c.")
            && !told.contains("'server b/a'"),
        "{told}"
    );
}

/// Names under `.test` have an address of each family, others have none.
fn names(host: &str) -> Vec<std::net::IpAddr> {
    match host.ends_with(".test") {
        true => vec![[192, 0, 2, 1].into(), "2001:db8::1".parse().expect("an IP")],
        false => Vec::new(),
    }
}

/// A server's address as text, or `-`, and what was said.
fn located(line: &str) -> (String, Vec<String>) {
    crate::address::set_resolver(names);
    let (snapshot, messages) = load_text(&format!(
        "resolvers r\n nameserver n 127.0.0.1:53\nbackend b\n timeout server 1s\n timeout connect 1s\n {line}\n"
    ));
    let address = snapshot.map_or("refused".into(), |snapshot| {
        let server = &snapshot.proxies[0].back.servers[0];
        match &server.address {
            _ if server.unresolved => "-".into(),
            Address::Inet(inet) => inet.to_string(),
            other => format!("{other:?}"),
        }
    });
    (address, messages)
}

#[test]
fn addresses_at_the_start() {
    let failed = "could not resolve address 'a.none'";
    for (line, address, said) in [
        ("server s a.test:80", "192.0.2.1:80", None),
        ("server s ipv6@a.test:80", "[2001:db8::1]:80", None),
        ("server s a.test:80 init-addr none", "-", None),
        ("server s a.test:80 init-addr 192.0.2.9", "192.0.2.9:80", None),
        ("server s 192.0.2.7:80 init-addr none", "192.0.2.7:80", None),
        (
            "server s a.none:80",
            "refused",
            Some(format!("A 6: 'server b/s' : {failed}.")),
        ),
        (
            "server s a.none:80 init-addr last",
            "refused",
            Some("A 6: 'server b/s' : no method found to resolve address 'a.none'.".into()),
        ),
        (
            "server s a.none:80 resolvers r",
            "-",
            Some(format!("N 6: 'server b/s' : {failed}, disabling server.")),
        ),
        (
            "server s a.none:80 init-addr libc,none",
            "-",
            Some(format!("N 6: 'server b/s' : {failed}, disabling server.")),
        ),
        (
            "server s a.none:80 init-addr libc,192.0.2.9",
            "192.0.2.9:80",
            Some(format!(
                "N 6: 'server b/s' : {failed}, falling back to configured address."
            )),
        ),
        ("server s _http._tcp.none resolvers r check", "-", None),
        (
            "server s _http._tcp.none",
            "refused",
            Some("A 6: 'server b/s' : no method found to resolve address '_http._tcp.none'.".into()),
        ),
        (
            "server s a..test:80 resolvers r",
            "refused",
            Some("A 6: 'server b/s' : the name 'a..test' can't be asked of name servers: a label is empty or too long.".into()),
        ),
        (
            "server s a.test:80 resolvers q",
            "refused",
            Some("A 0: backend 'b', server 's': unable to find required resolvers 'q'".into()),
        ),
    ] {
        let (got, messages) = located(line);
        assert_eq!(got, address, "{line}: {messages:?}");
        let about = |message: &&String| message.contains("'s'") || message.contains("b/s");
        assert_eq!(messages.iter().find(about), said.as_ref(), "{line}");
    }
}

#[test]
fn log_servers_have_addresses_from_the_start() {
    let line = " mode log\n server s udp@a.test:514 init-addr none";
    let (address, messages) = located(line);
    assert_eq!(address, "refused");
    let expected = "'server b/s' : 'a name that is resolved while running' is known but not built yet in hapax (waits for: log servers).";
    assert!(
        messages.iter().any(|m| m.contains(expected)),
        "{messages:?}"
    );
}

#[test]
fn default_servers_pass_on_how_names_are_resolved() {
    let all = servers(
        " default-server init-addr none resolve-prefer ipv4 resolve-net 10.0.0.0/8,fe80::/16 resolve-opts allow-dup-ip,ignore-weight\n server a a.none:80\n server-template t 2 b.none:80",
    );
    assert_eq!(all.len(), 3);
    for server in all {
        let naming = &server.settings.naming;
        assert!(server.unresolved && naming.allow_duplicates && naming.ignore_weight);
        assert_eq!(naming.prefer, Some(crate::IpFamily::V4));
        assert_eq!(naming.networks.len(), 2);
    }
}

#[test]
fn wrong_options_about_names() {
    let label = "'server b/a' : ";
    for (option, message) in [
        (
            "resolve-prefer ipv5",
            "'resolve-prefer' expects either ipv4 or ipv6 as argument.",
        ),
        (
            "resolve-net 10.0.0.0/8,foo",
            "'resolve-net' invalid network 'foo'.",
        ),
        (
            "resolve-net 10.0.0.0/33",
            "'resolve-net' invalid network '10.0.0.0/33'.",
        ),
        ("resolve-net", "'resolve-net' expects a list of networks."),
        (
            "resolve-net 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6",
            "'resolve-net' exceed 5 networks.",
        ),
        (
            "resolve-opts foo",
            "'resolve-opts' : unknown resolve-opts option 'foo', supported methods are 'allow-dup-ip', 'ignore-weight', and 'prevent-dup-ip'.",
        ),
        (
            "init-addr foo",
            "'init-addr' : unknown init-addr method 'foo', supported methods are 'libc', 'last', 'none'.",
        ),
    ] {
        let line = format!("server a 127.0.0.1:80 {option}");
        assert_eq!(refused(&line), format!("{label}{message}"));
    }
}
