//! The runtime API: commands on `stats socket` listeners (management manual, section 9.3).
//!
//! A connection's bytes go through [`reader::Reader`], which knows lines, chains and payloads; each command is found in
//! [`commands::ROOT`], runs against the [`engine::runtime::Runtime`] and fills a [`reply::Reply`]; [`connection::serve`]
//! is the pump between these and the socket.
#![forbid(unsafe_code)]

pub mod command;
pub mod commands;
mod connection;
mod dates;
mod info;
pub mod master;
pub mod page;
mod prometheus;
pub mod reader;
pub mod reply;
mod servers;
pub mod startup;
mod stat;
mod stats_file;

/// The version that is answered to `show info` and `show version`: that of the HAProxy whose behaviour is matched.
const VERSION: &str = "3.4.0";

/// Takes counters over from the file that `stats-file` names, and says why it can't.
///
/// # Errors
/// The file can't be read.
pub fn load_counters(runtime: &engine::runtime::Runtime) -> Result<(), String> {
    let Some(path) = &runtime.snapshot.global.stats_file else {
        return Ok(());
    };
    match std::fs::read(&**path) {
        Ok(text) => {
            stats_file::load(runtime, &String::from_utf8_lossy(&text));
            Ok(())
        }
        Err(_) => Err(format!(
            "config: Can't load stats-file '{path}': cannot open file."
        )),
    }
}

/// Makes this crate serve the engine's runtime API listeners.
pub fn install() {
    engine::api::set_handler(|runtime, bind, socket| {
        Box::pin(connection::serve(runtime, bind, socket))
    });
    engine::service::install(engine::service::Services {
        stats: page::answer,
        named: &[("prometheus-exporter", prometheus::answer)],
    });
}
