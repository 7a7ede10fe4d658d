//! How a server's name becomes an address: at the start (`init-addr`), and while running (`resolvers`).

use super::{Place, ServerLine};
use crate::address::{Address, AddressRange, IpFamily, look_up};
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{Fault, Parsed, Parser, Statement};
use crate::server::{InitialAddress, Naming};
use config::Severity;
use std::net::{IpAddr, SocketAddr};

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "init-addr",
        args: 1,
        doc: "How the address is found at the start.",
        read: init_addr,
    },
    OptionRow {
        name: "resolve-net",
        args: 1,
        doc: "Networks whose addresses are preferred.",
        read: networks,
    },
    OptionRow {
        name: "resolve-opts",
        args: 1,
        doc: "How the answers of name servers are applied.",
        read: options,
    },
    OptionRow {
        name: "resolve-prefer",
        args: 1,
        doc: "The preferred family of addresses.",
        read: prefer,
    },
    OptionRow {
        name: "resolvers",
        args: 1,
        doc: "The section whose name servers watch the server's name.",
        read: |line, cursor| {
            line.draft.naming.resolvers = Some(cursor.word().into());
            Ok(())
        },
    },
];

/// The most networks that `resolve-net` takes.
const MOST_NETWORKS: usize = 5;

fn init_addr(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let mut methods = Vec::new();
    let text = cursor.word();
    for method in text.split(',').filter(|method| !method.is_empty()) {
        methods.push(match method {
            "last" => InitialAddress::Last,
            "libc" => InitialAddress::Libc,
            "none" => InitialAddress::Nothing,
            ip => match ip.parse() {
                Ok(ip) => InitialAddress::Fixed(ip),
                Err(_) => {
                    let message =
                        format!(": unknown init-addr method '{ip}', supported methods are 'libc', 'last', 'none'.");
                    return Err(cursor.option_fault(message));
                }
            },
        });
    }
    line.draft.naming.initial = methods.into();
    Ok(())
}

fn networks(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.value("expects a list of networks.")?;
    let mut found = Vec::new();
    for network in text.split(',') {
        match network_of(network) {
            _ if found.len() == MOST_NETWORKS => {
                return Err(cursor.option_fault(format!("exceed {MOST_NETWORKS} networks.")));
            }
            Some(network) => found.push(network),
            None => return Err(cursor.option_fault(format!("invalid network '{network}'."))),
        }
    }
    line.draft.naming.networks = found.into();
    Ok(())
}

/// An address with the length of its network's prefix, or all of it without one.
fn network_of(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = match text.split_once('/') {
        Some((ip, bits)) => (ip.parse().ok()?, Some(bits.parse().ok()?)),
        None => (text.parse().ok()?, None),
    };
    let most = match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((ip, bits))
}

fn options(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.word();
    let naming = &mut line.draft.naming;
    for option in text.split(',').filter(|option| !option.is_empty()) {
        match option {
            "allow-dup-ip" => naming.allow_duplicates = true,
            "prevent-dup-ip" => naming.allow_duplicates = false,
            "ignore-weight" => naming.ignore_weight = true,
            other => {
                let message = format!(
                    ": unknown resolve-opts option '{other}', supported methods are 'allow-dup-ip', 'ignore-weight', and 'prevent-dup-ip'."
                );
                return Err(cursor.option_fault(message));
            }
        }
    }
    Ok(())
}

fn prefer(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.naming.prefer = Some(match cursor.word() {
        "ipv4" => IpFamily::V4,
        "ipv6" => IpFamily::V6,
        _ => return Err(cursor.option_fault("expects either ipv4 or ipv6 as argument.")),
    });
    Ok(())
}

/// Finds the address that a server starts with, and says what came of it when that was not the first way tried.
pub(super) fn start(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    label: &str,
    range: AddressRange,
    naming: &Naming,
) -> Parsed<Place> {
    let word = statement.keyword_at + 1 + at;
    let (place, notice) =
        place_of(range, naming).map_err(|why| Fault::at(word, format!("{label}{why}")))?;
    if let Some(notice) = notice {
        let message = format!("{label}{notice}");
        let notice = config::Diagnostic::at(Severity::Notice, statement.line, word, message);
        parser.diagnostics.push(notice);
    }
    Ok(place)
}

/// Applies `init-addr`.
fn place_of(range: AddressRange, naming: &Naming) -> Result<(Place, Option<String>), String> {
    let plain = |address, range: AddressRange, unresolved| Place {
        address,
        datagram: range.datagram,
        range,
        unresolved,
    };
    let (Some(host), Address::Inet(inet)) = (&range.host, &range.address) else {
        return Ok((plain(range.address.clone(), range, false), None));
    };
    let (name, port) = (host.0.clone(), inet.port());
    if naming.resolvers.is_some() && !can_be_asked(&name) {
        return Err(format!(
            "the name '{name}' can't be asked of name servers: a label is empty or too long."
        ));
    }
    let service = name.starts_with('_');
    let mut asked = false;
    for method in methods(naming) {
        let ip = match method {
            InitialAddress::Last => None,
            InitialAddress::Libc if service => None,
            InitialAddress::Libc => {
                asked = true;
                look_up(&name, range.family)
            }
            InitialAddress::Fixed(ip) => {
                let notice = asked.then(|| {
                    format!(
                        "could not resolve address '{name}', falling back to configured address."
                    )
                });
                let address = Address::Inet(SocketAddr::new(*ip, port));
                return Ok((plain(address, range, false), notice));
            }
            InitialAddress::Nothing => {
                let notice =
                    asked.then(|| format!("could not resolve address '{name}', disabling server."));
                return Ok((plain(range.address.clone(), range, true), notice));
            }
        };
        if let Some(ip) = ip {
            let address = Address::Inet(SocketAddr::new(ip, port));
            return Ok((plain(address, range, false), None));
        }
    }
    Err(match asked {
        true => format!("could not resolve address '{name}'."),
        false => format!("no method found to resolve address '{name}'."),
    })
}

/// The ways to an address in their order; who has name servers to ask may start without.
fn methods(naming: &Naming) -> &[InitialAddress] {
    const DEFAULT: &[InitialAddress] = &[
        InitialAddress::Last,
        InitialAddress::Libc,
        InitialAddress::Nothing,
    ];
    match (&*naming.initial, &naming.resolvers) {
        ([], Some(_)) => DEFAULT,
        ([], None) => &DEFAULT[..2],
        (methods, _) => methods,
    }
}

/// Whether a name has the shape of one in messages to name servers (RFC 1035, 2.3.4).
pub(crate) fn can_be_asked(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}
