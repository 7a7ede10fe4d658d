//! Starting and ending sections, and connections from members.

use super::connect::{self, PATIENCE};
use super::section::{Phase, Section, Status};
use super::session::{self, Event, Link};
use super::tell;
use crate::clock;
use crate::io::{Deadline, Socket, Transport};
use crate::runtime::Runtime;
use model::{Address, Bind};
use rustix::net::SocketFlags;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;
use wire::peers::{Opening, Status as Answer, opening, write_status};

/// How many connections may be saying who they are at the same time.
const STRANGERS: usize = 64;
/// How long to wait when no descriptor was left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// The sections of a process at work. Dropping it ends them.
#[derive(Debug, Default)]
pub struct Service {
    sections: Vec<(Arc<Section>, Vec<JoinHandle<()>>)>,
}

/// Starts the sections of a runtime.
#[must_use]
pub fn start(runtime: &Arc<Runtime>) -> Service {
    let mut service = Service::default();
    service.follow(runtime);
    service
}

impl Service {
    /// Goes on with the sections of another runtime: those that it shares with the one before stay connected.
    pub fn follow(&mut self, runtime: &Arc<Runtime>) {
        let mut before = std::mem::take(&mut self.sections);
        for section in &runtime.peers {
            let known = before.iter().position(|(s, _)| Arc::ptr_eq(s, section));
            let tasks = match known {
                Some(at) => before.swap_remove(at).1,
                None => tasks(runtime, section),
            };
            self.sections.push((section.clone(), tasks));
        }
        before.iter().for_each(end);
    }

    /// Ends the connections with other members, and teaches the process that comes after this one.
    pub fn leave(&mut self, runtime: &Arc<Runtime>) {
        for (section, tasks) in &mut self.sections {
            section.phase.send_replace(Phase::Leaving);
            let leaving = connect::leave(runtime.clone(), section.clone());
            tasks.push(tokio::task::spawn_local(leaving));
        }
    }

    /// Whether the process that comes after this one has been taught, or there is none.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.sections.iter().all(|(section, _)| section.has_left())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.sections.iter().for_each(end);
    }
}

fn end((section, tasks): &(Arc<Section>, Vec<JoinHandle<()>>)) {
    section.phase.send_replace(Phase::Closed);
    for task in tasks {
        task.abort();
    }
}

fn tasks(runtime: &Arc<Runtime>, section: &Arc<Section>) -> Vec<JoinHandle<()>> {
    let others = section.members.iter().enumerate();
    let others = others.filter(|(_, member)| !member.local);
    others
        .map(|(at, _)| {
            tokio::task::spawn_local(connect::keep(runtime.clone(), section.clone(), at))
        })
        .collect()
}

/// Accepts connections to a section until the task is ended.
pub async fn accept(
    runtime: Arc<Runtime>,
    section: Arc<Section>,
    bind: Arc<Bind>,
    fd: AsyncFd<Arc<OwnedFd>>,
) {
    *section.address.lock() = match &bind.address {
        Address::Fd(_) => address_of(&fd),
        address => Some(address.clone()),
    };
    let strangers = Rc::new(tokio::sync::Semaphore::new(STRANGERS));
    loop {
        let Ok(mut ready) = fd.readable().await else {
            return;
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::accept_with(&fd, flags) {
            Ok(accepted) if !crate::listener::is_welcome(&runtime, &accepted) => {}
            Ok(accepted) => {
                let Ok(socket) = Socket::new(accepted) else {
                    continue;
                };
                let (runtime, section) = (runtime.clone(), section.clone());
                let (bind, strangers) = (bind.clone(), strangers.clone());
                tokio::task::spawn_local(async move {
                    let Ok(room) = strangers.try_acquire() else {
                        return;
                    };
                    let greeted = greet(&runtime, &section, &bind, socket.into()).await;
                    drop(room);
                    if let Some((at, number, minor, link)) = greeted {
                        session::run(&runtime, &section, at, number, link, (minor, false)).await;
                    }
                });
            }
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            Err(_) => tokio::time::sleep(EXHAUSTED).await,
        }
    }
}

fn address_of(fd: &AsyncFd<Arc<OwnedFd>>) -> Option<Address> {
    match crate::io::endpoint(rustix::net::getsockname(fd).ok()?)? {
        base::Endpoint::Inet(inet) => Some(Address::Inet(inet)),
        _ => None,
    }
}

/// Hears who has connected, and answers. Yields the place of the member, the number of the connection, and the minor
/// version that is spoken.
async fn greet(
    runtime: &Arc<Runtime>,
    section: &Arc<Section>,
    bind: &Bind,
    mut socket: Transport,
) -> Option<(usize, u64, u8, Link)> {
    let until = clock::now_ms() + PATIENCE;
    if let Some(listener) = &bind.tls {
        socket.secure(tls::Connection::accept(listener.clone()));
        let mut deadline = Deadline::default();
        let shaken = poll_fn(|cx| match socket.poll_handshake(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome.is_ok()),
            Poll::Pending => deadline.poll(cx, Some(until)).map(|()| false),
        });
        if !shaken.await {
            return None;
        }
    }
    let mut link = Link::new(socket);
    let mut never = pin!(std::future::pending());
    let answer = loop {
        match opening(link.input.bytes()) {
            Opening::Partial => {}
            Opening::Refused(answer) => break Err(answer),
            Opening::Complete(hello, len) => {
                let chosen = admit(section, hello.target, hello.name);
                let minor = hello.minor;
                link.input.consume(len);
                break chosen.map(|(at, number)| (at, number, minor));
            }
        }
        match link.wait(until, never.as_mut()).await {
            Ok(Event::Came) => {}
            _ => return None,
        }
    };
    match answer {
        Ok((at, number, minor)) => {
            write_status(&mut link.out, Answer::Succeeded);
            Some((at, number, minor, link))
        }
        Err(answer) => {
            if answer != Answer::TryAgain {
                let from = link
                    .socket
                    .peer()
                    .map_or_else(String::new, |peer| peer.to_string());
                let text = format!(
                    "peers {}: connection from {from} refused with {}.",
                    section.config.name,
                    answer.number()
                );
                tell(runtime, section, &text);
            }
            write_status(&mut link.out, answer);
            link.finish().await;
            None
        }
    }
}

/// Decides on a connection from somebody who says this name.
fn admit(section: &Section, target: &[u8], name: &[u8]) -> Result<(usize, u64), Answer> {
    let own = section.local_name();
    if target != own.as_bytes() {
        return Err(Answer::LocalName);
    }
    let at = section.place_of(name).ok_or(Answer::RemoteName)?;
    let member = section.members.get(at).ok_or(Answer::RemoteName)?;
    if !section.is_running() {
        return Err(Answer::TryAgain);
    }
    let mut state = member.state.lock();
    if state.session != 0 {
        if member.local {
            return Err(Answer::TryAgain);
        }
        state.collisions += 1;
        // Both have connected at the same time: the connection of the greater name stays.
        if state.calling && own.as_bytes() > name {
            return Err(Answer::TryAgain);
        }
    }
    let number = section.next_session();
    (state.session, state.calling) = (number, false);
    state.status = Status::Connecting;
    drop(state);
    member.news.notify_waiters();
    Ok((at, number))
}
