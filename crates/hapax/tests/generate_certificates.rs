//! Certificates made on the fly, seen by a server line that judges them.
mod common;

use common::{http, program};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use testkit::{Builder, Program};

/// An authority: its certificate with its key, and the certificate alone.
fn authority() -> (String, String) {
    let mut params = CertificateParams::new(vec![]).expect("no names");
    params.distinguished_name = Default::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    (certificate.clone() + &key.serialize_pem(), certificate)
}

fn site() -> String {
    let made = rcgen::generate_simple_self_signed(vec!["known.test".to_owned()]);
    let made = made.expect("a certificate");
    made.cert.pem() + &made.signing_key.serialize_pem()
}

const LINE: &str = "generate-certificates ca-sign-file {tmp}/ca.pem";

/// A program that asks itself for the name that a request says, and believes the authority only.
fn with(bind: &str, global: &str) -> Builder {
    let (signing, trusted) = authority();
    http()
        .file("ca.pem", signing)
        .file("trusted.crt", trusted)
        .file("site.pem", site())
        .config(&format!(
            "global
  {global}
frontend in
  bind {{fe}}
  default_backend back
backend back
  retries 0
  http-reuse never
  server s {{tls}} ssl verify required ca-file {{tmp}}/trusted.crt sni req.hdr(x-name) no-ssl-reuse alpn http/1.1
frontend secure
  bind {{tls}} ssl crt {{tmp}}/site.pem {bind}
  http-request return status 200 content-type text/plain lf-string \"%[ssl_f_s_dn] %[ssl_f_i_dn] %[ssl_f_serial,hex]\""
        ))
}

/// The status and the body of the answer to a request for a name.
fn ask(program: &Program, name: &str) -> (u16, String) {
    let mut client = program.connect("fe");
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-Name: {name}\r\n\r\n"
    ));
    let answer = client.response();
    (answer.status(), answer.text())
}

/// The same where an answer is sure to come: the subject, and the serial number.
fn certificate(program: &Program, name: &str) -> (String, String) {
    let (status, text) = ask(program, name);
    assert_eq!(status, 200, "{name}: {text}");
    let (rest, serial) = text.rsplit_once(' ').expect("a serial number");
    let (subject, issuer) = rest.rsplit_once(" /").expect("an issuer");
    assert_eq!(issuer, "CN=authority");
    (subject.to_owned(), serial.to_owned())
}

#[test]
fn unknown_names_get_certificates_of_their_own() {
    let program = with(LINE, "").start();
    let (subject, serial) = certificate(&program, "one.test");
    assert_eq!(subject, "/CN=authority/CN=one.test");
    assert_eq!(certificate(&program, "ONE.test"), (subject, serial.clone()));
    let (subject, other) = certificate(&program, "two.test");
    assert_eq!(subject, "/CN=authority/CN=two.test");
    assert_ne!(serial, other);
    let long = format!("{}.test", "a".repeat(63));
    assert_eq!(certificate(&program, &long).0, "/CN=authority");
    // This one has a certificate, which the authority has not signed.
    assert_eq!(ask(&program, "known.test").0, 503);
}

#[test]
fn those_asked_for_last_are_kept() {
    let program = with(LINE, "tune.ssl.ssl-ctx-cache-size 2").start();
    let serial = |name: &str| certificate(&program, name).1;
    let (one, two) = (serial("one.test"), serial("two.test"));
    assert_eq!(serial("one.test"), one);
    let three = serial("three.test");
    assert_eq!((serial("one.test"), serial("three.test")), (one, three));
    assert_ne!(serial("two.test"), two);
}

#[test]
fn strict_names_are_made_too() {
    let program = with(&format!("strict-sni {LINE}"), "").start();
    assert_eq!(
        certificate(&program, "one.test").0,
        "/CN=authority/CN=one.test"
    );
}

#[test]
fn what_is_missing_is_said() {
    let check = |options: &str| {
        let exit = program()
            .file("site.pem", site())
            .config(&format!("frontend f\n  mode http\n  timeout client 3s\n  bind {{fe}} ssl crt {{tmp}}/site.pem {options}\n"))
            .check();
        assert_eq!(exit.code, Some(1), "{options}");
        exit.stderr
    };
    let told = check("generate-certificates");
    assert!(told.contains("Proxy 'f': cannot enable certificate generation, no CA certificate File configured at ["), "{told}");
    let told = check("generate-certificates ca-sign-file /nonexistent");
    assert!(
        told.contains("Proxy 'f': Failed to read CA certificate file '/nonexistent' at ["),
        "{told}"
    );
    assert!(
        told.contains("]. Chain loading failed: cannot open the file '/nonexistent'."),
        "{told}"
    );
}
