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
                let Some(id) = slot(name).and_then(|slot| SLOTS.get(slot).copied()) else {
                    return Self::Other;
                };
                match id.name() {
                    Some(known) if known.as_bytes() == name => id,
                    _ => Self::Other,
                }
            }

            /// The lower-case name, or `None` for [`FieldId::Other`].
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    Self::Other => None,
                    $(Self::$id => Some($name),)*
                }
            }

            const LISTED: &'static [Self] = &[$(Self::$id,)*];
        }
    };
}

/// Where a name stands in [`SLOTS`]: length, first and last byte tell all listed names apart.
const fn slot(name: &[u8]) -> Option<usize> {
    match name {
        [first, .., last] => {
            Some((name.len() + *first as usize + *last as usize * 12) % SLOT_COUNT)
        }
        _ => None,
    }
}

const SLOT_COUNT: usize = 512;

static SLOTS: [FieldId; SLOT_COUNT] = slots();

const fn slots() -> [FieldId; SLOT_COUNT] {
    let mut slots = [FieldId::Other; SLOT_COUNT];
    let mut at = 0;
    while at < FieldId::LISTED.len() {
        let id = FieldId::LISTED[at];
        if let Some(name) = id.name()
            && let Some(slot) = slot(name.as_bytes())
        {
            // Evaluated when this is compiled: a name added above that clashes needs other factors in `slot`.
            assert!(
                matches!(slots[slot], FieldId::Other),
                "two names in one slot"
            );
            slots[slot] = id;
        }
        at += 1;
    }
    slots
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
