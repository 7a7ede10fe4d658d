//! Error pages: what is sent for a status that the proxy itself answers with.

use expr::logformat::LogFormat;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What to answer with for one status.
#[derive(Debug, Clone)]
pub enum ErrorPage {
    /// `errorfile` with an empty file: the connection is closed without a word.
    Silent,
    /// A complete raw HTTP/1 response from a file, parsed when the configuration was read.
    File(Arc<StoredResponse>),
    /// `errorloc`: a redirect with this status to this place.
    Redirect(u16, Arc<str>),
    /// `http-error` with a payload and header list built when it is sent.
    Composed(Arc<ComposedResponse>),
}

/// A response kept ready.
#[derive(Debug, Clone)]
pub struct StoredResponse {
    /// Status line and headers.
    pub head: message::Head,
    /// The body.
    pub body: Vec<u8>,
}

/// A response built from expressions.
#[derive(Debug)]
pub struct ComposedResponse {
    /// The status.
    pub status: u16,
    /// The body's media type; none without a body.
    pub content_type: Option<Arc<str>>,
    /// Further headers.
    pub headers: Vec<(Arc<str>, LogFormat)>,
    /// The body.
    pub body: ResponseBody,
}

/// The body of a response that rules or error pages send.
#[derive(Debug, Clone)]
pub enum ResponseBody {
    /// None.
    Empty,
    /// The same bytes every time.
    Fixed(Arc<[u8]>),
    /// A log-format.
    Format(Arc<LogFormat>),
}

/// The pages of a proxy by status; what is missing is answered with the built-in page.
pub type ErrorPages = BTreeMap<u16, ErrorPage>;
