//! The HTTP and TCP log formats (configuration manual, "Log formats") taken apart.

/// What stands before a message in the `rfc3164` format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// Facility times eight plus level.
    pub priority: u16,
    /// The tag before the process number.
    pub tag: String,
}

/// A line of `option tcplog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpLog {
    /// Address and port of the client.
    pub client: String,
    /// The frontend's name.
    pub frontend: String,
    /// The backend's name.
    pub backend: String,
    /// The server's name, `<NOSRV>` for none.
    pub server: String,
    /// Tw, Tc, Tt in milliseconds.
    pub timers: Vec<i64>,
    /// Bytes sent to the client.
    pub bytes: u64,
    /// The termination state.
    pub state: String,
    /// actconn/feconn/beconn/srv_conn/retries, the retries with their `+`.
    pub counters: Vec<String>,
    /// Server and backend queue.
    pub queues: Vec<u64>,
}

/// A line of `option httplog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLog {
    /// What the TCP log has too; the timers are TR, Tw, Tc, Tr, Ta.
    pub base: TcpLog,
    /// The status; -1 where no answer was made.
    pub status: i32,
    /// The captured request cookie.
    pub request_cookie: String,
    /// The captured response cookie.
    pub response_cookie: String,
    /// The captured headers, each group without its braces.
    pub captures: Vec<String>,
    /// The request line, without its quotes.
    pub request: String,
}

/// Splits an `rfc3164` line into its prefix and its message.
fn split(line: &str) -> Option<(Prefix, &str)> {
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    let (before, message) = rest.split_once("]: ")?;
    let tag = before.rsplit_once('[')?.0.rsplit_once(' ')?.1;
    Some((
        Prefix {
            priority: priority.parse().ok()?,
            tag: tag.to_owned(),
        },
        message,
    ))
}

impl Prefix {
    /// Reads the prefix of an `rfc3164` line.
    pub fn parse(line: &str) -> Option<Self> {
        split(line).map(|(prefix, _)| prefix)
    }
}

struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    fn start(&mut self) -> Option<TcpLog> {
        let client = self.word()?.to_owned();
        let _date = self.word()?;
        let frontend = self.word()?.to_owned();
        let (backend, server) = self.word()?.split_once('/')?;
        let timers = self
            .word()?
            .split('/')
            .map(|t| t.trim_start_matches('+').parse());
        Some(TcpLog {
            client,
            frontend,
            backend: backend.to_owned(),
            server: server.to_owned(),
            timers: timers.collect::<Result<_, _>>().ok()?,
            bytes: 0,
            state: String::new(),
            counters: Vec::new(),
            queues: Vec::new(),
        })
    }

    fn bytes(&mut self) -> Option<u64> {
        self.word()?.trim_start_matches('+').parse().ok()
    }

    fn end(&mut self, log: &mut TcpLog) -> Option<()> {
        log.state = self.word()?.to_owned();
        log.counters = self.word()?.split('/').map(str::to_owned).collect();
        log.queues = self
            .word()?
            .split('/')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        Some(())
    }
}

impl TcpLog {
    /// Reads a line, with or without its syslog prefix.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = Words(split(line).map_or(line, |(_, message)| message));
        let mut log = words.start()?;
        log.bytes = words.bytes()?;
        words.end(&mut log)?;
        Some(log)
    }
}

impl HttpLog {
    /// Reads a line, with or without its syslog prefix.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = Words(split(line).map_or(line, |(_, message)| message));
        let mut base = words.start()?;
        let status = words.word()?.parse().ok()?;
        base.bytes = words.bytes()?;
        let (request_cookie, response_cookie) =
            (words.word()?.to_owned(), words.word()?.to_owned());
        words.end(&mut base)?;
        let (before, request) = words.0.split_once('"')?;
        let request = request.strip_suffix('"').unwrap_or(request).to_owned();
        let captures = before
            .split('{')
            .skip(1)
            .filter_map(|group| Some(group.split_once('}')?.0.to_owned()));
        let captures = captures.collect();
        Some(Self {
            base,
            status,
            request_cookie,
            response_cookie,
            captures,
            request,
        })
    }

    /// Termination state and status, as `"SH-- 502"`.
    pub fn outcome(&self) -> String {
        format!("{} {}", self.base.state, self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_http_line() {
        let line = "<134>Feb  6 12:14:14 lb haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in \
                    static/srv1 10/0/30/69/+109 200 2750 - - ---- 1/1/1/1/+0 0/0 {1wt.eu|x} {} \"GET /index.html HTTP/1.1\"";
        let log = HttpLog::parse(line).expect("a line");
        assert_eq!(log.base.timers, [10, 0, 30, 69, 109]);
        assert_eq!(
            (log.base.server.as_str(), log.base.bytes, log.status),
            ("srv1", 2750, 200)
        );
        assert_eq!(log.captures, ["1wt.eu|x", ""]);
        assert_eq!(log.request, "GET /index.html HTTP/1.1");
        assert_eq!(Prefix::parse(line).expect("a prefix").priority, 134);
    }

    #[test]
    fn reads_a_tcp_line() {
        let line = "10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/<NOSRV> -1/-1/5007 212 SC 0/0/0/0/3 0/0";
        let log = TcpLog::parse(line).expect("a line");
        assert_eq!(
            (log.state.as_str(), log.timers.as_slice()),
            ("SC", [-1, -1, 5007].as_slice())
        );
        assert_eq!(log.counters, ["0", "0", "0", "0", "3"]);
    }
}
