//! The master's life.

use super::channel;
use super::cli::{self, Request, Shared};
use super::in_place;
use super::processes::{Processes, Role, Worker, now_ms};
use super::startup_log::StartupLog;
use super::state::{self, State};
use super::text::code_and_word;
use super::{
    MASTER_VARIABLE, Report, WORKER_VARIABLE, adopt, give_to_children, keep_from_children, systemd,
};
use model::Bind;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::LocalOptions;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What a master runs, and how.
#[derive(Debug)]
pub struct Settings {
    /// The program.
    pub program: PathBuf,
    /// The arguments of the first worker.
    pub arguments: Vec<OsString>,
    /// The arguments of later ones and of the master itself at a reload.
    pub later: Vec<OsString>,
    /// Variables that workers get besides the master's.
    pub environment: Vec<(String, String)>,
    /// The listeners of the master's own runtime API.
    pub binds: Vec<Bind>,
    /// Whether systemd is told (`-Ws`).
    pub systemd: bool,
    /// Where the master's process number is written.
    pub pidfile: Option<PathBuf>,
    /// Whether everything ends when a worker dies.
    pub exit_on_failure: bool,
    /// How many reloads a worker may survive.
    pub max_reloads: u32,
    /// The version.
    pub version: &'static str,
    /// Whether a new worker takes the listening sockets of the one before it (not with `-x /dev/null`).
    pub hands_over: bool,
}

/// The outcome of a change in place: the worker's number, and what it told when it has changed.
type Changed = (i32, Option<String>);

/// A master.
pub struct Master<'a> {
    settings: Settings,
    report: &'a mut dyn Report,
    shared: Rc<Shared>,
    requests: mpsc::UnboundedReceiver<Request>,
    listeners: Vec<Arc<OwnedFd>>,
    /// The channel of the worker that does not serve yet.
    starting: Option<(i32, Arc<OwnedFd>)>,
    /// Whether former workers end at once when it does.
    hard: bool,
    reply: Option<OwnedFd>,
    launcher: Option<OwnedFd>,
    /// Whether the worker is asked to change its configuration in place.
    changing: bool,
    changed: (
        mpsc::UnboundedSender<Changed>,
        mpsc::UnboundedReceiver<Changed>,
    ),
    /// A reload that waits for the end of the one under way.
    next: Option<(bool, Option<OwnedFd>)>,
    stopping: bool,
    /// Whether a worker has ever served.
    served: bool,
    code: i32,
}

impl<'a> Master<'a> {
    /// A master, new or run anew with `state`.
    ///
    /// # Errors
    /// With a message when a listener can't be had.
    pub fn new(
        settings: Settings,
        state: State,
        log: StartupLog,
        report: &'a mut dyn Report,
    ) -> Result<Self, String> {
        let again = state.started.is_some();
        let listeners = match again && state.listeners.len() == settings.binds.len() {
            true => state
                .listeners
                .iter()
                .filter_map(|fd| adopt(*fd))
                .map(Arc::new)
                .collect(),
            false => bind_all(&settings.binds)?,
        };
        let (sender, requests) = mpsc::unbounded_channel();
        let processes = Processes {
            master: std::process::id(),
            started: state.started.unwrap_or_else(now_ms),
            reloads: state.reloads,
            failed: state.failed,
            version: settings.version,
            workers: state
                .workers
                .into_iter()
                .filter_map(state::recall)
                .collect(),
        };
        let shared = Shared {
            processes: RefCell::new(processes),
            log,
            environment: shown_environment(&settings),
            requests: sender,
        };
        Ok(Self {
            settings,
            report,
            shared: Rc::new(shared),
            requests,
            listeners,
            starting: None,
            hard: state.hard,
            reply: state.reply.and_then(adopt),
            launcher: state.launcher.and_then(adopt),
            changing: false,
            changed: mpsc::unbounded_channel(),
            next: None,
            stopping: false,
            served: again,
            code: 0,
        })
    }

    /// Runs to the end; yields the exit code.
    ///
    /// # Errors
    /// When there is no event loop to be had.
    pub fn run(mut self) -> io::Result<u8> {
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?;
        event_loop.block_on(self.serve())
    }

    async fn serve(&mut self) -> io::Result<u8> {
        let mut child = signal(SignalKind::child())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut soft = signal(SignalKind::user_defined1())?;
        let mut reload = signal(SignalKind::user_defined2())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        sys::release_signals();
        for (bind, fd) in self.settings.binds.iter().zip(&self.listeners) {
            let accepting = cli::accept(self.shared.clone(), Arc::new(bind.clone()), fd.clone());
            tokio::task::spawn_local(accepting);
        }
        self.start_worker();
        loop {
            if let Some(code) = self.reap() {
                return Ok(u8::try_from(code).unwrap_or(u8::MAX));
            }
            if self.starting.is_none()
                && !self.changing
                && let Some((hard, reply)) = self.next.take()
            {
                self.reload(hard, reply);
            }
            let starting = self.starting.as_ref().map(|(_, channel)| channel.clone());
            tokio::select! {
                _ = child.recv() => {}
                _ = terminate.recv() => self.stop(Signal::TERM),
                _ = interrupt.recv() => self.stop(Signal::INT),
                _ = soft.recv() => self.stop(Signal::USR1),
                _ = reload.recv() => self.reload_somehow(),
                _ = hang_up.recv() => self.reload_somehow(),
                Some((pid, told)) = self.changed.1.recv() => self.after_change(pid, told),
                Some(request) = self.requests.recv() => self.reload(request.hard, Some(request.reply)),
                ready = said_ready(starting) => if ready { self.ready() },
            }
        }
    }

    fn start_worker(&mut self) {
        match self.spawn_worker() {
            Ok(pid) => self
                .report
                .notice(format!("Initializing new worker ({pid})")),
            Err(error) => {
                self.report
                    .alert(format!("Cannot start a worker : {error}."));
                self.failed(1);
            }
        }
    }

    fn spawn_worker(&mut self) -> io::Result<i32> {
        let (ours, theirs) = channel::pair()?;
        let previous = self.open_previous();
        let mut command = Command::new(&self.settings.program);
        let first = self.shared.processes.borrow().reloads == 0;
        command.args(match first {
            true => &self.settings.arguments,
            false => &self.settings.later,
        });
        let given = |fd: Option<&OwnedFd>| fd.map_or(0, AsRawFd::as_raw_fd);
        let value = format!(
            "{} {} {}",
            theirs.as_raw_fd(),
            std::os::fd::AsFd::as_fd(&self.shared.log).as_raw_fd(),
            given(previous.as_ref())
        );
        command.envs(
            self.settings
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command
            .env(WORKER_VARIABLE, value)
            .env_remove(MASTER_VARIABLE);
        give_to_children(&theirs)?;
        give_to_children(&self.shared.log)?;
        if let Some(previous) = &previous {
            give_to_children(previous)?;
        }
        let child = command.spawn();
        keep_from_children(&self.shared.log)?;
        let pid = i32::try_from(child?.id()).map_err(io::Error::other)?;
        let channel = Arc::new(ours);
        self.shared.processes.borrow_mut().workers.push(Worker {
            pid,
            role: Role::Starting,
            reloads: 0,
            started: now_ms(),
            version: self.settings.version.to_owned(),
            channel: channel.clone(),
            excess: false,
        });
        self.starting = Some((pid, channel));
        Ok(pid)
    }

    /// A connection to the worker that listens now, over which the next one gets the listening sockets.
    fn open_previous(&self) -> Option<OwnedFd> {
        let processes = self.shared.processes.borrow();
        let previous = processes.youngest().filter(|_| self.settings.hands_over)?;
        let opening = channel::Opening {
            level: crate::command::Level::Admin,
            expert: false,
            experimental: false,
            interactive: false,
            prompt: false,
            timed: false,
        };
        let fd = channel::open(&previous.channel, opening).ok()?;
        rustix::io::ioctl_fionbio(&fd, false).ok()?;
        Some(fd)
    }

    /// The new worker serves.
    fn ready(&mut self) {
        let Some((pid, _)) = self.starting.take() else {
            return;
        };
        let mut farewells = Vec::new();
        {
            let mut processes = self.shared.processes.borrow_mut();
            processes.failed = 0;
            let most = self.settings.max_reloads;
            for worker in &mut processes.workers {
                if worker.pid == pid {
                    worker.role = Role::Current;
                    continue;
                }
                worker.excess = worker.reloads > most;
                let at_once = self.hard || worker.excess;
                farewells.push((
                    worker.pid,
                    if at_once { Signal::TERM } else { Signal::USR1 },
                ));
            }
        }
        self.hard = false;
        self.served = true;
        self.report.notice("Loading success.".to_owned());
        for (pid, signal) in farewells {
            tell(pid, signal);
        }
        self.write_pidfile();
        if self.settings.systemd {
            systemd::ready(std::process::id());
        }
        self.answer(true);
        if let Some(launcher) = self.launcher.take() {
            // The launcher waits for this, or for our end.
            let _ = rustix::io::write(&launcher, b"1");
            leave_terminal();
        }
    }

    /// The new worker did not come to serve.
    fn failed(&mut self, code: i32) {
        self.starting = None;
        self.hard = false;
        if self.shared.processes.borrow().reloads == 0 {
            self.code = code.max(1);
            return;
        }
        if self.settings.systemd {
            systemd::reload_failed();
        }
        self.answer(false);
    }

    fn answer(&mut self, success: bool) {
        if let Some(reply) = self.reply.take() {
            tell_outcome(reply, success, &self.shared.log.read());
        }
    }

    fn write_pidfile(&mut self) {
        if self.shared.processes.borrow().reloads > 0 {
            return;
        }
        if let Some(path) = &self.settings.pidfile {
            let written =
                File::create(path).and_then(|mut file| writeln!(file, "{}", std::process::id()));
            if let Err(error) = written {
                let path = path.display();
                self.report
                    .alert(format!("Cannot create pidfile {path} : {error}"));
            }
        }
    }

    /// Passes a signal on that ends everything.
    fn stop(&mut self, signal: Signal) {
        if self.settings.systemd {
            systemd::stopping();
        }
        self.report.warning("Exiting Master process...".to_owned());
        self.stopping = true;
        self.next = None;
        self.tell_all(signal);
    }

    fn tell_all(&self, signal: Signal) {
        for worker in &self.shared.processes.borrow().workers {
            tell(worker.pid, signal);
        }
    }

    /// Looks which workers have ended; yields the exit code when it was the last one.
    fn reap(&mut self) -> Option<i32> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get();
            let found = {
                let mut processes = self.shared.processes.borrow_mut();
                let at = processes
                    .workers
                    .iter()
                    .position(|worker| worker.pid == pid);
                at.map(|at| processes.workers.remove(at))
            };
            if let Some(worker) = found {
                let (code, word) = code_and_word(status);
                self.ended(&worker, code, word);
            }
        }
        if !self.shared.processes.borrow().workers.is_empty() {
            return None;
        }
        if self.served {
            let code = self.code;
            self.report
                .warning(format!("All workers exited. Exiting... ({code})"));
        }
        Some(self.code)
    }

    fn ended(&mut self, worker: &Worker, code: i32, word: &str) {
        let pid = worker.pid;
        match worker.role {
            Role::Starting => {
                self.report.warning(format!(
                    "Failed to load worker ({pid}) exited with code {code} ({word})"
                ));
                self.failed(code);
            }
            Role::Former => {
                let mut text = format!("Former worker ({pid}) exited with code {code} ({word})");
                if worker.excess {
                    let most = self.settings.max_reloads;
                    text.push_str(&format!(", as it exceeds max reloads ({most})"));
                }
                self.report.warning(text);
            }
            Role::Current => {
                let text = format!("Current worker ({pid}) exited with code {code} ({word})");
                // Ended by SIGTERM is ended well; an interrupt is told to who started the master.
                self.code = if code == 143 { 0 } else { code };
                if code == 0 {
                    return self.report.warning(text);
                }
                self.report.alert(text);
                if !matches!(code, 130 | 143) {
                    self.died();
                }
            }
        }
    }

    fn died(&mut self) {
        self.report.warning(
            "A worker died unexpectedly. This is a fault of hapax or of a library: please report it with what was logged \
             before."
                .to_owned(),
        );
        if self.settings.exit_on_failure {
            self.report
                .alert("exit-on-failure: killing every processes with SIGTERM".to_owned());
            self.tell_all(Signal::TERM);
        }
    }

    /// Lets the worker change its configuration in place, or else starts another one.
    fn reload_somehow(&mut self) {
        let busy = self.stopping || self.changing || self.starting.is_some();
        let current = self
            .shared
            .processes
            .borrow()
            .current()
            .map(|worker| (worker.pid, worker.channel.clone()));
        let Some((pid, channel)) = current.filter(|_| !busy && in_place::program_is_same()) else {
            return self.reload(false, None);
        };
        self.announce(false);
        self.changing = true;
        let changed = self.changed.0.clone();
        tokio::task::spawn_local(async move {
            let told = in_place::ask(&channel).await;
            // The master takes it as long as it is there.
            let _ = changed.send((pid, told));
        });
    }

    /// The worker has changed its configuration, or could not.
    fn after_change(&mut self, pid: i32, told: Option<String>) {
        self.changing = false;
        if self.stopping {
            return;
        }
        let Some(told) = told else {
            return self.start_anew(false, None);
        };
        {
            let mut processes = self.shared.processes.borrow_mut();
            processes.reloads += 1;
            processes.failed = 0;
        }
        self.shared.log.append(format!("{told}\n").as_bytes());
        self.report
            .notice(format!("Worker ({pid}) goes on with the new configuration"));
        self.report.notice("Loading success.".to_owned());
        if self.settings.systemd {
            systemd::ready(std::process::id());
        }
    }

    fn announce(&mut self, hard: bool) {
        self.report.notice(match hard {
            true => "Reloading HAProxy (hard-reload)".to_owned(),
            false => "Reloading HAProxy".to_owned(),
        });
        if self.settings.systemd {
            systemd::reloading(now_ms());
        }
        self.shared.log.clear();
    }

    /// Runs this process anew, which starts a worker with the configuration as it is now.
    fn reload(&mut self, hard: bool, reply: Option<OwnedFd>) {
        if self.stopping {
            return;
        }
        if self.starting.is_some() || self.changing {
            if let Some((_, Some(reply))) = self.next.replace((hard, reply)) {
                tell_outcome(
                    reply,
                    false,
                    "Another reload was asked for in the meantime.\n",
                );
            }
            return;
        }
        self.announce(hard);
        self.start_anew(hard, reply);
    }

    fn start_anew(&mut self, hard: bool, reply: Option<OwnedFd>) {
        self.reply = reply;
        let state = self.state(hard);
        let error = self.run_anew(&state);
        let pid = std::process::id();
        self.report.alert(format!(
            "Failed to reexecute the master process [{pid}]: {error}"
        ));
        self.failed(1);
    }

    /// What the next self has to know; the workers are former ones from now on.
    fn state(&self, hard: bool) -> State {
        let mut processes = self.shared.processes.borrow_mut();
        processes.reloads += 1;
        // Until the new worker serves.
        processes.failed += 1;
        for worker in &mut processes.workers {
            worker.reloads += 1;
            worker.role = Role::Former;
        }
        let mut state = State {
            version: self.settings.version.to_owned(),
            hard,
            listeners: self.listeners.iter().map(AsRawFd::as_raw_fd).collect(),
            log: Some(std::os::fd::AsFd::as_fd(&self.shared.log).as_raw_fd()),
            reply: self.reply.as_ref().map(AsRawFd::as_raw_fd),
            ..State::default()
        };
        state.remember(&processes);
        state
    }

    fn run_anew(&self, state: &State) -> io::Error {
        let descriptors: Vec<RawFd> = state.descriptors().collect();
        let inherit = |given: bool| -> io::Result<()> {
            for fd in &descriptors {
                // Each is owned by this master, which is here until it is replaced.
                sys::set_inherited(*fd, given)?;
            }
            Ok(())
        };
        if let Err(error) = inherit(true) {
            return error;
        }
        sys::hold_signals();
        let error = Command::new(&self.settings.program)
            .args(&self.settings.later)
            .env(MASTER_VARIABLE, state.encode())
            .exec();
        sys::release_signals();
        let _ = inherit(false);
        error
    }
}

fn bind_all(binds: &[Bind]) -> Result<Vec<Arc<OwnedFd>>, String> {
    let open = |bind: &Bind| {
        engine::listener::open_single(bind)
            .map(Arc::new)
            .map_err(|(step, error)| {
                format!("Cannot listen on '-S {}' : {step} ({error}).", bind.written)
            })
    };
    binds.iter().map(open).collect()
}

fn shown_environment(settings: &Settings) -> Vec<(String, String)> {
    let shown = |name: &OsString| name != MASTER_VARIABLE && name != WORKER_VARIABLE;
    let own = std::env::vars_os()
        .filter(|(name, _)| shown(name))
        .map(|(name, value)| {
            let text = |part: OsString| part.to_string_lossy().into_owned();
            (text(name), text(value))
        });
    let known = |name: &String| settings.environment.iter().any(|(other, _)| other == name);
    let mut all: Vec<_> = own.filter(|(name, _)| !known(name)).collect();
    all.extend(settings.environment.iter().cloned());
    if !settings.binds.is_empty() {
        let place = |bind: &Bind| crate::commands::place(bind);
        let names: Vec<String> = settings.binds.iter().map(place).collect();
        all.push(("HAPROXY_MASTER_CLI".to_owned(), names.join(";")));
    }
    all
}

/// Waits until the worker at the other end says that it serves; `false` when it is gone.
async fn said_ready(channel: Option<Arc<OwnedFd>>) -> bool {
    let Some(channel) = channel else {
        return std::future::pending().await;
    };
    let Ok(channel) = sys::watch_shared(channel) else {
        return std::future::pending().await;
    };
    loop {
        let Ok(mut ready) = channel.readable().await else {
            return false;
        };
        match channel::receive(&channel) {
            Ok((message, _)) if message == channel::READY => return true,
            Ok((message, _)) if message.is_empty() => {
                // The end of the process is told by a signal.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return false;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(_) => return std::future::pending().await,
        }
    }
}

fn tell(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // One that is gone has nothing to be told.
        let _ = kill_process(pid, signal);
    }
}

/// Tells who asked for a reload how it went, as far as they still listen.
fn tell_outcome(reply: OwnedFd, success: bool, log: &str) {
    let text = format!("Success={}\n--\n{log}\n", u8::from(success));
    let _ = rustix::io::write(&reply, text.as_bytes());
}

/// The terminal belongs to whoever started the master.
fn leave_terminal() {
    let Ok(null) = File::options().read(true).write(true).open("/dev/null") else {
        return;
    };
    let _ = rustix::stdio::dup2_stdin(&null);
    let _ = rustix::stdio::dup2_stdout(&null);
    let _ = rustix::stdio::dup2_stderr(&null);
}
