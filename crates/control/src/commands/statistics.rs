//! `show stat`.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use crate::stat::list::{Filter, Rows};
use crate::stat::write;
use engine::runtime::Runtime;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["dump", "stats-file"],
        level: Level::Admin,
        args: "",
        doc: "show the counters as a file to start from",
        run: |context, reply, _| {
            reply.plain(format_args!("{}", crate::stats_file::dump(context.runtime)));
        },
    },
    CommandRow {
        words: &["show", "schema", "json"],
        level: Level::User,
        args: "",
        doc: "show the schema of answers in JSON",
        run: |_, reply, _| reply.plain(format_args!("{}", crate::stat::schema::text())),
    },
    CommandRow {
        words: &["show", "stat"],
        level: Level::User,
        args: "[desc|json|no-maint|typed|up]*",
        doc: "show the counters of proxies and servers",
        run: show,
    },
];

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    /// With a description of every field, if so.
    Typed(bool),
    Json,
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let mut filter = Filter::default();
    let mut words = args.0;
    if words.first().map(String::as_str) == Some("domain") {
        match args.get(1) {
            "proxy" => {}
            "resolvers" if matches!(args.get(2), "typed" | "json") => {
                return reply.error("The statistics of name servers come in CSV only.");
            }
            "resolvers" => return super::resolvers::statistics(context, reply),
            _ => return reply.error("Invalid statistics domain."),
        }
        words = words.get(2..).unwrap_or_default();
    }
    if let [proxy, types, server, rest @ ..] = words {
        let Some(id) = proxy_id(context.runtime, proxy) else {
            return reply.error("No such proxy.");
        };
        filter.proxy = id;
        filter.types = number(types).unwrap_or(u32::MAX);
        filter.server = number(server);
        words = rest;
    }
    let desc = words.iter().any(|word| word == "desc");
    let mut form = Form::Csv;
    for word in words {
        match word.as_str() {
            "typed" => form = Form::Typed(desc),
            "json" => form = Form::Json,
            "up" => filter.up = true,
            "no-maint" => filter.no_maint = true,
            _ => {}
        }
    }
    match form {
        Form::Csv => write::header(&mut reply.text),
        Form::Json => reply.text.push('['),
        Form::Typed(_) => {}
    }
    reply.dump(Statistics {
        rows: Rows::new(context.runtime, filter, context.state.level),
        form,
        first: true,
    });
}

/// A number; negative ones and other words stand for all.
fn number(word: &str) -> Option<u32> {
    word.parse().ok()
}

/// The number of a proxy given by number or name; `Some(None)` for all.
fn proxy_id(runtime: &Runtime, word: &str) -> Option<Option<u32>> {
    if let Ok(id) = word.parse::<i64>() {
        return Some(u32::try_from(id).ok());
    }
    let all = runtime.all_proxies();
    let named = all.iter().find(|p| &*p.config.name == word)?;
    Some(Some(named.config.id))
}

/// The rows in the form that was asked for.
struct Statistics {
    rows: Rows,
    form: Form,
    first: bool,
}

impl Dump for Statistics {
    fn fill(&mut self, runtime: &Runtime, out: &mut String) -> bool {
        let Some(row) = self.rows.next(runtime) else {
            match self.form {
                Form::Json => out.push_str("]\n"),
                Form::Csv => {}
                Form::Typed(_) => {}
            }
            return false;
        };
        match self.form {
            Form::Csv => write::csv(&row, out),
            Form::Typed(desc) => write::typed(&row, desc, out),
            Form::Json => {
                if !self.first {
                    out.push(',');
                }
                write::json(&row, out);
            }
        }
        self.first = false;
        true
    }
}
