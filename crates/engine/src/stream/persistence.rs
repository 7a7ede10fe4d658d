//! The persistence cookie: finding the client's server by it, and telling the client which one it had (configuration
//! manual, `cookie`).

use super::Stream;

use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use base::ServerIdx;
use message::{FieldId, Method};
use model::Options;
use model::live::Admin;
use model::persistence::{Cookie, CookieMode};
use std::net::IpAddr;
use std::sync::Arc;

/// What persistence has found and done, with the letters that logs show for it.
#[derive(Debug, Clone, Copy)]
pub struct Persistence {
    /// The server that is to be had.
    pub server: Option<ServerIdx>,
    /// Whether it is to be had although it is down.
    pub even_down: bool,
    /// Whether the client's past led to it.
    direct: bool,
    /// `force-persist`
    forced: bool,
    /// `ignore-persist`
    ignored: bool,
    /// The state of the client's cookie (third letter of the termination state).
    pub request: u8,
    /// What became of the server's cookie (fourth letter).
    pub response: u8,
    /// When the client was seen last and first, in seconds since 1970; 0 when the cookie does not say.
    seen: [i64; 2],
}

impl Persistence {
    /// Takes a server that the client has had before.
    pub fn take(&mut self, server: ServerIdx) {
        (self.server, self.direct) = (Some(server), true);
    }

    /// Whether no other server may be tried (`force-persist`).
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.forced && self.direct
    }
}

impl Default for Persistence {
    fn default() -> Self {
        Self {
            server: None,
            even_down: false,
            direct: false,
            forced: false,
            ignored: false,
            request: b'-',
            response: b'-',
            seen: [0; 2],
        }
    }
}

/// What separates a server's value from the application's in prefix mode, and from dates in insert mode.
const PREFIX_END: u8 = b'~';
const DATE_MARK: u8 = b'|';
/// How far ahead of time a date may be: a day, in seconds.
const MOST_AHEAD: i64 = 86_400;
/// Dates count in units of four seconds, with five characters of six bits each.
const DATE_UNIT: i64 = 4;
const DATE_LEN: u32 = 5;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Stream<'_> {
    /// Looks for the server that the client has had before: by the cookie, then by `persist rdp-cookie` and `stick` rules.
    pub(super) fn find_persistence(&mut self, backend: &Arc<ProxyRuntime>) {
        let config = &backend.config.back;
        let nothing =
            config.cookie.is_none() && config.stick.is_empty() && config.persist_rdp.is_none();
        if nothing {
            return;
        }
        for rule in &config.persist {
            if rule.condition.holds(self) {
                let persistence = &mut self.state.persistence;
                match rule.force {
                    true => (persistence.even_down, persistence.forced) = (true, true),
                    false => persistence.ignored = true,
                }
                break;
            }
        }
        if backend.config.options.has(Options::PERSIST) {
            self.state.persistence.even_down = true;
        }
        let by_rule = !config.use_server.is_empty() && self.server_by_rule(backend).is_some();
        self.state.persistence.direct = by_rule;
        if let Some(cookie) = config.cookie.clone().filter(|_| self.state.has_request) {
            self.read_cookie(backend, &cookie, by_rule);
        }
        let taken = by_rule || self.state.persistence.server.is_some();
        if let Some(expr) = config.persist_rdp.clone().filter(|_| !taken) {
            self.follow_rdp_cookie(backend, &expr);
        }
        if !config.stick.is_empty() {
            self.run_stick_rules(backend, by_rule);
        }
    }

    /// Whether traffic may go to a server for persistence's sake.
    pub(super) fn may_return_to(&self, server: &ServerRuntime) -> bool {
        self.state.persistence.even_down || is_running(server)
    }

    /// Takes note that another server takes the stream than the one that the client had.
    pub(super) fn leave_server(&mut self) {
        let persistence = &mut self.state.persistence;
        persistence.direct = false;
        if persistence.request == b'V' {
            persistence.request = b'D';
        }
    }

    fn read_cookie(&mut self, backend: &ProxyRuntime, cookie: &Cookie, taken: bool) {
        let mut found = self.state.persistence;
        found.request = b'N';
        let removes = cookie.mode == CookieMode::Insert && cookie.indirect;
        let mut edits = Vec::new();
        for (at, (_, value)) in self.state.request.iter().enumerate() {
            let is_cookie = self
                .state
                .request
                .fields()
                .get(at)
                .is_some_and(|field| field.id == FieldId::Cookie);
            if !is_cookie {
                continue;
            }
            // What stays of the value: pieces of it, in their order.
            let mut kept: Vec<(usize, usize)> = Vec::new();
            let mut cut: Vec<(usize, usize)> = Vec::new();
            let mut changed = false;
            for pair in pairs(value) {
                // Spaces around the equals sign are dropped.
                let equals = (pair.name.1..pair.value.0).find(|at| value.get(*at) == Some(&b'='));
                if let Some(equals) = equals.filter(|_| pair.value.0 - pair.name.1 > 1) {
                    cut.push((pair.name.1, equals));
                    cut.push((equals + 1, pair.value.0));
                }
                if value.get(pair.name.0..pair.name.1) != Some(cookie.name.as_bytes()) {
                    kept.push((pair.start, pair.end));
                    continue;
                }
                let text = value.get(pair.value.0..pair.value.1).unwrap_or_default();
                let id_len = self.judge(backend, cookie, text, taken, &mut found);
                if removes {
                    changed = true;
                    continue;
                }
                if cookie.mode == CookieMode::Prefix && id_len < text.len() {
                    cut.push((pair.value.0, pair.value.0 + id_len + 1));
                }
                kept.push((pair.start, pair.end));
            }
            if changed {
                edits.push((at, rebuilt(value, &kept)));
            } else if !cut.is_empty() {
                edits.push((at, without(value, &cut)));
            }
        }
        for (at, value) in edits.into_iter().rev() {
            match value.is_empty() {
                true => self.state.request.remove_at(at),
                false => self.state.request.set_value_at(at, &value),
            }
        }
        if cookie.acts() {
            found.response = b'N';
        } else {
            found.request = b'-';
        }
        self.state.persistence = found;
    }

    /// Judges one cookie of the client's; answers with the length of the part that names a server.
    fn judge(
        &self,
        backend: &ProxyRuntime,
        cookie: &Cookie,
        text: &[u8],
        taken: bool,
        found: &mut Persistence,
    ) -> usize {
        let end = |mark| text.iter().position(|b| *b == mark).unwrap_or(text.len());
        let id_len = match cookie.mode {
            CookieMode::Prefix => end(PREFIX_END),
            CookieMode::Insert if cookie.is_dated() => end(DATE_MARK),
            _ => text.len(),
        };
        if found.server.is_some() {
            return id_len;
        }
        let mut id = text.get(..id_len).unwrap_or_default();
        if cookie.mode == CookieMode::Insert && cookie.is_dated() {
            let rest = text.get(id_len + 1..).unwrap_or_default();
            if let Some(letter) = check_dates(cookie, rest, clock::date().seconds, found) {
                found.request = letter;
                id = &[];
                if letter == b'E' || letter == b'O' {
                    return id_len;
                }
            }
        }
        if taken || found.ignored {
            found.request = b'U';
            return id_len;
        }
        let mut down = false;
        if !id.is_empty() {
            for server in backend.servers.load().iter() {
                if cookie_of(backend, server).is_none_or(|own| own.as_bytes() != id) {
                    continue;
                }
                let running = is_running(server);
                if running || found.even_down {
                    found.request = if running { b'V' } else { b'D' };
                    found.take(server.config.idx);
                    return id_len;
                }
                down = true;
            }
        }
        found.request = if down { b'D' } else { b'I' };
        id_len
    }

    /// Changes, removes or adds the persistence cookie in the response.
    pub(super) fn write_cookie(&mut self) {
        let backend = self.backend().clone();
        let Some(cookie) = &backend.config.back.cookie else {
            return;
        };
        let Some(server) = self.state.server.clone().filter(|_| cookie.acts()) else {
            return;
        };
        let own = cookie_of(&backend, &server);
        let found = self.edit_server_cookie(cookie, own.as_deref());
        let inserts = cookie.mode == CookieMode::Insert && !server.config.is_apart();
        if inserts && self.is_cookie_due(cookie, found) {
            self.insert_cookie(cookie, own.as_deref());
        }
    }

    /// Deals with a cookie of the same name that the server has set; says whether there was one.
    fn edit_server_cookie(&mut self, cookie: &Cookie, own: Option<&str>) -> bool {
        let direct = self.state.persistence.direct;
        let mut edits = Vec::new();
        let mut letter = None;
        for (at, (name, value)) in self.state.response.iter().enumerate() {
            if !name.eq_ignore_ascii_case(b"set-cookie") {
                continue;
            }
            let Some(pair) = pairs(value).next() else {
                continue;
            };
            if value.get(pair.name.0..pair.name.1) != Some(cookie.name.as_bytes()) {
                continue;
            }
            let removes = (cookie.mode == CookieMode::Insert || (cookie.indirect && direct))
                && !cookie.preserve;
            let place = match (removes, cookie.mode, own) {
                (true, ..) => {
                    letter = Some(b'D');
                    edits.push((at, None));
                    continue;
                }
                (_, CookieMode::Rewrite, Some(own)) => (pair.value, own.to_owned()),
                (_, CookieMode::Prefix, Some(own)) => {
                    let start = pair.value.0;
                    ((start, start), format!("{own}{}", char::from(PREFIX_END)))
                }
                _ => {
                    letter = Some(b'P');
                    continue;
                }
            };
            let ((from, to), text) = place;
            let before = value.get(..from).unwrap_or_default();
            let after = value.get(to..).unwrap_or_default();
            edits.push((at, Some([before, text.as_bytes(), after].concat())));
            letter = Some(b'R');
        }
        for (at, value) in edits.into_iter().rev() {
            match value {
                None => self.state.response.remove_at(at),
                Some(value) => self.state.response.set_value_at(at, &value),
            }
        }
        if let Some(letter) = letter {
            self.state.persistence.response = letter;
        }
        letter.is_some()
    }

    /// Whether the client has to be given a cookie: it had another server, or its cookie's dates have to be changed.
    fn is_cookie_due(&self, cookie: &Cookie, found: bool) -> bool {
        let state = &self.state.persistence;
        if (found && cookie.preserve)
            || (cookie.postonly && self.state.request.method() != Method::Post)
            || state.ignored
        {
            return false;
        }
        let [last, first] = state.seen;
        let now = clock::date().seconds;
        let dated = cookie.maxidle > 0 || last != 0;
        !state.direct
            || (dated && (last == 0 || last < now))
            || (cookie.maxlife > 0 && first == 0)
            || (cookie.maxlife == 0 && first != 0)
    }

    fn insert_cookie(&mut self, cookie: &Cookie, own: Option<&str>) {
        let state = self.state.persistence;
        let mut text = cookie.name.as_bytes().to_vec();
        text.push(b'=');
        match own {
            // Servers without a cookie take away the one of the server before.
            None => text.extend_from_slice(b"; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/"),
            Some(own) => {
                text.extend_from_slice(own.as_bytes());
                let now = clock::date().seconds;
                let mut push_date = |date: i64| {
                    text.push(DATE_MARK);
                    text.extend_from_slice(&date_text((date + DATE_UNIT - 1) / DATE_UNIT));
                };
                if cookie.is_dated() {
                    push_date(now);
                }
                if cookie.maxlife > 0 {
                    match state.seen[1] {
                        0 => push_date(now),
                        first => push_date(first),
                    }
                }
                text.extend_from_slice(b"; path=/");
            }
        }
        text.extend_from_slice(cookie.attributes.as_bytes());
        self.state.response.push(b"set-cookie", &text);
        self.state.persistence.response = if own.is_some() && state.direct {
            b'U'
        } else {
            b'I'
        };
        if cookie.nocache && self.is_response_cacheable() {
            self.state.response.push(b"cache-control", b"private");
        }
    }

    /// `persist rdp-cookie`: the cookie holds the address and the port of the server, as numbers in network order.
    fn follow_rdp_cookie(&mut self, backend: &ProxyRuntime, expr: &expr::Expr) {
        use expr::{Type, Value};
        let Some(Value::Str(text)) = expr.eval_as(Type::Str, self).value() else {
            return;
        };
        let mut parts = text.split(|b| *b == b'.');
        let mut number = || {
            let part = std::str::from_utf8(parts.next()?).ok()?;
            part.parse::<u32>().ok()
        };
        let (Some(address), Some(port)) = (number(), number()) else {
            return;
        };
        let ip = std::net::Ipv4Addr::from(u32::from_be(address));
        let port = u16::from_be(port as u16);
        let wanted = std::net::SocketAddr::from((ip, port));
        let servers = backend.servers.load();
        let found = servers.iter().find(|server| {
            matches!(&server.whereabouts.now().address, model::Address::Inet(own) if *own == wanted)
                && self.may_return_to(server)
        });
        if let Some(server) = found {
            let idx = server.config.idx;
            drop(text);
            self.state.persistence.take(idx);
        }
    }
}

/// A server's value of the cookie: its own, or one made of its address and the backend's secret (`dynamic-cookie-key`).
pub fn cookie_of(backend: &ProxyRuntime, server: &ServerRuntime) -> Option<Arc<str>> {
    if let Some(own) = &server.config.settings.cookie {
        return Some(own.clone());
    }
    backend.config.back.cookie.as_ref()?;
    if server.config.is_apart() {
        return None;
    }
    let dynamic = backend.dynamic_cookie.read();
    let secret = dynamic.key.as_deref().filter(|_| dynamic.on)?;
    let location = server.whereabouts.now();
    let model::Address::Inet(address) = &location.address else {
        return None;
    };
    let mut text = secret.as_bytes().to_vec();
    match address.ip() {
        IpAddr::V4(ip) => text.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => text.extend_from_slice(&ip.octets()),
    }
    text.extend_from_slice(&u32::from(address.port()).to_be_bytes());
    let hash = xxhash_rust::xxh64::xxh64(&text, 0);
    Some(format!("{hash:016x}").into())
}

/// Whether a server is neither down nor in maintenance; its weight does not matter to those who had it before.
pub(super) fn is_running(server: &ServerRuntime) -> bool {
    server.state.is_up() && !Admin::in_maintenance(server.state.admin())
}

/// Reads the dates behind the server's value: when the client was seen last and first. A letter says that the cookie is too
/// old.
fn check_dates(cookie: &Cookie, rest: &[u8], now: i64, found: &mut Persistence) -> Option<u8> {
    let mut dates = rest
        .split(|b| *b == DATE_MARK)
        .map(|text| date_of(text).unwrap_or(0) * DATE_UNIT);
    let last = dates.next().unwrap_or(0);
    let first = dates.next().unwrap_or(0);
    let outside = |date: i64, most: i64| now - date > most || date - now > MOST_AHEAD;
    let mut letter = None;
    if cookie.maxidle > 0 && last > 0 {
        if outside(last, cookie.maxidle) {
            letter = Some(b'E');
        } else {
            found.seen[0] = last;
        }
    }
    if cookie.maxlife > 0 && first > 0 {
        if outside(first, cookie.maxlife) {
            letter = Some(b'O');
        } else {
            found.seen[1] = first;
        }
    }
    letter
}

fn date_of(text: &[u8]) -> Option<i64> {
    let digits = text.get(..DATE_LEN as usize)?;
    digits.iter().try_fold(0, |date, digit| {
        let value = DIGITS.iter().position(|known| known == digit)?;
        Some(date << 6 | value as i64)
    })
}

fn date_text(units: i64) -> [u8; DATE_LEN as usize] {
    let mut text = [b'A'; DATE_LEN as usize];
    let mut rest = units as usize;
    for digit in text.iter_mut().rev() {
        *digit = DIGITS.get(rest % 64).copied().unwrap_or(b'A');
        rest /= 64;
    }
    text
}

/// Where a cookie stands in a header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    /// All of it, spaces around it left aside.
    start: usize,
    end: usize,
    name: (usize, usize),
    value: (usize, usize),
}

/// The cookies of a header's value. Those whose name begins with a dollar sign are attributes, and one without an equals
/// sign has no value to look at: neither has a name here.
fn pairs(value: &[u8]) -> impl Iterator<Item = Pair> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while from < value.len() {
            let rest = value.get(from..)?;
            let len = rest
                .iter()
                .position(|b| matches!(b, b';' | b','))
                .unwrap_or(rest.len());
            let (start, end) = trimmed(value, from, from + len);
            from += len + 1;
            if start == end {
                continue;
            }
            let equals = value
                .get(start..end)?
                .iter()
                .position(|b| *b == b'=')
                .map(|at| start + at);
            let empty = (end, end);
            let (name, text) = match equals {
                Some(at) if value.get(start) != Some(&b'$') => {
                    (trimmed(value, start, at), trimmed(value, at + 1, end))
                }
                _ => (empty, empty),
            };
            return Some(Pair {
                start,
                end,
                name,
                value: text,
            });
        }
        None
    })
}

fn trimmed(value: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    let is_space = |at: usize| matches!(value.get(at), Some(b' ' | b'\t'));
    while from < to && is_space(from) {
        from += 1;
    }
    while from < to && is_space(to - 1) {
        to -= 1;
    }
    (from, to)
}

/// A value without some pieces of it, which are in order.
fn without(value: &[u8], cut: &[(usize, usize)]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(value.len());
    let mut at = 0;
    for (from, to) in cut {
        rest.extend_from_slice(value.get(at..*from).unwrap_or_default());
        at = *to;
    }
    rest.extend_from_slice(value.get(at..).unwrap_or_default());
    rest
}

/// The cookies that stay, in a header of their own.
fn rebuilt(value: &[u8], kept: &[(usize, usize)]) -> Vec<u8> {
    let parts: Vec<&[u8]> = kept
        .iter()
        .filter_map(|(from, to)| value.get(*from..*to))
        .collect();
    parts.join(&b"; "[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &str) -> Vec<(&str, &str)> {
        pairs(value.as_bytes())
            .map(|pair| {
                (
                    &value[pair.name.0..pair.name.1],
                    &value[pair.value.0..pair.value.1],
                )
            })
            .collect()
    }

    #[test]
    fn cookies_are_told_apart() {
        assert_eq!(
            names("A=c1; x = 1 ,y=\"2\""),
            [("A", "c1"), ("x", "1"), ("y", "\"2\"")]
        );
        assert_eq!(names("$A=1; B; =c;;"), [("", ""), ("", ""), ("", "c")]);
        assert_eq!(names(""), []);
    }

    #[test]
    fn dates_have_five_digits() {
        for units in [0, 1, 63, 64, 437_000_123, (1 << 30) - 1] {
            assert_eq!(date_of(&date_text(units)), Some(units));
        }
        assert_eq!(&date_text(1), b"AAAAB");
        assert_eq!(date_of(b"zz"), None);
        assert_eq!(date_of(b"AA*AA"), None);
    }

    #[test]
    fn old_cookies_are_told_by_their_dates() {
        let cookie = Cookie {
            maxidle: 30,
            maxlife: 60,
            ..Cookie::new("A")
        };
        let now = 1_800_000_000;
        let text = |last: i64, first: i64| {
            let date = |seconds: i64| String::from_utf8(date_text(seconds / 4).to_vec()).unwrap();
            format!("{}|{}", date(last), date(first))
        };
        let judge = |text: &str| {
            let mut found = Persistence::default();
            let letter = check_dates(&cookie, text.as_bytes(), now, &mut found);
            (letter, found.seen)
        };
        assert_eq!(
            judge(&text(now - 20, now - 40)),
            (None, [now - 20, now - 40])
        );
        assert_eq!(judge(&text(now - 40, now - 40)).0, Some(b'E'));
        assert_eq!(judge(&text(now, now - 80)).0, Some(b'O'));
        assert_eq!(judge(&text(now + 90_000, now)).0, Some(b'E'));
        assert_eq!(judge("").0, None);
    }
}
