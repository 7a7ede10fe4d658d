//! Request methods.

/// A request method, as far as the proxy itself tells them apart.
///
/// Matches HAProxy's own split: everything not listed (PATCH included) is [`Method::Other`], whose text stays in the
/// [`Head`](crate::Head).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// `OPTIONS`
    Options,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `TRACE`
    Trace,
    /// `CONNECT`
    Connect,
    /// Any other token.
    #[default]
    Other,
}

impl Method {
    /// Recognises a method; methods are case-sensitive (RFC 9110, section 9.1).
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match text {
            b"GET" => Self::Get,
            b"POST" => Self::Post,
            b"HEAD" => Self::Head,
            b"PUT" => Self::Put,
            b"OPTIONS" => Self::Options,
            b"DELETE" => Self::Delete,
            b"CONNECT" => Self::Connect,
            b"TRACE" => Self::Trace,
            _ => Self::Other,
        }
    }

    /// The method's name, or `None` for [`Method::Other`], whose name only the message knows.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Options => "OPTIONS",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
            Self::Other => return None,
        })
    }
}
