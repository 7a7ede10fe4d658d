//! Peers: how far each of them is.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::clock;
use engine::peers::{Answer, Member, MemberState, Resync, Section, Shared, Status, TableState};
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "peers"],
    level: Level::User,
    args: "[dict|-] [section]",
    doc: "dump some information about all the peers or this peers section",
    run: show,
}];

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (dictionary, name) = match args.get(0) {
        "dict" => (true, args.get(1)),
        "-" => (false, args.get(1)),
        name => (false, name),
    };
    let sections = &context.runtime.peers;
    if !name.is_empty() && !sections.iter().any(|section| *section.config.name == *name) {
        return reply.error("No such peers");
    }
    let wanted = |section: &&Arc<Section>| name.is_empty() || *section.config.name == *name;
    let mut first = true;
    for section in sections.iter().filter(wanted) {
        let mut out = String::new();
        if !std::mem::take(&mut first) {
            out.push('\n');
        }
        write_section(section, dictionary, &mut out);
        reply.plain(format_args!("{out}"));
    }
}

/// What stands for a place in memory.
fn place<T: ?Sized>(of: &T) -> usize {
    std::ptr::from_ref(of).cast::<u8>().addr()
}

fn write_section(section: &Arc<Section>, dictionary: bool, out: &mut String) {
    let now = clock::now_ms();
    let resync = section.resync();
    let timeout = match resync.wait(now) {
        Some(left) => format!("{}s", left.div_ceil(1000)),
        None => "<PAST>".to_owned(),
    };
    // Whether the process before, and the other peers, have nothing more to teach.
    let flags = match resync {
        Resync::Local(_) => 0,
        Resync::Remote { .. } => 1,
        Resync::Done => 3,
    };
    let _ = writeln!(
        out,
        "{:#x}: [{}] id={} disabled=0 flags={flags:#x} resync_timeout={timeout} task_calls={}",
        place(&**section),
        date(section.since),
        section.config.name,
        section.connections(),
    );
    for member in &section.members {
        write_member(section, member, dictionary, now, out);
    }
}

/// The date of a moment in milliseconds since the start.
fn date(moment: u64) -> String {
    let now = clock::date();
    let ago = (clock::now_ms().saturating_sub(moment) / 1000) as i64;
    let (seconds, mut out) = (now.seconds - ago, Vec::new());
    expr::logformat::write_clf_date(seconds, sys::utc_offset(seconds), &mut out);
    let text = String::from_utf8_lossy(&out);
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn write_member(section: &Section, member: &Member, dictionary: bool, now: u64, out: &mut String) {
    let state = member.state.lock();
    let established = state.status == Status::Established;
    let until = |moment: Option<u64>| match moment.map(|moment| moment.saturating_sub(now)) {
        None => "<NEVER>".to_owned(),
        Some(0) => "<PAST>".to_owned(),
        Some(left) => format!("{}s", left.div_ceil(1000)),
    };
    let ago = match state.handshake {
        Some(at) => format!("{}s", now.saturating_sub(at) / 1000),
        None => "<NEVER>".to_owned(),
    };
    let own = section.address().filter(|_| member.local);
    let address = own.unwrap_or_else(|| member.server.whereabouts.now().address.clone());
    let learning = match section.resync() {
        Resync::Remote { teacher, .. } => {
            let teacher = teacher.and_then(|at| section.members.get(at));
            teacher.is_some_and(|teacher| std::ptr::eq(teacher, member))
        }
        _ => false,
    };
    let _ = writeln!(
        out,
        "  {:#x}: id={}({},{}) addr={} app_state={} learn_state={} last_status={} last_hdshk={ago}",
        place(member),
        member.server.config.name,
        if member.local { "local" } else { "remote" },
        if established { "active" } else { "inactive" },
        text(&address),
        if established { "RUNNING" } else { "STOPPED" },
        if learning {
            "PROCESSING"
        } else {
            "NOTASSIGNED"
        },
        status(state.status),
    );
    let _ = writeln!(
        out,
        "        reconnect={} heartbeat={} confirm={} tx_hbt={} rx_hbt={} no_hbt={} new_conn={} proto_err={} coll={}",
        until(state.reconnect.filter(|_| !member.local)),
        until(state.heartbeat.filter(|_| established)),
        u8::from(state.teaching),
        state.heartbeats.0,
        state.heartbeats.1,
        state.silences,
        state.connections,
        state.faults,
        state.collisions,
    );
    let _ = write!(out, "        flags={:#x}", u8::from(state.teaching));
    if let Some((local, remote, secure)) = &state.ends {
        let xprt = if *secure { "SSL" } else { "RAW" };
        let _ = write!(
            out,
            " appctx:{:#x} st0=7 st1=0 task_calls={} state=EST\n        xprt={xprt} src={local} addr={remote}",
            place(&state.session),
            state.session
        );
    }
    out.push('\n');
    write_tables(section, member, &state, dictionary, out);
}

fn write_tables(
    section: &Section,
    member: &Member,
    state: &MemberState,
    dictionary: bool,
    out: &mut String,
) {
    let tables = || section.tables.iter().zip(&state.tables).enumerate();
    let line = |label: &str, (at, (shared, table)): (usize, (&Shared, &TableState))| {
        format!(
            "        {label}:{:#x} id={} local_id={} remote_id={}\n",
            place(table),
            shared.table.name(),
            at + 1,
            table.remote_id
        )
    };
    if let Some(found) = tables().rfind(|(_, (_, table))| table.last_get > 0) {
        out.push_str(&line("remote_table", found));
    }
    if let Some(found) = tables().rfind(|(_, (_, table))| table.last_pushed > 0) {
        out.push_str(&line("last_local_table", found));
    }
    if !section.tables.is_empty() {
        out.push_str("        shared tables:\n");
    }
    for (at, (shared, table)) in tables() {
        let updates = shared.table.update_count();
        let _ = write!(
            out,
            "          {:#x} local_id={} remote_id={} flags=0x0 remote_data={:#x}\n              last_acked={} last_pushed={} last_get={} teaching_origin=0 update={updates}\n              table:{:#x} id={} update={updates} localupdate={updates} refcnt={}\n",
            place(table),
            at + 1,
            table.remote_id,
            table.remote_data,
            table.last_acked,
            table.last_pushed,
            table.last_get,
            place(&*shared.table),
            shared.table.name(),
            section.members.len(),
        );
    }
    match dictionary {
        false => out.push_str("        Dictionary cache not dumped (use \"show peers dict\")\n"),
        true => write_dictionary(member, state, out),
    }
}

fn write_dictionary(_: &Member, state: &MemberState, out: &mut String) {
    out.push_str("        TX dictionary cache:\n");
    for (at, text) in state.sent.texts().enumerate() {
        let _ = writeln!(out, "        {at:>5} -> {text}");
    }
    out.push_str("        RX dictionary cache:\n");
    let known = state.learned.texts().enumerate();
    for (at, text) in known.filter_map(|(at, text)| Some((at, text?))) {
        let _ = writeln!(out, "        {at:>5} -> {text}");
    }
}

fn text(address: &model::Address) -> String {
    use model::Address;
    match address {
        Address::Inet(inet) => inet.to_string(),
        Address::Unix(path) => path.display().to_string(),
        Address::Abstract { name, .. } => format!("abns@{}", String::from_utf8_lossy(name)),
        Address::Fd(number) => format!("fd@{number}"),
        Address::SocketPair(number) => format!("sockpair@{number}"),
        Address::Reverse(name) => format!("rhttp@{name}"),
    }
}

/// A status as HAProxy abbreviates it.
fn status(status: Status) -> &'static str {
    match status {
        Status::None => "NONE",
        Status::Connecting => "CONN",
        Status::Established | Status::Lost => "ESTA",
        Status::Answered(answer) => match answer {
            Answer::Succeeded => "ESTA",
            Answer::TryAgain => "RETR",
            Answer::ProtocolError => "PROT",
            Answer::BadVersion => "VERS",
            Answer::LocalName => "NAME",
            Answer::RemoteName => "UNKN",
        },
    }
}
