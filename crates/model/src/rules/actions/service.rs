//! `use-service`: an answer made inside.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Family, Flow, RuleCursor, Stream};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "use-service",
    Families::CONTENT.and(Families::REQUEST),
    "Has the request answered by a service inside the program.",
    parse,
)];

/// The services that answer HTTP requests.
pub const SERVICES: [&str; 1] = ["prometheus-exporter"];

#[derive(Debug)]
struct UseService(&'static str);

impl Action for UseService {
    fn run(&self, _: &mut dyn Stream) -> Flow {
        Flow::Service(self.0)
    }

    fn is_final(&self) -> bool {
        true
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let name = cursor.expect("'use-service' expects a service name.")?;
    if name.starts_with("lua.") {
        return Err(cursor.not_built("use-service lua.", "Lua"));
    }
    let known = SERVICES.iter().find(|known| **known == name);
    match known.filter(|_| cursor.family() == Family::HttpRequest) {
        Some(known) => Ok(Box::new(UseService(known))),
        None => Err(cursor.fault(format!("'{name}' unknown service name."))),
    }
}
