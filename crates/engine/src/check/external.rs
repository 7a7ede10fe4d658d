//! Checks by a program (configuration manual, `external-check command`).

use super::target::Target;
use super::wire::broken;
use crate::clock;
use crate::io::Deadline;
use crate::runtime::Runtime;
use model::live::health::{Outcome, Status};
use model::{Address, Mode};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::future::poll_fn;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::task::Poll;
use std::time::Instant;

/// Runs the program and judges by its exit status.
pub(super) async fn run(runtime: &Runtime, target: &Target) -> Outcome {
    let started = Instant::now();
    let until = clock::now_ms() + target.intervals.normal;
    let mut outcome = match command(runtime, target).spawn() {
        Ok(mut child) => {
            let outcome = watch(&mut child, until).await;
            outcome.unwrap_or_else(|error| {
                let _ = child.kill();
                let _ = child.wait();
                broken(&error)
            })
        }
        // As a program would end that could not be started.
        Err(_) => failed(255),
    };
    outcome.duration = started.elapsed();
    outcome
}

fn failed(code: u16) -> Outcome {
    Outcome {
        code,
        ..Outcome::new(Status::ProgramError)
    }
}

/// Waits for the program's end, or ends it when its time is up.
async fn watch(child: &mut Child, until: u64) -> io::Result<Outcome> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    let end = sys::watch(pidfd_open(pid, PidfdFlags::empty())?)?;
    let mut timer = Deadline::default();
    let ended = poll_fn(|cx| match end.poll_read_ready(cx) {
        Poll::Ready(ready) => Poll::Ready(ready.map(|_| true)),
        Poll::Pending => timer.poll(cx, Some(until)).map(|()| Ok(false)),
    });
    if !ended.await? {
        child.kill()?;
        child.wait()?;
        return Ok(Outcome::new(Status::ProgramTimeout));
    }
    let status = child.wait()?;
    Ok(match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::new(Status::ProgramOk),
        (Some(code), _) => failed(u16::try_from(code).unwrap_or(u16::MAX)),
        _ => failed(u16::MAX),
    })
}

/// Address and port as the program gets them.
fn words(address: &Address) -> (String, Option<String>) {
    match address {
        Address::Inet(inet) => (inet.ip().to_string(), Some(inet.port().to_string())),
        Address::Unix(path) => (path.to_string_lossy().into_owned(), None),
        _ => (String::new(), None),
    }
}

fn command(runtime: &Runtime, target: &Target) -> Command {
    const NOT_USED: &str = "NOT_USED";
    let (proxy, server) = (&target.proxy.config, &target.server.config);
    let external = &proxy.back.external_check;
    let mut command = Command::new(external.command.as_deref().unwrap_or_default());
    let bind = proxy.front.binds.first().map(|bind| words(&bind.address));
    let (proxy_address, proxy_port) = bind.unwrap_or((String::new(), None));
    let (server_address, server_port) = words(&server.address);
    let shown = |text: &str| if text.is_empty() { NOT_USED } else { text }.to_owned();
    let port = |port: &Option<String>| port.clone().unwrap_or_else(|| NOT_USED.into());
    command
        .arg(shown(&proxy_address))
        .arg(port(&proxy_port))
        .arg(shown(&server_address))
        .arg(port(&server_port))
        .stdin(Stdio::null());
    command.env_clear();
    if runtime.snapshot.global.external_check_keeps_env {
        command.envs(runtime.snapshot.environment.iter_os());
    }
    let state = &target.server.state;
    let protocol = match proxy.mode {
        Mode::Http => "h1",
        _ => "tcp",
    };
    let check_path = external.path.as_deref().unwrap_or_default();
    for (name, value) in [
        ("PATH", check_path.to_owned()),
        ("HAPROXY_PROXY_ADDR", proxy_address),
        ("HAPROXY_PROXY_PORT", proxy_port.unwrap_or_default()),
        ("HAPROXY_PROXY_ID", proxy.id.to_string()),
        ("HAPROXY_PROXY_NAME", proxy.name.to_string()),
        ("HAPROXY_SERVER_ADDR", server_address),
        ("HAPROXY_SERVER_PORT", server_port.unwrap_or_default()),
        ("HAPROXY_SERVER_ID", server.id.to_string()),
        ("HAPROXY_SERVER_NAME", server.name.to_string()),
        (
            "HAPROXY_SERVER_MAXCONN",
            target.server.maxconn().to_string(),
        ),
        (
            "HAPROXY_SERVER_CURCONN",
            state.counters.connections.now().to_string(),
        ),
        ("HAPROXY_SERVER_SSL", "0".into()),
        ("HAPROXY_SERVER_PROTO", protocol.into()),
    ] {
        command.env(name, value);
    }
    command
}
