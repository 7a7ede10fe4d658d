//! Options of listening lines about the socket.

use super::BindLine;
use crate::parse::Parsed;
use crate::parse::options::{Cursor, OptionRow};

pub(super) const OPTIONS: &[OptionRow<BindLine>] = &[
    OptionRow {
        name: "cc",
        args: 1,
        doc: "TCP congestion control algorithm.",
        read: congestion,
    },
    OptionRow {
        name: "defer-accept",
        args: 0,
        doc: "Accepts once the client has sent data.",
        read: defer_accept,
    },
    OptionRow {
        name: "interface",
        args: 1,
        doc: "The network interface to listen on.",
        read: interface,
    },
    OptionRow {
        name: "mss",
        args: 1,
        doc: "TCP maximum segment size.",
        read: mss,
    },
    OptionRow {
        name: "tcp-md5sig",
        args: 1,
        doc: "Password of TCP MD5 signatures.",
        read: md5sig,
    },
    OptionRow {
        name: "tcp-ss",
        args: 1,
        doc: "Whether the kernel keeps the SYN packet.",
        read: save_syn,
    },
    OptionRow {
        name: "tcp-ut",
        args: 1,
        doc: "TCP user timeout.",
        read: user_timeout,
    },
    OptionRow {
        name: "tfo",
        args: 0,
        doc: "TCP fast open.",
        read: fast_open,
    },
    OptionRow {
        name: "transparent",
        args: 0,
        doc: "Listens on an address that is not the machine's.",
        read: transparent,
    },
    OptionRow {
        name: "v4v6",
        args: 0,
        doc: "Takes IPv4 clients on an IPv6 address.",
        read: v4v6,
    },
    OptionRow {
        name: "v6only",
        args: 0,
        doc: "Takes no IPv4 clients on an IPv6 address.",
        read: v6only,
    },
];

fn congestion(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.congestion = Some(
        cursor
            .value(": missing TCP congestion control algorithm")?
            .into(),
    );
    Ok(())
}

fn defer_accept(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.defer_accept = true;
    Ok(())
}

fn interface(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.interface = Some(cursor.value(": missing interface name")?.into());
    Ok(())
}

fn mss(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing MSS value")?.parse::<i32>().ok();
    match value.filter(|mss| (1..=65535).contains(&mss.unsigned_abs())) {
        Some(mss) => line.bind.mss = Some(mss),
        None => {
            return Err(
                cursor.option_fault(": expects an MSS with and absolute value between 1 and 65535")
            );
        }
    }
    Ok(())
}

fn md5sig(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.md5sig = Some(cursor.value(": missing TCP MD5 signature password")?.into());
    Ok(())
}

fn save_syn(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    match cursor.word().parse::<u8>() {
        Ok(value @ 0..=2) => line.bind.save_syn = value,
        _ => {
            return Err(cursor
                .option_fault(": TCP Save SYN option expects an integer argument from 0 to 2"));
        }
    }
    Ok(())
}

fn user_timeout(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing TCP User Timeout value")?;
    match crate::parse::parse_duration(value, base::units::TimeUnit::Millisecond) {
        Ok(timeout) => line.bind.user_timeout = Some(timeout),
        Err(_) => return Err(cursor.option_fault(": expects a positive delay in milliseconds")),
    }
    Ok(())
}

fn fast_open(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.fast_open = true;
    Ok(())
}

fn transparent(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.transparent = true;
    Ok(())
}

fn v4v6(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.v6only = Some(false);
    Ok(())
}

fn v6only(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.v6only = Some(true);
    Ok(())
}
