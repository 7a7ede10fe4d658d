//! Answers of name servers.

use super::{cuts, owned};
use wire::dns::{Fault, Name, Question, Record, Type, id, is_truncated, parse, write_query};

/// The questions that inputs are taken for answers to.
fn questions() -> impl Iterator<Item = Question> {
    let asked = [
        ("a.test", Type::A),
        ("a.test", Type::Aaaa),
        ("_s.test", Type::Srv),
    ];
    asked.into_iter().filter_map(|(name, kind)| {
        let name = Name::from_text(name)?;
        Some(Question { name, kind })
    })
}

/// What is said is of the type that was asked for; what is cut off is never understood otherwise, and what follows an
/// answer changes nothing.
pub fn answer(input: &[u8]) {
    assert_eq!(id(input).is_some(), input.len() >= 12);
    let _ = is_truncated(input);
    for question in questions() {
        let full = parse(input, &question);
        assert_eq!(parse(input, &question), full);
        let Ok(records) = &full else {
            continue;
        };
        assert!(!records.is_empty() && id(input).is_some());
        for record in records {
            check(record, question.kind);
        }
        for cut in cuts(input) {
            let part = parse(&input[..cut], &question);
            assert!(part == Err(Fault::Malformed) || part == full, "{part:?}");
        }
        let longer = [input, b"\x00\x01"].concat();
        assert_eq!(parse(&longer, &question), full);
    }
}

fn check(record: &Record, kind: Type) {
    match record {
        Record::Address(ip) => assert_eq!(ip.is_ipv4(), kind == Type::A),
        Record::Service(service) => {
            assert_eq!(kind, Type::Srv);
            // A name that came can be asked for, and is what it was.
            let name = service.target.clone();
            let mut query = Vec::new();
            write_query(1, &Question { name, kind }, 512, &mut query);
            assert!(query.len() <= 12 + 255 + 4 + 11);
        }
    }
}

pub fn words() -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = vec![
        b"\xc0\x0c".to_vec(),
        b"\xc0\x00".to_vec(),
        b"\xff\xff".to_vec(),
        b"\x00\x01\x00\x01".to_vec(),
        b"\x00\x05\x00\x01".to_vec(),
        b"\x00\x1c\x00\x01".to_vec(),
        b"\x00\x21\x00\x01".to_vec(),
        b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00".to_vec(),
        b"\x81\x83".to_vec(),
        b"\x83\x80".to_vec(),
        b"\x00\x00\x00\x05\x00\x04\x7f\x00\x00\x01".to_vec(),
    ];
    words.extend(owned([
        "\u{1}a\u{4}test\0",
        "\u{2}_s\u{4}test\0",
        "\u{1}b\u{4}test\0",
        "\u{3f}",
        "\0",
    ]));
    words
}
