//! `bind` lines and their options, which other listening lines share.

use crate::address::{self, Address, Allow};
use crate::bind::Bind;
use crate::parse::known::Family;
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, accounts};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "bind",
    valid: Valid::FE,
    args: (0, ANY),
    doc: "Listens on addresses.",
    read: bind,
}];

/// The options of `bind` lines.
pub const OPTIONS: &[&[OptionRow<BindLine>]] = &[CONNECTION, SOCKET, ACCESS];

/// A line that listens, while it is read.
pub struct BindLine {
    /// The options so far; the address is the first one's.
    pub bind: Bind,
    /// All addresses.
    pub addresses: Vec<Address>,
}

impl BindLine {
    /// One bind per address.
    pub fn into_binds(self) -> impl Iterator<Item = Bind> {
        let bind = self.bind;
        self.addresses.into_iter().map(move |address| Bind {
            address,
            ..bind.clone()
        })
    }
}

const CONNECTION: &[OptionRow<BindLine>] = &[
    OptionRow {
        name: "accept-netscaler-cip",
        args: 1,
        doc: "Expects a NetScaler Client IP header.",
        read: accept_netscaler,
    },
    OptionRow {
        name: "accept-proxy",
        args: 0,
        doc: "Expects a PROXY protocol header.",
        read: accept_proxy,
    },
    OptionRow {
        name: "backlog",
        args: 1,
        doc: "Connections the kernel holds before they are accepted.",
        read: backlog,
    },
    OptionRow {
        name: "id",
        args: 1,
        doc: "The listener's numeric identifier.",
        read: id,
    },
    OptionRow {
        name: "idle-ping",
        args: 1,
        doc: "Delay before an idle connection is probed.",
        read: idle_ping,
    },
    OptionRow {
        name: "maxconn",
        args: 1,
        doc: "Connections accepted at once.",
        read: maxconn,
    },
    OptionRow {
        name: "name",
        args: 1,
        doc: "The listener's name in statistics.",
        read: name,
    },
    OptionRow {
        name: "nice",
        args: 1,
        doc: "Scheduling priority.",
        read: nice,
    },
    OptionRow {
        name: "process",
        args: 1,
        doc: "Older form of 'thread'.",
        read: process,
    },
    OptionRow {
        name: "proto",
        args: 1,
        doc: "The protocol to speak, whatever is negotiated.",
        read: proto,
    },
    OptionRow {
        name: "shards",
        args: 1,
        doc: "How many sockets share the address.",
        read: shards,
    },
    OptionRow {
        name: "thread",
        args: 1,
        doc: "Threads that listen.",
        read: thread,
    },
];

const SOCKET: &[OptionRow<BindLine>] = &[
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
        name: "namespace",
        args: 1,
        doc: "The network namespace to listen in.",
        read: namespace,
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

const ACCESS: &[OptionRow<BindLine>] = &[
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

fn bind(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let line = bind_line(parser, statement, 0, Allow::BIND, "frontend")?;
    let id = line.bind.id;
    let proxy = parser.proxy()?;
    if let Some(other) = proxy
        .front
        .binds
        .iter()
        .find(|other| id != 0 && other.id == id)
    {
        let (file, number) = &other.origin;
        let message = format!(
            "'bind {}' in section 'frontend' : 'id' : custom id {id} already used at {file}:{number} ('bind {}')",
            statement.arg(0),
            other.written,
        );
        return Err(statement.fault_here(message));
    }
    proxy.front.binds.extend(line.into_binds().map(Arc::new));
    Ok(())
}

/// Reads addresses and options of a listening line from the argument at `at` on.
///
/// # Errors
/// When there is no address, or it or an option is faulty.
pub fn bind_line(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
    section: &str,
) -> Parsed<BindLine> {
    let path = statement.path();
    let text = statement.arg(at);
    if text.is_empty() {
        let message = format!(
            "'{path}' expects {{<path>|[addr1]:port1[-end1]}}{{,[addr]:port[-end]}}... as arguments."
        );
        return Err(statement.fault_here(message));
    }
    let label = match path.as_str() {
        "dgram-bind" => String::new(),
        "bind" => format!("'bind {text}' in section '{section}' : "),
        _ => format!("'{path}' : "),
    };
    let mut line = addresses(parser, statement, at, allow)?;
    let mut cursor = Cursor::new(parser, statement, at + 1, label);
    cursor.read_all(OPTIONS, Family::Bind, &mut line)?;
    Ok(line)
}

/// A line with its addresses and what `unix-bind` says for Unix sockets.
fn addresses(
    parser: &Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
) -> Parsed<BindLine> {
    let text = statement.arg(at);
    let expanded = address::expand(text, &parser.env);
    let ranges = expanded
        .and_then(|text| address::parse_list(&text, allow))
        .map_err(|error| {
            let fault = statement.fault(at, format!("'{}' : {error}", statement.path()));
            match text.bytes().all(|b| b.is_ascii_digit()) {
                true => fault.hint(format!("a port alone is written ':{text}'")),
                false => fault,
            }
        })?;
    let mut addresses: Vec<Address> = ranges
        .iter()
        .flat_map(address::AddressRange::addresses)
        .collect();
    let unix = &parser.global.unix_bind;
    for address in &mut addresses {
        if let (Address::Unix(path), Some(prefix)) = (address, &unix.prefix) {
            let mut prefixed = prefix.clone().into_os_string();
            prefixed.push(path.as_os_str());
            *path = prefixed.into();
        }
    }
    let Some(first) = addresses.first().cloned() else {
        return Err(statement.fault(
            at,
            format!("'{}' : no address in '{text}'", statement.path()),
        ));
    };
    let mut bind = Bind::new(first, statement.origin());
    bind.written = text.into();
    (bind.unix_mode, bind.unix_owner) = (unix.mode, (unix.uid, unix.gid));
    Ok(BindLine { bind, addresses })
}

fn accept_netscaler(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    match value.parse::<u32>() {
        Ok(magic) if magic > 0 => line.bind.accept_netscaler = Some(magic),
        _ => {
            return Err(cursor.option_fault(format!(
                ": invalid value {}, must be >= 0",
                value.parse::<i64>().unwrap_or(0)
            )));
        }
    }
    Ok(())
}

fn accept_proxy(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.accept_proxy = true;
    Ok(())
}

fn backlog(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.backlog = positive(cursor)?;
    Ok(())
}

fn maxconn(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.maxconn = positive(cursor)?;
    Ok(())
}

fn positive(cursor: &mut Cursor<'_, '_, '_>) -> Parsed<u32> {
    if cursor.peek().is_empty() {
        return Err(cursor.option_fault(": missing value"));
    }
    let value = cursor.number();
    u32::try_from(value)
        .map_err(|_| cursor.option_fault(format!(": invalid value {value}, must be >= 0")))
}

fn id(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    if line.addresses.len() != 1 {
        return Err(cursor.option_fault("can only be used with a single socket"));
    }
    let value = cursor.value(": expects an integer argument")?;
    match value.parse::<i64>() {
        Ok(id) if id > 0 => line.bind.id = u32::try_from(id).unwrap_or(u32::MAX),
        Ok(_) => return Err(cursor.option_fault(": custom id has to be > 0")),
        Err(_) => {
            return Err(
                cursor.option_fault(format!(": expects an integer argument, found '{value}'"))
            );
        }
    }
    Ok(())
}

fn idle_ping(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": expects an argument")?;
    cursor.at -= 1;
    line.bind.idle_ping = Some(cursor.duration("in 'idle-ping' argument on bind line")?);
    Ok(())
}

fn name(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.name = Some(cursor.value(": missing name")?.into());
    Ok(())
}

fn nice(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": missing value")?;
    cursor.at -= 1;
    let value = cursor.number();
    if !(-1024..=1024).contains(&value) {
        return Err(cursor.option_fault(format!(
            ": invalid value {value}, allowed range is -1024..1024"
        )));
    }
    line.bind.nice = value as i32;
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'nice' has no effect: tasks of a thread take turns evenly here.",
    );
    Ok(())
}

/// `process 1/1-2` bound threads of a process until there was only one process.
fn process(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    let set = value.split_once('/').map_or("all", |(_, threads)| threads);
    let threads = thread_set(set).map_err(|why| cursor.option_fault(format!(": {why}")))?;
    let message = format!(
        "{}'process {value}' on 'bind' lines is not supported anymore, please use 'thread' instead.",
        cursor.label
    );
    let statement = cursor.statement;
    cursor
        .parser
        .outdated(statement, message, format!("thread {set}"))?;
    line.bind.threads = threads;
    Ok(())
}

fn proto(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    crate::parse::families::check_mux(value).map_err(|why| cursor.fault(why))?;
    line.bind.proto = Some(value.into());
    Ok(())
}

fn shards(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.shards = match cursor.value(": missing value")? {
        "by-thread" => 0,
        "by-group" => 1,
        number => match number.parse::<u32>() {
            Ok(shards @ 1..=1024) => shards,
            other => {
                let message = format!(
                    ": invalid value {}, allowed range is 1..1024 or 'by-thread'",
                    other.unwrap_or(0)
                );
                return Err(cursor.option_fault(message));
            }
        },
    };
    Ok(())
}

fn thread(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    // Sets given by several options add up.
    let set = thread_set(cursor.word()).map_err(|why| cursor.fault(why))?;
    line.bind.threads.extend(set);
    line.bind.threads.sort_unstable();
    line.bind.threads.dedup();
    Ok(())
}

/// The largest thread number.
const MAX_THREADS: u32 = 1024;

/// Reads a set of threads: `all` (an empty list), `odd`, `even`, `n`, `n-m`, each behind an optional `group/`. All
/// threads are in one group here.
fn thread_set(text: &str) -> Result<Vec<u32>, String> {
    let mut threads = Vec::new();
    for part in text.split(',') {
        let part = part.split_once('/').map_or(part, |(_, threads)| threads);
        let number = |which: &str, text: &str| {
            text.parse::<u32>().ok().filter(|n| (1..=MAX_THREADS).contains(n)).ok_or_else(|| {
                format!("invalid {which} thread number '{text}', permitted range is 1..{MAX_THREADS}, or 'all', 'odd', 'even'.")
            })
        };
        match part {
            "" | "all" => return Ok(Vec::new()),
            "odd" => threads.extend((1..=MAX_THREADS).step_by(2)),
            "even" => threads.extend((2..=MAX_THREADS).step_by(2)),
            _ => {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last) = (number("first", first)?, number("last", last)?);
                threads.extend(first.min(last)..=first.max(last));
            }
        }
    }
    Ok(threads)
}

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

fn namespace(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let name = cursor.value(": missing namespace id")?;
    crate::parse::families::check_namespace(name).map_err(|why| cursor.fault(why))?;
    line.bind.namespace = Some(name.into());
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

fn expose_fd(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    match cursor.word() {
        "listeners" => line.bind.expose_listeners = true,
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

#[cfg(test)]
mod tests {
    use crate::address::Address;
    use crate::bind::Bind;
    use crate::parse::testing::{load_text, load_with};

    fn binds(lines: &str) -> Vec<Bind> {
        let (snapshot, messages) = load_text(&format!(
            "frontend f\n mode http\n timeout client 1s\n{lines}\n"
        ));
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let proxy = snapshot.proxies.first().expect("a proxy");
        proxy
            .front
            .binds
            .iter()
            .map(|bind| Bind::clone(bind))
            .collect()
    }

    fn refused(line: &str) -> String {
        let (snapshot, messages) = load_text(&format!("frontend f\n {line}\n"));
        assert!(snapshot.is_none(), "{line} was accepted");
        let first = messages
            .into_iter()
            .find(|m| m.starts_with('A'))
            .unwrap_or_default();
        first.strip_prefix("A 2: ").unwrap_or(&first).to_owned()
    }

    #[test]
    fn ranges_and_lists_make_one_bind_each() {
        let binds = binds(" bind 127.0.0.1:81-82,[::1]:90 name x maxconn 7 accept-proxy");
        assert_eq!(binds.len(), 3);
        assert!(
            binds
                .iter()
                .all(|b| b.name.as_deref() == Some("x") && b.maxconn == 7 && b.accept_proxy)
        );
        let ports: Vec<u16> = binds
            .iter()
            .filter_map(|b| match b.address {
                Address::Inet(address) => Some(address.port()),
                _ => None,
            })
            .collect();
        assert_eq!(ports, [81, 82, 90]);
    }

    #[test]
    fn unix_sockets_have_owners_and_modes() {
        let binds = binds(
            " bind /tmp/x.sock mode 640 user root group root level admin expose-fd listeners",
        );
        let bind = binds.first().expect("a bind");
        assert_eq!(
            (bind.unix_mode, bind.unix_owner),
            (Some(0o640), (Some(0), Some(0)))
        );
        assert_eq!((bind.level, bind.expose_listeners), (2, true));
    }

    #[test]
    fn messages_are_those_operators_know() {
        let label = "'bind *:80' in section 'frontend' : ";
        for (line, message) in [
            ("bind", "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.".to_owned()),
            ("bind 80", "'bind' : missing port specification in '80'".to_owned()),
            ("bind *:80 maxconn", format!("{label}'maxconn' : missing value")),
            ("bind *:80 name", format!("{label}'name' : missing name")),
            ("bind *:80 id x", format!("{label}'id' : expects an integer argument, found 'x'")),
            ("bind *:80 id 0", format!("{label}'id' : custom id has to be > 0")),
            ("bind *:80 mode 9", format!("{label}'mode' : missing or invalid mode '9' (octal integer expected)")),
            ("bind *:80 nice 5000", format!("{label}'nice' : invalid value 5000, allowed range is -1024..1024")),
            ("bind *:80 level foo", format!("{label}'level' only supports 'user', 'operator', and 'admin' (got 'foo')")),
            ("bind *:80 proto foo", format!("{label}'proto' :  unknown MUX protocol 'foo'")),
            ("bind *:80 idle-ping x", format!("{label}unexpected character 'x' in 'idle-ping' argument on bind line.")),
            (
                "bind *:80 accept-prox",
                "'bind *:80' in section 'frontend': unknown keyword 'accept-prox'; did you mean 'accept-proxy' maybe ?".to_owned(),
            ),
            ("bind *:80 ssl crt x", format!("{label}'ssl' is known but not built yet in hapax (waits for: TLS).")),
        ] {
            assert_eq!(refused(line), message);
        }
    }

    #[test]
    fn identifiers_are_unique() {
        let (_, messages) = load_text("frontend f\n bind :1 id 5\n bind :2 id 5\n");
        let expected = "A 3: 'bind :2' in section 'frontend' : 'id' : custom id 5 already used at t.cfg:2 ('bind :1')";
        assert!(messages.iter().any(|m| m == expected), "{messages:?}");
    }

    #[test]
    fn process_becomes_thread() {
        let binds = binds(" bind :80 process 1/1-2\n bind :81 thread odd thread 2");
        let [first, second] = binds.as_slice() else {
            panic!("two binds")
        };
        assert_eq!(first.threads, [1, 2]);
        assert_eq!(second.threads.get(..4), Some(&[1, 2, 3, 5][..]));
        let (snapshot, messages) = load_with(
            "frontend f\n timeout client 1s\n bind :80 process 1\n",
            true,
        );
        assert!(
            snapshot.is_none()
                && messages
                    .iter()
                    .any(|m| m.contains("please use 'thread' instead."))
        );
    }
}
