//! `log-profile` sections.

use crate::log::{LogProfile, ProfileStep};
use crate::parse::sections::OpenSection;
use crate::parse::{Open, Parsed, Parser, Statement};
use expr::logformat::Usage;
use expr::{LogFormat, Phases};
use std::sync::Arc;

const STEPS: &str = "'on' expects a log step.\nexpected values are: 'accept', 'request', 'connect', 'response', 'close', 'error' or 'any'.\nOr one of the additional log steps: 'quic-init', 'http-req', 'http-res', 'http-after-res', 'tcp-req-conn', 'tcp-req-sess', 'tcp-req-cont', 'tcp-res-cont'.";

pub(super) fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = super::section_name(statement)?;
    if let Some(other) = parser.log_profiles.get(name) {
        let (file, line) = &other.origin;
        let message = format!(
            "log-profile section '{name}' has the same name as another log-profile section declared at {file}:{line}."
        );
        return Err(statement.fault(0, message));
    }
    let section = LogProfile {
        name: name.into(),
        origin: statement.origin(),
        ..LogProfile::default()
    };
    parser.open = Open::Other(Box::new(Section(section)));
    Ok(())
}

struct Section(LogProfile);

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            "log-tag" => match statement.arg(0) {
                "" => {
                    return Err(statement.fault_here("'log-tag' expects a tag for use in syslog."));
                }
                tag => self.0.tag = Some(tag.into()),
            },
            "on" => {
                let name = statement.arg(0);
                if !(super::STEPS.contains(&name) || matches!(name, "error" | "any")) {
                    return Err(statement.fault_here(STEPS));
                }
                let step = step(parser, statement, name)?;
                // The last line for a step counts.
                self.0.steps.retain(|(known, _)| **known != *name);
                self.0.steps.push((name.into(), step));
            }
            other => {
                return Err(statement
                    .fault_here(format!("unknown keyword '{other}' in log-profile section.")));
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        parser
            .log_profiles
            .insert(self.0.name.clone(), Arc::new(self.0));
    }
}

fn step(parser: &mut Parser<'_>, statement: Statement<'_>, name: &str) -> Parsed<ProfileStep> {
    let mut step = ProfileStep::default();
    let expects = || statement.fault_here(format!("'on {name}' expects 'drop', 'format' or 'sd'."));
    if statement.len() < 2 {
        return Err(expects());
    }
    let mut at = 1;
    while at < statement.len() {
        let word = statement.arg(at);
        let format = match word {
            "drop" => {
                step.drop = true;
                at += 1;
                continue;
            }
            "format" => &mut step.format,
            "sd" => &mut step.structured_data,
            _ => return Err(expects()),
        };
        let text = statement.arg(at + 1);
        if text.is_empty() {
            return Err(
                statement.fault_here(format!("'on {name} {word}' expects a logformat string."))
            );
        }
        let read = parser.in_context(statement, Phases::LOG, |ctx| {
            LogFormat::parse(text, Usage::LOG, ctx)
        });
        let wrong = |why: String| {
            statement.fault(
                at + 1,
                format!("failed to parse logformat: {}.", why.trim_end_matches('.')),
            )
        };
        *format = Some(Arc::new(read.map_err(wrong)?));
        at += 2;
    }
    Ok(step)
}
