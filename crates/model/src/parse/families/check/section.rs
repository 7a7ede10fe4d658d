//! `healthcheck` sections: checks by name, for servers to refer to (configuration manual, section 12.9).

use super::draft::Chosen;
use super::{CheckDraft, Kind, protocols, rule};
use crate::check::CheckScript;
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Fault, Open, Parsed, Parser, Statement};
use config::{Diagnostic, Line, Severity};
use std::sync::Arc;

/// The sections of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "healthcheck",
    doc: "A named health check.",
    open,
}];

/// A check by name.
#[derive(Clone)]
pub struct NamedCheck {
    /// What it does.
    pub script: Arc<CheckScript>,
    /// `http-check disable-on-404`.
    pub disable_on_404: bool,
}

struct Section {
    name: Arc<str>,
    line: Line,
    draft: CheckDraft,
    disable_on_404: bool,
    typed: bool,
}

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'healthcheck' expects <name> as argument."));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if let Some(other) = name.chars().find(|c| !allowed(*c)) {
        let message =
            format!("character '{other}' is not permitted in 'healthcheck' name '{name}'.");
        return Err(statement.fault(0, message));
    }
    if parser.healthchecks.contains_key(name) {
        let message = format!("healthcheck section '{name}' already exists.");
        return Err(statement.fault(0, message));
    }
    statement.at_most(1)?;
    parser.open = Open::Other(Box::new(Section {
        name: name.into(),
        line: statement.line.clone(),
        draft: CheckDraft::default(),
        disable_on_404: false,
        typed: false,
    }));
    Ok(())
}

impl Section {
    fn read_type(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let name = statement.arg(0);
        let named = protocols::OPTIONS
            .iter()
            .filter(|option| option.name != "external-check");
        if name.is_empty() {
            return Err(statement.fault_here("'type' expects a healthcheck type."));
        }
        if self.typed {
            return Err(statement.fault_here("healthcheck type already defined."));
        }
        let Some(option) = named.clone().find(|option| option.name == name) else {
            let names: Vec<_> = named.map(|option| format!("'{}'", option.name)).collect();
            let message = format!(
                "unknown healthcheck type '{name}' (expects {}).",
                names.join(", ")
            );
            return Err(statement.fault(0, message));
        };
        self.typed = true;
        (option.read)(parser, statement.inner(), &mut self.draft)
    }

    /// Refuses rules of the other family than the type's.
    fn fits(&self, statement: Statement<'_>) -> Parsed {
        let kind = match &self.draft.chosen {
            Chosen::Nothing => return Ok(()),
            Chosen::Tcp if statement.keyword() == "tcp-check" => return Ok(()),
            Chosen::Http if statement.keyword() == "http-check" => return Ok(()),
            Chosen::Tcp => "TCP",
            Chosen::Http => "HTTP",
            Chosen::Fixed(_) | Chosen::External => "another",
        };
        let message = format!(
            "unable to configure '{}' rule for '{kind}' healthcheck",
            statement.keyword()
        );
        Err(statement.fault_here(message))
    }
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let kind = match statement.keyword() {
            "type" => return self.read_type(parser, statement),
            "tcp-check" => Kind::Tcp,
            "http-check" => Kind::Http,
            other => {
                let message = format!("unknown keyword '{other}' in 'healthcheck' section");
                let near = config::suggest::nearest(other, ["type", "tcp-check", "http-check"]);
                let fault = statement.fault_here(message);
                return Err(match near {
                    Some(near) => fault.hint(format!("did you mean '{near}'?")),
                    None => fault,
                });
            }
        };
        self.fits(statement)?;
        rule(
            parser,
            statement,
            kind,
            &mut self.draft,
            &mut self.disable_on_404,
        )
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        for (keyword, option, rules, used) in [
            (
                "tcp-check",
                "tcp-check",
                &self.draft.tcp,
                matches!(self.draft.chosen, Chosen::Tcp),
            ),
            (
                "http-check",
                "httpchk",
                &self.draft.http,
                matches!(self.draft.chosen, Chosen::Http),
            ),
        ] {
            if !rules.steps.is_empty() && !used {
                let message = format!(
                    "healthcheck section '{}' : {keyword} rules without 'type {option}', so the rules are ignored.",
                    self.name
                );
                let fault = Fault::at(0, message);
                parser.diagnostics.push(Diagnostic::at(
                    Severity::Warning,
                    &self.line,
                    fault.word,
                    fault.message,
                ));
            }
        }
        let check = NamedCheck {
            script: Arc::new(self.draft.script()),
            disable_on_404: self.disable_on_404,
        };
        parser.healthchecks.insert(self.name, check);
    }
}
