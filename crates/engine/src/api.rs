//! The runtime API's listeners: they accept, and hand connections to whoever answers commands.

use crate::io::Socket;
use crate::profile::{self, profiled};
use crate::runtime::Runtime;
use model::Bind;
use model::live::count;
use rustix::net::SocketFlags;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::OwnedSemaphorePermit;

/// What the process does besides, on its first worker, from its start to its end.
pub type Service = Box<dyn FnOnce(Arc<Runtime>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

static SERVICE: parking_lot::Mutex<Option<Service>> = parking_lot::Mutex::new(None);

/// Says what the process does besides serving, before the workers start.
pub fn set_service(service: Service) {
    *SERVICE.lock() = Some(service);
}

/// Starts what was said with [`set_service`]; called on the first worker's thread.
pub(crate) fn start_service(runtime: &Arc<Runtime>) {
    let service = SERVICE.lock().take();
    if let Some(service) = service {
        tokio::task::spawn_local(service(runtime.clone()));
    }
}

/// Serves one connection to its end.
pub type Handler = fn(Arc<Runtime>, Arc<Bind>, Socket) -> Pin<Box<dyn Future<Output = ()>>>;

static HANDLER: OnceLock<Handler> = OnceLock::new();

/// How long to wait when no descriptor was left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Says who serves connections to the runtime API; the first to say so stays. Without anybody they are closed at once.
pub fn set_handler(handler: Handler) {
    let _ = HANDLER.set(handler);
}

/// Accepts connections to the runtime API until the task is ended, `stats maxconn` at a time over all of its sockets.
pub async fn accept(runtime: Arc<Runtime>, bind: Arc<Bind>, fd: AsyncFd<Arc<OwnedFd>>) {
    loop {
        let Ok(mut ready) = fd.readable().await else {
            return;
        };
        let room = runtime.process.api_room.clone().acquire_owned().await;
        let Ok(room) = room else {
            return;
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::accept_with(&fd, flags) {
            Ok(socket) if !crate::listener::is_welcome(&runtime, &socket) => {}
            Ok(socket) => start(&runtime, &bind, socket, room),
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            Err(_) => {
                drop(room);
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn start(runtime: &Arc<Runtime>, bind: &Arc<Bind>, socket: OwnedFd, room: OwnedSemaphorePermit) {
    count(&runtime.process.accepted, 1);
    let (Some(handler), Ok(socket)) = (HANDLER.get(), Socket::new(socket)) else {
        return;
    };
    let serving = handler(runtime.clone(), bind.clone(), socket);
    let serving = async move {
        serving.await;
        drop(room);
    };
    tokio::task::spawn_local(profiled(profile::Command, serving));
}
