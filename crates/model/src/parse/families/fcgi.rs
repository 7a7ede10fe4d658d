//! `fcgi-app` sections (configuration manual, section 10.1.1).
//!
//! FastCGI is not spoken yet, and `use-fcgi-app` says so; a section that nothing refers to does no harm and is only
//! checked.

use super::log::section_name;
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Open, Parsed, Parser, Statement};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::{AclSet, Condition, ParseContext, Phases};

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "fcgi-app",
    doc: "A FastCGI application.",
    open,
}];

/// Where the expressions of a section are evaluated.
const PLACE: Phases = Phases::BE_REQUEST_HEADERS;

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'fcgi-app' expects <name> as argument."));
    }
    let name = section_name(statement)?;
    if let Some((file, line)) = parser.fcgi_apps.get(name) {
        let message = format!(
            "fcgi-app section '{name}' has the same name as another one declared at {file}:{line}."
        );
        return Err(statement.fault(0, message));
    }
    parser.fcgi_apps.insert(name.into(), statement.origin());
    parser.open = Open::Other(Box::new(Section {
        acls: AclSet::default(),
    }));
    Ok(())
}

struct Section {
    acls: AclSet,
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            "docroot" => one(statement, "<path>").map(drop),
            "index" => one(statement, "<filename>").map(drop),
            "path-info" => {
                let text = one(statement, "<regex>")?;
                let regex = Regex::new(text, false);
                regex.map(drop).map_err(|why| {
                    let message = format!("'{text}' : regex '{text}' is invalid (error={why}).");
                    statement.fault(0, message)
                })
            }
            "option" => option(statement),
            "pass-header" => self.pass_header(parser, statement),
            "set-param" => self.set_param(parser, statement),
            "log-stderr" => log_stderr(parser, statement),
            "acl" => {
                let words = statement.args_from(0);
                self.in_context(parser, statement, |ctx| AclSet::parse_line(&words, ctx))
                    .map_err(|why| statement.fault(0, why))
            }
            other => {
                Err(statement
                    .fault_here(format!("unknown keyword '{other}' in 'fcgi-app' section")))
            }
        }
    }

    fn close(self: Box<Self>, _: &mut Parser<'_>) {}
}

impl Section {
    fn in_context<R>(
        &mut self,
        parser: &mut Parser<'_>,
        statement: Statement<'_>,
        read: impl FnOnce(&mut ParseContext<'_>) -> Result<R, String>,
    ) -> Result<R, String> {
        let line = statement.line;
        let mut context = ParseContext::new(&mut parser.expressions, &mut self.acls, PLACE).at(
            "",
            &line.file,
            line.number,
        );
        read(&mut context)
    }

    fn pass_header(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        if statement.is_empty() {
            return Err(statement.fault_here("'pass-header' expects <name> as arguments."));
        }
        self.condition(parser, statement, 1)
    }

    fn set_param(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        if statement.len() < 2 {
            return Err(
                statement.fault_here("'set-param' expects <name> and <value> as arguments.")
            );
        }
        let (name, text) = (statement.arg(0), statement.arg(1));
        self.in_context(parser, statement, |ctx| {
            LogFormat::parse(text, Usage::HTTP, ctx).map(drop)
        })
        .map_err(|why| statement.fault(1, format!("'{name}' : {why}.")))?;
        self.condition(parser, statement, 2)
    }

    fn condition(
        &mut self,
        parser: &mut Parser<'_>,
        statement: Statement<'_>,
        at: usize,
    ) -> Parsed {
        let (name, word) = (statement.arg(0), statement.arg(at));
        if word.is_empty() {
            return Ok(());
        }
        if !Condition::opens(word) {
            let message = format!(
                "'{name}' : expects either 'if' or 'unless' followed by a condition but found '{word}'."
            );
            return Err(statement.fault(at, message));
        }
        let words = statement.args_from(at);
        self.in_context(parser, statement, |ctx| {
            Condition::parse(&words, ctx).map(drop)
        })
        .map_err(|why| statement.fault(at, format!("'{name}' : {why}.")))
    }
}

/// The only argument of a line.
fn one<'l>(statement: Statement<'l>, what: &str) -> Parsed<&'l str> {
    let keyword = statement.keyword();
    match (statement.arg(0), statement.arg(1)) {
        ("", _) => Err(statement.fault_here(format!("'{keyword}' expects {what} as argument."))),
        (text, "") => Ok(text),
        (text, extra) => Err(statement.fault(
            1,
            format!("'{keyword} {text}' cannot handle unexpected argument '{extra}'."),
        )),
    }
}

fn option(statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    let most = match name {
        "" => return Err(statement.fault_here("'option' expects an option name.")),
        "get-values" | "keep-conn" | "mpxs-conns" => 1,
        "max-reqs" => 2,
        _ => return Err(statement.fault(0, format!("unknown option '{name}'."))),
    };
    if name == "max-reqs" {
        let number = match statement.arg(1) {
            "" => return Err(statement.fault(0, "option 'max-reqs' expects an integer argument.")),
            text => text.parse::<u32>().unwrap_or(0),
        };
        if number == 0 {
            let message = "option 'max-reqs' expects a strictly positive integer argument.";
            return Err(statement.fault(1, message));
        }
    }
    match statement.arg(most) {
        "" => Ok(()),
        extra => Err(statement.fault(
            most,
            format!("'option {name}' cannot handle unexpected argument '{extra}'."),
        )),
    }
}

fn log_stderr(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), statement.arg(1)) {
        ("global", "") => Ok(()),
        (_, "") => Err(statement
            .fault_here("log-stderr : expects <address> and <facility> or global as arguments")),
        _ => super::log::read_target(&parser.expressions.env, statement).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::families::proxy::testing::read;

    #[test]
    fn a_section_that_nothing_refers_to_does_no_harm() {
        let out = read(
            "fcgi-app a\n docroot /www\n index i.php\n path-info ^(/.+\\.php)(/.*)?$\n log-stderr global\n option max-reqs 5\n no option keep-conn\n acl x always_true\n set-param a %[src] if x\n pass-header b unless x\nfrontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n",
        );
        assert!(out.loaded.is_some(), "{}", out.messages);
        let out = read(
            "fcgi-app a\n docroot /www\nbackend b\n mode http\n timeout connect 1s\n timeout server 1s\n use-fcgi-app a\n",
        );
        assert!(
            out.messages.contains("(waits for: FastCGI)."),
            "{}",
            out.messages
        );
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (" docroot", "'docroot' expects <path> as argument."),
            (
                " index a b",
                "'index a' cannot handle unexpected argument 'b'.",
            ),
            (" path-info (", "'(' : regex '(' is invalid (error="),
            (" option", "'option' expects an option name."),
            (" option foo", "unknown option 'foo'."),
            (
                " option keep-conn x",
                "'option keep-conn' cannot handle unexpected argument 'x'.",
            ),
            (
                " option max-reqs",
                "option 'max-reqs' expects an integer argument.",
            ),
            (
                " option max-reqs 0",
                "option 'max-reqs' expects a strictly positive integer argument.",
            ),
            (" pass-header", "'pass-header' expects <name> as arguments."),
            (" pass-header a if foo", "'a' : no such ACL : 'foo'."),
            (
                " set-param a",
                "'set-param' expects <name> and <value> as arguments.",
            ),
            (
                " log-stderr",
                "log-stderr : expects <address> and <facility> or global as arguments",
            ),
            (" foo", "unknown keyword 'foo' in 'fcgi-app' section"),
            (
                "fcgi-app a",
                "fcgi-app section 'a' has the same name as another one declared at ",
            ),
            ("fcgi-app", "'fcgi-app' expects <name> as argument."),
        ] {
            let out = read(&format!("fcgi-app a\n{line}\n"));
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }
}
