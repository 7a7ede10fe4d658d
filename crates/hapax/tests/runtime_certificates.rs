//! Certificates, authorities, revocation lists and lists of certificates, changed by the runtime API.
mod common;

use common::api::{ask_line, stat};
use common::{certificates::recorded, http, program};
use std::time::Duration;
use testkit::{Builder, Program, Server, eventually, handlers};

fn text(name: &str) -> String {
    String::from_utf8(recorded(name)).expect("UTF-8")
}

const FILES: [&str; 10] = [
    "client.pem",
    "good.b64",
    "keys",
    "list",
    "one-alone.crt",
    "one-alone.key",
    "one.pem",
    "other.crt",
    "root.crt",
    "two.pem",
];

/// The recorded certificates in the program's folder.
fn with_files(builder: Builder) -> Builder {
    let builder = FILES
        .into_iter()
        .fold(builder, |builder, name| builder.file(name, recorded(name)));
    let ocsp = tls_response(&text("good.b64"));
    builder
        .file("revoked.b64", recorded("revoked.b64"))
        .file("revoked.crl", recorded("revoked.crl"))
        .file("one.pem.ocsp", ocsp)
        .file("one.pem.issuer", recorded("root.crt"))
}

/// Base64 decoded by hand: the tests know nothing of the program's own code.
fn tls_response(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.trim().bytes().filter(|c| *c != b'=').collect();
    let mut out = Vec::new();
    for group in digits.chunks(4) {
        let bits = group
            .iter()
            .fold(0u32, |bits, c| bits << 6 | u32::from(digit(*c)));
        let bits = bits << (6 * (4 - group.len()));
        out.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    out
}

/// Prepares a certificate and commits it.
fn exchange(program: &Program, name: &str, pem: &str) {
    let said = ask_line(program, &format!("set ssl cert {name} <<\n{pem}\n"));
    assert!(said.starts_with("Transaction created"), "{said}");
    let said = ask_line(program, &format!("commit ssl cert {name}"));
    assert!(said.ends_with("Success!"), "{said}");
}

/// Where a listening line is differs from run to run.
fn without_places(text: &str) -> String {
    let line = |line: &str| match line.split_once('\t') {
        Some((place, rest)) if place.starts_with("fe/") => format!("fe\t{rest}"),
        _ if line.starts_with("\t- ") => "\t-".to_owned(),
        _ if line.starts_with("Proxy 'fe'") => line.split(" at [").next().unwrap_or("").to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Commands with their answers, as HAProxy 3.4.0 gave them to the same files.
#[test]
fn commands_answer_as_recorded() {
    let config = text("config");
    let config = config.replacen("{tmp}/admin.sock", "{tmp}/admin.sock mode 600", 1);
    let program = with_files(program()).config(&config).start();
    let socket = program.path("admin.sock");
    assert!(eventually(Duration::from_secs(20), || socket.exists()));
    let folder = program.path("");
    let folder = folder.to_str().expect("UTF-8").trim_end_matches('/');
    let answers = text("answers");
    let mut parts = answers.split(">>> ").skip(1);
    while let Some(part) = parts.next() {
        let (shown, mut answer) = part.split_once('\n').expect("a command");
        let mut command = shown.replace("{tmp}", folder);
        if let Some((head, files)) = shown.split_once("<< @") {
            command = format!("{}<<", head.replace("{tmp}", folder));
            for file in files.split(" @") {
                command = format!("{command}\n{}", text(file).trim_end());
            }
            command.push('\n');
        } else if shown.ends_with("<<") {
            // The lines of a payload are marked as commands are; a dot ends it.
            for line in parts.by_ref() {
                let (line, rest) = line.split_once('\n').expect("a line");
                if line == "." {
                    answer = rest;
                    break;
                }
                command = format!("{command}\n{}", line.replace("{tmp}", folder));
            }
            command.push('\n');
        }
        let said = ask_line(&program, &command).replace(folder, "{tmp}");
        let wanted = answer.trim_end_matches('\n');
        assert_eq!(without_places(&said), without_places(wanted), "{shown}");
    }
}

/// A token made with OpenSSL.
fn token(name: &str) -> String {
    text(name).trim().to_owned()
}

#[test]
fn tokens_are_verified_with_certificates() {
    let program = with_files(http())
        .config(
            "global
  stats socket {tmp}/admin.sock level admin
crt-store st
  load crt {tmp}/one.pem alias one jwt on
frontend fe
  bind {fe}
  http-request set-var(txn.cert) req.hdr(x-cert)
  http-request set-var(txn.hidden) req.hdr(x-sealed),jwt_decrypt_cert(txn.cert)
  http-request return status 200 content-type text/plain lf-string \"%[req.hdr(x-token),jwt_verify_cert(RS256,{tmp}/one-alone.crt)] %[req.hdr(x-token),jwt_verify_cert(RS256,txn.cert)] %[var(txn.hidden)]\"
",
        )
        .start();
    let verdicts = |certificate: &str| {
        let (open, sealed) = (token("token.jws"), token("token.jwe"));
        let request = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx-token: {open}\r\nx-sealed: {sealed}\r\nx-cert: {certificate}\r\n\r\n"
        );
        program.connect("fe").send(&request).response().text()
    };
    assert_eq!(verdicts("@st/one"), "1 1 hidden words");
    assert_eq!(verdicts("nope"), "1 -5 ");
    exchange(&program, "@st/one", &text("two.pem"));
    assert_eq!(verdicts("@st/one"), "1 0 ");
    exchange(&program, "@st/one", &text("one.pem"));
    assert_eq!(ask_line(&program, "del ssl jwt @st/one"), "");
    assert_eq!(verdicts("@st/one"), "1 -7 ");
    assert_eq!(ask_line(&program, "add ssl jwt @st/one"), "");
    assert_eq!(verdicts("@st/one"), "1 1 hidden words");
}

/// A frontend `fe` that speaks TLS to `tls`, with no connection kept for others.
fn chain(bind: &str, server: &str) -> Program {
    with_files(http())
        .config(&format!(
            "global
  stats socket {{tmp}}/admin.sock level admin
  crt-base {{tmp}}
  ca-base {{tmp}}
frontend in
  bind {{fe}}
  default_backend back
backend back
  retries 0
  http-reuse never
  server s {{tls}} ssl pool-max-conn 0 {server}
frontend secure
  bind {{tls}} ssl {bind}
  http-request return status 200 content-type text/plain lf-string \"%[ssl_f_s_dn] %[ssl_c_verify] %[ssl_c_s_dn]\"
"
        ))
        .start()
}

#[test]
fn new_handshakes_get_what_was_committed() {
    let program = chain("crt one.pem", "verify none");
    let name = program.path("one.pem");
    let name = name.to_str().expect("UTF-8");
    let mut early = program.connect("fe");
    let ask_again = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(early.send(ask_again).response().text(), "/CN=one/C=FR 0 ");
    ask_line(
        &program,
        &format!("set ssl cert {name} <<\n{}\n", text("client.pem")),
    );
    assert_eq!(program.connect("fe").get("/").text(), "/CN=one/C=FR 0 ");
    let said = ask_line(&program, &format!("commit ssl cert {name}"));
    assert_eq!(said, format!("Committing {name}.\nSuccess!"));
    assert_eq!(program.connect("fe").get("/").text(), "/CN=client 0 ");
    // A bad certificate changes nothing.
    let said = ask_line(&program, &format!("set ssl cert {name} <<\nnonsense\n"));
    assert!(said.contains("no start line") && said.ends_with(&format!("Can't update {name}!")));
    assert_eq!(program.connect("fe").get("/").text(), "/CN=client 0 ");
}

#[test]
fn servers_are_shown_another_certificate() {
    let program = chain(
        "crt one.pem ca-file root.crt verify required crt-ignore-err all",
        "verify none crt client.pem",
    );
    assert_eq!(
        program.connect("fe").get("/").text(),
        "/CN=one/C=FR 0 /CN=client"
    );
    let name = program.path("client.pem");
    exchange(&program, name.to_str().expect("UTF-8"), &text("one.pem"));
    assert_eq!(
        program.connect("fe").get("/").text(),
        "/CN=one/C=FR 0 /CN=one/C=FR"
    );
    // Who would be refused by now can't take a session up again either.
    let authorities = program.path("root.crt");
    let authorities = authorities.to_str().expect("UTF-8");
    let other = text("other.crt");
    ask_line(
        &program,
        &format!("set ssl ca-file {authorities} <<\n{other}\n"),
    );
    let said = ask_line(&program, &format!("commit ssl ca-file {authorities}"));
    assert_eq!(said, format!("Committing {authorities}.\nSuccess!"));
    for _ in 0..2 {
        let status = program.connect("fe").get("/").status();
        assert!(matches!(status, 502 | 503), "{status}");
    }
}

/// An authority, a client with a certificate of it, and revocation lists that do not name it and that do.
struct Authority {
    certificate: String,
    client: String,
    lists: [String; 2],
}

fn authority() -> Authority {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::from_params(&params, &key);
    let client_key = KeyPair::generate().expect("a key");
    let mut client = CertificateParams::default();
    let serial = rcgen::SerialNumber::from(7u64);
    client.serial_number = Some(serial.clone());
    client.distinguished_name.push(DnType::CommonName, "client");
    let client = client
        .signed_by(&client_key, &issuer)
        .expect("a certificate");
    let (since, until) = (
        rcgen::date_time_ymd(2000, 1, 1),
        rcgen::date_time_ymd(3000, 1, 1),
    );
    let revoked = rcgen::RevokedCertParams {
        serial_number: serial,
        revocation_time: since,
        reason_code: None,
        invalidity_date: None,
    };
    let lists = [(1u64, Vec::new()), (2, vec![revoked])].map(|(number, revoked_certs)| {
        let list = rcgen::CertificateRevocationListParams {
            this_update: since,
            next_update: until,
            crl_number: rcgen::SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&issuer).expect("a list").pem().expect("PEM")
    });
    Authority {
        certificate,
        client: client.pem() + &client_key.serialize_pem(),
        lists,
    }
}

#[test]
fn revocation_lists_count_from_their_commit_on() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        for reuse in ["ssl-reuse", "no-ssl-reuse"] {
            revoke(version, reuse);
        }
    }
}

fn revoke(version: &str, reuse: &str) {
    let authority = authority();
    let program = with_files(http())
        .file("ca.crt", &authority.certificate)
        .file("known.pem", &authority.client)
        .file("ca.crl", &authority.lists[0])
        .config(&format!(
            "global
  stats socket {{tmp}}/admin.sock level admin
  crt-base {{tmp}}
  ca-base {{tmp}}
frontend in
  bind {{fe}}
  default_backend back
backend back
  retries 0
  http-reuse never
  server s {{tls}} ssl pool-max-conn 0 verify none crt known.pem {reuse}
frontend secure
  bind {{tls}} ssl crt one.pem ca-file ca.crt crl-file ca.crl verify required ssl-min-ver {version} ssl-max-ver {version}
  http-request return status 200 content-type text/plain lf-string \"%[ssl_c_s_dn] %[ssl_fc_is_resumed]\"
"
        ))
        .start();
    let get = || program.connect("fe").get("/");
    let resumed = u8::from(reuse == "ssl-reuse");
    assert_eq!(get().text(), "/CN=client 0");
    assert_eq!(get().text(), format!("/CN=client {resumed}"));
    let file = program.path("ca.crl");
    let file = file.to_str().expect("UTF-8");
    let change = |list: &str| ask_line(&program, &format!("set ssl crl-file {file} <<\n{list}\n"));
    let commit = || {
        let said = ask_line(&program, &format!("commit ssl crl-file {file}"));
        assert_eq!(said, format!("Committing {file}.\nSuccess!"));
    };
    let said = change(&authority.lists[1]);
    assert!(said.contains("transaction created"), "{said}");
    assert_eq!(get().status(), 200, "nothing counts before the commit");
    commit();
    for _ in 0..3 {
        // With TLS 1.3 a client learns that it is refused only when it waits for an answer.
        let status = get().status();
        assert!(matches!(status, 502 | 503), "{version} {reuse}: {status}");
    }
    change(&authority.lists[0]);
    commit();
    assert_eq!(get().status(), 200);
    let said = ask_line(&program, "del ssl crl-file nope");
    assert_eq!(
        said,
        "Can't remove the CRL file: CRL file 'nope' doesn't exist!"
    );
}

#[test]
fn lists_gain_and_lose_names() {
    let program = with_files(http())
        .config(
            "global
  stats socket {tmp}/admin.sock level admin
  crt-base {tmp}
frontend in
  bind {fe}
  default_backend back
backend back
  retries 0
  http-reuse never
  server s {tls} ssl pool-max-conn 0 verify none sni req.hdr(x-name)
frontend secure
  bind {tls} ssl strict-sni
  ssl-f-use crt one.pem
  http-request return status 200 content-type text/plain lf-string \"%[ssl_f_s_dn]\"
",
        )
        .start();
    let status = |name: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx-name: {name}\r\n\r\n");
        program.connect("fe").send(&request).response().status()
    };
    assert_eq!((status("a.example"), status("new.example")), (200, 503));
    assert_eq!(ask_line(&program, "show ssl crt-list"), "@secure");
    let path = program.path("two.pem");
    let path = path.to_str().expect("UTF-8");
    ask_line(&program, &format!("new ssl cert {path}"));
    exchange(&program, path, &text("two.pem"));
    let line = format!("add ssl crt-list @secure <<\n{path} [ssl-min-ver TLSv1.2] new.example\n");
    let said = ask_line(&program, &line);
    assert_eq!(
        said,
        format!("Inserting certificate '{path}' in crt-list '@secure'.\nSuccess!")
    );
    assert_eq!((status("a.example"), status("new.example")), (200, 200));
    let said = ask_line(&program, &format!("del ssl crt-list @secure {path}"));
    assert_eq!(
        said,
        format!("Entry '{path}' deleted in crtlist '@secure'!")
    );
    assert_eq!((status("a.example"), status("new.example")), (200, 503));
    let said = ask_line(&program, &format!("del ssl cert {path}"));
    assert_eq!(said, format!("Certificate '{path}' deleted!"));
}

#[test]
fn checks_ask_for_the_name_of_their_request() {
    let server = Server::start(handlers::says("here"));
    let program = with_files(http())
        .server("plain", &server)
        .config(
            "global
  stats socket {tmp}/admin.sock level admin
  crt-base {tmp}
frontend secure
  bind {tls} ssl crt one.pem alpn http/1.1
  http-request return status 200 if { ssl_fc_sni a.example } { ssl_fc_alpn -m found } { path /alpn }
  http-request return status 200 if { ssl_fc_sni b.example } { path /b }
  http-request return status 200 if { ssl_fc_sni c.example } { path /c }
  http-request deny
backend by_request
  option httpchk GET /b HTTP/1.1 b.example:443
  server s {tls} check check-ssl verify none inter 100ms rise 1
backend by_server
  option httpchk GET /c HTTP/1.1 b.example:443
  server s {tls} check check-ssl verify none check-sni c.example inter 100ms rise 1
backend by_rule
  option httpchk
  http-check connect ssl sni a.example alpn http/1.1
  http-check send meth GET uri /alpn
  server s {tls} check verify none inter 100ms rise 1
backend by_nothing
  option httpchk GET /b HTTP/1.1 b.example:443
  server s {tls} check check-ssl verify none no-check-sni-auto inter 100ms fall 1
",
        )
        .start();
    let code = |backend: &str| stat(&program, backend, "s", "status");
    let last = |backend: &str| stat(&program, backend, "s", "check_code");
    let long = Duration::from_secs(20);
    for backend in ["by_request", "by_server", "by_rule"] {
        assert!(eventually(long, || last(backend) == "200"), "{backend}");
        assert_eq!(code(backend), "UP", "{backend}");
    }
    assert!(eventually(long, || last("by_nothing") == "403"));
    assert!(eventually(long, || code("by_nothing").starts_with("DOWN")));
}
