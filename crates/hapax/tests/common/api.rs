//! Conversations with the runtime API.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use testkit::Program;

/// The sockets, one per level; to stand in front of a configuration.
pub const SOCKETS: &str = "global
  stats socket {tmp}/admin.sock level admin
  stats socket {tmp}/operator.sock level operator
  stats socket {tmp}/user.sock level user
";

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a socket of the program.
pub fn connect(program: &Program, socket: &str) -> UnixStream {
    let path = program.path(socket);
    let started = Instant::now();
    loop {
        match UnixStream::connect(&path) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
                return stream;
            }
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a text to a socket and returns what comes until the connection is closed.
pub fn ask_on(program: &Program, socket: &str, text: &str) -> String {
    let mut stream = connect(program, socket);
    stream.write_all(text.as_bytes()).expect("a command");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answer to a command of an administrator.
pub fn ask(program: &Program, command: &str) -> String {
    ask_on(program, "admin.sock", &format!("{command}\n"))
}

/// As [`ask`], without the ends of lines that close an answer.
pub fn ask_line(program: &Program, command: &str) -> String {
    ask(program, command).trim_end_matches('\n').to_owned()
}

/// Commands, each with what [`ask_line`] has to yield for it.
#[track_caller]
pub fn converse(program: &Program, dialogue: &[(&str, &str)]) {
    for (command, answer) in dialogue {
        assert_eq!(ask_line(program, command), *answer, "{command}");
    }
}

/// A cell of `show stat`.
#[track_caller]
pub fn stat(program: &Program, proxy: &str, name: &str, column: &str) -> String {
    let answer = ask(program, "show stat");
    let mut lines = answer.lines();
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let at = header.split(',').position(|cell| cell == column);
    let row = lines.find(|line| line.starts_with(&format!("{proxy},{name},")));
    let cell = row.and_then(|row| row.split(',').nth(at.expect("the column")));
    cell.expect("the row").to_owned()
}

/// Asks until the answer fits.
pub fn ask_until(program: &Program, command: &str, fits: impl Fn(&str) -> bool) -> String {
    let started = Instant::now();
    loop {
        let answer = ask(program, command);
        if fits(&answer) {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{command}: {answer}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
