//! One connection to the runtime API, from its first byte to its end.

use crate::command::{Context, State};
use crate::commands;
use crate::master::Opening;
use crate::reader::{Command, Event, Fault, Reader};
use crate::reply::{Outlook, Pieces, Raw, Reply, Rest};
use engine::handover;
use engine::io::Socket;
use engine::runtime::Runtime;
use model::Bind;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

/// How much of an answer is gathered before it is written. What is held for a reader is this and one piece of a dump.
const FLUSH: usize = 16 * 1024;

/// How often a waiting command looks whether its peer is still there.
const LOOK: Duration = Duration::from_millis(500);

/// How often a condition is looked at, in milliseconds.
const ASK: u64 = 50;

const TOO_LONG: &str = "The command line is too big for the buffer size. Please change 'tune.bufsize' in the configuration to use a bigger command.\n";
const PAYLOAD_TOO_LONG: &str = "The payload is too big.\n";

/// Serves one connection: reads commands, runs them, and writes answers, each only after the one before is written.
pub async fn serve(runtime: Arc<Runtime>, bind: Arc<Bind>, socket: Socket) {
    let global = &runtime.snapshot.global;
    let mut connection = Connection {
        reader: Reader::new(global.buffer_size),
        state: State::new(&bind, global.stats_timeout),
        exposes: bind.expose_fd,
        runtime: runtime.clone(),
        socket,
        out: String::new(),
    };
    // The peer is gone, or was idle for too long: there is nobody to tell.
    let _ = connection.run().await;
}

/// Serves a connection that the master opened for one of its users.
pub async fn serve_master(runtime: Arc<Runtime>, bind: Bind, socket: Socket, opening: Opening) {
    let global = &runtime.snapshot.global;
    let mut state = State::new(&bind, global.stats_timeout);
    state.interactive = opening.interactive;
    state.prompt = opening.prompt;
    state.timed = opening.timed;
    let modes = [
        (opening.expert, "expert-mode"),
        (opening.experimental, "experimental-mode"),
    ];
    for (_, mode) in modes.iter().filter(|(on, _)| *on) {
        let mut context = Context {
            runtime: &runtime,
            state: &mut state,
            payload: None,
        };
        let words = [(*mode).to_owned(), "on".to_owned()];
        commands::run(&mut context, &mut Reply::default(), &words);
    }
    let mut connection = Connection {
        reader: Reader::new(global.buffer_size),
        state,
        exposes: bind.expose_fd,
        runtime: runtime.clone(),
        socket,
        out: String::new(),
    };
    if connection.state.prompts() {
        connection.state.write_prompt(&mut connection.out);
    }
    // As above.
    let _ = connection.begin().await;
}

struct Connection {
    reader: Reader,
    /// Whether listening sockets may be asked for.
    exposes: bool,
    state: State,
    runtime: Arc<Runtime>,
    socket: Socket,
    out: String,
}

/// The connection is over.
#[derive(Debug)]
struct Over;

type Step = Result<(), Over>;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    async fn begin(&mut self) -> Step {
        self.flush().await?;
        self.run().await
    }

    /// Hands the process' listening sockets over to the peer.
    async fn hand_over(&mut self) -> Step {
        self.flush().await?;
        let socket = &self.socket;
        let sockets = self.runtime.process.exposed.open();
        let ready = |to_read| {
            poll_fn(move |cx| match to_read {
                true => socket.poll_readable(cx),
                false => socket.poll_writable(cx),
            })
        };
        let sending = handover::send(socket, &sockets, ready);
        let sent = tokio::time::timeout(handover::PATIENCE, sending).await;
        if !matches!(sent, Ok(Ok(()))) {
            eprintln!("hapax: the listening sockets could not be handed over");
        }
        Err(Over)
    }

    async fn run(&mut self) -> Step {
        let mut room = vec![0; 4096];
        loop {
            match self.reader.next_event() {
                Ok(Some(Event::Line(commands))) => self.run_line(commands).await?,
                Ok(Some(Event::PayloadBegins)) => {}
                Err(fault) => return self.refuse(fault).await,
                Ok(None) => {
                    let reader = &self.reader;
                    let asks = reader.awaits_payload() && reader.is_at_line_start();
                    if asks && self.state.prompts() {
                        self.out.push_str("+ ");
                        self.flush().await?;
                    }
                    let n = self.read(&mut room).await?;
                    self.reader.feed(room.get(..n).unwrap_or_default());
                }
            }
        }
    }

    async fn refuse(&mut self, fault: Fault) -> Step {
        self.out.push_str(match fault {
            Fault::LineTooLong => TOO_LONG,
            Fault::PayloadTooLong => PAYLOAD_TOO_LONG,
        });
        self.flush().await?;
        Err(Over)
    }

    /// Runs the commands of a line; the connection ends after it unless it is interactive.
    async fn run_line(&mut self, commands: Vec<Command>) -> Step {
        let last = commands.len().saturating_sub(1);
        for (at, command) in commands.iter().enumerate() {
            self.run_command(command).await?;
            self.out.push('\n');
            if at == last && self.state.prompts() {
                self.state.write_prompt(&mut self.out);
            }
        }
        self.flush().await?;
        if self.state.is_interactive() {
            Ok(())
        } else {
            Err(Over)
        }
    }

    async fn run_command(&mut self, command: &Command) -> Step {
        if self.exposes
            && command
                .words
                .first()
                .is_some_and(|word| word == handover::COMMAND)
        {
            return self.hand_over().await;
        }
        let mut reply = Reply::new(self.state.severity);
        let mut context = Context {
            runtime: &self.runtime,
            state: &mut self.state,
            payload: command.payload.as_deref(),
        };
        commands::run(&mut context, &mut reply, &command.words);
        self.out.push_str(&reply.text);
        match reply.rest {
            Rest::None => {}
            Rest::Dump(mut dump) => {
                while dump.fill(&self.runtime, &mut self.out) {
                    if self.out.len() >= FLUSH {
                        self.flush().await?;
                        tokio::task::yield_now().await;
                    }
                }
            }
            Rest::Pieces(pieces) => self.write_pieces(pieces).await?,
            Rest::Raw(raw) => self.write_raw(raw).await?,
            Rest::Wait(ms, then) => {
                self.flush().await?;
                self.wait(ms).await?;
                let mut reply = Reply::new(self.state.severity);
                reply.info(then);
                self.out.push_str(&reply.text);
            }
            Rest::Task(task) => {
                self.flush().await?;
                let text = task.await;
                self.out.push_str(&text);
                if let Some(current) = self.runtime.process.current() {
                    self.runtime = current;
                }
            }
            Rest::Until(ms, condition) => {
                self.flush().await?;
                let text = self.wait_until(ms, &*condition).await?;
                let mut reply = Reply::new(self.state.severity);
                reply.info(&text);
                self.out.push_str(&reply.text);
            }
            Rest::Close => {
                self.flush().await?;
                return Err(Over);
            }
        }
        if self.out.len() >= FLUSH {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes pieces as they come. What is held for a slow reader is one piece; one that is gone ends the command.
    async fn write_pieces(&mut self, mut pieces: Box<dyn Pieces>) -> Step {
        self.flush().await?;
        let mut room = [0; 512];
        loop {
            let by_input = pieces.ends_by_input();
            let socket = &self.socket;
            let piece = tokio::select! {
                piece = pieces.next(&self.runtime) => piece,
                read = poll_fn(|cx| socket.poll_read(cx, &mut room)), if by_input => {
                    return if read? == 0 { Err(Over) } else { Ok(()) };
                }
            };
            match piece {
                None => return Ok(()),
                Some(piece) => self.out.push_str(&piece),
            }
            if by_input || self.out.len() >= FLUSH {
                self.flush().await?;
            }
            // A worker that has been asked for a piece looks at its sockets before it is asked for another.
            tokio::task::yield_now().await;
        }
    }

    /// The same for bytes of any kind; who asked may be gone before they come.
    async fn write_raw(&mut self, mut raw: Box<dyn Raw>) -> Step {
        self.flush().await?;
        loop {
            let mut next = raw.next(&self.runtime);
            let piece = loop {
                match tokio::time::timeout(LOOK, &mut next).await {
                    Ok(piece) => break piece,
                    Err(_) if self.socket.is_hung_up() => return Err(Over),
                    Err(_) => {}
                }
            };
            drop(next);
            match piece {
                Some(piece) => self.write(&piece).await?,
                None => return Ok(()),
            }
        }
    }

    /// Waits for a condition and says what came of it.
    async fn wait_until(
        &mut self,
        ms: u64,
        condition: &dyn Fn(&Runtime) -> Outlook,
    ) -> Result<String, Over> {
        let mut left = ms;
        loop {
            match condition(&self.runtime) {
                Outlook::Met => return Ok("Done.".into()),
                Outlook::Failed(why) => return Ok(format!("Failed. {why}")),
                Outlook::Open if left == 0 => return Ok("Wait delay expired.".into()),
                Outlook::Open => {
                    let pause = left.min(ASK);
                    self.wait(pause).await?;
                    left -= pause;
                }
            }
        }
    }

    /// Waits, but no longer than the peer is there.
    async fn wait(&mut self, ms: u64) -> Step {
        let end = tokio::time::Instant::now() + Duration::from_millis(ms);
        while tokio::time::Instant::now() < end {
            let pause = tokio::time::Instant::now() + LOOK;
            tokio::time::sleep_until(end.min(pause)).await;
            if self.socket.is_hung_up() {
                return Err(Over);
            }
        }
        Ok(())
    }

    async fn read(&mut self, room: &mut [u8]) -> Result<usize, Over> {
        let timeout = self.state.timeout;
        let socket = &self.socket;
        let n = within(timeout, poll_fn(|cx| socket.poll_read(cx, room))).await??;
        if n == 0 { Err(Over) } else { Ok(n) }
    }

    async fn flush(&mut self) -> Step {
        let out = std::mem::take(&mut self.out);
        self.write(out.as_bytes()).await?;
        // Its memory serves the next answer.
        self.out = out;
        self.out.clear();
        Ok(())
    }

    async fn write(&self, bytes: &[u8]) -> Step {
        let socket = &self.socket;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let slices = [IoSlice::new(rest)];
            let write = poll_fn(|cx| socket.poll_write(cx, &slices));
            done += within(self.state.timeout, write).await??;
        }
        Ok(())
    }
}

/// `stats timeout`: how long the peer may leave a read or a write waiting.
async fn within<T>(ms: u64, work: impl Future<Output = T>) -> Result<T, Over> {
    tokio::time::timeout(Duration::from_millis(ms), work)
        .await
        .map_err(|_| Over)
}
