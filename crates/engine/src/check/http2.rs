//! HTTP checks over HTTP/2.

use super::probe::Response;
use crate::io::Buffer;
use message::Head;
use wire::h2::{Config, Connection, Event};

/// A connection of a check that speaks HTTP/2, with one exchange at a time.
#[derive(Debug)]
pub(super) struct Http2 {
    core: Connection<()>,
    /// The stream of the present exchange.
    stream: Option<u32>,
    /// What of the request's body is left to send.
    body: Vec<u8>,
}

/// The connection or the exchange has come to a bad end.
#[derive(Debug)]
pub(super) struct Failed;

impl Http2 {
    /// A connection at its beginning.
    pub fn new(config: Config) -> Self {
        Self {
            core: Connection::new(config),
            stream: None,
            body: Vec::new(),
        }
    }

    /// Begins an exchange; what is left of the one before is given up.
    pub fn request(&mut self, head: &Head, body: Vec<u8>) -> Result<(), Failed> {
        if let Some(stream) = self.stream.take() {
            self.core.close(stream);
        }
        let stream = self.core.open(()).ok_or(Failed)?;
        self.core.send_request(stream, head, false);
        self.stream = Some(stream);
        self.body = body;
        self.send_body();
        Ok(())
    }

    /// Sends of the body what the peer takes.
    fn send_body(&mut self) {
        let Some(stream) = self.stream.filter(|stream| self.core.can_send(*stream)) else {
            return;
        };
        let taken = self.core.send_data(stream, &self.body);
        self.body.drain(..taken.min(self.body.len()));
        if self.body.is_empty() {
            self.core.finish(stream, None);
        }
    }

    /// Takes what is to be sent.
    pub fn take_pending(&mut self) -> Vec<u8> {
        let pending = self.core.pending().to_vec();
        self.core.sent(pending.len());
        pending
    }

    /// Takes in what has come, and puts together the response of the present exchange.
    pub fn take_in(
        &mut self,
        input: &mut Buffer,
        response: &mut Option<Response>,
    ) -> Result<(), Failed> {
        loop {
            let step = self.core.read(input.bytes()).map_err(|_| Failed)?;
            let consumed = step.consumed;
            let own = |stream: u32| self.stream == Some(stream);
            let mut received = None;
            match step.event {
                None if consumed == 0 => return Ok(()),
                // Interim responses are not the answer.
                Some(Event::Head {
                    stream, head, end, ..
                }) if own(stream) && head.status() >= 200 => {
                    *response = Some(Response {
                        head,
                        body: Vec::new(),
                        complete: end,
                    });
                }
                Some(Event::Data { stream, data }) => {
                    received = Some((stream, data.len()));
                    if let Some(response) = response.as_mut().filter(|_| own(stream)) {
                        response.body.extend_from_slice(data);
                    }
                }
                Some(Event::End { stream, .. }) if own(stream) => {
                    if let Some(response) = response {
                        response.complete = true;
                    }
                }
                Some(Event::Reset { stream, .. }) if own(stream) => match response {
                    Some(response) => response.complete = true,
                    None => return Err(Failed),
                },
                Some(Event::GoAway { last }) if self.stream.is_some_and(|own| own > last) => {
                    return Err(Failed);
                }
                _ => {}
            }
            if let Some((stream, n)) = received {
                self.core.release(stream, n);
            }
            input.consume(consumed);
            self.send_body();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use message::Version;
    use wire::h1::Framing;
    use wire::h2::Role;

    /// A check's end and a server's, without a wire between them.
    struct Pair {
        check: Http2,
        server: Connection<()>,
        response: Option<Response>,
    }

    impl Pair {
        fn new() -> Self {
            Self {
                check: Http2::new(Config::new(Role::Client)),
                server: Connection::new(Config::new(Role::Server)),
                response: None,
            }
        }

        /// Lets the server have what was sent; method, target and body of the request.
        fn serve(&mut self) -> (String, usize) {
            let bytes = self.check.take_pending();
            let (mut at, mut heads, mut body) = (0, String::new(), 0);
            loop {
                let step = self.server.read(&bytes[at..]).expect("no fault");
                at += step.consumed;
                match step.event {
                    None if step.consumed == 0 => return (heads, body),
                    Some(Event::Head { head, stream, .. }) => {
                        let method = String::from_utf8_lossy(head.method_text()).into_owned();
                        let target = String::from_utf8_lossy(head.target()).into_owned();
                        heads.push_str(&format!("{stream} {method} {target}"));
                    }
                    Some(Event::Data { data, .. }) => body += data.len(),
                    _ => {}
                }
            }
        }

        fn hear(&mut self) -> Result<(), Failed> {
            let mut input = Buffer::default();
            input.append(self.server.pending());
            let n = self.server.pending().len();
            self.server.sent(n);
            self.check.take_in(&mut input, &mut self.response)
        }

        fn answer(&mut self, stream: u32, status: u16, body: &[u8]) {
            let mut head = Head::new();
            head.start_response(Version::HTTP_11, status, b"");
            let framing = Framing::Length(body.len() as u64);
            self.server.send_response(stream, &head, framing);
            self.server.send_data(stream, body);
            self.server.finish(stream, None);
        }
    }

    fn request(target: &str) -> Head {
        let mut head = Head::new();
        head.start_request(b"OPTIONS", target.as_bytes(), Version::HTTP_11);
        head.push(b"host", b"a");
        head
    }

    #[test]
    fn one_exchange_after_the_other() {
        let mut pair = Pair::new();
        for (number, target) in [(1, "/a"), (3, "/b")] {
            pair.check
                .request(&request(target), b"body".to_vec())
                .expect("a stream");
            let (heads, body) = pair.serve();
            assert!(heads.starts_with(&format!("{number} OPTIONS ")), "{heads}");
            assert!(heads.ends_with(target), "{heads}");
            assert_eq!(body, 4);
            pair.answer(number, 200 + number as u16, b"hello");
            pair.hear().expect("an answer");
            let response = pair.response.take().expect("a response");
            assert_eq!(response.head.status(), 200 + number as u16);
            assert_eq!(
                (&response.body[..], response.complete),
                (&b"hello"[..], true)
            );
        }
    }

    #[test]
    fn a_stream_that_is_reset_and_bytes_of_another_protocol_are_failures() {
        let mut pair = Pair::new();
        pair.check
            .request(&request("/"), Vec::new())
            .expect("a stream");
        pair.serve();
        pair.server.reset(1, wire::h2::Code::CANCEL);
        assert!(pair.hear().is_err());
        let mut pair = Pair::new();
        let mut input = Buffer::default();
        input.append(b"HTTP/1.1 400 Bad request\r\n\r\n");
        assert!(pair.check.take_in(&mut input, &mut None).is_err());
    }
}
