//! What peers send.

use super::{cuts, owned};
use wire::peers::{
    Definition, Fault, Frame, KeyForm, Learned, Opening, UpdateReader, Value, Writer, next_frame,
    next_status, opening, write_ack, write_control,
};

const LONGEST: usize = 1024;

/// A hello, or messages, are taken off the front one after the other; what is cut off is never understood otherwise, and
/// what was understood is written in the same way again.
pub fn messages(input: &[u8]) {
    hello(input);
    let (mut rest, mut learned) = (input, Learned::default());
    let mut table: Option<(Definition<'_>, KeyForm)> = None;
    while let Ok(Some((frame, len))) = next_frame(rest, LONGEST) {
        assert!((2..=rest.len().min(LONGEST)).contains(&len));
        let message = &rest[..len];
        for cut in cuts(message) {
            assert_eq!(next_frame(&message[..cut], LONGEST), Ok(None));
        }
        again(&frame);
        match &frame {
            Frame::Define(definition) => {
                let form = definition.key_form().ok();
                table = form.map(|form| (definition.clone(), form));
            }
            Frame::Update { body, .. } => {
                if let Some((definition, form)) = &table {
                    let _ = update(definition, *form, body, &mut learned);
                }
            }
            _ => {}
        }
        rest = &rest[len..];
    }
}

fn hello(input: &[u8]) {
    if let Opening::Complete(hello, len) = opening(input) {
        assert!(len <= input.len() && hello.minor <= 1);
        for cut in cuts(&input[..len]) {
            assert_eq!(opening(&input[..cut]), Opening::Partial);
        }
    }
    if let Ok(Some((status, len))) = next_status(input) {
        assert!(len <= input.len() && status.number() >= 200);
    }
}

fn again(frame: &Frame<'_>) {
    let mut out = Vec::new();
    match frame {
        Frame::Define(definition) => Writer::default().define(&mut out, definition),
        Frame::Ack { table, update } => write_ack(&mut out, *table, *update),
        Frame::Update { .. } | Frame::Switch(_) | Frame::Unknown => return,
        control => write_control(&mut out, control),
    }
    let read = next_frame(&out, usize::MAX);
    assert_eq!(read, Ok(Some((frame.clone(), out.len()))));
}

/// An update has a key of the right length and one value for each element, or is refused.
fn update(
    definition: &Definition<'_>,
    form: KeyForm,
    body: &[u8],
    learned: &mut Learned,
) -> Result<(), Fault> {
    let update = UpdateReader::new(definition, form, body)?;
    match form {
        KeyForm::Integer => assert_eq!(update.key.len(), 4),
        KeyForm::Fixed(len) => assert_eq!(update.key.len(), len as usize),
        KeyForm::String => assert!((update.key.len() as u64) < definition.key_len),
    }
    let (mut values, mut count) = (update.values(&definition.types), 0);
    while let Some((kind, element, value)) = values.take()? {
        assert!(element < kind.elements);
        if let Value::Text(text) = value {
            learned.resolve(text)?;
        }
        count += 1;
    }
    let elements = definition
        .types
        .iter()
        .map(|kind| usize::from(kind.elements));
    assert_eq!(count, elements.sum::<usize>());
    Ok(())
}

pub fn words() -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = [
        &b"\x0a\x80"[..],
        b"\x0a\x81",
        b"\x0a\x82",
        b"\x0a\x83\x01\x05",
        b"\x0a\x84\x05\x09\0\0\0\x4e",
        b"\x0a\x85",
        b"\x0a\x86",
        b"\0\0",
        b"\0\x01",
        b"\0\x04",
        b"\x01\0",
        b"\xf0\x80\0",
        b"\xff\xff\xff\xff\x7f",
        b"\x04\x01\x02s1",
        b"\x01\x01",
    ]
    .iter()
    .map(|word| word.to_vec())
    .collect();
    words.extend(owned(["HAProxyS 2.1\n", "200\n", "/st", "a\n", "b 1 0\n"]));
    words
}
