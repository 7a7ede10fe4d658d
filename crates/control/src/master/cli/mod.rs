//! The master's own runtime API (`-S`): its commands, and the way to those of the workers.

mod commands;
pub mod route;
mod session;

pub use commands::words;

use super::processes::Processes;
use super::startup_log::StartupLog;
use crate::command::Level;
use engine::io::Socket;
use model::Bind;
use rustix::net::SocketFlags;
use session::Session;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// A reload that a user asked for.
#[derive(Debug)]
pub struct Request {
    /// Whether old workers end at once.
    pub hard: bool,
    /// Where the outcome is told.
    pub reply: OwnedFd,
}

/// What all connections see.
#[derive(Debug)]
pub struct Shared {
    /// The processes.
    pub processes: RefCell<Processes>,
    /// What was said at the last start.
    pub log: StartupLog,
    /// Variables that the master shows.
    pub environment: Vec<(String, String)>,
    /// Takes reloads.
    pub requests: UnboundedSender<Request>,
}

/// Accepts connections.
pub async fn accept(shared: Rc<Shared>, bind: Arc<Bind>, listener: Arc<OwnedFd>) {
    let Ok(listener) = sys::watch_shared(listener) else {
        return;
    };
    loop {
        let Ok(mut ready) = listener.readable().await else {
            return;
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::accept_with(&listener, flags) {
            Ok(fd) => {
                if let Ok(socket) = Socket::new(fd) {
                    let session = Session::new(shared.clone(), Level::of(&bind));
                    tokio::task::spawn_local(session.run(socket));
                }
            }
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
