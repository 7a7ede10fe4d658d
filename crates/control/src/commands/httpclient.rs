//! `httpclient`: a request of the process' own, whose response is shown.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Raw, Reply, Rest};
use engine::client::{Call, Failure, Request, Url};
use engine::runtime::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The rows of this family, which need `expert-mode on`.
pub const EXPERT: &[CommandRow] = &[CommandRow {
    words: &["httpclient"],
    level: Level::Admin,
    args: "<method> <URI>",
    doc: "send an HTTP request and show the response",
    run: launch,
}];

/// Where a frontend's name would stand in logs.
const NAME: &str = "<HTTPCLIENT>";

/// The methods that may be used. `CONNECT` would make a tunnel that leads nowhere.
const METHODS: [&str; 7] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE"];

fn launch(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0) == "--htx" {
        return reply.error(
            "Can't start the HTTP client: '--htx' shows how HAProxy keeps messages inside, which is not done here.",
        );
    }
    if args.get(0).is_empty() || args.get(1).is_empty() {
        return reply.error("Can't start the HTTP client: not enough parameters.");
    }
    let method = METHODS.into_iter().find(|method| *method == args.get(0));
    let (Some(method), Some(url)) = (method, Url::parse(args.get(1))) else {
        return reply.error("Can't start the HTTP client.");
    };
    let request = Request {
        method,
        url,
        fields: Vec::new(),
        body: Vec::new(),
        proxy: None,
        timeout: None,
    };
    reply.rest = Rest::Raw(Box::new(Shown {
        call: Call::new(NAME, request),
        state: State::Begin,
    }));
}

/// How far a response has been shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Body,
    Over,
}

struct Shown {
    call: Call,
    state: State,
}

impl Shown {
    async fn piece(&mut self, runtime: &Arc<Runtime>) -> Option<Vec<u8>> {
        match self.state {
            State::Begin => Some(match self.call.run(runtime).await {
                Ok(()) => {
                    self.state = State::Body;
                    let head = self.call.head();
                    let fields = head.iter();
                    show(head.version(), head.status(), head.reason(), fields)
                }
                Err(failure) => {
                    self.end(runtime);
                    instead(failure)
                }
            }),
            State::Body => match self.call.piece(runtime).await {
                Ok(Some(piece)) => Some(piece),
                // What has come of a response that was cut off is all there is to be shown.
                Ok(None) | Err(_) => {
                    self.end(runtime);
                    None
                }
            },
            State::Over => None,
        }
    }

    fn end(&mut self, runtime: &Arc<Runtime>) {
        self.state = State::Over;
        self.call.log(runtime);
    }
}

impl Raw for Shown {
    fn next<'p>(
        &'p mut self,
        runtime: &'p Arc<Runtime>,
    ) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + 'p>> {
        Box::pin(self.piece(runtime))
    }
}

/// A head in the form HAProxy shows it in.
fn show<'h>(
    version: message::Version,
    status: u16,
    reason: &[u8],
    fields: impl Iterator<Item = (&'h [u8], &'h [u8])>,
) -> Vec<u8> {
    let mut out = format!("HTTP/{}.{} {status} ", version.major, version.minor).into_bytes();
    out.extend(reason);
    out.push(b'\n');
    for (name, value) in fields {
        out.extend(name.to_ascii_lowercase());
        out.extend(b": ");
        out.extend(value);
        out.extend(b"\r\n");
    }
    out.extend(b"\r\n");
    out
}

/// What is shown where there is no response: the page of a proxy that has reached nobody.
fn instead(failure: Failure) -> Vec<u8> {
    let page = failure.page();
    let length = page.body.len().to_string();
    let length = [(&b"content-length"[..], length.as_bytes())];
    let fields = length.into_iter().chain(page.head.iter());
    let reason = page.head.reason();
    let mut out = show(message::Version::HTTP_11, failure.status(), reason, fields);
    out.extend_from_slice(&page.body);
    out
}
