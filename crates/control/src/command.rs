//! A command as a row of its family's table, and what it runs with.

use crate::reply::{Reply, SeverityOutput};
use engine::clock;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::Bind;
use std::fmt::Write;
use std::sync::Arc;

/// Who may run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Anybody on the socket; sees statistics only.
    User,
    /// May see more and clear counters.
    Operator,
    /// May do everything.
    Admin,
}

impl Level {
    /// A socket's level as configured.
    #[must_use]
    pub fn of(bind: &Bind) -> Self {
        match bind.level {
            0 => Self::User,
            1 => Self::Operator,
            _ => Self::Admin,
        }
    }

    /// Its name in configurations and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A command.
#[derive(Debug)]
pub struct CommandRow {
    /// Its words.
    pub words: &'static [&'static str],
    /// Who may run it.
    pub level: Level,
    /// Its arguments, for the list of commands.
    pub args: &'static str,
    /// What it does, for the list of commands.
    pub doc: &'static str,
    /// Runs it with the words that follow its own.
    pub run: Run,
}

/// What runs a command.
pub type Run = fn(&mut Context<'_>, &mut Reply, Args<'_>);

/// The words after a command's own.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(pub &'a [String]);

impl<'a> Args<'a> {
    /// The word at a place, empty when there is none.
    #[must_use]
    pub fn get(self, at: usize) -> &'a str {
        self.0.get(at).map_or("", String::as_str)
    }
}

/// What a command runs with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The running configuration.
    pub runtime: &'a Arc<Runtime>,
    /// The connection's state.
    pub state: &'a mut State,
    /// The payload.
    pub payload: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// The frontend of this name; refuses when there is none.
    pub fn frontend(&self, name: &str, reply: &mut Reply) -> Option<&'a Arc<ProxyRuntime>> {
        if name.is_empty() {
            reply.error("A frontend name is expected.");
            return None;
        }
        let found = self.runtime.snapshot.frontends.get(name);
        let found = found.and_then(|at| self.runtime.proxy(*at));
        if found.is_none() {
            reply.error("No such frontend.");
        }
        found
    }

    /// The server written as `backend/server`; refuses when there is none.
    pub fn server(
        &self,
        path: &str,
        reply: &mut Reply,
    ) -> Option<(Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
        let Some((backend, server)) = path.split_once('/').filter(|(_, s)| !s.is_empty()) else {
            reply.error("Require 'backend/server'.");
            return None;
        };
        let Some(backend) = self.runtime.backend(backend) else {
            reply.error("No such backend.");
            return None;
        };
        let Some(server) = backend.server_named(server) else {
            reply.error("No such server.");
            return None;
        };
        Some((backend, server))
    }
}

/// What stays the same over the commands of a connection.
#[derive(Debug)]
pub struct State {
    /// The level, which can only be lowered.
    pub level: Level,
    /// How messages begin.
    pub severity: SeverityOutput,
    /// `stats timeout`, in milliseconds.
    pub timeout: u64,
    /// Whether the connection goes on after a line.
    pub interactive: bool,
    /// Whether it is shown that the next line is awaited.
    pub prompt: bool,
    /// Whether the prompt shows the uptime.
    pub timed: bool,
    /// Whether commands for experts may be run.
    pub expert: bool,
    /// Whether experimental commands may be run.
    pub experimental: bool,
    /// The key with which names and addresses are made unrecognisable, if they are.
    pub anonymous: Option<u32>,
}

impl State {
    /// A connection's state at its beginning.
    #[must_use]
    pub fn new(bind: &Bind, timeout: u64) -> Self {
        Self {
            level: Level::of(bind),
            severity: match bind.severity_output {
                0 => SeverityOutput::None,
                1 => SeverityOutput::Number,
                _ => SeverityOutput::String,
            },
            timeout,
            interactive: false,
            prompt: false,
            timed: false,
            expert: false,
            experimental: false,
            anonymous: None,
        }
    }

    /// Whether the connection goes on after a line.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether a prompt is written.
    #[must_use]
    pub fn prompts(&self) -> bool {
        self.interactive && self.prompt
    }

    /// Writes the prompt.
    pub fn write_prompt(&self, out: &mut String) {
        if self.timed {
            let seconds = clock::now_ms() / 1000;
            let (days, hours) = (seconds / 86400, seconds / 3600 % 24);
            let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
            let _ = write!(out, "[{days}:{hours:02}:{minutes:02}:{seconds:02}]");
        }
        out.push_str("> ");
    }

    /// Lowers the level; the modes go with it.
    pub fn lower(&mut self, level: Level) {
        self.level = self.level.min(level);
        (self.expert, self.experimental) = (false, false);
    }
}
