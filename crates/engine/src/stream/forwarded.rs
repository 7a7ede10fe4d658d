//! The `Forwarded` header (RFC 7239) that `option forwarded` adds.

use super::Stream;
use base::Endpoint;
use expr::sample::{Type, Value};
use expr::view::View;
use expr::{Expr, Outcome};
use message::FieldId;
use model::Forwarded;
use std::io::Write;
use std::net::IpAddr;

impl Stream<'_> {
    /// Adds the header with the parts that the option names.
    pub(super) fn add_forwarded(&mut self, option: &Forwarded) {
        let mut text = std::mem::take(&mut self.state.scratch);
        text.clear();
        self.write_forwarded(option, &mut text);
        if !text.is_empty() {
            self.state.request.push_known(FieldId::Forwarded, &text);
        }
        self.state.scratch = text;
    }

    fn write_forwarded(&self, option: &Forwarded, out: &mut Vec<u8>) {
        let client = View::client(self).unwrap_or_default();
        if option.proto {
            part(out, b"proto", b"http");
        }
        if let Some(host) = &option.host {
            let own = || {
                self.state
                    .request
                    .known(FieldId::Host)
                    .unwrap_or_default()
                    .to_vec()
            };
            let host = host.as_ref().map_or_else(own, |expr| self.text_of(expr));
            // A host with a port is not a token, and must be quoted.
            match host.iter().any(|b| b":[]".contains(b)) {
                true => part(out, b"host", &[b"\"", &host[..], b"\""].concat()),
                false => part(out, b"host", &host),
            }
        }
        self.node(
            out,
            b"by",
            option.by.as_ref(),
            option.by_port.as_ref(),
            client.dst,
        );
        self.node(
            out,
            b"for",
            option.for_.as_ref(),
            option.for_port.as_ref(),
            client.src,
        );
    }

    /// A node: an address or an expression, and a port.
    fn node(
        &self,
        out: &mut Vec<u8>,
        name: &[u8],
        who: Option<&Option<Expr>>,
        port: Option<&Option<Expr>>,
        end: Option<&Endpoint>,
    ) {
        let Some(who) = who else {
            return;
        };
        let mut node = Vec::new();
        match who {
            None => write_ip(&mut node, end.and_then(Endpoint::ip)),
            Some(expr) => match expr.eval(self) {
                Outcome::Found(Value::Ip(ip)) => write_ip(&mut node, Some(ip)),
                _ => node = self.text_of(expr),
            },
        }
        let port = port.map(|port| match port {
            None => end
                .and_then(Endpoint::port)
                .unwrap_or(0)
                .to_string()
                .into_bytes(),
            Some(expr) => self.text_of(expr),
        });
        if let Some(port) = &port {
            node.push(b':');
            node.extend_from_slice(port);
        }
        let quoted = port.is_some() || node.contains(&b':');
        match quoted {
            true => part(out, name, &[b"\"", &node[..], b"\""].concat()),
            false => part(out, name, &node),
        }
    }

    fn text_of(&self, expr: &Expr) -> Vec<u8> {
        match expr.eval_as(Type::Str, self) {
            Outcome::Found(Value::Str(text)) => text.into_owned(),
            _ => Vec::new(),
        }
    }
}

fn write_ip(out: &mut Vec<u8>, ip: Option<IpAddr>) {
    let _ = match ip {
        Some(IpAddr::V4(ip)) => write!(out, "{ip}"),
        Some(IpAddr::V6(ip)) => write!(out, "[{ip}]"),
        None => write!(out, "unknown"),
    };
}

fn part(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !out.is_empty() {
        out.push(b';');
    }
    out.extend_from_slice(name);
    out.push(b'=');
    out.extend_from_slice(value);
}
