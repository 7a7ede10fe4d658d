//! `tcp-check connect` and `http-check connect`.

use super::draft::{ActionDraft, RuleDraft};
use super::{Kind, at, take_comment, take_value};
use crate::address::{self, Address, Allow};
use crate::check::{CheckAction, CheckConnect, CheckPort};
use crate::parse::{Fault, Parsed, known};
use crate::rules::{Mux, RuleCursor};
use std::sync::Arc;

/// Reads a rule behind its keyword.
pub(super) fn read(cursor: &mut RuleCursor<'_, '_, '_>, kind: Kind) -> Parsed<RuleDraft> {
    let mut connect = CheckConnect::default();
    let mut comment = None;
    while !cursor.peek().is_empty() {
        match cursor.take() {
            "default" => connect.default = true,
            "linger" => connect.linger = true,
            "via-socks4" => connect.via_socks4 = true,
            "send-proxy" => connect.send_proxy = true,
            "comment" => comment = Some(take_comment(cursor)?),
            "port" => connect.port = Some(port(cursor)?),
            "addr" => address(cursor, &mut connect)?,
            "proto" => connect.proto = proto(cursor, kind)?,
            "ssl" => connect.secure = true,
            "sni" => {
                connect.sni = Some(take_value(cursor, "'sni' expects a string")?.into());
            }
            "alpn" => {
                let names = take_value(
                    cursor,
                    "'alpn' expects a comma-separated list of protocol names",
                )?;
                connect.alpn = Some(
                    names
                        .split(',')
                        .filter(|name| !name.is_empty())
                        .map(|name| name.as_bytes().to_vec())
                        .collect(),
                );
            }
            other => {
                let message = format!(
                    "expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', 'linger', \
                     'default' but got '{other}' as argument"
                );
                return Err(at(cursor, &message));
            }
        }
    }
    Ok(RuleDraft {
        comment,
        action: ActionDraft::Ready(CheckAction::Connect(Arc::new(connect))),
    })
}

fn not_built(cursor: &RuleCursor<'_, '_, '_>, option: &str, waits_for: &str) -> Fault {
    let what = format!("{} {option}", cursor.path());
    let message = known::not_built(&what, waits_for);
    cursor
        .statement()
        .fault(cursor.index().saturating_sub(1), message)
}

fn port(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<CheckPort> {
    let text = cursor.peek();
    if text.is_empty() {
        cursor.take();
        return Err(at(
            cursor,
            "'port' expects a port number or a sample expression as argument",
        ));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        cursor.take();
        return match text.parse() {
            Ok(port @ 1..=u16::MAX) => Ok(CheckPort::Number(port)),
            _ => {
                let message = format!(
                    "expects a valid TCP port (from range 1 to 65535) or a sample expression, got {text}"
                );
                Err(at(cursor, &message))
            }
        };
    }
    let (statement, index) = (cursor.statement(), cursor.index());
    cursor.expression(None).map(CheckPort::Expr).map_err(|why| {
        let message = format!(
            "error detected while parsing port expression : {}",
            why.message
        );
        super::fault(statement, index, &message)
    })
}

fn address(cursor: &mut RuleCursor<'_, '_, '_>, connect: &mut CheckConnect) -> Parsed {
    let text = take_value(cursor, "'addr' expects <ipv4|ipv6> as argument")?;
    let range =
        address::parse(text, Allow::PEER).map_err(|why| at(cursor, &format!("'addr' : {why}")))?;
    if let Address::Inet(inet) = &range.address
        && inet.port() != 0
    {
        connect.port = Some(CheckPort::Number(inet.port()));
    }
    connect.address = Some(range.address);
    Ok(())
}

fn proto(cursor: &mut RuleCursor<'_, '_, '_>, kind: Kind) -> Parsed<Option<Mux>> {
    let name = take_value(cursor, "'proto' expects a MUX protocol as argument")?;
    match (name, kind) {
        ("none", Kind::Tcp) => Ok(None),
        ("h1", Kind::Http) => Ok(Some(Mux::H1)),
        ("h2", Kind::Http) => Ok(Some(Mux::H2)),
        ("fcgi", Kind::Http) => Err(not_built(cursor, "proto fcgi", "FastCGI")),
        ("none" | "h1" | "h2" | "fcgi", _) => {
            let message = format!(
                "'proto' : invalid MUX protocol '{name}' for {}",
                kind.keyword()
            );
            Err(at(cursor, &message))
        }
        _ => Err(at(
            cursor,
            &format!("'proto' : unknown MUX protocol '{name}'"),
        )),
    }
}
