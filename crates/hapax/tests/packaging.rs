//! The files under `packaging/` fit the program.
mod common;

use common::{http, program};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::Signal;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("a file")
}

/// The options that the program's usage names.
fn options() -> Vec<String> {
    let usage = program().arg("-h").run_bare().stderr;
    let lines = usage
        .lines()
        .filter_map(|line| line.strip_prefix("        -"));
    let words = lines.flat_map(|line| {
        let option = |word: &&str| word.starts_with('-') && word.len() > 1;
        let all: Vec<String> = format!("-{line}")
            .split([' ', ',', '<', '['])
            .take_while(|word| word.is_empty() || option(word))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        all
    });
    words.collect()
}

#[test]
fn completions_and_the_manual_page_know_every_option() {
    let known = options();
    assert!(
        known.len() > 30 && known.contains(&"-Ws".to_owned()),
        "{known:?}"
    );
    let bash = read("completions/hapax.bash");
    let words: Vec<&str> = bash
        .split(|c: char| c.is_whitespace() || c == '\'')
        .collect();
    // Those that only old scripts give.
    let inert = ["-dM", "-de", "-dp", "-dG", "-dT"];
    for option in known
        .iter()
        .filter(|option| !inert.contains(&option.as_str()))
    {
        assert!(
            words.contains(&option.as_str()),
            "{option} is not completed"
        );
    }
    let man = read("man/hapax.1").replace("\\-", "-");
    for option in &known {
        let named = |word: &str| word.trim_matches(['"', ',']) == option;
        assert!(
            man.split_whitespace().any(named),
            "{option} is not in the manual page"
        );
    }
    let (zsh, fish) = (read("completions/_hapax"), read("completions/hapax.fish"));
    for option in ["-W", "-Ws", "-S", "-x", "-sf", "-c"] {
        assert!(zsh.contains(&format!("{option}[")), "{option}");
        assert!(fish.contains(&format!(" -o {} ", &option[1..])), "{option}");
    }
}

/// The arguments of a line of the unit, its variables filled in.
fn arguments(line: &str, config: &str, socket: &str) -> Vec<String> {
    let words = line.split(' ').skip(1).flat_map(|word| match word {
        "$CONFIG" => vec![config.to_owned()],
        "$PIDFILE" => vec![format!("{socket}.pid")],
        "$EXTRAOPTS" => vec!["-S".to_owned(), socket.to_owned()],
        word => vec![word.to_owned()],
    });
    words.collect()
}

#[test]
fn the_unit_starts_and_checks() {
    let unit = read("systemd/hapax.service");
    let line = |key: &str| {
        unit.lines()
            .find_map(|line| line.strip_prefix(key))
            .expect("a line")
    };
    let running = http()
        .config("frontend in\n  bind {fe}\n  http-request return status 200")
        .start();
    let config = running.path("haproxy.cfg").display().to_string();
    let socket = running.path("master").display().to_string();
    let mut check = program();
    for word in arguments(line("ExecReload="), &config, &socket) {
        check = check.arg(&word);
    }
    let exit = check.run_bare();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    drop(running);
    let mut start = http().config("frontend in\n  bind {fe}\n  http-request return status 200");
    let words = arguments(line("ExecStart="), "", "{tmp}/master");
    for word in words
        .iter()
        .filter(|word| !word.is_empty() && *word != "-f")
    {
        start = start.arg(word);
    }
    let mut service = start.start();
    assert_eq!(service.connect("fe").get("/").status(), 200);
    let pid = std::fs::read_to_string(service.path("master.pid")).expect("a number");
    assert_eq!(pid.trim(), service.pid().to_string());
    service.signal(Signal::TERM);
    assert_eq!(service.wait(std::time::Duration::from_secs(5)), Some(0));
}

#[test]
fn the_check_script_tells_whether_it_works() {
    if !Command::new("socat")
        .arg("-V")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        // The script needs it.
        return;
    }
    let mut running = http()
        .config("global\n  stats socket {tmp}/api level user\nfrontend in\n  bind {fe}\n  http-request return status 200")
        .start();
    let check = |socket: &Path| {
        let script = folder().join("keepalived/check_hapax");
        let status = Command::new("sh").arg(script).arg(socket).status();
        status.is_ok_and(|status| status.success())
    };
    let socket = running.path("api");
    assert!(check(&socket));
    running.signal(Signal::TERM);
    running.wait(std::time::Duration::from_secs(5));
    assert!(!check(&socket));
    assert!(!check(Path::new("/nonexistent")));
}
