//! Rules read from configurations and run on a stream that only remembers what was done to it.

mod attach;
mod headers;
mod messages;
mod replies;
mod rows;
mod settings;
mod targets;

use super::{CloseKind, End, Flow, Reply, Rule, SocketSetting, Stream};
use crate::parse::families::proxy::testing::{Outcome, listen, read};
use base::Endpoint;
use expr::view::{Connection, Content, Date, NoView, ProcessView, Side, View};
use expr::{Value, VarId};
use message::{Head, Version};
use std::sync::Arc;

/// A stream that remembers what was done to it.
struct Fake {
    request: Head,
    response: Option<Head>,
    src: Endpoint,
    dst: Endpoint,
    body: Vec<u8>,
    body_complete: bool,
    limit: usize,
    is_proxied: bool,
    in_handshake: bool,
    waited: u64,
    vars: Vec<(VarId, Value<'static>)>,
    /// What was done, one line each.
    done: Vec<String>,
}

impl Fake {
    /// A request with these fields, each `name: value`.
    fn new(line: &str, fields: &[&str]) -> Self {
        let (method, target) = line.split_once(' ').expect("a request line");
        let mut request = Head::new();
        request.start_request(method.as_bytes(), target.as_bytes(), Version::HTTP_11);
        push_all(&mut request, fields);
        let end = |text: &str| Endpoint::Inet(text.parse().expect("an address"));
        Self {
            request,
            response: None,
            src: end("127.0.0.1:4001"),
            dst: end("127.0.0.1:80"),
            body: Vec::new(),
            body_complete: true,
            limit: isize::MAX.cast_unsigned(),
            is_proxied: false,
            in_handshake: false,
            waited: 0,
            vars: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The same with a response.
    fn answered(mut self, status: u16, fields: &[&str]) -> Self {
        let mut response = Head::new();
        response.start_response(Version::HTTP_11, status, super::reason(status).as_bytes());
        push_all(&mut response, fields);
        self.response = Some(response);
        self
    }

    /// Runs a list until a rule ends it.
    fn run(&mut self, rules: &[Arc<Rule>]) -> Flow {
        assert!(!rules.is_empty(), "no rules");
        for rule in rules {
            if rule
                .condition
                .as_ref()
                .is_some_and(|condition| !condition.holds(self))
            {
                continue;
            }
            match rule.action.run(self) {
                Flow::Continue => {}
                flow => return flow,
            }
        }
        Flow::Continue
    }
}

fn push_all(head: &mut Head, fields: &[&str]) {
    for field in fields {
        let (name, value) = field.split_once(':').expect("a field");
        head.push(name.as_bytes(), value.trim().as_bytes());
    }
}

/// The fields of a head, one per line.
fn shown(head: &Head) -> String {
    let lines = head.iter().map(|(name, value)| {
        format!(
            "{}: {}\n",
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value)
        )
    });
    lines.collect()
}

/// Status line, fields and body of a reply.
fn shown_reply(reply: &Reply) -> String {
    let (status, reason) = (
        reply.head.status(),
        String::from_utf8_lossy(reply.head.reason()),
    );
    format!(
        "{status} {reason}\n{}\n{}",
        shown(&reply.head),
        String::from_utf8_lossy(&reply.body)
    )
}

/// Runs `http-request` lines on a request.
fn request(lines: &str, fake: &mut Fake) -> Flow {
    let outcome = http(lines);
    fake.run(&outcome.proxy("l").rules.http_request)
}

/// Runs `http-response` lines on a stream with a response.
fn response(lines: &str, fake: &mut Fake) -> Flow {
    let outcome = http(lines);
    fake.run(&outcome.proxy("l").rules.http_response)
}

/// An HTTP proxy that may use what is experimental.
fn http(lines: &str) -> Outcome {
    read(&format!(
        "global\n expose-experimental-directives\nlisten l\n mode http\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n{lines}\n"
    ))
}

impl View for Fake {
    fn is_to_proxy(&self) -> bool {
        self.is_proxied
    }
    fn now(&self) -> Date {
        Date::default()
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
    fn request(&self) -> Option<&Head> {
        Some(&self.request)
    }
    fn response(&self) -> Option<&Head> {
        self.response.as_ref()
    }
    fn body(&self, _: Side) -> Option<Content<'_>> {
        Some(Content {
            bytes: &self.body,
            complete: self.body_complete,
            announced: None,
        })
    }
    fn var(&self, name: VarId) -> Option<Value<'_>> {
        self.vars
            .iter()
            .find(|(var, _)| *var == name)
            .map(|(_, value)| value.clone())
    }
}

impl Stream for Fake {
    fn track(&mut self, _: usize, _: stick::Tracked) {}
    fn view(&self) -> &dyn View {
        self
    }
    fn request_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.request)
    }
    fn response_mut(&mut self) -> Option<&mut Head> {
        self.response.as_mut()
    }
    fn set_var(&mut self, name: VarId, value: Option<Value<'static>>) -> bool {
        self.vars.retain(|(var, _)| *var != name);
        self.vars.extend(value.map(|value| (name, value)));
        true
    }
    fn set_end(&mut self, which: End, to: Endpoint) {
        match which {
            End::Source => self.src = to,
            End::Destination => self.dst = to,
        }
    }
    fn set_socket(&mut self, client: bool, setting: SocketSetting) {
        self.done.push(format!("socket {client} {setting:?}"));
    }
    fn attach(&mut self, to: crate::rules::Attachment) {
        let name = to.name.as_deref().map(String::from_utf8_lossy);
        self.done
            .push(format!("attach {}/{} {name:?}", to.backend, to.server));
    }
    fn set_log_level(&mut self, level: Option<u8>) {
        self.done.push(format!("level {level:?}"));
    }
    fn set_timeout(&mut self, name: &'static str, value: u64) {
        self.done.push(format!("timeout {name} {value}"));
    }
    fn capture(&mut self, request: bool, slot: usize, value: &[u8]) {
        self.done.push(format!(
            "capture {request} {slot} {}",
            String::from_utf8_lossy(value)
        ));
    }
    fn set_priority(&mut self, class: Option<i32>, offset: Option<i32>) {
        self.done.push(format!("priority {class:?} {offset:?}"));
    }
    fn set_nice(&mut self, nice: i32) {
        self.done.push(format!("nice {nice}"));
    }
    fn awaits_handshake(&self) -> bool {
        self.in_handshake
    }
    fn set_retries(&mut self, retries: u32) {
        self.done.push(format!("retries {retries}"));
    }
    fn set_strict(&mut self, on: bool) {
        self.done.push(format!("strict {on}"));
    }
    fn limit_bandwidth(&mut self, name: &str, limit: Option<u64>, period: Option<u64>) {
        self.done
            .push(format!("bandwidth {name} {limit:?} {period:?}"));
    }
    fn disable_l7_retry(&mut self) {
        self.done.push("no retry".into());
    }
    fn send_interim(&mut self, status: u16, headers: &[(&[u8], &[u8])]) {
        let text = headers
            .iter()
            .map(|(name, value)| [*name, b"=", *value].concat())
            .collect::<Vec<_>>()
            .join(&b","[..]);
        self.done.push(format!(
            "interim {status} {}",
            String::from_utf8_lossy(&text)
        ));
    }
    fn log_now(&mut self, step: &'static str, profile: Option<&crate::log::LogProfile>) {
        self.done.push(format!("log {step} {}", profile.is_some()));
    }
    fn waited(&self) -> u64 {
        self.waited
    }
    fn body_timed_out(&mut self, side: Side) {
        self.done.push(format!("no body {side:?}"));
    }
    fn head_room(&self, side: Side) -> isize {
        let head = match side {
            Side::Request => Some(&self.request),
            Side::Response => self.response.as_ref(),
        };
        let size = head.map_or(0, Head::stored_len);
        self.limit.cast_signed() - size.cast_signed()
    }
    fn take_scratch(&mut self) -> Vec<u8> {
        b"left over".to_vec()
    }
    fn give_scratch(&mut self, _: Vec<u8>) {}
}
