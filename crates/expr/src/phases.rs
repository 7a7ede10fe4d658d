//! The places of the configuration where an expression may stand, and what can be had there.

use std::ops::{BitAnd, BitOr};

/// A set of the 22 places in which expressions are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Phases(u32);

macro_rules! places {
    ($($bit:literal $id:ident $name:literal,)*) => {
        impl Phases {
            $(#[doc = concat!("The ", $name, ".")] pub const $id: Self = Self(1 << $bit);)*
            const NAMES: [(Self, &'static str); 22] = [$((Self::$id, $name),)*];
        }
    };
}

places! {
    0 FE_CONNECTION "frontend tcp-request connection rule",
    1 FE_SESSION "frontend tcp-request session rule",
    2 FE_REQUEST_CONTENT "frontend tcp-request content rule",
    3 FE_REQUEST_HEADERS "frontend http-request header rule",
    4 FE_REQUEST_BODY "frontend http-request body rule",
    5 FE_USE_BACKEND "frontend use-backend rule",
    6 BE_REQUEST_CONTENT "backend tcp-request content rule",
    7 BE_REQUEST_HEADERS "backend http-request header rule",
    8 BE_REQUEST_BODY "backend http-request body rule",
    9 BE_SET_SERVER "backend use-server, balance or stick-match rule",
    10 SERVER_SOURCE "server source selection",
    11 BE_RESPONSE_CONTENT "backend tcp-response content rule",
    12 BE_RESPONSE_HEADERS "backend http-response header rule",
    13 BE_RESPONSE_BODY "backend http-response body rule",
    14 BE_STORE "backend stick-store rule",
    15 FE_RESPONSE_CONTENT "frontend tcp-response content rule",
    16 FE_RESPONSE_HEADERS "frontend http-response header rule",
    17 FE_RESPONSE_BODY "frontend http-response body rule",
    18 LOG "logs",
    19 CHECK "backend tcp-check rule",
    20 CONFIGURATION "configuration parser",
    21 CLI "CLI parser",
}

const fn range(from: u32, to: u32) -> u32 {
    (u32::MAX >> (31 - to)) & (u32::MAX << from)
}

impl Phases {
    /// No place.
    pub const NONE: Self = Self(0);
    /// Every place: what depends on nothing.
    pub const ALL: Self = Self(range(0, 21));
    /// Wherever traffic is handled, and on the command line socket: the process' own state.
    pub const INTERNAL: Self = Self(range(0, 19) | 1 << 21);
    /// Wherever traffic is handled, health checks included: the client's transport connection.
    pub const CLIENT: Self = Self(range(0, 19));
    /// From the accept to the log: the listener and the frontend.
    pub const FRONTEND: Self = Self(range(0, 18));
    /// From the end of the handshakes to the log: the client's session.
    pub const CLIENT_SESSION: Self = Self(range(1, 18));
    /// From the request to the log: what is kept of a request.
    pub const REQUEST_KEPT: Self = Self(range(2, 18));
    /// While the request is in the buffer.
    pub const REQUEST: Self = Self(range(2, 10));
    /// While either message is in the buffer.
    pub const MESSAGE: Self = Self(range(2, 17) | 1 << 19);
    /// Once the backend is chosen.
    pub const BACKEND: Self = Self(range(6, 19));
    /// Once the request has been processed.
    pub const REQUEST_END: Self = Self(range(9, 18));
    /// Once the server is chosen.
    pub const SERVER: Self = Self(range(10, 19));
    /// While the response is in the buffer.
    pub const RESPONSE: Self = Self(range(11, 17) | 1 << 19);
    /// From the response to the log: the server's connection, and what is kept of a response.
    pub const RESPONSE_KEPT: Self = Self(range(11, 19));

    /// Whether the two sets share a place.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every place of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no place is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the `position`th place (counted from 0 in the order of the keyword dump) is in the set.
    #[must_use]
    pub const fn has(self, position: u32) -> bool {
        position < 22 && self.0 & (1 << position) != 0
    }

    /// The set of the places whose column holds `Y` in the keyword dump's form (`Y Y . . …`).
    #[must_use]
    pub fn from_dump(columns: &str) -> Self {
        let marks = columns.chars().filter(|c| matches!(c, 'Y' | '.'));
        Self(
            marks
                .enumerate()
                .take(22)
                .filter(|(_, mark)| *mark == 'Y')
                .fold(0, |set, (at, _)| set | 1 << at),
        )
    }

    /// The name of the first place of the set, as messages name it.
    #[must_use]
    pub fn place(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(place, _)| self.contains(*place))
            .map_or("none", |(_, name)| name)
    }

    /// What has to be there for the fetch `name` with this validity, as messages name it.
    #[must_use]
    pub fn need_of(self, name: &str) -> &'static str {
        let reads_buffer = |side: &str| {
            name.strip_prefix(side).is_some_and(|rest| {
                ["len", "payload", "ssl_", "rdp_cookie"]
                    .iter()
                    .any(|word| rest.starts_with(word))
            })
        };
        match self {
            Self::ALL | Self::INTERNAL => "internal state",
            Self::CLIENT => "client address",
            Self::FRONTEND => "frontend",
            Self::CLIENT_SESSION => "client-side connection",
            Self::REQUEST_KEPT if name.contains("bytes_") => "request buffer statistics",
            Self::REQUEST_KEPT => "HTTP request",
            Self::REQUEST if reads_buffer("req.") || reads_buffer("req_") => "request buffer",
            Self::REQUEST => "HTTP request headers",
            Self::MESSAGE if name.starts_with("payload") => "request buffer,response buffer",
            Self::MESSAGE => "HTTP request headers,HTTP response headers",
            Self::BACKEND => "backend",
            Self::REQUEST_END => "response buffer statistics",
            Self::SERVER if name.starts_with("res.cache") => "HTTP response",
            Self::SERVER => "server",
            Self::RESPONSE if reads_buffer("res.") => "response buffer",
            Self::RESPONSE => "HTTP response headers",
            Self::RESPONSE_KEPT
                if ["ssl_bc", "bs.", "bc_nb_", "bc_settings_"]
                    .iter()
                    .any(|start| name.starts_with(start)) =>
            {
                "server-side connection"
            }
            Self::RESPONSE_KEPT if name.starts_with("bc_") || name.ends_with(".queue") => {
                "server address"
            }
            _ => "HTTP response",
        }
    }
}

impl BitOr for Phases {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Phases {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
