//! Stick tables that files keep (`persist`): read at the start, written by a thread of their own while the process runs.
//!
//! A file is replaced as a whole: what is written first has another name, reaches the disk, and then takes the file's
//! place. So whenever the process dies, there is one whole file.

use crate::clock;
use crate::runtime::Runtime;
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use stick::{Table, TableConfig, longest_image, read_image, write_image};

/// The least time between two writings of a table.
const INTERVAL: Duration = Duration::from_secs(1);
/// Writing takes this part of the time at most.
const SHARE: u32 = 10;

/// Files as they were read, by the tables' places.
pub type Images = Vec<(usize, Vec<u8>)>;

/// Reads the files of all tables while the process still may. Yields what is wrong, too.
#[must_use]
pub fn load(tables: &[TableConfig]) -> (Images, Vec<String>) {
    let (mut images, mut faults) = (Vec::new(), Vec::new());
    for (at, config) in tables.iter().enumerate() {
        let Some(path) = &config.persist else {
            continue;
        };
        match read(Path::new(&**path), longest_image(config)) {
            Ok(bytes) => images.push((at, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => faults.push(fault(config, path, &error)),
        }
    }
    (images, faults)
}

fn fault(config: &TableConfig, path: &str, why: &dyn std::fmt::Display) -> String {
    format!(
        "stick-table '{}': '{path}' is not read, its entries are lost: {why}.",
        config.name
    )
}

fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(longest + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(io::Error::other("it is longer than the table allows")),
        false => Ok(bytes),
    }
}

/// Puts what was read into the tables. Yields what is wrong.
#[must_use]
pub fn restore(runtime: &Runtime, images: &Images) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, bytes) in images {
        let Some(table) = runtime.tables.get(*at) else {
            continue;
        };
        let config = table.config();
        if let Err(why) = read_image(table, clock::now_ms(), date(), bytes) {
            let path = config.persist.as_deref().unwrap_or_default();
            faults.push(fault(config, path, &why));
        }
    }
    faults
}

fn date() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The thread that writes. Dropping it writes a last time and waits for that.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tables: Vec<Kept>,
    ending: bool,
}

/// A table and what its file has of it.
#[derive(Debug, Clone)]
struct Kept {
    table: Arc<Table>,
    /// How often the table had changed when it was written.
    written: u64,
    /// When it is written next.
    due: Instant,
    /// Whether the last attempt failed.
    failed: bool,
}

/// Starts writing the tables of a runtime.
#[must_use]
pub fn start(runtime: &Arc<Runtime>) -> Service {
    let mut service = Service {
        shared: Arc::default(),
        thread: None,
    };
    service.follow(runtime);
    service
}

impl Service {
    /// Goes on with the tables of another runtime.
    pub fn follow(&mut self, runtime: &Arc<Runtime>) {
        let kept = runtime
            .tables
            .iter()
            .filter(|table| table.config().persist.is_some());
        let mut state = self.shared.state.lock();
        let before = std::mem::take(&mut state.tables);
        state.tables = kept
            .map(|table| {
                let known = before.iter().find(|kept| Arc::ptr_eq(&kept.table, table));
                known.cloned().unwrap_or_else(|| Kept {
                    table: table.clone(),
                    written: u64::MAX,
                    due: Instant::now() + INTERVAL,
                    failed: false,
                })
            })
            .collect();
        let needed = !state.tables.is_empty();
        drop(state);
        if needed && self.thread.is_none() {
            let shared = self.shared.clone();
            let run = move || work(&shared);
            let thread = std::thread::Builder::new().name("persist".into());
            match thread.spawn(run) {
                Ok(thread) => self.thread = Some(thread),
                Err(error) => warn(&format!("stick tables are not kept in files: {error}.")),
            }
        }
    }

    /// Writes a last time; the process that follows has its own tables.
    pub fn end(&self) {
        self.shared.state.lock().ending = true;
        self.shared.news.notify_all();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to write.
            let _ = thread.join();
        }
    }
}

fn warn(text: &str) {
    // Nobody is left to be told that standard error is gone.
    let _ = writeln!(io::stderr(), "[WARNING]  ({}) : {text}", std::process::id());
}

fn work(shared: &Shared) {
    loop {
        let (mut tables, ending) = {
            let mut state = shared.state.lock();
            if !state.ending {
                shared.news.wait_for(&mut state, INTERVAL);
            }
            (state.tables.clone(), state.ending)
        };
        for kept in &mut tables {
            kept.write_if_due(ending);
        }
        if ending {
            return;
        }
        let mut state = shared.state.lock();
        for kept in &mut state.tables {
            let same = |other: &&Kept| Arc::ptr_eq(&other.table, &kept.table);
            if let Some(done) = tables.iter().find(same) {
                *kept = done.clone();
            }
        }
    }
}

impl Kept {
    fn write_if_due(&mut self, at_once: bool) {
        let changes = self.table.changes();
        let begin = Instant::now();
        if changes == self.written || (!at_once && begin < self.due) {
            return;
        }
        let Some(path) = self.table.config().persist.clone() else {
            return;
        };
        let outcome = replace(Path::new(&*path), &self.table);
        self.due = Instant::now() + INTERVAL.max(begin.elapsed() * SHARE);
        match outcome {
            Ok(()) => (self.written, self.failed) = (changes, false),
            Err(error) => {
                if !std::mem::replace(&mut self.failed, true) {
                    let name = self.table.name();
                    warn(&format!(
                        "stick-table '{name}' cannot be kept in '{path}': {error}."
                    ));
                }
            }
        }
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    name.into()
}

/// Writes a table to a file that then takes the place of `path`.
fn replace(path: &Path, table: &Table) -> io::Result<()> {
    let temporary = temporary(path);
    let written = (|| {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write_image(table, clock::now_ms(), date(), &mut file)?;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // It may not even have come about.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
