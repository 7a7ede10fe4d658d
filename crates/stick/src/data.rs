//! The data types that entries may store, and where they stand in an entry.

/// A data type of `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DataType {
    /// `server_id`: the server that was assigned.
    ServerId,
    /// `gpt0`: a tag.
    Gpt0,
    /// `gpc0`: a counter.
    Gpc0,
    /// `gpc0_rate`
    Gpc0Rate,
    /// `conn_cnt`: connections so far.
    ConnCnt,
    /// `conn_rate`
    ConnRate,
    /// `conn_cur`: present connections.
    ConnCur,
    /// `sess_cnt`: sessions so far.
    SessCnt,
    /// `sess_rate`
    SessRate,
    /// `http_req_cnt`: requests so far.
    HttpReqCnt,
    /// `http_req_rate`
    HttpReqRate,
    /// `http_err_cnt`: errors that clients caused.
    HttpErrCnt,
    /// `http_err_rate`
    HttpErrRate,
    /// `bytes_in_cnt`: bytes from clients.
    BytesInCnt,
    /// `bytes_in_rate`
    BytesInRate,
    /// `bytes_out_cnt`: bytes to clients.
    BytesOutCnt,
    /// `bytes_out_rate`
    BytesOutRate,
    /// `gpc1`: another counter.
    Gpc1,
    /// `gpc1_rate`
    Gpc1Rate,
    /// `server_key`: the name or address of the server that was assigned.
    ServerKey,
    /// `http_fail_cnt`: failures of servers.
    HttpFailCnt,
    /// `http_fail_rate`
    HttpFailRate,
    /// `gpt(n)`: tags.
    Gpt,
    /// `gpc(n)`: counters.
    Gpc,
    /// `gpc_rate(n,period)`
    GpcRate,
    /// `glitch_cnt`: oddities of clients' protocols.
    GlitchCnt,
    /// `glitch_rate`
    GlitchRate,
}

/// How a data type is kept and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A signed number.
    Signed,
    /// A 32-bit number.
    Word,
    /// A 64-bit number.
    Long,
    /// A frequency counter.
    Rate,
    /// A text, by its place in the table's list of texts.
    Text,
}

impl DataType {
    /// All of them, in the order in which entries are shown.
    pub const ALL: [Self; 27] = [
        Self::ServerId,
        Self::Gpt0,
        Self::Gpc0,
        Self::Gpc0Rate,
        Self::ConnCnt,
        Self::ConnRate,
        Self::ConnCur,
        Self::SessCnt,
        Self::SessRate,
        Self::HttpReqCnt,
        Self::HttpReqRate,
        Self::HttpErrCnt,
        Self::HttpErrRate,
        Self::BytesInCnt,
        Self::BytesInRate,
        Self::BytesOutCnt,
        Self::BytesOutRate,
        Self::Gpc1,
        Self::Gpc1Rate,
        Self::ServerKey,
        Self::HttpFailCnt,
        Self::HttpFailRate,
        Self::Gpt,
        Self::Gpc,
        Self::GpcRate,
        Self::GlitchCnt,
        Self::GlitchRate,
    ];

    /// The name in `store` and in `show table`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServerId => "server_id",
            Self::Gpt0 => "gpt0",
            Self::Gpc0 => "gpc0",
            Self::Gpc0Rate => "gpc0_rate",
            Self::ConnCnt => "conn_cnt",
            Self::ConnRate => "conn_rate",
            Self::ConnCur => "conn_cur",
            Self::SessCnt => "sess_cnt",
            Self::SessRate => "sess_rate",
            Self::HttpReqCnt => "http_req_cnt",
            Self::HttpReqRate => "http_req_rate",
            Self::HttpErrCnt => "http_err_cnt",
            Self::HttpErrRate => "http_err_rate",
            Self::BytesInCnt => "bytes_in_cnt",
            Self::BytesInRate => "bytes_in_rate",
            Self::BytesOutCnt => "bytes_out_cnt",
            Self::BytesOutRate => "bytes_out_rate",
            Self::Gpc1 => "gpc1",
            Self::Gpc1Rate => "gpc1_rate",
            Self::ServerKey => "server_key",
            Self::HttpFailCnt => "http_fail_cnt",
            Self::HttpFailRate => "http_fail_rate",
            Self::Gpt => "gpt",
            Self::Gpc => "gpc",
            Self::GpcRate => "gpc_rate",
            Self::GlitchCnt => "glitch_cnt",
            Self::GlitchRate => "glitch_rate",
        }
    }

    /// The type of this name; `server_name` is what `server_key` was once called.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "server_name" {
            return Some(Self::ServerKey);
        }
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How it is kept.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::ServerId => Class::Signed,
            Self::ServerKey => Class::Text,
            Self::BytesInCnt | Self::BytesOutCnt => Class::Long,
            Self::Gpc0Rate
            | Self::ConnRate
            | Self::SessRate
            | Self::HttpReqRate
            | Self::HttpErrRate
            | Self::BytesInRate
            | Self::BytesOutRate
            | Self::Gpc1Rate
            | Self::HttpFailRate
            | Self::GpcRate
            | Self::GlitchRate => Class::Rate,
            _ => Class::Word,
        }
    }

    /// Whether figures of several processes add up to one, unlike tags and servers.
    #[must_use]
    pub fn adds_up(self) -> bool {
        !matches!(
            self,
            Self::ServerId | Self::ServerKey | Self::Gpt | Self::Gpt0
        )
    }

    /// Whether it is an array, whose length `store` gives.
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self, Self::Gpt | Self::Gpc | Self::GpcRate)
    }

    /// Whether it counts bytes per period, in blocks of `brates-factor` bytes.
    pub(crate) fn is_byte_rate(self) -> bool {
        matches!(self, Self::BytesInRate | Self::BytesOutRate)
    }
}

/// A data type as a table stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The type.
    pub kind: DataType,
    /// How many there are: 1, or the length of an array.
    pub elements: u16,
    /// The period of rates, in milliseconds.
    pub period: u32,
    /// Where they begin, in words of an entry's data.
    pub(crate) offset: u32,
}

impl Stored {
    pub(crate) fn width(&self) -> u32 {
        match self.kind.class() {
            Class::Signed | Class::Word | Class::Text => 1,
            Class::Long => 2,
            Class::Rate => 3,
        }
    }
}

/// What entries of a table store, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// In the order in which they are shown.
    stored: Vec<Stored>,
    /// Places in `stored` plus one, by type.
    places: [u8; DataType::ALL.len()],
    words: u32,
}

impl Layout {
    /// Adds a data type, unless it is there.
    pub fn store(&mut self, kind: DataType, elements: u16, period: u32) {
        if self.get(kind).is_some() {
            return;
        }
        self.stored.push(Stored {
            kind,
            elements: elements.max(1),
            period: period.max(1),
            offset: 0,
        });
        self.stored.sort_by_key(|stored| stored.kind as u8);
        let mut offset = 0;
        for (at, stored) in self.stored.iter_mut().enumerate() {
            stored.offset = offset;
            offset += stored.width() * u32::from(stored.elements);
            if let Some(place) = self.places.get_mut(stored.kind as usize) {
                *place = at as u8 + 1;
            }
        }
        self.words = offset;
    }

    /// How a type is stored; `None` when it is not.
    #[must_use]
    pub fn get(&self, kind: DataType) -> Option<&Stored> {
        let place = *self.places.get(kind as usize)?;
        self.stored.get(usize::from(place).checked_sub(1)?)
    }

    /// Everything that is stored, in the order in which it is shown.
    #[must_use]
    pub fn stored(&self) -> &[Stored] {
        &self.stored
    }

    /// How many words of an entry it takes.
    pub(crate) fn words(&self) -> usize {
        self.words as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_in_their_places() {
        for (at, kind) in DataType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(DataType::named(kind.name()), Some(kind));
        }
        assert_eq!(DataType::named("server_name"), Some(DataType::ServerKey));
    }

    #[test]
    fn what_is_stored_does_not_overlap() {
        let mut layout = Layout::default();
        for kind in [
            DataType::GpcRate,
            DataType::BytesInCnt,
            DataType::Gpt0,
            DataType::GpcRate,
        ] {
            layout.store(kind, if kind.is_array() { 5 } else { 1 }, 10);
        }
        let places: Vec<_> = layout
            .stored()
            .iter()
            .map(|stored| (stored.kind, stored.offset))
            .collect();
        assert_eq!(
            places,
            [
                (DataType::Gpt0, 0),
                (DataType::BytesInCnt, 1),
                (DataType::GpcRate, 3)
            ]
        );
        assert_eq!(layout.words(), 18);
        assert!(layout.get(DataType::Gpc0).is_none());
    }
}
