//! The configuration language: text to words with spans, conditionals, environment, diagnostics. Knows no keyword.
//!
//! [`Reader`] hands out one [`Line`] after the other from a list of [`Source`]s (manual chapter 2). It applies quoting,
//! environment variables and conditional blocks on the way, and puts every fault into [`Diagnostics`].
#![forbid(unsafe_code)]

mod condition;
mod diag;
mod env;
mod excerpt;
mod lex;
mod predicate;
mod reader;
mod source;
pub mod suggest;
mod text;
mod version;
mod word;

pub use condition::{ConditionError, eval_condition};
pub use diag::{Diagnostic, Diagnostics, Severity, Style};
pub use env::Env;
pub use predicate::Facts;
pub use reader::{MAX_WORDS, Reader};
pub use source::{Source, SourceError, expand_paths};
pub use text::{Text, bytes_of};
pub use word::{Line, Prefix, Word};
