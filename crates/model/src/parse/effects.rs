//! Nothing is accepted and then ignored: what is not built is refused by its name, and what changes nothing here is told.

use super::testing::load_text;

fn messages_of(line: &str) -> (bool, Vec<String>) {
    let text = match line.strip_prefix("global ") {
        Some(line) => format!("global\n {line}\n"),
        None => format!(
            "listen l\n mode http\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n {line}\n"
        ),
    };
    let (snapshot, messages) = load_text(&text);
    (snapshot.is_some(), messages)
}

#[test]
fn what_is_not_built_is_refused() {
    let (loaded, messages) = messages_of("email-alert from a@b");
    let expected = "'email-alert' is known but not built yet in hapax";
    assert!(!loaded);
    assert!(
        messages.iter().any(|m| m.contains(expected)),
        "{messages:?}"
    );
    let (snapshot, messages) = load_text("ring r\n backing-file /tmp/r\n");
    assert!(
        snapshot.is_none()
            && messages
                .iter()
                .any(|m| m.contains("'backing-file' is known")),
        "{messages:?}"
    );
}

#[test]
fn what_changes_nothing_is_told() {
    for line in [
        "option contstats",
        "option http-no-delay",
        "option splice-auto",
        "option splice-request",
        "option splice-response",
        "option use-small-buffers",
        "option use-small-buffers queue check",
        "bind :81 nice 5",
        "bind :81 shards 2",
        "bind :81 shards by-group",
        "bind :81 idle-ping 5s",
        "server a 127.0.0.1:80 idle-ping 5s",
        "global tune.idletimer 2s",
        "global tune.max-checks-per-thread 5",
    ] {
        let (loaded, messages) = messages_of(line);
        let told = messages
            .iter()
            .filter(|m| m.starts_with('N') && m.contains("has no effect"))
            .count();
        assert!(loaded && told == 1, "{line}: {messages:?}");
    }
    for line in [
        "no option contstats",
        "no option use-small-buffers queue",
        "bind :81 shards by-thread",
        "server a 127.0.0.1:80 observe none",
    ] {
        let (loaded, messages) = messages_of(line);
        assert!(
            loaded && !messages.iter().any(|m| m.contains("has no effect")),
            "{line}: {messages:?}"
        );
    }
}
