//! `resolvers` sections.

use super::server::{self, ServerLine};
use crate::address::{self, Address, AddressError, Allow};
use crate::parse::known::{self, Family};
use crate::parse::options::{Cursor, leading_integer};
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Open, Parsed, Parser, Row, Statement, Valid, parse_duration};
use crate::resolvers::{AcceptedFamilies, Nameserver, Resolvers};
use crate::server::ServerDraft;
use base::units::TimeUnit;
use config::Severity;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "resolvers",
    doc: "Name servers.",
    open,
}];

/// The global directives of this family.
pub const GLOBAL_ROWS: &[Row] = &[Row {
    name: "dns-accept-family",
    valid: Valid::ALL,
    args: (0, 1),
    doc: "The families of addresses that name servers are asked for.",
    read: accept_family,
}];

/// Where the system's name servers are listed.
const SYSTEM_LIST: &str = "/etc/resolv.conf";
/// The port of name servers (RFC 1035, section 4.2).
const PORT: u16 = 53;
/// The section that is there even if nobody writes it.
const DEFAULT: &str = "default";

fn accept_family(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    let (mut v4, mut v6, mut auto) = (false, false, false);
    for word in text.split(',') {
        match word {
            "ipv4" => v4 = true,
            "ipv6" => v6 = true,
            "auto" => auto = true,
            _ => {
                let message = format!(
                    "'dns-accept-family' expects a comma-delimited list of 'ipv4' and 'ipv6' but got '{text}'."
                );
                return Err(statement.fault(0, message));
            }
        }
    }
    parser.global.dns_families = match (v4, v6, auto) {
        (_, _, true) => AcceptedFamilies::Auto,
        (true, false, _) => AcceptedFamilies::Only(crate::IpFamily::V4),
        (false, true, _) => AcceptedFamilies::Only(crate::IpFamily::V6),
        _ => AcceptedFamilies::Both,
    };
    Ok(())
}

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("missing name for resolvers section."));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        let message = format!("character '{c}' is not permitted in 'resolvers' name '{name}'.");
        return Err(statement.fault(0, message));
    }
    let mut others = parser.resolvers.iter();
    if let Some(other) = others.find(|other| *other.name == *name) {
        let (file, line) = &other.origin;
        let message = format!(
            "resolvers '{name}' has same name as another resolvers (declared at {file}:{line})."
        );
        return Err(statement.fault(0, message));
    }
    parser.open = Open::Other(Box::new(Section {
        resolvers: Resolvers::new(name, statement.origin()),
        places: Vec::new(),
    }));
    Ok(())
}

struct Section {
    resolvers: Resolvers,
    /// Where each name server was named.
    places: Vec<(Arc<str>, u32)>,
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let resolvers = &mut self.resolvers;
        match statement.keyword() {
            "accepted_payload_size" => resolvers.payload_size = payload_size(statement)?,
            "hold" => hold(resolvers, statement)?,
            "nameserver" => self.nameserver(parser, statement)?,
            "parse-resolv-conf" => self.system_list(parser, statement)?,
            "resolve_retries" => {
                let text = value(statement, "'resolve_retries' expects <nb> as argument.")?;
                resolvers.retries = number(parser, statement, text);
            }
            "resolution_pool_size" => {
                return Err(statement.fault_here(
                    "'resolution_pool_size' directive is not supported anymore (it never appeared in a stable release).",
                ));
            }
            "timeout" => timeout(resolvers, statement)?,
            other => {
                let fault = statement
                    .fault_here(format!("unknown keyword '{other}' in 'resolvers' section"));
                return Err(
                    match config::suggest::nearest(other, KEYWORDS.iter().copied()) {
                        Some(near) => fault.hint(format!("did you mean '{near}'?")),
                        None => fault,
                    },
                );
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        let resolvers = self.resolvers;
        if resolvers.nameservers.is_empty() {
            let (file, line) = &resolvers.origin;
            let message = format!(
                "resolvers '{}' [{file}:{line}] has no nameservers configured!",
                resolvers.name
            );
            parser.diagnostics.bare(Severity::Warning, message);
        }
        parser.resolvers.push(Arc::new(resolvers));
    }
}

const KEYWORDS: [&str; 6] = [
    "accepted_payload_size",
    "hold",
    "nameserver",
    "parse-resolv-conf",
    "resolve_retries",
    "timeout",
];

fn value<'l>(statement: Statement<'l>, missing: &str) -> Parsed<&'l str> {
    match statement.arg(0) {
        "" => Err(statement.fault_here(missing)),
        text => Ok(text),
    }
}

/// A count as HAProxy reads one: the digits that the text begins with. What follows them is warned of.
fn number(parser: &mut Parser<'_>, statement: Statement<'_>, text: &str) -> u32 {
    let (value, clean) = leading_integer(text);
    if !clean {
        let message = format!("'{text}' is not a number and is taken for {value}.");
        parser.warn(statement, message, None);
    }
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

fn payload_size(statement: Statement<'_>) -> Parsed<u16> {
    let name = "accepted_payload_size";
    let text = value(statement, &format!("'{name}' expects <nb> as argument."))?;
    let size = text.parse().ok().filter(|size| *size >= 12);
    size.ok_or_else(|| {
        statement.fault(
            0,
            format!("'{name}' must be between 12 and 65535 inclusive (was {text})."),
        )
    })
}

fn hold(resolvers: &mut Resolvers, statement: Statement<'_>) -> Parsed {
    let (event, time) = (statement.arg(0), statement.arg(1));
    if time.is_empty() {
        return Err(statement
            .fault_here("'hold' expects an <event> and a <time> as arguments.")
            .hint(
                "<event> is one of 'valid', 'nx', 'refused', 'timeout', 'other' and 'obsolete'",
            ));
    }
    let hold = &mut resolvers.hold;
    let place = match event {
        "nx" => &mut hold.nx,
        "refused" => &mut hold.refused,
        "timeout" => &mut hold.timeout,
        "other" => &mut hold.other,
        "valid" => &mut hold.valid,
        "obsolete" => &mut hold.obsolete,
        _ => {
            let message = format!(
                "'hold' unknown <event>: '{event}', expects either 'nx', 'timeout', 'valid', 'obsolete' or 'other'."
            );
            return Err(statement.fault(0, message));
        }
    };
    *place = duration(statement, "hold")?;
    Ok(())
}

fn duration(statement: Statement<'_>, what: &str) -> Parsed<u64> {
    parse_duration(statement.arg(1), TimeUnit::Millisecond)
        .map_err(|why| statement.fault(1, format!("{why} in argument to <{what}>.")))
}

fn timeout(resolvers: &mut Resolvers, statement: Statement<'_>) -> Parsed {
    let (event, time) = (statement.arg(0), statement.arg(1));
    let expected = "'timeout' expects 'retry' or 'resolve' and <time> as arguments";
    let place = match event {
        "resolve" => &mut resolvers.resolve_timeout,
        "retry" => &mut resolvers.retry_timeout,
        "" => return Err(statement.fault_here(format!("{expected}."))),
        _ => return Err(statement.fault(0, format!("{expected} got '{event}'."))),
    };
    if time.is_empty() {
        return Err(statement.fault_here(format!("'timeout {event}' expects <time> as argument.")));
    }
    *place = duration(statement, &format!("timeout {event}"))?;
    Ok(())
}

impl Section {
    fn nameserver(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let (name, text) = (statement.arg(0), statement.arg(1));
        if text.is_empty() {
            let message = "'nameserver' expects <name> and <addr>[:<port>] as arguments.";
            return Err(statement.fault_here(message));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if let Some(c) = name.chars().find(|c| !allowed(*c)) {
            let message = format!("character '{c}' is not permitted in server name '{name}'.");
            return Err(statement.fault(0, message));
        }
        if let Some((file, line)) = self.place_of(name) {
            let message = format!(
                "nameserver '{name}' has same name as another nameserver (declared at {file}:{line})."
            );
            return Err(statement.fault(0, message));
        }
        let (address, datagram) = nameserver_address(parser, text)
            .map_err(|why| statement.fault(1, format!("'nameserver {name}' : {why}")))?;
        let maxconn = match datagram {
            true => {
                if statement.len() > 2 {
                    let message = format!(
                        "'nameserver {name}' : options have no effect on a name server that is asked over UDP."
                    );
                    parser.warn(statement, message, None);
                }
                0
            }
            false => stream_options(parser, statement, name)?,
        };
        self.add(
            Nameserver {
                name: name.into(),
                address,
                stream: !datagram,
                maxconn,
            },
            statement.origin(),
        );
        Ok(())
    }

    fn add(&mut self, nameserver: Nameserver, origin: (Arc<str>, u32)) {
        self.resolvers.nameservers.push(nameserver);
        self.places.push(origin);
    }

    fn place_of(&self, name: &str) -> Option<&(Arc<str>, u32)> {
        let mut servers = self.resolvers.nameservers.iter();
        let at = servers.position(|other| *other.name == *name)?;
        self.places.get(at)
    }

    /// `parse-resolv-conf`.
    fn system_list(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let text = std::fs::read_to_string(SYSTEM_LIST)
            .map_err(|why| statement.fault_here(format!("failed to open {SYSTEM_LIST}: {why}.")))?;
        for (line, nameserver) in listed(&text) {
            if let Some((file, number)) = self.place_of(&nameserver.name) {
                let message = format!(
                    "{SYSTEM_LIST}:{line}: name server '{}' is left out, since it is there already ({file}:{number}).",
                    nameserver.name
                );
                parser.warn(statement, message, None);
                continue;
            }
            self.add(nameserver, (SYSTEM_LIST.into(), line));
        }
        Ok(())
    }
}

/// The name servers of a system's list, each named by its address, with their lines.
fn listed(text: &str) -> impl Iterator<Item = (u32, Nameserver)> + '_ {
    let numbered = (1..).zip(text.lines());
    numbered.filter_map(|(number, line)| {
        let mut words = line.split_ascii_whitespace();
        let address = (words.next()? == "nameserver").then(|| words.next())??;
        // A zone behind a link-local address can't be told to a socket by name; the interface's number can.
        let ip: IpAddr = address.parse().ok()?;
        let nameserver = Nameserver {
            name: address.into(),
            address: SocketAddr::new(ip, PORT),
            stream: false,
            maxconn: 0,
        };
        Some((number, nameserver))
    })
}

/// A name server's address, and whether it takes datagrams.
fn nameserver_address(parser: &Parser<'_>, text: &str) -> Result<(SocketAddr, bool), AddressError> {
    let allow = Allow {
        range: false,
        fd: false,
        datagram: true,
        prefer_datagram: true,
        multipath: false,
        ..Allow::BIND
    };
    let range = address::parse(&address::expand(text, &parser.expressions.env)?, allow)?;
    match range.address {
        Address::Inet(address) => Ok((address, range.datagram)),
        _ => Err(AddressError::NotBuilt(
            text.into(),
            "name servers on Unix sockets",
        )),
    }
}

/// The options of a name server that is asked over TCP: those of `server` lines, of which `maxconn` is built.
fn stream_options(parser: &mut Parser<'_>, statement: Statement<'_>, name: &str) -> Parsed<u32> {
    let label = format!("'nameserver {name}' : ");
    for at in 2..statement.len() {
        let option = statement.arg(at);
        let is_option = |row: &&str| *row == option;
        let mut rows = server::OPTIONS.iter().flat_map(|rows| rows.iter());
        if option != "maxconn" && rows.any(|row| is_option(&row.name)) {
            let message = known::not_built(option, "server options on name servers");
            return Err(statement.fault(at, format!("{label}{message}")));
        }
    }
    let mut line = ServerLine {
        draft: ServerDraft::default(),
        name: name.into(),
        id: None,
        guid: None,
    };
    let mut cursor = Cursor::new(parser, statement, 2, label);
    cursor.read_all(server::OPTIONS, Family::Server, &mut line)?;
    Ok(line.draft.maxconn)
}

/// Makes the section that is always there, and finds the sections that servers name.
pub fn finish(parser: &mut Parser<'_>) {
    let names: HashSet<&str> = parser.resolvers.iter().map(|r| &*r.name).collect();
    let named = |name: &str| names.contains(name) || name == DEFAULT;
    let mut missing = Vec::new();
    for draft in &parser.drafts {
        let proxy = &draft.proxy;
        for server in &proxy.back.servers {
            let wanted = server.settings.naming.resolvers.as_deref();
            if let Some(wanted) = wanted.filter(|wanted| !named(wanted)) {
                missing.push(format!(
                    "{} '{}', server '{}': unable to find required resolvers '{wanted}'",
                    proxy.caps.section(),
                    proxy.name,
                    server.name
                ));
            }
        }
    }
    if !names.contains(DEFAULT) {
        let mut resolvers = Resolvers::new(DEFAULT, (SYSTEM_LIST.into(), 0));
        // Nobody asked for this section, so nobody is told what is wrong with the list.
        let text = std::fs::read_to_string(SYSTEM_LIST).unwrap_or_default();
        let mut seen = HashSet::new();
        let listed = listed(&text).map(|(_, nameserver)| nameserver);
        resolvers.nameservers = listed
            .filter(|nameserver| seen.insert(nameserver.name.clone()))
            .collect();
        parser.resolvers.push(Arc::new(resolvers));
    }
    for message in missing {
        parser.diagnostics.bare(Severity::Alert, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::load_text;
    use crate::resolvers::Holds;

    fn section(lines: &str) -> Arc<Resolvers> {
        let (snapshot, messages) = load_text(&format!("resolvers r\n{lines}\n"));
        let snapshot = snapshot.unwrap_or_else(|| panic!("{messages:?}"));
        snapshot.resolvers.first().expect("a section").clone()
    }

    #[test]
    fn settings_and_their_defaults() {
        let plain = section(" nameserver a 192.0.2.1:53");
        assert_eq!((plain.payload_size, plain.retries), (512, 3));
        assert_eq!((plain.resolve_timeout, plain.retry_timeout), (1000, 1000));
        assert_eq!(
            (plain.hold.nx, plain.hold.valid, plain.hold.obsolete),
            (30_000, 10_000, 0)
        );
        let set = section(
            " nameserver a 192.0.2.1:53\n nameserver b tcp@[2001:db8::1]:54 maxconn 3\n resolve_retries 5\n timeout resolve 2s\n timeout retry 300\n accepted_payload_size 8192\n hold nx 1s\n hold refused 2s\n hold timeout 3s\n hold other 4s\n hold valid 5s\n hold obsolete 6s",
        );
        let hold = Holds {
            nx: 1000,
            refused: 2000,
            timeout: 3000,
            other: 4000,
            valid: 5000,
            obsolete: 6000,
        };
        assert_eq!(set.hold, hold);
        assert_eq!((set.payload_size, set.retries), (8192, 5));
        assert_eq!((set.resolve_timeout, set.retry_timeout), (2000, 300));
        let [a, b] = set.nameservers.as_slice() else {
            panic!("two name servers")
        };
        assert_eq!(
            (a.stream, a.maxconn, b.stream, b.maxconn),
            (false, 0, true, 3)
        );
        assert_eq!(b.address.to_string(), "[2001:db8::1]:54");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let first = "nameserver a 192.0.2.1:53";
        for (line, message) in [
            (
                "nameserver",
                "'nameserver' expects <name> and <addr>[:<port>] as arguments.",
            ),
            (
                "nameserver b",
                "'nameserver' expects <name> and <addr>[:<port>] as arguments.",
            ),
            (
                "nameserver b 192.0.2.1",
                "'nameserver b' : missing port specification in '192.0.2.1'",
            ),
            (
                "nameserver b 192.0.2.1:0",
                "'nameserver b' : invalid port '0'",
            ),
            (
                "nameserver b 192.0.2.1:53-55",
                "'nameserver b' : port range not permitted here in '192.0.2.1:53-55'",
            ),
            (
                "nameserver b$ 192.0.2.1:53",
                "character '$' is not permitted in server name 'b$'.",
            ),
            (
                first,
                "nameserver 'a' has same name as another nameserver (declared at t.cfg:2).",
            ),
            (
                "nameserver b tcp@192.0.2.1:53 weight 3",
                "'nameserver b' : 'weight' is known but not built yet in hapax (waits for: server options on name servers).",
            ),
            (
                "nameserver b tcp@192.0.2.1:53 foo",
                "'nameserver b' : unknown keyword 'foo'.",
            ),
            (
                "hold",
                "'hold' expects an <event> and a <time> as arguments.",
            ),
            (
                "hold nx",
                "'hold' expects an <event> and a <time> as arguments.",
            ),
            (
                "hold foo 1s",
                "'hold' unknown <event>: 'foo', expects either 'nx', 'timeout', 'valid', 'obsolete' or 'other'.",
            ),
            (
                "hold nx x",
                "unexpected character 'x' in argument to <hold>.",
            ),
            (
                "timeout",
                "'timeout' expects 'retry' or 'resolve' and <time> as arguments.",
            ),
            (
                "timeout resolve",
                "'timeout resolve' expects <time> as argument.",
            ),
            (
                "timeout foo 1s",
                "'timeout' expects 'retry' or 'resolve' and <time> as arguments got 'foo'.",
            ),
            (
                "timeout retry 1x",
                "unexpected character 'x' in argument to <timeout retry>.",
            ),
            (
                "resolve_retries",
                "'resolve_retries' expects <nb> as argument.",
            ),
            (
                "accepted_payload_size",
                "'accepted_payload_size' expects <nb> as argument.",
            ),
            (
                "accepted_payload_size 11",
                "'accepted_payload_size' must be between 12 and 65535 inclusive (was 11).",
            ),
            (
                "accepted_payload_size 65536",
                "'accepted_payload_size' must be between 12 and 65535 inclusive (was 65536).",
            ),
            (
                "resolve_retriess 3",
                "unknown keyword 'resolve_retriess' in 'resolvers' section",
            ),
        ] {
            let (_, messages) = load_text(&format!("resolvers r\n {first}\n {line}\n"));
            assert!(
                messages.contains(&format!("A 3: {message}")),
                "{line}: {messages:?}"
            );
        }
        for (text, message) in [
            ("resolvers\n", "A 1: missing name for resolvers section."),
            (
                "resolvers r!\n",
                "A 1: character '!' is not permitted in 'resolvers' name 'r!'.",
            ),
            (
                "resolvers r\n",
                "W 0: resolvers 'r' [t.cfg:1] has no nameservers configured!",
            ),
            (
                "resolvers r\n nameserver a 192.0.2.1:53\nresolvers r\n",
                "A 3: resolvers 'r' has same name as another resolvers (declared at t.cfg:1).",
            ),
        ] {
            let (_, messages) = load_text(text);
            assert!(
                messages.iter().any(|m| m == message),
                "{text}: {messages:?}"
            );
        }
    }

    #[test]
    fn the_systems_list() {
        let text = "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1 # x\nnameserver\nnameserver x\noptions edns0\n";
        let found: Vec<(u32, String)> = listed(text)
            .map(|(line, n)| (line, n.name.to_string()))
            .collect();
        assert_eq!(found, [(3, "192.0.2.1".into()), (4, "2001:db8::1".into())]);
    }

    #[test]
    fn there_is_always_a_default_section() {
        let (snapshot, _) = load_text("resolvers r\n nameserver a 192.0.2.1:53\n");
        let names = |snapshot: &crate::Snapshot| -> Vec<String> {
            snapshot
                .resolvers
                .iter()
                .map(|r| r.name.to_string())
                .collect()
        };
        assert_eq!(names(&snapshot.expect("valid")), ["r", "default"]);
        let (snapshot, _) = load_text("resolvers default\n nameserver a 192.0.2.1:53\n");
        assert_eq!(names(&snapshot.expect("valid")), ["default"]);
    }

    #[test]
    fn families() {
        for (text, families) in [
            ("ipv4", AcceptedFamilies::Only(crate::IpFamily::V4)),
            ("ipv6", AcceptedFamilies::Only(crate::IpFamily::V6)),
            ("ipv6,ipv4", AcceptedFamilies::Both),
            ("auto", AcceptedFamilies::Auto),
        ] {
            let (snapshot, messages) = load_text(&format!("global\n dns-accept-family {text}\n"));
            let global = snapshot.unwrap_or_else(|| panic!("{messages:?}")).global;
            assert_eq!(global.dns_families, families);
        }
        let (_, messages) = load_text("global\n dns-accept-family foo\n");
        let message = "A 2: 'dns-accept-family' expects a comma-delimited list of 'ipv4' and 'ipv6' but got 'foo'.";
        assert!(messages.iter().any(|m| m == message), "{messages:?}");
    }
}
