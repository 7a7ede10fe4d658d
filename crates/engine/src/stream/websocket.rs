//! WebSocket between HTTP/2 and HTTP/1: the key that only HTTP/1 has (RFC 6455, section 4; RFC 8441, section 5.1).

use super::Stream;
use crate::runtime::random;
use message::FieldId;
use wire::websocket;

impl Stream<'_> {
    /// Gives a request that came without a key one, where the server is spoken to in HTTP/1.
    pub(super) fn add_websocket_key(&mut self) {
        let multiplexed = |server: &super::ServerConn| server.conn.is_multiplexed();
        let state = &mut *self.state;
        if !state.request_flags.websocket
            || !self.client.conn.is_multiplexed()
            || state.server_conn.as_ref().is_none_or(multiplexed)
        {
            return;
        }
        let (high, low) = (random().to_be_bytes(), random().to_be_bytes());
        let mut bytes = [0; 16];
        for (place, byte) in bytes.iter_mut().zip(high.into_iter().chain(low)) {
            *place = byte;
        }
        let key = websocket::key(bytes);
        state
            .request
            .set_known(FieldId::SecWebSocketKey, key.as_bytes());
        state.websocket_accept = Some(websocket::accept(key.as_bytes()));
    }

    /// Whether the server has understood the key that was made for it.
    pub(super) fn is_websocket_accepted(&self) -> bool {
        let state = &*self.state;
        match &state.websocket_accept {
            Some(accept) if state.response.status() == 101 => {
                state.response.known(FieldId::SecWebSocketAccept) == Some(accept.as_bytes())
            }
            _ => true,
        }
    }
}
