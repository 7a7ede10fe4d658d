//! Scripted ends of HTTP/2 connections, frame by frame.

use crate::conn::Conn;
use std::collections::BTreeMap;
use std::io;
use wire::h2::{PREFACE, hpack};
pub use wire::websocket::accept as websocket_accept;

/// Frame types.
pub mod kind {
    #![allow(missing_docs)]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
}

/// END_STREAM, and ACK of settings.
pub const END: u8 = 1;
/// END_HEADERS
pub const END_HEADERS: u8 = 4;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// One of [`kind`].
    pub kind: u8,
    /// Flags.
    pub flags: u8,
    /// The stream, 0 for the connection.
    pub stream: u32,
    /// What is in it.
    pub payload: Vec<u8>,
}

/// What a stream has brought so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The fields of its heads, interim ones included, and of its trailers, in order.
    pub sections: Vec<Vec<(String, String)>>,
    /// Its body.
    pub body: Vec<u8>,
    /// The peer has ended its half.
    pub ended: bool,
    /// The code it was reset with.
    pub reset: Option<u32>,
}

impl Received {
    /// The value of a field of the last head or trailers.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let last = self.sections.last()?;
        last.iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// `:status` of the first head that is not an interim one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let statuses = self
            .sections
            .iter()
            .flatten()
            .filter(|(name, _)| name == ":status");
        statuses
            .filter_map(|(_, status)| status.parse().ok())
            .find(|status| *status >= 200)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One end of an HTTP/2 connection. Settings and pings are answered by themselves; everything else is up to the script.
#[derive(Debug)]
pub struct Peer<'c> {
    conn: &'c mut Conn,
    decoder: hpack::Decoder,
    streams: BTreeMap<u32, Received>,
    /// All frames received, in order.
    pub frames: Vec<Frame>,
}

impl<'c> Peer<'c> {
    /// A client: sends preface and settings.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn client(conn: &'c mut Conn) -> io::Result<Self> {
        conn.send(PREFACE)?;
        Self::begin(conn, &[])
    }

    /// A server: reads the preface and sends `settings`.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn server(conn: &'c mut Conn, settings: &[(u16, u32)]) -> io::Result<Self> {
        if conn.read_exact(PREFACE.len())? != PREFACE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::begin(conn, settings)
    }

    fn begin(conn: &'c mut Conn, settings: &[(u16, u32)]) -> io::Result<Self> {
        let mut peer = Self {
            conn,
            decoder: hpack::Decoder::new(4096),
            streams: BTreeMap::new(),
            frames: Vec::new(),
        };
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        peer.send(kind::SETTINGS, 0, 0, &payload)?;
        Ok(peer)
    }

    /// The connection itself.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.conn.send(frame)
    }

    /// Sends a head or trailers.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn headers(&mut self, stream: u32, fields: &[(&str, &str)], end: bool) -> io::Result<()> {
        let mut section = Vec::new();
        for (name, value) in fields {
            hpack::write_field(name.as_bytes(), value.as_bytes(), &mut section);
        }
        self.send(kind::HEADERS, END_HEADERS | u8::from(end), stream, &section)
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn get(&mut self, stream: u32, path: &str) -> io::Result<()> {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a.example"),
        ];
        self.headers(stream, &fields, true)
    }

    /// Sends a part of a body.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn data(&mut self, stream: u32, data: &[u8], end: bool) -> io::Result<()> {
        self.send(kind::DATA, u8::from(end), stream, data)
    }

    /// Reads the next frame.
    ///
    /// # Errors
    /// Those of the connection, its end included.
    pub fn read_frame(&mut self) -> io::Result<Frame> {
        let header = self.conn.read_exact(9)?;
        let number = |range: std::ops::Range<usize>| {
            header[range]
                .iter()
                .fold(0_u32, |number, &byte| number << 8 | u32::from(byte))
        };
        let payload = match number(0..3) {
            0 => Vec::new(),
            len => self.conn.read_exact(len as usize)?,
        };
        let frame = Frame {
            kind: header[3],
            flags: header[4],
            stream: number(5..9),
            payload,
        };
        self.note(&frame)?;
        self.frames.push(frame.clone());
        Ok(frame)
    }

    fn note(&mut self, frame: &Frame) -> io::Result<()> {
        let stream = self.streams.entry(frame.stream).or_default();
        match frame.kind {
            kind::DATA => stream.body.extend_from_slice(&frame.payload),
            kind::HEADERS => {
                let mut fields = Vec::new();
                let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
                let read = self.decoder.decode(&frame.payload, 65_536, |name, value| {
                    fields.push((text(name), text(value)));
                });
                read.map_err(|error| io::Error::other(format!("{error:?}")))?;
                stream.sections.push(fields);
            }
            kind::RST_STREAM => {
                let code = frame
                    .payload
                    .iter()
                    .fold(0, |code, &byte| code << 8 | u32::from(byte));
                stream.reset = Some(code);
            }
            kind::SETTINGS if frame.flags & END == 0 => {
                return self.send(kind::SETTINGS, END, 0, &[]);
            }
            kind::PING if frame.flags & END == 0 => {
                return self.send(kind::PING, END, 0, &frame.payload);
            }
            _ => {}
        }
        if matches!(frame.kind, kind::DATA | kind::HEADERS) && frame.flags & END != 0 {
            self.streams.entry(frame.stream).or_default().ended = true;
        }
        Ok(())
    }

    /// What a stream has brought so far, if anything.
    #[must_use]
    pub fn seen(&self, stream: u32) -> Option<&Received> {
        self.streams.get(&stream)
    }

    /// Reads until a stream has ended or was reset.
    ///
    /// # Errors
    /// Those of the connection, its end included.
    pub fn finish(&mut self, stream: u32) -> io::Result<Received> {
        self.until(stream, |received| {
            received.ended || received.reset.is_some()
        })
    }

    /// Reads until a stream has what is asked for.
    ///
    /// # Errors
    /// Those of the connection, its end included.
    pub fn until(
        &mut self,
        stream: u32,
        enough: impl Fn(&Received) -> bool,
    ) -> io::Result<Received> {
        loop {
            if let Some(received) = self.streams.get(&stream)
                && enough(received)
            {
                return Ok(received.clone());
            }
            self.read_frame()?;
        }
    }

    /// Reads until a frame of this type has come for a stream.
    ///
    /// # Errors
    /// Those of the connection, its end included.
    pub fn wait_for(&mut self, kind: u8, stream: u32) -> io::Result<Frame> {
        let fits = |frame: &&Frame| frame.kind == kind && frame.stream == stream;
        loop {
            if let Some(frame) = self.frames.iter().find(fits) {
                return Ok(frame.clone());
            }
            self.read_frame()?;
        }
    }
}
