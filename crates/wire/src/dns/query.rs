//! Writing questions.

use super::{CLASS, OPT, Question};

/// Asks that the name server finds out itself what it does not know (RFC 1035, section 4.1.1).
const RECURSION_DESIRED: u16 = 0x0100;

/// Appends a query with an identifier, saying that an answer over UDP may have `payload_size` bytes.
pub fn write_query(id: u16, question: &Question, payload_size: u16, out: &mut Vec<u8>) {
    for field in [id, RECURSION_DESIRED, 1, 0, 0, 1] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    question.name.write(out);
    for field in [question.kind.number(), CLASS] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    // The root's name, then the size in the place of the class, no extended flags, no options (RFC 6891, section 6.1.2).
    out.push(0);
    for field in [OPT, payload_size, 0, 0, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Name, Question, Type};
    use super::*;

    #[test]
    fn a_query() {
        let question = Question {
            name: Name::from_text("a.test").expect("a name"),
            kind: Type::Aaaa,
        };
        let mut out = Vec::new();
        write_query(0x1234, &question, 512, &mut out);
        let expected =
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01a\x04test\x00\x00\x1c\x00\x01\
                         \x00\x00\x29\x02\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(out, expected);
    }
}
