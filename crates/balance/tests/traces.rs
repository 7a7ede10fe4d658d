//! Replays what HAProxy 3.4.0 with one thread was seen to do: each file in `traces/` names an algorithm and servers,
//! then connections opened (and the server that got each), connections closed, and state and weight changes.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use hapax_balance::{
    Algorithm, Balancer, Load, PickCtx, RingOptions, ServerIdx, ServerSpec, effective_weight,
};

struct Counters {
    served: Vec<Cell<u32>>,
    limit: Vec<u32>,
}

impl Load for Counters {
    fn served(&self, server: ServerIdx) -> u32 {
        self.served[server.0 as usize].get()
    }
    fn queued(&self, _: ServerIdx) -> u32 {
        0
    }
    fn limit(&self, server: ServerIdx) -> u32 {
        self.limit[server.0 as usize]
    }
    fn backend_served(&self) -> u32 {
        self.served.iter().map(Cell::get).sum()
    }
}

fn algorithm(name: &str) -> Algorithm {
    match name {
        "roundrobin" => Algorithm::RoundRobin,
        "static-rr" => Algorithm::StaticRr,
        "leastconn" => Algorithm::LeastConn,
        "first" => Algorithm::First,
        "sticky" => Algorithm::Sticky,
        "random" => Algorithm::Random {
            draws: 2,
            ring: RingOptions::default(),
        },
        other => panic!("unknown algorithm {other}"),
    }
}

fn number(word: &str) -> u32 {
    word.parse().unwrap()
}

/// Among servers that `leastconn` sees as equal HAProxy picks by chance, so there a server of the same rank counts.
fn least_loaded(
    farm: &[(ServerSpec, u32, bool)],
    load: &Counters,
    picked: usize,
    seen: usize,
) -> bool {
    let rank = |at: usize| match load.served[at].get() {
        0 => 0,
        n => (n + 1) * 4096 / farm[at].1.max(1),
    };
    farm[picked].0.backup == farm[seen].0.backup && rank(picked) == rank(seen)
}

fn replay(name: &str, text: &str) {
    let mut lines = text.lines().enumerate().peekable();
    let algorithm = algorithm(lines.next().unwrap().1.strip_prefix("algo ").unwrap());
    let mut all_backups = false;
    let mut farm: Vec<(ServerSpec, u32, bool)> = Vec::new();
    let mut limit = Vec::new();
    while let Some((_, line)) =
        lines.next_if(|(_, line)| line.starts_with("server") || line.starts_with("option"))
    {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "option" {
            all_backups |= words[1] == "allbackups";
            continue;
        }
        let value = |key| {
            words
                .iter()
                .position(|w| *w == key)
                .map(|at| number(words[at + 1]))
        };
        let id = value("id").unwrap_or(farm.len() as u32 + 1);
        let spec = ServerSpec {
            backup: words.contains(&"backup"),
            ..ServerSpec::new(id, number(words[1]))
        };
        limit.push(value("maxconn").unwrap_or(0));
        farm.push((spec, effective_weight(spec.weight), true));
    }
    let specs: Vec<ServerSpec> = farm.iter().map(|(spec, ..)| *spec).collect();
    let mut balancer = Balancer::new(algorithm, &specs, all_backups);
    let load = Counters {
        served: vec![Cell::new(0); farm.len()],
        limit,
    };
    let ctx = PickCtx {
        load: &load,
        avoid: None,
        hash: None,
        random: &|| 0,
    };
    let mut connections: Vec<Option<usize>> = Vec::new();
    for (at, line) in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "open" => {
                let seen = words[1].parse::<usize>().ok();
                let picked = balancer.pick(&ctx).map(|idx| idx.0 as usize);
                let same = picked == seen
                    || (algorithm == Algorithm::LeastConn
                        && picked.zip(seen).is_some_and(|(picked, seen)| {
                            least_loaded(&farm, &load, picked, seen)
                        }));
                assert!(
                    same,
                    "{name}, line {}: picked {picked:?}, HAProxy {seen:?}",
                    at + 1
                );
                connections.push(seen);
                if let Some(server) = seen {
                    load.served[server].set(load.served[server].get() + 1);
                    balancer.on_conn_change(ServerIdx(server as u32), &load);
                }
            }
            "close" => {
                let server = connections[number(words[1]) as usize].take().unwrap();
                load.served[server].set(load.served[server].get() - 1);
                balancer.on_conn_change(ServerIdx(server as u32), &load);
            }
            "weight" => {
                let (idx, weight) = (number(words[1]), effective_weight(number(words[2])));
                farm[idx as usize].1 = weight;
                balancer.set_weight(ServerIdx(idx), weight, &load);
            }
            state @ ("up" | "down") => {
                balancer.set_usable(ServerIdx(number(words[1])), state == "up", &load)
            }
            other => panic!("unknown event {other}"),
        }
    }
}

#[test]
fn sequences_are_haproxys() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        count += 1;
        if std::panic::catch_unwind(|| replay(&name, &text)).is_err() {
            failed.push(name);
        }
    }
    assert!(count > 20, "only {count} traces found");
    assert!(failed.is_empty(), "{failed:?}");
}
