//! Reading the configuration again, for a reload in place.

use crate::args::Options;
use crate::environment;
use crate::features::Program;
use crate::load;
use crate::outline::Outline;
use crate::report::reason;
use config::{Diagnostics, Severity, Source};
use control::commands::configuration::{Text, Title, set_text};
use control::commands::reload::{Plan, set_planner};
use engine::runtime::Runtime;
use parking_lot::Mutex;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Remembers the configuration as it is now, and lets `reload` read it again. To be called before the process changes
/// its directory.
pub fn install(options: &Options) {
    let mut options = options.clone();
    for file in &mut options.files {
        if let Ok(path) = std::path::absolute(&*file) {
            *file = path;
        }
    }
    let running = Arc::new(Mutex::new(outline(&options)));
    set_text(Box::new(Running(running.clone())));
    set_planner(Box::new(move |runtime, dry| {
        plan(&options, &running, runtime, dry)
    }));
}

/// The running configuration's text, for `show config`.
struct Running(Arc<Mutex<Outline>>);

impl Text for Running {
    fn sections(&self) -> Vec<Title> {
        self.0.lock().titles()
    }

    fn section(&self, title: &Title) -> String {
        self.0.lock().text(title)
    }
}

fn outline(options: &Options) -> Outline {
    let files = config::expand_paths(&options.files).unwrap_or_default();
    let env = environment::for_configuration(&files, &load::local_peer(options));
    let sources = files.into_iter().map(Source::File).collect();
    Outline::read(sources, env, &Program::new(options))
}

fn refused(text: String) -> Plan {
    Plan {
        text,
        change: None,
        adopted: None,
    }
}

fn plan(
    options: &Options,
    running: &Arc<Mutex<Outline>>,
    runtime: &Arc<Runtime>,
    dry: bool,
) -> Plan {
    let chroot = runtime.snapshot.global.chroot.as_deref();
    if chroot.is_some_and(|directory| directory != Path::new("/")) {
        return refused(
            "The configuration's files can't be read from within the 'chroot': start a new process.\n".to_owned(),
        );
    }
    if !runtime.added.load().is_empty() {
        return refused(
            "Backends that were added by commands would be lost: delete them, or start a new process.\n".to_owned(),
        );
    }
    let mut messages = Diagnostics::new();
    let snapshot = load::read(options, runtime, &mut messages);
    let mut text = rendered(&messages);
    let Some(snapshot) = snapshot else {
        text.push_str("Nothing has changed.\n");
        return refused(text);
    };
    let warned = messages
        .iter()
        .any(|message| message.severity == Severity::Warning);
    if snapshot.global.zero_warning && warned {
        text.push_str("Some warnings were found and 'zero-warning' is set. Nothing has changed.\n");
        return refused(text);
    }
    let old = running.lock().clone();
    let new = outline(options);
    let obstacles = old.obstacles(&new);
    if !obstacles.is_empty() {
        for obstacle in &obstacles {
            let _ = writeln!(text, "{obstacle} can't change in place.");
        }
        text.push_str("A new process is needed. Nothing has changed.\n");
        if dry {
            text.push_str(&old.difference(&new));
        }
        return refused(text);
    }
    text.push_str(&old.difference(&new));
    if dry {
        return Plan {
            text,
            change: None,
            adopted: Some(Box::new(|| {})),
        };
    }
    let unchanged = |config: &model::Proxy| old.same_proxy(&new, config);
    match engine::reload::prepare(runtime, Arc::new(snapshot), unchanged) {
        Ok(change) => {
            let running = running.clone();
            Plan {
                text,
                change: Some(change),
                adopted: Some(Box::new(move || {
                    let old = std::mem::replace(&mut *running.lock(), new);
                    engine::disposal::dispose(old);
                })),
            }
        }
        Err(failures) => {
            for failure in failures {
                let (file, line) = &failure.bind.origin;
                if failure.step.is_empty() {
                    let _ = writeln!(
                        text,
                        "Starting [{file}:{line}] for {}: {}",
                        failure.proxy, failure.error
                    );
                    continue;
                }
                let _ = writeln!(
                    text,
                    "Binding [{file}:{line}] for {} {}: {} ({}).",
                    failure.proxy,
                    failure.bind.written,
                    failure.step,
                    reason(&failure.error)
                );
            }
            text.push_str("Nothing has changed.\n");
            refused(text)
        }
    }
}

fn rendered(messages: &Diagnostics) -> String {
    let plain = config::Style {
        excerpt: false,
        color: false,
    };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = messages.render_with_preamble(&mut text, std::process::id(), plain, &[]);
    String::from_utf8_lossy(&text).into_owned()
}
