//! `attach-srv`: what it hands on, and what HAProxy 3.4 says of it at fault.

use super::*;

fn edge(server: &str, rule: &str) -> Outcome {
    read(&format!(
        "global
 expose-experimental-directives
backend be
 mode http
 timeout connect 1s
 timeout server 1s
 server s {server}
frontend f
 mode http
 bind 127.0.0.1:80
 timeout client 1s
 tcp-request session attach-srv {rule}
"
    ))
}

#[test]
fn connections_go_to_a_server_under_a_name() {
    let by_name = "rhttp@ pool-conn-name hdr(a)";
    for (server, rule, done) in [
        ("rhttp@", "be/s", "attach be/s None"),
        (by_name, "be/s name str(x)", "attach be/s Some(\"x\")"),
        (by_name, "be/s name src", "attach be/s Some(\"127.0.0.1\")"),
        (by_name, "be/s name var(sess.none)", "attach be/s None"),
        ("rhttp@", "be/s if { src 192.0.2.1 }", ""),
    ] {
        let outcome = edge(server, rule);
        assert!(outcome.loaded.is_some(), "{rule}: {}", outcome.messages);
        let mut fake = Fake::new("GET / HTTP/1.1", &[]);
        let flow = fake.run(&outcome.proxy("f").rules.tcp_session);
        assert!(matches!(flow, Flow::Continue), "the rules behind it count");
        assert_eq!(fake.done.concat(), done, "{rule}");
    }
}

#[test]
fn faults_are_told() {
    let unnamed = "attach-srv rule has no name argument while server 'be/s' uses pool-conn-name; either add a name argument to the attach-srv rule or reconfigure the server.";
    for (server, rule, message) in [
        (
            "rhttp@",
            "",
            "Proxy 'f': attach-srv rule: invalid server name ''.",
        ),
        (
            "rhttp@",
            "be",
            "Proxy 'f': attach-srv rule: invalid server name 'be'.",
        ),
        (
            "rhttp@",
            "be/",
            "Proxy 'f': attach-srv rule: invalid server name 'be/'.",
        ),
        (
            "rhttp@",
            "/s",
            "Proxy 'f': attach-srv rule: no such backend '/s'.",
        ),
        (
            "rhttp@",
            "x/s",
            "Proxy 'f': attach-srv rule: no such backend 'x/s'.",
        ),
        (
            "rhttp@",
            "be/x",
            "Proxy 'f': attach-srv rule: no such server 'be/x'.",
        ),
        ("rhttp@", "be/s name", "missing name value"),
        ("rhttp@", "be/s name foo", "unknown fetch method 'foo'"),
        (
            "rhttp@",
            "be/s name src",
            "Proxy 'f': attach-srv rule has a name argument while server 'be/s' does not use pool-conn-name; either reconfigure the server or remove the name argument from this attach-srv rule.",
        ),
        ("rhttp@ pool-conn-name src", "be/s", unnamed),
        ("rhttp@ ssl verify none sni src", "be/s", unnamed),
        ("rhttp@ ssl verify none", "be/s", unnamed),
        (
            "rhttp@",
            "be/s bar",
            "'tcp-request session attach-srv' only accepts 'if' or 'unless'",
        ),
        (
            "127.0.0.1:80",
            "be/s",
            "attach-srv rule closes what it is to hand to server 'be/s', which has an address of its own instead of 'rhttp@'.",
        ),
    ] {
        let told = edge(server, rule).messages;
        assert!(told.contains(message), "{rule}: {told}");
    }
}

#[test]
fn servers_of_http_take_them_when_that_is_asked_for() {
    let out =
        read("backend be\n mode http\n timeout connect 1s\n timeout server 1s\n server s rhttp@\n");
    let why = "'server be/s' : Address 'rhttp@' is experimental, must be allowed via a global 'expose-experimental-directives'";
    assert!(
        out.loaded.is_none() && out.messages.contains(why),
        "{}",
        out.messages
    );
    let out = edge("rhttp@", "be/s").messages;
    assert!(!out.contains("experimental"), "{out}");
    let out = read(
        "global\n expose-experimental-directives\nbackend be\n mode tcp\n timeout connect 1s\n timeout server 1s\n server s rhttp@\n",
    );
    let why = "backend 'be' : server s uses reverse HTTP addressing which can only be used with HTTP mode.";
    assert!(
        out.loaded.is_none() && out.messages.contains(why),
        "{}",
        out.messages
    );
}
