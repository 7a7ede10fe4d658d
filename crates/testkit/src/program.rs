//! Starts, watches and stops the program under test.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Client;
use crate::ports::{PortGuard, free_port};
use crate::server::Server;
use crate::syslog::Syslog;

/// What a run that ended left behind.
#[derive(Debug, Clone)]
pub struct Exit {
    /// The exit code; 128 plus the signal's number when a signal ended it; `None` when it had to be killed.
    pub code: Option<i32>,
    /// Everything written to standard output.
    pub stdout: String,
    /// Everything written to standard error.
    pub stderr: String,
}

/// What to start: a configuration text in which `{name}` stands for an address or a path.
///
/// `{tmp}` is the run's own folder. A name that follows `bind` and was not set is given a free port and stands for
/// `127.0.0.1:port`; any other unknown name (lower case, digits, `_`) is a mistake and panics.
#[derive(Debug)]
pub struct Builder {
    program: PathBuf,
    config: String,
    values: BTreeMap<String, String>,
    ports: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Builder {
    fn new(program: PathBuf) -> Self {
        Self {
            program,
            config: String::new(),
            values: BTreeMap::new(),
            ports: Vec::new(),
            files: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Appends to the configuration.
    pub fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self.config.push('\n');
        self
    }

    /// Lets `{name}` stand for a value.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.values.insert(name.to_owned(), value.to_string());
        self
    }

    /// Lets `{name}` stand for a server's address.
    pub fn server(self, name: &str, server: &Server) -> Self {
        self.set(name, server.address())
    }

    /// Lets `{log}` stand for a log sink's address.
    pub fn log(self, sink: &Syslog) -> Self {
        self.set("log", sink.target())
    }

    /// Takes a free port for `{name}` where the configuration does not name it right after `bind`.
    pub fn port(mut self, name: &str) -> Self {
        self.ports.push(name.to_owned());
        self
    }

    /// Writes a file into `{tmp}` before the start; its text may use the placeholders too.
    pub fn file(mut self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files
            .push((name.to_owned(), contents.as_ref().to_vec()));
        self
    }

    /// Adds an argument to the command line; it may use the placeholders too.
    pub fn arg(mut self, argument: &str) -> Self {
        self.args.push(argument.to_owned());
        self
    }

    /// Sets an environment variable of the program.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the program and waits until it listens.
    ///
    /// # Panics
    /// When it ends instead, with what it said.
    #[track_caller]
    pub fn start(self) -> Program {
        match self.try_start() {
            Ok(program) => program,
            Err(exit) => panic!(
                "the program ended with {:?} at its start:\n{}{}",
                exit.code, exit.stdout, exit.stderr
            ),
        }
    }

    /// Starts the program and waits until it listens on every port it was given.
    ///
    /// # Errors
    /// How it ended, when it ended first. A port that somebody else took in the meantime is tried again.
    #[track_caller]
    pub fn try_start(self) -> Result<Program, Exit> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut program = self.spawn(&["-db"]);
            if program.wait_listening() {
                return Ok(program);
            }
            let exit = program.exit(Duration::from_secs(5));
            let taken = exit.stderr.contains("Address already in use")
                || exit.stderr.contains("cannot bind");
            if attempt == 5 || !taken || program.ports.is_empty() {
                return Err(exit);
            }
        }
    }

    /// Starts the program without waiting for it.
    #[track_caller]
    pub fn start_unready(self) -> Program {
        self.spawn(&["-db"])
    }

    /// Lets the program check the configuration (`-c`) and end.
    #[track_caller]
    pub fn check(self) -> Exit {
        self.spawn(&["-c"]).exit(Duration::from_secs(30))
    }

    /// Lets the program run, with the arguments given and the configuration, until it ends by itself.
    #[track_caller]
    pub fn run(self) -> Exit {
        self.spawn(&[]).exit(Duration::from_secs(30))
    }

    /// Runs the program with the arguments given and without a configuration.
    #[track_caller]
    pub fn run_bare(self) -> Exit {
        let folder = folder();
        let child = self.launch(&folder, &BTreeMap::new(), &[], None);
        Program {
            child,
            folder,
            ports: BTreeMap::new(),
            ended: None,
        }
        .exit(Duration::from_secs(30))
    }

    #[track_caller]
    fn spawn(&self, flags: &[&str]) -> Program {
        let folder = folder();
        let mut values = self.values.clone();
        values.insert("tmp".to_owned(), folder.path().display().to_string());
        let mut ports = BTreeMap::new();
        for name in self.ports.iter().cloned().chain(bind_names(&self.config)) {
            if !values.contains_key(&name) {
                let guard = must("taking a port", free_port());
                values.insert(
                    name.clone(),
                    SocketAddr::from((Ipv4Addr::LOCALHOST, guard.port)).to_string(),
                );
                ports.insert(name, guard);
            }
        }
        for (name, contents) in &self.files {
            let path = folder.path().join(name);
            if let Some(parent) = path.parent() {
                must("making a folder", std::fs::create_dir_all(parent));
            }
            let contents = match std::str::from_utf8(contents) {
                Ok(text) => fill(text, &values, false).into_bytes(),
                Err(_) => contents.clone(),
            };
            must("writing a file", std::fs::write(path, contents));
        }
        let config = folder.path().join("haproxy.cfg");
        must(
            "writing the configuration",
            std::fs::write(&config, fill(&self.config, &values, true)),
        );
        let child = self.launch(&folder, &values, flags, Some(&config));
        Program {
            child,
            folder,
            ports,
            ended: None,
        }
    }

    #[track_caller]
    fn launch(
        &self,
        folder: &TempDir,
        values: &BTreeMap<String, String>,
        flags: &[&str],
        config: Option<&Path>,
    ) -> Child {
        let mut command = Command::new(&self.program);
        let args = self.args.iter().map(|arg| fill(arg, values, false));
        command.args(flags).args(args);
        if let Some(config) = config {
            command.arg("-f").arg(config);
        }
        command
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command.stdout(must(
            "making a file",
            File::create(folder.path().join("stdout")),
        ));
        command.stderr(must(
            "making a file",
            File::create(folder.path().join("stderr")),
        ));
        must(&format!("starting {:?}", self.program), command.spawn())
    }
}

#[track_caller]
fn must<T>(what: &str, result: std::io::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[track_caller]
fn folder() -> TempDir {
    must(
        "making a folder",
        tempfile::Builder::new().prefix("hapax-test-").tempdir(),
    )
}

/// The placeholders of a text, with their places.
fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('{').filter_map(|(at, _)| {
        let name = text.get(at + 1..)?.split_once('}')?.0;
        let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        fits.then_some((at, name))
    })
}

fn bind_names(config: &str) -> Vec<String> {
    let after_bind = |at: usize| {
        config
            .get(..at)
            .is_some_and(|before| before.trim_end().ends_with("bind"))
    };
    placeholders(config)
        .filter(|&(at, _)| after_bind(at))
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[track_caller]
fn fill(text: &str, values: &BTreeMap<String, String>, strict: bool) -> String {
    let (mut out, mut done) = (String::new(), 0);
    for (at, name) in placeholders(text) {
        let Some(value) = values.get(name) else {
            assert!(
                !strict,
                "the configuration names {{{name}}}, which was not set"
            );
            continue;
        };
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(value);
        done = at + name.len() + 2;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// A running program. Dropping it ends it: SIGTERM first, SIGKILL after a second.
#[derive(Debug)]
pub struct Program {
    child: Child,
    folder: TempDir,
    ports: BTreeMap<String, PortGuard>,
    ended: Option<ExitStatus>,
}

impl Program {
    /// hapax: pass `env!("CARGO_BIN_EXE_hapax")`. The environment variable `HAPAX_TEST_PROGRAM` names another program
    /// to put to the same tests.
    pub fn hapax(built: &str) -> Builder {
        let program = std::env::var_os("HAPAX_TEST_PROGRAM").unwrap_or_else(|| built.into());
        Builder::new(program.into())
    }

    /// The `haproxy` to compare with: `HAPAX_TEST_HAPROXY`, or the first of that name on the path; `None` where it is
    /// not installed.
    pub fn haproxy() -> Option<Builder> {
        if let Some(named) = std::env::var_os("HAPAX_TEST_HAPROXY") {
            return Some(Builder::new(named.into()));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
        let mut known = folders.map(|folder| folder.join("haproxy"));
        known.find(|file| file.is_file()).map(Builder::new)
    }

    /// The port that stands for `{name}`.
    ///
    /// # Panics
    /// When the configuration has no such name.
    #[track_caller]
    pub fn port(&self, name: &str) -> u16 {
        match self.ports.get(name) {
            Some(guard) => guard.port,
            None => panic!("no port was taken for {{{name}}}"),
        }
    }

    /// The address that stands for `{name}`.
    #[track_caller]
    pub fn address(&self, name: &str) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port(name)))
    }

    /// A client connected to `{name}`.
    #[track_caller]
    pub fn connect(&self, name: &str) -> Client {
        Client::connect(self.address(name))
    }

    /// A path inside `{tmp}`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far.
    pub fn stdout(&self) -> String {
        self.text("stdout")
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        self.text("stderr")
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    /// Sends a signal, unless the program has ended.
    ///
    /// # Panics
    /// When it cannot be sent.
    #[track_caller]
    pub fn signal(&mut self, signal: Signal) {
        if self.running()
            && let Some(pid) = Pid::from_raw(self.child.id().cast_signed())
        {
            must(
                "sending a signal",
                kill_process(pid, signal).map_err(Into::into),
            );
        }
    }

    /// Whether the process is still there.
    pub fn running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_none()
    }

    /// Waits for the end; the code as in [`Exit`], `None` when `time` has passed first.
    pub fn wait(&mut self, time: Duration) -> Option<i32> {
        crate::eventually(time, || !self.running());
        let status = self.ended?;
        status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
    }

    /// Resident memory in bytes (Linux; 0 elsewhere).
    pub fn rss(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    fn exit(&mut self, time: Duration) -> Exit {
        let code = self.wait(time);
        if code.is_none() {
            self.kill();
        }
        Exit {
            code,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }

    fn kill(&mut self) {
        // Both fail only when the process is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until every port is listened on; false when the process ended or never got there.
    fn wait_listening(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(30);
        while self.running() && Instant::now() < end {
            let open = open_ports();
            if self.ports.values().all(|guard| open.contains(&guard.port)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        false
    }
}

/// The ports somebody listens on (TCP) or is bound to (UDP). Asking the kernel leaves no trace in the program's log
/// and counters, as connecting would.
fn open_ports() -> Vec<u16> {
    let listening = |file: &str, state: &str| -> Vec<u16> {
        let table = std::fs::read_to_string(file).unwrap_or_default();
        let rows = table.lines().skip(1).filter_map(|row| {
            let mut columns = row.split_whitespace().skip(1);
            let (local, _, its_state) = (columns.next()?, columns.next()?, columns.next()?);
            let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
            (its_state == state).then_some(port)
        });
        rows.collect()
    };
    let tables = [
        ("/proc/net/tcp", "0A"),
        ("/proc/net/tcp6", "0A"),
        ("/proc/net/udp", "07"),
    ];
    tables
        .iter()
        .flat_map(|(file, state)| listening(file, state))
        .collect()
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.running() {
            self.signal(Signal::TERM);
            if self.wait(Duration::from_secs(1)).is_none() {
                self.kill();
            }
        }
        if std::thread::panicking() {
            eprintln!("--- standard error of the program:\n{}---", self.stderr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_names_and_leaves_other_braces() {
        let values = BTreeMap::from([("fe".to_owned(), "127.0.0.1:1".to_owned())]);
        let text = "bind {fe}\nacl a { path /x } %{+Q}o ^a{3}";
        assert_eq!(
            fill(text, &values, true),
            "bind 127.0.0.1:1\nacl a { path /x } %{+Q}o ^a{3}"
        );
        assert_eq!(
            bind_names("bind {a} accept-proxy\n bind  {b}\n server s {c}"),
            ["a", "b"]
        );
    }

    #[test]
    fn reports_how_a_run_ended() {
        let exit = Builder::new("/bin/sh".into())
            .arg("-c")
            .arg("echo out; echo err >&2; exit 3")
            .run_bare();
        assert_eq!(
            (exit.code, exit.stdout.as_str(), exit.stderr.as_str()),
            (Some(3), "out\n", "err\n")
        );
    }
}
