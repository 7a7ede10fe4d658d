//! `cpu-map`: which CPUs threads run on.

use crate::parse::{Parsed, Parser, Statement};

/// The largest thread number in a group and, as everything is in one group, at all.
const MAX_THREADS: u32 = 64;
/// The largest CPU number plus one.
const MAX_CPUS: usize = 4096;

pub(super) fn read(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (target, auto) = match statement.arg(0).strip_prefix("auto:") {
        Some(target) => (target, true),
        None => (statement.arg(0), false),
    };
    let usage = || {
        statement.fault_here(format!(
            "cpu-map expects a thread group number  ('all', 'odd', 'even', a number from 1 to {MAX_THREADS} or a range),  followed by a list of CPU ranges with numbers from 0 to 63."
        ))
    };
    if statement.len() < 2 {
        return Err(usage());
    }
    let (groups, threads) = match target.split_once('/') {
        Some((groups, threads)) => (groups, threads),
        None => (target, "all"),
    };
    let groups = numbers(groups).map_err(|why| statement.fault(0, why))?;
    let threads = numbers(threads).map_err(|why| statement.fault(0, why))?;
    let cpus = cpu_list(&statement.args_from(1)).map_err(|why| statement.fault(1, why))?;
    let map = &mut parser.global.cpu_map;
    // Only the first group exists here, and it holds all threads.
    let threads: Vec<u32> = if groups.contains(&1) {
        threads
    } else {
        Vec::new()
    };
    if auto {
        // With a group alone, or with several groups, HAProxy counts groups against CPUs.
        let wanted = if target.contains('/') {
            threads.len()
        } else {
            groups.len()
        };
        let wildcard =
            target.ends_with("all") || target.ends_with("odd") || target.ends_with("even");
        if wanted != cpus.len() && !wildcard {
            let message = "cpu-map : TGROUP/THREAD range and CPU sets must have the same size to be automatically bound";
            return Err(statement.fault_here(message));
        }
        if target.contains('/') {
            map.extend(
                threads
                    .into_iter()
                    .zip(cpus)
                    .map(|(thread, cpu)| (thread, vec![cpu])),
            );
        } else if let Some(cpu) = groups
            .iter()
            .position(|group| *group == 1)
            .and_then(|at| cpus.get(at))
        {
            map.extend(threads.into_iter().map(|thread| (thread, vec![*cpu])));
        }
        return Ok(());
    }
    for thread in threads {
        map.retain(|(known, _)| *known != thread);
        map.push((thread, cpus.clone()));
    }
    Ok(())
}

/// `all`, `odd`, `even`, a number or a range.
fn numbers(text: &str) -> Result<Vec<u32>, String> {
    let invalid = || format!("cpu-map : '{text}' is not a valid number/range.");
    let (first, last) = match text {
        "all" => return Ok((1..=MAX_THREADS).collect()),
        "odd" => return Ok((1..=MAX_THREADS).step_by(2).collect()),
        "even" => return Ok((2..=MAX_THREADS).step_by(2).collect()),
        _ => text.split_once('-').unwrap_or((text, text)),
    };
    let first: u32 = first.parse().map_err(|_| invalid())?;
    let last: u32 = if last.is_empty() {
        MAX_THREADS
    } else {
        last.parse().map_err(|_| invalid())?
    };
    let (first, last) = (first.min(last), first.max(last));
    if first < 1 || last > MAX_THREADS {
        return Err(format!(
            "{} It supports numbers from 1 to {MAX_THREADS}.",
            invalid()
        ));
    }
    Ok((first..=last).collect())
}

/// CPU numbers from words of comma-separated numbers and ranges, in ascending order.
fn cpu_list(words: &[&str]) -> Result<Vec<usize>, String> {
    let mut cpus = Vec::new();
    for word in words {
        for part in word.split(',') {
            let invalid = || format!("cpu-map : '{part}' is not a CPU range.");
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: usize = first.parse().map_err(|_| invalid())?;
            let last: usize = last.parse().map_err(|_| invalid())?;
            let (first, last) = (first.min(last), first.max(last));
            if last >= MAX_CPUS {
                return Err(invalid());
            }
            cpus.extend(first..=last);
        }
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    fn map(lines: &str) -> Vec<(u32, Vec<usize>)> {
        let (snapshot, messages) = load_text(&format!("global\n{lines}\n"));
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        snapshot.global.cpu_map
    }

    #[test]
    fn sets_and_automatic_maps() {
        assert_eq!(
            map(" cpu-map 1/1-2 0 2-3"),
            [(1, vec![0, 2, 3]), (2, vec![0, 2, 3])]
        );
        assert_eq!(map(" cpu-map auto:1/1-2 4-5"), [(1, vec![4]), (2, vec![5])]);
        assert_eq!(map(" cpu-map auto:1/all 0,7"), [(1, vec![0]), (2, vec![7])]);
        assert_eq!(map(" cpu-map 1 0-1").len(), 64);
        assert_eq!(map(" cpu-map 1/1 0\n cpu-map 1/1 3"), [(1, vec![3])]);
        assert!(map(" cpu-map 2/1 0").is_empty());
    }

    #[test]
    fn faults_are_named() {
        for (line, message) in [
            ("cpu-map x 1", "cpu-map : 'x' is not a valid number/range."),
            ("cpu-map 1 a", "cpu-map : 'a' is not a CPU range."),
            (
                "cpu-map 100 0",
                "cpu-map : '100' is not a valid number/range. It supports numbers from 1 to 64.",
            ),
            (
                "cpu-map 1/x 0",
                "cpu-map : 'x' is not a valid number/range.",
            ),
            (
                "cpu-map auto:1-3 0-1",
                "cpu-map : TGROUP/THREAD range and CPU sets must have the same size to be automatically bound",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(format!("A 2: {message}").as_str()),
                "{line}"
            );
        }
    }
}
