//! The same configuration and the same conversation with two programs, compared.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::conn::{Conn, End};
use crate::logline::HttpLog;
use crate::mask::{mask_http, mask_log};
use crate::program::{Builder, Program};
use crate::server::Server;
use crate::show;
use crate::syslog::Syslog;

/// What was seen of one run, with the volatile parts masked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Titles and texts, in the order they were noted.
    pub notes: Vec<(String, String)>,
}

impl Record {
    /// Adds a text under a title.
    pub fn note(&mut self, title: &str, text: impl Into<String>) {
        self.notes.push((title.to_owned(), text.into()));
    }

    /// What differs, note by note, `-` for this record and `+` for the other; empty when they are equal.
    pub fn difference(&self, other: &Self) -> String {
        let mut out = String::new();
        let count = self.notes.len().max(other.notes.len());
        for number in 0..count {
            let (mine, theirs) = (self.notes.get(number), other.notes.get(number));
            if mine == theirs {
                continue;
            }
            for (sign, note) in [('-', mine), ('+', theirs)] {
                let Some((title, text)) = note else { continue };
                // Writing to a string does not fail.
                let _ = writeln!(out, "{sign} [{title}]");
                for line in text.lines() {
                    let _ = writeln!(out, "{sign} {line}");
                }
            }
            let titles = (mine.map(|note| &note.0), theirs.map(|note| &note.0));
            if titles.0 != titles.1 {
                out.push_str("(the notes after this one are not compared)\n");
                break;
            }
        }
        out
    }
}

/// One of the two runs: the program, a server `{s1}` whose answer a scenario sets, a log sink `{log}`.
#[derive(Debug)]
pub struct Side {
    /// The program that runs.
    pub program: Program,
    /// The server behind it.
    pub server: Server,
    /// Where it logs.
    pub log: Syslog,
    /// What was seen so far.
    pub record: Record,
    answer: Arc<Mutex<Vec<u8>>>,
}

/// How long nothing may come before an exchange counts as over.
const QUIET: Duration = Duration::from_millis(150);

/// How long the first byte and the first log line are waited for, where a busy machine may be late.
const FIRST: Duration = Duration::from_secs(1);

/// How long an exchange may take that ends by itself.
const PATIENCE: Duration = Duration::from_secs(5);

impl Side {
    #[track_caller]
    fn start(builder: Builder, config: &str) -> Self {
        let answer = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&answer);
        let server = Server::start(move |conn: &mut Conn, _| -> io::Result<()> {
            while conn.read_request()?.is_some() {
                let answer = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if answer.is_empty() {
                    return Ok(());
                }
                conn.send(&answer)?;
                // Without a length only the end of the connection ends the body.
                let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
                if !text.contains("content-length")
                    && !text.contains("chunked")
                    && !text.contains(" 204 ")
                {
                    return Ok(());
                }
            }
            Ok(())
        });
        let log = Syslog::udp();
        let program = builder
            .config(config)
            .server("s1", &server)
            .log(&log)
            .start();
        Self {
            program,
            server,
            log,
            record: Record::default(),
            answer,
        }
    }

    /// Sets what the server answers from now on; nothing means that it closes.
    pub fn answer(&self, bytes: &[u8]) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
    }

    /// Sends `request` on a new connection to `{fe}`, reads until the end or until it is quiet, and notes what the
    /// client and the server received and what was logged.
    #[track_caller]
    pub fn exchange(&mut self, title: &str, request: &[u8], answer: &[u8]) {
        self.exchange_within(title, request, answer, QUIET);
    }

    /// The same for a request after which the connection is to be closed: waits for that as long as a busy machine may
    /// take.
    #[track_caller]
    pub fn closing_exchange(&mut self, title: &str, request: &[u8], answer: &[u8]) {
        self.exchange_within(title, request, answer, PATIENCE);
    }

    #[track_caller]
    fn exchange_within(&mut self, title: &str, request: &[u8], answer: &[u8], quiet: Duration) {
        self.answer(answer);
        self.log.clear();
        let before: Vec<usize> = self.server.all_received().iter().map(Vec::len).collect();
        let mut client: Client = self.program.connect("fe");
        // The program may close before it has read everything, which the record shows.
        let _ = client.conn().send(request);
        let end = self.quiet(&mut client, quiet);
        self.record.note(
            &format!("{title}: client"),
            show(&mask_http(&client.received())),
        );
        self.record
            .note(&format!("{title}: end"), format!("{end:?}"));
        drop(client);
        self.log.find(quiet.max(FIRST), |_| true);
        self.settle_log();
        for (number, bytes) in self.server.all_received().iter().enumerate() {
            let new = bytes
                .get(before.get(number).copied().unwrap_or(0)..)
                .unwrap_or_default();
            if !new.is_empty() {
                self.record
                    .note(&format!("{title}: server"), show(&mask_http(new)));
            }
        }
        let lines: Vec<String> = self
            .log
            .lines()
            .iter()
            .map(|line| mask_log(&mask_error_bytes(line)))
            .collect();
        self.record.note(&format!("{title}: log"), lines.join("\n"));
    }

    /// Waits until no further line comes.
    fn settle_log(&self) {
        let mut seen = 0;
        while self.log.lines().len() > seen {
            seen = self.log.lines().len();
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn quiet(&self, client: &mut Client, quiet: Duration) -> End {
        let mut seen = 0;
        let first = Instant::now() + FIRST;
        loop {
            let end = client.conn().ending(quiet);
            let now = client.received().len();
            let late = now == 0 && Instant::now() < first;
            if end != End::Open || now == seen && !late {
                return end;
            }
            seen = now;
        }
    }
}

/// Versions of HAProxy differ in whether the bytes of their own answers count: hides them where a stream did not end
/// in the normal way.
fn mask_error_bytes(line: &str) -> String {
    match HttpLog::parse(line) {
        Some(log) if !log.base.state.starts_with("--") => line.replacen(
            &format!(" {} {} ", log.status, log.base.bytes),
            &format!(" {} BYTES ", log.status),
            1,
        ),
        _ => line.to_owned(),
    }
}

/// Runs `scenario` with hapax (`built`: `env!("CARGO_BIN_EXE_hapax")`) and with `haproxy`, and compares what was noted.
/// Without a `haproxy` it says so and does nothing.
///
/// # Panics
/// When the two records differ, with the difference (`-` haproxy, `+` hapax).
#[track_caller]
pub fn side_by_side(built: &str, config: &str, scenario: impl Fn(&mut Side) + Sync) {
    let Some(reference) = Program::haproxy() else {
        eprintln!("skipped: haproxy not installed");
        return;
    };
    let run = |builder: Builder| {
        let mut side = Side::start(builder, config);
        scenario(&mut side);
        side.record
    };
    let (expected, actual) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(reference));
        let mine = run(Program::hapax(built));
        match other.join() {
            Ok(record) => (record, mine),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let difference = expected.difference(&actual);
    assert!(
        difference.is_empty(),
        "haproxy (-) and hapax (+) differ:\n{difference}"
    );
}
