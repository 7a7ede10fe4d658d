use super::*;
use crate::process::{ProcessInfo, build};
use model::log::{Destination, HeaderFormat, LogForward, Logging, Ring as RingSection, Sampling};
use model::{Address, Algorithm, Bind, Caps, Global, Mode, Proxy, Server, ServerDraft, Snapshot};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Held by tests that look at the process' count of dropped messages.
static DROPS: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

fn runtime(global: Global, logging: Logging) -> Arc<Runtime> {
    with_backends(global, logging, Vec::new())
}

fn with_backends(global: Global, logging: Logging, proxies: Vec<Proxy>) -> Arc<Runtime> {
    let snapshot = Snapshot {
        global,
        backends: proxies
            .iter()
            .map(|proxy| (proxy.name.clone(), proxy.idx))
            .collect(),
        proxies: proxies.into_iter().map(Arc::new).collect(),
        frontends: Default::default(),
        defaults: Default::default(),
        pinned: Default::default(),
        pinned_proxies: Default::default(),
        logging,
        tables: Vec::new(),
        table_names: Default::default(),
        peers: Vec::new(),
        namespaces: Default::default(),
        user_lists: Vec::new(),
        patterns: Default::default(),
        variables: Default::default(),
        resolvers: Vec::new(),
        certificates: Default::default(),
        environment: Default::default(),
    };
    let info = ProcessInfo {
        pid: 77,
        hostname: "vm".to_owned(),
        maxconn: 100,
        workers: 1,
        follows: false,
        dump_states: false,
    };
    build(Arc::new(snapshot), &info)
}

fn plain_runtime() -> Arc<Runtime> {
    runtime(Global::default(), Logging::default())
}

fn receiver() -> (UdpSocket, Destination) {
    let socket = UdpSocket::bind(ANY).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    let address = Address::Inet(socket.local_addr().expect("an address"));
    (
        socket,
        Destination::Socket {
            address,
            stream: false,
        },
    )
}

fn receive(socket: &UdpSocket) -> String {
    let mut room = [0; 70_000];
    let n = socket.recv(&mut room).expect("a line");
    String::from_utf8_lossy(&room[..n]).into_owned()
}

fn is_quiet(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).expect("non-blocking");
    let quiet = socket.recv(&mut [0; 10]).is_err();
    socket.set_nonblocking(false).expect("blocking");
    quiet
}

fn target(destination: Destination, format: HeaderFormat) -> LogTarget {
    LogTarget {
        destination,
        format,
        max_len: 1024,
        sample: None,
        profile: None,
        profile_name: None,
        facility: 16,
        max_level: 7,
        min_level: 0,
        origin: ("test.cfg".into(), 1),
    }
}

fn message(text: &str) -> Message<'_> {
    Message {
        level: 6,
        tag: "haproxy",
        structured_data: b"",
        text: text.as_bytes(),
    }
}

/// A line with its date, which is that of now, replaced by `DATE`.
fn dateless(line: &str) -> String {
    match (
        line.find('>'),
        line.find(" haproxy"),
        line.find(" localhost"),
    ) {
        (Some(start), Some(_), Some(end)) | (Some(start), Some(end), None) => {
            format!("{}DATE{}", &line[..=start], &line[end..])
        }
        _ => line.to_owned(),
    }
}

#[test]
fn lines_wait_for_the_flush_and_arrive_in_order() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let targets = [
        Arc::new(target(to.clone(), HeaderFormat::Default)),
        Arc::new(target(to.clone(), HeaderFormat::Rfc3164)),
        Arc::new(target(to, HeaderFormat::Short)),
    ];
    for text in ["one", "two"] {
        emit(&runtime, &targets, &message(text));
    }
    assert!(is_quiet(&socket), "nothing is sent before the flush");
    flush();
    for text in ["one", "two"] {
        assert_eq!(
            dateless(&receive(&socket)),
            format!("<134>DATE haproxy[77]: {text}\n")
        );
        assert_eq!(
            dateless(&receive(&socket)),
            format!("<134>DATE localhost haproxy[77]: {text}\n")
        );
        assert_eq!(receive(&socket), format!("<6>{text}\n"));
    }
    assert_eq!(
        target_state(&targets[0])
            .sent
            .load(std::sync::atomic::Ordering::Relaxed),
        2
    );
}

#[test]
fn a_batch_that_is_full_is_sent_at_once() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let targets = [Arc::new(target(to, HeaderFormat::Raw))];
    for n in 0..150 {
        emit(&runtime, &targets, &message(&n.to_string()));
    }
    for n in 0..128 {
        assert_eq!(receive(&socket), format!("{n}\n"));
    }
    assert!(is_quiet(&socket));
    flush();
    assert_eq!(receive(&socket), "128\n");
}

#[test]
fn the_host_name_changes_the_default_format() {
    let global = Global {
        log_hostname: Some("my.host".into()),
        ..Global::default()
    };
    let runtime = runtime(global, Logging::default());
    let (socket, to) = receiver();
    emit(
        &runtime,
        &[Arc::new(target(to, HeaderFormat::Default))],
        &message("x"),
    );
    flush();
    let line = receive(&socket);
    assert!(line.ends_with(" my.host haproxy[77]: x\n"), "{line}");
}

#[test]
fn the_length_counts_header_and_line_feed() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let formats = [
        HeaderFormat::Raw,
        HeaderFormat::Rfc3164,
        HeaderFormat::Rfc5424,
        HeaderFormat::Short,
    ];
    let targets: Vec<_> = formats
        .iter()
        .map(|format| {
            Arc::new(LogTarget {
                max_len: 100,
                ..target(to.clone(), *format)
            })
        })
        .collect();
    emit(&runtime, &targets, &message(&"x".repeat(1500)));
    flush();
    for _ in formats {
        let line = receive(&socket);
        assert!(line.len() == 100 && line.ends_with("x\n"), "{line}");
    }
}

#[test]
fn levels_are_filtered_and_clamped() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let targets = [
        Arc::new(LogTarget {
            max_level: 4,
            ..target(to.clone(), HeaderFormat::Short)
        }),
        Arc::new(LogTarget {
            min_level: 4,
            ..target(to, HeaderFormat::Priority)
        }),
    ];
    for level in [3, 6, 0] {
        emit(
            &runtime,
            &targets,
            &Message {
                level,
                ..message("x")
            },
        );
    }
    flush();
    let lines: Vec<_> = (0..5).map(|_| receive(&socket)).collect();
    assert_eq!(
        lines,
        ["<3>x\n", "<132>x\n", "<134>x\n", "<0>x\n", "<132>x\n"]
    );
}

#[test]
fn samples_are_counted_over_all_threads() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let sampling = Sampling {
        ranges: vec![(1, 1), (3, 4)],
        size: 5,
    };
    let targets = [Arc::new(LogTarget {
        sample: Some(sampling),
        ..target(to, HeaderFormat::Raw)
    })];
    for n in 1..=10 {
        let (runtime, targets) = (runtime.clone(), targets.clone());
        let sent = std::thread::spawn(move || {
            emit(&runtime, &targets, &message(&n.to_string()));
            flush();
        });
        sent.join().expect("a thread that ends");
    }
    let lines: Vec<_> = (0..6).map(|_| receive(&socket)).collect();
    assert_eq!(lines.concat(), "1\n3\n4\n6\n8\n9\n");
    assert!(is_quiet(&socket));
}

#[test]
fn a_dead_receiver_costs_its_own_lines_only() {
    let runtime = plain_runtime();
    let (socket, to) = receiver();
    let path = std::env::temp_dir().join(format!("no-such-log-{}", std::process::id()));
    let dead = Destination::Socket {
        address: Address::Unix(path.clone()),
        stream: false,
    };
    let live =
        std::os::unix::net::UnixDatagram::bind(path.with_extension("live")).expect("a socket");
    live.set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    let unix = Destination::Socket {
        address: Address::Unix(path.with_extension("live")),
        stream: false,
    };
    let targets = [dead, unix, to].map(|to| Arc::new(target(to, HeaderFormat::Raw)));
    let _alone = DROPS.lock();
    let before = dropped();
    for text in ["a", "b"] {
        emit(&runtime, &targets, &message(text));
    }
    flush();
    assert_eq!(
        (receive(&socket).as_str(), receive(&socket).as_str()),
        ("a\n", "b\n")
    );
    let mut room = [0; 10];
    assert_eq!(live.recv(&mut room).expect("a line"), 2);
    assert_eq!(dropped() - before, 2);
    let _ = std::fs::remove_file(path.with_extension("live"));
}

#[test]
fn a_full_pipe_drops_whole_lines_and_never_blocks() {
    let runtime = plain_runtime();
    let (read, write) = rustix::pipe::pipe().expect("a pipe");
    let capacity = rustix::pipe::fcntl_setpipe_size(&write, 4096).map_or(65_536, |size| size);
    let number = write.as_raw_fd();
    let targets = [Arc::new(LogTarget {
        max_len: 65_535,
        ..target(Destination::Descriptor(number), HeaderFormat::Raw)
    })];
    let _alone = DROPS.lock();
    let before = dropped();
    let text = "y".repeat(999);
    let lines = capacity / 1000 + 20;
    for _ in 0..lines {
        emit(&runtime, &targets, &message(&text));
        flush();
    }
    assert!(dropped() - before >= 20);
    let mut pipe = std::fs::File::from(read);
    let mut room = vec![0; capacity];
    let n = pipe.read(&mut room).expect("lines");
    assert_eq!(n % 1000, 0, "whole lines only");
    // A line longer than the pipe goes out in pieces and stays whole.
    emit(&runtime, &targets, &message(&"z".repeat(capacity + 500)));
    flush();
    let n = pipe.read(&mut room).expect("the first piece");
    emit(&runtime, &targets, &message("next"));
    flush();
    let m = pipe.read(&mut room).expect("the rest");
    assert_eq!(n + m, capacity + 501 + 5);
    assert!(room[..m].ends_with(b"z\nnext\n"));
}

#[test]
fn an_unknown_destination_is_counted() {
    let runtime = plain_runtime();
    let targets = [
        Destination::Ring("none".into()),
        Destination::Backend("none".into()),
        Destination::Descriptor(9999),
    ]
    .map(|to| Arc::new(target(to, HeaderFormat::Raw)));
    let _alone = DROPS.lock();
    let before = dropped();
    emit(&runtime, &targets, &message("x"));
    flush();
    assert_eq!(dropped() - before, 3);
}

/// Runs `client` beside the log services of a configuration.
fn with_services(
    runtime: &Arc<Runtime>,
    forwards: Forwards,
    client: impl FnOnce() + Send + 'static,
) {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(flush)
        .build();
    let event_loop = event_loop.expect("an event loop");
    tokio::task::LocalSet::new().block_on(&event_loop, async {
        let service = start(runtime, forwards).await;
        let client = tokio::task::spawn_blocking(client);
        let outcome = tokio::time::timeout(Duration::from_secs(10), client).await;
        outcome
            .expect("an end in time")
            .expect("a client without a fault");
        drop(service);
    });
}

fn read_until(stream: &mut std::net::TcpStream, len: usize) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    let mut all = vec![0; len];
    stream.read_exact(&mut all).expect("enough bytes");
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn rings_are_emptied_over_connections_that_come_back() {
    let listener = TcpListener::bind(ANY).expect("a listener");
    let address = Address::Inet(listener.local_addr().expect("an address"));
    let section = RingSection {
        name: "r1".into(),
        description: None,
        format: HeaderFormat::Short,
        max_len: 20,
        size: 32_768,
        timeouts: (Some(2000), Some(2000)),
        servers: vec![("s1".into(), address, true)],
    };
    let runtime = runtime(
        Global::default(),
        Logging {
            rings: vec![Arc::new(section)],
            ..Logging::default()
        },
    );
    let targets = [Arc::new(target(
        Destination::Ring("r1".into()),
        HeaderFormat::Rfc5424,
    ))];
    let log = runtime.clone();
    with_services(&runtime, Forwards::default(), move || {
        let send = |text: &str| {
            emit(&log, &targets, &message(text));
            flush();
        };
        send("before the connection");
        let (mut first, _) = listener.accept().expect("a connection");
        assert_eq!(read_until(&mut first, 23), "20 <6>before the connec");
        send("hello");
        assert_eq!(read_until(&mut first, 10), "8 <6>hello");
        drop(first);
        let (mut second, _) = listener.accept().expect("a second connection");
        send("again");
        assert_eq!(read_until(&mut second, 10), "8 <6>again");
    });
}

#[test]
fn stream_targets_get_lines() {
    let listener = TcpListener::bind(ANY).expect("a listener");
    let address = Address::Inet(listener.local_addr().expect("an address"));
    let to = Destination::Socket {
        address,
        stream: true,
    };
    let target = Arc::new(target(to, HeaderFormat::Short));
    let runtime = runtime(
        Global {
            logs: vec![target],
            ..Global::default()
        },
        Logging::default(),
    );
    let log = runtime.clone();
    with_services(&runtime, Forwards::default(), move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        for text in ["one", "two"] {
            emit(&log, &log.snapshot.global.logs, &message(text));
        }
        flush();
        assert_eq!(read_until(&mut stream, 14), "<6>one\n<6>two\n");
    });
}

#[test]
fn sections_forward_datagrams_and_streams() {
    use std::io::Write;
    let (socket, to) = receiver();
    let bind_to = |address| Arc::new(Bind::new(Address::Inet(address), ("test.cfg".into(), 1)));
    let section = LogForward {
        name: "f".into(),
        binds: vec![bind_to(ANY)],
        datagram_binds: vec![bind_to(ANY)],
        targets: vec![Arc::new(target(to, HeaderFormat::Default))],
        timeout_client: Some(5000),
        host: 1,
        ..LogForward::default()
    };
    let logging = Logging {
        forwards: vec![Arc::new(section)],
        ..Logging::default()
    };
    let runtime = runtime(Global::default(), logging);
    let forwards = bind(&runtime.snapshot).expect("bound listeners");
    let ports: Vec<u16> = forwards
        .addresses()
        .iter()
        .filter_map(base::Endpoint::port)
        .collect();
    with_services(&runtime, forwards, move || {
        let sender = UdpSocket::bind(ANY).expect("a socket");
        sender
            .send_to(
                b"<13>Oct 11 22:14:15 host app[123]: hi\n",
                (Ipv4Addr::LOCALHOST, ports[0]),
            )
            .expect("sent");
        assert_eq!(receive(&socket), "<13>Oct 11 22:14:15 host app[123]: hi\n");
        sender
            .send_to(b"<165>1 - - - - - - hi", (Ipv4Addr::LOCALHOST, ports[0]))
            .expect("sent");
        assert_eq!(receive(&socket), "<165>1 - 127.0.0.1 - - - - hi\n");
        let mut stream =
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, ports[1])).expect("a connection");
        stream
            .write_all(b"<13>Oct 11 22:14:15 h a: one\n28 <13>Oct 11 22:14:15 h a: two<13>Oct 11")
            .expect("written");
        assert_eq!(receive(&socket), "<13>Oct 11 22:14:15 h a: one\n");
        assert_eq!(receive(&socket), "<13>Oct 11 22:14:15 h a: two\n");
        stream
            .write_all(b" 22:14:15 h a: three\n#")
            .expect("written");
        assert_eq!(receive(&socket), "<13>Oct 11 22:14:15 h a: three\n");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a timeout");
        assert_eq!(
            stream.read(&mut [0; 10]).expect("the end"),
            0,
            "what is no message ends the connection"
        );
    });
}

fn log_backend(name: &str, idx: u32, servers: Vec<(Address, bool)>) -> Proxy {
    let caps = Caps {
        front: false,
        back: true,
        defaults: false,
    };
    let mut proxy = Proxy::new(name.into(), caps, ("test.cfg".into(), 1));
    proxy.idx = base::ProxyIdx(idx);
    proxy.mode = Mode::Log;
    proxy.back.balance.algorithm = Algorithm::RoundRobin;
    let servers = servers
        .into_iter()
        .enumerate()
        .map(|(at, (address, datagram))| {
            Arc::new(Server {
                idx: base::ServerIdx(at as u32),
                name: format!("s{}", at + 1).into(),
                id: at as u32 + 1,
                id_given: false,
                guid: None,
                origin: ("test.cfg".into(), 1),
                address,
                datagram,
                mapped_port: false,
                host: None,
                service: None,
                unresolved: false,
                tls: None,
                settings: ServerDraft {
                    octet_counting: true,
                    ..ServerDraft::default()
                },
            })
        });
    proxy.back.servers = servers.collect();
    proxy
}

#[test]
fn backends_share_messages_out_among_their_servers() {
    let receivers = [receiver(), receiver()];
    let addresses = receivers.iter().filter_map(|(_, to)| match to {
        Destination::Socket { address, .. } => Some((address.clone(), true)),
        _ => None,
    });
    let listener = TcpListener::bind(ANY).expect("a listener");
    let stream = Address::Inet(listener.local_addr().expect("an address"));
    let backends = vec![
        log_backend("datagrams", 0, addresses.collect()),
        log_backend("streams", 1, vec![(stream, false)]),
    ];
    let runtime = with_backends(Global::default(), Logging::default(), backends);
    let targets = ["datagrams", "streams"].map(|name| {
        Arc::new(target(
            Destination::Backend(name.into()),
            HeaderFormat::Short,
        ))
    });
    let log = runtime.clone();
    with_services(&runtime, Forwards::default(), move || {
        for text in ["one", "two", "three", "four"] {
            emit(&log, &targets, &message(text));
        }
        flush();
        let lines = receivers
            .each_ref()
            .map(|(socket, _)| receive(socket) + &receive(socket));
        assert_eq!(lines, ["<6>one\n<6>three\n", "<6>two\n<6>four\n"]);
        let (mut stream, _) = listener.accept().expect("a connection");
        assert_eq!(
            read_until(&mut stream, 35),
            "6 <6>one6 <6>two8 <6>three7 <6>four"
        );
    });
}

#[test]
#[ignore = "a measurement"]
fn cost_per_line() {
    let runtime = plain_runtime();
    let (_socket, to) = receiver();
    let targets = [Arc::new(target(to, HeaderFormat::Default))];
    let text = "x".repeat(200);
    let (mut built, mut sent) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..20_000 {
        let start = std::time::Instant::now();
        for _ in 0..100 {
            emit(&runtime, &targets, &message(&text));
        }
        built += start.elapsed();
        let start = std::time::Instant::now();
        flush();
        sent += start.elapsed();
    }
    println!(
        "a line: {} ns to build, {} ns to send",
        built.as_nanos() / 2_000_000,
        sent.as_nanos() / 2_000_000
    );
}
