//! The master: what it says, how it ends, its runtime API, and reloads.
mod common;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use common::{change, http};
use testkit::{Builder, Client, Program, Signal, eventually};

const WAIT: Duration = Duration::from_secs(5);

/// A frontend that answers by itself.
fn answering(text: &str) -> String {
    format!(
        "frontend in\n  bind {{fe}}\n  http-request return status 200 content-type text/plain string {text}"
    )
}

/// A master with a runtime API in `{tmp}/master`.
fn master() -> Builder {
    http()
        .config(&answering("first"))
        .arg("-W")
        .arg("-S")
        .arg("{tmp}/master")
}

/// What the master answers to lines.
#[track_caller]
fn ask(program: &Program, lines: &str) -> String {
    ask_at(&program.path("master"), lines)
}

#[track_caller]
fn ask_at(path: &Path, lines: &str) -> String {
    try_ask_at(path, lines).expect("an answer")
}

/// As [`ask_at`], where a reload may end the connection.
fn try_ask_at(path: &Path, lines: &str) -> std::io::Result<String> {
    let mut client = Client::unix(path);
    client.conn().send(format!("{lines}\n"))?;
    client.conn().shutdown_write()?;
    let answer = client.conn().read_to_end()?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The numbers of the workers, the current ones first.
#[track_caller]
fn workers(program: &Program) -> Vec<i32> {
    workers_of(&ask(program, "show proc"))
}

/// As [`workers`], while a reload may be under way.
fn workers_meanwhile(program: &Program) -> Vec<i32> {
    workers_of(&try_ask_at(&program.path("master"), "show proc").unwrap_or_default())
}

fn workers_of(table: &str) -> Vec<i32> {
    let rows = table.lines().filter(|line| line.contains(" worker "));
    let pids = rows.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    pids.collect()
}

fn send(pid: i32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a process number");
    rustix::process::kill_process(pid, signal).expect("a process");
}

#[track_caller]
fn answer(program: &Program) -> String {
    program.connect("fe").get("/").text()
}

#[test]
fn a_master_and_its_worker() {
    let mut program = master().start();
    assert_eq!(answer(&program), "first");
    let pid = program.pid();
    let [worker] = workers(&program)[..] else {
        panic!("one worker");
    };
    let table = ask(&program, "show proc");
    assert!(
        table.contains(&format!(
            "\n{pid:<15} master          0 [failed: 0]   0d00h00m0"
        )),
        "{table}"
    );
    program.signal(Signal::TERM);
    assert_eq!(program.wait(WAIT), Some(0));
    let told = program.stderr();
    for line in [
        format!("[NOTICE]   ({pid}) : Initializing new worker ({worker})\n"),
        format!("[NOTICE]   ({pid}) : Loading success.\n"),
        format!("[WARNING]  ({pid}) : Exiting Master process...\n"),
        format!(
            "[ALERT]    ({pid}) : Current worker ({worker}) exited with code 143 (Terminated)\n"
        ),
        format!("[WARNING]  ({pid}) : All workers exited. Exiting... (0)\n"),
    ] {
        assert!(told.contains(&line), "{line}in\n{told}");
    }
}

#[test]
fn signals_are_passed_on() {
    for (signal, code, word) in [
        (Signal::INT, 130, "130 (Interrupt)"),
        (Signal::USR1, 0, "0 (Exit)"),
    ] {
        let mut program = master().start();
        assert_eq!(answer(&program), "first");
        program.signal(signal);
        assert_eq!(program.wait(WAIT), Some(code));
        assert!(
            program
                .stderr()
                .contains(&format!("exited with code {word}\n"))
        );
    }
}

#[test]
fn the_keyword_makes_a_master() {
    let mut program = http()
        .config("global\n  master-worker no-exit-on-failure")
        .config(&answering("x"))
        .start();
    assert_eq!(answer(&program), "x");
    assert!(program.stderr().contains("Initializing new worker"));
    program.signal(Signal::TERM);
    assert_eq!(program.wait(WAIT), Some(0));
}

#[test]
fn a_killed_worker_takes_all_along() {
    let mut program = master().start();
    send(workers(&program)[0], Signal::KILL);
    assert_eq!(program.wait(WAIT), Some(137));
    let told = program.stderr();
    assert!(told.contains("exited with code 137 (Killed)\n"), "{told}");
    assert!(
        told.contains("exit-on-failure: killing every processes with SIGTERM\n"),
        "{told}"
    );
}

#[test]
fn a_faulty_start_fails() {
    let exit = http().config("bogus").arg("-W").run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("Failed to load worker ("),
        "{}",
        exit.stderr
    );
    assert!(
        !exit.stderr.contains("All workers exited"),
        "{}",
        exit.stderr
    );
}

#[test]
fn its_runtime_api_needs_a_master() {
    let exit = http()
        .config(&answering("x"))
        .arg("-S")
        .arg("{tmp}/m")
        .run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains(
            "a master CLI socket was defined, but master-worker mode (-W) is not enabled."
        ),
        "{}",
        exit.stderr
    );
}

#[test]
fn the_background_begins_when_the_worker_serves() {
    let exit = http()
        .config(&answering("x"))
        .arg("-W")
        .arg("-D")
        .arg("-p")
        .arg("/nonexistent/pid")
        .config("bogus")
        .run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(
        exit.stderr.contains(" exited with code 1 (Exit)\n"),
        "{}",
        exit.stderr
    );
}

#[test]
fn commands_reach_the_worker_or_the_master() {
    let program = master().start();
    let worker = workers(&program)[0];
    assert_eq!(ask(&program, "show version"), "3.4.0\n\n");
    assert_eq!(
        ask(&program, "@1 show version; show version"),
        "3.4.0\n\n3.4.0\n\n"
    );
    let info = ask(&program, &format!("@!{worker} show info"));
    assert!(info.contains(&format!("\nPid: {worker}\n")) && info.contains("\nProcess_num: 1\n"));
    assert_eq!(ask(&program, "@@1 echo a\\;b; echo c"), "a;b\n\nc\n\n");
    assert_eq!(
        ask(&program, "prompt\n@1\necho x\n@\necho y"),
        format!("master> {worker}> x\n\n{worker}> master> y\n\nmaster> ")
    );
    assert_eq!(
        ask(&program, "prompt\nexpert-mode on\nexperimental-mode on"),
        "master> master(e)> master(xe)> "
    );
    assert_eq!(
        ask(&program, "@2 show info"),
        "Can't find the target PID matching the prefix '@2'\n"
    );
    assert!(ask(&program, "bogus").starts_with("Unknown command: 'bogus', but maybe"));
    assert_eq!(
        ask(&program, "show env HAPROXY_MWORKER"),
        "HAPROXY_MWORKER=1\n\n"
    );
    assert_eq!(
        ask(&program, "@1 show env HAPROXY_MWORKER"),
        "HAPROXY_MWORKER=1\n\n"
    );
    let logs = ask(&program, "show startup-logs");
    assert!(logs.contains("Loading success.\n"), "{logs}");
    assert_eq!(
        ask(&program, "@@1\necho a\necho b\nquit\necho lost"),
        "a\n\nb\n\n"
    );
}

#[test]
fn levels_hold_for_workers_too() {
    let program = http()
        .config(&answering("x"))
        .arg("-W")
        .arg("-S")
        .arg("{tmp}/master,level,user")
        .start();
    for command in [
        "show proc",
        "reload",
        "hard-reload",
        "show startup-logs",
        "show env",
    ] {
        assert_eq!(ask(&program, command), "Permission denied\n\n", "{command}");
    }
    assert_eq!(ask(&program, "@1 show cli level"), "user\n\n");
    assert_eq!(
        ask(&program, "@1 disable frontend in"),
        "Permission denied\n\n"
    );
    let program = master().start();
    assert_eq!(ask(&program, "@1 show cli level"), "admin\n\n");
    assert_eq!(
        ask(&program, "operator\n@1 show cli level"),
        "\noperator\n\n"
    );
}

#[test]
fn a_reload_replaces_the_worker() {
    let mut program = master().start();
    let first = workers(&program)[0];
    change(&program, "string first", "string second");
    let told = ask(&program, "reload");
    assert!(
        told.starts_with("Success=1\n--\n") && told.contains("Loading success.\n"),
        "{told}"
    );
    let second = workers(&program)[0];
    assert_ne!(first, second);
    assert!(eventually(WAIT, || answer(&program) == "second"));
    assert!(eventually(WAIT, || workers_meanwhile(&program) == [second]));
    assert!(program.stderr().contains(&format!(
        "Former worker ({first}) exited with code 0 (Exit)\n"
    )));
    change(&program, "string second", "string third");
    program.signal(Signal::USR2);
    assert!(eventually(WAIT, || answer(&program) == "third"));
    let told = ask(&program, "hard-reload");
    assert!(told.starts_with("Success=1\n"), "{told}");
    let table = ask(&program, "show proc");
    assert!(table.contains("master          3 [failed: 0]"), "{table}");
}

#[test]
fn a_signal_changes_the_configuration_in_place_where_it_can() {
    let mut program = master().start();
    let first = workers(&program);
    let mut kept = program.connect("fe");
    assert_eq!(kept.get("/").text(), "first");
    change(&program, "string first", "string second");
    program.signal(Signal::USR2);
    assert!(eventually(WAIT, || answer(&program) == "second"));
    assert_eq!(kept.get("/").header("connection"), None);
    let text = format!("Worker ({}) goes on with the new configuration\n", first[0]);
    assert!(eventually(WAIT, || program.stderr().contains(&text)));
    assert_eq!(workers(&program), first);
    assert!(ask(&program, "show proc").contains("master          1 [failed: 0]"));
    let logs = ask(&program, "show startup-logs");
    assert!(logs.contains("frontend in: changed\n"), "{logs}");
    change(&program, "nbthread 1", "nbthread 2");
    program.signal(Signal::USR2);
    assert!(eventually(WAIT, || {
        let now = workers_meanwhile(&program);
        now.len() == 1 && now != first
    }));
    change(&program, "string second", "bogus");
    program.signal(Signal::HUP);
    assert!(eventually(WAIT, || {
        let table = try_ask_at(&program.path("master"), "show proc");
        table.is_ok_and(|table| table.contains("[failed: 1]"))
    }));
    assert_eq!(answer(&program), "second");
}

#[test]
fn a_faulty_reload_leaves_the_old_worker_serving() {
    let mut program = master().start();
    let first = workers(&program)[0];
    change(&program, "string first", "string second\n  bogus");
    let told = ask(&program, "reload");
    assert!(told.starts_with("Success=0\n--\n"), "{told}");
    assert!(told.contains("unknown keyword 'bogus'"), "{told}");
    assert_eq!(answer(&program), "first");
    let table = ask(&program, "show proc");
    assert!(table.contains("master          1 [failed: 1]"), "{table}");
    assert!(
        table.contains(&format!("# workers\n# old workers\n{first} ")),
        "{table}"
    );
    assert_eq!(
        ask(&program, "prompt\necho x"),
        "master[ReloadFailed]> x\n\nmaster[ReloadFailed]> "
    );
    assert_eq!(ask(&program, &format!("@!{first} echo x")), "x\n\n");
    change(&program, "  bogus", "");
    assert!(ask(&program, "reload").starts_with("Success=1\n"));
    assert!(eventually(WAIT, || answer(&program) == "second"));
    program.signal(Signal::TERM);
    assert_eq!(program.wait(WAIT), Some(0));
}

#[test]
fn workers_that_survive_too_many_reloads_are_ended() {
    let program = http()
        .config("global\n  mworker-max-reloads 1")
        .config(&answering("x"))
        .arg("-W")
        .arg("-S")
        .arg("{tmp}/master")
        .start();
    let first = workers(&program)[0];
    let mut unfinished = program.connect("fe");
    unfinished.send("GET / HTTP/1.1\r\nHost:");
    assert!(eventually(WAIT, || ask(&program, "@1 show info")
        .contains("\nCurrConns: 1\n")));
    assert!(ask(&program, "reload").starts_with("Success=1\n"));
    assert!(workers(&program).contains(&first));
    assert!(ask(&program, "reload").starts_with("Success=1\n"));
    let text = format!(
        "Former worker ({first}) exited with code 143 (Terminated), as it exceeds max reloads (1)\n"
    );
    assert!(
        eventually(WAIT, || program.stderr().contains(&text)),
        "{}",
        program.stderr()
    );
}

#[test]
fn systemd_is_told() {
    let name = format!("hapax-test-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let manager = UnixDatagram::bind_addr(&address).expect("a socket");
    manager.set_read_timeout(Some(WAIT)).expect("a timeout");
    let next = || {
        let mut room = [0; 256];
        let n = manager.recv(&mut room).expect("a message");
        String::from_utf8_lossy(&room[..n]).into_owned()
    };
    let mut program = http()
        .config(&answering("first"))
        .arg("-Ws")
        .env("NOTIFY_SOCKET", &format!("@{name}"))
        .start();
    let ready = format!("READY=1\nMAINPID={}\nSTATUS=Ready.\n", program.pid());
    assert_eq!(next(), ready);
    program.signal(Signal::USR2);
    let reloading = next();
    assert!(
        reloading.starts_with("RELOADING=1\nSTATUS=Reloading Configuration.\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(next(), ready);
    change(&program, "string first", "bogus");
    program.signal(Signal::HUP);
    assert!(next().starts_with("RELOADING=1\n"));
    assert_eq!(next(), "READY=1\nSTATUS=Reload failed!\n");
    program.signal(Signal::TERM);
    assert_eq!(next(), "STOPPING=1");
}
