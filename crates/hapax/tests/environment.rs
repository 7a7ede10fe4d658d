//! The environment as the configuration changes it: what expressions, commands and other programs see of it.
mod common;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::api::{SOCKETS, ask};
use common::http;
use testkit::eventually;

const CONFIG: &str = "global
  setenv COLOR green
  presetenv SHAPE round
  unsetenv GONE
frontend in
  bind {fe}
  http-request return status 200 content-type text/plain lf-string \"%[env(COLOR)] %[env(SHAPE)] %[env(GONE)] %[env(KEPT)]\"
";

#[test]
fn expressions_and_commands_see_what_is_set() {
    let program = http()
        .env("GONE", "here")
        .env("KEPT", "here")
        .config(SOCKETS)
        .config(CONFIG)
        .start();
    assert_eq!(program.connect("fe").get("/").text(), "green round  here");
    assert_eq!(ask(&program, "show env COLOR"), "COLOR=green\n\n");
    assert_eq!(ask(&program, "show env KEPT"), "KEPT=here\n\n");
    let all = ask(&program, "show env");
    let has = |name: &str| {
        all.lines()
            .any(|line| line.starts_with(&format!("{name}=")))
    };
    assert!(has("HAPROXY_LOCALPEER") && has("HAPROXY_CFGFILES"), "{all}");
    assert!(!has("GONE") && !has("HAPROXY_TCP_LOG_FMT"), "{all}");
    ask(
        &program,
        "experimental-mode on; set var proc.color expr env(COLOR)",
    );
    let color = ask(&program, "get var proc.color");
    assert!(color.ends_with("<green>\n\n"), "{color}");
}

#[test]
fn checks_by_programs_see_it_where_they_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("check");
    let text = "#!/bin/sh\necho \"${COLOR:--}\" > \"$0.seen\"\n";
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let seen = folder.path().join("check.seen");
    for (keeps, wanted) in [("", "-\n"), (" preserve-env", "green\n")] {
        let _program = http()
            .set("script", script.display())
            .config(&format!(
                "global
  insecure-fork-wanted
  external-check{keeps}
  setenv COLOR green
frontend in
  bind {{fe}}
backend back
  option external-check
  external-check path /usr/bin:/bin
  external-check command {{script}}
  server s 127.0.0.1:9 check inter 100ms
"
            ))
            .start();
        let told = || std::fs::read_to_string(&seen).is_ok_and(|text| text == wanted);
        assert!(eventually(Duration::from_secs(30), told), "{keeps}");
    }
}
