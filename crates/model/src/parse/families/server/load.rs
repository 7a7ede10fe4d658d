//! Server options that say how much traffic it takes and who it is.

use super::ServerLine;
use crate::parse::Parsed;
use crate::parse::options::{Cursor, OptionRow};
use crate::server::NodeKeySource;

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "backup",
        args: 0,
        doc: "Only used when no other server is left.",
        read: |s, _| set(&mut s.draft.backup, true),
    },
    OptionRow {
        name: "cookie",
        args: 1,
        doc: "The server's value of the persistence cookie.",
        read: cookie,
    },
    OptionRow {
        name: "disabled",
        args: 0,
        doc: "Starts in maintenance.",
        read: |s, _| set(&mut s.draft.disabled, true),
    },
    OptionRow {
        name: "enabled",
        args: 0,
        doc: "Starts in service.",
        read: |s, _| set(&mut s.draft.disabled, false),
    },
    OptionRow {
        name: "guid",
        args: 1,
        doc: "The server's global identifier.",
        read: guid,
    },
    OptionRow {
        name: "hash-key",
        args: 1,
        doc: "Where the server stands in a consistent hash.",
        read: hash_key,
    },
    OptionRow {
        name: "id",
        args: 1,
        doc: "The server's numeric identifier.",
        read: id,
    },
    OptionRow {
        name: "log-bufsize",
        args: 1,
        doc: "Buffer size of a log server.",
        read: log_bufsize,
    },
    OptionRow {
        name: "maxconn",
        args: 1,
        doc: "Connections at once.",
        read: |s, c| set(&mut s.draft.maxconn, c.count()),
    },
    OptionRow {
        name: "maxqueue",
        args: 1,
        doc: "Requests that may wait.",
        read: |s, c| set(&mut s.draft.maxqueue, c.count()),
    },
    OptionRow {
        name: "minconn",
        args: 1,
        doc: "Connections at once under low load.",
        read: |s, c| set(&mut s.draft.minconn, c.count()),
    },
    OptionRow {
        name: "no-backup",
        args: 0,
        doc: "Used like any other server.",
        read: |s, _| set(&mut s.draft.backup, false),
    },
    OptionRow {
        name: "redir",
        args: 1,
        doc: "Sends clients to this location instead.",
        read: redir,
    },
    OptionRow {
        name: "track",
        args: 1,
        doc: "Takes another server's state.",
        read: track,
    },
    OptionRow {
        name: "non-stick",
        args: 0,
        doc: "Is never noted in a stick table.",
        read: |s, _| set(&mut s.draft.non_stick, true),
    },
    OptionRow {
        name: "stick",
        args: 0,
        doc: "Is noted in stick tables.",
        read: |s, _| set(&mut s.draft.non_stick, false),
    },
    OptionRow {
        name: "strict-maxconn",
        args: 0,
        doc: "Counts idle connections as well.",
        read: |s, _| set(&mut s.draft.strict_maxconn, true),
    },
    OptionRow {
        name: "weight",
        args: 1,
        doc: "Share of the traffic, 0 to 256.",
        read: weight,
    },
];

fn set<T>(place: &mut T, value: T) -> Parsed {
    *place = value;
    Ok(())
}

fn cookie(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.cookie = Some(cursor.value("expects <value> as argument.")?.into());
    Ok(())
}

fn redir(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.redirect_prefix = Some(cursor.value("expects <prefix> as argument.")?.into());
    Ok(())
}

fn track(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.track = Some(
        cursor
            .value("expects [<proxy>/]<server> as argument.")?
            .into(),
    );
    Ok(())
}

fn guid(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    refuse_default(line, cursor)?;
    let guid = cursor.value(": expects an argument")?;
    if let Some(bad) = guid
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "_-.:".contains(*c)))
    {
        return Err(cursor.option_fault(format!(": invalid character '{bad}' in '{guid}'")));
    }
    line.guid = Some(guid.into());
    Ok(())
}

fn id(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    refuse_default(line, cursor)?;
    let value = cursor.value(": expects an integer argument")?;
    match value.parse::<u32>() {
        Ok(id) if id > 0 => line.id = Some(id),
        _ => return Err(cursor.option_fault(": custom id has to be between 1 and 4294967295.")),
    }
    Ok(())
}

fn hash_key(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.hash_key = match cursor.word() {
        "id" => NodeKeySource::Id,
        "id32" => NodeKeySource::Id32,
        "guid" => NodeKeySource::Guid,
        "addr" => NodeKeySource::Addr,
        "addr-port" => NodeKeySource::AddrPort,
        _ => {
            return Err(
                cursor.option_fault("has to be 'id', 'id32', 'guid', 'addr', or 'addr-port'.")
            );
        }
    };
    Ok(())
}

fn refuse_default(line: &ServerLine, cursor: &Cursor<'_, '_, '_>) -> Parsed {
    match line.is_default() {
        true => Err(cursor.option_fault("option is not accepted in default-server sections")),
        false => Ok(()),
    }
}

fn log_bufsize(_: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects an integer argument.")?;
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'log-bufsize' has no effect: buffers of log servers grow as they need.",
    );
    Ok(())
}

fn weight(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let weight = cursor.number();
    match u32::try_from(weight) {
        Ok(weight @ 0..=256) => line.draft.weight = weight,
        _ => {
            let message = format!(
                "weight of server {} is not within 0 and 256 ({weight}).",
                line.name
            );
            return Err(cursor.fault(message));
        }
    }
    Ok(())
}
