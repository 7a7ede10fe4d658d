//! What a connection sends.

use super::{Connection, GATHERED, LastFrame, Role};
use crate::h1::Framing;
use crate::h2::frame::{
    Code, FrameHeader, HEADER, flag, kind, patch_flags, patch_len, write_number,
};
use crate::h2::write::{write_request, write_response, write_trailers};
use message::{Head, Method};

impl<T: Default> Connection<T> {
    /// Whether a new stream may be opened now.
    #[must_use]
    pub fn can_open(&self) -> bool {
        let most = self.peer.max_streams.min(self.config.max_streams);
        !self.is_leaving() && self.next_own < 0x7fff_ffff && self.streams.len() < most as usize
    }

    /// Opens a stream towards a server.
    pub fn open(&mut self, link: T) -> Option<u32> {
        if !self.can_open() || self.config.role == Role::Server {
            return None;
        }
        let id = self.next_own;
        self.next_own += 2;
        self.opened += 1;
        let mut stream = self.new_stream();
        stream.link = link;
        self.streams.insert(id, stream);
        self.counts.begun += 1;
        Some(id)
    }
}

impl<T> Connection<T> {
    /// Whether one of the ends wants no new streams, or the connection has failed.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving || self.peer_leaves || self.failed
    }

    /// Puts bytes in front of everything: another protocol's, before a connection has begun.
    pub fn send_first(&mut self, bytes: &[u8]) {
        self.out.splice(0..0, bytes.iter().copied());
    }

    /// Sends a request's head. With `upgrade` its protocol is asked for by an extended CONNECT.
    pub fn send_request(&mut self, id: u32, head: &Head, upgrade: bool) {
        let bodyless = head.method() == Method::Head;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.bodyless = bodyless;
        }
        self.write_section(id, |out| write_request(head, upgrade, out));
    }

    /// Sends a response's head.
    pub fn send_response(&mut self, id: u32, head: &Head, framing: Framing) {
        self.write_section(id, |out| write_response(head, framing, out));
    }

    /// Whether a stream may send now: something of a body, or its end.
    #[must_use]
    pub fn can_send(&self, id: u32) -> bool {
        self.streams
            .get(&id)
            .is_some_and(|stream| !stream.reset && !stream.sent_end)
    }

    /// Sends a part of a body as far as the windows and the output allow; says how much was taken.
    pub fn send_data(&mut self, id: u32, data: &[u8]) -> usize {
        let room = GATHERED.saturating_sub(self.pending().len());
        let Some(stream) = self
            .streams
            .get_mut(&id)
            .filter(|s| !s.reset && !s.sent_end)
        else {
            return 0;
        };
        let window = stream.send_window.min(self.send_window).max(0) as usize;
        let taken = data.len().min(window).min(room);
        stream.send_window -= taken as i64;
        self.send_window -= taken as i64;
        let mut rest = data.get(..taken).unwrap_or_default();
        while !rest.is_empty() {
            let (at, before) = self.data_frame(id);
            let n = rest.len().min(self.peer.max_frame - before);
            let (part, after) = rest.split_at(n);
            self.out.extend_from_slice(part);
            patch_len(&mut self.out, at, before + n);
            self.last_frame = Some(LastFrame {
                stream: id,
                at,
                data: Some(before + n),
            });
            rest = after;
        }
        taken
    }

    /// A DATA frame at the end of the output that has room: where it begins and what is in it.
    fn data_frame(&mut self, id: u32) -> (usize, usize) {
        if let Some(LastFrame {
            stream,
            at,
            data: Some(len),
        }) = self.last_frame
            && stream == id
            && at + HEADER + len == self.out.len()
            && len < self.peer.max_frame
        {
            return (at, len);
        }
        let at = self.out.len();
        FrameHeader {
            len: 0,
            kind: kind::DATA,
            flags: 0,
            stream: id,
        }
        .write(&mut self.out);
        (at, 0)
    }

    /// Ends this half of a stream. The flag goes onto its last frame where that is still here.
    pub fn finish(&mut self, id: u32, trailers: Option<&Head>) {
        let Some(stream) = self
            .streams
            .get_mut(&id)
            .filter(|s| !s.reset && !s.sent_end)
        else {
            return;
        };
        stream.sent_end = true;
        if let Some(trailers) = trailers.filter(|trailers| !trailers.is_empty()) {
            self.write_section(id, |out| write_trailers(trailers, out));
        }
        match self.last_frame {
            Some(last) if last.stream == id => {
                patch_flags(&mut self.out, last.at, flag::END_STREAM)
            }
            _ => FrameHeader {
                len: 0,
                kind: kind::DATA,
                flags: flag::END_STREAM,
                stream: id,
            }
            .write(&mut self.out),
        }
    }

    /// Resets a stream.
    pub fn reset(&mut self, id: u32, code: Code) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return;
        };
        stream.reset = true;
        if !self.failed {
            write_number(kind::RST_STREAM, id, code.0, &mut self.out);
        }
    }

    /// Gives a stream up. One that is not over is reset: a server that has answered needs no more of the request
    /// (RFC 9113, section 8.1).
    pub fn close(&mut self, id: u32) {
        let code = match self.streams.get(&id) {
            None => return,
            Some(stream) if stream.is_over() => None,
            Some(stream) if stream.sent_end && self.config.role == Role::Server => Some(Code::NONE),
            Some(_) => Some(Code::CANCEL),
        };
        if let Some(code) = code {
            self.reset(id, code);
        }
        if let Some(stream) = self.streams.remove(&id) {
            self.counts.ended += 1;
            self.raised_streams -= u32::from(stream.raised);
        }
    }

    /// Lets the peer send more of a body, `n` bytes having been passed on.
    pub fn release(&mut self, id: u32, n: usize) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.unreturned += n as u32;
        if stream.received_end
            || stream.reset
            || i64::from(stream.unreturned) < stream.receive_window
        {
            return;
        }
        let change = std::mem::take(&mut stream.unreturned);
        stream.receive_window += i64::from(change);
        write_number(kind::WINDOW_UPDATE, id, change, &mut self.out);
    }

    /// Gives a stream whose body is coming its full window, or a share of it while others have theirs.
    pub(super) fn raise(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.raised) else {
            return;
        };
        stream.raised = true;
        self.raised_streams += 1;
        let share = self.config.stream_window / self.raised_streams;
        let more = share.saturating_sub(self.config.initial_window);
        if more > 0 {
            stream.receive_window += i64::from(more);
            write_number(kind::WINDOW_UPDATE, id, more, &mut self.out);
        }
    }

    /// Tells the peer that no new streams are taken; those there are go on.
    pub fn go_away(&mut self) {
        if !self.leaving && !self.failed {
            self.leaving = true;
            self.write_go_away(Code::NONE);
        }
    }

    /// Tells the peer that no new streams will be taken some time from now (RFC 9113, section 6.8): what it has sent by then,
    /// and what it goes on to send, is still taken.
    pub fn announce_leave(&mut self) {
        if !self.leaving && !self.failed {
            self.write_last_stream(u32::MAX, Code::NONE);
        }
    }

    /// Takes no new streams, without a word: the peer has ended its half.
    pub fn go_away_silently(&mut self) {
        self.leaving = true;
    }

    /// Tells it once more, before the connection is closed.
    pub fn say_goodbye(&mut self) {
        if !self.failed {
            self.leaving = true;
            self.write_go_away(Code::NONE);
        }
    }

    /// Gives a stream up after an abort: what was answered in full is whole, whatever became of the request.
    pub fn abort(&mut self, id: u32) {
        let answered = self.streams.get(&id).is_some_and(|stream| stream.sent_end);
        let whole = answered && self.config.role == Role::Server;
        self.reset(id, if whole { Code::NONE } else { Code::CANCEL });
    }

    pub(super) fn write_go_away(&mut self, code: Code) {
        self.write_last_stream(self.highest_peer, code);
    }

    /// GOAWAY that names the last stream to be taken.
    pub(super) fn write_last_stream(&mut self, last: u32, code: Code) {
        FrameHeader {
            len: 8,
            kind: kind::GOAWAY,
            flags: 0,
            stream: 0,
        }
        .write(&mut self.out);
        let last = last & 0x7fff_ffff;
        self.out.extend_from_slice(&last.to_be_bytes());
        self.out.extend_from_slice(&code.0.to_be_bytes());
    }

    /// Puts a field section into the output, in as many frames as it takes.
    fn write_section(&mut self, id: u32, write: impl FnOnce(&mut Vec<u8>)) {
        if self.streams.get(&id).is_none_or(|stream| stream.reset) {
            return;
        }
        let at = self.out.len();
        let header = FrameHeader {
            len: 0,
            kind: kind::HEADERS,
            flags: 0,
            stream: id,
        };
        header.write(&mut self.out);
        write(&mut self.out);
        let len = self.out.len() - at - HEADER;
        self.last_frame = Some(LastFrame {
            stream: id,
            at,
            data: None,
        });
        if len <= self.peer.max_frame {
            patch_len(&mut self.out, at, len);
            return patch_flags(&mut self.out, at, flag::END_HEADERS);
        }
        let tail = self.out.split_off(at + HEADER + self.peer.max_frame);
        patch_len(&mut self.out, at, self.peer.max_frame);
        let mut parts = tail.chunks(self.peer.max_frame).peekable();
        while let Some(part) = parts.next() {
            let flags = if parts.peek().is_some() {
                0
            } else {
                flag::END_HEADERS
            };
            FrameHeader {
                len: part.len(),
                kind: kind::CONTINUATION,
                flags,
                stream: id,
            }
            .write(&mut self.out);
            self.out.extend_from_slice(part);
        }
    }
}
