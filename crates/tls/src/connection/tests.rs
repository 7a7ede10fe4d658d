//! Both ends against each other.

use super::*;
use crate::bundle::Bundle;
use crate::client::{Connector, Plan};
use crate::names::Names;
use crate::resume::{Resumption, SessionCache};
use crate::server::{Instance, Line, Trust};
use crate::settings::{BindSettings, Common, Ignored, Verify};
use crate::verify::Authorities;

fn bundle(names: &[&str]) -> (Arc<Bundle>, Vec<u8>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    let mut bundle = Bundle::default();
    bundle.take_pem(text.as_bytes(), &|| None).unwrap();
    assert!(bundle.is_consistent());
    (Arc::new(bundle), made.cert.der().to_vec())
}

fn listener(common: &Common, trust: &Trust, names: &[&str]) -> (Arc<Listener>, Vec<u8>) {
    listener_with(common, trust, bundle(names))
}

fn listener_with(
    common: &Common,
    trust: &Trust,
    (bundle, der): (Arc<Bundle>, Vec<u8>),
) -> (Arc<Listener>, Vec<u8>) {
    let cache = Arc::new(SessionCache::new(100));
    let line = Line {
        strict: false,
        capture: 1000,
        ignored: (Ignored::default(), Ignored::default()),
        prefer_client: false,
        resumption: Arc::new(Resumption::new(&cache, true, None, 300).unwrap()),
        max_record: None,
        keylog: true,
    };
    let instance = Arc::new(Instance::new(&line, common, trust, bundle).unwrap());
    let mut table = Names::default();
    table.add(&instance, &[], 0);
    table.add_default(&instance);
    (
        Arc::new(Listener::new(line, BindSettings::default(), table)),
        der,
    )
}

fn connector(der: &[u8], verify: Verify) -> Connector {
    connector_with(der, verify, Common::default())
}

fn connector_with(der: &[u8], verify: Verify, common: Common) -> Connector {
    let mut authorities = Authorities::default();
    authorities.add(der);
    let common = Common {
        verify: Some(verify),
        ..common
    };
    let trust = Trust {
        authorities: Some(Arc::new(authorities)),
        ..Trust::default()
    };
    Connector::new(Plan {
        common,
        trust,
        bundle: None,
        verify_host: None,
        reuse: true,
        tickets: true,
        keylog: true,
        max_record: None,
    })
    .unwrap()
}

/// Carries what one end has to send to the other.
fn carry(from: &mut Connection, to: &mut Connection, room: &mut [u8]) -> Result<usize, Failure> {
    let mut filled = 0;
    while !from.outbox().is_empty() {
        let inbox = to.inbox();
        let n = inbox.len().min(from.outbox().len()).min(1000);
        inbox[..n].copy_from_slice(&from.outbox()[..n]);
        to.came(n);
        from.sent(n);
        filled += to.process(&mut room[filled..])?;
    }
    Ok(filled)
}

fn shake(client: &mut Connection, server: &mut Connection) -> Result<(), Failure> {
    for _ in 0..6 {
        carry(client, server, &mut [])?;
        carry(server, client, &mut [])?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(())
}

#[test]
fn bytes_go_both_ways_and_sessions_are_taken_up_again() {
    let (listener, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let connector = connector(&der, Verify::Required);
    for resumed in [false, true] {
        let mut client = connector.connect(Some(b"a.example"), None).unwrap();
        let mut server = Connection::accept(listener.clone());
        shake(&mut client, &mut server).unwrap();
        assert_eq!(
            (client.is_resumed(), server.is_resumed()),
            (resumed, resumed)
        );
        let text: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let (mut sent, mut got) = (0, Vec::new());
        let mut room = vec![0; 5000];
        while got.len() < text.len() {
            if sent < text.len() {
                sent += client.encrypt(&text[sent..]).unwrap();
            }
            let n = client.outbox().len().min(server.inbox().len());
            let (from, to) = (client.outbox()[..n].to_vec(), server.inbox());
            to[..n].copy_from_slice(&from);
            server.came(n);
            client.sent(n);
            loop {
                let n = server.process(&mut room).unwrap();
                got.extend_from_slice(&room[..n]);
                if n == 0 {
                    break;
                }
            }
        }
        assert!(got == text);
        assert_eq!(
            server.observed.server_name.as_deref(),
            Some(&b"a.example"[..])
        );
        assert_eq!(server.observed.client_random, client.observed.client_random);
        assert_eq!(server.observed.server_hello, client.observed.server_hello);
        let label = "SERVER_TRAFFIC_SECRET_0";
        assert!(server.observed.secret(label).is_some());
        assert_eq!(server.observed.secret(label), client.observed.secret(label));
        client.notify_close();
        carry(&mut client, &mut server, &mut []).unwrap();
        assert!(server.has_ended());
    }
}

#[test]
fn names_of_servers_are_checked() {
    let (listener, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let connector = connector(&der, Verify::Required);
    let mut client = connector.connect(Some(b"b.example"), None).unwrap();
    let mut server = Connection::accept(listener);
    assert_eq!(shake(&mut client, &mut server), Err(Failure::VERIFY_FAILED));
    assert_eq!(
        client.observed.judgement.result,
        crate::verify::code::HOST_MISMATCH
    );
    let failure = carry(&mut client, &mut server, &mut []).unwrap_err();
    assert_eq!(failure.text, "sslv3 alert bad certificate");
}

#[test]
fn clients_without_a_certificate_are_refused() {
    let (_, der) = bundle(&["ca"]);
    let mut authorities = Authorities::default();
    authorities.add(&der);
    let trust = Trust {
        authorities: Some(Arc::new(authorities)),
        ..Trust::default()
    };
    let common = Common {
        verify: Some(Verify::Required),
        ..Common::default()
    };
    let (listener, der) = listener(&common, &trust, &["a.example"]);
    let mut client = connector(&der, Verify::None).connect(None, None).unwrap();
    let mut server = Connection::accept(listener);
    assert_eq!(
        shake(&mut client, &mut server),
        Err(Failure::NO_CERTIFICATE)
    );
    let failure = carry(&mut server, &mut client, &mut []).unwrap_err();
    assert_eq!(failure.text, "tlsv13 alert certificate required");
}

#[test]
fn strangers_are_told_apart() {
    let (listener, _) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    for (text, failure) in [
        (&b"GET / HTTP/1.1\r\n"[..], Failure::HTTP_REQUEST),
        (b"SSH-2.0-x\r\n", Failure::WRONG_VERSION),
    ] {
        let mut server = Connection::accept(listener.clone());
        server.inbox()[..text.len()].copy_from_slice(text);
        server.came(text.len());
        assert_eq!(server.process(&mut []), Err(failure));
        assert_eq!(server.process(&mut []), Err(failure));
    }
}

/// What early data takes on both ends, for a protocol agreed on.
fn early() -> Common {
    Common {
        early_data: true,
        alpn: Some([b"http/1.1".to_vec()].into()),
        ..Common::default()
    }
}

/// A server, a connector that has a session with it, and a server with the same certificate that knows of no session.
fn acquainted() -> (Arc<Listener>, Connector, Arc<Listener>) {
    let bundle = bundle(&["a.example"]);
    let (listener, der) = listener_with(&early(), &Trust::default(), bundle.clone());
    let (stranger, _) = listener_with(&early(), &Trust::default(), bundle);
    let connector = connector_with(&der, Verify::Required, early());
    // The first connection does not know whether the server takes any.
    let mut client = connector.connect_early(Some(b"a.example")).unwrap();
    assert!(!client.is_ahead() && !client.may_write());
    let mut server = Connection::accept(listener.clone());
    shake(&mut client, &mut server).unwrap();
    assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
    (listener, connector, stranger)
}

#[test]
fn early_data_arrives_and_is_answered_before_the_handshake_is_over() {
    let (listener, connector, _) = acquainted();
    let mut client = connector.connect_early(Some(b"a.example")).unwrap();
    assert!(client.is_ahead() && client.may_write());
    assert_eq!(client.alpn(), Some(&b"http/1.1"[..]));
    assert_eq!(client.encrypt(b"early").unwrap(), 5);
    let mut server = Connection::accept(listener);
    assert_eq!(carry(&mut client, &mut server, &mut []).unwrap(), 0);
    assert!(server.go_ahead() && server.is_handshaking() && server.has_backlog());
    let seen = server.seen();
    assert!(seen.is_ahead() && seen.is_resumed() && seen.observed.early_data);
    let mut room = [0; 100];
    assert_eq!(server.process(&mut room).unwrap(), 5);
    assert_eq!(&room[..5], b"early");
    assert_eq!(server.encrypt(b"answer").unwrap(), 6);
    assert_eq!(carry(&mut server, &mut client, &mut room).unwrap(), 6);
    assert_eq!(&room[..6], b"answer");
    assert!(!client.is_handshaking() && client.is_resumed());
    carry(&mut client, &mut server, &mut []).unwrap();
    assert!(!server.is_handshaking());
    seen.catch_up();
    assert!(!seen.is_ahead());
    // The tickets that came with this connection serve for the next.
    let client = connector.connect_early(Some(b"a.example")).unwrap();
    assert!(client.is_ahead());
}

#[test]
fn no_more_early_data_is_sent_than_the_server_takes() {
    let (listener, connector, _) = acquainted();
    let mut client = connector.connect_early(Some(b"a.example")).unwrap();
    let text: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
    let mut sent = 0;
    while client.may_write() {
        sent += client.encrypt(&text[sent..]).unwrap();
    }
    assert_eq!(sent, 16_384);
    let mut server = Connection::accept(listener);
    let mut room = vec![0; 50_000];
    let mut got = carry(&mut client, &mut server, &mut room).unwrap();
    carry(&mut server, &mut client, &mut []).unwrap();
    while sent < text.len() {
        sent += client.encrypt(&text[sent..]).unwrap();
        got += carry(&mut client, &mut server, &mut room[got..]).unwrap();
    }
    assert!(room[..got] == text);
}

#[test]
fn refused_early_data_ends_the_connection_and_is_not_tried_again() {
    let (_, connector, stranger) = acquainted();
    let mut client = connector.connect_early(Some(b"a.example")).unwrap();
    client.encrypt(b"early").unwrap();
    let mut server = Connection::accept(stranger.clone());
    let mut room = [0; 100];
    assert_eq!(carry(&mut client, &mut server, &mut room).unwrap(), 0);
    assert!(!server.go_ahead());
    let refused = carry(&mut server, &mut client, &mut []);
    assert_eq!(refused, Err(Failure::EARLY_REFUSED));
    assert_eq!(client.failure(), Some(Failure::EARLY_REFUSED));
    // What else is known of the server's sessions is forgotten.
    let mut client = connector.connect_early(Some(b"a.example")).unwrap();
    assert!(!client.is_ahead());
    let mut server = Connection::accept(stranger);
    shake(&mut client, &mut server).unwrap();
    assert!(!client.is_resumed());
}

#[test]
fn early_data_is_not_taken_where_other_machines_understand_the_tickets() {
    let keys = crate::tickets::TicketKeys::new("f", (1..4).map(|n| vec![n; 48]).collect());
    let keys = Arc::new(keys.unwrap());
    let cache = Arc::new(SessionCache::new(0));
    for (keys, taken) in [(None, true), (Some(&keys), false)] {
        let resumption = Resumption::new(&cache, true, keys, 300).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(
            crate::provider::provider(&Common::default()).unwrap(),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        resumption.apply(&mut config, true);
        assert_eq!(config.max_early_data_size > 0, taken);
        assert_eq!(config.ticketer.enabled(), !taken);
    }
}

#[test]
fn records_are_as_short_as_configured() {
    let (_, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let plan = connector(&der, Verify::None).plan().clone();
    let connector = Connector::new(Plan {
        max_record: Some(1400),
        ..plan
    });
    let (listener, _) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let mut client = connector.unwrap().connect(None, None).unwrap();
    let mut server = Connection::accept(listener).limit_records(Some(100));
    shake(&mut client, &mut server).unwrap();
    let lengths = |connection: &mut Connection| {
        assert_eq!(connection.encrypt(&[0; 5000]).unwrap(), 5000);
        let (mut rest, mut lengths) = (connection.outbox(), Vec::new());
        while let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk::<5>() {
            let length = usize::from(high) << 8 | usize::from(low);
            lengths.push(length - 17);
            rest = &after[length..];
        }
        lengths
    };
    assert_eq!(lengths(&mut client), [1400, 1400, 1400, 800]);
    assert_eq!(lengths(&mut server), [100; 50]);
}

#[test]
fn connections_are_counted_as_long_as_they_live() {
    let gauge = Arc::new(AtomicU32::new(0));
    let (listener, _) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let mut connections = [0, 1].map(|_| Connection::accept(listener.clone()));
    for connection in &mut connections {
        connection.count_in(&gauge);
    }
    assert_eq!(gauge.load(Ordering::Relaxed), 2);
    drop(connections);
    assert_eq!(gauge.load(Ordering::Relaxed), 0);
}

#[test]
fn a_client_answers_what_is_no_record_with_one_alert() {
    let (_, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
    let mut client = connector(&der, Verify::None).connect(None, None).unwrap();
    client.process(&mut []).unwrap();
    client.sent(client.outbox().len());
    let text = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    client.inbox()[..text.len()].copy_from_slice(text);
    client.came(text.len());
    client.process(&mut []).unwrap_err();
    let [kind, _, _, _, len, level, _] = *client.outbox() else {
        panic!("{:?}", client.outbox());
    };
    assert_eq!((kind, len, level), (21, 2, 2));
}
