use super::super::write_query;
use super::*;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a name")
}

fn question(text: &str, kind: Type) -> Question {
    Question {
        name: name(text),
        kind,
    }
}

/// An answer being written.
struct Reply(Vec<u8>);

impl Reply {
    /// Repeats the question and says that so many records follow in each section.
    fn to(question: &Question, flags: u16, counts: [u16; 3]) -> Self {
        let mut out = Vec::new();
        let [answers, authorities, additional] = counts;
        for field in [7, flags, 1, answers, authorities, additional] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        question.name.write(&mut out);
        out.extend_from_slice(&question.kind.number().to_be_bytes());
        out.extend_from_slice(&1_u16.to_be_bytes());
        Self(out)
    }

    fn record(mut self, owner: &str, kind: u16, data: &[u8]) -> Self {
        name(owner).write(&mut self.0);
        for field in [kind, 1, 0, 60, data.len() as u16] {
            self.0.extend_from_slice(&field.to_be_bytes());
        }
        self.0.extend_from_slice(data);
        self
    }

    /// The question's name by reference.
    fn again(mut self, kind: u16, data: &[u8]) -> Self {
        self.0.extend_from_slice(b"\xc0\x0c");
        for field in [kind, 1, 0, 60, data.len() as u16] {
            self.0.extend_from_slice(&field.to_be_bytes());
        }
        self.0.extend_from_slice(data);
        self
    }
}

const FINE: u16 = 0x8180;

fn wire(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    name(text).write(&mut out);
    out
}

fn srv(weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for field in [1, weight, port] {
        data.extend_from_slice(&field.to_be_bytes());
    }
    data.extend_from_slice(&wire(target));
    data
}

#[test]
fn addresses_behind_aliases() {
    let asked = question("a.test", Type::A);
    let reply = Reply::to(&asked, FINE, [3, 0, 0])
        .again(5, &wire("b.test"))
        .record("B.test", 1, &[192, 0, 2, 1])
        .record("b.test", 1, &[192, 0, 2, 2]);
    let ips = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|ip| Record::Address(IpAddr::from(ip)));
    assert_eq!(parse(&reply.0, &asked), Ok(ips.to_vec()));
    assert_eq!(id(&reply.0), Some(7));
    let asked = question("a.test", Type::Aaaa);
    let reply = Reply::to(&asked, FINE, [1, 0, 0]).again(28, &Ipv6Addr::LOCALHOST.octets());
    let ip = Record::Address(Ipv6Addr::LOCALHOST.into());
    assert_eq!(parse(&reply.0, &asked), Ok(vec![ip]));
}

#[test]
fn services_with_addresses() {
    let asked = question("_http._tcp.a.test", Type::Srv);
    let reply = Reply::to(&asked, FINE, [2, 1, 3])
        .again(33, &srv(10, 80, "b.test"))
        .again(33, &srv(20, 81, "c.test"))
        .record("a.test", 2, &wire("ns.test"))
        .record("B.TEST", 1, &[192, 0, 2, 1])
        .record("ns.test", 1, &[192, 0, 2, 9])
        .record("b.test", 28, &Ipv6Addr::LOCALHOST.octets());
    let records = parse(&reply.0, &asked).expect("records");
    let [Record::Service(b), Record::Service(c)] = records.as_slice() else {
        panic!("two services: {records:?}")
    };
    assert_eq!(
        (b.priority, b.weight, b.port, &b.target),
        (1, 10, 80, &name("b.test"))
    );
    assert_eq!(b.addresses.len(), 2);
    assert_eq!((c.port, c.addresses.len()), (81, 0));
}

#[test]
fn answers_without_records() {
    let asked = question("a.test", Type::A);
    let ip = [192, 0, 2, 1];
    let to = |flags, answers| Reply::to(&asked, flags, [answers, 0, 0]);
    let forged = Reply::to(&question("b.test", Type::A), FINE, [1, 0, 0]);
    let other_type = Reply::to(&question("a.test", Type::Aaaa), FINE, [1, 0, 0]);
    for (reply, fault) in [
        (to(0x8183, 0), Fault::NoSuchName),
        (to(0x8185, 0), Fault::Refused),
        (to(0x8182, 0), Fault::Failed),
        (to(FINE, 0), Fault::Empty),
        (to(FINE | 0x0200, 0), Fault::Empty),
        (to(FINE | 0x0200, 1).again(1, &ip), Fault::Truncated),
        (to(FINE, 1).again(5, &wire("b.test")), Fault::DanglingAlias),
        (to(FINE, 1).again(16, b"\x01x"), Fault::Unexpected),
        (to(FINE, 1).record("b.test", 1, &ip), Fault::WrongName),
        (
            to(FINE, 2)
                .again(5, &wire("b.test"))
                .record("c.test", 1, &ip),
            Fault::DanglingAlias,
        ),
        (forged.again(1, &ip), Fault::WrongName),
        (other_type.again(1, &ip), Fault::WrongType),
        (to(0x0100, 1).again(1, &ip), Fault::Malformed),
        (to(FINE, 1), Fault::Malformed),
        (to(FINE, 1).again(1, &ip[..3]), Fault::Malformed),
        (Reply(b"\x00\x07\x81\x80".to_vec()), Fault::Malformed),
        // Some name servers do not repeat the question of a query that they do not understand.
        (
            Reply(b"\x00\x07\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00".to_vec()),
            Fault::Failed,
        ),
        (
            Reply(b"\x00\x07\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00".to_vec()),
            Fault::Malformed,
        ),
    ] {
        assert_eq!(parse(&reply.0, &asked), Err(fault), "{:?}", reply.0);
    }
    assert!(is_truncated(&to(FINE | 0x0200, 0).0) && !is_truncated(&to(FINE, 0).0));
}

#[test]
fn a_query_is_no_answer() {
    let asked = question("a.test", Type::A);
    let mut query = Vec::new();
    write_query(7, &asked, 512, &mut query);
    assert_eq!(parse(&query, &asked), Err(Fault::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_cut_is_malformed(ips in prop::collection::vec(any::<[u8; 4]>(), 1..8), cut in 0_usize..100) {
        let asked = question("a.test", Type::A);
        let mut reply = Reply::to(&asked, FINE, [ips.len() as u16, 0, 0]);
        for ip in &ips {
            reply = reply.again(1, ip);
        }
        prop_assert_eq!(parse(&reply.0, &asked).map(|records| records.len()), Ok(ips.len()));
        let cut = cut.min(reply.0.len() - 1);
        prop_assert_eq!(parse(&reply.0[..cut], &asked), Err(Fault::Malformed));
    }

    #[test]
    fn no_message_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut message = Reply::to(&question("a.test", Type::Srv), FINE, [9, 9, 9]).0;
        message.extend(bytes);
        let _ = parse(&message, &question("a.test", Type::Srv));
        let _ = parse(message.get(12..).unwrap_or_default(), &question("a.test", Type::A));
    }
}
