//! `reqrep` and its family: what older versions wrote as regular expressions over whole header lines, translated to
//! today's rules where the expression says which header or part of the request line it means.

/// What a translated directive did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// `reqadd`, `rspadd`
    Add,
    /// `reqrep`, `rsprep`
    Replace,
    /// `reqdel`, `rspdel`
    Delete,
    /// `reqdeny`, `rspdeny`
    Deny,
    /// `reqallow`
    Allow,
    /// `reqtarpit`
    Tarpit,
}

/// One of the old directives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Old {
    /// Its keyword.
    pub(super) name: &'static str,
    /// What it did.
    pub(super) deed: Deed,
    /// Whether it was about responses.
    pub(super) response: bool,
    /// Whether it ignored case.
    pub(super) ignore_case: bool,
    /// What HAProxy tells to use.
    pub(super) instead: &'static str,
}

const fn old(name: &'static str, deed: Deed, instead: &'static str) -> Old {
    // The fourth letter of the names that ignore case is an i: reqirep, rspidel.
    let bytes = name.as_bytes();
    Old {
        name,
        deed,
        response: bytes[1] == b's',
        ignore_case: bytes[3] == b'i',
        instead,
    }
}

/// The old directives that can be translated.
pub(super) const OLD: &[Old] = &[
    old("reqadd", Deed::Add, "'http-request add-header'"),
    old("reqallow", Deed::Allow, "'http-request allow'"),
    old("reqdel", Deed::Delete, "'http-request del-header'"),
    old("reqdeny", Deed::Deny, "'http-request deny'"),
    old("reqiallow", Deed::Allow, "'http-request allow'"),
    old("reqidel", Deed::Delete, "'http-request del-header'"),
    old("reqideny", Deed::Deny, "'http-request deny'"),
    old("reqirep", Deed::Replace, "'http-request replace-header'"),
    old("reqitarpit", Deed::Tarpit, "'http-request tarpit'"),
    old(
        "reqrep",
        Deed::Replace,
        "'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header'",
    ),
    old("reqtarpit", Deed::Tarpit, "'http-request tarpit'"),
    old("rspadd", Deed::Add, "'http-response add-header'"),
    old("rspdel", Deed::Delete, "'http-response del-header'"),
    old("rspdeny", Deed::Deny, "'http-response deny'"),
    old("rspidel", Deed::Delete, "'http-response del-header'"),
    old("rspideny", Deed::Deny, "'http-response deny'"),
    old("rspirep", Deed::Replace, "'http-response replace-header'"),
    old("rsprep", Deed::Replace, "'http-response replace-header'"),
];

/// The words of today's rule for an old directive's arguments, or why there is none.
///
/// # Errors
/// When the expression does not say what it is about.
pub(super) fn translate(old: &Old, args: &[&str]) -> Result<Vec<String>, String> {
    let wanted = if old.deed == Deed::Replace { 2 } else { 1 };
    let (Some(own), Some(condition)) = (args.get(..wanted), args.get(wanted..)) else {
        return Err(format!("'{}' expects {wanted} argument(s)", old.name));
    };
    let search = own.first().copied().unwrap_or_default();
    let mut rule = vec![
        if old.response {
            "http-response"
        } else {
            "http-request"
        }
        .to_owned(),
    ];
    let mut own_condition = None;
    match old.deed {
        Deed::Add => {
            let (name, value) =
                header_line(search).ok_or("it adds no header line of the form 'Name: value'")?;
            rule.extend(["add-header".into(), name.into(), literal(value)]);
        }
        Deed::Replace => rule.extend(replacement(
            old,
            search,
            own.get(1).copied().unwrap_or_default(),
        )?),
        Deed::Delete => own_condition = deletion(old, search, &mut rule)?,
        Deed::Deny | Deed::Allow | Deed::Tarpit => {
            let (name, rest) = header_pattern(search)
                .ok_or("the expression does not begin with a header's name ('^Name:')")?;
            rule.push(match old.deed {
                Deed::Deny => "deny".into(),
                Deed::Allow => "allow".into(),
                _ => "tarpit".into(),
            });
            own_condition = Some(value_condition(old, name, rest));
        }
    }
    join_conditions(&mut rule, own_condition, condition)?;
    Ok(rule)
}

fn join_conditions(
    rule: &mut Vec<String>,
    own: Option<Vec<String>>,
    given: &[&str],
) -> Result<(), String> {
    let Some(own) = own else {
        rule.extend(given.iter().map(|word| (*word).to_owned()));
        return Ok(());
    };
    rule.push("if".into());
    rule.extend(own);
    match given {
        [] => Ok(()),
        ["if", terms @ ..] if !terms.iter().any(|term| matches!(*term, "or" | "||")) => {
            rule.extend(terms.iter().map(|word| (*word).to_owned()));
            Ok(())
        }
        _ => Err("its condition can't be joined with the expression".into()),
    }
}

fn value_condition(old: &Old, name: &str, rest: &str) -> Vec<String> {
    let fetch = if old.response { "res.fhdr" } else { "req.fhdr" };
    let mut words = vec![
        "{".to_owned(),
        format!("{fetch}({name})"),
        "-m".into(),
        "reg".into(),
    ];
    if old.ignore_case {
        words.push("-i".into());
    }
    words.extend([format!("^{rest}"), "}".into()]);
    words
}

fn deletion(
    old: &Old,
    search: &str,
    rule: &mut Vec<String>,
) -> Result<Option<Vec<String>>, String> {
    rule.push("del-header".into());
    if let Some((name, rest)) = header_pattern(search) {
        rule.push(name.into());
        return Ok(match rest {
            "" | ".*" | ".*$" => None,
            rest => Some(value_condition(old, name, rest)),
        });
    }
    let start = search
        .strip_prefix('^')
        .filter(|start| !start.is_empty() && start.bytes().all(is_name));
    let start = start.ok_or("the expression does not begin with a header's name ('^Name:')")?;
    rule.extend([start.to_owned(), "-m".into(), "beg".into()]);
    Ok(None)
}

fn replacement(old: &Old, search: &str, with: &str) -> Result<Vec<String>, String> {
    let flags = if old.ignore_case { "(?i)" } else { "" };
    if let Some((name, rest)) = header_pattern(search) {
        let (to, value) = header_line(with).ok_or("the new line has not the form 'Name: value'")?;
        if !to.eq_ignore_ascii_case(name) {
            return Err(format!("it turns the header '{name}' into '{to}'"));
        }
        return Ok(vec![
            "replace-header".into(),
            name.into(),
            format!("{flags}^{rest}"),
            literal(value),
        ]);
    }
    if old.response {
        return Err("the expression does not begin with a header's name ('^Name:')".into());
    }
    let (target, value) = request_line(search, with)
        .ok_or("the expression is neither about one header ('^Name:') nor keeps the method ('^([^ ]*) ...' to '\\1 ...')")?;
    let part = if target.starts_with('/') {
        "replace-pathq"
    } else {
        "replace-uri"
    };
    Ok(vec![
        part.into(),
        format!("{flags}^{target}"),
        literal(&value),
    ])
}

/// The header name and the expression for its value of an expression that begins with `^Name:`.
fn header_pattern(search: &str) -> Option<(&str, &str)> {
    let (name, rest) = search.strip_prefix('^')?.split_once(':')?;
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    const BLANKS: [&str; 7] = ["[ ]*", "[ \\t]*", "[[:space:]]*", "\\s*", " *", "\\ ", " "];
    let rest = BLANKS
        .iter()
        .find_map(|blank| rest.strip_prefix(blank))
        .unwrap_or(rest);
    Some((name, rest))
}

fn header_line(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    (!name.is_empty() && name.bytes().all(is_name)).then(|| (name, value.trim_start()))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The expression for the target and its replacement, of expressions that only pass the method on.
fn request_line(search: &str, with: &str) -> Option<(String, String)> {
    const METHODS: [&str; 8] = [
        "([^ ]*)",
        "([^ ]+)",
        "([^ :]*)",
        "([^ :]+)",
        "([^\\ ]*)",
        "([^\\ :]*)",
        "(\\S*)",
        "(\\S+)",
    ];
    let search = search.strip_prefix('^').unwrap_or(search);
    let target = METHODS
        .iter()
        .find_map(|method| search.strip_prefix(method))?;
    let target = target
        .strip_prefix("\\ ")
        .or_else(|| target.strip_prefix(' '))?;
    let value = with
        .strip_prefix("\\1 ")
        .or_else(|| with.strip_prefix("\\1\\ "))?;
    if target.contains(' ') || value.contains(' ') {
        return None;
    }
    let mut renumbered = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        renumbered.push(c);
        if c != '\\' {
            continue;
        }
        let next = chars.next()?;
        match next.to_digit(10) {
            Some(0 | 1) => return None,
            Some(group) => renumbered.push_str(&(group - 1).to_string()),
            None => renumbered.push(next),
        }
    }
    Some((target.to_owned(), renumbered))
}

/// Text as a log format writes it.
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::{OLD, translate};

    fn modern(name: &str, args: &[&str]) -> Result<String, String> {
        let old = OLD
            .iter()
            .find(|old| old.name == name)
            .expect("a known directive");
        translate(old, args).map(|words| words.join(" "))
    }

    #[test]
    fn headers() {
        assert_eq!(
            modern("reqadd", &["X-P: 50%", "if", "a"]),
            Ok("http-request add-header X-P 50%% if a".into())
        );
        assert_eq!(
            modern("rspidel", &["^Server:.*"]),
            Ok("http-response del-header Server".into())
        );
        assert_eq!(
            modern("reqidel", &["^X-Internal"]),
            Ok("http-request del-header X-Internal -m beg".into())
        );
        assert_eq!(
            modern(
                "rspirep",
                &["^Location: http://(.*)", "Location: https://\\1"]
            ),
            Ok("http-response replace-header Location (?i)^http://(.*) https://\\1".into())
        );
        assert_eq!(
            modern("reqideny", &["^Host: bad", "if", "x"]),
            Ok("http-request deny if { req.fhdr(Host) -m reg -i ^bad } x".into())
        );
    }

    #[test]
    fn the_request_line() {
        assert_eq!(
            modern("reqrep", &["^([^ :]*) /static/(.*)", "\\1 /\\2"]),
            Ok("http-request replace-pathq ^/static/(.*) /\\1".into())
        );
        assert!(modern("reqrep", &["^GET (.*)", "POST \\1"]).is_err());
    }

    #[test]
    fn what_is_not_clear_is_not_guessed() {
        assert!(modern("reqdel", &["secret"]).is_err());
        assert!(modern("rsprep", &["^A: b", "C: d"]).is_err());
        assert!(modern("reqdeny", &["^Host: a", "unless", "x"]).is_err());
        assert!(modern("reqrep", &["^Host: a"]).is_err());
    }
}
