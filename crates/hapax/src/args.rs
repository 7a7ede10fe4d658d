//! The command line (management manual, section 3).
//!
//! Options are recognised by their first letters, as HAProxy does: `-dbV` is `-db`, and a letter that `-d` does not know
//! still means `-d`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Print the usage and fail.
    Usage,
    /// `-v`: say which version this is.
    Version,
    /// `-vv`: say what was built.
    Build,
    /// `-vq`, `-vqs`, `-vqb`: one form of the version alone.
    Bare(VersionForm),
    /// `-dMhelp`: list memory debugging options.
    MemoryHelp,
    /// Anything else.
    Run(Box<Options>),
}

/// A form of the version alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionForm {
    /// `-vq`: all of it.
    Full,
    /// `-vqs`: without what follows the number.
    Short,
    /// `-vqb`: the branch.
    Branch,
}

/// The signal for processes that this one replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// `-sf`: finish what is running.
    Finish,
    /// `-st`: stop at once.
    Terminate,
}

/// The options of a run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Options {
    /// `-f` and what follows `--`: files and directories in order.
    pub files: Vec<PathBuf>,
    /// `-c`: only check the configuration.
    pub check: bool,
    /// `-cc`: a condition to evaluate instead of anything else.
    pub condition: Option<OsString>,
    /// `-C`: where to go before reading files.
    pub directory: Option<PathBuf>,
    /// `-D`: leave the terminal.
    pub daemon: bool,
    /// `-db` or `-d`: stay in the foreground whatever else says otherwise.
    pub foreground: bool,
    /// `-d`: foreground, and told more.
    pub debug: bool,
    /// `-q`: print no messages.
    pub quiet: bool,
    /// `-V`: print them whatever else says otherwise.
    pub verbose: bool,
    /// `-n`: connections at once; 0 or less leaves it to the configuration.
    pub maxconn: i64,
    /// `-N`: connections at once of a frontend that does not say so itself.
    pub proxy_maxconn: i64,
    /// `-m`: memory in mebibytes, 0 for no limit.
    pub memory: u64,
    /// `-p`: where to write the process number.
    pub pidfile: Option<PathBuf>,
    /// `-sf` or `-st`: how to take leave of the processes that this one replaces.
    pub farewell: Option<Farewell>,
    /// Those processes.
    pub previous: Vec<i32>,
    /// `-W` or `-Ws`: a master that supervises a worker.
    pub master: bool,
    /// `-Ws`: the master tells systemd how it is.
    pub systemd: bool,
    /// `-S`: the master's own runtime API, each a listening address with options.
    pub master_sockets: Vec<String>,
    /// `-x`: where to ask an old process for its listening sockets.
    pub handover: Option<PathBuf>,
    /// `-L`: this process' name among peers.
    pub local_peer: Option<String>,
    /// `-4`: name servers are asked for IPv4 addresses only.
    pub ipv4_only: bool,
    /// `-dW`: warnings are errors.
    pub zero_warning: bool,
    /// `-dD`: remarks about suspicious statements.
    pub diagnostic: bool,
    /// `-dS`, `-dF` or `-dZ`: no splicing.
    pub no_splice: bool,
    /// `-dR`: no `SO_REUSEPORT`.
    pub no_reuseport: bool,
    /// `-dI`: as `insecure-fork-wanted`.
    pub insecure_fork: bool,
    /// `-dL`: list the object files in use.
    pub objects: bool,
    /// `-dK`: classes of keywords to list, separated by commas.
    pub keywords: Option<String>,
    /// `--strict`: refuse what only older versions understood.
    pub strict: bool,
    /// `-dt`: what is traced from the start.
    pub traces: Option<model::trace::Settings>,
    /// Options without a counterpart here, with the reason.
    pub without_effect: Vec<(&'static str, &'static str)>,
}

/// Why a command line is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl Refused {
    fn not_built(option: &str, what: &str) -> Self {
        Self(format!(
            "option '{option}' needs {what}, which hapax has not built yet."
        ))
    }
}

/// Reads the words after the program's name.
///
/// # Errors
/// When an option lacks its argument, has one that makes no sense, or needs something that is not built.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Refused> {
    let mut words = words.into_iter().peekable();
    let mut options = Box::<Options>::default();
    while let Some(word) = words.next() {
        let Some(flag) = word.as_bytes().strip_prefix(b"-") else {
            return Ok(Command::Usage);
        };
        let mut value = || {
            let shown = word.to_string_lossy();
            words
                .next()
                .ok_or_else(|| Refused(format!("option '{shown}' expects an argument.")))
        };
        match flag {
            b"-strict" => options.strict = true,
            b"-" => options.files.extend(words.by_ref().map(PathBuf::from)),
            [b'v', b'v', ..] => return Ok(Command::Build),
            [b'v', b'q', b's', ..] => return Ok(Command::Bare(VersionForm::Short)),
            [b'v', b'q', b'b', ..] => return Ok(Command::Bare(VersionForm::Branch)),
            [b'v', b'q', ..] => return Ok(Command::Bare(VersionForm::Full)),
            [b'v', ..] => return Ok(Command::Version),
            [b'd', b'M', rest @ ..] if rest.ends_with(b"help") => return Ok(Command::MemoryHelp),
            [b'd', rest @ ..] => debugging(rest, &mut options)?,
            [b'c', b'c', ..] => match words.next() {
                Some(condition) => options.condition = Some(condition),
                None => return Ok(Command::Usage),
            },
            [b'c', ..] => options.check = true,
            [b'q', ..] => options.quiet = true,
            [b'V', ..] => options.verbose = true,
            [b'D', ..] => options.daemon = true,
            [b'f', ..] => options.files.push(value()?.into()),
            [b'C', ..] => options.directory = Some(value()?.into()),
            [b'p', ..] => options.pidfile = Some(value()?.into()),
            [b'L', ..] => options.local_peer = Some(value()?.to_string_lossy().into_owned()),
            [b'n', ..] => options.maxconn = number("-n", &value()?)?,
            [b'N', ..] => options.proxy_maxconn = number("-N", &value()?)?,
            [b'm', ..] => options.memory = u64::try_from(number("-m", &value()?)?).unwrap_or(0),
            [b's', kind @ (b'f' | b't'), ..] => {
                let finish = *kind == b'f';
                options.farewell = Some(if finish {
                    Farewell::Finish
                } else {
                    Farewell::Terminate
                });
                while let Some(pid) = words.next_if(|next| !next.as_bytes().starts_with(b"-")) {
                    options
                        .previous
                        .push(process(if finish { "-sf" } else { "-st" }, &pid)?);
                }
            }
            [b'W', rest @ ..] => {
                options.master = true;
                options.systemd |= rest.first() == Some(&b's');
            }
            [b'S', ..] => options
                .master_sockets
                .push(value()?.to_string_lossy().into_owned()),
            [b'x', ..] => options.handover = Some(value()?.into()),
            [b'4', ..] => options.ipv4_only = true,
            _ => return Ok(Command::Usage),
        }
    }
    match options.files.is_empty() && options.condition.is_none() {
        true => Ok(Command::Usage),
        false => Ok(Command::Run(options)),
    }
}

/// What follows `-d`.
fn debugging(rest: &[u8], options: &mut Options) -> Result<(), Refused> {
    match rest {
        [b'b', ..] => options.foreground = true,
        [b'D', ..] => options.diagnostic = true,
        [b'W', ..] => options.zero_warning = true,
        [b'R', ..] => options.no_reuseport = true,
        [b'S' | b'F' | b'Z', ..] => options.no_splice = true,
        [b'I', ..] => options.insecure_fork = true,
        [b'L', ..] => options.objects = true,
        [b'K', classes @ ..] => {
            options.keywords = Some(String::from_utf8_lossy(classes).into_owned())
        }
        // Test drivers poison memory as a matter of routine; there is no memory here that it would show something of.
        [b'M', ..] => {}
        [b'e', ..] => options
            .without_effect
            .push(("-de", "epoll is the only way to poll")),
        [b'p', ..] => options.without_effect.push(("-dp", "poll() is never used")),
        [b'G', ..] => options
            .without_effect
            .push(("-dG", "there is no resolver besides getaddrinfo()")),
        [b'T', ..] => options
            .without_effect
            .push(("-dT", "TLS in the kernel is never used")),
        [b'A', ..] => return Err(Refused::not_built("-dA", "archives of libraries")),
        [b'C', ..] => return Err(Refused::not_built("-dC", "dumps of the configuration")),
        [b'V', ..] => return Err(Refused::not_built("-dV", "TLS")),
        [b'c', ..] => return Err(Refused::not_built("-dc", "dumps of the CPU topology")),
        [b'r', ..] => return Err(Refused::not_built("-dr", "servers without an address")),
        [b't', rest @ ..] => {
            let text = String::from_utf8_lossy(rest);
            options.traces = Some(model::trace::arguments(&text).map_err(Refused)?);
        }
        _ => {
            options.debug = true;
            options.foreground = true;
        }
    }
    Ok(())
}

fn number(option: &str, word: &OsStr) -> Result<i64, Refused> {
    let word = word.to_string_lossy();
    word.trim()
        .parse()
        .map_err(|_| Refused(format!("option '{option}' expects a number, not '{word}'.")))
}

fn process(option: &str, word: &OsStr) -> Result<i32, Refused> {
    let word = word.to_string_lossy();
    match word.trim().parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err(Refused(format!(
            "{option} option: '{word}' is not the number of a process."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, Refused> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match read(line) {
            Ok(Command::Run(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn files_come_in_their_order() {
        let options = options("-f a -C / -f b -c -- c -d");
        assert_eq!(options.files, ["a", "b", "c", "-d"].map(PathBuf::from));
        assert!(options.check && !options.debug);
        assert_eq!(options.directory, Some("/".into()));
    }

    #[test]
    fn the_first_letters_decide() {
        let expected = Options {
            files: vec!["a".into()],
            foreground: true,
            ..Options::default()
        };
        assert_eq!(options("-dbV -f a"), expected);
        assert_eq!(
            options("-dq -f a"),
            Options {
                debug: true,
                ..expected
            }
        );
        assert!(options("-cV -f a").check);
        assert!(!options("-Vc -f a").check);
        assert_eq!(options("-fb a").files, [PathBuf::from("a")]);
        assert_eq!(
            options("-dKcfg,smp -f a").keywords.as_deref(),
            Some("cfg,smp")
        );
    }

    #[test]
    fn numbers_and_processes() {
        let options = options("-n 10 -N -1 -m 5 -sf 1 22 -f a");
        assert_eq!(
            (options.maxconn, options.proxy_maxconn, options.memory),
            (10, -1, 5)
        );
        assert_eq!(
            (options.farewell, &options.previous[..]),
            (Some(Farewell::Finish), &[1, 22][..])
        );
        for line in ["-n x", "-m", "-sf x", "-sf 0", "-st 1,2", "-f", "-L"] {
            assert!(read(line).is_err(), "{line}");
        }
        assert_eq!(
            self::options("-st -f a").farewell,
            Some(Farewell::Terminate)
        );
    }

    #[test]
    fn versions_end_the_reading() {
        for (line, command) in [
            ("-v -f", Command::Version),
            ("-vx", Command::Version),
            ("-vvq", Command::Build),
            ("-vq", Command::Bare(VersionForm::Full)),
            ("-vqs", Command::Bare(VersionForm::Short)),
            ("-vqb", Command::Bare(VersionForm::Branch)),
            ("-dMhelp", Command::MemoryHelp),
        ] {
            assert_eq!(read(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_nobody_knows_asks_for_the_usage() {
        for line in [
            "", "-q", "-c", "-h", "-z -f a", "a", "-", "--x", "-s", "-cc", "-c a",
        ] {
            assert_eq!(read(line), Ok(Command::Usage), "{line}");
        }
        assert!(options("-cc 1").condition.is_some());
    }

    #[test]
    fn what_is_not_built_is_named() {
        for option in ["-dA", "-dC", "-dV", "-dc", "-dr"] {
            let Err(Refused(message)) = read(&format!("{option} -f a")) else {
                panic!("{option} was taken");
            };
            assert!(message.contains(&format!("'{option}'")), "{message}");
        }
        assert_eq!(options("-de -dp -dM -dI -f a").without_effect.len(), 2);
    }
}
