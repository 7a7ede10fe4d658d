//! Logging as configured: targets, formats and the sections that carry log messages.

use crate::address::Address;
use expr::logformat::LogFormat;
use std::sync::Arc;

/// Where log messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A datagram or stream address. `stream` is set by `tcp@` and the like.
    Socket {
        /// The address.
        address: Address,
        /// Whether it is a byte stream rather than datagrams.
        stream: bool,
    },
    /// `stdout`, `stderr` or `fd@`: an open descriptor.
    Descriptor(i32),
    /// `ring@name`.
    Ring(Arc<str>),
    /// `backend@name`: a backend in `mode log`.
    Backend(Arc<str>),
}

/// The header in front of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderFormat {
    /// By the destination: `rfc3164` for sockets, `short` for descriptors.
    #[default]
    Default,
    /// `local`: rfc3164 without the host name.
    Local,
    /// `rfc3164`
    Rfc3164,
    /// `rfc5424`
    Rfc5424,
    /// `priority`: only `<n>`.
    Priority,
    /// `short`: `<n>` and the message... without a date.
    Short,
    /// `timed`: a date and the level.
    Timed,
    /// `iso`: an ISO date.
    Iso,
    /// `raw`: nothing.
    Raw,
}

/// One `log` line.
#[derive(Debug, Clone)]
pub struct LogTarget {
    /// Where to send.
    pub destination: Destination,
    /// `format`.
    pub format: HeaderFormat,
    /// `len`: bytes of a message.
    pub max_len: usize,
    /// `sample`: ranges (from 1) and the size of the set.
    pub sample: Option<Sampling>,
    /// `profile`.
    pub profile: Option<Arc<LogProfile>>,
    /// The profile's name as written.
    pub profile_name: Option<Arc<str>>,
    /// The facility, 0 to 23.
    pub facility: u8,
    /// Messages of a higher number than this are dropped.
    pub max_level: u8,
    /// Messages of a lower number than this are sent with this.
    pub min_level: u8,
    /// Where the line stands.
    pub origin: (Arc<str>, u32),
}

/// `sample <ranges>:<size>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampling {
    /// First and last, counted from 1, sorted.
    pub ranges: Vec<(u32, u32)>,
    /// Size of the set.
    pub size: u32,
}

/// A `log-profile` section.
#[derive(Debug, Clone, Default)]
pub struct LogProfile {
    /// Its name.
    pub name: Arc<str>,
    /// Where the section begins.
    pub origin: (Arc<str>, u32),
    /// `log-tag`.
    pub tag: Option<Arc<str>>,
    /// `on <step>`: what to do at each step, by its name.
    pub steps: Vec<(Arc<str>, ProfileStep)>,
}

/// `on <step> ...` in a profile.
#[derive(Debug, Clone, Default)]
pub struct ProfileStep {
    /// `drop`.
    pub drop: bool,
    /// `format`.
    pub format: Option<Arc<LogFormat>>,
    /// `sd`: structured data for rfc5424.
    pub structured_data: Option<Arc<LogFormat>>,
}

/// Which built-in line a proxy logs when no format is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultLine {
    /// The short "Connect from" line at the accept.
    #[default]
    Connect,
    /// `option tcplog`.
    Tcp,
    /// `option tcplog clf`.
    TcpClf,
    /// `option httplog`.
    Http,
    /// `option httplog clf`.
    HttpClf,
    /// `option httpslog`.
    Https,
    /// `log-format`.
    Custom,
}

/// A proxy's logging.
#[derive(Debug, Clone, Default)]
pub struct ProxyLog {
    /// `log` lines, those of `log global` included.
    pub targets: Vec<Arc<LogTarget>>,
    /// `log global` was given, so that the global targets join when the configuration is resolved.
    pub global: bool,
    /// Which line.
    pub line: DefaultLine,
    /// The compiled format of that line; `None` logs the "Connect from" line.
    pub format: Option<Arc<LogFormat>>,
    /// `log-format` as written, with file and line, until it is compiled.
    pub format_text: Option<(Arc<str>, Arc<str>, u32)>,
    /// `error-log-format`, compiled.
    pub error_format: Option<Arc<LogFormat>>,
    /// `error-log-format` as written.
    pub error_format_text: Option<(Arc<str>, Arc<str>, u32)>,
    /// `log-format-sd`, compiled.
    pub structured_data: Option<Arc<LogFormat>>,
    /// `log-format-sd` as written.
    pub structured_data_text: Option<(Arc<str>, Arc<str>, u32)>,
    /// `log-tag`.
    pub tag: Option<Arc<str>>,
    /// `log-steps`: bits of the steps at which to log; 0 for the default (the end).
    pub steps: u32,
}

/// Sections that carry log messages.
#[derive(Debug, Clone, Default)]
pub struct Logging {
    /// `ring` sections.
    pub rings: Vec<Arc<Ring>>,
    /// `log-forward` sections.
    pub forwards: Vec<Arc<LogForward>>,
    /// What `traces` sections set up, if there are any.
    pub traces: Option<Arc<crate::trace::Settings>>,
}

/// A `ring` section.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Its name.
    pub name: Arc<str>,
    /// `description`.
    pub description: Option<Arc<str>>,
    /// `format`.
    pub format: HeaderFormat,
    /// `maxlen`.
    pub max_len: usize,
    /// `size`, in bytes.
    pub size: usize,
    /// `timeout connect` and `timeout server`, in milliseconds.
    pub timeouts: (Option<u64>, Option<u64>),
    /// `server` lines: address and whether `log-proto octet-count`.
    pub servers: Vec<(Arc<str>, Address, bool)>,
}

/// A `log-forward` section.
#[derive(Debug, Clone)]
pub struct LogForward {
    /// Its name.
    pub name: Arc<str>,
    /// Where the section begins.
    pub origin: (Arc<str>, u32),
    /// `bind` lines: stream listeners.
    pub binds: Vec<Arc<crate::bind::Bind>>,
    /// `dgram-bind` lines: datagram listeners.
    pub datagram_binds: Vec<Arc<crate::bind::Bind>>,
    /// `log` lines.
    pub targets: Vec<Arc<LogTarget>>,
    /// `log global`.
    pub global: bool,
    /// `backlog`.
    pub backlog: u32,
    /// `maxconn`.
    pub maxconn: u32,
    /// `timeout client`, in milliseconds.
    pub timeout_client: Option<u64>,
    /// `option dont-parse-log`.
    pub dont_parse: bool,
    /// `option assume-rfc6587-ntf`.
    pub assume_ntf: bool,
    /// `option host`: replace (0), fill (1), keep (2), append (3).
    pub host: u8,
}

impl Default for LogForward {
    fn default() -> Self {
        Self {
            name: "".into(),
            origin: ("".into(), 0),
            binds: Vec::new(),
            datagram_binds: Vec::new(),
            targets: Vec::new(),
            global: false,
            backlog: 0,
            maxconn: 0,
            timeout_client: None,
            dont_parse: false,
            assume_ntf: false,
            host: 1,
        }
    }
}
