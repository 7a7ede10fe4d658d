//! Traces: which events of which parts of the program are reported where, and when that begins and ends (management manual,
//! `trace`; configuration manual, section 12.1).
//!
//! Everything here is pure: [`Settings`] is what `trace` lines and commands change ([`configure`]) and what is asked of every
//! event ([`Settings::judge`]). What happens, and where it is written to, is the engine's.

mod events;
mod judge;
mod lists;
mod settings;
mod words;

pub use events::{Event, SOURCES, Source, SourceRow};
pub use judge::{Subject, Verdict};
pub use lists::{followed, menu, status, statuses};
pub use settings::{Action, Criterion, LEVELS, Level, Settings, SinkRow, SourceSettings, State};
pub use words::{arguments, configure};
