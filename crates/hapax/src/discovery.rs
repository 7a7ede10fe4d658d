//! What a master has to know of the configuration, found without reading all of it: a few keywords of the global section.
//!
//! Faults are left for the worker, which reads everything and says what is wrong.

use crate::args::Options;
use crate::environment;
use crate::features::Program;
use config::{Diagnostics, Env, Line, Reader, Source};
use std::path::PathBuf;

/// Reloads that a worker survives unless told otherwise.
const MAX_RELOADS: u32 = 50;

/// What concerns a master.
#[derive(Debug, PartialEq, Eq)]
pub struct Discovery {
    /// `master-worker`.
    pub master: bool,
    /// `master-worker no-exit-on-failure` turns it off.
    pub exit_on_failure: bool,
    /// `daemon`.
    pub daemon: bool,
    /// `quiet`.
    pub quiet: bool,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
    /// `mworker-max-reloads`.
    pub max_reloads: u32,
}

/// The files that the options name, from the directory that they name.
pub fn files(options: &Options) -> Vec<PathBuf> {
    let from = options.directory.as_deref();
    let paths: Vec<PathBuf> = options
        .files
        .iter()
        .map(|file| from.map_or_else(|| file.clone(), |from| from.join(file)))
        .collect();
    config::expand_paths(&paths).unwrap_or_default()
}

/// Looks for the keywords in the files of the command line.
pub fn discover(options: &Options) -> Discovery {
    let files = files(options);
    let env = environment::for_configuration(&files, "");
    let sources = files.into_iter().map(Source::File).collect();
    discover_in(sources, env, options)
}

fn discover_in(sources: Vec<Source>, mut env: Env, options: &Options) -> Discovery {
    let mut found = Discovery {
        master: false,
        exit_on_failure: true,
        daemon: false,
        quiet: false,
        pidfile: None,
        max_reloads: MAX_RELOADS,
    };
    let mut reader = Reader::new(sources);
    let (program, mut messages) = (Program::new(options), Diagnostics::new());
    let mut in_global = false;
    while let Some(line) = reader.next_line(&mut env, &program, &mut messages) {
        if model::parse::sections::names().any(|name| name == line.word(0)) {
            in_global = line.word(0) == "global";
        } else if in_global {
            found.take(&line, &mut env);
        }
    }
    found
}

impl Discovery {
    fn take(&mut self, line: &Line, env: &mut Env) {
        match line.word(0) {
            "master-worker" => {
                self.master = true;
                self.exit_on_failure &= line.word(1) != "no-exit-on-failure";
            }
            "daemon" => self.daemon = true,
            "quiet" => self.quiet = true,
            "pidfile" if self.pidfile.is_none() => self.pidfile = Some(line.word(1).into()),
            "mworker-max-reloads" => {
                self.max_reloads = line.word(1).parse().unwrap_or(MAX_RELOADS);
            }
            "setenv" => env.set(line.word(1), line.word(2)),
            "presetenv" => drop(env.preset(line.word(1), line.word(2))),
            "unsetenv" => {
                for name in line.words.iter().skip(1) {
                    env.unset(name.as_str());
                }
            }
            "resetenv" => env.reset(line.words.get(1..).unwrap_or_default()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discover(text: &str) -> Discovery {
        let source = Source::Text {
            name: "a".to_owned(),
            text: text.as_bytes().to_vec(),
        };
        discover_in(vec![source], Env::empty(), &Options::default())
    }

    #[test]
    fn keywords_of_the_global_section() {
        let found = discover(
            "global\n daemon\n setenv A b\n master-worker no-exit-on-failure\n mworker-max-reloads 3\n.if streq(\"$A\",b)\n pidfile /run/x\n.endif\n bogus\n",
        );
        let expected = Discovery {
            master: true,
            exit_on_failure: false,
            daemon: true,
            quiet: false,
            pidfile: Some("/run/x".into()),
            max_reloads: 3,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn other_sections_say_nothing_of_it() {
        let found = discover(
            "defaults\n quiet\nglobal\n bogus\nlisten daemon\n daemon\n master-worker\nglobal\n quiet\n",
        );
        assert!(!found.master && !found.daemon && found.quiet && found.exit_on_failure);
        assert_eq!(found.max_reloads, 50);
    }
}
