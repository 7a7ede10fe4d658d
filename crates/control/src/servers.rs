//! What commands and the statistics page do to servers.

use crate::commands::set_own_state;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::live::Admin;
use std::sync::Arc;

/// A change of a server's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Takes traffic again.
    Ready,
    /// Takes no new traffic by balancing.
    Drain,
    /// Takes no traffic at all.
    Maint,
}

impl Action {
    /// All of them, with their names in forms and their labels there.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Ready, "ready", "Set state to READY"),
        (Self::Drain, "drain", "Set state to DRAIN"),
        (Self::Maint, "maint", "Set state to MAINT"),
    ];

    /// The action of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(action, ..)| *action)
    }

    /// Does it; `false` when it could not be done.
    pub fn apply(
        self,
        runtime: &Arc<Runtime>,
        backend: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
    ) -> bool {
        let own = match self {
            Self::Ready => 0,
            Self::Drain => Admin::DRAIN.0,
            Self::Maint => Admin::MAINT.0,
        };
        set_own_state(runtime, backend, server, own);
        true
    }
}
