//! HTTP/1 heads at the beginning of what a TCP stream carries, for sample fetches that ask for them.
//!
//! Rules of a proxy in TCP mode may look at headers (configuration manual, 7.3.6). Bytes are only read as HTTP when a
//! fetch asks, and again when more of them have come.

use crate::mux::Conn;
use expr::view::Side;
use message::{Head, Method};
use std::cell::OnceCell;
use wire::h1::{self, Limits, Options, Parsed};

/// What the bytes of one direction begin with.
#[derive(Debug)]
enum Found {
    /// A head.
    Head(Box<Head>),
    /// What may become one.
    Part,
    /// Something else.
    Other,
}

/// What is known of both directions of a TCP stream; knows nothing as long as it is closed.
#[derive(Debug, Default)]
pub struct Glance {
    open: bool,
    request: OnceCell<Found>,
    response: OnceCell<Found>,
}

impl Glance {
    /// Lets fetches look, at what is there from now on.
    pub(super) fn open(&mut self) {
        *self = Self {
            open: true,
            ..Self::default()
        };
    }

    /// Whether fetches may look.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Forgets what was seen, as more bytes have come.
    pub(super) fn renew(&mut self) {
        if self.open {
            self.open();
        }
    }

    /// The head that `conn` begins with.
    pub(super) fn head(&self, side: Side, conn: Option<&Conn>, limits: &Limits) -> Option<&Head> {
        match self.found(side, conn, limits)? {
            Found::Head(head) => Some(head),
            Found::Part | Found::Other => None,
        }
    }

    /// Whether `conn` begins with a head of which a part is still to come.
    pub(super) fn is_pending(&self, side: Side, conn: Option<&Conn>, limits: &Limits) -> bool {
        matches!(self.found(side, conn, limits), Some(Found::Part))
    }

    fn found(&self, side: Side, conn: Option<&Conn>, limits: &Limits) -> Option<&Found> {
        let conn = conn.filter(|_| self.open)?;
        Some(match side {
            Side::Request => self.request.get_or_init(|| look(side, conn, limits)),
            Side::Response => self.response.get_or_init(|| look(side, conn, limits)),
        })
    }
}

fn look(side: Side, conn: &Conn, limits: &Limits) -> Found {
    let bytes = conn.input.bytes();
    let (options, mut head) = (Options::default(), Box::<Head>::default());
    let parsed = match side {
        Side::Request => h1::parse_request(bytes, limits, &options, &mut head),
        Side::Response => h1::parse_response(bytes, Method::Get, limits, &options, &mut head),
    };
    match parsed {
        Ok(Parsed::Done { .. }) => Found::Head(head),
        Ok(_) if conn.has_ended() || conn.input.is_full() => Found::Other,
        Ok(_) => Found::Part,
        Err(_) => Found::Other,
    }
}
