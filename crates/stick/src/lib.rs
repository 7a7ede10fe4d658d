//! Stick tables: entries by key, each with the same typed data, that expire or give way to newer ones (configuration
//! manual, section 11).
//!
//! Everything here is pure: time comes in as milliseconds of a clock that never goes back.
#![forbid(unsafe_code)]

mod aggregate;
mod config;
mod data;
mod entry;
mod image;
mod key;
mod rate;
mod shard;
mod table;
mod updates;

pub use config::{ServerKey, TableConfig};
pub use data::{Class, DataType, Layout, Stored};
pub use entry::{Entry, EntryMut};
pub use image::{ImageFault, longest_image, read_image, write_image};
pub use key::{Key, KeyKind};
pub use rate::FrequencyCounter;
pub use table::{Listed, Removed, Table, Tracked};
pub use updates::Cursor;
