//! `show config`: the running configuration, with the place of every line.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::runtime::Runtime;
use std::sync::OnceLock;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "config"],
    level: Level::Admin,
    args: "[<section> [<name>]]",
    doc: "show the running configuration and where its lines come from",
    run: show,
}];

/// Keyword and name of a section.
pub type Title = (String, String);

/// Knows the text of the running configuration.
pub trait Text: Send + Sync {
    /// The sections, in their order.
    fn sections(&self) -> Vec<Title>;
    /// A section with its lines, those that it inherits among them; empty when it is gone.
    fn section(&self, title: &Title) -> String;
}

static TEXT: OnceLock<Box<dyn Text>> = OnceLock::new();

/// Says who knows the text; the first to say so stays.
pub fn set_text(text: Box<dyn Text>) {
    let _ = TEXT.set(text);
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(text) = TEXT.get() else {
        return reply.error("The configuration's text is not at hand.");
    };
    if context.state.anonymous.is_some() {
        return reply.error("The configuration is not shown while names are hashed.");
    }
    let (keyword, name) = (args.get(0), args.get(1));
    let mut sections = text.sections();
    sections
        .retain(|(k, n)| (keyword.is_empty() || k == keyword) && (name.is_empty() || n == name));
    if sections.is_empty() && !keyword.is_empty() {
        return reply.error("No such section.");
    }
    reply.dump(Sections {
        text: &**text,
        left: sections.into_iter(),
    });
}

/// Sections, one at a time.
struct Sections {
    text: &'static dyn Text,
    left: std::vec::IntoIter<Title>,
}

impl Dump for Sections {
    fn fill(&mut self, _: &Runtime, out: &mut String) -> bool {
        match self.left.next() {
            Some(title) => out.push_str(&self.text.section(&title)),
            None => return false,
        }
        true
    }
}
