//! Frames that steer a connection or a stream.

use super::{Connection, Event, GATHERED};
use crate::h2::frame::{Code, FrameHeader, MAX_PAYLOAD, flag, kind, number, setting};
use crate::h2::stream::MAX_WINDOW;

impl<T> Connection<T> {
    pub(super) fn rst_stream<'i>(
        &mut self,
        id: u32,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        let code = number(payload)
            .filter(|_| payload.len() == 4)
            .ok_or(Code::FRAME_SIZE)?;
        if self.is_idle(id) {
            return Err(Code::PROTOCOL);
        }
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return Ok(None);
        };
        stream.reset = true;
        Ok(Some(Event::Reset {
            stream: id,
            code: Code(code),
            by_peer: true,
            malformed: false,
        }))
    }

    pub(super) fn settings<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        if header.has(flag::ACK) {
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(Code::FRAME_SIZE)
            };
        }
        if !payload.len().is_multiple_of(6) {
            return Err(Code::FRAME_SIZE);
        }
        for setting in payload.chunks_exact(6) {
            if let [a, b, value @ ..] = setting {
                let value = number(value).unwrap_or(0);
                self.setting(u16::from_be_bytes([*a, *b]), value)?;
            }
        }
        self.peer.known = true;
        FrameHeader {
            len: 0,
            kind: kind::SETTINGS,
            flags: flag::ACK,
            stream: 0,
        }
        .write(&mut self.out);
        if self.config.turns {
            self.turn();
        }
        Ok(Some(Event::Settings))
    }

    pub(super) fn setting(&mut self, id: u16, value: u32) -> Result<(), Code> {
        match id {
            setting::ENABLE_PUSH if value > 1 => return Err(Code::PROTOCOL),
            setting::MAX_CONCURRENT_STREAMS => self.peer.max_streams = value,
            setting::INITIAL_WINDOW_SIZE => {
                if i64::from(value) > MAX_WINDOW {
                    return Err(Code::FLOW_CONTROL);
                }
                let change = i64::from(value) - self.peer.initial_window;
                self.peer.initial_window = i64::from(value);
                for stream in self.streams.values_mut() {
                    stream.send_window += change;
                    if stream.send_window > MAX_WINDOW {
                        return Err(Code::FLOW_CONTROL);
                    }
                }
            }
            setting::MAX_FRAME_SIZE => {
                let size = value as usize;
                if !(MAX_PAYLOAD..=0xff_ffff).contains(&size) {
                    return Err(Code::PROTOCOL);
                }
                self.peer.max_frame = size.min(GATHERED);
            }
            setting::ENABLE_CONNECT_PROTOCOL => self.peer.connect_protocol = value == 1,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn ping(&mut self, header: FrameHeader, payload: &[u8]) -> Result<(), Code> {
        if payload.len() != 8 {
            return Err(Code::FRAME_SIZE);
        }
        if !header.has(flag::ACK) {
            FrameHeader {
                flags: flag::ACK,
                ..header
            }
            .write(&mut self.out);
            self.out.extend_from_slice(payload);
        }
        Ok(())
    }

    pub(super) fn window_update<'i>(
        &mut self,
        id: u32,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        let change = number(payload)
            .filter(|_| payload.len() == 4)
            .ok_or(Code::FRAME_SIZE)?;
        let change = i64::from(change & 0x7fff_ffff);
        if id == 0 {
            self.send_window += change;
            if change == 0 {
                return Err(self.quiet(Code::PROTOCOL));
            }
            return match self.send_window > MAX_WINDOW {
                true => Err(self.quiet(Code::FLOW_CONTROL)),
                false => Ok(Some(Event::Writable(None))),
            };
        }
        if self.is_idle(id) {
            return Err(Code::PROTOCOL);
        }
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return Ok(None);
        };
        stream.send_window += change;
        if change == 0 {
            return Ok(Some(self.reset_for(id, Code::PROTOCOL)));
        }
        if stream.send_window > MAX_WINDOW {
            return Ok(Some(self.reset_for(id, Code::FLOW_CONTROL)));
        }
        Ok(Some(Event::Writable(Some(id))))
    }
}
