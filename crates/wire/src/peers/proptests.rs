//! What is written is what is read, and nothing that comes can do harm.

use super::*;
use proptest::prelude::*;
use std::sync::Arc;

fn types() -> impl Strategy<Value = Vec<TypeDefinition>> {
    proptest::collection::vec((any::<bool>(), 1u16..=100, 0u32..100_000), 27).prop_map(|chosen| {
        let bits = (0u8..).zip(chosen).filter(|(_, (there, ..))| *there);
        bits.filter_map(|(bit, (_, elements, period))| {
            let (form, array) = form_of(bit)?;
            Some(TypeDefinition {
                bit,
                elements: if array { elements } else { 1 },
                period: if form == Form::Rate { period } else { 0 },
            })
        })
        .collect()
    })
}

#[derive(Debug, Clone)]
enum Datum {
    Integer(u64),
    Rate(u32, u32, u32),
    Text(Option<String>),
}

fn datum(form: Form) -> BoxedStrategy<Datum> {
    match form {
        Form::Integer => any::<u64>().prop_map(Datum::Integer).boxed(),
        Form::Rate => any::<(u32, u32, u32)>()
            .prop_map(|(a, b, c)| Datum::Rate(a, b, c))
            .boxed(),
        Form::Text => proptest::option::of("[a-z0-9]{0,6}")
            .prop_map(Datum::Text)
            .boxed(),
    }
}

/// Types and a value for each of their elements.
fn filled() -> impl Strategy<Value = (Vec<TypeDefinition>, Vec<Datum>)> {
    types().prop_flat_map(|types| {
        let values: Vec<_> = types
            .iter()
            .flat_map(|kind| (0..kind.elements).map(|_| datum(kind.form())))
            .collect();
        (Just(types), values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn integers_come_back(value in any::<u64>()) {
        let mut out = Vec::new();
        put_integer(&mut out, value);
        let cut = integer::integer(&out[..out.len() - 1]);
        prop_assert_eq!(integer::integer(&out), Ok(Some((value, out.len()))));
        prop_assert_eq!(cut, Ok(None));
    }

    #[test]
    fn updates_come_back(
        (types, data) in filled(), key in proptest::collection::vec(any::<u8>(), 0..20),
        number in proptest::option::of(any::<u32>()), expires in proptest::option::of(any::<u32>())
    ) {
        let definition = Definition { id: 7, name: b"/t", key_type: 6, key_len: 33, types, expire: 5, extension: b"" };
        let (mut writer, mut out) = (Writer::default(), Vec::new());
        let (mut sent, mut learned) = (Sent::default(), Learned::default());
        writer.define(&mut out, &definition);
        writer.begin(number, expires);
        writer.key(KeyForm::String, &key);
        for value in &data {
            match value {
                Datum::Integer(value) => writer.integer(*value),
                Datum::Rate(age, current, previous) => writer.rate(*age, *current, *previous),
                Datum::Text(None) => writer.text(None, 0, false),
                Datum::Text(Some(text)) => {
                    let (number, known) = sent.number(&Arc::from(text.as_str()));
                    writer.text(Some(text), number, known);
                }
            }
        }
        writer.finish(&mut out);
        for cut in 0..out.len() {
            let mut rest = &out[..cut];
            while let Some((_, len)) = next_frame(rest, 65_536).unwrap() {
                rest = &rest[len..];
            }
        }
        let (frame, len) = next_frame(&out, 65_536).unwrap().unwrap();
        prop_assert_eq!(frame, Frame::Define(definition.clone()));
        let (frame, rest) = next_frame(&out[len..], 65_536).unwrap().unwrap();
        prop_assert_eq!(len + rest, out.len());
        let Frame::Update { number: n, expires_in, body } = frame else { panic!("{frame:?}") };
        prop_assert_eq!((n, expires_in), (number, expires));
        let update = UpdateReader::new(&definition, KeyForm::String, body).unwrap();
        prop_assert_eq!(update.key, &key[..]);
        let mut values = update.values(&definition.types);
        for datum in data {
            let (_, _, value) = values.take().unwrap().unwrap();
            match (datum, value) {
                (Datum::Integer(a), Value::Integer(b)) => prop_assert_eq!(a, b),
                (Datum::Rate(a, b, c), Value::Rate { age, current, previous }) =>
                    prop_assert_eq!((a, b, c), (age, current, previous)),
                (Datum::Text(text), Value::Text(field)) =>
                    {
                    let learned = learned.resolve(field).unwrap();
                    prop_assert_eq!(text.as_deref(), learned.as_deref());
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(values.take(), Ok(None));
    }

    #[test]
    fn anything_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = opening(&bytes);
        let _ = next_status(&bytes);
        let mut rest = &bytes[..];
        while let Ok(Some((_, len))) = next_frame(rest, 150) {
            prop_assert!(len >= 2 && len <= rest.len());
            rest = &rest[len..];
        }
    }
}
