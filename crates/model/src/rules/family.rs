//! The lists that rules stand in.

use crate::proxy::Caps;
use expr::Phases;
use expr::view::Side;

/// One of the rule lists of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `tcp-request connection`
    TcpConnection,
    /// `tcp-request session`
    TcpSession,
    /// `tcp-request content`
    TcpContent,
    /// `tcp-response content`
    TcpResponse,
    /// `http-request`
    HttpRequest,
    /// `http-response`
    HttpResponse,
    /// `http-after-response`
    HttpAfterResponse,
}

impl Family {
    /// All lists.
    pub const ALL: [Self; 7] = [
        Self::TcpConnection,
        Self::TcpSession,
        Self::TcpContent,
        Self::TcpResponse,
        Self::HttpRequest,
        Self::HttpResponse,
        Self::HttpAfterResponse,
    ];

    /// The keyword as configurations have it.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::TcpConnection => "tcp-request connection",
            Self::TcpSession => "tcp-request session",
            Self::TcpContent => "tcp-request content",
            Self::TcpResponse => "tcp-response content",
            Self::HttpRequest => "http-request",
            Self::HttpResponse => "http-response",
            Self::HttpAfterResponse => "http-after-response",
        }
    }

    /// The name of the step that `do-log` reports (configuration manual, 8.3.5).
    #[must_use]
    pub fn log_step(self) -> &'static str {
        match self {
            Self::TcpConnection => "tcp-req-conn",
            Self::TcpSession => "tcp-req-sess",
            Self::TcpContent => "tcp-req-cont",
            Self::TcpResponse => "tcp-res-cont",
            Self::HttpRequest => "http-req",
            Self::HttpResponse => "http-res",
            Self::HttpAfterResponse => "http-after-res",
        }
    }

    /// Whether its rules see HTTP messages.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(
            self,
            Self::HttpRequest | Self::HttpResponse | Self::HttpAfterResponse
        )
    }

    /// The message that its rules are about.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::TcpResponse | Self::HttpResponse | Self::HttpAfterResponse => Side::Response,
            _ => Side::Request,
        }
    }

    /// Where the rules of this list are evaluated for a proxy with these capabilities.
    #[must_use]
    pub fn phases(self, caps: Caps) -> Phases {
        let (front, back) = match self {
            Self::TcpConnection => (Phases::FE_CONNECTION, Phases::NONE),
            Self::TcpSession => (Phases::FE_SESSION, Phases::NONE),
            Self::TcpContent => (Phases::FE_REQUEST_CONTENT, Phases::BE_REQUEST_CONTENT),
            Self::TcpResponse => (Phases::FE_RESPONSE_CONTENT, Phases::BE_RESPONSE_CONTENT),
            Self::HttpRequest => (Phases::FE_REQUEST_HEADERS, Phases::BE_REQUEST_HEADERS),
            Self::HttpResponse | Self::HttpAfterResponse => {
                (Phases::FE_RESPONSE_HEADERS, Phases::BE_RESPONSE_HEADERS)
            }
        };
        match (caps.front, caps.back) {
            (true, true) => front | back,
            (true, false) => front,
            _ => back,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families(u8);

impl Families {
    /// `tcp-request connection` alone.
    pub const CONNECTION: Self = Self(1);
    /// `tcp-request connection` and `session`.
    pub const EARLY: Self = Self(3);
    /// `tcp-request content` alone.
    pub const CONTENT: Self = Self(4);
    /// `tcp-request session`.
    pub const SESSION: Self = Self(2);
    /// `tcp-request connection`, `session` and `content`.
    pub const TCP_REQUEST: Self = Self(7);
    /// `tcp-response content` alone.
    pub const TCP_RESPONSE: Self = Self(8);
    /// Every TCP list.
    pub const TCP: Self = Self(15);
    /// `http-request` alone.
    pub const REQUEST: Self = Self(16);
    /// `http-response` alone.
    pub const RESPONSE: Self = Self(32);
    /// `http-request` and `http-response`.
    pub const MESSAGES: Self = Self(48);
    /// `http-response` and `http-after-response`.
    pub const RESPONSES: Self = Self(96);
    /// Every HTTP list.
    pub const HTTP: Self = Self(112);
    /// Every list.
    pub const ALL: Self = Self(127);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a list is in the set.
    #[must_use]
    pub fn has(self, family: Family) -> bool {
        self.0 & family.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_their_lists() {
        let tcp = [
            Family::TcpConnection,
            Family::TcpSession,
            Family::TcpContent,
            Family::TcpResponse,
        ];
        let http = [
            Family::HttpRequest,
            Family::HttpResponse,
            Family::HttpAfterResponse,
        ];
        assert!(
            tcp.iter()
                .all(|family| Families::TCP.has(*family) && !Families::HTTP.has(*family))
        );
        assert!(
            http.iter()
                .all(|family| Families::HTTP.has(*family) && family.is_http())
        );
        assert!(
            Families::RESPONSES.has(Family::HttpAfterResponse)
                && !Families::MESSAGES.has(Family::HttpAfterResponse)
        );
        assert!(
            Families::CONTENT
                .and(Families::REQUEST)
                .has(Family::TcpContent)
        );
        assert!(
            Families::EARLY.has(Family::TcpSession)
                && !Families::CONNECTION.has(Family::TcpSession)
        );
    }
}
