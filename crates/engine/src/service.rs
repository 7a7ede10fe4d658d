//! Answers made inside the program: the statistics page and the services of `use-service`.
//!
//! Who makes them stands above this crate and says so with [`install`]; here they are called and sent.

use crate::proxy::ProxyRuntime;
use crate::runtime::Runtime;
use message::Head;
use model::StatsPage;
use std::sync::{Arc, OnceLock};

/// A request to a service.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The configuration that the client's connection was accepted under.
    pub runtime: &'a Arc<Runtime>,
    /// The request's head.
    pub head: &'a Head,
    /// Its body, if it fits a buffer.
    pub body: Option<&'a [u8]>,
}

/// A request to the statistics page.
#[derive(Debug)]
pub struct AskedPage<'a> {
    /// The request.
    pub asked: Asked<'a>,
    /// The proxy whose page it is.
    pub proxy: &'a Arc<ProxyRuntime>,
    /// The page's settings.
    pub page: &'a StatsPage,
    /// Whether the client may change things.
    pub admin: bool,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Fields other than those about the connection and the length.
    pub fields: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// An answer's body.
pub enum Body {
    /// The whole.
    Whole(String),
    /// Piece by piece, each made when the one before has been sent.
    Pieces(Box<dyn Pieces>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(text) => f.debug_tuple("Whole").field(&text.len()).finish(),
            Self::Pieces(_) => f.write_str("Pieces"),
        }
    }
}

/// A body too long to be held at once.
pub trait Pieces {
    /// Appends the next piece of some kilobytes at most; `false` once there is nothing left.
    fn fill(&mut self, runtime: &Arc<Runtime>, out: &mut String) -> bool;
}

/// Makes an answer.
pub type Service = fn(&Asked<'_>) -> Answer;

/// What answers.
#[derive(Debug)]
pub struct Services {
    /// The statistics page.
    pub stats: fn(&AskedPage<'_>) -> Answer,
    /// Services by name.
    pub named: &'static [(&'static str, Service)],
}

static SERVICES: OnceLock<Services> = OnceLock::new();

/// Says what answers; the first to say so stays.
pub fn install(services: Services) {
    let _ = SERVICES.set(services);
}

pub(crate) fn installed() -> Option<&'static Services> {
    SERVICES.get()
}
