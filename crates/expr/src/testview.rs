//! A view for unit tests: one request, one response, one frontend.

use crate::acl::AclSet;
use crate::context::{Compiler, ParseContext};
use crate::expr::Expr;
use crate::phases::Phases;
use crate::sample::{Outcome, Type, Value};
use crate::tables::TABLES;
use crate::vars::VarId;
use crate::view::{
    Connection, Content, Date, NoView, ProcessView, ProxyView, ServerView, Side, StreamFacts,
    Timers, View,
};
use base::Endpoint;
use message::{Head, Version};

pub(crate) struct Proxy(pub(crate) &'static str);

impl ProxyView for Proxy {
    fn name(&self) -> &str {
        self.0
    }
    fn id(&self) -> u32 {
        3
    }
    fn connections(&self) -> u64 {
        7
    }
    fn queued(&self) -> u64 {
        5
    }
    fn session_rate(&self) -> u32 {
        11
    }
    fn request_rate(&self) -> u32 {
        12
    }
    fn usable_servers(&self) -> u32 {
        2
    }
    fn server(&self, _: &str) -> Option<std::sync::Arc<dyn ServerView>> {
        None
    }
    fn servers(&self) -> Vec<std::sync::Arc<dyn ServerView>> {
        Vec::new()
    }
    fn timeout(&self, name: &str) -> Option<u64> {
        (name == "client").then_some(1500)
    }
    fn max_connections(&self) -> u64 {
        100
    }
}

pub(crate) struct TestView {
    pub(crate) request: Head,
    pub(crate) response: Option<Head>,
    pub(crate) src: Endpoint,
    pub(crate) dst: Endpoint,
    pub(crate) payload: Vec<u8>,
    pub(crate) complete: bool,
    pub(crate) vars: Vec<(VarId, Value<'static>)>,
    pub(crate) request_captures: Vec<Option<Box<[u8]>>>,
    pub(crate) response_captures: Vec<Option<Box<[u8]>>>,
    pub(crate) early: bool,
    pub(crate) is_tcp: bool,
}

impl TestView {
    pub(crate) fn new(method: &str, target: &str, fields: &[(&str, &str)]) -> Self {
        let mut request = Head::new();
        request.start_request(method.as_bytes(), target.as_bytes(), Version::HTTP_11);
        for (name, value) in fields {
            request.push(name.as_bytes(), value.as_bytes());
        }
        let end = |text: &str| Endpoint::Inet(text.parse().expect("an address"));
        Self {
            request,
            response: None,
            src: end("127.0.0.1:37692"),
            dst: end("127.0.0.1:21964"),
            payload: Vec::new(),
            complete: true,
            vars: Vec::new(),
            request_captures: Vec::new(),
            response_captures: Vec::new(),
            early: false,
            is_tcp: false,
        }
    }
}

impl View for TestView {
    fn now(&self) -> Date {
        Date {
            seconds: 1_795_233_481,
            micros: 724_000,
        }
    }
    fn process(&self) -> &dyn ProcessView {
        &NoView
    }
    fn client(&self) -> Option<Connection<'_>> {
        Some(Connection {
            src: Some(&self.src),
            dst: Some(&self.dst),
            ..Connection::default()
        })
    }
    fn frontend(&self) -> Option<&dyn ProxyView> {
        Some(&Proxy("fe"))
    }
    fn request(&self) -> Option<&Head> {
        (!self.is_tcp).then_some(&self.request)
    }
    fn response(&self) -> Option<&Head> {
        self.response.as_ref()
    }
    fn body(&self, _: Side) -> Option<Content<'_>> {
        self.payload(Side::Request)
    }
    fn payload(&self, _: Side) -> Option<Content<'_>> {
        Some(Content {
            bytes: &self.payload,
            complete: self.complete,
            announced: None,
        })
    }
    fn var(&self, name: VarId) -> Option<Value<'_>> {
        let (_, value) = self.vars.iter().find(|(id, _)| *id == name)?;
        Some(crate::expr::borrowed(value))
    }
    fn facts(&self) -> Option<StreamFacts<'_>> {
        Some(StreamFacts {
            timers: Timers {
                handshake: 0,
                idle: 2,
                request: 1,
                queue: 0,
                connect: 3,
                response: 4,
                data: 5,
                total: 17,
            },
            accept_date: self.now(),
            request_date: self.now(),
            termination: *b"LR--",
            bytes_from_client: 114,
            bytes_to_client: 200,
            bytes_to_server: 110,
            bytes_from_server: 190,
            status: 200,
            retries: 1,
            redispatched: true,
            connections: [1, 2, 3, 4],
            queue_positions: [5, 6],
            request_line: None,
            request_captures: &self.request_captures,
            response_captures: &self.response_captures,
            cookie_captures: [None, None],
            log_level: None,
            ids: [3, 5],
        })
    }
    fn is_early_log(&self) -> bool {
        self.early
    }
    fn is_final(&self) -> bool {
        self.complete
    }
}

/// Compiles with a fresh context that allows every place.
pub(crate) fn compile<T>(
    read: impl FnOnce(&mut ParseContext<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let mut compiler = Compiler::new(&TABLES);
    let mut acls = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    read(&mut ctx)
}

/// The value of an expression as text, as `%[…]` would show it.
pub(crate) fn eval(text: &str, view: &TestView) -> Result<Option<String>, String> {
    let expr = compile(|ctx| Expr::parse_str(text, ctx))?;
    Ok(match expr.eval_as(Type::Str, view) {
        Outcome::Found(Value::Str(s)) | Outcome::Tentative(Value::Str(s)) => {
            Some(String::from_utf8_lossy(&s).into_owned())
        }
        _ => None,
    })
}
