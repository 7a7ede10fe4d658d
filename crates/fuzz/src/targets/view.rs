//! What expressions are evaluated against: a request with a body, made of an input's own bytes.

use base::Endpoint;
use expr::View;
use expr::view::{Connection, Content, Date, NoView, ProcessView, Side};
use message::{Head, Version};

/// A request, and its answer when the body tells to have one.
pub struct FuzzView<'b> {
    request: Head,
    response: Option<Head>,
    client: Endpoint,
    body: &'b [u8],
    /// Whether everything is there.
    pub complete: bool,
}

impl<'b> FuzzView<'b> {
    /// A view whose target, header values and body are `body`, as far as their forms allow.
    pub fn new(body: &'b [u8]) -> Self {
        let mut request = Head::new();
        let line: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| byte.is_ascii_graphic())
            .take(300)
            .collect();
        let target = [b"/p/".as_slice(), &line].concat();
        request.start_request(b"POST", &target, Version::HTTP_11);
        request.push(b"host", b"www.example.test:8080");
        request.push(b"cookie", &line);
        request.push(b"x-list", &[b"a, b;q=0.5, ", line.as_slice()].concat());
        request.push(b"content-type", b"application/x-www-form-urlencoded");
        request.push(b"authorization", b"Basic dXNlcjpwYXNz");
        request.push(b"accept-language", b"de;q=0.7, en");
        let response = (body.len() % 2 == 1).then(|| {
            let mut response = Head::new();
            response.start_response(Version::HTTP_11, 200, b"OK");
            response.push(b"set-cookie", &line);
            response.push(b"x-list", b"1,2");
            response
        });
        Self {
            request,
            response,
            client: Endpoint::Inet(([127, 0, 0, 1], 40000).into()),
            body,
            complete: true,
        }
    }
}

impl View for FuzzView<'_> {
    fn now(&self) -> Date {
        Date {
            seconds: 1_795_233_481,
            micros: 724_000,
        }
    }

    fn process(&self) -> &dyn ProcessView {
        &NoView
    }

    fn client(&self) -> Option<Connection<'_>> {
        Some(Connection {
            src: Some(&self.client),
            dst: Some(&self.client),
            http_major: 1,
            ..Connection::default()
        })
    }

    fn request(&self) -> Option<&Head> {
        Some(&self.request)
    }

    fn response(&self) -> Option<&Head> {
        self.response.as_ref()
    }

    fn body(&self, side: Side) -> Option<Content<'_>> {
        self.payload(side)
    }

    fn payload(&self, _: Side) -> Option<Content<'_>> {
        Some(Content {
            bytes: self.body,
            complete: self.complete,
            announced: Some(self.body.len() as u64),
        })
    }

    fn is_final(&self) -> bool {
        self.complete
    }
}
