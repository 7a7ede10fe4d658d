use crate::address::Address;
use crate::bind::Bind;
use crate::parse::testing::{load_text, load_with};

fn binds(lines: &str) -> Vec<Bind> {
    let (snapshot, messages) = load_text(&format!(
        "frontend f\n mode http\n timeout client 1s\n{lines}\n"
    ));
    let Some(snapshot) = snapshot else {
        panic!("{messages:?}")
    };
    let proxy = snapshot.proxies.first().expect("a proxy");
    proxy
        .front
        .binds
        .iter()
        .map(|bind| Bind::clone(bind))
        .collect()
}

fn refused(line: &str) -> String {
    let (snapshot, messages) = load_text(&format!("frontend f\n {line}\n"));
    assert!(snapshot.is_none(), "{line} was accepted");
    let first = messages
        .into_iter()
        .find(|m| m.starts_with('A'))
        .unwrap_or_default();
    first.strip_prefix("A 2: ").unwrap_or(&first).to_owned()
}

#[test]
fn ranges_and_lists_make_one_bind_each() {
    let binds = binds(" bind 127.0.0.1:81-82,[::1]:90 name x maxconn 7 accept-proxy");
    assert_eq!(binds.len(), 3);
    assert!(
        binds
            .iter()
            .all(|b| b.name.as_deref() == Some("x") && b.maxconn == 7 && b.accept_proxy)
    );
    let ports: Vec<u16> = binds
        .iter()
        .filter_map(|b| match b.address {
            Address::Inet(address) => Some(address.port()),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [81, 82, 90]);
}

#[test]
fn unix_sockets_have_owners_and_modes() {
    let binds =
        binds(" bind /tmp/x.sock mode 640 user root group root level admin expose-fd listeners");
    let bind = binds.first().expect("a bind");
    assert_eq!(
        (bind.unix_mode, bind.unix_owner),
        (Some(0o640), (Some(0), Some(0)))
    );
    assert_eq!(bind.level, 2);
}

#[test]
fn messages_are_those_operators_know() {
    let label = "'bind *:80' in section 'frontend' : ";
    for (line, message) in [
        ("bind", "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.".to_owned()),
        ("bind 80", "'bind' : missing port specification in '80'".to_owned()),
        ("bind *:80 maxconn", format!("{label}'maxconn' : missing value")),
        ("bind *:80 name", format!("{label}'name' : missing name")),
        ("bind *:80 id x", format!("{label}'id' : expects an integer argument, found 'x'")),
        ("bind *:80 id 0", format!("{label}'id' : custom id has to be > 0")),
        ("bind *:80 mode 9", format!("{label}'mode' : missing or invalid mode '9' (octal integer expected)")),
        ("bind *:80 nice 5000", format!("{label}'nice' : invalid value 5000, allowed range is -1024..1024")),
        ("bind *:80 level foo", format!("{label}'level' only supports 'user', 'operator', and 'admin' (got 'foo')")),
        ("bind *:80 proto foo", format!("{label}'proto' :  unknown MUX protocol 'foo'")),
        ("bind *:80 idle-ping x", format!("{label}unexpected character 'x' in 'idle-ping' argument on bind line.")),
        (
            "bind *:80 accept-prox",
            "'bind *:80' in section 'frontend': unknown keyword 'accept-prox'; did you mean 'accept-proxy' maybe ?".to_owned(),
        ),
        ("bind *:80 nbconn 1", 
            "'bind *:80' in section 'listen' : 'nbconn' is experimental, must be allowed via a global 'expose-experimental-directives'".to_owned()),
        (
            "bind rhttp@b/s",
            "'bind' : Address 'rhttp@b/s' is experimental, must be allowed via a global 'expose-experimental-directives'".to_owned(),
        ),
    ] {
        assert_eq!(refused(line), message);
    }
}

#[test]
fn identifiers_are_unique() {
    let (_, messages) = load_text("frontend f\n bind :1 id 5\n bind :2 id 5\n");
    let expected = "A 3: 'bind :2' in section 'frontend' : 'id' : custom id 5 already used at t.cfg:2 ('bind :1')";
    assert!(messages.iter().any(|m| m == expected), "{messages:?}");
}

#[test]
fn process_becomes_thread() {
    let binds = binds(" bind :80 process 1/1-2\n bind :81 thread odd thread 2");
    let [first, second] = binds.as_slice() else {
        panic!("two binds")
    };
    assert_eq!(first.threads, [1, 2]);
    assert_eq!(second.threads.get(..4), Some(&[1, 2, 3, 5][..]));
    let (snapshot, messages) = load_with(
        "frontend f\n timeout client 1s\n bind :80 process 1\n",
        true,
    );
    assert!(
        snapshot.is_none()
            && messages
                .iter()
                .any(|m| m.contains("please use 'thread' instead."))
    );
}

#[test]
fn connections_to_be_opened() {
    let exposed = |line: &str| {
        let text = format!(
            "global\n expose-experimental-directives\nfrontend f\n mode http\n timeout client 1s\n {line}\n"
        );
        load_text(&text)
    };
    for (line, count) in [
        ("bind rhttp@b/s", 1),
        (
            "bind rhttp@b/s nbconn 3 name x id 4 thread 1 idle-ping 3s label l",
            3,
        ),
    ] {
        let (snapshot, messages) = exposed(line);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let bind = &snapshot.proxies[0].front.binds[0];
        assert_eq!(bind.address, Address::Reverse("b/s".into()));
        assert_eq!(bind.connections, count);
    }
    // As HAProxy 3.4 says it, but for the place.
    for (line, message) in [
        (
            "bind rhttp@b/s nbconn",
            "'bind rhttp@b/s' in section 'frontend' : 'nbconn' : missing value.",
        ),
        (
            "bind rhttp@b/s nbconn 0",
            "'bind rhttp@b/s' in section 'frontend' : 'nbconn' : invalid value 0, must be > 0.",
        ),
        (
            "bind :80 nbconn 3",
            "'bind :80' in section 'frontend' : 'nbconn' : only valid for reverse HTTP listeners.",
        ),
        (
            "bind rhttp@b/s maxconn 3",
            "'maxconn' option is not accepted for reverse HTTP",
        ),
        (
            "bind rhttp@b/s proto h2",
            "'proto' option is not accepted for reverse HTTP",
        ),
        (
            "bind rhttp@b/s ssl crt x",
            "'ssl' option is not accepted for reverse HTTP",
        ),
    ] {
        let (snapshot, messages) = exposed(line);
        assert!(snapshot.is_none(), "{line} was accepted");
        let expected = format!("A 6: {message}");
        assert!(messages.contains(&expected), "{messages:?}");
    }
}
