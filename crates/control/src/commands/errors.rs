//! `show errors`: the last messages that broke the rules of HTTP/1.

use crate::command::{Args, CommandRow, Context, Level};
use crate::dates;
use crate::reply::{Dump, Reply};
use base::Endpoint;
use engine::clock;
use engine::runtime::Runtime;
use engine::stream::{BadMessage, Named};
use expr::view::Side;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "errors"],
    level: Level::Operator,
    args: "[<px>] [request|response]",
    doc: "show the last bad request and response of each proxy",
    run: show,
}];

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let runtime = context.runtime;
    let proxies = runtime.all_proxies();
    let only = match args.get(0) {
        "" => None,
        word => match word.parse::<i64>() {
            Ok(number) => u32::try_from(number).ok(),
            Err(_) => {
                let found = proxies.iter().find(|proxy| *proxy.config.name == *word);
                let Some(proxy) = found else {
                    return reply.error("No such proxy.");
                };
                Some(proxy.config.id)
            }
        },
    };
    let sides: &[usize] = match args.get(1) {
        "request" => &[0],
        "response" => &[1],
        _ => &[0, 1],
    };
    let total = runtime.process.bad_messages.load(Ordering::Relaxed);
    let now = dates::local(clock::date(), 3);
    reply.plain(format_args!("Total events captured on [{now}] : {total}\n"));
    let mut found = Vec::new();
    for proxy in &proxies {
        if only.is_none_or(|id| id == proxy.config.id) {
            let kept = proxy.bad_messages.lock();
            found.extend(sides.iter().filter_map(|side| kept[*side].clone()));
        }
    }
    reply.dump(Captured {
        messages: found.into_iter(),
    });
}

/// Messages, one at a time.
struct Captured {
    messages: std::vec::IntoIter<Arc<BadMessage>>,
}

impl Dump for Captured {
    fn fill(&mut self, _: &Runtime, out: &mut String) -> bool {
        match self.messages.next() {
            Some(message) => write_message(&message, out),
            None => return false,
        }
        true
    }
}

fn of(named: Option<&Named>) -> String {
    match named {
        Some((name, id)) => format!("{name} (#{id})"),
        None => "<NONE> (#-1)".to_owned(),
    }
}

fn write_message(message: &BadMessage, out: &mut String) {
    let date = dates::local(message.date, 3);
    let frontend = of(Some(&message.frontend));
    let backend = of(message.backend.as_ref());
    let server = of(message.server.as_ref());
    let number = message.number;
    let _ = match message.side {
        Side::Request => write!(
            out,
            " \n[{date}] frontend {frontend}: invalid request\n  backend {backend}, server {server}, event #{number}"
        ),
        Side::Response => write!(
            out,
            " \n[{date}] backend {backend}: invalid response\n  frontend {frontend}, server {server}, event #{number}"
        ),
    };
    let _ = match &message.source {
        Some(Endpoint::Inet(address)) => write!(out, ", src {}:{}", address.ip(), address.port()),
        _ => write!(out, ", src unix"),
    };
    let length = message.bytes.len();
    let size = message.buffer_size;
    let _ = write!(
        out,
        "\n  buffer starts at 0 (including 0 out), {} free,\n  len {length}, wraps at {size}, error at position {}\n  \
         H1 rule broken: {} :\n  \n",
        size.saturating_sub(length),
        message.position,
        message.rule,
    );
    write_text(&message.bytes, out);
}

/// The width of a line, its end included.
const WIDTH: usize = 80;

/// Bytes in lines that begin with their position, what can't be printed escaped.
fn write_text(bytes: &[u8], out: &mut String) {
    let mut mark = ' ';
    let mut rest = bytes.iter().enumerate().peekable();
    while let Some((at, _)) = rest.peek() {
        let begin = out.len();
        let _ = write!(out, "  {at:05}{mark} ");
        mark = '+';
        while let Some((_, byte)) = rest.peek() {
            let (byte, mut escaped) = (**byte, String::new());
            escape(byte, &mut escaped);
            // The end of a line may stand in the last column.
            if out.len() - begin + escaped.len() >= WIDTH {
                break;
            }
            out.push_str(&escaped);
            rest.next();
            if byte == b'\n' {
                mark = ' ';
                break;
            }
        }
        out.push('\n');
    }
}

fn escape(byte: u8, out: &mut String) {
    match byte {
        b'\t' => out.push_str("\\t"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        0x1b => out.push_str("\\e"),
        b'\\' => out.push_str("\\\\"),
        0x20..=0x7e => out.push(byte.into()),
        _ => {
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_haproxy_cuts_it() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\nLong-line: this is a very long line which should be broken into multiple lines on the output buffer, otherwise it would be \t\\ \x1b too large to print in a terminal\r\nBa\x01d: x\r\n\r\n";
        let mut out = String::new();
        write_text(text, &mut out);
        let expected = concat!(
            "  00000  GET / HTTP/1.1\\r\\n\n",
            "  00016  Host: a\\r\\n\n",
            "  00025  Long-line: this is a very long line which should be broken into multip\n",
            "  00095+ le lines on the output buffer, otherwise it would be \\t\\\\ \\e too large\n",
            "  00162+  to print in a terminal\\r\\n\n",
            "  00187  Ba\\x01d: x\\r\\n\n",
            "  00196  \\r\\n\n",
        );
        assert_eq!(out, expected);
    }
}
