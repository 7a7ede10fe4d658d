//! One example for each action in each list: what a rule does to the same request and response.

use super::*;
use crate::rules::{Family, actions};

/// Lines `list action arguments => effect`.
const EXAMPLES: &str = include_str!("rows.txt");

/// The list and the rest of a rule.
fn family_of(line: &str) -> Option<(Family, &str)> {
    Family::ALL.into_iter().find_map(|family| {
        let rest = line.strip_prefix(family.keyword())?;
        Some((family, rest.strip_prefix(' ')?))
    })
}

/// What a rule does, in words.
fn effect(family: Family, rule: &str) -> String {
    let outcome = read(&format!(
        "global\n expose-experimental-directives\nresolvers dns\n nameserver n 127.0.0.1:53\nlog-profile prof\n on any drop\nlisten l\n mode {}\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n server s 127.0.0.1:1\n declare capture request len 5\n declare capture response len 5\n http-request deny if {{ path -f virt@acl }} {{ path,map(virt@map) -m found }} FALSE\n{rule}\n",
        if family.is_http() { "http" } else { "tcp" }
    ));
    let Some(loaded) = &outcome.loaded else {
        let alert = outcome.messages.split_once("severity: Alert");
        let said = alert.and_then(|(_, rest)| rest.split_once("message: \""));
        let said = said.and_then(|(_, rest)| rest.split_once("\", hint"));
        return format!("refused: {}", said.map_or("", |(message, _)| message));
    };
    let mut fake = Fake::new("GET /p//x?q#f", &["host: h", "a: 1, 2", "c: d"]);
    if family.side() == Side::Response {
        fake = fake.answered(200, &["server: s", "b: 1, 2"]);
    }
    fake.body_complete = false;
    let (before, line) = (shown(&fake.request), line_of(&fake.request));
    let answer = fake.response.as_ref().map(shown);
    let rules = outcome.proxy("l").rules.list(family);
    let Some(rule) = rules.last() else {
        return "no rule".into();
    };
    let mut effects = vec![flow_of(rule.action.run(&mut fake))];
    if line_of(&fake.request) != line {
        effects.push(line_of(&fake.request));
    }
    effects.extend(changes("request", &before, &shown(&fake.request)));
    if let (Some(before), Some(response)) = (answer, &fake.response) {
        effects.extend(changes("response", &before, &shown(response)));
        if response.status() != 200 {
            let reason = String::from_utf8_lossy(response.reason());
            effects.push(format!("{} {reason}", response.status()));
        }
    }
    effects.extend(fake.vars.iter().map(|(_, value)| format!("{value:?}")));
    effects.append(&mut fake.done);
    let ends = [(&fake.src, "127.0.0.1:4001"), (&fake.dst, "127.0.0.1:80")];
    effects.extend(ends.into_iter().filter_map(|(end, before)| {
        let text = format!("{end:?}");
        (!text.contains(before)).then_some(text)
    }));
    for name in ["acl", "map"] {
        if let Some(list) = loaded.snapshot.patterns.named(name) {
            let entries = list.read(|set| set.len());
            if entries > 0 {
                effects.push(format!("{name} holds {entries}"));
            }
        }
    }
    effects.join("; ")
}

fn line_of(head: &Head) -> String {
    let text = String::from_utf8_lossy;
    format!("{} {}", text(head.method_text()), text(head.target()))
}

/// The fields that are gone and those that are new.
fn changes(of: &str, before: &str, after: &str) -> Vec<String> {
    let gone = before
        .lines()
        .filter(|line| !after.lines().any(|new| new == *line));
    let new = after
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line));
    gone.map(|line| format!("{of} -{line}"))
        .chain(new.map(|line| format!("{of} +{line}")))
        .collect()
}

fn flow_of(flow: Flow) -> String {
    let reply = |reply: &Reply| shown_reply(reply).replace('\n', "|");
    match flow {
        Flow::Deny(status, Some(with)) => format!("Deny {status} with {}", reply(&with)),
        Flow::Tarpit(status, Some(with)) => format!("Tarpit {status} with {}", reply(&with)),
        Flow::Reply(with) => format!("Reply {}", reply(&with)),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_action_has_its_effect() {
    let mut wrong = String::new();
    for example in EXAMPLES.lines() {
        let Some((rule, expected)) = example.split_once(" => ") else {
            panic!("no example: {example}");
        };
        let Some((family, _)) = family_of(rule) else {
            panic!("no list: {rule}");
        };
        let actual = effect(family, rule);
        if actual != expected {
            wrong += &format!("{rule} => {actual}\n");
        }
    }
    assert!(wrong.is_empty(), "other effects:\n{wrong}");
}

#[test]
fn each_action_of_each_list_has_an_example() {
    let examples: Vec<(Family, &str)> = EXAMPLES
        .lines()
        .filter_map(|line| {
            let (family, rest) = family_of(line)?;
            Some((family, rest.split([' ', '(']).next()?))
        })
        .collect();
    for family in Family::ALL {
        // What acts on stick counters needs tables, and is tested with them.
        let of_counters = |name: &str| name.starts_with("sc-") || name.starts_with("track-sc");
        for row in actions::rows(family).filter(|row| !of_counters(row.name)) {
            assert!(
                examples.contains(&(family, row.name)),
                "no example of '{} {}'",
                family.keyword(),
                row.name
            );
        }
    }
}
