//! The program: arguments, start-up and signals.
#![forbid(unsafe_code)]

use config::{Diagnostics, Env, Facts, Source, Style};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Built;

impl Facts for Built {
    fn feature(&self, name: &str) -> bool {
        name == "THREAD"
    }
    fn enabled(&self, _name: &str) -> Option<bool> {
        None
    }
    fn version(&self) -> &str {
        "3.4.0"
    }
}

fn main() -> std::process::ExitCode {
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let mut diagnostics = Diagnostics::default();
    let sources = files.iter().map(|file| Source::File(file.into())).collect();
    let input = model::parse::Input {
        sources,
        facts: &Built,
        strict: false,
        env: Env::new(),
    };
    let loaded = model::parse::load(input, &mut diagnostics);
    let _ = diagnostics.render(&mut std::io::stderr(), std::process::id(), Style::default());
    let Some(loaded) = loaded else {
        return 1.into();
    };
    let workers = loaded.snapshot.global.threads.unwrap_or(1) as usize;
    let info = engine::process::ProcessInfo {
        pid: std::process::id(),
        hostname: "localhost".into(),
        maxconn: loaded.snapshot.global.maxconn.unwrap_or(20000),
        workers,
        dump_states: false,
    };
    let listeners = match engine::listener::bind_all(&loaded.snapshot, workers) {
        Ok(listeners) => listeners,
        Err(failures) => {
            eprintln!("{failures:?}");
            return 1.into();
        }
    };
    control::install();
    let runtime = engine::process::build(Arc::new(loaded.snapshot), &info);
    match engine::process::run(&runtime, listeners) {
        Ok(()) => 0.into(),
        Err(_) => 1.into(),
    }
}
