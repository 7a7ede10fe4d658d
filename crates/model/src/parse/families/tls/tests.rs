use crate::parse::testing::load_text;

fn messages(text: &str) -> Vec<String> {
    load_text(text).1
}

/// A file with a certificate and its key.
fn pem(names: &[&str]) -> tempfile::NamedTempFile {
    use std::io::Write;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    file.write_all(text.as_bytes()).expect("written");
    file
}

const TIMEOUTS: &str =
    "defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n mode http\n";

#[test]
fn listeners_get_their_certificates() {
    let file = pem(&["a.example"]);
    let path = file.path().display();
    let text = format!(
        "{TIMEOUTS}frontend f\n bind :1,:2 ssl crt {path} alpn h2,http/1.1 ssl-min-ver TLSv1.3\n"
    );
    let (snapshot, messages) = load_text(&text);
    assert_eq!(messages, [""; 0]);
    let binds = &snapshot.expect("loaded").proxies[0].front.binds;
    let listeners: Vec<_> = binds.iter().filter_map(|bind| bind.tls.as_ref()).collect();
    assert_eq!(listeners.len(), 2);
    assert!(std::sync::Arc::ptr_eq(listeners[0], listeners[1]));
}

#[test]
fn faults_are_those_operators_know() {
    let file = pem(&["a.example"]);
    let path = file.path().display();
    let label = "'bind :1' in section 'frontend' : ";
    for (options, message) in [
        ("crt".to_owned(), "'crt' : missing certificate location".to_owned()),
        ("crt /nope".into(), "unable to stat SSL certificate from file '/nope' : No such file or directory.".into()),
        (format!("crt {path} verify x"), "'verify' : unknown verify method 'x', only 'none', 'optional', and 'required' are supported".into()),
        (format!("crt {path} ssl-min-ver TLSv1.4"), "'TLSv1.4' : unknown ssl/tls version".into()),
        (format!("crt {path} ca-file /nope"), "'ca-file' : unable to load /nope".into()),
        (format!("crt {path} crl-file /nope"), "'crl-file' : unable to load /nope".into()),
        (format!("crt {path} crt-ignore-err x"), "'crt-ignore-err' : error constant 'x' unknown in error IDs list 'x'".into()),
        (format!("crt {path} alpn"), "'alpn' : missing the comma-delimited ALPN protocol suite".into()),
        ("crt-list /nope".into(), "'crt-list' : cannot open file '/nope' : No such file or directory".into()),
        (format!("crt {path} tls-ticket-keys /nope"), "'/nope' : unable to load ssl tickets keys file".into()),
    ] {
        let text = format!("{TIMEOUTS}frontend f\n bind :1 ssl {options}\n");
        assert_eq!(messages(&text), [format!("A 7: {label}{message}")], "{options}");
    }
}

#[test]
fn servers_are_verified_unless_told_otherwise() {
    let text = format!("{TIMEOUTS}backend b\n server s :1 ssl\n");
    let said = messages(&text);
    assert!(
        said[0].starts_with(
            "A 7: 'server b/s' : verify is enabled by default but no CA file specified."
        ),
        "{said:?}"
    );
    let text = format!("{TIMEOUTS}backend b\n server s :1 ssl verify none sni str(x) alpn h2\n");
    let (snapshot, said) = load_text(&text);
    assert_eq!(said, [""; 0]);
    assert!(
        snapshot.expect("loaded").proxies[0].back.servers[0]
            .tls
            .is_some()
    );
}

#[test]
fn a_certificate_is_declared_before_it_is_used() {
    let file = pem(&["a.example"]);
    let path = file.path().display();
    let store = format!("crt-store web\n load crt {path} alias site\n");
    let bind = format!("{TIMEOUTS}frontend f\n bind :1 ssl crt @web/site\n");
    assert_eq!(messages(&format!("{store}{bind}")), [""; 0]);
    let bind = format!("{TIMEOUTS}frontend f\n bind :1 ssl crt {path}\n");
    let said = messages(&format!("{bind}crt-store\n load crt {path}\n"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("already"), "{said:?}");
}

#[test]
fn what_is_not_offered_any_more_is_said_once() {
    let said = messages(
        "global\n tune.ssl.default-dh-param 2048\n ssl-default-bind-options no-sslv3 no-tlsv10 ssl-min-ver TLSv1.2\n",
    );
    assert_eq!(
        said,
        [
            "N 2: 'tune.ssl.default-dh-param' has no effect: key exchange over finite fields (DHE) is not offered, curves take its place."
        ]
    );
    let said =
        messages("global\n ssl-default-bind-ciphers AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256\n");
    assert!(
        said[0]
            .starts_with("N 2: 'ssl-default-bind-ciphers' : not offered and left out: AES128-SHA."),
        "{said:?}"
    );
}

#[test]
fn early_data_needs_sessions_that_are_kept_here() {
    use std::io::Write;
    let file = pem(&["a.example"]);
    let path = file.path().display();
    let mut keys = tempfile::NamedTempFile::new().expect("a file");
    for first in ["A", "B", "C"] {
        writeln!(keys, "{first}{}", "A".repeat(63)).expect("written");
    }
    let keys = keys.path().display();
    for (options, told) in [
        (String::new(), false),
        (format!("tls-ticket-keys {keys} no-tls-tickets"), false),
        (format!("tls-ticket-keys {keys}"), true),
    ] {
        let text = format!("{TIMEOUTS}frontend f\n bind :1 ssl crt {path} allow-0rtt {options}\n");
        let message = "N 7: Proxy 'f': 'allow-0rtt' has no effect for bind ':1': tickets under the keys of 'tls-ticket-keys' could be shown twice, and early data with them.";
        let expected: &[&str] = if told { &[message] } else { &[] };
        assert_eq!(messages(&text), expected, "{options}");
    }
}

#[test]
fn engines_are_refused() {
    assert_eq!(
        messages("global\n ssl-engine pkcs11 algo ALL\n"),
        ["A 2: 'ssl-engine' is not supported (engines of OpenSSL take no part in TLS here)."]
    );
}
