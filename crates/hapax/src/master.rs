//! Becoming a master.

use crate::args::Options;
use crate::discovery::{self, Discovery};
use crate::environment;
use crate::features::Program;
use crate::report::{Reporter, reason};
use crate::version;
use config::{Diagnostics, Env, Source};
use control::master::state::State;
use control::master::{MASTER_VARIABLE, Master, Report, Settings, StartupLog};
use model::Bind;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

impl Report for Reporter {
    fn notice(&mut self, text: String) {
        Reporter::notice(self, text);
    }
    fn warning(&mut self, text: String) {
        Reporter::warning(self, text);
    }
    fn alert(&mut self, text: String) {
        Reporter::alert(self, text);
    }
}

/// Runs a master to its end.
pub fn run(options: &Options, discovery: Discovery, reporter: &mut Reporter) -> ExitCode {
    let state = std::env::var(MASTER_VARIABLE).ok();
    let state = state.and_then(|text| State::decode(&text));
    let daemon = (options.daemon || discovery.daemon) && !options.foreground;
    if daemon && state.is_none() {
        return launch(reporter);
    }
    let state = state.unwrap_or_default();
    let (started, systemd) = (state.started.is_none(), options.systemd);
    if daemon && started {
        // It fails only for a process that leads its group already.
        let _ = rustix::process::setsid();
    }
    let silent = options.quiet || discovery.quiet;
    reporter.set_quiet(silent && !options.verbose && !options.debug);
    match prepare(options, discovery, &state, reporter) {
        Ok((settings, log)) => {
            reporter.keep(log.clone());
            let ended = Master::new(settings, state, log, reporter).map(Master::run);
            match ended {
                Ok(Ok(code)) => ExitCode::from(code),
                Ok(Err(error)) => failed(reporter, systemd, &reason(&error)),
                Err(message) => {
                    reporter.alert(message);
                    ExitCode::FAILURE
                }
            }
        }
        Err(message) => {
            reporter.alert(message);
            ExitCode::FAILURE
        }
    }
}

fn failed(reporter: &mut Reporter, _: bool, reason: &str) -> ExitCode {
    reporter.alert(format!("[hapax.main()] Cannot run : {reason}."));
    ExitCode::FAILURE
}

fn prepare(
    options: &Options,
    discovery: Discovery,
    state: &State,
    _: &mut Reporter,
) -> Result<(Settings, StartupLog), String> {
    let log = match state.log.map(sys::adopt) {
        Some(Ok(fd)) => Ok(fd.into()),
        _ => StartupLog::create(),
    };
    let log = log.map_err(|error| format!("Cannot keep messages : {}.", reason(&error)))?;
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (name, arguments) = arguments.split_first().ok_or("The program has no name.")?;
    let first = if state.version.is_empty() {
        version::HAPROXY
    } else {
        &state.version
    };
    let settings = Settings {
        program: program(name),
        arguments: arguments.to_vec(),
        later: for_later(arguments),
        environment: variables(options, first),
        binds: binds(options)?,
        systemd: options.systemd,
        pidfile: options.pidfile.clone().or(discovery.pidfile),
        exit_on_failure: discovery.exit_on_failure,
        max_reloads: discovery.max_reloads,
        version: version::HAPROXY,
        hands_over: options.handover.as_deref() != Some(Path::new("/dev/null")),
    };
    Ok((settings, log))
}

/// The program to run for a worker, and for the master itself at a reload: the file of this name, which may have been
/// replaced by then.
fn program(name: &OsStr) -> PathBuf {
    let own = || std::env::current_exe().unwrap_or_else(|_| name.into());
    if !name.as_bytes().contains(&b'/') {
        return name.into();
    }
    match std::path::absolute(name) {
        Ok(path) if path.is_file() => path,
        _ => own(),
    }
}

/// The arguments without what concerns only the processes before the first start.
fn for_later(arguments: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = arguments.iter().peekable();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--" => {
                kept.push(word.clone());
                kept.extend(words.by_ref().cloned());
            }
            [b'-', b's', b'f' | b't', ..] => {
                while words
                    .next_if(|next| !next.as_bytes().starts_with(b"-"))
                    .is_some()
                {}
            }
            [b'-', b'x', ..] if words.peek().is_some_and(|next| *next != "/dev/null") => {
                words.next();
            }
            [
                b'-',
                b'f' | b'C' | b'p' | b'L' | b'n' | b'N' | b'm' | b'S' | b'x',
                ..,
            ] => {
                kept.push(word.clone());
                kept.extend(words.next().cloned());
            }
            _ => kept.push(word.clone()),
        }
    }
    kept
}

/// What workers find in their environment (configuration manual, section 2.3).
fn variables(options: &Options, first_version: &str) -> Vec<(String, String)> {
    let files = discovery::files(options);
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let peer = options
        .local_peer
        .clone()
        .unwrap_or_else(environment::hostname);
    [
        ("HAPROXY_STARTUP_VERSION", first_version),
        ("HAPROXY_BRANCH", version::BRANCH),
        ("HAPROXY_CFGFILES", &names.join(";")),
        ("HAPROXY_LOCALPEER", &peer),
        ("HAPROXY_MWORKER", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The listeners of `-S`, each an address and options with commas between them.
fn binds(options: &Options) -> Result<Vec<Bind>, String> {
    let read = |socket: &String| {
        let line = socket.split_once(',').map_or_else(
            || format!("{socket} level admin"),
            |(address, rest)| format!("{address} level admin {}", rest.replace(',', " ")),
        );
        let text = format!("global\n stats socket {line}\n").into_bytes();
        let name = "master-socket".to_owned();
        let input = model::parse::Input {
            sources: vec![Source::Text { name, text }],
            facts: &Program::new(options),
            strict: false,
            env: Env::new(),
        };
        let mut messages = Diagnostics::new();
        let loaded = model::parse::load(input, &mut messages);
        let bind =
            loaded.and_then(|loaded| loaded.snapshot.global.stats_sockets.into_iter().next());
        bind.ok_or_else(|| {
            let first = messages
                .iter()
                .find(|message| message.severity >= config::Severity::Alert);
            let why = first.map_or("no address", |message| &message.message);
            format!("Can't create the master's CLI '-S {socket}' : {why}")
        })
    };
    options.master_sockets.iter().map(read).collect()
}

/// Starts the master in the background, and waits until it serves or has failed.
fn launch(reporter: &mut Reporter) -> ExitCode {
    match launch_and_wait() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some((pid, code, word))) => {
            reporter.alert(format!("Process {pid} exited with code {code} ({word})"));
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => failed(reporter, false, &reason(&error)),
    }
}

fn launch_and_wait() -> io::Result<Option<(u32, i32, &'static str)>> {
    let (reader, writer) = io::pipe()?;
    sys::set_inherited(writer.as_raw_fd(), true)?;
    let state = State {
        launcher: Some(writer.as_raw_fd()),
        ..State::default()
    };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let mut child = Command::new(program(&name))
        .args(arguments)
        .env(MASTER_VARIABLE, state.encode())
        .spawn()?;
    drop(writer);
    let mut byte = [0];
    if io::Read::read(&mut &reader, &mut byte)? > 0 {
        return Ok(None);
    }
    let status = child.wait()?;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    let word = if status.code().is_some() {
        "Exit"
    } else {
        "Signal"
    };
    Ok(Some((child.id(), code.unwrap_or(1), word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        for_later(&words)
            .join(OsStr::new(" "))
            .into_string()
            .unwrap_or_default()
    }

    #[test]
    fn what_was_before_the_first_start_is_forgotten() {
        for (line, expected) in [
            ("-W -sf 1 2 -f a", "-W -f a"),
            ("-W -f a -st", "-W -f a"),
            (
                "-x /s -Ws -S /m,level,user -f -sf",
                "-Ws -S /m,level,user -f -sf",
            ),
            ("-x /dev/null -W -f a", "-x /dev/null -W -f a"),
            ("-W -- -sf 1", "-W -- -sf 1"),
        ] {
            assert_eq!(later(line), expected);
        }
    }

    #[test]
    fn sockets_of_the_command_line() {
        let of = |socket: &str| {
            binds(&Options {
                master_sockets: vec![socket.to_owned()],
                ..Options::default()
            })
        };
        let bind = of("/tmp/x,level,user,mode,600").map(|mut binds| binds.remove(0));
        assert_eq!(
            bind.map(|bind| (bind.level, bind.unix_mode)),
            Ok((0, Some(0o600)))
        );
        assert_eq!(of("127.0.0.1:9").map(|binds| binds[0].level), Ok(2));
        assert!(of("nonsense").is_err_and(|why| why.contains("'-S nonsense'")));
        assert!(of("/tmp/x,bogus").is_err_and(|why| why.contains("'bogus'")));
    }
}
