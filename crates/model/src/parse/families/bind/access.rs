//! Options of listening lines about who may connect, and to what end.

use super::BindLine;
use crate::parse::Parsed;
use crate::parse::accounts;
use crate::parse::options::{Cursor, OptionRow};

pub(super) const OPTIONS: &[OptionRow<BindLine>] = &[
    OptionRow {
        name: "expose-fd",
        args: 1,
        doc: "Hands listening sockets to a new process.",
        read: expose_fd,
    },
    OptionRow {
        name: "gid",
        args: 1,
        doc: "Group number of a Unix socket.",
        read: gid,
    },
    OptionRow {
        name: "group",
        args: 1,
        doc: "Group of a Unix socket.",
        read: group,
    },
    OptionRow {
        name: "level",
        args: 1,
        doc: "What users of a runtime API socket may do.",
        read: level,
    },
    OptionRow {
        name: "mode",
        args: 1,
        doc: "Permissions of a Unix socket, octal.",
        read: mode,
    },
    OptionRow {
        name: "severity-output",
        args: 1,
        doc: "How the runtime API marks the severity of answers.",
        read: severity_output,
    },
    OptionRow {
        name: "uid",
        args: 1,
        doc: "User number of a Unix socket.",
        read: uid,
    },
    OptionRow {
        name: "user",
        args: 1,
        doc: "User of a Unix socket.",
        read: user,
    },
];

fn expose_fd(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    match cursor.word() {
        "listeners" => line.bind.expose_fd = true,
        other => {
            return Err(cursor.option_fault(format!("only supports 'listeners' (got '{other}')")));
        }
    }
    Ok(())
}

fn gid(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": missing value")?;
    cursor.at -= 1;
    line.bind.unix_owner.1 = Some(cursor.count());
    Ok(())
}

fn uid(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": missing value")?;
    cursor.at -= 1;
    line.bind.unix_owner.0 = Some(cursor.count());
    Ok(())
}

fn user(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let name = cursor.value(": missing user name")?;
    let id = accounts::user_id(name)
        .ok_or_else(|| cursor.option_fault(format!(": unknown user name '{name}'")))?;
    line.bind.unix_owner.0 = Some(id);
    Ok(())
}

fn group(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let name = cursor.value(": missing group name")?;
    let id = accounts::group_id(name)
        .ok_or_else(|| cursor.option_fault(format!(": unknown group name '{name}'")))?;
    line.bind.unix_owner.1 = Some(id);
    Ok(())
}

fn level(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.level = match cursor.word() {
        "user" => 0,
        "operator" => 1,
        "admin" => 2,
        other => {
            return Err(cursor.option_fault(format!(
                "only supports 'user', 'operator', and 'admin' (got '{other}')"
            )));
        }
    };
    Ok(())
}

fn mode(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.word();
    let mode = u32::from_str_radix(value, 8);
    let wrong = |_| {
        cursor.option_fault(format!(
            ": missing or invalid mode '{value}' (octal integer expected)"
        ))
    };
    line.bind.unix_mode = Some(mode.map_err(wrong)?);
    Ok(())
}

fn severity_output(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.severity_output = match cursor.word() {
        "none" => 0,
        "number" => 1,
        "string" => 2,
        other => {
            return Err(cursor.option_fault(format!(
                "only supports 'none', 'number', and 'string' (got '{other}')"
            )));
        }
    };
    Ok(())
}
