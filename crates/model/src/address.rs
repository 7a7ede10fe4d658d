//! Addresses as the configuration writes them: families, ranges and inherited descriptors (configuration manual,
//! section 11).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Where to listen or to connect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP over IPv4 or IPv6. Port 0 of a server means the client's destination port.
    Inet(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
    /// An abstract Unix stream socket, its name padded with NUL bytes to the full length when `padded` (`abns@`) or not
    /// (`abnsz@`).
    Abstract {
        /// The name.
        name: Arc<[u8]>,
        /// Whether it is padded.
        padded: bool,
    },
    /// `fd@`: an inherited descriptor.
    Fd(i32),
    /// `sockpair@`: an inherited end of a socket pair over which descriptors come.
    SocketPair(i32),
    /// `rhttp@`: connections that are turned round. A server of this address gets those that clients have opened
    /// (`attach-srv`); a listener serves those that it opens itself, to the server of this name (`<backend>/<server>`).
    Reverse(Arc<str>),
}

/// An address with a range of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRange {
    /// The address with the first port.
    pub address: Address,
    /// The last port.
    pub last_port: u16,
    /// The host name it was resolved from.
    pub host: Option<Host>,
    /// A port written with a sign: an offset to the client's destination port (servers only).
    pub port_offset: Option<i32>,
    /// Whether a port was written at all.
    pub has_port: bool,
    /// Whether it takes datagrams rather than byte streams.
    pub datagram: bool,
    /// The family that its prefix asks for.
    pub family: Option<IpFamily>,
    /// Whether connections may take several paths (`mptcp@`).
    pub multipath: bool,
}

/// A family of IP addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// The family of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The address that stands for none in particular.
    #[must_use]
    pub fn unspecified(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Self::V6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

impl AddressRange {
    /// One address per port of the range.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        let (first, last) = match self.address {
            Address::Inet(address) => (address.port(), self.last_port.max(address.port())),
            _ => (0, 0),
        };
        (first..=last).map(|port| match &self.address {
            Address::Inet(address) => Address::Inet(SocketAddr::new(address.ip(), port)),
            other => other.clone(),
        })
    }
}

/// A host name that stands for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(pub Arc<str>);

/// What the place where an address stands allows.
#[derive(Debug, Clone, Copy)]
pub struct Allow {
    /// A port must be there.
    pub port_required: bool,
    /// A port may be there.
    pub port: bool,
    /// A range of ports may be there.
    pub range: bool,
    /// A signed offset may be there.
    pub offset: bool,
    /// `fd@` may be there.
    pub fd: bool,
    /// Names may be looked up.
    pub resolve: bool,
    /// Names are not looked up now: the range keeps the name with an unspecified address.
    pub defer: bool,
    /// Byte streams may be there.
    pub stream: bool,
    /// Datagrams may be there.
    pub datagram: bool,
    /// Datagrams are meant when the address does not say.
    pub prefer_datagram: bool,
    /// `mptcp@` may be there.
    pub multipath: bool,
    /// `rhttp@` may be there.
    pub reverse: bool,
}

impl Allow {
    /// What lines that listen take.
    pub const BIND: Self = Self {
        port_required: true,
        port: true,
        range: true,
        offset: false,
        fd: true,
        resolve: true,
        defer: false,
        stream: true,
        datagram: false,
        prefer_datagram: false,
        multipath: true,
        reverse: false,
    };
    /// What `bind` takes in a frontend.
    pub const FRONTEND: Self = Self {
        reverse: true,
        ..Self::BIND
    };
    /// What `dgram-bind` takes.
    pub const DATAGRAM_BIND: Self = Self {
        stream: false,
        datagram: true,
        prefer_datagram: true,
        multipath: false,
        ..Self::BIND
    };
    /// What `server` takes.
    pub const SERVER: Self = Self {
        port_required: false,
        range: false,
        offset: true,
        fd: false,
        datagram: true,
        reverse: true,
        ..Self::BIND
    };
    /// What `source` takes: a range, but no port is needed.
    pub const SOURCE: Self = Self {
        port_required: false,
        fd: false,
        multipath: false,
        ..Self::BIND
    };
    /// What `log` takes.
    pub const LOG: Self = Self {
        port_required: false,
        range: false,
        datagram: true,
        prefer_datagram: true,
        multipath: false,
        ..Self::BIND
    };
    /// A bare address, as `addr` takes it; a port may follow.
    pub const PEER: Self = Self {
        port_required: false,
        range: false,
        fd: false,
        multipath: false,
        ..Self::BIND
    };
}

/// Why an address can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// It is wrong, in HAProxy's wording.
    Invalid(String),
    /// The host name has no address (in the wanted family).
    Unresolved(String),
    /// The family is known but not built yet: the address and what it waits for.
    NotBuilt(String, &'static str),
}

impl std::fmt::Display for AddressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(message) => f.write_str(message),
            Self::Unresolved(host) => write!(f, "could not resolve address '{host}'."),
            Self::NotBuilt(address, waits) => {
                write!(
                    f,
                    "'{address}' is known but not built yet in hapax (waits for: {waits})."
                )
            }
        }
    }
}

impl std::error::Error for AddressError {}

/// Which addresses a prefix asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
    Unix,
    Abstract {
        padded: bool,
    },
    Fd,
    SocketPair,
    /// TCP over several paths, of any or of one family.
    Multipath(Option<IpFamily>),
    Reverse,
    NotBuilt(&'static str),
}

impl Family {
    /// The family of IP addresses, when only one will do.
    fn ip(self) -> Option<IpFamily> {
        match self {
            Self::V4 => Some(IpFamily::V4),
            Self::V6 => Some(IpFamily::V6),
            Self::Multipath(family) => family,
            _ => None,
        }
    }
}

/// A prefix, the family it asks for, and whether it says `Some(true)` datagram or `Some(false)` stream.
const PREFIXES: &[(&str, Family, Option<bool>)] = &[
    ("unix@", Family::Unix, None),
    ("uxdg@", Family::Unix, Some(true)),
    ("uxst@", Family::Unix, Some(false)),
    ("abns@", Family::Abstract { padded: true }, None),
    ("abnsz@", Family::Abstract { padded: false }, None),
    ("ipv4@", Family::V4, None),
    ("ipv6@", Family::V6, None),
    ("tcp@", Family::Any, Some(false)),
    ("tcp4@", Family::V4, Some(false)),
    ("tcp6@", Family::V6, Some(false)),
    ("udp@", Family::Any, Some(true)),
    ("udp4@", Family::V4, Some(true)),
    ("udp6@", Family::V6, Some(true)),
    ("fd@", Family::Fd, None),
    ("sockpair@", Family::SocketPair, None),
    ("quic4@", Family::NotBuilt("QUIC"), None),
    ("quic6@", Family::NotBuilt("QUIC"), None),
    ("quic@", Family::NotBuilt("QUIC"), None),
    ("rhttp@", Family::Reverse, None),
    ("mptcp@", Family::Multipath(None), Some(false)),
    (
        "mptcp4@",
        Family::Multipath(Some(IpFamily::V4)),
        Some(false),
    ),
    (
        "mptcp6@",
        Family::Multipath(Some(IpFamily::V6)),
        Some(false),
    ),
];

/// The longest path of a Unix socket, without its terminator and, for a listener, the suffix of its temporary name.
const UNIX_PATH_MAX: usize = 107;
const UNIX_BIND_PATH_MAX: usize = 97;

/// Reads one address.
///
/// # Errors
/// When it is malformed, has parts that `allow` forbids, or its host name has no address.
pub fn parse(text: &str, allow: Allow) -> Result<AddressRange, AddressError> {
    let invalid = |message: String| Err(AddressError::Invalid(message));
    if text.is_empty() {
        return invalid(format!(
            "'{text}' resolves to an empty address (environment variable missing?)"
        ));
    }
    let (said, rest) = match (text.strip_prefix("stream+"), text.strip_prefix("dgram+")) {
        (Some(rest), _) => (Some(false), rest),
        (_, Some(rest)) => (Some(true), rest),
        _ => (None, text),
    };
    let found = PREFIXES
        .iter()
        .find_map(|(prefix, family, kind)| Some((*family, *kind, rest.strip_prefix(prefix)?)));
    let (family, kind, rest) = match found {
        Some(found) => found,
        None if rest.starts_with('/') => (Family::Unix, None, rest),
        None => (Family::Any, None, rest),
    };
    let datagram = said.or(kind).unwrap_or(allow.prefer_datagram);
    if datagram && !allow.datagram {
        return invalid(format!("dgram-type address not acceptable in '{text}'"));
    }
    if !datagram && !allow.stream {
        return invalid(format!("stream-type address not acceptable in '{text}'"));
    }
    let plain = |address| AddressRange {
        address,
        last_port: 0,
        host: None,
        port_offset: None,
        has_port: false,
        datagram,
        family: None,
        multipath: false,
    };
    match family {
        Family::Unix => Ok(plain(Address::Unix(unix_path(text, rest, allow)?))),
        Family::Abstract { padded } => {
            if rest.len() >= UNIX_PATH_MAX {
                return invalid(format!(
                    "socket path '{text}' too long (max {UNIX_PATH_MAX})"
                ));
            }
            Ok(plain(Address::Abstract {
                name: rest.as_bytes().into(),
                padded,
            }))
        }
        Family::Fd | Family::SocketPair => {
            if family == Family::Fd && !allow.fd {
                return invalid(format!(
                    "a file descriptor is not acceptable here in '{text}'"
                ));
            }
            match rest.parse::<i32>().ok().filter(|fd| *fd >= 0) {
                Some(fd) if family == Family::Fd => Ok(plain(Address::Fd(fd))),
                Some(fd) => Ok(plain(Address::SocketPair(fd))),
                None => invalid(format!(
                    "file descriptor '{rest}' is not a valid integer in '{text}'"
                )),
            }
        }
        Family::Reverse if allow.reverse => Ok(plain(Address::Reverse(rest.into()))),
        Family::Reverse => invalid(format!("unsupported protocol family for address '{text}'")),
        Family::NotBuilt(waits) => Err(AddressError::NotBuilt(text.into(), waits)),
        Family::Multipath(_) if !allow.multipath => Err(AddressError::NotBuilt(
            text.into(),
            "MPTCP elsewhere than on 'bind' and 'server' lines",
        )),
        Family::Any | Family::V4 | Family::V6 | Family::Multipath(_) => {
            inet(text, rest, family, datagram, allow)
        }
    }
}

fn unix_path(text: &str, path: &str, allow: Allow) -> Result<PathBuf, AddressError> {
    let max = if allow.port_required {
        UNIX_BIND_PATH_MAX
    } else {
        UNIX_PATH_MAX
    };
    if path.len() > max {
        return Err(AddressError::Invalid(format!(
            "socket path '{text}' too long (max {max})"
        )));
    }
    Ok(PathBuf::from(path))
}

/// Host and port of an address; the port follows the last colon, except inside of brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if text.ends_with(']') {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

fn inet(
    text: &str,
    rest: &str,
    family: Family,
    datagram: bool,
    allow: Allow,
) -> Result<AddressRange, AddressError> {
    let invalid = |message: String| Err(AddressError::Invalid(message));
    let (host, port) = split_port(rest);
    let port = port.filter(|port| !port.is_empty());
    let mut ports = (0, 0);
    let mut offset = None;
    match port {
        None if allow.port_required => {
            return invalid(format!("missing port specification in '{text}'"));
        }
        None => {}
        Some(_) if !allow.port => {
            return invalid(format!("port specification not permitted here in '{text}'"));
        }
        Some(port) if port.starts_with(['+', '-']) => {
            if !allow.offset {
                return invalid(format!("port offset not permitted here in '{text}'"));
            }
            offset = Some(port_number(text, port.get(1..).unwrap_or_default(), u32::MAX)? as i32);
            if port.starts_with('-') {
                offset = offset.map(i32::wrapping_neg);
            }
        }
        Some(port) => ports = port_range(text, port, allow)?,
    }
    let (ip, name) = resolve(text, host, family, allow)?;
    Ok(AddressRange {
        address: Address::Inet(SocketAddr::new(ip, ports.0)),
        last_port: ports.1,
        host: name,
        port_offset: offset,
        has_port: port.is_some(),
        datagram,
        family: family.ip(),
        multipath: matches!(family, Family::Multipath(_)),
    })
}

fn port_range(text: &str, port: &str, allow: Allow) -> Result<(u16, u16), AddressError> {
    let invalid = |message: String| Err(AddressError::Invalid(message));
    let (first, last) = match port.split_once('-') {
        Some((first, last)) => (
            port_number(text, first, u32::MAX)?,
            port_number(text, last, u32::MAX)?,
        ),
        None => (
            port_number(text, port, u32::MAX)?,
            port_number(text, port, u32::MAX)?,
        ),
    };
    if first != last && !allow.range {
        return invalid(format!("port range not permitted here in '{text}'"));
    }
    let lowest = u32::from(allow.port_required);
    for port in [first, last] {
        if !(lowest..=65535).contains(&port) {
            return invalid(format!("invalid port '{port}'"));
        }
    }
    if last < first {
        return invalid(format!("invalid port range '{port}'"));
    }
    Ok((first as u16, last as u16))
}

fn port_number(text: &str, port: &str, max: u32) -> Result<u32, AddressError> {
    if let Some(bad) = port.chars().find(|c| !c.is_ascii_digit()) {
        let message = format!("invalid character '{bad}' in port number '{port}' in '{text}'");
        return Err(AddressError::Invalid(message));
    }
    Ok(port.parse().unwrap_or(max))
}

fn resolve(
    text: &str,
    host: &str,
    family: Family,
    allow: Allow,
) -> Result<(IpAddr, Option<Host>), AddressError> {
    let family = family.ip();
    let any = family.unwrap_or(IpFamily::V4).unspecified();
    if host.is_empty() || host == "*" {
        return Ok((any, None));
    }
    let wrong = || AddressError::Invalid(format!("invalid address: '{host}' in '{text}'"));
    if let Some(ip) = numeric(host) {
        let fits = family.is_none_or(|family| family == IpFamily::of(ip));
        return if fits { Ok((ip, None)) } else { Err(wrong()) };
    }
    if !is_host_name(host) || !allow.resolve {
        return Err(wrong());
    }
    if allow.defer {
        return Ok((any, Some(Host(host.into()))));
    }
    match look_up(host, family) {
        Some(ip) => Ok((ip, Some(Host(host.into())))),
        None if allow.offset => Err(AddressError::Unresolved(host.into())),
        None => Err(wrong()),
    }
}

/// The first address (of a family) that the system's resolver has for a host name. This may take as long as the system
/// lets it.
#[must_use]
pub fn look_up(host: &str, family: Option<IpFamily>) -> Option<IpAddr> {
    let resolver = RESOLVER.get().unwrap_or(&(ask_system as Resolver));
    let fits = |ip: &IpAddr| family.is_none_or(|family| family == IpFamily::of(*ip));
    resolver(host).into_iter().find(fits)
}

/// What answers for host names.
pub type Resolver = fn(&str) -> Vec<IpAddr>;

static RESOLVER: OnceLock<Resolver> = OnceLock::new();

/// Has `resolver` answer for host names in this process instead of the system; only the first call counts. For tests that
/// must stay off the network.
pub fn set_resolver(resolver: Resolver) {
    let _ = RESOLVER.set(resolver);
}

fn ask_system(host: &str) -> Vec<IpAddr> {
    let found = (host, 0).to_socket_addrs().into_iter().flatten();
    found.map(|address| address.ip()).collect()
}

/// Whether a resolver should be asked: colons and the like can't be in a name.
fn is_host_name(host: &str) -> bool {
    host.chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Replaces `$NAME` and `${NAME}` in an address by the environment's values, nothing for what is not defined. Addresses
/// are expanded even outside of quotes.
///
/// # Errors
/// When nothing is left.
pub fn expand<'t>(text: &'t str, env: &config::Env) -> Result<Cow<'t, str>, AddressError> {
    if !text.contains('$') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, behind) = match after
            .strip_prefix('{')
            .and_then(|braced| braced.split_once('}'))
        {
            Some(found) => found,
            None => after.split_at(after.find(|c| !in_name(c)).unwrap_or(after.len())),
        };
        out.push_str(env.get(name).unwrap_or_default());
        rest = behind;
    }
    out.push_str(rest);
    if out.is_empty() {
        let message =
            format!("'{text}' resolves to an empty address (environment variable missing?)");
        return Err(AddressError::Invalid(message));
    }
    Ok(Cow::Owned(out))
}

/// Whether an address may be used where `expose-experimental-directives` was given or not (the first of `exposes`).
///
/// # Errors
/// When it is experimental and that was not given.
pub fn check_experimental(address: &Address, exposes: [bool; 2]) -> Result<(), String> {
    match (address, exposes) {
        (Address::Reverse(name), [false, _]) => Err(format!(
            "Address 'rhttp@{name}' is experimental, must be allowed via a global 'expose-experimental-directives'"
        )),
        _ => Ok(()),
    }
}

/// Reads a comma-separated list of addresses. An empty last member is not one.
///
/// # Errors
/// As [`parse`].
pub fn parse_list(text: &str, allow: Allow) -> Result<Vec<AddressRange>, AddressError> {
    let text = text.strip_suffix(',').unwrap_or(text);
    text.split(',').map(|member| parse(member, allow)).collect()
}

/// The numeric address, wildcards included (`*` and the empty string are 0.0.0.0).
#[must_use]
pub fn numeric(text: &str) -> Option<IpAddr> {
    match text {
        "" | "*" => Some(IpAddr::from([0, 0, 0, 0])),
        _ => text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text)
            .parse()
            .ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bind(text: &str) -> Result<AddressRange, String> {
        parse(text, Allow::BIND).map_err(|e| e.to_string())
    }

    fn inet(text: &str) -> Address {
        Address::Inet(text.parse().expect("an address"))
    }

    #[test]
    fn listening_addresses() {
        for (text, first, last) in [
            (":80", "0.0.0.0:80", 80),
            ("*:80", "0.0.0.0:80", 80),
            ("[::1]:80", "[::1]:80", 80),
            ("::1:80", "[::1]:80", 80),
            (":::80", "[::]:80", 80),
            ("ipv6@:80", "[::]:80", 80),
            ("tcp4@127.0.0.1:80-90", "127.0.0.1:80", 90),
            ("stream+ipv4@:80", "0.0.0.0:80", 80),
        ] {
            let range = bind(text).expect(text);
            assert_eq!(
                (range.address, range.last_port),
                (inet(first), last),
                "{text}"
            );
        }
        assert_eq!(
            bind("/tmp/x").map(|r| r.address),
            Ok(Address::Unix("/tmp/x".into()))
        );
        assert_eq!(bind("fd@3").map(|r| r.address), Ok(Address::Fd(3)));
        assert_eq!(
            bind("sockpair@5").map(|r| r.address),
            Ok(Address::SocketPair(5))
        );
        let name = Address::Abstract {
            name: b"x"[..].into(),
            padded: false,
        };
        assert_eq!(bind("abnsz@x").map(|r| r.address), Ok(name));
    }

    #[test]
    fn several_paths_are_for_proxies_and_servers() {
        let multipath =
            |text, allow| parse(text, allow).map(|range| (range.multipath, range.family));
        assert_eq!(multipath("mptcp@:80", Allow::BIND), Ok((true, None)));
        let v6 = Some(IpFamily::V6);
        assert_eq!(multipath("mptcp6@[::1]:80", Allow::SERVER), Ok((true, v6)));
        assert_eq!(multipath("tcp@:80", Allow::BIND), Ok((false, None)));
        assert!(matches!(
            multipath("mptcp@127.0.0.1:80", Allow::LOG),
            Err(AddressError::NotBuilt(..))
        ));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            (
                "",
                "'' resolves to an empty address (environment variable missing?)",
            ),
            ("80", "missing port specification in '80'"),
            ("[::1]", "missing port specification in '[::1]'"),
            ("*:", "missing port specification in '*:'"),
            ("*:80-79", "invalid port range '80-79'"),
            ("*:0", "invalid port '0'"),
            ("*:70000", "invalid port '70000'"),
            ("*:80-90000", "invalid port '90000'"),
            ("*:+80", "port offset not permitted here in '*:+80'"),
            (
                "*:80x",
                "invalid character 'x' in port number '80x' in '*:80x'",
            ),
            (
                "*:80-9x",
                "invalid character 'x' in port number '9x' in '*:80-9x'",
            ),
            ("foo@:80", "invalid address: 'foo@' in 'foo@:80'"),
            (
                "ipv4@[::1]:80",
                "invalid address: '[::1]' in 'ipv4@[::1]:80'",
            ),
            ("udp@:80", "dgram-type address not acceptable in 'udp@:80'"),
            (
                "fd@3x",
                "file descriptor '3x' is not a valid integer in 'fd@3x'",
            ),
            (
                "quic4@:443",
                "'quic4@:443' is known but not built yet in hapax (waits for: QUIC).",
            ),
        ] {
            assert_eq!(bind(text).expect_err(text), message);
        }
    }

    #[test]
    fn server_addresses() {
        let server = |text| parse(text, Allow::SERVER).map_err(|e| e.to_string());
        assert_eq!(server("127.0.0.1:+5").map(|r| r.port_offset), Ok(Some(5)));
        assert_eq!(server("127.0.0.1:-5").map(|r| r.port_offset), Ok(Some(-5)));
        assert_eq!(server("127.0.0.1").map(|r| r.has_port), Ok(false));
        assert_eq!(
            server("127.0.0.1:70000"),
            Err("invalid port '70000'".into())
        );
        assert_eq!(
            server("127.0.0.1:1-2"),
            Err("port range not permitted here in '127.0.0.1:1-2'".into())
        );
        assert_eq!(
            server("fd@3"),
            Err("a file descriptor is not acceptable here in 'fd@3'".into())
        );
        assert_eq!(server("::1"), Err("invalid address: ':' in '::1'".into()));
    }

    #[test]
    fn the_environment_is_seen_in_addresses() {
        let mut env = config::Env::empty();
        env.set("HOST", "127.0.0.1");
        env.set("PORT", "80");
        assert_eq!(expand("${HOST}:$PORT", &env).as_deref(), Ok("127.0.0.1:80"));
        assert_eq!(expand("*:80", &env).as_deref(), Ok("*:80"));
        let message = "'${NONE}' resolves to an empty address (environment variable missing?)";
        assert_eq!(
            expand("${NONE}", &env).map_err(|e| e.to_string()),
            Err(message.into())
        );
    }

    #[test]
    fn lists_and_ranges_unfold() {
        let list = parse_list(":80-81,unix@/x,", Allow::BIND).expect("a list");
        let all: Vec<Address> = list.iter().flat_map(AddressRange::addresses).collect();
        assert_eq!(
            all,
            [
                inet("0.0.0.0:80"),
                inet("0.0.0.0:81"),
                Address::Unix("/x".into())
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_text_panics(text in "[a-z0-9@+:,/.*\\[\\]-]{0,24}") {
            let _ = parse_list(&text, Allow { resolve: false, ..Allow::BIND });
            let _ = parse(&text, Allow { resolve: false, ..Allow::SERVER });
            let _ = parse(&text, Allow { resolve: false, ..Allow::LOG });
        }
    }
}
