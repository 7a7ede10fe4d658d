//! Bounds on the time and memory that an input may take.
//!
//! What is being tried stands in a file, so that it is known whatever becomes of the process.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest time one input may take; generous, since machines for tests are busy.
const LONGEST: Duration = Duration::from_secs(10);

/// How much the process' memory may grow, in bytes.
const LARGEST: u64 = 768 << 20;

/// How often the bounds are looked at.
const TICK: Duration = Duration::from_millis(20);

struct Watched {
    /// Milliseconds from the beginning to that of the present input, plus one; 0 between inputs.
    since: AtomicU64,
    over: AtomicBool,
}

/// Ends the process when an input passes the bounds.
pub struct Guard {
    path: PathBuf,
    file: File,
    began: Instant,
    watched: Arc<Watched>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    /// A guard that keeps inputs in the file `path`.
    pub fn new(path: PathBuf) -> std::io::Result<Self> {
        let file = File::create(&path)?;
        let watched = Arc::new(Watched {
            since: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let began = Instant::now();
        let thread = {
            let (watched, path) = (watched.clone(), path.clone());
            std::thread::spawn(move || watch(&watched, began, &path))
        };
        Ok(Self {
            path,
            file,
            began,
            watched,
            thread: Some(thread),
        })
    }

    /// Where the last input stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `run` within the bounds, with `input` in the file.
    pub fn within<R>(&self, input: &[u8], run: impl FnOnce() -> R) -> std::io::Result<R> {
        self.file.write_all_at(input, 0)?;
        self.file.set_len(input.len() as u64)?;
        let now = self.began.elapsed().as_millis() as u64;
        self.watched.since.store(now + 1, Ordering::Relaxed);
        let result = run();
        self.watched.since.store(0, Ordering::Relaxed);
        Ok(result)
    }

    /// Ends the watch and forgets the input.
    pub fn done(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.watched.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread has nothing to tell but its end.
            let _ = thread.join();
        }
    }
}

fn watch(watched: &Watched, began: Instant, path: &Path) {
    let before = resident();
    while !watched.over.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        let since = watched.since.load(Ordering::Relaxed);
        let now = began.elapsed().as_millis() as u64;
        if since > 0 && now.saturating_sub(since) > LONGEST.as_millis() as u64 {
            give_up(path, &format!("took more than {LONGEST:?}"));
        }
        let grown = resident().saturating_sub(before);
        if since > 0 && grown > LARGEST {
            give_up(path, &format!("made memory grow by {grown} bytes"));
        }
    }
}

/// A thread that loops can't be stopped, so the process is.
fn give_up(path: &Path, why: &str) -> ! {
    eprintln!("the input in {} {why}", path.display());
    std::process::abort();
}

/// Bytes of memory that the process has; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    figure.unwrap_or_default() * 1024
}
