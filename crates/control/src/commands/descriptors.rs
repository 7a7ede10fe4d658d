//! `show fd`: open descriptors and what they are.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest};
use std::collections::HashMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "fd"],
    level: Level::Operator,
    args: "[-!plc]* [num]",
    doc: "show open descriptors (pipes, listeners, connections), or one",
    run: show,
}];

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipe,
    Listener,
    Connection,
    Other,
}

/// Which descriptors are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    number: Option<u32>,
    kinds: Vec<Kind>,
}

impl Wish {
    fn read(args: Args<'_>) -> Result<Self, String> {
        let all = [Kind::Pipe, Kind::Listener, Kind::Connection, Kind::Other];
        let mut wish = Self {
            number: None,
            kinds: all.to_vec(),
        };
        let mut first = true;
        for word in args.0 {
            // A group of threads in front is of no meaning here.
            let number = word.rsplit('/').next().unwrap_or_default();
            if number.bytes().all(|byte| byte.is_ascii_digit()) {
                wish.number = number.parse().ok();
                continue;
            }
            let mut inverted = false;
            for letter in word.chars() {
                let kind = match letter {
                    '-' | '!' => {
                        inverted = true;
                        continue;
                    }
                    'p' => Kind::Pipe,
                    'l' => Kind::Listener,
                    'c' => Kind::Connection,
                    'f' | 'b' | 's' | 'd' => {
                        return Err(format!(
                            "'{letter}': connections of clients and servers are not told apart here, only 'c' is."
                        ));
                    }
                    _ => return Err(format!("Unsupported FD type '{letter}'.")),
                };
                if first && !inverted {
                    wish.kinds.clear();
                }
                first = false;
                wish.kinds.retain(|known| *known != kind);
                if !inverted {
                    wish.kinds.push(kind);
                }
            }
        }
        Ok(wish)
    }
}

fn show(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let wish = match Wish::read(args) {
        Ok(wish) => wish,
        Err(why) => return reply.error(&why),
    };
    // Reading the system's tables of many connections takes its time, which the worker does not have.
    let listing = tokio::task::spawn_blocking(move || list(&wish));
    reply.rest = Rest::Task(Box::pin(async move { listing.await.unwrap_or_default() }));
}

fn list(wish: &Wish) -> String {
    let sockets = sockets();
    let mut numbers: Vec<u32> = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| wish.number.is_none_or(|wanted| wanted == *number))
        .collect();
    numbers.sort_unstable();
    let mut out = String::new();
    for number in numbers {
        let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        let inode = target
            .strip_prefix("socket:[")
            .and_then(|rest| rest.strip_suffix(']'));
        let socket = inode.and_then(|inode| sockets.get(inode));
        let kind = match socket {
            Some(socket) if socket.listens => Kind::Listener,
            Some(_) => Kind::Connection,
            None if target.starts_with("pipe:") => Kind::Pipe,
            None => Kind::Other,
        };
        if wish.kinds.contains(&kind) {
            let about = socket.map_or(target.as_str(), |socket| &socket.about);
            let _ = writeln!(out, "{number:7} : {about}");
        }
    }
    out
}

/// A socket of the system.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    listens: bool,
    about: String,
}

/// The sockets of this network namespace, by their inodes.
fn sockets() -> HashMap<String, Socket> {
    let mut all = HashMap::new();
    for (file, family) in [
        ("tcp", "ipv4"),
        ("tcp6", "ipv6"),
        ("udp", "udp4"),
        ("udp6", "udp6"),
    ] {
        let text = std::fs::read_to_string(format!("/proc/self/net/{file}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            all.extend(inet_socket(line, family));
        }
    }
    let text = std::fs::read_to_string("/proc/self/net/unix").unwrap_or_default();
    all.extend(text.lines().skip(1).filter_map(unix_socket));
    all
}

fn inet_socket(line: &str, family: &str) -> Option<(String, Socket)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, local, remote, state, ..] = words.as_slice() else {
        return None;
    };
    let inode = (*words.get(9)?).to_owned();
    let listens = *state == "0A";
    let (local, remote) = (place(local)?, place(remote)?);
    let about = match listens {
        true => format!("listener fam={family} local={local}"),
        false => format!("connection fam={family} local={local} remote={remote} st=0x{state}"),
    };
    Some((inode, Socket { listens, about }))
}

/// `0100007F:1F90`: the words of an address are written in the order of the machine.
fn place(text: &str) -> Option<String> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(format!("{ip}:{port}"))
}

/// A listening socket has the flag that it accepts.
const ACCEPTS: u32 = 0x1_0000;

fn unix_socket(line: &str) -> Option<(String, Socket)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let flags = u32::from_str_radix(words.get(3)?, 16).ok()?;
    let inode = (*words.get(6)?).to_owned();
    let path = words.get(7).copied().unwrap_or("");
    let listens = flags & ACCEPTS != 0;
    let what = if listens { "listener" } else { "connection" };
    let about = format!("{what} fam=unix local={path}");
    Some((inode, Socket { listens, about }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_from_the_system() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0";
        let (inode, socket) = inet_socket(line, "ipv4").unwrap();
        assert_eq!(inode, "12345");
        let expected = if cfg!(target_endian = "little") {
            "127.0.0.1"
        } else {
            "1.0.0.127"
        };
        assert_eq!(
            socket.about,
            format!("listener fam=ipv4 local={expected}:8080")
        );
        let line = "0000: 00000002 00000000 00010000 0001 01 77 /run/x.sock";
        let (_, socket) = unix_socket(line).unwrap();
        assert!(socket.listens && socket.about.ends_with("local=/run/x.sock"));
        assert_eq!(inet_socket("garbage", "ipv4"), None);
    }

    #[test]
    fn kinds_are_chosen_by_letters() {
        let words = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            Wish::read(Args(&words))
        };
        assert_eq!(words("l").map(|w| w.kinds), Ok(vec![Kind::Listener]));
        assert_eq!(words("lp").map(|w| w.kinds.len()), Ok(2));
        assert_eq!(words("!l").map(|w| w.kinds.len()), Ok(3));
        assert_eq!(words("1/12").map(|w| w.number), Ok(Some(12)));
        assert!(words("x").is_err() && words("s").is_err());
    }
}
