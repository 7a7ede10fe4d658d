//! `reload`: another configuration in place of the running one, without another process.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest};
use engine::reload::Change;
use engine::runtime::Runtime;
use std::sync::{Arc, OnceLock};

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["reload"],
    level: Level::Admin,
    args: "[--dry-run]",
    doc: "read the configuration again and put it in place",
    run: reload,
}];

/// What reading the configuration again came to.
pub struct Plan {
    /// What is to be told: messages about the files, and what changes.
    pub text: String,
    /// What workers are to change to; `None` when nothing is, be it that there are faults or that nothing is asked for.
    pub change: Option<Arc<Change>>,
    /// Called once the change has taken place.
    pub adopted: Option<Box<dyn FnOnce() + Send>>,
}

/// Reads the configuration again, beside the given runtime; `true` for a dry run. Runs on a thread of its own.
pub type Planner = Box<dyn Fn(&Arc<Runtime>, bool) -> Plan + Send + Sync>;

static PLANNER: OnceLock<Planner> = OnceLock::new();
/// One reload at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Says how the configuration is read again; the first to say so stays.
pub fn set_planner(planner: Planner) {
    let _ = PLANNER.set(planner);
}

fn reload(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let dry = match args.0 {
        [] => false,
        [word] if word == "--dry-run" => true,
        _ => return reply.error("'reload' only supports '--dry-run' as an argument."),
    };
    let Some(planner) = PLANNER.get() else {
        return reply.error("The configuration can't be read again.");
    };
    let first = context.runtime.clone();
    reply.rest = Rest::Task(Box::pin(
        async move { carry_out(planner, &first, dry).await },
    ));
}

async fn carry_out(planner: &'static Planner, first: &Arc<Runtime>, dry: bool) -> String {
    let _turn = TURN.lock().await;
    let running = first.process.current().unwrap_or_else(|| first.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let beside = running.clone();
    let reading = std::thread::Builder::new()
        .name("reload".to_owned())
        .spawn(move || {
            // Nobody waits any more once the process ends.
            let _ = sender.send(planner(&beside, dry));
        });
    let plan = match reading {
        Ok(_) => receiver.await.ok(),
        Err(_) => None,
    };
    let Some(plan) = plan else {
        return "Success=0\n--\nThe configuration could not be read.\n".to_owned();
    };
    let success = plan.change.is_some() || plan.adopted.is_some();
    if let Some(change) = plan.change {
        engine::reload::commit(&running, change).await;
        // Tearing down a large configuration takes its time, which no worker has.
        let _ = std::thread::Builder::new().spawn(move || drop(running));
    }
    if let Some(adopted) = plan.adopted {
        adopted();
    }
    format!("Success={}\n--\n{}", u8::from(success), plan.text)
}
