use crate::parse::families::proxy::testing::{Outcome, read};

const TIMES: &str = " timeout connect 1s\n timeout client 1s\n timeout server 1s\n";

fn said(out: &Outcome, message: &str) {
    assert!(
        out.messages.contains(message),
        "not said: {message}\n{}",
        out.messages
    );
}

fn front_and_back(front: &str, back: &str) -> Outcome {
    read(&format!(
        "frontend f\n bind :80\n timeout client 1s\n{front}\nbackend b\n timeout connect 1s\n timeout server 1s\n server s 127.0.0.1:1\n{back}\n"
    ))
}

#[test]
fn numbers_skip_what_is_taken() {
    let out = read("frontend f\n bind :80\n timeout client 1s\nbackend b\n id 3\nbackend c\n");
    let ids = ["f", "b", "c"].map(|name| (out.proxy(name).idx.0, out.proxy(name).id));
    assert_eq!(ids, [(0, 2), (1, 3), (2, 4)]);
}

#[test]
fn identifiers_are_unique() {
    let out = read("backend a\n id 5\nbackend b\n id 5\n");
    said(
        &out,
        "backend b reuses same custom id as backend a (declared at t.cfg:1).",
    );
    let out = read("backend a\n guid z\nbackend b\n guid z\n");
    said(&out, "'guid': duplicate entry with backend a");
    assert!(out.loaded.is_none());
}

#[test]
fn modes_have_to_fit() {
    let out = front_and_back(" mode http\n default_backend b\n use_backend b if TRUE", "");
    said(
        &out,
        "http frontend 'f' (t.cfg:1) tries to use incompatible tcp backend 'b' (t.cfg:7) as its default backend (see 'mode').",
    );
    said(&out, "in a 'use_backend' rule (see 'mode').");
    assert!(out.loaded.is_none());
    let upgraded = front_and_back(" default_backend b", " mode http");
    assert!(upgraded.loaded.is_some(), "{}", upgraded.messages);
}

#[test]
fn a_proxy_does_not_lead_to_itself() {
    let out = read(&format!(
        "listen l\n bind :80\n{TIMES} use_backend l if TRUE\n"
    ));
    said(&out, "Proxy 'l': loop detected for use_backend: 'l'.");
    assert!(out.loaded.is_none());
}

#[test]
fn what_is_switched_off_is_not_checked() {
    let out = read("frontend f\n disabled\n default_backend gone\n option httplog\n");
    assert!(
        out.loaded.is_some() && out.messages.is_empty(),
        "{}",
        out.messages
    );
}

#[test]
fn missing_timeouts_are_named() {
    let warns = |text: &str| read(text).messages.contains("missing timeouts for");
    assert!(warns("frontend f\n bind :80\n"));
    assert!(!warns("backend b\n"), "nothing to wait for");
    assert!(warns(
        "backend b\n server s 127.0.0.1:1\n timeout connect 1s\n"
    ));
    let tunnel = |mode: &str| {
        format!(
            "backend b\n mode {mode}\n server s 127.0.0.1:1\n timeout connect 1s\n timeout tunnel 1s\n"
        )
    };
    assert!(!warns(&tunnel("tcp")) && warns(&tunnel("http")));
    let out = read("frontend f\n bind :80\n");
    said(&out, "missing timeouts for frontend 'f'.");
}

#[test]
fn a_frontend_without_listener_is_pointed_out() {
    let out = read("frontend f\n timeout client 1s\n");
    said(
        &out,
        "frontend 'f' has no 'bind' directive. Please declare it as a backend if this was intended.",
    );
    assert!(out.loaded.is_some());
}

#[test]
fn http_log_lines_fall_back_in_tcp_mode() {
    let text = format!(
        "defaults\n option httplog clf\n{TIMES}frontend f\n bind :80\nfrontend g\n mode http\n bind :81\n"
    );
    let out = read(&text);
    said(
        &out,
        "'option httplog clf' not usable with frontend 'f' (needs 'mode http'). Falling back to 'option tcplog clf'.",
    );
    said(
        &out,
        "log format ignored for frontend 'g' since it has no log address.",
    );
    assert_eq!(out.proxy("f").log.line, crate::log::DefaultLine::TcpClf);
    assert!(out.proxy("g").log.format.is_some());
}

#[test]
fn fullconn_is_a_tenth_of_what_may_come() {
    let text = format!(
        "listen a\n bind :80\n maxconn 15\n use_backend b if TRUE\n use_backend b\n{TIMES}\nfrontend c\n bind :81\n maxconn 6\n default_backend b\n timeout client 1s\nbackend b\nbackend d\n"
    );
    let out = read(&text);
    let full = ["a", "b", "d"].map(|name| out.proxy(name).back.fullconn);
    assert_eq!(full, [2, 3, 0]);
}

#[test]
fn proxies_in_expressions_are_found_wherever_they_stand() {
    let out = front_and_back(
        " acl a nbsrv(b) gt 1\n use_backend b if a { srv_conn(b/s) gt 1 } { fe_conn(f) gt 1 }",
        "",
    );
    assert!(out.loaded.is_some(), "{}", out.messages);
    let out = front_and_back(" use_backend b if { nbsrv(zz) gt 1 }", "");
    said(&out, "unable to find backend 'zz' referenced in arg 1 of");
    let out = front_and_back(" use_backend b if { srv_conn(b/zz) gt 1 }", "");
    said(
        &out,
        "unable to find server 'zz' in proxy 'b', referenced in arg 1 of",
    );
    let out = front_and_back(" use_backend b if { srv_conn(zz/s) gt 1 }", "");
    said(&out, "unable to find proxy 'zz' referenced in arg 1 of");
    assert!(out.loaded.is_none());
}

#[test]
fn after_a_faulty_line_only_errors_count() {
    let out = read("frontend f\n bind nonsense:x:y\n");
    assert!(
        out.loaded.is_none() && !out.messages.contains("Warning"),
        "{}",
        out.messages
    );
}

#[test]
fn many_backends_resolve() {
    let mut text = format!("defaults\n mode http\n{TIMES}frontend f\n bind :80\n");
    const MANY: usize = 3000;
    for at in 0..MANY {
        text.push_str(&format!(" use_backend b{at} if TRUE\n"));
    }
    for at in 0..MANY {
        text.push_str(&format!("backend b{at}\n server s 127.0.0.1:1\n"));
    }
    let out = read(&text);
    let rules = &out.proxy("f").front.switch_rules;
    let last = &out.proxy(&format!("b{}", MANY - 1)).idx;
    assert_eq!(rules.len(), MANY);
    assert!(
        matches!(rules.last().map(|rule| &rule.target), Some(crate::proxy::SwitchTarget::Static(at)) if at == last)
    );
}

#[test]
fn names_in_expressions_are_missed_with_their_place() {
    let unknown = "unable to find backend 'no' referenced in arg 1 of";
    for (line, message) in [
        ("acl a nbsrv(no) gt 1", format!("{unknown} ACL keyword 'nbsrv' in proxy 'f'.")),
        (
            "http-request set-header a %[nbsrv(no)]",
            format!("{unknown} sample fetch keyword 'nbsrv' in http-request expression in proxy 'f'."),
        ),
        (
            "http-after-response set-header a %[nbsrv(no)]",
            format!("{unknown} sample fetch keyword 'nbsrv' in http-response response in proxy 'f'."),
        ),
        (
            "tcp-request content set-var(txn.a) nbsrv(no)",
            format!("{unknown} sample fetch keyword 'nbsrv' in tcp-request content expression in proxy 'f'."),
        ),
        (
            "log-format %[nbsrv(no)]",
            format!("{unknown} sample fetch keyword 'nbsrv' in log-format string in proxy 'f'."),
        ),
        (
            "http-request set-header a %[nbsrv()]",
            "proxy 'f', referenced in arg 1 of sample fetch keyword 'nbsrv' in http-request expression in proxy 'f', has not backend capability.".to_owned(),
        ),
        (
            "http-request set-header a %[srv_is_up(y)]",
            "unable to find server 'y' in proxy 'f', referenced in arg 1 of sample fetch keyword 'srv_is_up' in http-request expression in proxy 'f'.".to_owned(),
        ),
    ] {
        let (_, messages) = crate::parse::testing::load_text(&format!(
            "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind :80\n {line}\n"
        ));
        assert!(
            messages.iter().any(|told| told.ends_with(&message)),
            "{line}: {messages:?}"
        );
    }
}

#[test]
fn events_go_to_sinks_that_are_there() {
    let rules = |sink: &str| {
        format!(
            "ring r\ndefaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind :80\n http-request set-var(txn.a) path,debug(p,{sink})\n"
        )
    };
    for sink in ["r", "stdout", "stderr", "buf0"] {
        let (_, messages) = crate::parse::testing::load_text(&rules(sink));
        assert!(
            messages.iter().all(|told| !told.starts_with('A')),
            "{messages:?}"
        );
    }
    let (_, messages) = crate::parse::testing::load_text(&rules("q"));
    assert!(
        messages
            .iter()
            .any(|told| told.ends_with("debug converter: sink 'q' doesn't exist.")),
        "{messages:?}"
    );
}

#[test]
fn rules_of_defaults_sections_come_first_without_a_word() {
    let out = read(&format!(
        "defaults d\n mode http\n{TIMES} tcp-request content accept if FALSE\n http-request deny\nfrontend f from d\n bind :80\n tcp-request connection accept if FALSE\n http-request deny if FALSE\n"
    ));
    assert!(
        out.loaded.is_some() && out.messages.is_empty(),
        "{}",
        out.messages
    );
    let out = read(&format!(
        "frontend f\n mode http\n{TIMES} bind :80\n http-request deny\n tcp-request connection accept if FALSE\n http-request deny if FALSE\n"
    ));
    said(&out, "will still be processed before.");
    said(&out, "further entries are NOOP.");
}

#[test]
fn proxies_of_defaults_sections_are_the_streams_own() {
    let out = read(&format!(
        "defaults d\n mode http\n{TIMES} http-request set-header x %[fe_conn]\ndefaults e\n mode http\n{TIMES} http-request set-header x %[be_conn]\nfrontend f from d\n bind :80\n default_backend b\nbackend b from e\n"
    ));
    assert!(
        out.loaded.is_some() && out.messages.is_empty(),
        "{}",
        out.messages
    );
}
