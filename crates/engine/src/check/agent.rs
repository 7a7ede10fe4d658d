//! Asking a server's agent, and doing what it says (configuration manual, `agent-check`).

use super::probe::{LONGEST_INFO, Probe};
use super::target::Target;
use super::wire::{Broken, broken, unreachable};
use crate::clock;
use crate::health;
use crate::runtime::Runtime;
use model::live::health::{Finder, Outcome, Status};
use model::live::{Admin, weight};
use std::sync::Arc;
use std::time::Instant;
use wire::check::{AgentReply, Availability};

/// Asks the agent of a server.
pub(super) async fn run(runtime: &Arc<Runtime>, target: &Target) {
    let started = Instant::now();
    let mut probe = Probe::new(runtime, target);
    let mut outcome = match ask(&mut probe).await {
        Ok(line) => obey(runtime, target, &line),
        Err(outcome) => outcome,
    };
    probe.line.close(false);
    outcome.duration = started.elapsed();
    health::conclude(
        runtime,
        &target.proxy,
        &target.server,
        Finder::Agent,
        outcome,
    );
}

/// Gets the agent's line.
async fn ask(probe: &mut Probe<'_>) -> Result<Vec<u8>, Outcome> {
    let (runtime, target) = (probe.runtime, probe.target);
    let timeouts = &target.proxy.config.timeouts;
    let way = target.agent_way();
    let mut until = probe.until;
    if let (Some(_), Some(connect)) = (timeouts.check, timeouts.connect) {
        until = until.min(clock::now_ms() + connect);
    }
    let send = target.server.check_places.lock().agent_send.clone();
    let connected = probe
        .line
        .connect(runtime, target, &way, until, send.is_none())
        .await;
    connected.map_err(|error| unreachable(&error, &way.route.address))?;
    if let Some(check) = timeouts.check {
        until = clock::now_ms() + check;
    }
    let interrupted = |error: Broken| match error {
        Broken::Timeout => Outcome::new(Status::L7Timeout),
        Broken::Error(error) => broken(&error),
    };
    if let Some(send) = send {
        let sent = probe.line.send(send.as_bytes(), until).await;
        sent.map_err(interrupted)?;
    }
    loop {
        let bytes = probe.line.input.bytes();
        if let Some(line) = AgentReply::line(bytes) {
            return Ok(line.to_vec());
        }
        if probe.line.ended {
            let (status, info): (_, &[u8]) = match bytes {
                [] => (
                    Status::L7Response,
                    b"TCPCHK got an empty response at step 2",
                ),
                _ => (Status::L7Timeout, b"Ignoring incomplete line from agent"),
            };
            return Err(Outcome {
                info: Some(info.into()),
                ..Outcome::new(status)
            });
        }
        let received = probe.line.receive(until).await;
        received.map_err(interrupted)?;
    }
}

/// Does what an agent's line says, but for the operating state, which the result tells.
fn obey(runtime: &Arc<Runtime>, target: &Target, line: &[u8]) -> Outcome {
    let (proxy, server) = (&target.proxy, &target.server);
    let idx = server.config.idx;
    let reply = AgentReply::parse(line);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(word) = reply.unknown {
        return noted(format!("agent reports an error : {}", text(word)));
    }
    let mut warning = None;
    if let Some(words) = reply.weight {
        let initial = server.config.settings.weight;
        match weight::parse(&text(words), initial) {
            Ok(new) if new != 0 && new != initial && !proxy.dispatch.is_dynamic() => {
                warning = Some(
                    "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.",
                );
            }
            Ok(new) => proxy.dispatch.set_weight(proxy, idx, new),
            Err(why) => warning = Some(why),
        }
    }
    if let Some(words) = reply.maxconn {
        match weight::parse_maxconn(&text(words)) {
            Ok(maxconn) => proxy.dispatch.set_maxconn(proxy, idx, maxconn),
            Err(why) => warning = Some(why),
        }
    }
    if let Some(wanted) = reply.availability {
        let own = match wanted {
            Availability::Ready => 0,
            Availability::Drain => Admin::DRAIN.0,
            Availability::Maintenance => Admin::MAINT.0,
        };
        let kept = Admin::CONFIGURED.0 | Admin::INHERITED.0 | Admin::INHERITED_DRAIN.0;
        let admin = Admin(server.state.admin().0 & kept | own);
        // Who comes back from maintenance and is said to be up must not wait for this very word.
        let up = reply.state.is_some_and(|state| state.up);
        if up && server.state.admin().in_maintenance() {
            server.state.health.lock().force(Finder::Agent, true);
        }
        health::set_admin(runtime, proxy, server, admin);
    }
    if let Some(state) = reply.state {
        let mut info = format!("via agent : {}", text(state.word));
        if !state.description.is_empty() {
            info.push_str(&format!(" ({})", text(state.description)));
        }
        let status = if state.up {
            Status::L7Ok
        } else {
            Status::L7Status
        };
        return told(status, info);
    }
    match warning {
        Some(why) => noted(format!("agent warns : {why}")),
        None => Outcome::new(Status::Checked),
    }
}

fn noted(info: String) -> Outcome {
    told(Status::Checked, info)
}

fn told(status: Status, info: String) -> Outcome {
    let mut info = info.into_bytes();
    info.truncate(LONGEST_INFO);
    Outcome {
        info: Some(info.into()),
        ..Outcome::new(status)
    }
}
