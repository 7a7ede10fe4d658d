//! The statistics page (`stats enable`), its forms, and its CSV, typed and JSON renderings.

mod chart;
mod html;
mod post;
mod query;
mod words;

use crate::command::Level;
use crate::stat::list::{Filter, Rows};
use crate::stat::{schema, write};
use engine::runtime::Runtime;
use engine::service::{Answer, AskedPage, Body, Pieces};
use message::Method;
pub(crate) use query::decode;
use query::{Form, Outcome, Query};
use std::sync::Arc;

/// Answers a request to the page.
#[must_use]
pub fn answer(asked: &AskedPage<'_>) -> Answer {
    let target = String::from_utf8_lossy(asked.asked.head.target());
    let query = Query::read(target.get(asked.page.uri.len()..).unwrap_or_default());
    if asked.asked.head.method() == Method::Post {
        let outcome = form(asked);
        return see_other(asked, &query, outcome);
    }
    let kind = match query.form {
        Form::Html => "text/html; charset=utf-8",
        Form::Csv | Form::Typed => "text/plain",
        Form::Json | Form::Schema => "application/json",
    };
    let mut fields = vec![
        ("cache-control", "no-cache".to_owned()),
        ("content-type", kind.to_owned()),
    ];
    if let Some(seconds) = asked.page.refresh.filter(|_| !query.no_refresh) {
        fields.push(("refresh", seconds.to_string()));
    }
    let body = match query.form {
        Form::Schema => Body::Whole(schema::text()),
        Form::Html => {
            let page = html::Page::new(asked, query);
            fields.extend(page.policy());
            Body::Pieces(Box::new(page))
        }
        form => Body::Pieces(Box::new(Listing::new(asked, &query, form))),
    };
    Answer {
        status: 200,
        fields,
        body,
    }
}

fn form(asked: &AskedPage<'_>) -> Outcome {
    let foreign = asked.asked.head.get(b"sec-fetch-site");
    if !asked.admin || foreign.is_some_and(|site| site == b"cross-site") {
        // A page of somebody else's must not press buttons here.
        return Outcome::Denied;
    }
    match asked.asked.body {
        Some(body) => post::apply(asked.asked.runtime, &String::from_utf8_lossy(body)),
        None => Outcome::Exceeded,
    }
}

/// Leads back to the page, which then tells the outcome.
fn see_other(asked: &AskedPage<'_>, query: &Query, outcome: Outcome) -> Answer {
    let location = format!("{};st={}{}", asked.page.uri, outcome.code(), query.view());
    Answer {
        status: 303,
        fields: vec![
            ("content-type", "text/plain".to_owned()),
            ("location", location),
        ],
        body: Body::Whole(String::new()),
    }
}

/// Which rows a request may see: the page's scope, then its own.
#[derive(Debug, Clone)]
struct Scope {
    names: Vec<Arc<str>>,
    part: Option<String>,
}

impl Scope {
    fn new(asked: &AskedPage<'_>, query: &Query) -> Self {
        let own = &asked.proxy.config.name;
        let names = asked.page.scope.iter();
        let names = names.map(|name| if &**name == "." { own } else { name });
        Self {
            names: names.cloned().collect(),
            part: query.scope.clone(),
        }
    }

    fn has(&self, name: &str) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|known| **known == *name);
        named
            && self
                .part
                .as_ref()
                .is_none_or(|part| name.contains(part.as_str()))
    }
}

fn rows(asked: &AskedPage<'_>, query: &Query) -> Rows {
    let scope = Scope::new(asked, query);
    let filter = Filter {
        up: query.up,
        no_maint: query.no_maint,
        ..Filter::default()
    };
    let level = match asked.page.legends {
        true => Level::Operator,
        false => Level::User,
    };
    Rows::new(asked.asked.runtime, filter, level).only(|proxy| scope.has(&proxy.config.name))
}

/// The rows as CSV, typed text or JSON.
struct Listing {
    rows: Rows,
    form: Form,
    started: bool,
}

impl Listing {
    fn new(asked: &AskedPage<'_>, query: &Query, form: Form) -> Self {
        Self {
            rows: rows(asked, query),
            form,
            started: false,
        }
    }
}

impl Pieces for Listing {
    fn fill(&mut self, runtime: &Arc<Runtime>, out: &mut String) -> bool {
        let first = !std::mem::replace(&mut self.started, true);
        match self.form {
            Form::Csv if first => write::header(out),
            Form::Json if first => out.push('['),
            _ => {}
        }
        let Some(row) = self.rows.next(runtime) else {
            if self.form == Form::Json {
                out.push_str("]\n");
            }
            return false;
        };
        match self.form {
            Form::Json => {
                if !first {
                    out.push(',');
                }
                write::json(&row, out);
            }
            Form::Typed => write::typed(&row, false, out),
            _ => write::csv(&row, out),
        }
        true
    }
}
