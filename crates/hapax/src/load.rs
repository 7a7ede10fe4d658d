//! From the command line to a configuration, with its messages.

use crate::args::Options;
use crate::environment;
use crate::features::Program;
use crate::report::Reporter;
use config::{Diagnostics, Source};
use engine::runtime::Runtime;
use model::Snapshot;
use model::parse::{Input, Loaded};
use model::resolvers::AcceptedFamilies;
use std::path::PathBuf;
use std::sync::Arc;

/// Why there is no configuration to go on with.
pub enum Failed {
    /// It was said what is wrong.
    Told,
    /// The arguments name no file at all.
    NoFiles,
}

/// This process' name among peers.
pub fn local_peer(options: &Options) -> String {
    options
        .local_peer
        .clone()
        .unwrap_or_else(environment::hostname)
}

/// Reads the configuration again as [`load`] does; what there is to say goes to `messages`.
pub fn read(options: &Options, running: &Runtime, messages: &mut Diagnostics) -> Option<Snapshot> {
    let files = match config::expand_paths(&options.files) {
        Ok(files) => files,
        Err(error) => {
            messages.global(config::Severity::Alert, error.to_string());
            return None;
        }
    };
    let input = Input {
        env: environment::for_configuration(&files, &local_peer(options)),
        sources: files.into_iter().map(Source::File).collect(),
        facts: &Program::new(options),
        strict: options.strict,
    };
    let names = running.process.var_names(&running.snapshot);
    let loaded = model::parse::load_after(input, names, messages)?;
    Some(complete(options, loaded))
}

/// Reads the configuration and applies what the command line overrides.
pub fn load(options: &Options, reporter: &mut Reporter) -> Result<Snapshot, Failed> {
    let files = config::expand_paths(&options.files).map_err(|error| {
        reporter.configuration_alert(error.to_string());
        Failed::Told
    })?;
    if files.is_empty() {
        return Err(Failed::NoFiles);
    }
    let input = Input {
        env: environment::for_configuration(&files, &local_peer(options)),
        sources: files.iter().cloned().map(Source::File).collect(),
        facts: &Program::new(options),
        strict: options.strict,
    };
    let mut messages = Diagnostics::new();
    messages.set_diag_mode(options.diagnostic);
    let loaded = model::parse::load(input, &mut messages);
    let silenced = loaded
        .as_ref()
        .is_some_and(|loaded| loaded.snapshot.global.quiet)
        && !options.verbose
        && !options.debug;
    reporter.set_quiet(reporter.quiet() || silenced);
    show_by_file(&messages, &files, options.diagnostic, reporter);
    let Some(loaded) = loaded else {
        reporter.configuration_alert("Fatal errors found in configuration.");
        return Err(Failed::Told);
    };
    Ok(complete(options, loaded))
}

/// What was read with what the process adds to it.
fn complete(options: &Options, loaded: Loaded) -> Snapshot {
    let mut snapshot = loaded.snapshot;
    snapshot.environment = environment::for_process(loaded.env);
    override_by(options, &mut snapshot);
    snapshot
}

/// Shows messages, with a line after the last alert of each file that says that the file has some.
fn show_by_file(
    messages: &Diagnostics,
    files: &[PathBuf],
    diagnostic: bool,
    reporter: &mut Reporter,
) {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let last_alert = |name: &String| {
        let of_file =
            |message: &&config::Diagnostic| message.file.as_deref() == Some(name.as_str());
        let alerts = messages
            .iter()
            .enumerate()
            .filter(|(_, message)| message.severity == config::Severity::Alert);
        alerts
            .filter(|(_, message)| of_file(message))
            .map(|(at, _)| at)
            .next_back()
    };
    let last: Vec<Option<usize>> = names.iter().map(last_alert).collect();
    let mut shown = Diagnostics::new();
    shown.set_diag_mode(diagnostic);
    for (at, message) in messages.iter().enumerate() {
        shown.push(message.clone());
        for name in names
            .iter()
            .zip(&last)
            .filter(|(_, last)| **last == Some(at))
            .map(|(name, _)| name)
        {
            shown.global(
                config::Severity::Alert,
                format!("Error(s) found in configuration file : {name}"),
            );
        }
    }
    reporter.show(&shown);
}

/// The command line has the last word.
fn override_by(options: &Options, snapshot: &mut Snapshot) {
    let global = &mut snapshot.global;
    global.no_splice |= options.no_splice;
    global.no_reuseport |= options.no_reuseport;
    global.zero_warning |= options.zero_warning;
    global.daemon = (global.daemon || options.daemon) && !options.foreground;
    global.insecure[0] |= options.insecure_fork;
    if let Some(limit) = u32::try_from(options.maxconn)
        .ok()
        .filter(|limit| *limit > 0)
    {
        global.maxconn = Some(limit);
    }
    if options.ipv4_only {
        global.dns_families = AcceptedFamilies::Only(model::IpFamily::V4);
    }
    if options.pidfile.is_some() {
        global.pidfile.clone_from(&options.pidfile);
    }
    if options.local_peer.is_some() {
        global.local_peer.clone_from(&options.local_peer);
    }
    let Some(limit) = u32::try_from(options.proxy_maxconn)
        .ok()
        .filter(|limit| *limit > 0)
    else {
        return;
    };
    for proxy in &mut snapshot.proxies {
        if proxy.caps.front && proxy.front.maxconn == 0 {
            Arc::make_mut(proxy).front.maxconn = limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The snapshot of a text, and how many warnings it gave.
    fn load_file(path: PathBuf, options: Options) -> Option<(Snapshot, usize)> {
        let mut reporter = Reporter::new();
        reporter.set_quiet(true);
        let options = Options {
            files: vec![path],
            ..options
        };
        load(&options, &mut reporter)
            .ok()
            .map(|snapshot| (snapshot, reporter.warnings()))
    }

    #[test]
    fn examples_load_without_warnings() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
        let files = config::expand_paths(&[directory]).expect("the examples");
        assert!(files.iter().any(|file| file.ends_with("quickstart.cfg")));
        for file in files {
            // Its certificate is for the reader to make; `tests/examples.rs` does so.
            if file.ends_with("tls.cfg") {
                continue;
            }
            let (snapshot, warnings) = load_file(file.clone(), Options::default())
                .unwrap_or_else(|| panic!("{}", file.display()));
            assert_eq!(warnings, 0, "{}", file.display());
            assert!(crate::start::listens(&snapshot), "{}", file.display());
        }
    }

    #[test]
    fn the_command_line_has_the_last_word() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/web.cfg");
        let options = Options {
            maxconn: 10,
            proxy_maxconn: 7,
            pidfile: Some("/p".into()),
            daemon: true,
            no_splice: true,
            no_reuseport: true,
            zero_warning: true,
            local_peer: Some("me".into()),
            ..Options::default()
        };
        let (snapshot, _) = load_file(file.into(), options).expect("a configuration");
        let global = &snapshot.global;
        assert_eq!(
            (global.maxconn, global.pidfile.as_deref()),
            (Some(10), Some("/p".as_ref()))
        );
        assert_eq!(
            [
                global.daemon,
                global.no_splice,
                global.no_reuseport,
                global.zero_warning
            ],
            [true; 4]
        );
        assert_eq!(global.local_peer.as_deref(), Some("me"));
        let limit = |name: &str| {
            snapshot
                .frontends
                .get(name)
                .and_then(|at| snapshot.proxy(*at))
                .map(|proxy| proxy.front.maxconn)
        };
        assert_eq!((limit("www"), limit("demo")), (Some(1000), Some(7)));
    }

    #[test]
    fn the_foreground_beats_the_daemon() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/web.cfg");
        let options = Options {
            daemon: true,
            foreground: true,
            ..Options::default()
        };
        assert!(
            load_file(file.into(), options).is_some_and(|(snapshot, _)| !snapshot.global.daemon)
        );
    }
}
