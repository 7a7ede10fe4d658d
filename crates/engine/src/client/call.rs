//! One request and its response.

use super::report::Report;
use super::{Failure, Request};
use crate::backend::{Broken, Line, Secure, connect_deadline, socket_for};
use crate::clock;
use crate::resolvers;
use crate::runtime::Runtime;
use message::{Head, Method};
use model::client::HttpClient;
use model::{Address, IpFamily};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use wire::h1::{self, ChunkDecoder, ChunkEvent, Framing, Parsed};

/// How long is waited before a connection is tried again, in milliseconds; no longer than a connection may take.
const PAUSE: u64 = 1000;

/// A request with what has become of it.
pub struct Call {
    name: &'static str,
    request: Request,
    line: Line,
    head: Head,
    trailers: Head,
    framing: Framing,
    chunks: ChunkDecoder,
    /// What the log will tell.
    pub report: Report,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("request", &self.request)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A call to be made; logs name whom it is for.
    #[must_use]
    pub fn new(name: &'static str, request: Request) -> Self {
        Self {
            name,
            request,
            line: Line::default(),
            head: Head::new(),
            trailers: Head::new(),
            framing: Framing::None,
            chunks: ChunkDecoder::new(),
            report: Report::default(),
        }
    }

    /// Sends the request and waits for the response's head.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn run(&mut self, runtime: &Arc<Runtime>) -> Result<(), Failure> {
        let outcome = self.try_all(runtime).await;
        self.report.failure = outcome.err();
        outcome
    }

    /// The response's head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next piece of the response's body; `None` at its end.
    ///
    /// # Errors
    /// When the rest does not come.
    pub async fn piece(&mut self, runtime: &Runtime) -> Result<Option<Vec<u8>>, Failure> {
        let piece = self.next_piece(runtime).await;
        match &piece {
            Ok(Some(bytes)) => self.report.bytes += bytes.len(),
            Ok(None) => {}
            Err(failure) => self.report.failure = Some(*failure),
        }
        piece
    }

    /// All of the response's body, of which no more than `most` bytes are taken.
    ///
    /// # Errors
    /// When it does not all come, or is longer.
    pub async fn body(&mut self, runtime: &Runtime, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(runtime).await? {
            if body.len() + piece.len() > most {
                return Err(Failure::Malformed);
            }
            body.extend(piece);
        }
        Ok(body)
    }

    /// Writes a line about the call to the process' logs.
    pub fn log(&self, runtime: &Arc<Runtime>) {
        let (method, url) = (self.request.method, &self.request.url.text);
        self.report.log(runtime, self.name, method, url);
    }

    async fn try_all(&mut self, runtime: &Arc<Runtime>) -> Result<(), Failure> {
        let client = &runtime.snapshot.global.http_client;
        let found = match &self.request.proxy {
            Some(proxy) => Some(proxy.clone()),
            None => {
                let url = &self.request.url;
                let ip = resolve(runtime, client, &url.host).await;
                ip.map(|ip| Address::Inet(SocketAddr::new(ip, url.port)))
            }
        };
        self.report.resolved = Some(self.report.elapsed());
        let address = found.ok_or(Failure::Unresolved)?;
        loop {
            let failure = match self.attempt(runtime, client, &address).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let again = match failure {
                Failure::Unreachable => true,
                // Nobody knows what became of a request that was sent.
                Failure::Silent | Failure::Slow => self.request.method != "POST",
                _ => false,
            };
            if !again || self.report.retries >= client.retries {
                return Err(failure);
            }
            self.report.retries += 1;
            if failure == Failure::Unreachable {
                let pause = connect_timeout(client).map_or(PAUSE, |timeout| timeout.min(PAUSE));
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }

    async fn attempt(
        &mut self,
        runtime: &Runtime,
        client: &HttpClient,
        address: &Address,
    ) -> Result<(), Failure> {
        self.line.close(false);
        self.connect(runtime, client, address)
            .await
            .ok_or(Failure::Unreachable)?;
        let before = self.report.resolved.unwrap_or(0);
        self.report.connected = Some(self.report.elapsed().saturating_sub(before));
        let sent_at = clock::now_ms();
        let bytes = self.written();
        let sent = self.line.send(&bytes, self.until()).await;
        sent.map_err(|broken| lost(&broken))?;
        self.receive_head(runtime).await?;
        self.report.answered = Some(clock::now_ms().saturating_sub(sent_at));
        self.report.status = Some(self.head.status());
        self.report.bytes += measure(&self.head);
        Ok(())
    }

    async fn connect(
        &mut self,
        runtime: &Runtime,
        client: &HttpClient,
        address: &Address,
    ) -> Option<()> {
        let until = connect_deadline(connect_timeout(client));
        let fd = socket_for(address, false).ok()?;
        // Small requests should not wait for each other; the connection works without.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&fd, true);
        self.line.dial(fd, address, until).await.ok()?;
        let url = &self.request.url;
        if !url.secure || self.request.proxy.is_some() {
            return Some(());
        }
        let host = url.host.as_bytes();
        let mut connection = client.connector()?.connect(Some(host), None).ok()?;
        runtime.process.tls.count_server(&mut connection);
        let secure = Secure {
            before: Vec::new(),
            connection,
        };
        self.line.encrypt(secure, until).await.ok()?;
        (!client.verifies() || self.is_meant()).then_some(())
    }

    /// Whether the server's certificate is for the host that was asked for, be that a name or an address.
    fn is_meant(&self) -> bool {
        let shown = self
            .line
            .seen()
            .and_then(|seen| seen.peer_certificates().next());
        let parsed = shown.and_then(|der| tls::certificate::Certificate::parse(der).ok());
        let host = self.request.url.host.as_bytes();
        parsed.is_some_and(|certificate| tls::verify::is_for_host(&certificate, host))
    }

    fn until(&self) -> Option<u64> {
        self.request.timeout.map(|ms| clock::now_ms() + ms)
    }

    /// The request as it is sent.
    fn written(&self) -> Vec<u8> {
        let request = &self.request;
        let target = match request.proxy {
            Some(_) => &request.url.text,
            None => &request.url.path,
        };
        let mut head = format!(
            "{} {target} HTTP/1.1\r\nhost: {}\r\naccept: */*\r\nuser-agent: HAProxy\r\n",
            request.method, request.url.authority
        );
        for (name, value) in &request.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !request.body.is_empty() || request.method == "POST" || request.method == "PUT" {
            head.push_str(&format!("content-length: {}\r\n", request.body.len()));
        }
        head.push_str("connection: close\r\n\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(&request.body);
        bytes
    }

    /// Reads heads until one comes that is not interim.
    async fn receive_head(&mut self, runtime: &Runtime) -> Result<(), Failure> {
        let method = Method::of(self.request.method.as_bytes());
        let options = h1::Options::default();
        loop {
            self.head.clear();
            let bytes = self.line.input.bytes();
            let parsed =
                h1::parse_response(bytes, method, &runtime.limits, &options, &mut self.head);
            match parsed {
                Ok(Parsed::Done {
                    consumed, framing, ..
                }) => {
                    self.line.input.consume(consumed);
                    if (100..200).contains(&self.head.status()) {
                        self.report.bytes += measure(&self.head);
                        continue;
                    }
                    self.framing = framing;
                    self.chunks = ChunkDecoder::new();
                    return Ok(());
                }
                Ok(Parsed::Incomplete) if self.line.ended => {
                    return Err(match self.line.input.is_empty() {
                        true => Failure::Silent,
                        false => Failure::Malformed,
                    });
                }
                Ok(Parsed::Incomplete) => {
                    let received = self.line.receive(self.until()).await;
                    received.map_err(|broken| lost(&broken))?;
                }
                Err(_) => return Err(Failure::Malformed),
            }
        }
    }

    async fn next_piece(&mut self, runtime: &Runtime) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            match self.take(runtime)? {
                Taken::Piece(piece) => return Ok(Some(piece)),
                Taken::End => return Ok(None),
                Taken::More if self.line.ended => return Err(Failure::Truncated),
                Taken::More => {
                    let received = self.line.receive(self.until()).await;
                    received.map_err(|_| Failure::Truncated)?;
                }
            }
        }
    }

    /// Takes what has come of the body.
    fn take(&mut self, runtime: &Runtime) -> Result<Taken, Failure> {
        let input = &mut self.line.input;
        match &mut self.framing {
            Framing::None | Framing::Tunnel | Framing::Length(0) => Ok(Taken::End),
            Framing::UntilClose if input.is_empty() => match self.line.ended {
                true => Ok(Taken::End),
                false => Ok(Taken::More),
            },
            Framing::Length(_) if input.is_empty() => Ok(Taken::More),
            Framing::UntilClose => {
                let piece = input.bytes().to_vec();
                input.consume(piece.len());
                Ok(Taken::Piece(piece))
            }
            Framing::Length(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                let bytes = input.bytes();
                let piece = bytes.get(..most).unwrap_or(bytes).to_vec();
                *left -= piece.len() as u64;
                input.consume(piece.len());
                Ok(Taken::Piece(piece))
            }
            Framing::Chunked if self.chunks.is_over() => Ok(Taken::End),
            Framing::Chunked => self.take_chunk(runtime),
        }
    }

    fn take_chunk(&mut self, runtime: &Runtime) -> Result<Taken, Failure> {
        let options = h1::Options::default();
        let input = &mut self.line.input;
        let event = self
            .chunks
            .feed(input.bytes(), &runtime.limits, &options, &mut self.trailers);
        match event {
            Ok(ChunkEvent::Data { offset, len }) => {
                let piece = input.bytes().get(offset..offset + len);
                let piece = piece.unwrap_or_default().to_vec();
                input.consume(offset + len);
                Ok(Taken::Piece(piece))
            }
            Ok(ChunkEvent::NeedMore { consumed }) => {
                input.consume(consumed);
                Ok(Taken::More)
            }
            Ok(ChunkEvent::End { consumed }) => {
                input.consume(consumed);
                if !self.trailers.is_empty() {
                    self.report.bytes += fields(&self.trailers) + 1;
                }
                Ok(Taken::End)
            }
            Err(_) => Err(Failure::Truncated),
        }
    }
}

/// What could be taken of a body.
enum Taken {
    /// Some of it.
    Piece(Vec<u8>),
    /// Nothing yet.
    More,
    /// Nothing: it is over.
    End,
}

fn lost(broken: &Broken) -> Failure {
    match broken {
        Broken::Timeout => Failure::Slow,
        Broken::Error(_) => Failure::Silent,
    }
}

fn connect_timeout(client: &HttpClient) -> Option<u64> {
    Some(client.connect_timeout).filter(|timeout| *timeout > 0)
}

/// What HAProxy counts of a head: the words of its first line and of its fields, a byte for its end, and 20 for the record it
/// keeps them in.
fn measure(head: &Head) -> usize {
    const RECORD: usize = 20;
    RECORD + "HTTP/1.1".len() + "200".len() + head.reason().len() + fields(head) + 1
}

fn fields(head: &Head) -> usize {
    head.iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// An address of a host.
async fn resolve(runtime: &Runtime, client: &HttpClient, host: &str) -> Option<IpAddr> {
    if let Ok(ip) = host.parse() {
        return Some(ip);
    }
    if let Some(section) = client.section() {
        return resolvers::resolve(runtime, section, host, client.prefer).await;
    }
    let host = host.to_owned();
    let looking = tokio::task::spawn_blocking(move || (host, 0).to_socket_addrs());
    let found: Vec<IpAddr> = looking.await.ok()?.ok()?.map(|found| found.ip()).collect();
    let preferred = |ip: &&IpAddr| IpFamily::of(**ip) == client.prefer;
    found.iter().find(preferred).or(found.first()).copied()
}
