//! Sources of traces, and their events, with HAProxy's names.

use super::settings::Criterion;

/// A source: a part of the program whose events can be traced.
pub struct SourceRow {
    /// The source.
    pub source: Source,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its events.
    pub events: &'static [EventRow],
    /// How much is told of an event, from the least on; the first says nothing but what happened.
    pub verbosities: &'static [(&'static str, &'static str)],
    /// What a trace can be locked on.
    pub criteria: &'static [Criterion],
}

/// An event.
#[derive(Debug, Clone, Copy)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Its name, unique within its source.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
}

macro_rules! sources {
    ($($source:ident $word:literal $about:literal $verbosities:ident $criteria:ident {
        $($event:ident $name:literal $doc:literal;)*
    })*) => {
        /// A part of the program whose events can be traced.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Source {
            $(#[doc = $about] $source,)*
        }

        /// What happens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Event {
            $($(#[doc = $doc] $event,)*)*
        }

        /// All sources, in HAProxy's order.
        pub const SOURCES: &[SourceRow] = &[$(SourceRow {
            source: Source::$source,
            name: $word,
            doc: $about,
            events: &[$(EventRow { event: Event::$event, name: $name, doc: $doc },)*],
            verbosities: $verbosities,
            criteria: $criteria,
        },)*];

        impl Event {
            /// The source that it belongs to.
            #[must_use]
            pub const fn source(self) -> Source {
                match self {
                    $($(Self::$event => Source::$source,)*)*
                }
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$event => $name,)*)*
                }
            }
        }
    };
}

type Verbosities = &'static [(&'static str, &'static str)];

const QUIET: (&str, &str) = ("quiet", "only report what happened");
const CLEAN: (&str, &str) = ("clean", "add the side, the client and the proxies");
const MINIMAL: (&str, &str) = ("minimal", "add the numbers by which things are told apart");

const OF_MESSAGES: Verbosities = &[
    QUIET,
    CLEAN,
    MINIMAL,
    ("simple", "add the first line of the message"),
    ("advanced", "add header fields"),
    ("complete", "add the data that was moved"),
];
const OF_STREAMS: Verbosities = &[
    QUIET,
    CLEAN,
    MINIMAL,
    ("simple", "add the first lines of request and response"),
    ("advanced", "add times and bytes"),
    ("complete", "add header fields"),
];
const OF_BYTES: Verbosities = &[
    QUIET,
    CLEAN,
    MINIMAL,
    ("simple", "add how many bytes have passed in all"),
    ("advanced", "add the beginning of the data that was moved"),
    ("complete", "add the data that was moved"),
];
const OF_TLS: Verbosities = &[
    QUIET,
    CLEAN,
    MINIMAL,
    ("simple", "add error messages"),
    ("advanced", "add what was agreed upon"),
    ("complete", "add what the client asked for"),
];
const OF_CHECKS: Verbosities = &[
    QUIET,
    ("clean", "add the server"),
    ("minimal", "add the kind of check"),
    ("simple", "add the result"),
    ("advanced", "add how long it took"),
    ("complete", "add what the server said"),
];
const OF_PEERS: Verbosities = &[
    QUIET,
    ("clean", "add the section and the peer"),
    ("minimal", "add the number of the connection"),
    ("simple", "add what kind of message it is"),
    ("advanced", "add the numbers in the message"),
    ("complete", "add the data of the message"),
];
const OF_SESSIONS: Verbosities = &[
    QUIET,
    ("default", "report extra information when available"),
];

const ON_CONNECTIONS: &[Criterion] = &[
    Criterion::Backend,
    Criterion::Connection,
    Criterion::Frontend,
    Criterion::Listener,
    Criterion::Nothing,
    Criterion::Server,
    Criterion::Session,
    Criterion::Thread,
];
const ON_H1: &[Criterion] = &[
    Criterion::Backend,
    Criterion::Connection,
    Criterion::Frontend,
    Criterion::Listener,
    Criterion::Nothing,
    Criterion::Server,
    Criterion::Session,
    Criterion::Thread,
    Criterion::H1Stream,
];
const ON_H2: &[Criterion] = &[
    Criterion::Backend,
    Criterion::Connection,
    Criterion::Frontend,
    Criterion::Listener,
    Criterion::Nothing,
    Criterion::Server,
    Criterion::Session,
    Criterion::Thread,
    Criterion::H2Stream,
];
const ON_STREAMS: &[Criterion] = &[
    Criterion::Backend,
    Criterion::Frontend,
    Criterion::Listener,
    Criterion::Nothing,
    Criterion::Server,
    Criterion::Session,
    Criterion::Stream,
    Criterion::Thread,
];
const ON_SESSIONS: &[Criterion] = &[
    Criterion::Frontend,
    Criterion::Listener,
    Criterion::Nothing,
    Criterion::Session,
    Criterion::Thread,
];
const ON_CHECKS: &[Criterion] = &[Criterion::Check, Criterion::Nothing, Criterion::Thread];
const ON_PEERS: &[Criterion] = &[
    Criterion::Nothing,
    Criterion::Thread,
    Criterion::Peer,
    Criterion::Peers,
];

sources! {
    Ssl "ssl" "SSL xprt" OF_TLS ON_CONNECTIONS {
        SslNew "sslc_new" "new SSL connection";
        SslHandshake "sslc_hndshk" "SSL handshake";
        SslEnd "sslc_end" "SSL connection end";
        SslErr "sslc_err" "SSL error";
    }
    H2 "h2" "HTTP/2 multiplexer" OF_MESSAGES ON_H2 {
        H2ConnNew "h2c_new" "new H2 connection";
        H2ConnEnd "h2c_end" "H2 connection terminated";
        H2ConnErr "h2c_err" "error on H2 connection";
        H2RxHeaders "rx_hdr" "receipt of H2 HEADERS frame";
        H2RxData "rx_data" "receipt of H2 DATA frame";
        H2TxHeaders "tx_hdr" "transmission of H2 HEADERS frame";
        H2TxData "tx_data" "transmission of H2 DATA frame";
        H2StreamNew "h2s_new" "new H2 stream";
        H2StreamEnd "h2s_end" "H2 stream terminated";
        H2StreamErr "h2s_err" "error on H2 stream";
    }
    H1 "h1" "HTTP/1 multiplexer" OF_MESSAGES ON_H1 {
        H1ConnNew "h1c_new" "new H1 connection";
        H1ConnEnd "h1c_end" "H1 connection terminated";
        H1ConnErr "h1c_err" "error on H1 connection";
        H1RxData "rx_data" "receipt of any H1 data";
        H1RxHeaders "rx_headers" "receipt of H1 headers";
        H1TxData "tx_data" "transmission of any H1 data";
        H1TxHeaders "tx_headers" "transmission of all headers";
        H1StreamNew "h1s_new" "new H1 stream";
        H1StreamEnd "h1s_end" "H1 stream terminated";
        H1StreamErr "h1s_err" "error on H1 stream";
    }
    Stream "stream" "Applicative stream" OF_STREAMS ON_STREAMS {
        StreamNew "strm_new" "new stream";
        StreamFree "strm_free" "release stream";
        StreamErr "strm_err" "error during stream processing";
        StreamConnector "sc_state" "processing connector states";
        StreamHttp "http_ana" "HTTP analyzers";
        StreamTcp "tcp_ana" "TCP analyzers";
    }
    Peers "peers" "Peers protocol" OF_PEERS ON_PEERS {
        PeersNew "sess_new" "create new peer session";
        PeersEnd "sess_end" "peer session terminated";
        PeersErr "sess_err" "error on peer session";
        PeersRx "rx_msg" "message received";
        PeersTx "tx_msg" "message sent";
        PeersResync "sess_resync" "peer session resync";
    }
    Check "check" "Health-check" OF_CHECKS ON_CHECKS {
        CheckStart "hchck_start" "Health-check started";
        CheckEnd "hchck_end" "Health-check terminated";
        CheckSuccess "hchck_succ" "Health-check success";
        CheckErr "hchck_err" "Health-check failure";
        CheckConnect "tcp_check_conn" "tcp-check connection rule";
        CheckSend "tcp_check_send" "tcp-check send rule";
        CheckExpect "tcp_check_expect" "tcp-check expect rule";
        CheckAction "tcp_check_action" "tcp-check action rule";
    }
    Pt "pt" "Passthrough multiplexer" OF_BYTES ON_CONNECTIONS {
        PtNew "pt_conn_new" "new PT connection";
        PtEnd "pt_conn_end" "PT connection terminated";
        PtErr "pt_conn_err" "error on PT connection";
        PtRx "pt_rx_data" "Rx on PT connection";
        PtTx "pt_tx_data" "Tx on PT connection";
    }
    Session "session" "client session management" OF_SESSIONS ON_SESSIONS {
        SessionNew "sess_new" "new session creation";
        SessionEnd "sess_end" "session termination";
        SessionErr "sess_err" "session error";
    }
}

/// HAProxy's sources that nothing here belongs to.
const ABSENT: &[&str] = &[
    "acme", "applet", "fcgi", "h3", "haterm", "qcm", "quic", "spop",
];

impl Source {
    /// What is known of it.
    #[must_use]
    pub fn row(self) -> &'static SourceRow {
        &SOURCES[self as usize]
    }

    /// The source of this name.
    ///
    /// # Errors
    /// With HAProxy's answer, or with what it is about a source of HAProxy's that there is none of here.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some(row) = SOURCES.iter().find(|row| row.name == name) {
            return Ok(row.source);
        }
        Err(match ABSENT.contains(&name) {
            true => format!("No such trace source '{name}': nothing here belongs to it"),
            false => format!("No such trace source '{name}'"),
        })
    }
}

impl Event {
    /// A mask with nothing but this event.
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self as u64
    }
}

impl SourceRow {
    /// A mask with all of its events.
    #[must_use]
    pub fn all_events(&self) -> u64 {
        self.events
            .iter()
            .fold(0, |mask, row| mask | row.event.bit())
    }

    /// Its event of this name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<Event> {
        let found = self.events.iter().find(|row| row.name == name);
        found.map(|row| row.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_event_has_a_bit_of_its_own_and_belongs_to_its_source() {
        let mut seen = 0_u64;
        for (at, row) in SOURCES.iter().enumerate() {
            assert_eq!(row.source as usize, at);
            let names: HashSet<_> = row.events.iter().map(|event| event.name).collect();
            assert_eq!(names.len(), row.events.len(), "{}", row.name);
            for event in row.events {
                assert!((event.event as u32) < u64::BITS);
                assert_eq!(seen & event.event.bit(), 0);
                seen |= event.event.bit();
                assert_eq!(event.event.source(), row.source);
                assert_eq!(event.event.name(), event.name);
            }
            assert!(row.criteria.contains(&Criterion::Nothing));
        }
    }

    #[test]
    fn a_source_without_counterpart_says_so() {
        assert_eq!(Source::named("h1"), Ok(Source::H1));
        assert_eq!(
            Source::named("quic").unwrap_err(),
            "No such trace source 'quic': nothing here belongs to it"
        );
        assert_eq!(
            Source::named("nope").unwrap_err(),
            "No such trace source 'nope'"
        );
    }
}
