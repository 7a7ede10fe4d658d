//! Pattern lists, maps and their files. An input's first line names the method, the next is a sample, the rest are
//! patterns.

use super::owned;
use expr::Value;
use expr::pattern::{Method, PatternSet, PatternStore};
use std::borrow::Cow;
use std::io::Write;

/// Sets find what comparing one by one finds, and files give the sets that their lines give.
pub fn patterns(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let header = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let sample = lines.next().unwrap_or_default();
    let ignore_case = header.contains("-i");
    let Some(method) = header.split_ascii_whitespace().find_map(Method::of) else {
        return;
    };
    let mut set = PatternSet::new(method, ignore_case);
    let mut taken: Vec<&[u8]> = Vec::new();
    for line in lines {
        let before = set.len();
        match set.add(line, Some(b"value")) {
            Ok(()) => taken.push(line),
            Err(message) => assert!(!message.is_empty() && set.len() == before),
        }
    }
    assert_eq!(set.len(), taken.len());
    assert!(
        set.entries()
            .map(|entry| entry.key)
            .eq(taken.iter().copied())
    );
    check_samples(&set, &taken, sample);
    let rest = input.splitn(3, |byte| *byte == b'\n').nth(2);
    from_file(rest.unwrap_or_default(), method, ignore_case);
}

fn check_samples(set: &PatternSet, taken: &[&[u8]], sample: &[u8]) {
    let text = Value::Str(Cow::Borrowed(sample));
    let found = set.find(&text);
    if let Some(at) = found {
        let entry = set.entry(at).expect("what was found is there");
        assert_eq!(entry.value, Some(&b"value"[..]));
        if let Some(matches) = one_by_one(set, entry.key, sample) {
            assert!(matches, "{}", entry.key.escape_ascii());
        }
    }
    let expected = taken.iter().map(|key| one_by_one(set, key, sample));
    if let Some(expected) = expected.collect::<Option<Vec<bool>>>() {
        assert_eq!(found.is_some(), expected.contains(&true));
    }
    let number = std::str::from_utf8(sample)
        .ok()
        .and_then(|text| text.parse().ok());
    let ip = std::str::from_utf8(sample)
        .ok()
        .and_then(|text| text.parse().ok());
    let others = [
        number.map(Value::Int),
        ip.map(Value::Ip),
        Some(Value::Bin(Cow::Borrowed(sample))),
        Some(Value::Bool(sample.is_empty())),
    ];
    for value in others.into_iter().flatten() {
        let found = set.find(&value);
        assert!(found.is_none_or(|at| (at as usize) < taken.len()));
        assert!(found.is_none() || set.matches(&value));
    }
}

/// Whether a pattern matches, for methods that are told in a line; `None` for the others.
fn one_by_one(set: &PatternSet, key: &[u8], sample: &[u8]) -> Option<bool> {
    let fold = |text: &[u8]| match set.ignores_case() {
        true => text.to_ascii_lowercase(),
        false => text.to_vec(),
    };
    let (key, sample) = (fold(key), fold(sample));
    Some(match set.method() {
        Method::Str => key == sample,
        Method::Beg => sample.starts_with(&key),
        Method::End => sample.ends_with(&key),
        Method::Sub => key.is_empty() || sample.windows(key.len()).any(|part| part == key),
        _ => return None,
    })
}

fn from_file(text: &[u8], method: Method, ignore_case: bool) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text).expect("the file takes the text");
    let name = file.path().display().to_string();
    for is_map in [false, true] {
        let mut store = PatternStore::default();
        let list = store.file(&name, is_map).expect("the file can be read");
        let Ok(cell) = list.cell(method, ignore_case) else {
            continue;
        };
        list.read(|set| {
            assert!(set.len() <= text.split(|byte| *byte == b'\n').count());
            for entry in set.entries() {
                assert!(!entry.key.is_empty() && entry.key != b"\n");
                assert_eq!(entry.value.is_some(), is_map);
            }
        });
        list.cell(method, ignore_case).expect("as before");
        assert_eq!(list.read(PatternSet::form_count), 1);
        assert_eq!(cell.list().id(), list.id());
        assert!(store.file(&name, !is_map).is_err());
    }
}

pub fn words() -> Vec<Vec<u8>> {
    owned([
        "str\n",
        "beg\n",
        "sub\n",
        "end\n",
        "dir\n",
        "dom\n",
        "reg\n",
        "ip\n",
        "int\n",
        "len\n",
        "bin\n",
        "-i",
        "\n",
        "\r\n",
        "#",
        " ",
        "\t",
        "10.0.0.0/8",
        "10.0.0.1",
        "::/0",
        "fe80::/10",
        "10.0.0.0/255.0.255.0",
        "/33",
        "/129",
        "0:10",
        ":10",
        "10:",
        "gt 5",
        "le -1",
        "-5:5",
        "00ff",
        "0",
        "^a.*b$",
        "(a|b)+",
        "(?=a)",
        "(a)\\1",
        "[",
        "a{3,5}",
        "a{99999}",
        "example.test",
        ".test",
        "www.",
        "/path/",
    ])
}
