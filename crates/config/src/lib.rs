//! The configuration language: text to words with spans, conditionals, environment, diagnostics. Knows no keyword.
#![forbid(unsafe_code)]
