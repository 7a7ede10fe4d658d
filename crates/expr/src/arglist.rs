//! Reading the arguments of fetches and converters: quotes, escapes and types.

use crate::args::{Arg, ArgKind, ArgSpec, Args};
use crate::context::{ParseContext, Reference};
use crate::regex::Regex;
use std::sync::{Arc, OnceLock};

/// A fault in an argument list.
#[derive(Debug)]
pub(crate) struct ArgError {
    /// The argument, counted from 1.
    pub(crate) position: usize,
    /// What is wrong with it.
    pub(crate) text: String,
}

fn at(position: usize) -> impl Fn(String) -> ArgError {
    move |text| ArgError { position, text }
}

/// Reads the list that follows a keyword: nothing, or `(…)`. Returns the arguments and the rest of the text.
///
/// # Errors
/// What is wrong with the list, in HAProxy's wording, and with which argument.
pub(crate) fn parse<'t>(
    text: &'t str,
    specs: &[ArgSpec],
    owner: &str,
    ctx: &mut ParseContext<'_>,
) -> Result<(Args, &'t str), ArgError> {
    let Some(inner) = text.strip_prefix('(') else {
        let args = complete(Vec::new(), specs, owner, ctx)?;
        return Ok((args, text));
    };
    let mut values = Vec::new();
    let mut rest = inner;
    // Empty parentheses are one empty argument where one is needed, or where it is a text.
    if let Some(after) = rest.strip_prefix(')')
        && specs
            .first()
            .is_none_or(|spec| spec.optional && spec.kind != ArgKind::Str)
    {
        let args = complete(values, specs, owner, ctx)?;
        return Ok((args, after));
    }
    loop {
        let Some(spec) = specs.get(values.len()) else {
            return Err(at(values.len() + 1)(expected_close(rest)));
        };
        let position = values.len() + 1;
        let (word, after) = read_word(rest).map_err(at(position + 1))?;
        values.push(convert(&word, *spec, position, owner, ctx).map_err(at(position))?);
        if word.is_empty() && ends_at_nothing(*spec) && !after.starts_with(')') {
            return Err(at(position)(expected_close(after)));
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(')') {
            let args = complete(values, specs, owner, ctx)?;
            return Ok((args, after));
        }
        match rest.strip_prefix(',') {
            Some(after) if values.len() < specs.len() => rest = after,
            _ => return Err(at(values.len() + 1)(expected_close(rest))),
        }
    }
}

/// Whether an argument that is left out may only be the last one.
fn ends_at_nothing(spec: ArgSpec) -> bool {
    spec.optional && spec.kind != ArgKind::Str && !is_resolved_later(spec.kind)
}

fn expected_close(rest: &str) -> String {
    if rest.is_empty() {
        "expected ')'".into()
    } else {
        format!("expected ')' before '{rest}'")
    }
}

/// Reads one argument up to an unquoted comma or parenthesis.
fn read_word(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = chars.as_str().chars().next();
                let plain = match next {
                    Some('n') => Some('\n'),
                    Some('r') => Some('\r'),
                    Some('t') => Some('\t'),
                    Some(c @ ('\\' | '"' | '\'' | ' ')) => Some(c),
                    _ => None,
                };
                match plain {
                    Some(plain) => {
                        out.push(plain);
                        chars.next();
                    }
                    None => out.push('\\'),
                }
            }
            (',' | ')', None) => return Ok((out, &text[at..])),
            _ => out.push(c),
        }
    }
    match quote {
        Some(_) => Err(expected_close("")),
        None => Ok((out, "")),
    }
}

fn complete(
    mut values: Vec<Arg>,
    specs: &[ArgSpec],
    owner: &str,
    ctx: &mut ParseContext<'_>,
) -> Result<Args, ArgError> {
    let needed = specs.iter().take_while(|s| !s.optional).count();
    for have in values.len()..needed {
        let Some(spec) = specs.get(have) else { break };
        let resolved = is_resolved_later(spec.kind) && spec.kind != ArgKind::UserList;
        // A list that is missing altogether is one empty argument.
        if resolved || (have == 0 && spec.kind != ArgKind::UserList) {
            values.push(convert("", *spec, have + 1, owner, ctx).map_err(at(have + 1))?);
            continue;
        }
        return Err(at(have + 1)(format!(
            "missing arguments (got {have}/{needed}), type '{}' expected",
            spec.kind.name()
        )));
    }
    Ok(Args::new(values))
}

fn is_resolved_later(kind: ArgKind) -> bool {
    matches!(
        kind,
        ArgKind::Frontend | ArgKind::Backend | ArgKind::Server | ArgKind::Table | ArgKind::UserList
    )
}

fn convert(
    word: &str,
    spec: ArgSpec,
    position: usize,
    owner: &str,
    ctx: &mut ParseContext<'_>,
) -> Result<Arg, String> {
    let failed = || {
        format!(
            "failed to parse '{word}' as type '{}' at position {position}",
            spec.kind.name()
        )
    };
    if is_resolved_later(spec.kind) {
        return Ok(reference(word, spec.kind, position, owner, ctx));
    }
    if word.is_empty() && spec.optional && spec.kind != ArgKind::Str {
        return Ok(Arg::Empty);
    }
    Ok(match spec.kind {
        ArgKind::Str => Arg::Str(config::bytes_of(word).into()),
        // That a further argument is missing is told first.
        _ if word.is_empty() && spec.kind != ArgKind::Regex => {
            return Err(format!(
                "expected type '{}' at position {position}, but got nothing",
                spec.kind.name()
            ));
        }
        ArgKind::Int => Arg::Int(parse_int(word).ok_or_else(failed)?),
        ArgKind::Time => Arg::Int(parse_time(word).ok_or_else(failed)?),
        ArgKind::Size => Arg::Int(parse_size(word).ok_or_else(failed)?),
        ArgKind::Ipv4 => Arg::Ipv4(word.parse().map_err(|_| failed())?),
        ArgKind::Ipv6 => Arg::Ipv6(word.parse().map_err(|_| failed())?),
        ArgKind::Mask4 => match word.parse::<u8>() {
            Ok(bits @ 0..=32) => Arg::Ipv4(
                u32::MAX
                    .checked_shl(32 - u32::from(bits))
                    .unwrap_or(0)
                    .into(),
            ),
            _ => Arg::Ipv4(word.parse().map_err(|_| failed())?),
        },
        ArgKind::Mask6 => match word.parse::<u8>() {
            Ok(bits @ 0..=128) => Arg::Ipv6(
                u128::MAX
                    .checked_shl(128 - u32::from(bits))
                    .unwrap_or(0)
                    .into(),
            ),
            _ => Arg::Ipv6(word.parse().map_err(|_| failed())?),
        },
        ArgKind::Regex => {
            let regex = Regex::new(word, false).map_err(|error| {
                format!(
                    "error in regex '{word}' in arg {position} of {owner} : regex '{word}' is invalid (error={error})"
                )
            })?;
            if regex.backtracks() {
                ctx.warnings.push(Regex::backtracking_warning(word));
            }
            Arg::Regex(Arc::new(regex))
        }
        ArgKind::ProtobufField => Arg::FieldPath(parse_path(word).ok_or_else(failed)?),
        ArgKind::Frontend
        | ArgKind::Backend
        | ArgKind::Server
        | ArgKind::Table
        | ArgKind::UserList => return Err(failed()),
    })
}

fn reference(
    word: &str,
    kind: ArgKind,
    position: usize,
    owner: &str,
    ctx: &mut ParseContext<'_>,
) -> Arg {
    let slot = Arc::new(OnceLock::new());
    ctx.compiler.references.push(Reference {
        kind,
        name: word.to_owned(),
        slot: slot.clone(),
        argument: position,
        owner: owner.to_owned(),
        proxy: ctx.proxy.to_owned(),
        file: ctx.file.to_owned(),
        line: ctx.line,
    });
    Arg::Reference(slot)
}

/// Reads an integer; what exceeds 64 bits stops at their limits.
fn parse_int(word: &str) -> Option<i64> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let clean = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    clean.then(|| crate::cast::leading_int(word.as_bytes()))
}

/// Reads a duration in milliseconds.
fn parse_time(word: &str) -> Option<i64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let value: i64 = word.get(..digits)?.parse().ok()?;
    let factor = match word.get(digits..)? {
        "us" => return Some((value + 999) / 1000),
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    value.checked_mul(factor)
}

/// Reads a size in bytes.
fn parse_size(word: &str) -> Option<i64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let value: i64 = word.get(..digits)?.parse().ok()?;
    let shift = match word.get(digits..)? {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return None,
    };
    value.checked_mul(1 << shift)
}

/// Reads numbers with dots between them; nothing before the first dot is 0.
fn parse_path(word: &str) -> Option<Box<[u64]>> {
    let word = if word.starts_with('.') {
        format!("0{word}")
    } else {
        word.to_owned()
    };
    word.split('.')
        .map(|n| {
            let digits = !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| n.parse().unwrap_or(u64::MAX))
        })
        .collect()
}
