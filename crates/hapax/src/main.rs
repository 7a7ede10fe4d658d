//! The program: arguments, start-up and signals.
#![forbid(unsafe_code)]

mod args;
mod discovery;
mod environment;
mod features;
mod keywords;
mod limits;
mod load;
mod master;
mod objects;
mod outline;
mod previous;
mod privileges;
mod reload;
mod report;
mod start;
mod usage;
mod version;
mod worker;

use args::{Command, Options};
use config::Env;
use features::Program;
use load::Failed;
use model::Snapshot;
use report::{Reporter, print};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: sys::Allocator = sys::Allocator;

fn main() -> ExitCode {
    sys::Allocator::return_unused_soon();
    let mut reporter = Reporter::new();
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Usage) => usage(),
        Ok(Command::Version) => done(&version::short()),
        Ok(Command::Build) => done(&version::long()),
        Ok(Command::Bare(form)) => done(&version::bare(form)),
        Ok(Command::MemoryHelp) => {
            done("hapax has no memory debugging options; -dM is accepted and changes nothing.")
        }
        Ok(Command::Run(options)) => match supervised(&options, &mut reporter) {
            Some(code) => code,
            None => run(*options, &mut reporter),
        },
        Err(refused) => {
            reporter.alert(refused.0);
            ExitCode::FAILURE
        }
    }
}

fn done(text: &str) -> ExitCode {
    print(text);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    print(&version::short());
    eprint_all(usage::USAGE);
    ExitCode::FAILURE
}

/// Writes to standard error, of which the reader may be gone.
fn eprint_all(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Runs a master, if one is wanted and this is not its worker.
fn supervised(options: &Options, reporter: &mut Reporter) -> Option<ExitCode> {
    if options.check || options.condition.is_some() || worker::is_worker() {
        return None;
    }
    let discovery = discovery::discover(options);
    if options.master || discovery.master {
        return Some(master::run(options, discovery, reporter));
    }
    if options.master_sockets.is_empty() {
        return None;
    }
    reporter.alert("a master CLI socket was defined, but master-worker mode (-W) is not enabled.");
    Some(ExitCode::FAILURE)
}

fn run(mut options: Options, reporter: &mut Reporter) -> ExitCode {
    let given = worker::given();
    if let Some(given) = &given {
        reporter.keep(given.log.clone());
        // The master went to the background, and wrote its own number.
        options.foreground = true;
    }
    let options = &options;
    reporter.set_quiet(options.quiet && !options.verbose && !options.debug);
    if let Some(condition) = &options.condition {
        return evaluate(condition.as_bytes(), options, reporter);
    }
    if options.memory > 0
        && !options.check
        && let Err(error) = limits::start_without_reserve()
    {
        reporter.alert(format!(
            "Cannot limit the memory : {}",
            report::reason(&error)
        ));
        return ExitCode::FAILURE;
    }
    if let Some(directory) = &options.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        reporter.alert(format!(
            "Could not change to directory {} : {}",
            directory.display(),
            report::reason(&error)
        ));
        return ExitCode::FAILURE;
    }
    if options.debug {
        reporter.notice("option '-d' keeps the process in the foreground; what happens on connections is not shown.");
    }
    for (option, why) in &options.without_effect {
        reporter.notice(format!("option '{option}' has no effect: {why}."));
    }
    let snapshot = match load::load(options, reporter) {
        Ok(snapshot) => snapshot,
        Err(Failed::Told) => return ExitCode::FAILURE,
        Err(Failed::NoFiles) => return usage(),
    };
    if let Some(classes) = &options.keywords {
        print_keywords(classes);
    }
    if options.objects {
        print(&objects::list());
    }
    if snapshot.global.zero_warning && reporter.warnings() > 0 {
        reporter.alert("Some warnings were found and 'zero-warning' is set. Aborting.");
        return ExitCode::FAILURE;
    }
    if options.check {
        checked(options, &snapshot, reporter)
    } else {
        start::start(options, snapshot, given, reporter)
    }
}

fn print_keywords(classes: &str) {
    let listing = keywords::list(classes);
    if !listing.is_empty() {
        print(&listing);
    }
}

/// The outcome of `-cc`.
fn evaluate(condition: &[u8], options: &Options, reporter: &mut Reporter) -> ExitCode {
    match config::eval_condition(condition, &Env::new(), &Program::new(options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            reporter.alert(error.to_string());
            ExitCode::from(2)
        }
    }
}

/// The outcome of `-c` for a configuration without errors.
fn checked(options: &Options, snapshot: &Snapshot, reporter: &Reporter) -> ExitCode {
    if reporter.warnings() > 0 {
        reporter.say("Warnings were found.");
    }
    if !start::listens(snapshot) {
        reporter
            .say("Configuration file has no error but will not start (no listener) => exit(2).");
        return ExitCode::from(2);
    }
    if options.verbose {
        reporter.say("Configuration file is valid");
    }
    ExitCode::SUCCESS
}
