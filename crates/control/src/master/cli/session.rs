//! One connection to the master.

use super::commands::{self, Outcome};
use super::route::{self, Prefix, Target};
use super::{Request, Shared};
use crate::command::Level;
use crate::master::channel::{self, Opening};
use crate::master::processes::{Worker, now_ms};
use crate::reader::{Command, Event, Reader};
use engine::io::Socket;
use std::fmt::Write;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::rc::Rc;

/// The longest line.
const LINE: usize = 16384;

const PROMPT_USAGE: &str = "Usage: prompt [help | i | p | timed]*
Sets how this session goes on after a command:
  help    show this text
  i       any number of commands, without a prompt
  p       with a prompt
  timed   toggle the uptime in the prompt
Without an argument: from i to p, from p to i.
";

/// A connection's state.
#[derive(Debug)]
pub struct Session {
    /// What all connections see.
    pub shared: Rc<Shared>,
    /// Who is there.
    pub level: Level,
    target: Target,
    expert: bool,
    experimental: bool,
    prompt: bool,
    timed: bool,
}

/// Whether the connection goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    On,
    Close,
    Reload(bool),
}

impl Session {
    /// A connection at its start.
    pub fn new(shared: Rc<Shared>, level: Level) -> Self {
        Self {
            shared,
            level,
            target: Target::Master,
            expert: false,
            experimental: false,
            prompt: false,
            timed: false,
        }
    }

    /// Serves a connection to its end.
    pub async fn run(mut self, socket: Socket) {
        // A peer that is gone can't be told anything.
        if let Ok(Next::Reload(hard)) = self.serve(&socket).await {
            let reply = socket.into_fd();
            // The master is there as long as its connections are.
            let _ = self.shared.requests.send(Request { hard, reply });
        }
    }

    async fn serve(&mut self, socket: &Socket) -> io::Result<Next> {
        let mut reader = Reader::new(LINE);
        let mut room = vec![0; 4096];
        loop {
            match reader.next_event() {
                Ok(Some(Event::PayloadBegins)) => {}
                Ok(Some(Event::Line(commands))) => {
                    match self.line(socket, &mut reader, &commands).await? {
                        Next::On => {}
                        other => return Ok(other),
                    }
                }
                Err(_) => {
                    write(socket, b"The command line or its payload is too big.\n").await?;
                    return Ok(Next::Close);
                }
                Ok(None) => {
                    let n = read(socket, &mut room).await?;
                    if n == 0 {
                        return Ok(Next::Close);
                    }
                    reader.feed(room.get(..n).unwrap_or_default());
                }
            }
        }
    }

    async fn line(
        &mut self,
        socket: &Socket,
        reader: &mut Reader,
        commands: &[Command],
    ) -> io::Result<Next> {
        for (at, command) in commands.iter().enumerate() {
            let words = command.words.as_slice();
            let next = match route::prefix(words) {
                Prefix::Unknown(prefix) => return no_target(socket, prefix).await,
                Prefix::Whole(target) => {
                    let mut chain = commands.get(at..).unwrap_or_default().to_vec();
                    if let Some(first) = chain.first_mut() {
                        first.words.remove(0);
                    }
                    let name = words.first().map_or("", String::as_str);
                    let next = self.hand_over(socket, reader, target, name, &chain).await?;
                    self.write_prompt(socket).await?;
                    return Ok(next);
                }
                Prefix::One(target) if words.len() == 1 => {
                    self.target = target;
                    Next::On
                }
                Prefix::One(target) => {
                    let command = Command {
                        words: words.get(1..).unwrap_or_default().to_vec(),
                        payload: command.payload.clone(),
                    };
                    let name = words.first().map_or("", String::as_str);
                    self.command(socket, target, name, &command).await?
                }
                Prefix::None => self.command(socket, self.target, "", command).await?,
            };
            if next != Next::On {
                return Ok(next);
            }
            self.write_prompt(socket).await?;
        }
        Ok(Next::On)
    }

    /// Runs a command, which may be one for the session itself.
    async fn command(
        &mut self,
        socket: &Socket,
        target: Target,
        name: &str,
        command: &Command,
    ) -> io::Result<Next> {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        match (name, words.as_slice()) {
            (_, ["quit", ..]) => return Ok(Next::Close),
            ("", ["prompt", args @ ..]) => return self.set_prompt(socket, args).await,
            // A worker tells how things are with the session that it is given.
            (_, ["expert-mode" | "experimental-mode"]) if target != Target::Master => {}
            (_, ["expert-mode", args @ ..]) => return self.set_mode(socket, args, true).await,
            (_, ["experimental-mode", args @ ..]) => {
                return self.set_mode(socket, args, false).await;
            }
            ("", ["operator"]) => {
                self.level = self.level.min(Level::Operator);
                return write(socket, b"\n").await.map(|()| Next::On);
            }
            ("", ["user"]) => {
                self.level = Level::User;
                return write(socket, b"\n").await.map(|()| Next::On);
            }
            (_, ["mcli-debug-mode", ..]) => {
                let text = "'mcli-debug-mode' is not available: the master of hapax has no commands of workers.\n\n";
                return write(socket, text.as_bytes()).await.map(|()| Next::On);
            }
            _ => {}
        }
        if target == Target::Master {
            return match commands::run(self, &command.words) {
                Outcome::Reload(hard) => Ok(Next::Reload(hard)),
                Outcome::Text(text) => {
                    write(socket, format!("{text}\n").as_bytes()).await?;
                    Ok(Next::On)
                }
            };
        }
        let opening = self.opening(false);
        let Some(worker) = self.open(socket, target, name, opening).await? else {
            return Ok(Next::Close);
        };
        write(
            &worker,
            route::text(std::slice::from_ref(command)).as_bytes(),
        )
        .await?;
        relay(socket, &worker, false).await?;
        Ok(Next::On)
    }

    /// Leaves the connection to a worker until that one closes it.
    async fn hand_over(
        &mut self,
        socket: &Socket,
        reader: &mut Reader,
        target: Target,
        name: &str,
        chain: &[Command],
    ) -> io::Result<Next> {
        if target == Target::Master {
            return no_target(socket, name).await;
        }
        let session = chain.iter().all(|command| command.words.is_empty());
        let opening = self.opening(session);
        let Some(worker) = self.open(socket, target, name, opening).await? else {
            return Ok(Next::Close);
        };
        if !session {
            write(&worker, route::text(chain).as_bytes()).await?;
        }
        write(&worker, &reader.take_rest()).await?;
        relay(socket, &worker, true).await?;
        Ok(Next::On)
    }

    fn opening(&self, session: bool) -> Opening {
        Opening {
            level: self.level,
            expert: self.expert,
            experimental: self.experimental,
            interactive: session,
            prompt: session && self.prompt,
            timed: session && self.timed,
        }
    }

    /// A connection to a worker; when there is none that was said, and it is over.
    async fn open(
        &self,
        socket: &Socket,
        target: Target,
        name: &str,
        opening: Opening,
    ) -> io::Result<Option<Socket>> {
        let channel = self.with_worker(target, |worker| worker.channel.clone());
        let Some(channel) = channel else {
            let written = match target {
                Target::Pid(pid) if name.is_empty() => format!("@!{pid}"),
                _ if name.is_empty() => "@1".to_owned(),
                _ => name.to_owned(),
            };
            no_target(socket, &written).await?;
            return Ok(None);
        };
        match channel::open(&channel, opening).and_then(Socket::new) {
            Ok(worker) => Ok(Some(worker)),
            Err(_) => {
                write(socket, b"Can't connect to the target CLI!\n").await?;
                Ok(None)
            }
        }
    }

    fn with_worker<T>(&self, target: Target, get: impl FnOnce(&Worker) -> T) -> Option<T> {
        let processes = self.shared.processes.borrow();
        let worker = match target {
            Target::Master => None,
            Target::Current => processes.current(),
            Target::Pid(pid) => processes.workers.iter().find(|worker| worker.pid == pid),
        };
        worker.map(get)
    }

    async fn set_prompt(&mut self, socket: &Socket, args: &[&str]) -> io::Result<Next> {
        if args.is_empty() {
            self.prompt = !self.prompt;
        }
        for arg in args {
            match *arg {
                "i" => self.prompt = false,
                "p" => self.prompt = true,
                "timed" => (self.prompt, self.timed) = (true, !self.timed),
                _ => {
                    write(socket, PROMPT_USAGE.as_bytes()).await?;
                    break;
                }
            }
        }
        Ok(Next::On)
    }

    async fn set_mode(&mut self, socket: &Socket, args: &[&str], expert: bool) -> io::Result<Next> {
        if self.level < Level::Admin {
            write(socket, b"Permission denied!\n").await?;
            return Ok(Next::On);
        }
        let mode = if expert {
            &mut self.expert
        } else {
            &mut self.experimental
        };
        match args.first() {
            Some(&"on") => *mode = true,
            Some(&"off") => *mode = false,
            _ => {}
        }
        Ok(Next::On)
    }

    async fn write_prompt(&self, socket: &Socket) -> io::Result<()> {
        if !self.prompt {
            return Ok(());
        }
        let (name, started) = match self.target {
            Target::Master => {
                let processes = self.shared.processes.borrow();
                let failed = processes.failed > 0 && processes.reloads > 0;
                let name = if failed {
                    "master[ReloadFailed]"
                } else {
                    "master"
                };
                (name.to_owned(), processes.started)
            }
            target => self
                .with_worker(target, |worker| (worker.pid.to_string(), worker.started))
                .unwrap_or_default(),
        };
        let mut out = String::new();
        if self.timed {
            let seconds = now_ms().saturating_sub(started) / 1000;
            let (days, hours) = (seconds / 86400, seconds / 3600 % 24);
            let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
            let _ = write!(out, "[{days}:{hours:02}:{minutes:02}:{seconds:02}] ");
        }
        out.push_str(&name);
        out.push_str(match (self.experimental, self.expert) {
            (true, true) => "(xe)",
            (true, false) => "(x)",
            (false, true) => "(e)",
            (false, false) => "",
        });
        out.push_str("> ");
        write(socket, out.as_bytes()).await
    }
}

async fn no_target(socket: &Socket, prefix: &str) -> io::Result<Next> {
    let text = format!("Can't find the target PID matching the prefix '{prefix}'\n");
    write(socket, text.as_bytes()).await?;
    Ok(Next::Close)
}

async fn read(socket: &Socket, room: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| socket.poll_read(cx, room)).await
}

async fn write(socket: &Socket, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let slices = [IoSlice::new(bytes)];
        let n = poll_fn(|cx| socket.poll_write(cx, &slices)).await?;
        bytes = bytes.get(n..).unwrap_or_default();
    }
    Ok(())
}

/// Passes a worker's answer on until its end, and what the client says too if `both`; otherwise that waits for its turn.
async fn relay(client: &Socket, worker: &Socket, both: bool) -> io::Result<()> {
    let mut answer = vec![0; 16384];
    let mut more = vec![0; 4096];
    let mut talks = both;
    loop {
        tokio::select! {
            n = read(worker, &mut answer) => match n? {
                0 => return Ok(()),
                n => write(client, answer.get(..n).unwrap_or_default()).await?,
            },
            n = read(client, &mut more), if talks => match n? {
                0 => {
                    talks = false;
                    worker.shutdown_write();
                }
                n => write(worker, more.get(..n).unwrap_or_default()).await?,
            },
        }
    }
}
