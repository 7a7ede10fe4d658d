//! One check: a script run against a server.

use super::http2::Http2;
use super::request;
use super::target::Target;
use super::wire::{Broken, Line, broken, unreachable};
use crate::backend::Open;
use crate::clock;
use crate::runtime::Runtime;
use crate::stream::{Vars, var_size as size};
use crate::trace::{self, Event};
use base::Endpoint;
use expr::sample::Type;
use expr::view::{Connection, Content, Date, ProcessView, ProxyView, ServerView, Side, View};
use expr::{Scope, Value, VarId};
use message::Head;
use model::check::{CheckAction, CheckConnect, CheckKind, CheckPort, CheckStep, Expect, Matcher};
use model::live::health::{Finder, Outcome, Status};
use model::rules::Mux;
use std::cell::{OnceCell, RefCell};
use std::time::Instant;

/// Bytes of information that are kept of a result.
pub(super) const LONGEST_INFO: usize = 127;

/// Checks a server.
pub(super) async fn run(runtime: &Runtime, target: &Target) -> Outcome {
    let started = Instant::now();
    let mut probe = Probe::new(runtime, target);
    let mut outcome = match probe.steps().await {
        Ok(()) => std::mem::take(&mut probe.best),
        Err(outcome) => outcome,
    };
    probe.line.close(probe.gentle);
    outcome.duration = started.elapsed();
    outcome
}

/// A check under way.
pub(super) struct Probe<'a> {
    pub runtime: &'a Runtime,
    pub target: &'a Target,
    pub line: Line,
    /// Whether the connection is to be closed without a reset.
    pub gentle: bool,
    /// When the present phase must be over, in milliseconds of the process' clock.
    pub until: u64,
    /// What the steps so far amount to.
    pub best: Outcome,
    vars: RefCell<Vars>,
    unique_id: OnceCell<Vec<u8>>,
    ends: OnceCell<Option<(Endpoint, Endpoint)>>,
    /// The response of an HTTP check, once its head is complete.
    pub response: Option<Response>,
    /// The place of a connection that was taken from the idle ones, among those that the server may have.
    place: Option<Open>,
    /// The connection's HTTP/2, where that is spoken.
    pub http2: Option<Box<Http2>>,
}

/// A response as far as it has come.
#[derive(Debug)]
pub(super) struct Response {
    pub head: Head,
    /// The body, chunks put together.
    pub body: Vec<u8>,
    /// Whether it is all there.
    pub complete: bool,
}

pub(super) type Stepped<T = ()> = Result<T, Outcome>;

impl<'a> Probe<'a> {
    pub fn new(runtime: &'a Runtime, target: &'a Target) -> Self {
        Self {
            runtime,
            target,
            line: Line::default(),
            gentle: false,
            until: clock::now_ms() + target.intervals.normal,
            best: Outcome::new(Status::Unknown),
            vars: RefCell::default(),
            unique_id: OnceCell::new(),
            ends: OnceCell::new(),
            response: None,
            place: None,
            http2: None,
        }
    }

    async fn steps(&mut self) -> Stepped {
        let script = self.target.script();
        for (at, step) in script.steps.iter().enumerate() {
            self.trace_step(&step.action);
            match &step.action {
                CheckAction::Connect(connect) => {
                    let next = script.steps.get(at + 1..).unwrap_or_default();
                    self.connect(step, connect, speaks_first(next)).await?;
                }
                CheckAction::Send(payload) => {
                    let bytes = request::render(payload, self).into_owned();
                    self.send(step, &bytes).await?;
                }
                CheckAction::Request(request) if self.http2.is_some() => {
                    let (head, body) = request::assemble(request, self);
                    self.send_http2(step, &head, body).await?;
                }
                CheckAction::Request(request) => {
                    let bytes = request::write(request, self);
                    self.send(step, &bytes).await?;
                }
                CheckAction::Expect(expect) => self.expect(step, expect).await?,
                CheckAction::Set(assignment) => {
                    if let Some(value) = assignment.value(self) {
                        self.set_var(assignment.var(), Some(value));
                    }
                }
                CheckAction::Unset(var) => drop(self.set_var(*var, None)),
                CheckAction::Comment => {}
            }
        }
        self.finish();
        Ok(())
    }

    fn trace_step(&self, action: &CheckAction) {
        let (event, what) = match action {
            CheckAction::Connect(_) => (Event::CheckConnect, "connecting"),
            CheckAction::Send(_) | CheckAction::Request(_) => (Event::CheckSend, "sending"),
            CheckAction::Expect(_) => (Event::CheckExpect, "waiting for the answer"),
            CheckAction::Set(_) | CheckAction::Unset(_) => {
                (Event::CheckAction, "changing a variable")
            }
            CheckAction::Comment => return,
        };
        if trace::watches(event) {
            let of = (&*self.target.proxy, &self.target.server);
            trace::check(event, what, of, self.target.finder, None);
        }
    }

    /// What a check amounts to whose last step expects nothing.
    fn finish(&mut self) {
        let script = self.target.script();
        let last = script.steps.iter().rev().find(|step| !step.is_silent());
        if script.kind != CheckKind::Tcp || last.is_none_or(|step| step.number == 0) {
            return;
        }
        let status = match last.map(|step| &step.action) {
            Some(CheckAction::Expect(_)) => return,
            Some(CheckAction::Connect(_)) => Status::L4Ok,
            _ => Status::L7Ok,
        };
        self.best = Outcome {
            info: Some((*b"(tcp-check)").into()),
            ..Outcome::new(status)
        };
    }

    async fn connect(
        &mut self,
        step: &CheckStep,
        connect: &CheckConnect,
        speaks_first: bool,
    ) -> Stepped {
        let target = self.target;
        let timeouts = &target.proxy.config.timeouts;
        // A connection that others follow has served its purpose, and ends in peace.
        self.line.close(true);
        self.ends = OnceCell::new();
        self.response = None;
        self.http2 = None;
        self.gentle = connect.linger;
        let port = match &connect.port {
            Some(CheckPort::Expr(expr)) => match expr.eval_as(Type::Int, self).value() {
                Some(Value::Int(port)) => u16::try_from(port).ok(),
                _ => None,
            },
            _ => None,
        };
        let host = self.own_host(connect);
        if let Some(idle) = target.idle(connect, host.as_deref()) {
            self.place = idle.open;
            self.line.adopt(idle.socket);
            if let Some(check) = timeouts.check {
                self.until = clock::now_ms() + check;
            }
            self.best = Outcome::new(Status::L4Ok);
            return Ok(());
        }
        let way = target.way(connect, port);
        let mut until = self.until;
        if let (Some(_), Some(connect)) = (timeouts.check, timeouts.connect) {
            until = until.min(clock::now_ms() + connect);
        }
        let opened = self
            .line
            .connect(self.runtime, target, &way, until, speaks_first)
            .await;
        if let Err(error) = opened {
            let outcome = unreachable(&error, &way.route.address);
            return Err(self.placed(step, outcome));
        }
        if let Some(check) = timeouts.check {
            self.until = clock::now_ms() + check;
        }
        self.best = Outcome::new(Status::L4Ok);
        let header = self
            .line
            .relay_header(self.runtime, target, way.relay_version);
        if way.secure {
            let shaken = self
                .line
                .secure(
                    self.runtime,
                    target,
                    connect,
                    host.as_deref(),
                    header,
                    until,
                )
                .await;
            if let Err(error) = shaken {
                let outcome = unreachable(&error, &way.route.address);
                return Err(self.placed(step, outcome));
            }
            self.best = Outcome::new(Status::L6Ok);
            self.choose_mux(connect);
            return Ok(());
        }
        self.choose_mux(connect);
        if header.is_empty() {
            return Ok(());
        }
        self.transmit(step, &header).await
    }

    /// The host of the first request, to ask a server for where no rule connects and unless `no-check-sni-auto` is said.
    fn own_host(&self, connect: &CheckConnect) -> Option<Vec<u8>> {
        let settings = &self.target.server.config.settings;
        if !connect.implicit || settings.check_sni_auto == Some(false) {
            return None;
        }
        let script = self.target.script();
        let request = script.steps.iter().find_map(|step| match &step.action {
            CheckAction::Request(request) => Some(request),
            _ => None,
        })?;
        let (_, host) = request.headers.iter().find(|(name, _)| &**name == "host")?;
        let mut value = Vec::new();
        host.render(self, &mut value);
        let host = value.split(|&byte| byte == b':').next()?;
        Some(host.to_vec()).filter(|host| !host.is_empty())
    }

    /// Speaks HTTP/2 from here on where that is said, or was agreed on.
    fn choose_mux(&mut self, connect: &CheckConnect) {
        if self.target.script().kind != CheckKind::Http {
            return;
        }
        let agreed = || match self.line.alpn() {
            Some(b"h2") => Mux::H2,
            _ => Mux::H1,
        };
        let mux = self.target.mux(connect).unwrap_or_else(agreed);
        if mux == Mux::H2 {
            self.http2 = Some(Box::new(Http2::new(self.runtime.http2.1)));
        }
    }

    async fn send_http2(&mut self, step: &CheckStep, head: &Head, body: Vec<u8>) -> Stepped {
        self.response = None;
        let Some(http2) = &mut self.http2 else {
            return Ok(());
        };
        http2
            .request(head, body)
            .map_err(|_| Outcome::new(Status::SocketError))?;
        self.flush_http2(step).await
    }

    /// Sends what HTTP/2 has to send.
    async fn flush_http2(&mut self, step: &CheckStep) -> Stepped {
        let pending = self.http2.as_mut().map(|http2| http2.take_pending());
        match pending {
            Some(bytes) if !bytes.is_empty() => self.transmit(step, &bytes).await,
            _ => Ok(()),
        }
    }

    async fn send(&mut self, step: &CheckStep, bytes: &[u8]) -> Stepped {
        self.line.forget();
        self.response = None;
        self.transmit(step, bytes).await
    }

    async fn transmit(&mut self, step: &CheckStep, bytes: &[u8]) -> Stepped {
        let sent = self.line.send(bytes, self.until).await;
        sent.map_err(|error| self.interrupted(step, &error, Status::L7Timeout))
    }

    /// Waits for more of the answer.
    pub async fn receive(&mut self, step: &CheckStep, expect: &Expect) -> Stepped {
        self.flush_http2(step).await?;
        let received = self.line.receive(self.until).await;
        let timeout = expect.timeout_status.unwrap_or(Status::L7Timeout);
        received.map_err(|error| self.interrupted(step, &error, timeout))
    }

    /// The result of a step that did not come to its end.
    fn interrupted(&self, step: &CheckStep, error: &Broken, timeout: Status) -> Outcome {
        let outcome = match error {
            Broken::Timeout => Outcome::new(timeout),
            Broken::Error(error) => broken(error),
        };
        self.placed(step, outcome)
    }

    /// A result with the step that it came of, where the kind of check tells of steps.
    fn placed(&self, step: &CheckStep, outcome: Outcome) -> Outcome {
        if self.target.finder == Finder::Agent || self.target.script().kind != CheckKind::Tcp {
            return outcome;
        }
        let mut info = outcome.info.as_deref().unwrap_or_default().to_vec();
        if step.number == 0 {
            info.extend(b" at initial connection step of tcp-check");
        } else {
            info.extend(
                format!(
                    " at step {} of tcp-check ({})",
                    step.number,
                    name(&step.action)
                )
                .as_bytes(),
            );
        }
        if let Some(comment) = &step.comment {
            info.extend(format!(" comment: '{comment}'").as_bytes());
        }
        info.truncate(LONGEST_INFO);
        Outcome {
            info: Some(info.into()),
            ..outcome
        }
    }
}

/// Whether the server has to say something before this side does.
fn speaks_first(steps: &[CheckStep]) -> bool {
    let next = steps.iter().find(|step| !step.is_silent());
    matches!(next.map(|step| &step.action), Some(CheckAction::Expect(_)))
}

/// How messages name a step.
fn name(action: &CheckAction) -> String {
    match action {
        CheckAction::Connect(connect) => match &connect.port {
            Some(CheckPort::Number(port)) => format!("connect port {port}"),
            _ => "connect".into(),
        },
        CheckAction::Expect(expect) => match &expect.matcher {
            Matcher::Text(text) => format!("expect string '{}'", String::from_utf8_lossy(text)),
            Matcher::Binary(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("expect binary '{digits}'")
            }
            Matcher::Regex(_) => "expect regex".into(),
            Matcher::BinaryRegex(_) => "expect binary regex".into(),
            Matcher::TextFormat(_) => "expect log-format string".into(),
            Matcher::BinaryFormat(_) => "expect log-format binary".into(),
            _ => "expect".into(),
        },
        _ => "send".into(),
    }
}

impl View for Probe<'_> {
    fn now(&self) -> Date {
        clock::date()
    }

    fn process(&self) -> &dyn ProcessView {
        self.runtime
    }

    fn backend(&self) -> Option<&dyn ProxyView> {
        Some(&*self.target.proxy)
    }

    fn server(&self) -> Option<&dyn ServerView> {
        Some(&*self.target.server)
    }

    fn server_connection(&self) -> Option<Connection<'_>> {
        let (src, dst) = self.ends.get_or_init(|| self.line.ends()).as_ref()?;
        Some(Connection {
            src: Some(src),
            dst: Some(dst),
            real_src: Some(src),
            real_dst: Some(dst),
            http_major: 1,
            ..Connection::default()
        })
    }

    fn response(&self) -> Option<&Head> {
        self.response.as_ref().map(|response| &response.head)
    }

    fn body(&self, side: Side) -> Option<Content<'_>> {
        let response = self.response.as_ref().filter(|_| side == Side::Response)?;
        Some(Content {
            bytes: &response.body,
            complete: response.complete,
            announced: None,
        })
    }

    fn payload(&self, side: Side) -> Option<Content<'_>> {
        (side == Side::Response).then(|| Content {
            bytes: self.line.input.bytes(),
            complete: true,
            announced: None,
        })
    }

    fn is_response(&self) -> bool {
        true
    }

    fn var(&self, name: VarId) -> Option<Value<'_>> {
        match name.scope {
            Scope::Process => self.runtime.proc_var(name.name),
            _ => self.vars.borrow().get(name).cloned(),
        }
    }

    fn set_var(&self, name: VarId, value: Option<Value<'_>>) -> bool {
        let value = value.map(Value::into_owned);
        if name.scope == Scope::Process {
            return self.runtime.set_process_var(name.name, value);
        }
        let mut vars = self.vars.borrow_mut();
        match value {
            Some(value) => {
                let limits = self.runtime.snapshot.global.variable_limits;
                let bytes = size(&value);
                let (total, present) = (vars.size_besides(name) + bytes, vars.get(name));
                let grown = bytes.saturating_sub(present.map_or(0, size));
                let fits = |limit: usize| limit == 0 || total <= limit;
                // A session's limit counts for checks too, as in HAProxy.
                let fits = fits(limits.check) && fits(limits.session);
                if !fits || !self.runtime.has_room_for_vars(grown) {
                    return false;
                }
                vars.set(name, value);
            }
            None => vars.unset(name),
        }
        self.runtime.count_vars(&mut vars);
        true
    }

    fn unique_id(&self) -> Option<&[u8]> {
        let format = self.target.proxy.config.front.unique_id.as_deref()?;
        if let Some(id) = self.unique_id.get() {
            return Some(id);
        }
        let mut text = Vec::new();
        format.render(self, &mut text);
        Some(self.unique_id.get_or_init(|| text))
    }
}
