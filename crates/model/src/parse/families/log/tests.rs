use crate::Snapshot;
use crate::address::Address;
use crate::log::{Destination, HeaderFormat, LogTarget, Sampling};
use crate::parse::testing::load_text;

fn loaded(text: &str) -> Snapshot {
    let (snapshot, messages) = load_text(text);
    let Some(snapshot) = snapshot else {
        panic!("{messages:?}")
    };
    snapshot
}

fn target(line: &str) -> LogTarget {
    let snapshot = loaded(&format!("global\n {line}\n"));
    LogTarget::clone(snapshot.global.logs.first().expect("a target"))
}

fn socket(text: &str, stream: bool) -> Destination {
    Destination::Socket {
        address: Address::Inet(text.parse().expect("an address")),
        stream,
    }
}

#[test]
fn destinations() {
    assert_eq!(
        target("log 127.0.0.1 local0").destination,
        socket("127.0.0.1:514", false)
    );
    assert_eq!(
        target("log tcp@127.0.0.1:1514 local0").destination,
        socket("127.0.0.1:1514", true)
    );
    assert_eq!(
        target("log stdout format raw local0").destination,
        Destination::Descriptor(1)
    );
    assert_eq!(
        target("log fd@7 local0").destination,
        Destination::Descriptor(7)
    );
    let unix = Destination::Socket {
        address: Address::Unix("/dev/log".into()),
        stream: false,
    };
    assert_eq!(target("log /dev/log daemon").destination, unix);
}

#[test]
fn everything_a_line_can_say() {
    let t = target("log 127.0.0.1:514 len 2048 format rfc5424 sample 1-3,5:10 local7 notice err");
    assert_eq!(
        (t.max_len, t.format, t.facility),
        (2048, HeaderFormat::Rfc5424, 23)
    );
    assert_eq!((t.max_level, t.min_level), (5, 3));
    assert_eq!(
        t.sample,
        Some(Sampling {
            ranges: vec![(1, 3), (5, 5)],
            size: 10
        })
    );
}

#[test]
fn faults_are_named() {
    for (line, message) in [
        ("log", "expects <address> and <facility>  as arguments"),
        (
            "log 127.0.0.1",
            "expects <address> and <facility>  as arguments",
        ),
        ("log 127.0.0.1 foo", "unknown log facility 'foo'"),
        (
            "log 127.0.0.1 local0 foo",
            "unknown optional log level 'foo'",
        ),
        (
            "log 127.0.0.1 local0 info foo",
            "unknown optional minimum log level 'foo'",
        ),
        (
            "log 127.0.0.1 local0 info err x",
            "cannot handle unexpected argument 'x'",
        ),
        (
            "log 127.0.0.1 len 5 local0",
            "invalid log length '5', must be between 80 and 65535",
        ),
        (
            "log 127.0.0.1 format foo local0",
            "unknown log format 'foo'",
        ),
        (
            "log 127.0.0.1 sample 1-3,3:10 local0",
            "ranges are overlapping",
        ),
        (
            "log 127.0.0.1 sample 1-30:10 local0",
            "sample size 10 should be greater or equal to 30 the maximum of the high ranges limits",
        ),
        ("log 127.0.0.1 sample 0:10 local0", "wrong sample range '0'"),
        ("log 127.0.0.1 sample 10 local0", "Missing sample size"),
        (
            "log 127.0.0.1 sample 1:0 local0",
            "wrong sample size '0' for sample range '1'",
        ),
        (
            "log global",
            "'global' is not supported for a global syslog server",
        ),
        (
            "log 127.0.0.1:1-2 local0",
            "port range not permitted here in '127.0.0.1:1-2'",
        ),
        ("no log x", "'no log' does not expect arguments"),
    ] {
        let (_, messages) = load_text(&format!("global\n {line}\n"));
        assert_eq!(
            messages.first().map(String::as_str),
            Some(format!("A 2: log : {message}").as_str()),
            "{line}"
        );
    }
}

#[test]
fn global_targets_join_those_of_a_proxy() {
    let snapshot = loaded(
        "global\n log 127.0.0.1 local0\ndefaults\n log global\n timeout client 1s\nfrontend a\n bind 127.0.0.1:1\n log stdout local1\nfrontend b\n bind 127.0.0.1:2\n no log\n",
    );
    let counts: Vec<usize> = snapshot
        .proxies
        .iter()
        .map(|proxy| proxy.log.targets.len())
        .collect();
    assert_eq!(counts, [2, 0]);
}

#[test]
fn profiles_may_follow() {
    let snapshot = loaded(
        "frontend f\n bind 127.0.0.1:1\n timeout client 1s\n log stdout profile p local0\nlog-profile p\n log-tag t\n on error drop\n on any format \"x\"\n on any format \"%ci\" sd \"[a]\"\n",
    );
    let target = snapshot.proxies[0].log.targets[0].clone();
    let profile = target.profile.clone().expect("a profile");
    assert_eq!(
        (profile.tag.as_deref(), profile.steps.len()),
        (Some("t"), 2)
    );
    let (name, step) = profile.steps.last().expect("a step");
    assert!(&**name == "any" && step.format.is_some() && step.structured_data.is_some());
}

#[test]
fn rings_and_forwarders() {
    let snapshot = loaded(
        "ring r\n description a b\n format rfc3164\n maxlen 1200\n size 32764\n timeout connect 5s\n timeout server 10s\n server s 127.0.0.1:6514 log-proto octet-count\nlog-forward f\n bind 127.0.0.1:1514 maxconn 3\n dgram-bind 127.0.0.1:1515\n log ring@r local0\n maxconn 9\n timeout client 10s\n option assume-rfc6587-ntf\n option host keep\n",
    );
    let ring = &snapshot.logging.rings[0];
    assert_eq!(
        (ring.size, ring.max_len, ring.timeouts),
        (32764, 1200, (Some(5000), Some(10_000)))
    );
    assert!(ring.servers[0].2);
    let forward = &snapshot.logging.forwards[0];
    assert_eq!(
        (
            forward.binds.len(),
            forward.datagram_binds.len(),
            forward.targets.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (forward.maxconn, forward.timeout_client, forward.host),
        (9, Some(10_000), 2)
    );
    assert!(forward.assume_ntf && !forward.dont_parse);
}

#[test]
fn faults_of_sections_are_named() {
    for (text, message) in [
        ("ring\n", "A 1: missing ring name."),
        (
            "ring r%\n",
            "A 1: invalid ring name 'r%' (character '%' is not permitted).",
        ),
        ("ring r\nring r\n", "A 2: sink named 'r' already exists."),
        ("ring r\n format foo\n", "A 2: unknown format 'foo'."),
        (
            "ring r\n maxlen 0\n",
            "A 2: invalid size '0' for new sink buffer.",
        ),
        (
            "ring r\n maxlen 100000\n",
            "W 0: ring 'r' event max length '100000' exceeds max payload size, forced to '16187'.",
        ),
        (
            "ring r\n timeout connect x\n",
            "A 2: unexpected character 'x' in argument to <timeout connect>.",
        ),
        ("ring r\n foo\n", "A 2: unknown statement 'foo'."),
        (
            "log-forward\n",
            "A 1: missing name for log-forward section.",
        ),
        (
            "log-forward a b\n",
            "A 1: 'log-forward' cannot handle unexpected argument 'b'.",
        ),
        (
            "log-forward a\n dgram-bind :514 nam\n",
            "A 2: unknown keyword 'nam' in 'log-forward' section; did you mean 'name' maybe ?",
        ),
        (
            "log-forward a\n timeout foo\n",
            "A 2: unknown keyword 'timeout foo' in log-forward section.",
        ),
        (
            "log-forward a\n option host foo\n",
            "A 2: option 'host' expects {replace|fill|keep|append}.",
        ),
        (
            "log-forward a\n foo\n",
            "A 2: unknown keyword 'foo' in log-forward section.",
        ),
        (
            "log-forward a\n bind :1\nlog-forward a\n",
            "A 3: log-forward section 'a' has the same name as another log-forward section declared at t.cfg:1.",
        ),
        (
            "log-profile a\n on accept\n",
            "A 2: 'on accept' expects 'drop', 'format' or 'sd'.",
        ),
        (
            "log-profile a\n on accept format\n",
            "A 2: 'on accept format' expects a logformat string.",
        ),
        (
            "cache u\n total-max-size 4\n",
            "A 1: section 'cache' is known but not built yet in hapax (waits for: the cache).",
        ),
    ] {
        let (_, messages) = load_text(text);
        assert!(
            messages.first().is_some_and(|first| first == message),
            "{text:?}: {messages:?}"
        );
    }
}

#[test]
fn formats_are_kept_for_later() {
    for (line, message) in [
        ("log-format", "log-format expects an argument."),
        (
            "log-format a b",
            "log-format expects only one argument, don't forget to escape spaces!",
        ),
        (
            "error-log-format a b",
            "error-log-format expects only one argument, don't forget to escape spaces!",
        ),
        ("log-tag", "'log-tag' expects a tag for use in syslog."),
    ] {
        let (_, messages) = load_text(&format!("frontend f\n {line}\n"));
        let expected = format!("A 2: {message}");
        assert!(messages.contains(&expected), "{line}: {messages:?}");
    }
    let (_, messages) = load_text("frontend f\n log-steps accept,foo\n");
    assert!(messages.iter().any(|m| {
        m.starts_with("A 2: invalid log step name (foo). Expected values are: accept, request,")
    }));
}
