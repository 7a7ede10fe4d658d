//! Backends of the configuration that go at run time: `unpublish backend`, `del backend`, `wait be-removable`.
mod common;

use common::api::{SOCKETS, ask, ask_on};
use common::http;
use testkit::{Client, Server, handlers};

#[test]
fn backends_of_the_configuration_go_when_nothing_names_them() {
    let server = Server::start(handlers::says("dyn"));
    let program = http()
        .config(SOCKETS)
        .file("names.map", "/ dyn\n")
        .config(
            "frontend fe
  bind {fe}
  use_backend %[path,map({tmp}/names.map)]
  http-request set-header x %[nbsrv(refd)]
  use_backend used if { path /u }
  default_backend be
backend be
backend used
backend refd
backend dyn
  server s1 {s1}
backend tabled
  stick-table type ip size 1k
backend free
listen lst
  bind {lst}
",
        )
        .server("s1", &server)
        .start();
    assert_eq!(
        Client::connect(program.address("fe")).get("/").text(),
        "dyn"
    );
    let pinned = "This proxy cannot be removed at runtime due to other configuration elements pointing to it.";
    for (name, before, after) in [
        ("be", pinned, pinned),
        ("used", pinned, pinned),
        ("refd", pinned, pinned),
        (
            "dyn",
            "Backend must be unpublished prior to its deletion.",
            "Only a backend without server can be deleted.",
        ),
        (
            "tabled",
            "Cannot remove a backend with stick-table.",
            "Cannot remove a backend with stick-table.",
        ),
        (
            "free",
            "Backend must be unpublished prior to its deletion.",
            "Backend deleted.",
        ),
        (
            "lst",
            "Cannot delete a listen section.",
            "Cannot delete a listen section.",
        ),
        ("fe", "No such backend.", "No such backend."),
    ] {
        let delete = format!("del backend {name}");
        assert_eq!(ask(&program, &delete), format!("{before}\n\n"), "{name}");
        ask(&program, &format!("unpublish backend {name}"));
        assert_eq!(
            ask(&program, &delete),
            format!("{after}\n\n"),
            "{name} unpublished"
        );
    }
    assert_eq!(
        ask(&program, "wait 1s be-removable used"),
        format!("Failed. {pinned}\n\n")
    );
    // Unpublished, it is passed over; and once its server is gone it may go.
    assert_eq!(
        Client::connect(program.address("fe")).get("/").status(),
        503
    );
    assert_eq!(ask(&program, "set server dyn/s1 state maint"), "\n");
    assert_eq!(ask(&program, "wait 10s srv-removable dyn/s1"), "Done.\n\n");
    assert!(ask(&program, "del server dyn/s1").contains("Server deleted."));
    assert_eq!(ask(&program, "wait 10s be-removable dyn"), "Done.\n\n");
    assert_eq!(ask(&program, "del backend dyn"), "Backend deleted.\n\n");
    assert_eq!(
        ask(&program, "show backend"),
        "# name\nbe\nused\nrefd\ntabled\nlst\n\n"
    );
    assert_eq!(ask(&program, "show stat dyn 2 -1"), "No such proxy.\n\n");
    assert_eq!(ask(&program, "publish backend dyn"), "No such backend.\n\n");
    assert_eq!(
        Client::connect(program.address("fe")).get("/").status(),
        503
    );
    for socket in ["user.sock", "operator.sock"] {
        let answer = ask_on(&program, socket, "del backend be\n");
        assert_eq!(answer, "Permission denied\n\n");
    }
}
