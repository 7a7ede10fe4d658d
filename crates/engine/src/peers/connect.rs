//! Connecting to members.

use super::section::{Member, Phase, Section, Status};
use super::session::{self, Event, Link};
use crate::backend::{ConnectError, Route, Secure, binding, connect, fixed_namespace, source_for};
use crate::clock;
use crate::io::Deadline;
use crate::runtime::{Runtime, random};
use model::Address;
use model::peers::Peers;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use wire::peers::{Hello, Status as Answer, next_status, write_hello};

/// How long a connection and the answer to the hello may take, in milliseconds.
pub(super) const PATIENCE: u64 = 5000;
/// How long to wait after an attempt that nobody answered, in milliseconds.
const RETRY: u64 = 2000;

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Nobody is there.
    Unreachable,
    /// This was the answer.
    Refused(Answer),
    /// There was none, or none that can be understood.
    NoAnswer,
}

/// A delay before the next attempt that keeps two members from connecting to each other at the same moment again.
pub(super) fn short_delay() -> u64 {
    50 + random() % 2000
}

/// Keeps a connection with a member for as long as the section runs.
pub async fn keep(runtime: Arc<Runtime>, section: Arc<Section>, at: usize) {
    let Some(member) = section.members.get(at) else {
        return;
    };
    let has_address = !Peers::lacks_address(&member.server.config);
    while section.is_running() {
        let wait = {
            let mut state = member.state.lock();
            let due = *state.reconnect.get_or_insert(clock::now_ms());
            match state.session == 0 && has_address {
                true => due.saturating_sub(clock::now_ms()),
                false => PATIENCE,
            }
        };
        if wait > 0 {
            let mut phase = section.phase.subscribe();
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                () = member.news.notified() => {}
                _ = phase.changed() => {}
            }
            clock::wake();
            continue;
        }
        let number = section.next_session();
        {
            let mut state = member.state.lock();
            (state.session, state.status) = (number, Status::Connecting);
        }
        let called = tokio::select! {
            called = call(&runtime, &section, member) => called,
            () = replaced(member, number) => continue,
        };
        match called {
            Ok((link, minor)) if member.state.lock().session == number => {
                session::run(&runtime, &section, at, number, link, (minor, false)).await;
            }
            Ok(_) => {}
            Err(failure) => note(member, number, failure),
        }
    }
}

/// Waits until another connection has taken the place of this one.
async fn replaced(member: &Member, number: u64) {
    loop {
        let news = member.news.notified();
        if member.state.lock().session != number {
            return;
        }
        news.await;
    }
}

fn note(member: &Member, number: u64, failure: Failure) {
    let mut state = member.state.lock();
    if state.session != number {
        return;
    }
    (state.session, state.calling) = (0, false);
    let delay = match failure {
        Failure::Unreachable => RETRY + random() % 500,
        Failure::NoAnswer | Failure::Refused(_) => short_delay(),
    };
    state.status = match failure {
        Failure::Refused(answer) => Status::Answered(answer),
        _ => Status::Lost,
    };
    if failure == Failure::Refused(Answer::BadVersion) {
        state.downgraded = true;
    }
    state.reconnect = Some(clock::now_ms() + delay);
}

/// Connects to a member and introduces this process.
async fn call(
    runtime: &Arc<Runtime>,
    section: &Section,
    member: &Member,
) -> Result<(Link, u8), Failure> {
    let until = clock::now_ms() + PATIENCE;
    let socket = open(runtime, section, member, until).await?;
    let mut link = Link::new(socket);
    let minor = u8::from(!member.state.lock().downgraded);
    let own = section.local_name();
    let hello = Hello {
        minor,
        target: member.server.config.name.as_bytes(),
        name: own.as_bytes(),
    };
    write_hello(&mut link.out, hello, runtime.process.pid);
    member.state.lock().calling = true;
    let mut never = pin!(std::future::pending());
    loop {
        match next_status(link.input.bytes()) {
            Ok(Some((Answer::Succeeded, len))) => {
                link.input.consume(len);
                return Ok((link, minor));
            }
            Ok(Some((answer, _))) => return Err(Failure::Refused(answer)),
            Ok(None) => {}
            Err(_) => return Err(Failure::NoAnswer),
        }
        match link.wait(until, never.as_mut()).await {
            Ok(Event::Came | Event::Sent) => {}
            _ => return Err(Failure::NoAnswer),
        }
    }
}

async fn open(
    runtime: &Runtime,
    section: &Section,
    member: &Member,
    until: u64,
) -> Result<crate::io::Transport, Failure> {
    let server = &member.server;
    let address = match member.local {
        true => section.address().ok_or(Failure::Unreachable)?,
        false => server.whereabouts.now().address.clone(),
    };
    let (source, transparent) = source_for(binding(&section.proxy, server), None, |_, _| None);
    let route = Route {
        address: reachable(address),
        via: server.config.settings.socks4,
        source,
        transparent,
        namespace: fixed_namespace(&server.config),
        mark: None,
        tos: None,
        sends_first: false,
    };
    let tls = server.config.tls.as_ref();
    let secure = match tls.filter(|_| server.config.settings.tls.enabled) {
        Some(connector) => {
            let mut connection = connector
                .connect(None, None)
                .map_err(|_| Failure::Unreachable)?;
            runtime.process.tls.count_server(&mut connection);
            Some(Secure {
                before: Vec::new(),
                connection,
            })
        }
        None => None,
    };
    let buffers = runtime.snapshot.global.socket_buffers;
    let buffers = buffers.server;
    let mut deadline = Deadline::default();
    let opened = connect(
        &section.proxy,
        server,
        &route,
        buffers,
        Some(until),
        &mut deadline,
        secure,
    );
    opened.await.map_err(|error| match error {
        ConnectError::Tls(_) => Failure::NoAnswer,
        _ => Failure::Unreachable,
    })
}

/// Where to connect to whoever listens at an address.
fn reachable(address: Address) -> Address {
    match address {
        Address::Inet(mut inet) if inet.ip().is_unspecified() => {
            inet.set_ip(match inet.is_ipv4() {
                true => std::net::Ipv4Addr::LOCALHOST.into(),
                false => std::net::Ipv6Addr::LOCALHOST.into(),
            });
            Address::Inet(inet)
        }
        other => other,
    }
}

/// Teaches the process that takes this one's place, if there is one.
pub async fn leave(runtime: Arc<Runtime>, section: Arc<Section>) {
    let until = clock::now_ms() + PATIENCE;
    let at = section.config.local;
    while let Some(member) = section.members.get(at)
        && *section.phase.borrow() == Phase::Leaving
        && clock::now_ms() < until
    {
        let number = section.next_session();
        member.state.lock().session = number;
        match call(&runtime, &section, member).await {
            Ok((link, minor)) => {
                session::run(&runtime, &section, at, number, link, (minor, true)).await;
                if member.state.lock().confirmed {
                    break;
                }
            }
            // It may still hold the connection of another process.
            Err(Failure::Refused(Answer::TryAgain)) => {}
            Err(_) => break,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        clock::wake();
    }
    section.left.store(true, Ordering::Relaxed);
}
