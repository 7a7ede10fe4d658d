//! Who the process is, and what it may do.

use crate::global::UnixBind;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, accounts};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "chroot",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The directory the process is confined to.",
        read: chroot,
    },
    Row {
        name: "description",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Text about this instance.",
        read: description,
    },
    Row {
        name: "gid",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The group number to run as.",
        read: gid,
    },
    Row {
        name: "group",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The group to run as.",
        read: group,
    },
    Row {
        name: "insecure-fork-wanted",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Allows new processes at run time.",
        read: insecure,
    },
    Row {
        name: "insecure-setuid-wanted",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Allows programs that change their user.",
        read: insecure,
    },
    Row {
        name: "localpeer",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "This instance's name among peers.",
        read: local_peer,
    },
    Row {
        name: "node",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "This instance's name.",
        read: node,
    },
    Row {
        name: "set-dumpable",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Allows core dumps.",
        read: dumpable,
    },
    Row {
        name: "setcap",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Capabilities to keep.",
        read: setcap,
    },
    Row {
        name: "uid",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The user number to run as.",
        read: uid,
    },
    Row {
        name: "unix-bind",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "What Unix listeners start from.",
        read: unix_bind,
    },
    Row {
        name: "user",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The user to run as.",
        read: user,
    },
];

fn chroot(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), &parser.global.chroot) {
        ("", _) => return Err(statement.fault_here("'chroot' expects a directory as an argument.")),
        (_, Some(_)) => parser.warn(
            statement,
            "'chroot' is already specified. Continuing.",
            None,
        ),
        (directory, None) => parser.global.chroot = Some(directory.into()),
    }
    Ok(())
}

fn description(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'description' expects a string argument."));
    }
    parser.global.description = Some(statement.args_from(0).join(" "));
    Ok(())
}

fn node(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        let message = "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).";
        return Err(statement.fault_here(message));
    }
    parser.global.node = Some(name.into());
    Ok(())
}

fn user(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.uid.is_some() {
        return Err(statement.fault_here("user/uid already specified. Continuing."));
    }
    let name = statement.arg(0);
    match accounts::user_id(name) {
        Some(uid) => parser.global.uid = Some(uid),
        None => {
            return Err(statement.fault(0, format!("cannot find user id for '{name}' (0:Success)")));
        }
    }
    Ok(())
}

fn group(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.gid.is_some() {
        return Err(statement.fault_here("gid/group was already specified. Continuing."));
    }
    let name = statement.arg(0);
    match accounts::group_id(name) {
        Some(gid) => parser.global.gid = Some(gid),
        None => {
            return Err(
                statement.fault(0, format!("cannot find group id for '{name}' (0:Success)"))
            );
        }
    }
    Ok(())
}

/// A user or group number; a name is only warned of, and leaves the identity as it is.
fn number(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    keyword: &str,
    what: &str,
) -> Parsed<Option<u32>> {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects an integer argument.")));
    }
    let id = text.parse().ok();
    if id.is_none() {
        let message = format!(
            " {keyword}: string '{text}' is not a number.\nYou might want to use the '{what}' parameter to use a system {what} name."
        );
        parser.warn(statement, message, Some(format!("write: {what} {text}")));
    }
    Ok(id)
}

fn uid(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.uid.is_some() {
        return Err(statement.fault_here("user/uid already specified. Continuing."));
    }
    parser.global.uid = number(parser, statement, "uid", "user")?;
    Ok(())
}

fn gid(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.gid.is_some() {
        return Err(statement.fault_here("gid/group was already specified. Continuing."));
    }
    parser.global.gid = number(parser, statement, "gid", "group")?;
    Ok(())
}

fn insecure(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let [fork, setuid] = &mut parser.global.insecure;
    match statement.keyword() {
        "insecure-fork-wanted" => *fork = !statement.is_negated(),
        _ => *setuid = true,
    }
    Ok(())
}

fn local_peer(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => return Err(statement.fault_here("'localpeer' expects a name as an argument.")),
        name => parser.global.local_peer = Some(name.into()),
    }
    parser
        .expressions
        .env
        .set("HAPROXY_LOCALPEER", statement.arg(0));
    Ok(())
}

fn dumpable(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.dumpable = match statement.arg(0) {
        "" | "on" | "libs" => !statement.is_negated(),
        "off" => false,
        other => {
            let message = format!(
                "'set-dumpable' only supports 'on' and 'off' as an argument, found '{other}'."
            );
            return Err(statement.fault(0, message));
        }
    };
    Ok(())
}

fn setcap(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const SUPPORTED: [&str; 4] = [
        "cap_net_raw",
        "cap_net_admin",
        "cap_net_bind_service",
        "cap_sys_admin",
    ];
    let names = statement.arg(0);
    if names.is_empty() {
        return Err(statement.fault_here("'setcap' : missing capability name."));
    }
    for name in names.split(',') {
        if !SUPPORTED.contains(&name) {
            let message = format!(
                "'setcap' : unsupported capability '{name}'.  Supported ones are: cap_net_raw, cap_net_admin, cap_net_bind_service and cap_sys_admin."
            );
            return Err(statement.fault(0, message));
        }
        parser.global.capabilities.push(name.into());
    }
    Ok(())
}

fn unix_bind(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut settings = UnixBind::default();
    let mut words = statement.args_from(0).into_iter();
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        match option {
            "prefix" if value.is_empty() => {
                return Err(
                    statement.fault_here("unix_bind 'prefix' expects a path as an argument.")
                );
            }
            "prefix" => settings.prefix = Some(value.into()),
            "mode" => settings.mode = u32::from_str_radix(value, 8).ok(),
            "uid" => settings.uid = value.parse().ok(),
            "gid" => settings.gid = value.parse().ok(),
            "user" => {
                settings.uid = Some(known(statement, accounts::user_id(value), value, "user")?)
            }
            "group" => {
                settings.gid = Some(known(statement, accounts::group_id(value), value, "group")?)
            }
            _ => {
                let message = "'unix-bind' only supports the 'prefix', 'mode', 'uid', 'gid', 'user' and 'group' options.";
                return Err(statement.fault_here(message));
            }
        }
    }
    parser.global.unix_bind = settings;
    Ok(())
}

fn known(statement: Statement<'_>, id: Option<u32>, name: &str, what: &str) -> Parsed<u32> {
    id.ok_or_else(|| statement.fault_here(format!("'unix-bind' : '{name}' unknown {what}.")))
}
