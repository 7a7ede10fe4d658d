//! `show pools`: what workers make, use again and count.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest};
use engine::runtime::Runtime;
use engine::worker::Pool;
use std::cmp::Reverse;
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "pools"],
    level: Level::User,
    args: "[by*] [match <pfx>] [nb]",
    doc: "show how much memory of each kind is in use",
    run: show,
}];

const EXPECTED: &str = "Expects either 'byname', 'bysize', 'byusage', 'match <pfx>', 'detailed', or a max number of output lines.";

/// In which order pools are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Own,
    Name,
    Size,
    Usage,
}

/// What is asked for.
#[derive(Debug)]
struct Wish {
    order: Order,
    prefix: String,
    most: usize,
    /// Whether each worker's share is shown as well.
    detailed: bool,
}

fn wish(args: Args<'_>) -> Option<Wish> {
    let mut wish = Wish {
        order: Order::Own,
        prefix: String::new(),
        most: 0,
        detailed: false,
    };
    let mut words = args.0.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "byname" => wish.order = Order::Name,
            "bysize" => wish.order = Order::Size,
            "byusage" => wish.order = Order::Usage,
            "detailed" => wish.detailed = true,
            "match" => wish.prefix = words.next()?.clone(),
            word => wish.most = word.parse().ok()?,
        }
    }
    Some(wish)
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(wish) = wish(args) else {
        return reply.error(EXPECTED);
    };
    let runtime: Arc<Runtime> = context.runtime.clone();
    reply.rest = Rest::Task(Box::pin(async move {
        let mut all = Vec::new();
        for worker in 0..runtime.process.threads as usize {
            let answer = runtime.process.orders.ask(worker, |worker| worker.pools());
            if let Ok(pools) = answer.await {
                all.push(pools.to_vec());
            }
        }
        all.push(shared());
        render(&all, &wish)
    }));
}

/// What belongs to no worker.
fn shared() -> Vec<Pool> {
    let one = |name, size, allocated, cached| Pool {
        name,
        size,
        allocated,
        bytes: allocated * size,
        cached,
        needed: allocated - cached,
    };
    let (pipes, free) = engine::io::pipes();
    let tls = usize::try_from(engine::io::tls_connections()).unwrap_or(usize::MAX);
    vec![
        one("pipe", size_of::<engine::io::Pipe>(), pipes + free, free),
        one("tls_connection", size_of::<tls::Connection>(), tls, 0),
    ]
}

/// The sums over all workers.
fn sums(all: &[Vec<Pool>]) -> Vec<Pool> {
    let mut sums: Vec<Pool> = Vec::new();
    for pool in all.iter().flatten() {
        match sums.iter_mut().find(|sum| sum.name == pool.name) {
            Some(sum) => {
                sum.allocated += pool.allocated;
                sum.bytes += pool.bytes;
                sum.cached += pool.cached;
                sum.needed += pool.needed;
                sum.size = sum.size.max(pool.size);
            }
            None => sums.push(*pool),
        }
    }
    sums
}

fn render(all: &[Vec<Pool>], wish: &Wish) -> String {
    let mut pools = sums(all);
    pools.retain(|pool| pool.name.starts_with(&*wish.prefix));
    match wish.order {
        Order::Own => {}
        Order::Name => pools.sort_by_key(|pool| pool.name),
        Order::Size => pools.sort_by_key(|pool| Reverse(pool.size)),
        Order::Usage => {
            pools.retain(|pool| pool.bytes > 0);
            pools.sort_by_key(|pool| Reverse(pool.bytes));
        }
    }
    let mut out = "Dumping pools usage".to_owned();
    if wish.most > 0 {
        let _ = write!(out, " (limited to the first {} entries)", wish.most);
    }
    out.push_str(".\n");
    let most = if wish.most == 0 {
        usize::MAX
    } else {
        wish.most
    };
    for pool in pools.iter().take(most) {
        let _ = writeln!(
            out,
            "  - Pool {} ({} bytes/{}) : {} allocated ({} bytes), {} used (~{} by thread caches), needed_avg {}, 0 failures, 1 users",
            pool.name,
            pool.size,
            align_of::<usize>(),
            pool.allocated,
            pool.bytes,
            pool.allocated,
            pool.cached,
            pool.needed
        );
        if wish.detailed {
            for (at, own) in all.iter().enumerate() {
                if let Some(own) = own.iter().find(|own| own.name == pool.name) {
                    detail(&mut out, at, own);
                }
            }
        }
    }
    let bytes: usize = pools.iter().map(|pool| pool.bytes).sum();
    let cached: usize = pools.iter().map(|pool| pool.cached * pool.size).sum();
    let _ = writeln!(
        out,
        "Total: {} pools, {bytes} bytes allocated, {bytes} used (~{cached} by thread caches).",
        pools.len()
    );
    out
}

fn detail(out: &mut String, worker: usize, pool: &Pool) {
    let _ = writeln!(
        out,
        "      >  {:<12}: thread={} allocated={} cached={}",
        pool.name,
        worker + 1,
        pool.allocated,
        pool.cached
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &'static str, size: usize, allocated: usize, cached: usize) -> Pool {
        Pool {
            name,
            size,
            allocated,
            bytes: size * allocated,
            cached,
            needed: 0,
        }
    }

    fn shown(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let workers = [
            vec![pool("buffer", 100, 3, 1), pool("card", 8, 0, 0)],
            vec![pool("buffer", 100, 2, 2), pool("card", 8, 0, 0)],
        ];
        wish(Args(&words)).map_or("refused".into(), |wish| render(&workers, &wish))
    }

    #[test]
    fn workers_are_added_up() {
        assert_eq!(
            shown(&[]),
            "Dumping pools usage.\n\
             \x20 - Pool buffer (100 bytes/8) : 5 allocated (500 bytes), 5 used (~3 by thread caches), needed_avg 0, 0 failures, 1 users\n\
             \x20 - Pool card (8 bytes/8) : 0 allocated (0 bytes), 0 used (~0 by thread caches), needed_avg 0, 0 failures, 1 users\n\
             Total: 2 pools, 500 bytes allocated, 500 used (~300 by thread caches).\n"
        );
        let detailed = shown(&["detailed", "match", "buf"]);
        assert!(detailed.contains("\n      >  buffer      : thread=2 allocated=2 cached=2\n"));
        assert!(detailed.contains("Total: 1 pools,"));
    }

    #[test]
    fn order_and_number_are_chosen() {
        assert!(
            shown(&["byusage"]).ends_with(
                "Total: 1 pools, 500 bytes allocated, 500 used (~300 by thread caches).\n"
            )
        );
        let first = shown(&["bysize", "1"]);
        assert!(
            first.starts_with(
                "Dumping pools usage (limited to the first 1 entries).\n  - Pool buffer"
            )
        );
        assert!(!first.contains("card"));
        assert_eq!(shown(&["match"]), "refused");
        assert_eq!(shown(&["foo"]), "refused");
    }
}
