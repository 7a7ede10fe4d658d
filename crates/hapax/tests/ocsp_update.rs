//! OCSP responses that are fetched, from a responder of the tests' own. The words are those of HAProxy 3.4.
mod common;

use common::api::{PATIENCE, ask_line};
use common::program;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SigningKey,
};
use std::sync::{Arc, Mutex};
use testkit::{Builder, Program, Server, Syslog, eventually};

/// A value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 6;

/// Somebody who signs.
struct Signer {
    key: KeyPair,
    params: CertificateParams,
    name: &'static str,
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = Default::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Signer {
    fn authority(name: &'static str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { key, params, name }
    }

    fn certificate(&self) -> rcgen::Certificate {
        self.params.self_signed(&self.key).expect("a certificate")
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> rcgen::Certificate {
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(key, &issuer).expect("a certificate")
    }

    /// A certificate with its key and its issuer, in PEM, that names a responder.
    fn site(&self, name: &str, responder: Option<&str>) -> String {
        let mut params = named(name, &[name]);
        if let Some(uri) = responder {
            let oid = der(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 48, 1]);
            let access = [oid, der(0x86, uri.as_bytes())].concat();
            let content = der(SEQUENCE, &der(SEQUENCE, &access));
            let oid = [1, 3, 6, 1, 5, 5, 7, 1, 1];
            params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, content)];
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = self.sign(&params, &key);
        certificate.pem() + &key.serialize_pem() + &self.certificate().pem()
    }

    /// A response about a certificate, with a certificate that comes along.
    fn response(&self, about: &[u8], until: &str, with: Option<&[u8]>) -> Vec<u8> {
        let date = |text: &str| der(0x18, text.as_bytes());
        let single = [
            about.to_vec(),
            vec![0x80, 0],
            date(PAST),
            der(0xa0, &date(until)),
        ]
        .concat();
        let name = [der(OBJECT, &[0x55, 4, 3]), der(12, self.name.as_bytes())].concat();
        let name = der(SEQUENCE, &der(0x31, &der(SEQUENCE, &name)));
        let list = der(SEQUENCE, &der(SEQUENCE, &single));
        let data = der(SEQUENCE, &[der(0xa1, &name), date(PAST), list].concat());
        let signature = self.key.sign(&data).expect("a signature");
        let algorithm = der(
            SEQUENCE,
            &der(OBJECT, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
        );
        let bits = der(3, &[&[0], &signature[..]].concat());
        let with = with.map(|with| der(0xa0, &der(SEQUENCE, with)));
        let basic = [data, algorithm, bits, with.unwrap_or_default()].concat();
        let kind = der(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]);
        let basic = der(SEQUENCE, &[kind, der(4, &der(SEQUENCE, &basic))].concat());
        der(SEQUENCE, &[vec![10, 1, 0], der(0xa0, &basic)].concat())
    }
}

const PAST: &str = "20200101000000Z";
const FUTURE: &str = "21190101000000Z";

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What Base64 digits in a URL stand for.
fn decoded(text: &str) -> Vec<u8> {
    let text = text
        .replace("%2B", "+")
        .replace("%2F", "/")
        .replace("%3D", "");
    let digit = |c: u8| {
        DIGITS
            .iter()
            .position(|digit| *digit == c)
            .expect("a digit") as u32
    };
    let mut out = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let bits = group.iter().fold(0, |bits, c| bits << 6 | digit(*c)) << (6 * (4 - group.len()));
        out.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    out
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for at in 0..4 {
            match at <= group.len() {
                true => out.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize])),
                false => out.push('='),
            }
        }
    }
    out
}

/// The path in front of a request, and what was sent.
type Answer = (String, Vec<u8>);

/// A responder that answers by the path in front of the request, and notes what it has answered.
struct Responder {
    server: Server,
    answers: Arc<Mutex<Vec<Answer>>>,
    authority: Arc<Signer>,
}

/// What a responder makes of a request: a status line, a type and a body.
fn answer(ca: &Signer, scenario: &str, id: &[u8]) -> (&'static str, &'static str, Vec<u8>) {
    let kind = "application/ocsp-response";
    let delegate = |purpose: Option<ExtendedKeyUsagePurpose>, issuer: &Signer| {
        let mut params = named("delegate", &[]);
        params.extended_key_usages = purpose.into_iter().collect();
        let key = KeyPair::generate().expect("a key");
        let certificate = issuer.sign(&params, &key);
        let name = "delegate";
        Signer { key, params, name }.response(id, FUTURE, Some(certificate.der()))
    };
    let signing = Some(ExtendedKeyUsagePurpose::OcspSigning);
    let stranger = || Signer::authority("authority");
    match scenario {
        "late" => ("200 OK", kind, ca.response(id, "20200102000000Z", None)),
        "other" => {
            let mut id = id.to_vec();
            *id.last_mut().expect("a serial number") ^= 1;
            ("200 OK", kind, ca.response(&id, FUTURE, None))
        }
        "stranger" => ("200 OK", kind, stranger().response(id, FUTURE, None)),
        "delegate" => ("200 OK", kind, delegate(signing, ca)),
        "nobody" => ("200 OK", kind, delegate(None, ca)),
        "impostor" => ("200 OK", kind, delegate(signing, &stranger())),
        "busy" => ("200 OK", kind, vec![0x30, 3, 10, 1, 3]),
        "garbage" => ("200 OK", kind, b"garbage".to_vec()),
        "text" => ("200 OK", "text/plain", ca.response(id, FUTURE, None)),
        "error" => ("500 Oh", kind, ca.response(id, FUTURE, None)),
        _ => ("200 OK", kind, ca.response(id, FUTURE, None)),
    }
}

impl Responder {
    fn start() -> Self {
        let authority = Arc::new(Signer::authority("authority"));
        let answers = Arc::<Mutex<Vec<_>>>::default();
        let (ca, notes) = (authority.clone(), answers.clone());
        let server = Server::start(move |conn, _| {
            let Some(request) = conn.read_request()? else {
                return Ok(());
            };
            let mut parts = request.target().rsplit('/');
            let asked = decoded(parts.next().expect("a request"));
            let scenario = parts.next().unwrap_or_default().to_owned();
            // Four sequences, each with one byte of length, stand around the identifier.
            let (status, kind, body) = answer(&ca, &scenario, &asked[8..]);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            notes.lock().expect("notes").push((scenario, body.clone()));
            conn.send([head.as_bytes(), &body].concat())
        });
        Self {
            server,
            answers,
            authority,
        }
    }

    fn site(&self, scenario: &str) -> String {
        let uri = format!("http://{}/{scenario}", self.server.address());
        self.authority.site(scenario, Some(&uri))
    }

    fn answers(&self) -> Vec<Answer> {
        self.answers.lock().expect("notes").clone()
    }

    /// How often it has answered.
    fn count(&self) -> usize {
        self.answers().len()
    }
}

/// A program that speaks TLS with these certificates, each of a list's lines with its options.
fn with(responder: &Responder, log: &Syslog, sites: &[&str], options: &str) -> Builder {
    let mut builder = program().log(log);
    let mut list = String::new();
    for name in sites {
        builder = builder.file(&format!("{name}.pem"), responder.site(name));
        list.push_str(&format!("{name}.pem {options}\n"));
    }
    builder.file("list", list).config(
        "global
  nbthread 1
  log {log} local0
  stats socket {tmp}/admin.sock level admin
  crt-base {tmp}
frontend in
  mode http
  timeout client 20s
  bind {in} ssl crt-list {tmp}/list",
    )
}

/// The certificate, figures and words of each line of `show ssl ocsp-updates`.
fn updates(program: &Program) -> Vec<String> {
    let shown = ask_line(program, "show ssl ocsp-updates");
    let rows = shown.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let name = cells[1].rsplit('/').next().expect("a name");
        let last = if cells[3] == "-" { "never" } else { "once" };
        format!("{name} {last} {}", cells[4..].join(" "))
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

fn stapled(program: &Program, name: &str) -> String {
    let path = program.path(&format!("{name}.pem"));
    ask_line(
        program,
        &format!("show ssl ocsp-response base64 {}", path.display()),
    )
}

#[test]
fn responses_are_fetched_and_judged() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let outcomes = [
        ("good", r#"1 "Update successful" 0 1"#),
        ("delegate", r#"1 "Update successful" 0 1"#),
        ("error", r#"2 "HTTP error" 1 0"#),
        ("text", r#"3 "Missing "ocsp-response" header" 1 0"#),
        (
            "garbage",
            r#"4 "OCSP response check failure (d2i_OCSP_RESPONSE() failed)" 1 0"#,
        ),
        (
            "busy",
            r#"4 "OCSP response check failure (OCSP response not successful (3: trylater))" 1 0"#,
        ),
        (
            "stranger",
            r#"4 "OCSP response check failure (OCSP_basic_verify() failed)" 1 0"#,
        ),
        (
            "nobody",
            r#"4 "OCSP response check failure (OCSP_basic_verify() failed)" 1 0"#,
        ),
        (
            "impostor",
            r#"4 "OCSP response check failure (OCSP_basic_verify() failed)" 1 0"#,
        ),
        (
            "late",
            r#"5 "Error during insertion (OCSP single response: no longer valid.)" 1 0"#,
        ),
        (
            "other",
            r#"5 "Error during insertion (OCSP single response: Certificate ID does not match any certificate or issuer)" 1 0"#,
        ),
    ];
    let sites: Vec<&str> = outcomes.iter().map(|(name, _)| *name).collect();
    let program = with(&responder, &log, &sites, "[ocsp-update on]").start();
    for (name, outcome) in outcomes {
        let path = program.path(&format!("{name}.pem"));
        let line = log.expect(&format!("<OCSP-UPDATE> {} ", path.display()));
        assert!(
            line.starts_with("<133>") && line.ends_with(outcome),
            "{name}: {line}"
        );
    }
    let http = log.expect("-:- [");
    assert!(
        http.starts_with("<134>") && http.contains("] <OCSP-UPDATE> -/- "),
        "{http}"
    );
    assert!(http.contains(" 500 ") && http.contains("/error/"), "{http}");
    // What was put in place is what the responder has sent, and nothing else is.
    for (name, body) in responder.answers() {
        let expected = match name.as_str() {
            "good" | "delegate" => encoded(&body),
            _ => "'show ssl ocsp-response' expects a valid certid or certificate path.".to_owned(),
        };
        assert_eq!(stapled(&program, &name), expected, "{name}");
    }
    let shown = updates(&program);
    assert_eq!(shown.len(), sites.len());
    assert!(
        shown.contains(&"good.pem once 1 0 1 Update successful".to_owned()),
        "{shown:?}"
    );
    assert!(
        shown.contains(&"error.pem never 0 1 2 HTTP error".to_owned()),
        "{shown:?}"
    );
    let listed = ask_line(&program, "show ssl ocsp-response");
    assert_eq!(
        listed.matches("Certificate ID key : 30").count(),
        sites.len()
    );
}

#[test]
fn responses_are_fetched_again() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let program = with(&responder, &log, &["good"], "")
        .config(
            "global\n  ocsp-update.mode on\n  ocsp-update.mindelay 1\n  ocsp-update.maxdelay 1\n",
        )
        .start();
    assert!(eventually(PATIENCE, || responder.count() >= 3));
    let last = || responder.answers().pop().map(|(_, body)| encoded(&body));
    assert!(eventually(PATIENCE, || Some(stapled(&program, "good")) == last()));
    log.expect("\"Update successful\" 0 3");
}

#[test]
fn commands_ask_for_responses() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let program = with(&responder, &log, &["good"], "")
        .file("plain.pem", responder.site("plain"))
        .config("global\n  ocsp-update.mode on\n  ocsp-update.disable on\n")
        .start();
    let path = program.path("good.pem");
    assert_eq!(updates(&program), ["good.pem never 0 0 0 Unknown"]);
    assert_eq!(
        ask_line(&program, "update ssl ocsp-response"),
        "'update ssl ocsp-response' expects a filename"
    );
    assert_eq!(
        ask_line(&program, "update ssl ocsp-response foo"),
        "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name.\nCan't send ocsp request for foo!"
    );
    assert_eq!(
        ask_line(
            &program,
            &format!("update ssl ocsp-response {}", path.display())
        ),
        ""
    );
    log.expect("\"Update successful\" 0 1");
    // Nothing else is fetched, as is said.
    assert_eq!(responder.count(), 1);
    let fetched = encoded(&responder.answers()[0].1);
    assert_eq!(stapled(&program, "good"), fetched);
    // What an operator sends takes the place of what was fetched.
    let again = ask_line(&program, &format!("set ssl ocsp-response {fetched}"));
    assert_eq!(again, "OCSP Response updated!");
}

#[test]
fn what_was_fetched_outlives_a_reload() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let program = with(&responder, &log, &["good"], "[ocsp-update on]").start();
    log.expect("\"Update successful\" 0 1");
    let fetched = stapled(&program, "good");
    let answer = ask_line(&program, "reload");
    assert!(answer.contains("Success"), "{answer}");
    assert_eq!(stapled(&program, "good"), fetched);
    assert_eq!(updates(&program), ["good.pem once 1 0 1 Update successful"]);
    assert_eq!(responder.count(), 1);
}

#[test]
fn certificates_that_come_later_are_followed() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let program = with(&responder, &log, &["good"], "")
        .config("global\n  ocsp-update.mode on\n")
        .start();
    log.expect("\"Update successful\" 0 1");
    let (list, pem) = (program.path("list"), responder.site("new"));
    let path = program.path("new.pem");
    let (list, path) = (list.display(), path.display());
    ask_line(&program, &format!("new ssl cert {path}"));
    ask_line(&program, &format!("set ssl cert {path} <<\n{pem}\n"));
    ask_line(&program, &format!("commit ssl cert {path}"));
    let added = ask_line(&program, &format!("add ssl crt-list {list} {path}"));
    assert!(added.contains("Success!"), "{added}");
    log.expect("new.pem 1 \"Update successful\" 0 1");
    assert_eq!(updates(&program).len(), 2);
}

#[test]
fn responders_are_asked_through_a_proxy() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    // Nobody listens where the certificate says.
    let away = responder
        .authority
        .site("away", Some("http://192.0.2.1:1/good"));
    let program = with(&responder, &log, &[], "")
        .file("list", "away.pem [ocsp-update on]\n")
        .file("away.pem", away)
        .server("proxy", &responder.server)
        .config("global\n  ocsp-update.httpproxy {proxy}\n")
        .start();
    log.expect("\"Update successful\" 0 1");
    assert!(
        responder
            .server
            .text(0)
            .starts_with("GET http://192.0.2.1:1/good/")
    );
    drop(program);
}

#[test]
fn an_unknown_issuer_is_refused() {
    let (log, responder) = (Syslog::udp(), Responder::start());
    let site = responder.site("alone");
    let key = site.find("-----BEGIN CERTIFICATE").expect("a certificate");
    // The issuer is the last one of the file.
    let last = site.rfind("-----BEGIN CERTIFICATE").expect("an issuer");
    assert_ne!(key, last);
    let exit = with(&responder, &log, &[], "")
        .file("list", "alone.pem [ocsp-update on]\n")
        .file("alone.pem", &site[..last])
        .check();
    assert_eq!(exit.code, Some(1));
    let expected = "alone.pem' has an OCSP auto-update set to 'on' but an error occurred (maybe the OCSP URI or the issuer could not be found)'.";
    assert!(exit.stderr.contains(expected), "{}", exit.stderr);
}
