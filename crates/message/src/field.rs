//! Header fields: where they stand in a head's text, and the names the proxy itself needs to find fast.

use crate::Span;

/// One header field of a [`Head`](crate::Head): where its name and value stand in the head's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The lower-case name.
    pub name: Span,
    /// The value without surrounding white space.
    pub value: Span,
    /// Which well-known field this is.
    pub id: FieldId,
}

macro_rules! field_ids {
    ($($id:ident = $name:literal,)*) => {
        /// A field that the proxy itself looks for, recognised once when the field is added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum FieldId {
            /// Not one of the listed ones.
            Other,
            $(#[doc = concat!("`", $name, "`")] $id,)*
        }

        impl FieldId {
            /// Recognises a lower-case name.
            #[must_use]
            pub fn of(name: &[u8]) -> Self {
                // Names are told apart by length first: most fields of a message are none of these.
                match name.len() {
                    $(len if len == $name.len() && name == $name.as_bytes() => Self::$id,)*
                    _ => Self::Other,
                }
            }

            /// The lower-case name, or `None` for [`FieldId::Other`].
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    Self::Other => None,
                    $(Self::$id => Some($name),)*
                }
            }
        }
    };
}

field_ids! {
    Te = "te",
    Host = "host",
    Date = "date",
    Cookie = "cookie",
    Accept = "accept",
    Expect = "expect",
    Server = "server",
    Upgrade = "upgrade",
    Trailer = "trailer",
    Location = "location",
    Forwarded = "forwarded",
    KeepAlive = "keep-alive",
    Connection = "connection",
    SetCookie = "set-cookie",
    UserAgent = "user-agent",
    ContentType = "content-type",
    CacheControl = "cache-control",
    Authorization = "authorization",
    ContentLength = "content-length",
    XForwardedFor = "x-forwarded-for",
    XOriginalTo = "x-original-to",
    WwwAuthenticate = "www-authenticate",
    ContentEncoding = "content-encoding",
    TransferEncoding = "transfer-encoding",
    ProxyConnection = "proxy-connection",
    ProxyAuthenticate = "proxy-authenticate",
    ProxyAuthorization = "proxy-authorization",
    SecWebSocketKey = "sec-websocket-key",
    SecWebSocketAccept = "sec-websocket-accept",
    SecWebSocketVersion = "sec-websocket-version",
    Http2Settings = "http2-settings",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_recognised_and_others_are_not() {
        for name in [
            "te",
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "x-forwarded-for",
        ] {
            assert_eq!(FieldId::of(name.as_bytes()).name(), Some(name));
        }
        assert_eq!(FieldId::of(b"x-forwarded-fox"), FieldId::Other);
        assert_eq!(
            FieldId::of(b"Host"),
            FieldId::Other,
            "names are kept in lower case"
        );
    }
}
