//! Stick tables that files keep (`stick-table … persist`).
mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{api::ask, program};
use testkit::{Builder, Signal, eventually};

/// How long anything may take on a slow machine.
const LONG: Duration = Duration::from_secs(30);

fn keeping(file: &Path) -> Builder {
    program().set("file", file.display()).config(
        "global
  stats socket {tmp}/admin.sock level admin
frontend f
  bind unix@{tmp}/f.sock
  timeout client 10s
backend t
  stick-table type string len 20 size 10k expire 1h store gpc0,http_req_rate(1h),conn_cur persist {file}",
    )
}

#[test]
fn a_table_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.table");
    let mut first = keeping(&file).start();
    assert!(ask(&first, "show table t").contains("used:0"));
    for key in 0..300 {
        ask(
            &first,
            &format!("set table t key k{key} data.gpc0 {key} data.http_req_rate 9"),
        );
    }
    // What is in the file is what was there when it was written last.
    let written = |count: usize| {
        let file = file.clone();
        move || {
            let bytes = std::fs::read(&file).unwrap_or_default();
            bytes.windows(2).filter(|w| w == b"k1").count() >= count
        }
    };
    assert!(
        eventually(LONG, written(111)),
        "{:?}",
        std::fs::metadata(&file)
    );
    first.signal(Signal::KILL);
    assert!(first.wait(LONG).is_some());
    let mut second = keeping(&file).start();
    let shown = ask(&second, "show table t");
    assert!(shown.contains("used:300\n"), "{shown}");
    let one = ask(&second, "show table t key k299");
    assert!(
        one.contains("gpc0=299 ") && one.contains("http_req_rate(3600000)=9"),
        "{one}"
    );
    // An orderly end keeps the last changes, too.
    ask(&second, "set table t key last data.gpc0 1");
    second.signal(Signal::TERM);
    assert!(second.wait(LONG).is_some());
    let third = keeping(&file).start();
    assert!(ask(&third, "show table t").contains("used:301\n"));
    // Killed at any moment, it leaves a whole file.
    drop(third);
    for _ in 0..5 {
        let mut program = keeping(&file).start();
        let until = Instant::now() + Duration::from_millis(1100);
        while Instant::now() < until {
            ask(&program, "set table t key x data.gpc0 1");
        }
        program.signal(Signal::KILL);
        assert!(program.wait(LONG).is_some());
        let next = keeping(&file).start();
        let shown = ask(&next, "show table t");
        assert!(
            shown.contains("used:302\n") || shown.contains("used:301\n"),
            "{shown}"
        );
        assert!(!next.stderr().contains("is not read"), "{}", next.stderr());
    }
}

#[test]
fn a_damaged_file_is_refused_with_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.table");
    let first = keeping(&file).start();
    ask(&first, "set table t key k data.gpc0 7");
    let is_written =
        || std::fs::read(&file).is_ok_and(|bytes| bytes.windows(3).any(|w| w == b"\x01\0k"));
    assert!(eventually(LONG, is_written));
    drop(first);
    let whole = std::fs::read(&file).expect("the file");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (bytes, why) in [
        (&changed[..], "it is damaged"),
        (&whole[..whole.len() - 1], "it is damaged"),
        (b"something else", "it is no file of a stick table"),
        (
            &vec![b'x'; 10_000_000][..],
            "it is longer than the table allows",
        ),
    ] {
        std::fs::write(&file, bytes).expect("a file");
        let program = keeping(&file).start();
        let shown = ask(&program, "show table t");
        assert!(shown.contains("used:0\n"), "{shown}");
        let said = program.stderr();
        assert!(
            said.contains("stick-table 't': '") && said.contains(why),
            "{said}"
        );
    }
    let check = keeping(&file)
        .config("backend u\n  stick-table type ip size 1k persist {file}")
        .check();
    assert!(
        check.stderr.contains("keeps stick-table 't' already"),
        "{}",
        check.stderr
    );
}
