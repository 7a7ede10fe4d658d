//! How the process runs: identity, threads, limits of its life.

use crate::parse::families::log;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, accounts};
use crate::global::UnixBind;

use super::cpu_map;
use super::limits::figure;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row { name: "chroot", valid: Valid::ALL, args: (0, 1), doc: "The directory the process is confined to.", read: chroot },
    Row { name: "cpu-map", valid: Valid::ALL, args: (0, ANY), doc: "Which CPUs threads run on.", read: cpu_map::read },
    Row { name: "daemon", valid: Valid::ALL, args: (0, 0), doc: "Runs in the background.", read: |p, _| on(&mut p.global.daemon) },
    Row { name: "description", valid: Valid::ALL, args: (0, ANY), doc: "Text about this instance.", read: description },
    Row { name: "expose-deprecated-directives", valid: Valid::ALL, args: (0, 0), doc: "Allows deprecated directives.", read: |p, _| expose(p, 1) },
    Row { name: "expose-experimental-directives", valid: Valid::ALL, args: (0, 0), doc: "Allows experimental directives.", read: |p, _| expose(p, 0) },
    Row { name: "external-check", valid: Valid::ALL, args: (0, 1), doc: "Allows checks by external programs.", read: external_check },
    Row { name: "gid", valid: Valid::ALL, args: (0, 1), doc: "The group number to run as.", read: gid },
    Row { name: "grace", valid: Valid::ALL, args: (0, 1), doc: "How long listeners stay open on a soft stop.", read: grace },
    Row { name: "group", valid: Valid::ALL, args: (0, 1), doc: "The group to run as.", read: group },
    Row { name: "h1-accept-payload-with-any-method", valid: Valid::ALL, args: (0, 0), doc: "Takes bodies with GET, HEAD and DELETE in HTTP/1.0.", read: |p, _| on(&mut p.global.accept_payload_with_any_method) },
    Row { name: "h1-case-adjust", valid: Valid::ALL, args: (0, 2), doc: "How a header's name is written.", read: case_adjust },
    Row { name: "h1-case-adjust-file", valid: Valid::ALL, args: (0, 1), doc: "How headers' names are written.", read: case_adjust_file },
    Row { name: "h1-do-not-close-on-insecure-transfer-encoding", valid: Valid::ALL, args: (0, 0), doc: "Keeps connections after doubtful transfer codings.", read: |p, _| on(&mut p.global.keep_on_insecure_transfer_encoding) },
    Row { name: "hard-stop-after", valid: Valid::ALL, args: (0, 1), doc: "How long a soft stop may last.", read: hard_stop_after },
    Row { name: "http-err-codes", valid: Valid::ALL, args: (0, ANY), doc: "Statuses that count as errors.", read: super::statuses::read },
    Row { name: "http-fail-codes", valid: Valid::ALL, args: (0, ANY), doc: "Statuses that count as failures.", read: super::statuses::read },
    Row { name: "insecure-fork-wanted", valid: Valid::ALL, args: (0, 0), doc: "Allows new processes at run time.", read: insecure },
    Row { name: "insecure-setuid-wanted", valid: Valid::ALL, args: (0, 0), doc: "Allows programs that change their user.", read: insecure },
    Row { name: "localpeer", valid: Valid::ALL, args: (0, 1), doc: "This instance's name among peers.", read: local_peer },
    Row { name: "log-send-hostname", valid: Valid::ALL, args: (0, 1), doc: "The host name in log messages.", read: log::send_hostname },
    Row { name: "master-worker", valid: Valid::ALL, args: (0, 1), doc: "Runs a master that supervises the worker.", read: master_worker },
    Row { name: "mworker-max-reloads", valid: Valid::ALL, args: (0, 1), doc: "Reloads that an old worker survives.", read: max_reloads },
    Row { name: "nbthread", valid: Valid::ALL, args: (0, 1), doc: "Number of threads.", read: nbthread },
    Row { name: "node", valid: Valid::ALL, args: (0, 1), doc: "This instance's name.", read: node },
    Row { name: "noreuseport", valid: Valid::ALL, args: (0, 0), doc: "Does not share listening ports by SO_REUSEPORT.", read: |p, _| on(&mut p.global.no_reuseport) },
    Row { name: "nosplice", valid: Valid::ALL, args: (0, 0), doc: "Does not forward in the kernel.", read: |p, _| on(&mut p.global.no_splice) },
    Row { name: "pidfile", valid: Valid::ALL, args: (0, 1), doc: "Where process numbers are written.", read: pidfile },
    Row { name: "pp2-never-send-local", valid: Valid::ALL, args: (0, 0), doc: "Never sends LOCAL in PROXY protocol headers.", read: |p, _| on(&mut p.global.never_send_local) },
    Row { name: "quiet", valid: Valid::ALL, args: (0, 0), doc: "Says nothing at the start.", read: |p, _| on(&mut p.global.quiet) },
    Row { name: "set-dumpable", valid: Valid::ALL, args: (0, 1), doc: "Allows core dumps.", read: dumpable },
    Row { name: "setcap", valid: Valid::ALL, args: (0, 1), doc: "Capabilities to keep.", read: setcap },
    Row { name: "strict-limits", valid: Valid::ALL, args: (0, 0), doc: "Fails when limits can't be set.", read: strict_limits },
    Row { name: "thread-group", valid: Valid::ALL, args: (0, ANY), doc: "Threads of a group.", read: thread_group },
    Row { name: "thread-groups", valid: Valid::ALL, args: (0, 1), doc: "Number of thread groups.", read: thread_groups },
    Row { name: "thread-hard-limit", valid: Valid::ALL, args: (0, 1), doc: "Threads used at most.", read: thread_hard_limit },
    Row { name: "uid", valid: Valid::ALL, args: (0, 1), doc: "The user number to run as.", read: uid },
    Row { name: "unix-bind", valid: Valid::ALL, args: (0, ANY), doc: "What Unix listeners start from.", read: unix_bind },
    Row { name: "user", valid: Valid::ALL, args: (0, 1), doc: "The user to run as.", read: user },
    Row { name: "zero-warning", valid: Valid::ALL, args: (0, 0), doc: "Does not start with warnings.", read: |p, _| on(&mut p.global.zero_warning) },
];

fn on(place: &mut bool) -> Parsed {
    *place = true;
    Ok(())
}

fn expose(parser: &mut Parser<'_>, which: usize) -> Parsed {
    if let Some(place) = parser.global.exposes.get_mut(which) {
        *place = true;
    }
    Ok(())
}

fn chroot(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), &parser.global.chroot) {
        ("", _) => return Err(statement.fault_here("'chroot' expects a directory as an argument.")),
        (_, Some(_)) => parser.warn(statement, "'chroot' is already specified. Continuing.", None),
        (directory, None) => parser.global.chroot = Some(directory.into()),
    }
    Ok(())
}

fn pidfile(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), &parser.global.pidfile) {
        ("", _) => return Err(statement.fault_here("'pidfile' expects a file name as an argument.")),
        (_, Some(_)) => parser.warn(statement, "'pidfile' already specified. Continuing.", None),
        (file, None) => parser.global.pidfile = Some(file.into()),
    }
    Ok(())
}

fn description(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'description' expects a string argument."));
    }
    parser.global.description = Some(statement.args_from(0).join(" "));
    Ok(())
}

fn node(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        let message = "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).";
        return Err(statement.fault_here(message));
    }
    parser.global.node = Some(name.into());
    Ok(())
}

fn user(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.uid.is_some() {
        return Err(statement.fault_here("user/uid already specified. Continuing."));
    }
    let name = statement.arg(0);
    match accounts::user_id(name) {
        Some(uid) => parser.global.uid = Some(uid),
        None => return Err(statement.fault(0, format!("cannot find user id for '{name}' (0:Success)"))),
    }
    Ok(())
}

fn group(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.gid.is_some() {
        return Err(statement.fault_here("gid/group was already specified. Continuing."));
    }
    let name = statement.arg(0);
    match accounts::group_id(name) {
        Some(gid) => parser.global.gid = Some(gid),
        None => return Err(statement.fault(0, format!("cannot find group id for '{name}' (0:Success)"))),
    }
    Ok(())
}

/// A user or group number; a name is only warned of, and leaves the identity as it is.
fn number(parser: &mut Parser<'_>, statement: Statement<'_>, keyword: &str, what: &str) -> Parsed<Option<u32>> {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects an integer argument.")));
    }
    let id = text.parse().ok();
    if id.is_none() {
        let message = format!(
            " {keyword}: string '{text}' is not a number.\nYou might want to use the '{what}' parameter to use a system {what} name."
        );
        parser.warn(statement, message, Some(format!("write: {what} {text}")));
    }
    Ok(id)
}

fn uid(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.uid.is_some() {
        return Err(statement.fault_here("user/uid already specified. Continuing."));
    }
    parser.global.uid = number(parser, statement, "uid", "user")?;
    Ok(())
}

fn gid(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if parser.global.gid.is_some() {
        return Err(statement.fault_here("gid/group was already specified. Continuing."));
    }
    parser.global.gid = number(parser, statement, "gid", "group")?;
    Ok(())
}

fn duration(statement: Statement<'_>) -> Parsed<u64> {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects <time> as argument.")));
    }
    let read = crate::parse::parse_duration(statement.arg(0), base::units::TimeUnit::Millisecond);
    read.map_err(|why| statement.fault(0, format!("{why} in argument to <{keyword}>.")))
}

fn hard_stop_after(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.hard_stop_after = Some(duration(statement)?);
    Ok(())
}

fn grace(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.grace = Some(duration(statement)?);
    Ok(())
}

fn external_check(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {}
        "preserve-env" => parser.global.external_check_env = true,
        other => {
            let message = format!("'external-check' only supports 'preserve-env' as an argument, found '{other}'.");
            return Err(statement.fault(0, message));
        }
    }
    parser.global.external_check = true;
    Ok(())
}

fn case_adjust(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.len() < 2 {
        return Err(statement.fault_here("'h1-case-adjust' expects <from> and <to> as argument."));
    }
    let pair = (statement.arg(0), statement.arg(1));
    add_case(parser, pair).map_err(|why| statement.fault(1, why))
}

fn add_case(parser: &mut Parser<'_>, (from, to): (&str, &str)) -> Result<(), String> {
    if !from.eq_ignore_ascii_case(to) {
        return Err("<from> and <to> must not differ except the case".into());
    }
    let from = from.to_ascii_lowercase();
    let cases = &mut parser.global.header_cases;
    if cases.iter().any(|(known, _)| *known == from) {
        return Err(format!("duplicate entry '{from}'"));
    }
    cases.push((from, to.into()));
    Ok(())
}

fn case_adjust_file(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'h1-case-adjust-file' expects a file name as argument."));
    }
    let path = parser.default_path.resolve(&statement.line.file, name);
    let Ok(text) = std::fs::read_to_string(path) else {
        return Err(statement.fault(0, format!("h1-headers-case-adjust-file '{name}': failed to open file.")));
    };
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: &str| statement.fault(0, format!("h1-headers-case-adjust-file '{name}' line {}: {why}.", number + 1));
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => {}
            (Some(word), ..) if word.starts_with('#') => {}
            (Some(from), Some(to), None) => add_case(parser, (from, to)).map_err(|why| wrong(&why))?,
            _ => return Err(wrong("two words are expected")),
        }
    }
    Ok(())
}

fn insecure(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let [fork, setuid] = &mut parser.global.insecure;
    match statement.keyword() {
        "insecure-fork-wanted" => *fork = !statement.is_negated(),
        _ => *setuid = true,
    }
    Ok(())
}

fn local_peer(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => return Err(statement.fault_here("'localpeer' expects a name as an argument.")),
        name => parser.global.local_peer = Some(name.into()),
    }
    parser.env.set("HAPROXY_LOCALPEER", statement.arg(0));
    Ok(())
}

fn master_worker(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {
            let message = "The 'master-worker' keyword is deprecated in 3.3 and will be removed in 3.5. Use -W or -Ws in the startup script instead.";
            parser.warn(statement, message, None);
        }
        "no-exit-on-failure" => {}
        _ => return Err(statement.fault(0, "'master-worker' only supports 'no-exit-on-failure' option")),
    }
    parser.global.master_worker = true;
    Ok(())
}

fn max_reloads(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let reloads = figure(parser, statement)?;
    parser.global.max_reloads = Some(u32::try_from(reloads).unwrap_or(u32::MAX));
    Ok(())
}

/// The largest number of threads and of thread groups.
const MAX_THREADS: i64 = 1024;
const MAX_GROUPS: i64 = 32;

fn bounded(statement: Statement<'_>, max: i64) -> Parsed<u32> {
    let (keyword, text) = (statement.keyword(), statement.arg(0));
    let message = || format!("'{keyword}' passed a missing or unparsable integer value in '{text}'");
    let value: i64 = text.parse().map_err(|_| statement.fault_here(message()))?;
    if !(1..=max).contains(&value) {
        return Err(statement.fault(0, format!("'{keyword}' value must be between 1 and {max} (was {value})")));
    }
    u32::try_from(value).map_err(|_| statement.fault_here(message()))
}

fn nbthread(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.threads = Some(bounded(statement, MAX_THREADS)?);
    Ok(())
}

fn thread_hard_limit(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.thread_hard_limit = Some(bounded(statement, MAX_THREADS)?);
    Ok(())
}

const ONE_GROUP: &str = "has no effect: all threads are in one group here.";

fn thread_groups(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    bounded(statement, MAX_GROUPS)?;
    parser.notice_once(statement, format!("'thread-groups' {ONE_GROUP}"));
    Ok(())
}

fn thread_group(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    bounded(statement, MAX_GROUPS)?;
    parser.notice_once(statement, format!("'thread-group' {ONE_GROUP}"));
    Ok(())
}

fn dumpable(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.dumpable = match statement.arg(0) {
        "" | "on" | "libs" => !statement.is_negated(),
        "off" => false,
        other => {
            let message = format!("'set-dumpable' only supports 'on' and 'off' as an argument, found '{other}'.");
            return Err(statement.fault(0, message));
        }
    };
    Ok(())
}

fn setcap(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const SUPPORTED: [&str; 4] = ["cap_net_raw", "cap_net_admin", "cap_net_bind_service", "cap_sys_admin"];
    let names = statement.arg(0);
    if names.is_empty() {
        return Err(statement.fault_here("'setcap' : missing capability name."));
    }
    for name in names.split(',') {
        if !SUPPORTED.contains(&name) {
            let message = format!(
                "'setcap' : unsupported capability '{name}'.  Supported ones are: cap_net_raw, cap_net_admin, cap_net_bind_service and cap_sys_admin."
            );
            return Err(statement.fault(0, message));
        }
        parser.global.capabilities.push(name.into());
    }
    Ok(())
}

fn strict_limits(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.strict_limits = !statement.is_negated();
    Ok(())
}

fn unix_bind(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut settings = UnixBind::default();
    let mut words = statement.args_from(0).into_iter();
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        match option {
            "prefix" if value.is_empty() => {
                return Err(statement.fault_here("unix_bind 'prefix' expects a path as an argument."));
            }
            "prefix" => settings.prefix = Some(value.into()),
            "mode" => settings.mode = u32::from_str_radix(value, 8).ok(),
            "uid" => settings.uid = value.parse().ok(),
            "gid" => settings.gid = value.parse().ok(),
            "user" => settings.uid = Some(known(statement, accounts::user_id(value), value, "user")?),
            "group" => settings.gid = Some(known(statement, accounts::group_id(value), value, "group")?),
            _ => {
                let message = "'unix-bind' only supports the 'prefix', 'mode', 'uid', 'gid', 'user' and 'group' options.";
                return Err(statement.fault_here(message));
            }
        }
    }
    parser.global.unix_bind = settings;
    Ok(())
}

fn known(statement: Statement<'_>, id: Option<u32>, name: &str, what: &str) -> Parsed<u32> {
    id.ok_or_else(|| statement.fault_here(format!("'unix-bind' : '{name}' unknown {what}.")))
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn identity_and_life() {
        let text = "global\n user root\n group root\n chroot /var\n pidfile /run/p\n daemon\n node a-1\n hard-stop-after 30s\n grace 5\n nbthread 2\n setcap cap_net_raw\n no strict-limits\n unix-bind prefix /run mode 600 user root\nfrontend f\n bind /x.sock\n timeout client 1s\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else { panic!("{messages:?}") };
        let global = &snapshot.global;
        assert_eq!((global.uid, global.gid, global.threads), (Some(0), Some(0), Some(2)));
        assert_eq!((global.hard_stop_after, global.grace), (Some(30_000), Some(5)));
        assert!(global.daemon && !global.strict_limits);
        let bind = &snapshot.proxies[0].front.binds[0];
        assert_eq!(bind.address, crate::Address::Unix("/run/x.sock".into()));
        assert_eq!((bind.unix_mode, bind.unix_owner.0), (Some(0o600), Some(0)));
    }

    #[test]
    fn messages_are_those_operators_know() {
        for (line, message) in [
            ("nbthread", "A 2: 'nbthread' passed a missing or unparsable integer value in ''"),
            ("nbthread 5000", "A 2: 'nbthread' value must be between 1 and 1024 (was 5000)"),
            ("thread-groups 100", "A 2: 'thread-groups' value must be between 1 and 32 (was 100)"),
            ("user nosuch", "A 2: cannot find user id for 'nosuch' (0:Success)"),
            ("user root\n uid 0", "A 3: user/uid already specified. Continuing."),
            ("chroot /a\n chroot /b", "W 3: 'chroot' is already specified. Continuing."),
            ("daemon x", "A 2: 'daemon' cannot handle unexpected argument 'x'."),
            ("hard-stop-after x", "A 2: unexpected character 'x' in argument to <hard-stop-after>."),
            ("set-dumpable foo", "A 2: 'set-dumpable' only supports 'on' and 'off' as an argument, found 'foo'."),
            ("master-worker foo", "A 2: 'master-worker' only supports 'no-exit-on-failure' option"),
            ("h1-case-adjust foo Bar", "A 2: <from> and <to> must not differ except the case"),
            (
                "no daemon",
                "A 2: negation/default currently supported only for options, log, busy-polling, set-dumpable, strict-limits, insecure-fork-wanted and numa-cpu-mapping.",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(messages.first().map(String::as_str), Some(message), "{line}");
        }
    }

    #[test]
    fn groups_of_threads_are_one() {
        let (snapshot, messages) = load_text("global\n thread-groups 2\n thread-group 1 1-2\n thread-group 2 3-4\n");
        assert!(snapshot.is_some());
        let notices = messages.iter().filter(|m| m.starts_with('N')).count();
        assert_eq!(notices, 2, "one for each keyword: {messages:?}");
    }
}
