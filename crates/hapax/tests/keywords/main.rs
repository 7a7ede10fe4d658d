//! What `-dK` lists of expressions against what HAProxy 3.4.0 lists: the same names, arguments, types and phases.
#[path = "../common/mod.rs"]
mod common;

use common::program;
use std::collections::BTreeSet;

/// ACL keywords, converters and sample fetches as HAProxy 3.4.0 lists them, without the alignment.
const LISTED: &str = include_str!("samples-3.4.txt");

/// What of these is refused by name, since what it tells of is not built.
const NOT_BUILT: [&str; 33] = [
    "bs.debug_str",
    "cpu_calls",
    "cpu_ns_avg",
    "cpu_ns_tot",
    "cpu_usage_grp",
    "cpu_usage_proc",
    "cpu_usage_thr",
    "fcgi.docroot",
    "fcgi.index",
    "fs.debug_str",
    "internal.htx.data",
    "internal.htx.free",
    "internal.htx.free_data",
    "internal.htx.has_eom",
    "internal.htx.nbblks",
    "internal.htx.size",
    "internal.htx.used",
    "internal.htx_blk.data",
    "internal.htx_blk.hdrname",
    "internal.htx_blk.hdrval",
    "internal.htx_blk.size",
    "internal.htx_blk.start_line",
    "internal.htx_blk.type",
    "lat_ns_avg",
    "lat_ns_tot",
    "res.cache_hit",
    "res.cache_name",
    "res.comp",
    "res.comp_algo",
    "spoe.engine-id",
    "ssl_bc_unique_id",
    "ssl_fc_unique_id",
    "term_events",
];

/// The lists of one kind, each line without alignment.
fn listed(kind: &str) -> BTreeSet<String> {
    let exit = program()
        .config("listen a\n  mode http\n  bind {fe}\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s")
        .arg(&format!("-dK{kind}"))
        .check();
    let lines = exit.stdout.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|line| !line.is_empty()).collect()
}

fn is_not_built(line: &str) -> bool {
    let name = line.rsplit("] ").next().unwrap_or(line);
    let name = name.split(['(', ':']).next().unwrap_or(name);
    NOT_BUILT.contains(&name)
}

#[test]
fn expressions_are_listed_as_by_haproxy() {
    for kind in ["acl", "cnv", "smp"] {
        let wanted: BTreeSet<String> = LISTED
            .lines()
            .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
            .filter(|line| !is_not_built(line))
            .map(str::to_owned)
            .collect();
        let found = listed(kind);
        let missing: Vec<_> = wanted.difference(&found).collect();
        let others: Vec<_> = found.difference(&wanted).collect();
        assert!(
            missing.is_empty() && others.is_empty(),
            "{kind}: missing {missing:#?}, others {others:#?}"
        );
        assert!(wanted.len() > 70, "{kind}");
    }
}
