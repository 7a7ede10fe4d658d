//! Writing messages.

use super::frame::{
    ACK, CONTROL, DEFINE, ERROR, NEXT_TIMED_UPDATE, NEXT_UPDATE, TABLES, TIMED_UPDATE, UPDATE,
};
use super::integer::put_integer;
use super::{Definition, Frame, KeyForm, Trouble};

/// Writes a message without a body; others are left to their own functions.
pub fn write_control(out: &mut Vec<u8>, frame: &Frame<'_>) {
    let bytes = match frame {
        Frame::ResyncRequest => [CONTROL, 0],
        Frame::ResyncFinished => [CONTROL, 1],
        Frame::ResyncPartial => [CONTROL, 2],
        Frame::ResyncConfirm => [CONTROL, 3],
        Frame::Heartbeat => [CONTROL, 4],
        Frame::Error(Trouble::Protocol) => [ERROR, 0],
        Frame::Error(Trouble::Size) => [ERROR, 1],
        _ => return,
    };
    out.extend_from_slice(&bytes);
}

/// Writes that updates of a table have arrived.
pub fn write_ack(out: &mut Vec<u8>, table: u64, update: u32) {
    let mut body = Vec::with_capacity(16);
    put_integer(&mut body, table);
    body.extend_from_slice(&update.to_be_bytes());
    message(out, ACK, &body);
}

fn message(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.extend_from_slice(&[TABLES, kind]);
    put_integer(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// Writes definitions and updates; keeps the memory that it needs for that.
#[derive(Debug, Default)]
pub struct Writer {
    body: Vec<u8>,
    kind: u8,
}

impl Writer {
    /// Writes a definition.
    pub fn define(&mut self, out: &mut Vec<u8>, definition: &Definition<'_>) {
        self.body.clear();
        definition.write(&mut self.body);
        message(out, DEFINE, &self.body);
    }

    /// Begins an update. Without a number it is the one after the last.
    pub fn begin(&mut self, number: Option<u32>, expires_in: Option<u32>) {
        self.body.clear();
        self.kind = match (number.is_some(), expires_in.is_some()) {
            (true, false) => UPDATE,
            (false, false) => NEXT_UPDATE,
            (true, true) => TIMED_UPDATE,
            (false, true) => NEXT_TIMED_UPDATE,
        };
        for field in [number, expires_in].into_iter().flatten() {
            self.body.extend_from_slice(&field.to_be_bytes());
        }
    }

    /// Writes the key: a number's and an address's bytes in network order.
    pub fn key(&mut self, form: KeyForm, key: &[u8]) {
        if form == KeyForm::String {
            put_integer(&mut self.body, key.len() as u64);
        }
        self.body.extend_from_slice(key);
    }

    /// Writes a number.
    pub fn integer(&mut self, value: u64) {
        put_integer(&mut self.body, value);
    }

    /// Writes a frequency counter.
    pub fn rate(&mut self, age: u32, current: u32, previous: u32) {
        for value in [age, current, previous] {
            put_integer(&mut self.body, value.into());
        }
    }

    /// Writes a text with its number in the dictionary; `known` when the other side has it.
    pub fn text(&mut self, text: Option<&str>, number: u64, known: bool) {
        let Some(text) = text else {
            return self.body.push(0);
        };
        // The length of the field comes first.
        let at = self.body.len();
        put_integer(&mut self.body, number);
        if !known {
            put_integer(&mut self.body, text.len() as u64);
            self.body.extend_from_slice(text.as_bytes());
        }
        let mut len = Vec::with_capacity(4);
        put_integer(&mut len, (self.body.len() - at) as u64);
        self.body.splice(at..at, len);
    }

    /// Writes the update.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        message(out, self.kind, &self.body);
    }
}
