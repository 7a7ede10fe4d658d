//! Compares picks by hash with those of HAProxy 3.4.0, kept in `hashes.txt`: six servers with weights 1, 3, 2, 7, 1 and
//! 10, the fifth disabled.

use hapax_balance::hash::{self, Function, UriKey};
use hapax_balance::{
    Algorithm, Balancer, Load, NodeKey, PickCtx, RingOptions, ServerIdx, ServerSpec,
};

struct Idle;

impl Load for Idle {
    fn served(&self, _: ServerIdx) -> u32 {
        0
    }
    fn queued(&self, _: ServerIdx) -> u32 {
        0
    }
    fn limit(&self, _: ServerIdx) -> u32 {
        0
    }
    fn backend_served(&self) -> u32 {
        0
    }
}

type Keyed = fn(&str) -> u32;

fn hasher(name: &str) -> Keyed {
    macro_rules! keyed {
        ($function:ident, $avalanche:expr) => {
            |key| Function::$function.key_hash(key.as_bytes(), $avalanche)
        };
    }
    match name {
        "h_sdbm_map_raw" | "h_sdbm_con_raw" | "h_default_map" => keyed!(Sdbm, false),
        "h_djb2_map_raw" | "h_djb2_con_raw" => keyed!(Djb2, false),
        "h_wt6_map_raw" | "h_wt6_con_raw" => keyed!(Wt6, false),
        "h_crc32_map_raw" | "h_crc32_con_raw" => keyed!(Crc32, false),
        "h_none_map_raw" | "h_none_con_raw" => keyed!(None, false),
        "h_djb2_map_avalanche" | "h_djb2_con_avalanche" => keyed!(Djb2, true),
        "h_wt6_map_avalanche" | "h_wt6_con_avalanche" => keyed!(Wt6, true),
        "h_crc32_map_avalanche" | "h_crc32_con_avalanche" => keyed!(Crc32, true),
        "h_none_map_avalanche" | "h_none_con_avalanche" => keyed!(None, true),
        "src_con" => |key| hash::source(key.parse().unwrap(), true),
        "src_map" | "src_con_djb" => |key| hash::source(key.parse().unwrap(), false),
        "uri_map" => |key| Function::Sdbm.hash(UriKey::default().cut(key.as_bytes())),
        "dom_map" => |key| Function::Djb2.hash(hash::main_domain(key.as_bytes())),
        // The default function of consistent hashing comes with the avalanche.
        _ => keyed!(Sdbm, true),
    }
}

fn balancer(name: &str) -> Balancer {
    let keys: [NodeKey; 6] = match name {
        "ids_con" => [100, 7, 300_000_000, 4, 5, 1].map(NodeKey::from_id),
        _ => [1, 2, 3, 4, 5, 6].map(NodeKey::from_id),
    };
    let servers: Vec<ServerSpec> = [1, 3, 2, 7, 1, 10]
        .into_iter()
        .zip(keys)
        .zip(1..)
        .map(|((weight, node_key), id)| ServerSpec {
            up: id != 5,
            node_key,
            ..ServerSpec::new(id, weight)
        })
        .collect();
    let map = name.contains("_map");
    let algorithm = if map {
        Algorithm::HashMap
    } else {
        Algorithm::HashRing(RingOptions::default())
    };
    Balancer::new(algorithm, &servers, false)
}

#[test]
fn picks_are_haproxys() {
    let mut name = "";
    let mut balancer_now = balancer("");
    let mut turns = false;
    let (mut count, mut wrong) = (0, std::collections::BTreeMap::new());
    for line in include_str!("hashes.txt").lines() {
        if let Some(section) = line
            .strip_prefix("hash ")
            .or_else(|| line.strip_prefix("turns "))
        {
            (name, turns) = (section, line.starts_with("turns"));
            balancer_now = balancer(name);
            continue;
        }
        let mut check = |seen: &str, hash| {
            let ctx = PickCtx {
                load: &Idle,
                avoid: None,
                hash,
                random: &|| 0,
            };
            let picked = balancer_now.pick(&ctx).map(|idx| idx.to_string());
            count += 1;
            if picked.as_deref() != Some(seen) {
                wrong
                    .entry(name)
                    .or_insert_with(Vec::new)
                    .push((line, picked));
            }
        };
        if turns {
            line.split(' ').for_each(|seen| check(seen, None));
        } else if let Some((seen, key)) = line.split_once(' ') {
            check(seen, Some(hasher(name)(key)));
        }
    }
    assert!(count > 5000);
    let summary: Vec<_> = wrong
        .iter()
        .map(|(name, lines)| (name, lines.len(), &lines[..lines.len().min(30)]))
        .collect();
    assert!(wrong.is_empty(), "{summary:?}");
}
