//! What a session of the runtime API may do: modes, levels, variables, hashed names; and what is refused by name.
mod common;

use common::api::{SOCKETS, ask, ask_on};
use common::http;
use testkit::{Client, Program, Server, handlers};

fn answers(program: &Program, chain: &str) -> Vec<String> {
    let answer = ask(program, chain);
    let mut parts: Vec<String> = answer.split("\n\n").map(str::to_owned).collect();
    // The last answer ends with an empty line, too.
    parts.pop();
    parts
}

fn plain() -> Program {
    http()
        .config("global\n  set-var proc.n int(5)\n  set-var proc.s str(some)\n")
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n  http-request return status 200 hdr x-v %[var(proc.s)]-%[var(proc.late)]\n")
        .start()
}

#[test]
fn variables_are_read_and_set() {
    let program = plain();
    for (command, expected) in [
        ("get var proc.n", "proc.n: type=sint value=<5>"),
        ("get var proc.s", "proc.s: type=str value=<some>"),
        ("get var proc.none", "Variable not found."),
        ("get var txn.n", "Variable not found."),
        ("get var", "Missing process-wide variable identifier."),
        (
            "set var proc.n int(1)",
            "This command is restricted to experimental mode only.",
        ),
    ] {
        assert_eq!(
            ask(&program, command),
            format!("{expected}\n\n"),
            "{command}"
        );
    }
    let on = |command: &str| {
        let answer = ask(&program, &format!("experimental-mode on; {command}"));
        answer
            .strip_prefix('\n')
            .map(str::to_owned)
            .expect("an empty answer first")
    };
    for (command, expected) in [
        ("set var", "Missing process-wide variable identifier."),
        (
            "set var proc.x",
            "Missing either 'expr', 'fmt' or expression.",
        ),
        (
            "set var txn.x int(1)",
            "'set var': cannot set variable 'txn.x', only scope 'proc' is permitted here.",
        ),
        ("set var proc.x foo(1)", "unknown fetch method 'foo'"),
        (
            "set var proc.x str(a) foo",
            "'set var': arg type must be either 'expr' or 'fmt' but got 'str(a)'.",
        ),
        ("set var proc.x str(a),nope", "unknown converter 'nope'"),
    ] {
        assert!(
            on(command).starts_with(expected),
            "{command}: {}",
            on(command)
        );
    }
    assert_eq!(
        ask(&program, "get var proc.x"),
        "Variable not found.\n\n",
        "nothing has changed"
    );
    for (command, name, value) in [
        ("set var proc.n int(7)", "proc.n", "sint value=<7>"),
        (
            "set var proc.s expr var(proc.n),add(1)",
            "proc.s",
            "sint value=<8>",
        ),
        (
            "set var proc.late fmt a-%[var(proc.n)]",
            "proc.late",
            "str value=<a-7>",
        ),
        ("set var proc.b bool(true)", "proc.b", "bool value=<1>"),
        (
            "set var proc.i ipv4(1.2.3.4)",
            "proc.i",
            "ipv4 value=<1.2.3.4>",
        ),
        ("set var proc.x bin(00ff)", "proc.x", "bin value=<...>"),
        (
            "set var proc.y str(a),set-var(proc.z)",
            "proc.z",
            "str value=<a>",
        ),
    ] {
        assert_eq!(on(command), "\n", "{command}");
        let answer = ask(&program, &format!("get var {name}"));
        assert_eq!(answer, format!("{name}: type={value}\n\n"), "{command}");
    }
    let answer = Client::connect(program.address("web")).get("/");
    assert_eq!(answer.header("x-v"), Some("8-a-7"));
}

#[test]
fn modes_are_for_administrators_and_go_with_their_level() {
    let program = plain();
    for (chain, expected) in [
        ("expert-mode", vec!["expert-mode is OFF"]),
        ("experimental-mode", vec!["experimental-mode is OFF"]),
    ] {
        assert_eq!(answers(&program, chain), expected, "{chain}");
    }
    assert_eq!(
        ask(
            &program,
            "expert-mode on; expert-mode; expert-mode off; expert-mode"
        ),
        "\nexpert-mode is ON\n\n\nexpert-mode is OFF\n\n"
    );
    assert_eq!(
        ask(&program, "expert-mode on; operator; debug dev log x"),
        "\n\nPermission denied\n\n"
    );
    for command in ["expert-mode on", "experimental-mode"] {
        assert_eq!(
            ask_on(&program, "operator.sock", &format!("{command}\n")),
            "Permission denied\n\n"
        );
    }
    assert_eq!(
        ask(&program, "debug dev log x"),
        "This command is restricted to expert mode only.\n\n"
    );
    let written = ask(&program, "expert-mode on; debug dev write 70");
    assert_eq!(written, format!("\n{}\n......\n\n", ".".repeat(64)));
    assert_eq!(
        ask(&program, "expert-mode on; debug dev write"),
        "\nMissing output size.\n\n"
    );
    let help = ask(&program, "help");
    assert!(
        !help.contains("debug dev log") && !help.contains("expert-mode"),
        "{help}"
    );
}

#[test]
fn names_are_hashed_as_haproxy_hashes_them() {
    let program = http()
        .config(SOCKETS)
        .config("backend be\n  server s1 127.0.0.1:1\n  server s2 127.0.0.1:2\n")
        .start();
    assert_eq!(ask(&program, "show anon"), "Anonymized mode disabled\n\n");
    assert_eq!(
        ask(&program, "set anon on 123; show anon"),
        "\nAnonymized mode enabled\nKey : 123\n\n"
    );
    assert_eq!(
        ask(&program, "set anon on 123; debug dev hash abc"),
        "\n8ce1ba\n\n"
    );
    assert_eq!(ask(&program, "debug dev hash abc"), "abc\n\n");
    for wrong in ["0", "x", "4294967296"] {
        let answer = ask(&program, &format!("set anon on {wrong}"));
        assert_eq!(answer, "Value out of range (1 to 4294967295 expected).\n\n");
    }
    assert_eq!(ask(&program, "set anon global-key 123"), "\n");
    let state = ask(&program, "set anon on; show servers state be");
    assert!(
        state.contains(" ee3a57 1 0a7bc4 127.0.0.1 ") && !state.contains(" be "),
        "{state}"
    );
    let connections = ask(&program, "set anon on; show servers conn");
    assert!(connections.contains("\nee3a57/2dafb7 "), "{connections}");
    let both = ask(&program, "set anon on 5; set anon off; show servers conn");
    assert!(both.contains("\nbe/s1 "), "{both}");
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let program = plain();
    let before = ask(&program, "show version");
    for command in [
        "debug counters",
        "expert-mode on; debug dev exit",
        "expert-mode on; debug dev panic",
        "acme renew x",
    ] {
        let answer = ask(&program, command);
        assert!(answer.contains(" not built"), "{command}: {answer}");
    }
    assert_eq!(ask(&program, "show version"), before);
    let unknown = ask(&program, "shwo sess");
    assert!(
        unknown.starts_with(
            "Unknown command: 'shwo', but maybe one of the following ones is a better match:\n"
        ),
        "{unknown}"
    );
}

#[test]
fn the_sockets_are_in_the_environment() {
    let program = plain();
    let place = |socket| format!("unix@{}", program.path(socket).display());
    let all = ["admin.sock", "operator.sock", "user.sock"]
        .map(place)
        .join(";");
    assert_eq!(
        ask(&program, "show env HAPROXY_CLI"),
        format!("HAPROXY_CLI={all}\n\n")
    );
    assert_eq!(
        ask(&program, "show env NO_SUCH_THING"),
        "Variable not found\n\n"
    );
    assert_eq!(
        ask_on(&program, "user.sock", "show env\n"),
        "Permission denied\n\n"
    );
}

#[test]
fn cookies_of_addresses_are_switched_and_keyed() {
    let server = Server::start(handlers::says("x"));
    let program = http()
        .config(SOCKETS)
        .config("listen web\n  bind {web}\n  cookie C insert dynamic\n  dynamic-cookie-key abc\n  server s1 {s1}\n")
        .server("s1", &server)
        .start();
    let cookie = || {
        let answer = Client::connect(program.address("web")).get("/");
        answer.header("set-cookie").map(str::to_owned)
    };
    let first = cookie().expect("a cookie");
    assert!(ask(&program, "show stat web 4 -1").contains(&format!(",{},", &first[2..18])));
    assert_eq!(
        ask(&program, "set dynamic-cookie-key backend web other"),
        "\n"
    );
    let second = cookie().expect("a cookie");
    assert_ne!(first, second);
    assert_eq!(ask(&program, "disable dynamic-cookie backend web"), "\n");
    let none = "C=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/";
    assert_eq!(cookie().as_deref(), Some(none));
    assert_eq!(ask(&program, "enable dynamic-cookie backend web"), "\n");
    assert_eq!(cookie(), Some(second));
    for (command, expected) in [
        (
            "disable dynamic-cookie backend",
            "A backend name is expected.",
        ),
        ("enable dynamic-cookie backend x", "No such backend."),
        (
            "set dynamic-cookie-key backend web",
            "String value expected.",
        ),
        ("set dynamic-cookie-key backend x y", "No such backend."),
    ] {
        assert_eq!(ask(&program, command), format!("{expected}\n\n"));
    }
}
