//! Balancing by hash chooses the very servers that HAProxy chooses.
//!
//! `balance_hash.txt` holds HAProxy 3.4.0's choices for the keys below: one line per farm, one letter per request. It
//! is written anew by the program that `HAPAX_TEST_PROGRAM` names when `HAPAX_TEST_RECORD` is set.
mod common;

use common::program;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use testkit::{Builder, Client, Conn, Program, Server};

/// The request with the n-th key.
type Keyed = fn(u32) -> String;

struct Farm {
    name: &'static str,
    lines: &'static str,
    request: Keyed,
    /// Whether HAProxy 2.6 knows all of it.
    old: bool,
}

const fn farm(name: &'static str, lines: &'static str, request: Keyed) -> Farm {
    Farm {
        name,
        lines,
        request,
        old: true,
    }
}

const fn new(farm: Farm) -> Farm {
    Farm { old: false, ..farm }
}

const KEYS: u32 = 200;
const RECORDED: &str = include_str!("balance_hash.txt");

fn scramble(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761)
}

fn get(target: &str, field: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n{field}\r\n")
}

fn header(n: u32) -> String {
    match n % 10 {
        7 => get("/", ""),
        8 => get("/", "X:\r\n"),
        9 => get("/", &format!("X: k{n}, second\r\nX: third\r\n")),
        _ => get("/", &format!("X: key{:x}\r\n", scramble(n))),
    }
}

fn number(n: u32) -> String {
    get("/", &format!("X: {}\r\n", scramble(n) >> 1))
}

fn address(n: u32) -> String {
    let bits = scramble(n);
    let [a, b, c, d] = bits.to_be_bytes();
    match n % 4 {
        3 => get(
            "/",
            &format!("X: 2001:db8:{bits:x}::{a:x}:{b:x}\r\n").replace(
                &format!("{bits:x}::"),
                &format!("{:x}:{:x}::", bits >> 16, bits & 0xffff),
            ),
        ),
        _ => get("/", &format!("X: {a}.{b}.{c}.{d}\r\n")),
    }
}

fn host(n: u32) -> String {
    let key = scramble(n);
    let name = match n % 8 {
        0 => format!("www.site{key:x}.example"),
        1 => format!("site{key:x}.com:8080"),
        2 => format!("h{key:x}"),
        3 => format!("{}.{n}.c", n % 7),
        4 => format!(".dot{n}"),
        5 => format!("a{n}..b"),
        6 => "..".to_owned(),
        _ => format!("deep.er.n{n}.net."),
    };
    get("/", &format!("X: {name}\r\n"))
}

fn target(n: u32) -> String {
    let key = scramble(n);
    match n % 5 {
        0 => get(&format!("/a/{key:x}/c?q={n}"), ""),
        1 => get(&format!("/{n}/{key}"), ""),
        2 => get(&format!("/?only={key}"), ""),
        3 => format!("GET http://a/abs/{key:x}/z?x={n} HTTP/1.1\r\nHost: a\r\n\r\n"),
        _ => get(&format!("/long/{key:x}/{n}/and/more/of/it"), ""),
    }
}

fn param(n: u32) -> String {
    let key = scramble(n);
    match n % 9 {
        0 => get(&format!("/?p={key:x}"), ""),
        1 => get(&format!("/x?pp=1&p={key}&q=2"), ""),
        2 => get(&format!("/x?q=1;p={key}"), ""),
        3 => get("/x?p=", ""),
        4 => get("/x", ""),
        5 => post("/", &format!("q=1&p={key:x}")),
        6 => post("/?p=first", "p=second"),
        7 => post("/?q=1", &format!("p=a@{key}")),
        _ => post("/", &format!("p=x{key} tail\r\n")),
    }
}

fn query(n: u32) -> String {
    param(n / 5 * 9 + n % 5)
}

fn post(target: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn rdp(n: u32) -> String {
    let cookie = match n % 4 {
        0 => format!("Cookie: mstshash=user{:x}\r\n", scramble(n)),
        1 => format!("Cookie: MSTSHASH=other{n}\r\n"),
        2 => format!("Cookie: msts=ab{n}cdefg\r\n"),
        _ => "Cookie: mstshash=\r\n".to_owned(),
    };
    let length = 11 + cookie.len();
    let [high, low] = (length as u16).to_be_bytes().map(char::from);
    let rest = char::from(length as u8 - 5);
    // All of these are below 0x80, the code of the request aside; see `bytes`.
    format!("\x03\0{high}{low}{rest}\u{e0}\0\0\0\0\0{cookie}")
}

/// A request's bytes: characters up to U+00FF stand for one byte each.
fn bytes(request: &str) -> Vec<u8> {
    request.chars().map(|c| c as u32 as u8).collect()
}

const SOURCE: &str = "http-request set-src hdr(x)\n  balance source";
const RDP: &str = "mode tcp\n  tcp-request inspect-delay 2s\n  tcp-request content accept if { req.rdp_cookie_cnt ge 1 }";

fn farms() -> Vec<Farm> {
    vec![
        farm("source", SOURCE, address),
        farm(
            "source_ring",
            "http-request set-src hdr(x)\n  balance source\n  hash-type consistent",
            address,
        ),
        farm("uri", "balance uri", target),
        farm(
            "uri_whole",
            "balance uri whole\n  hash-type map-based djb2",
            target,
        ),
        farm(
            "uri_cut",
            "balance uri len 9 depth 2\n  hash-type map-based wt6",
            target,
        ),
        farm(
            "uri_path",
            "balance uri path-only\n  hash-type consistent djb2 avalanche",
            target,
        ),
        farm(
            "query",
            "balance url_param p\n  hash-type map-based wt6",
            query,
        ),
        new(farm(
            "param",
            "balance url_param p\n  hash-type map-based wt6 avalanche",
            param,
        )),
        new(farm("param_post", "balance url_param p check_post", param)),
        new(farm(
            "param_ring",
            "balance url_param p check_post\n  hash-type consistent",
            param,
        )),
        farm(
            "header",
            "balance hdr(X)\n  hash-type map-based crc32",
            header,
        ),
        farm(
            "header_ring",
            "balance hdr(X)\n  hash-type consistent crc32",
            header,
        ),
        farm(
            "header_factor",
            "balance hdr(X)\n  hash-type consistent crc32 avalanche\n  hash-balance-factor 150",
            header,
        ),
        farm("domain", "balance hdr(x) use_domain_only", host),
        new(farm("expression", "balance hash req.hdr(x)", header)),
        new(farm(
            "expression_ip",
            "balance hash req.hdr_ip(x)\n  hash-type consistent djb2",
            address,
        )),
        new(farm(
            "expression_int",
            "balance hash req.hdr_val(x)\n  hash-type map-based djb2",
            number,
        )),
        new(farm(
            "number",
            "balance hash req.hdr(x)\n  hash-type consistent none",
            number,
        )),
        new(farm(
            "number_int",
            "balance hash req.hdr_val(x)\n  hash-type map-based none avalanche",
            number,
        )),
        farm(
            "down",
            "balance hdr(x)\n  server off {s1} weight 9 disabled",
            header,
        ),
        farm(
            "down_ring",
            "balance hdr(x)\n  hash-type consistent\n  server off {s1} weight 9 disabled",
            header,
        ),
        farm("rdp", "balance rdp-cookie", rdp),
        farm(
            "rdp_named",
            "balance rdp-cookie(MSTS)\n  hash-type consistent",
            rdp,
        ),
    ]
}

const HEAD: &str = "global
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 3s
  timeout server 3s
frontend servers
  option http-buffer-request
  bind {s1} name a
  bind {s2} name b
  bind {s3} name c
  bind {s4} name d
  bind {s5} name e
  http-request return status 200 content-type text/plain lf-string %[so_name]
";

/// What a farm of servers in TCP mode says.
fn teller(name: &'static str) -> Server {
    Server::start(move |conn: &mut Conn, _| conn.send(name))
}

fn choices(builder: Builder, farms: &[Farm]) -> BTreeMap<String, String> {
    let mut config = HEAD.to_owned();
    for farm in farms {
        let tcp = farm.name.starts_with("rdp");
        let (mode, at) = if tcp { (RDP, "t") } else { ("mode http", "s") };
        // Writing to a string does not fail.
        let _ = write!(
            config,
            "listen {0}\n  bind {{{0}}}\n  {mode}\n  {1}\n",
            farm.name, farm.lines
        );
        for (number, options) in [(1, "1"), (2, "3"), (3, "2"), (4, "7"), (5, "1 id 70")] {
            let _ = writeln!(
                config,
                "  server s{number} {{{at}{number}}} weight {options}"
            );
        }
    }
    let tellers = ["a", "b", "c", "d", "e"].map(teller);
    let mut builder = builder.config(&config);
    for (number, server) in tellers.iter().enumerate() {
        builder = builder.server(&format!("t{}", number + 1), server);
    }
    let program = builder.start();
    let chosen = |farm: &Farm| (farm.name.to_owned(), ask(&program, farm));
    farms.iter().map(chosen).collect()
}

fn ask(program: &Program, farm: &Farm) -> String {
    if farm.name.starts_with("rdp") {
        let once = |n| {
            let mut client = program.connect(farm.name);
            client.send(bytes(&(farm.request)(n)));
            String::from_utf8_lossy(&client.read_to_end()).into_owned()
        };
        return (0..KEYS / 4).map(once).collect();
    }
    let mut client: Client = program.connect(farm.name);
    let mut got = String::new();
    for n in 0..KEYS {
        client.send((farm.request)(n));
        got.push_str(&client.response().text());
    }
    got
}

#[test]
fn choices_are_those_on_record() {
    let got = choices(program(), &farms());
    if std::env::var_os("HAPAX_TEST_RECORD").is_some() {
        let lines: String = got
            .iter()
            .map(|(name, chosen)| format!("{name} {chosen}\n"))
            .collect();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/balance_hash.txt");
        std::fs::write(file, lines).expect("the record is written");
        return;
    }
    let recorded: BTreeMap<_, _> = RECORDED
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    assert_eq!(recorded.len(), got.len());
    let other =
        |(name, chosen): &(&String, &String)| recorded.get(name.as_str()) != Some(&chosen.as_str());
    let differing: Vec<_> = got.iter().filter(other).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn an_installed_haproxy_chooses_the_same() {
    let Some(haproxy) = Program::haproxy() else {
        eprintln!("skipped: haproxy not installed");
        return;
    };
    let farms: Vec<Farm> = farms().into_iter().filter(|farm| farm.old).collect();
    let (ours, theirs) = (choices(program(), &farms), choices(haproxy, &farms));
    let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

/// Servers whose nodes come from something else than their numbers, and HAProxy 3.4.0's choices. They send clients
/// elsewhere, so that nothing has to listen at their addresses.
const NODE_KEYS: &[(&str, &str, &str)] = &[
    (
        "addr",
        "server a 127.0.0.11:1 redir /a\n  server b 127.0.0.12:1 weight 3 redir /b\n  server c [::1]:1 redir /c
  server d 10.255.255.1:1 weight 0 redir /d\n  server e 127.0.0.200:1 redir /e",
        "bebbbbbbebbbabebbbbccbabcbbbbbbcbaabcebeacebacbebacbbbacbcabaebeebbcecbbabbbbbcbcebcbcbbeabccbaecbeebabaccbbbacbcaabeacabaccbbaebbacbebbbbceebbbbbcbbcabeccebcebecbbbeababbbbcabbbabbbaebeeabbaabccbebcb",
    ),
    (
        "addr-port",
        "server a 127.0.0.11:1 redir /a\n  server b 127.0.0.11:2 redir /b\n  server c [::1]:1 redir /c
  server d [::1]:2 redir /d\n  server e 127.0.0.200:3 redir /e",
        "deccdaaebdacdebaecbeacbecdecdcddebeaddceeddaebadceeceadaccceeaaeeeadcdcdeeccecbcccadadceecadbacdaaddbdaddceadddaaedaedadeddaeaaecdadceadeecbbdaceecaeaedecddbdbeeaeecdeabcdcbaaedcccbedaabedddeeadabddae",
    ),
    (
        "id32",
        "server a 127.0.0.1:1 id 268435457 redir /a\n  server b 127.0.0.1:1 id 1 redir /b
  server c 127.0.0.1:1 id 4294967295 weight 2 redir /c\n  server d 127.0.0.1:1 id 2147483648 redir /d\n  server e 127.0.0.1:1 redir /e",
        "acbbadceacecbeeaeeccdbaeccecdcecdacaccadcaadbdbeaebdedadaeadcadcbedcbcaacaddebeecceadcbcccecddcadcccabccbceeccdddcceedcaebdaebcbdaacebccddbddaaacdadcebebacccddedceccaecaaaecccdebcacccacebaecccdccaaeca",
    ),
    (
        "guid",
        "server a 127.0.0.11:1 guid srv-a redir /a\n  server b 127.0.0.11:2 guid backend.b redir /b
  server c 127.0.0.1:1 redir /c\n  server d 127.0.0.1:1 guid x redir /d\n  server e 127.0.0.1:3 guid y redir /e",
        "bdaedebdcedbeccbbcecaaccadcabbcceaadcbadaebeaeecabaddaedaeaeeaebadacaebbcbbaabecaddeabcedccebeaadbcddedaccbdbacbeadddbdeeccaceacabacaaddeebddbbbdcdddcaacdcbbddadbaecbbdcbbabbccaacabcaaacaecdaaaebaaabb",
    ),
];

fn by_node_key(program: &Program, farm: &str) -> String {
    let mut client: Client = program.connect(farm);
    let mut got = String::new();
    for n in 0..KEYS {
        client.send(get("/", &format!("X: key{:x}\r\n", scramble(n))));
        let location = client.response();
        let location = location.header("location").unwrap_or_default();
        got.push_str(location.get(1..2).unwrap_or_default());
    }
    got
}

#[test]
fn node_keys_are_those_of_addresses_and_names() {
    for (key, servers, recorded) in NODE_KEYS {
        let moving = servers
            .replacen("127.0.0.11:1", "127.0.0.99:9", 1)
            .replace("guid ", "guid m-");
        let farm = "balance hdr(X)\n  hash-type consistent wt6 avalanche";
        let program = program()
            .config("global\n  nbthread 1\n  stats socket {tmp}/admin.sock level admin\ndefaults\n  mode http\n  timeout connect 20s")
            .config("  timeout client 20s\n  timeout server 20s")
            .config(&format!("listen still\n  bind {{still}}\n  {farm}\n  default-server hash-key {key}\n  {servers}"))
            .config(&format!("listen moving\n  bind {{moving}}\n  {farm}\n  default-server hash-key {key}\n  {moving}"))
            .start();
        assert_eq!(by_node_key(&program, "still"), *recorded, "{key}");
        if key.starts_with("addr") {
            assert_ne!(by_node_key(&program, "moving"), *recorded, "{key}");
            common::api::ask(&program, "set server moving/a addr 127.0.0.11 port 1");
            assert_eq!(by_node_key(&program, "moving"), *recorded, "{key}");
        }
    }
}
