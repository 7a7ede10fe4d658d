//! A reload by the worker that serves, without another process.

use super::channel::{self, Opening};
use crate::command::Level;
use engine::io::Socket;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// How long reading the configuration may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// No outcome is longer.
const LONGEST: usize = 1 << 20;

/// Whether the program is still the one that runs: another one takes over by another process only.
pub fn program_is_same() -> bool {
    let inode = |path: &std::path::Path| std::fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    let running = inode("/proc/self/exe".as_ref());
    let installed = std::env::current_exe().ok().and_then(|path| inode(&path));
    running.is_some() && running == installed
}

/// Asks the worker at the other end of a channel; yields what it told when it has changed over.
pub async fn ask(channel: impl AsFd) -> Option<String> {
    let asking = tokio::time::timeout(PATIENCE, exchange(channel));
    let told = asking.await.ok()?.ok()?;
    let text = told.strip_prefix("Success=1\n--\n")?;
    Some(text.trim_end().to_owned())
}

async fn exchange(channel: impl AsFd) -> io::Result<String> {
    let opening = Opening {
        level: Level::Admin,
        expert: false,
        experimental: false,
        interactive: false,
        prompt: false,
        timed: false,
    };
    let worker = Socket::new(channel::open(channel, opening)?)?;
    let command = [IoSlice::new(b"reload\n")];
    poll_fn(|cx| worker.poll_write(cx, &command)).await?;
    let (mut told, mut room) = (Vec::new(), [0; 4096]);
    loop {
        let n = poll_fn(|cx| worker.poll_read(cx, &mut room)).await?;
        if n == 0 || told.len() > LONGEST {
            return Ok(String::from_utf8_lossy(&told).into_owned());
        }
        told.extend_from_slice(room.get(..n).unwrap_or_default());
    }
}
