//! The HTTP message: head, header access, cookies, URIs and normalisation. Knows no wire.
//!
//! [`Head`] is all that rules, filters and logs ever see of a request or a response, whatever protocol carried it.
#![forbid(unsafe_code)]

mod cookie;
mod field;
mod head;
pub mod list;
mod method;
mod status;
pub mod uri;

pub use cookie::{Cookies, cookies, set_cookie};
pub use field::{Field, FieldId};
pub use head::{BLOCK, Head, Kind, Span, Version};
pub use method::Method;
pub use status::reason;
