//! A worker's end of the channel to its master.

use super::channel::{self, Opening};
use crate::connection;
use engine::io::Socket;
use engine::runtime::{Process, Runtime};
use model::{Address, Bind};
use rustix::net::SendFlags;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

/// Lets this process serve its master: say that it is ready once it serves, and take connections from it.
pub fn attach(channel: OwnedFd) {
    engine::api::set_service(Box::new(move |runtime| {
        Box::pin(async move {
            // Without the event loop there is no worker at all, and without the master nobody to serve.
            let _ = serve(runtime, channel).await;
        }) as Pin<Box<dyn Future<Output = ()>>>
    }));
}

async fn serve(runtime: Arc<Runtime>, channel: OwnedFd) -> io::Result<()> {
    let process = runtime.process.clone();
    drop(runtime);
    let channel = sys::watch(channel)?;
    rustix::net::send(&channel, channel::READY, SendFlags::NOSIGNAL)?;
    loop {
        let mut ready = channel.readable().await?;
        match channel::receive(&channel) {
            // The master is gone. What it started serves on.
            Ok((message, _)) if message.is_empty() => return Ok(()),
            Ok((message, fds)) => {
                if let (Some(opening), Some(fd)) =
                    (Opening::decode(&message), fds.into_iter().next())
                {
                    accept(&process, opening, fd);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn accept(process: &Process, opening: Opening, fd: OwnedFd) {
    let (Some(runtime), Ok(socket)) = (process.current(), Socket::new(fd)) else {
        return;
    };
    let mut bind = Bind::new(Address::SocketPair(0), (Arc::from("master-socket"), 0));
    bind.level = opening.level as u8;
    bind.expose_fd = true;
    model::live::count(&process.accepted, 1);
    tokio::task::spawn_local(connection::serve_master(runtime, bind, socket, opening));
}
