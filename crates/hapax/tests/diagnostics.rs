//! Checking a configuration: exit codes and the shape of messages.
mod common;

use common::program;
use testkit::Exit;

const GOOD: &str = "defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
listen in
  bind {in}
  server s1 127.0.0.1:1
";

fn check(config: &str) -> Exit {
    program().config(config).check()
}

/// The file must be refused, and one line must hold all of these texts.
#[track_caller]
fn refused(config: &str, parts: &[&str]) {
    let exit = check(config);
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let fits = exit
        .stderr
        .lines()
        .any(|line| line.starts_with("[ALERT]") && parts.iter().all(|part| line.contains(part)));
    assert!(fits, "no line with {parts:?} in:\n{}", exit.stderr);
}

#[test]
fn a_good_file() {
    let exit = check(GOOD);
    assert_eq!(
        (exit.code, exit.stdout.as_str()),
        (Some(0), ""),
        "{}",
        exit.stderr
    );
    assert!(!exit.stderr.contains("[ALERT]"), "{}", exit.stderr);
}

#[test]
fn a_good_file_is_told_so_with_verbosity() {
    let exit = program().config(GOOD).arg("-V").check();
    assert_eq!(exit.code, Some(0));
    assert!((exit.stdout + &exit.stderr).contains("Configuration file is valid"));
}

#[test]
fn an_unknown_keyword() {
    refused(
        "listen in\n  bind {in}\n  blance roundrobin\n",
        &[
            ") : config : parsing [",
            "haproxy.cfg:3] : unknown keyword 'blance' in 'listen' section",
            "'balance'",
        ],
    );
}

#[test]
fn all_faults_in_one_pass() {
    let exit = check("listen in\n  foo\n  bar\n  bind {in}\n");
    assert!(
        exit.stderr.contains("haproxy.cfg:2]") && exit.stderr.contains("haproxy.cfg:3]"),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr.contains("Error(s) found in configuration file"),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr.contains("Fatal errors found in configuration."),
        "{}",
        exit.stderr
    );
}

#[test]
fn a_missing_backend() {
    refused(
        "frontend in\n  mode http\n  bind {in}\n  default_backend none\n",
        &["Proxy 'in'", "'none'"],
    );
}

#[test]
fn duplicate_names() {
    refused(
        &[GOOD, "listen in\n  bind {in}\n"].concat(),
        &["'in'", "haproxy.cfg:9]"],
    );
}

#[test]
fn missing_arguments() {
    refused("listen in\n  bind\n", &["haproxy.cfg:2]", "'bind'"]);
    refused(
        "listen in\n  bind {in}\n  server\n",
        &["haproxy.cfg:3]", "server"],
    );
    refused(
        "listen in\n  bind {in}\n  mode\n",
        &["haproxy.cfg:3]", "mode"],
    );
}

#[test]
fn bad_values() {
    refused(
        "listen in\n  timeout client abc\n",
        &["haproxy.cfg:2]", "timeout client"],
    );
    refused("global\n  maxconn x\n", &["haproxy.cfg:2]", "maxconn"]);
    refused(
        "listen in\n  bind 127.0.0.1:99999\n",
        &["haproxy.cfg:2]", "99999"],
    );
    refused("listen in\n  mode htp\n", &["haproxy.cfg:2]", "htp"]);
}

#[test]
fn missing_timeouts_are_a_warning() {
    let exit = check("listen in\n  mode http\n  bind {in}\n  server s1 127.0.0.1:1\n");
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("[WARNING]")
            && exit.stderr.contains("missing timeouts for proxy 'in'"),
        "{}",
        exit.stderr
    );
}

#[test]
fn warnings_are_fatal_on_request() {
    let exit = program()
        .config("listen in\n  mode http\n  bind {in}\n  server s1 127.0.0.1:1\n")
        .arg("-dW")
        .check();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
}

#[test]
fn a_quiet_check() {
    let exit = program().config("listen in\n  foo\n").arg("-q").check();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_missing_file() {
    let exit = program()
        .arg("-c")
        .arg("-f")
        .arg("/nonexistent/haproxy.cfg")
        .run_bare();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("[ALERT]") && exit.stderr.contains("/nonexistent/haproxy.cfg"),
        "{}",
        exit.stderr
    );
}

#[test]
fn version_and_help() {
    let exit = program().arg("-v").run_bare();
    assert_eq!(exit.code, Some(0));
    assert!(
        exit.stdout.to_lowercase().contains("version"),
        "{}",
        exit.stdout
    );
    let exit = program().arg("-h").run_bare();
    assert_eq!(exit.code, Some(1));
    assert!((exit.stdout + &exit.stderr).contains("Usage : "));
}

#[test]
fn notices_warnings_and_alerts_of_the_file_itself() {
    let exit = check(&format!("{GOOD}.notice \"n1\"\n.warning \"w1\"\n"));
    assert_eq!(exit.code, Some(0));
    assert!(
        exit.stderr.contains("[WARNING]") && exit.stderr.contains("'w1'"),
        "{}",
        exit.stderr
    );
    refused(&format!("{GOOD}.alert \"a1\"\n"), &["'a1'"]);
}

#[test]
fn predicates_are_evaluated() {
    for (predicate, code) in [
        ("1", 0),
        ("!1", 1),
        ("streq(a,a)", 0),
        ("version_atleast(9.0)", 1),
    ] {
        let exit = program().arg("-cc").arg(predicate).run_bare();
        assert_eq!(exit.code, Some(code), "{predicate}: {}", exit.stderr);
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let exit = program()
        .config(GOOD)
        .config(&format!("  bind {address}"))
        .arg("-db")
        .run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("[ALERT]") && exit.stderr.contains(&address.to_string()),
        "{}",
        exit.stderr
    );
}

#[test]
fn environment_and_conditions() {
    let config = "global
.if defined(MARK)
  setenv PATHNAME \"${MARK}\"
.else
  bad_keyword
.endif
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
listen in
  bind {fe}
  http-request return status 200 content-type text/plain string \"$PATHNAME\" if { path \"/$MARK\" }
";
    assert_eq!(program().config(config).check().code, Some(1));
    let program = program().config(config).env("MARK", "seen").start();
    assert_eq!(program.connect("fe").get("/seen").text(), "seen");
}
