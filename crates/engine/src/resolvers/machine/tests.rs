use super::*;
use proptest::prelude::*;
use std::net::IpAddr;
use wire::dns::Name;

fn config(nameservers: usize, lines: impl FnOnce(&mut Resolvers)) -> Arc<Resolvers> {
    let mut config = Resolvers::new("r", ("t.cfg".into(), 1));
    for at in 0..nameservers {
        config.nameservers.push(model::resolvers::Nameserver {
            name: format!("n{at}").into(),
            address: ([127, 0, 0, 1], 53).into(),
            stream: false,
            maxconn: 0,
        });
    }
    config.retries = 2;
    config.retry_timeout = 100;
    config.resolve_timeout = 1000;
    lines(&mut config);
    Arc::new(config)
}

/// A machine whose identifiers count up.
fn machine(config: Arc<Resolvers>) -> Machine {
    let mut id = 0;
    let next = move || {
        id += 1;
        id
    };
    Machine::new(config, Box::new(next))
}

fn question(name: &str, kind: Type) -> Question {
    Question {
        name: Name::from_text(name).expect("a name"),
        kind,
    }
}

/// What is put out, in short: `A 1` for a question with its identifier, `done 0`, `failed NoSuchName`.
fn told(machine: &mut Machine) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(output) = machine.output() {
        told.push(match output {
            Output::Query(message) => {
                format!("{} {}", kind(&message), dns::id(&message).unwrap_or(0))
            }
            Output::Done(_, Ok(at), _) => format!("done {at}"),
            Output::Done(_, Err(failure), _) => format!("failed {failure:?}"),
        });
    }
    told
}

fn kind(query: &[u8]) -> &'static str {
    // The type stands before class and the record about the size.
    match query[query.len() - 14] {
        1 => "A",
        28 => "AAAA",
        33 => "SRV",
        _ => "?",
    }
}

/// An answer with a code, and with addresses when the code is 0.
fn reply(id: u16, name: &str, kind: Type, code: u16, ips: &[[u8; 4]]) -> Vec<u8> {
    let mut query = Vec::new();
    dns::write_query(id, &question(name, kind), 512, &mut query);
    query.truncate(query.len() - 11);
    query[2..4].copy_from_slice(&(0x8180 | code).to_be_bytes());
    query[6..8].copy_from_slice(&(ips.len() as u16).to_be_bytes());
    query[10..12].copy_from_slice(&[0, 0]);
    for ip in ips {
        query.extend_from_slice(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04");
        query.extend_from_slice(ip);
    }
    query
}

const NX: u16 = 3;
const ONE: &[[u8; 4]] = &[[192, 0, 2, 1]];

#[test]
fn a_watched_name_is_resolved_again_and_again() {
    let mut m = machine(config(2, |_| {}));
    let key = m.watch(question("a.test", Type::A), 0);
    m.tick(0);
    assert_eq!(told(&mut m), ["A 1"]);
    assert_eq!(
        m.answer(1, &reply(1, "A.test", Type::A, 0, ONE), 20),
        Heard::Valid
    );
    assert_eq!(told(&mut m), ["done 1"]);
    let ips: Vec<IpAddr> = m.records(key).expect("records").addresses().collect();
    assert_eq!(ips, [IpAddr::from([192, 0, 2, 1])]);
    assert_eq!(
        m.answer(0, &reply(1, "a.test", Type::A, 0, ONE), 21),
        Heard::Outdated
    );
    assert_eq!(m.next_due(), Some(1020));
    m.tick(1019);
    assert_eq!(told(&mut m).len(), 0);
    m.tick(1020);
    assert_eq!(told(&mut m), ["A 2"]);
}

#[test]
fn a_name_that_does_not_exist_is_asked_for_in_both_families_with_every_try() {
    let mut m = machine(config(1, |_| {}));
    m.watch(question("a.test", Type::A), 0);
    m.tick(0);
    let nx = |m: &mut Machine, kind, now| m.answer(0, &reply(1, "a.test", kind, NX, &[]), now);
    assert_eq!(nx(&mut m, Type::A, 1), Heard::Fault(Fault::NoSuchName));
    nx(&mut m, Type::Aaaa, 2);
    assert_eq!(told(&mut m), ["A 1", "AAAA 1"]);
    assert_eq!(m.next_due(), Some(101), "the retry");
    m.tick(101);
    nx(&mut m, Type::A, 102);
    nx(&mut m, Type::Aaaa, 103);
    assert_eq!(told(&mut m), ["A 1", "AAAA 1", "failed NoSuchName"]);
    assert_eq!(m.next_due(), Some(1103));
}

#[test]
fn the_other_family_will_do() {
    let mut m = machine(config(1, |_| {}));
    m.watch(question("a.test", Type::Aaaa), 0);
    m.tick(0);
    m.answer(0, &reply(1, "a.test", Type::Aaaa, 0, &[]), 1);
    m.answer(0, &reply(1, "a.test", Type::A, 0, ONE), 2);
    assert_eq!(told(&mut m), ["AAAA 1", "A 1", "done 0"]);
}

#[test]
fn silence_is_a_timeout_after_the_last_try() {
    let mut m = machine(config(2, |_| {}));
    m.watch(question("a.test", Type::A), 0);
    for now in [0, 100, 200] {
        m.tick(now);
    }
    assert_eq!(told(&mut m), ["A 1", "A 1", "failed Timeout"]);
    assert_eq!(m.next_due(), Some(1200));
}

#[test]
fn a_bad_answer_counts_once_all_have_answered() {
    let mut m = machine(config(2, |_| {}));
    m.watch(question("a.test", Type::A), 0);
    m.tick(0);
    m.answer(0, &reply(1, "a.test", Type::A, NX, &[]), 1);
    m.answer(0, &reply(1, "a.test", Type::A, NX, &[]), 2);
    assert_eq!(told(&mut m), ["A 1"], "twice from the same one");
    m.answer(1, &reply(1, "a.test", Type::A, 0, ONE), 3);
    assert_eq!(told(&mut m), ["done 1"]);
    // One answers, one is silent: the other family is asked for when the time has come.
    m.tick(1003);
    m.answer(0, &reply(2, "a.test", Type::A, NX, &[]), 1004);
    m.tick(1103);
    assert_eq!(told(&mut m), ["A 2", "AAAA 2"]);
}

#[test]
fn forged_answers() {
    let mut m = machine(config(1, |_| {}));
    m.watch(question("a.test", Type::A), 0);
    m.tick(0);
    assert_eq!(
        m.answer(0, &reply(9, "a.test", Type::A, 0, ONE), 1),
        Heard::Outdated
    );
    assert_eq!(m.answer(0, b"\x00\x01", 1), Heard::Fault(Fault::Malformed));
    let late = reply(1, "a.test", Type::Aaaa, 0, &[]);
    assert_eq!(m.answer(0, &late, 1), Heard::Outdated);
    assert_eq!(told(&mut m), ["A 1"], "none of them counts");
    let other = reply(1, "b.test", Type::A, 0, ONE);
    assert_eq!(m.answer(0, &other, 2), Heard::Fault(Fault::WrongName));
    assert_eq!(told(&mut m), ["AAAA 1"]);
}

#[test]
fn one_family_only() {
    let mut m = machine(config(1, |_| {}));
    m.accept(Families {
        v4: true,
        v6: false,
    });
    m.watch(question("a.test", Type::Aaaa), 0);
    m.tick(0);
    m.answer(0, &reply(1, "a.test", Type::A, NX, &[]), 1);
    m.tick(100);
    m.answer(0, &reply(1, "a.test", Type::A, NX, &[]), 101);
    assert_eq!(told(&mut m), ["A 1", "A 1", "failed NoSuchName"]);
}

#[test]
fn services_have_no_other_family() {
    let mut m = machine(config(1, |_| {}));
    m.watch(question("_s.test", Type::Srv), 0);
    m.tick(0);
    m.answer(0, &reply(1, "_s.test", Type::Srv, NX, &[]), 1);
    m.tick(100);
    m.answer(0, &reply(1, "_s.test", Type::Srv, NX, &[]), 101);
    assert_eq!(told(&mut m), ["SRV 1", "SRV 1", "failed NoSuchName"]);
}

#[test]
fn failures_are_believed_after_a_while() {
    let mut m = machine(config(1, |c| c.hold.nx = 500));
    let key = m.watch(question("a.test", Type::A), 0);
    assert!(
        m.believes(key, Failure::NoSuchName, 0),
        "there has been no answer"
    );
    m.tick(0);
    m.answer(0, &reply(1, "a.test", Type::A, 0, ONE), 10);
    assert!(!m.believes(key, Failure::NoSuchName, 509));
    assert!(m.believes(key, Failure::NoSuchName, 510));
    assert!(!m.believes(key, Failure::Timeout, 30_009));
}

#[test]
fn a_name_asked_for_once_is_forgotten_in_time() {
    let mut m = machine(config(1, |c| c.hold.valid = 500));
    let ask = |m: &mut Machine, now| m.resolve(question("a.test", Type::A), now);
    let (key, at_hand) = ask(&mut m, 0);
    assert!(!at_hand);
    m.tick(0);
    assert_eq!(ask(&mut m, 5), (key, false), "it is being asked for");
    m.answer(0, &reply(1, "a.test", Type::A, 0, ONE), 10);
    assert_eq!(told(&mut m), ["A 1", "done 0"]);
    assert_eq!(ask(&mut m, 509), (key, true));
    assert!(!ask(&mut m, 510).1, "too old");
    m.tick(510);
    assert_eq!(told(&mut m), ["A 2"]);
    m.tick(610);
    m.tick(710);
    assert_eq!(told(&mut m), ["A 2", "failed Timeout"]);
    m.tick(711);
    assert_eq!(
        (m.next_due(), m.by_question.len(), m.by_id.len()),
        (None, 0, 0)
    );
}

#[test]
fn who_watches_no_more_leaves_nothing_behind() {
    let mut m = machine(config(1, |_| {}));
    let key = m.watch(question("a.test", Type::A), 0);
    assert_eq!(
        m.watch(question("A.TEST", Type::A), 0),
        key,
        "the same name"
    );
    m.tick(0);
    m.release(key, 1);
    m.answer(0, &reply(1, "a.test", Type::A, 0, ONE), 2);
    m.release(key, 3);
    m.tick(10_002);
    assert_eq!(m.next_due(), None);
    assert!(m.records(key).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever comes in, every resolution ends in time, and no identifier is left behind.
    #[test]
    fn resolutions_end(answers in prop::collection::vec((0_usize..2, 0_u16..6, any::<bool>(), 0_u64..80), 0..40)) {
        let mut m = machine(config(2, |_| {}));
        m.watch(question("a.test", Type::A), 0);
        let (mut now, mut last_end) = (0, 0);
        let mut id = 1;
        for (at, code, six, pause) in answers {
            m.tick(now);
            while let Some(output) = m.output() {
                match output {
                    Output::Query(message) => id = dns::id(&message).unwrap_or(0),
                    Output::Done(..) => last_end = now,
                }
            }
            prop_assert!(m.by_id.len() <= 1);
            // Two tries of two families, and the pause before them.
            prop_assert!(now - last_end <= 1000 + 4 * 100 + 4 * 80, "{now} {last_end}");
            let kind = if six { Type::Aaaa } else { Type::A };
            let ips = if six || code != 0 { &[] } else { ONE };
            m.answer(at, &reply(id, "a.test", kind, code, ips), now);
            now += pause;
        }
    }
}
