//! `crt-store` sections: certificates by name, from files that lie apart.

use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Open, Parsed, Parser, Statement};
use tls::store::{Files, based};

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "crt-store",
    doc: "Certificates by name, from files that lie apart.",
    open,
}];

struct Section {
    name: String,
    crt_base: Option<String>,
    key_base: Option<String>,
    loaded: bool,
}

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    statement.at_most(1)?;
    parser.open = Open::Other(Box::new(Section {
        name: statement.arg(0).to_owned(),
        crt_base: None,
        key_base: None,
        loaded: false,
    }));
    Ok(())
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            keyword @ ("crt-base" | "key-base") => {
                let path = statement.required(0, "a directory path")?.to_owned();
                if self.loaded {
                    return Err(statement
                        .fault_here(format!("'{keyword}' can't be used after a load line.")));
                }
                match keyword {
                    "crt-base" => self.crt_base = Some(path),
                    _ => self.key_base = Some(path),
                }
                Ok(())
            }
            "load" => {
                self.loaded = true;
                self.load(parser, statement)
            }
            other => {
                let message = format!("unknown keyword '{other}' in 'crt-store' section");
                let near = config::suggest::nearest(other, ["crt-base", "key-base", "load"]);
                Err(statement.fault_here(match near {
                    Some(near) => format!("{message}; did you mean '{near}' maybe ?"),
                    None => message,
                }))
            }
        }
    }

    fn close(self: Box<Self>, _: &mut Parser<'_>) {}
}

impl Section {
    fn load(&self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let mut files = Files::default();
        let mut alias = None;
        let mut at = 0;
        while at < statement.len() {
            let (name, value) = (statement.arg(at), statement.arg(at + 1));
            if !Files::KEYWORDS.contains(&name) && name != "alias" {
                let message = match name {
                    "acme" | "domains" | "ips" => crate::parse::known::not_built(name, "ACME"),
                    _ => format!("unknown keyword '{name}' in 'load' line."),
                };
                return Err(statement.fault(at, message));
            }
            if value.is_empty() {
                return Err(statement.fault(at, format!("'{name}' expects an argument.")));
            }
            match name {
                "alias" => alias = Some(value),
                _ => files
                    .set(name, value)
                    .map_err(|why| statement.fault(at + 1, why))?,
            }
            at += 2;
        }
        let Some(crt) = files.certificate.clone() else {
            return Err(statement.fault_here("'load' expects a certificate: 'crt <filename>'."));
        };
        let global = &parser.global.tls;
        let crt_base = self.crt_base.as_deref().or(global.crt_base.as_deref());
        let key_base = self.key_base.as_deref().or(global.key_base.as_deref());
        let path = based(crt_base, &crt);
        let name = match (alias, self.name.is_empty()) {
            (Some(alias), true) => format!("@/{alias}"),
            (Some(alias), false) => format!("@{}/{alias}", self.name),
            (None, true) => path.clone(),
            (None, false) => format!("@{}/{}", self.name, crt.trim_start_matches('/')),
        };
        files.path = Some(path);
        files.key = files.key.map(|key| based(key_base, &key));
        parser
            .certificates
            .load(&name, &files, &parser.global.tls)
            .map_err(|why| statement.fault(1, why))
    }
}
