//! User and group names of the system, looked up in its files.

/// The number of a user.
#[must_use]
pub fn user_id(name: &str) -> Option<u32> {
    id_in("/etc/passwd", name)
}

/// The number of a group.
#[must_use]
pub fn group_id(name: &str) -> Option<u32> {
    id_in("/etc/group", name)
}

fn id_in(file: &str, name: &str) -> Option<u32> {
    let text = std::fs::read(file).ok()?;
    find(&String::from_utf8_lossy(&text), name)
}

/// Both files have the name in the first and the number in the third field.
fn find(text: &str, name: &str) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name))
            .then(|| fields.nth(1))
            .flatten()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{find, user_id};

    #[test]
    fn names_are_found_whole() {
        let text = "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:\nbroken\n";
        assert_eq!((find(text, "root"), find(text, "www")), (Some(0), Some(33)));
        assert_eq!(
            (find(text, "ww"), find(text, "broken"), find(text, "")),
            (None, None, None)
        );
        assert_eq!(user_id("root"), Some(0));
    }
}
