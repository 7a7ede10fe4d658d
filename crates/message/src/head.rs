//! The head of a message: a start line and an ordered header list, kept as ranges into one buffer.

use crate::{Field, FieldId, Method};
use std::ops::Range;

/// A range of a head's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The range from `start` to `end`, in bytes from the beginning of the head's text.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        // Heads are bounded by the buffer size, far below 4 GiB; saturating keeps a mistake from wrapping.
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: clamp(start),
            end: clamp(end).max(clamp(start)),
        }
    }

    /// Where the range begins, in bytes from the beginning of the head's text.
    #[must_use]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Where the range ends.
    #[must_use]
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Whether a head opens a request or a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A request.
    #[default]
    Request,
    /// A response.
    Response,
}

/// An HTTP version, `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The digit before the dot.
    pub major: u8,
    /// The digit after the dot.
    pub minor: u8,
}

impl Version {
    /// HTTP/0.9: a request line without a version.
    pub const HTTP_09: Self = Self { major: 0, minor: 9 };
    /// HTTP/1.0.
    pub const HTTP_10: Self = Self { major: 1, minor: 0 };
    /// HTTP/1.1.
    pub const HTTP_11: Self = Self { major: 1, minor: 1 };
    /// HTTP/2.
    pub const HTTP_2: Self = Self { major: 2, minor: 0 };
    /// HTTP/3.
    pub const HTTP_3: Self = Self { major: 3, minor: 0 };
}

impl Default for Version {
    fn default() -> Self {
        Self::HTTP_11
    }
}

/// What each part of a message takes next to its text in HAProxy's form.
pub const BLOCK: usize = 8;

/// The head of an HTTP message.
///
/// All text lives in one buffer; edits append to it and move ranges, so that adding or rewriting a header allocates
/// nothing once the buffer has grown. A head is meant to be [cleared](Head::clear) and used again.
#[derive(Debug, Clone, Default)]
pub struct Head {
    text: Vec<u8>,
    fields: Vec<Field>,
    kind: Kind,
    method: Method,
    version: Version,
    status: u16,
    /// The method of a request.
    first: Span,
    /// The target of a request, the reason phrase of a response.
    second: Span,
    /// The target was put together from parts.
    assembled: bool,
}

impl Head {
    /// An empty head.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty head with room for a message of common size, so that it does not grow step by step.
    #[must_use]
    pub fn with_room() -> Self {
        Self {
            text: Vec::with_capacity(512),
            fields: Vec::with_capacity(16),
            ..Self::default()
        }
    }

    /// Empties the head and keeps its memory.
    pub fn clear(&mut self) {
        let (mut text, mut fields) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.fields),
        );
        text.clear();
        fields.clear();
        *self = Self {
            text,
            fields,
            ..Self::default()
        };
    }

    /// Gives back memory beyond `limit` bytes of text, so that one huge message does not stay in a pool for ever.
    pub fn shrink_to(&mut self, limit: usize) {
        if self.text.capacity() > limit {
            self.text.shrink_to(limit);
        }
        if self.fields.capacity() > 128 {
            self.fields.shrink_to(128);
        }
    }

    /// Makes this the head of a request, without any field.
    pub fn start_request(&mut self, method: &[u8], target: &[u8], version: Version) {
        self.clear();
        self.kind = Kind::Request;
        self.version = version;
        self.method = Method::of(method);
        self.first = self.append(method);
        self.second = self.append(target);
    }

    /// Makes this the head of a response, without any field.
    pub fn start_response(&mut self, version: Version, status: u16, reason: &[u8]) {
        self.clear();
        self.kind = Kind::Response;
        self.version = version;
        self.status = status;
        self.second = self.append(reason);
    }

    /// Whether this is a request or a response.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method's text; empty for a response.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        self.slice(self.first)
    }

    /// Replaces the method.
    pub fn set_method(&mut self, method: &[u8]) {
        self.method = Method::of(method);
        self.first = self.append(method);
    }

    /// The target of a request as received or rewritten; empty for a response.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        match self.kind {
            Kind::Request => self.slice(self.second),
            Kind::Response => &[],
        }
    }

    /// Replaces the target of a request.
    pub fn set_target(&mut self, target: &[u8]) {
        self.second = self.append(target);
    }

    /// Whether the target was put together from parts that came separately, as in HTTP/2: in HTTP/1 only its path is sent.
    #[must_use]
    pub fn is_assembled(&self) -> bool {
        self.assembled
    }

    /// Says whether the target was put together from parts.
    pub fn set_assembled(&mut self, assembled: bool) {
        self.assembled = assembled;
    }

    /// The version of the message.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Replaces the version.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// The status of a response, 0 for a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase of a response; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        match self.kind {
            Kind::Response => self.slice(self.second),
            Kind::Request => &[],
        }
    }

    /// Replaces status and reason phrase of a response.
    pub fn set_status(&mut self, status: u16, reason: &[u8]) {
        self.status = status;
        self.second = self.append(reason);
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields in order: lower-case name and value.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + ExactSizeIterator + Clone {
        self.fields
            .iter()
            .map(|f| (self.slice(f.name), self.slice(f.value)))
    }

    /// All fields in order as ranges, with their identities.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The text of a range of this head.
    #[must_use]
    pub fn slice(&self, span: Span) -> &[u8] {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Appends a field; the name is put in lower case.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let span = self.append(name);
        if let Some(text) = self.text.get_mut(span.range()) {
            text.make_ascii_lowercase();
        }
        let id = FieldId::of(self.slice(span));
        let value = self.append(value);
        self.fields.push(Field {
            name: span,
            value,
            id,
        });
    }

    /// Appends a well-known field.
    pub fn push_known(&mut self, id: FieldId, value: &[u8]) {
        let name = self.append(id.name().unwrap_or_default().as_bytes());
        let value = self.append(value);
        self.fields.push(Field { name, value, id });
    }

    /// Appends raw text that later [`Head::push_spans`] calls point into, and says where it begins. For parsers.
    pub fn append_text(&mut self, text: &[u8]) -> usize {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        start
    }

    /// Appends a copy of a range of the text, and says where it begins. For parsers.
    pub fn append_span(&mut self, span: Span) -> usize {
        let start = self.text.len();
        if span.end() <= start {
            self.text.extend_from_within(span.range());
        }
        start
    }

    /// The text appended so far, for a parser to put names in lower case in place.
    pub fn text_mut(&mut self) -> &mut [u8] {
        &mut self.text
    }

    /// Appends a field whose lower-case name and value are in the text already. For parsers.
    pub fn push_spans(&mut self, name: Span, value: Span) {
        let id = FieldId::of(self.slice(name));
        self.push_field(Field { name, value, id });
    }

    /// Appends a field of which all is known already. For parsers.
    pub fn push_field(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Sets the request line from ranges of the text. For parsers.
    pub fn set_request_spans(&mut self, method: Span, target: Span, version: Version) {
        self.kind = Kind::Request;
        self.method = Method::of(self.slice(method));
        (self.first, self.second, self.version) = (method, target, version);
    }

    /// Sets the status line from ranges of the text. For parsers.
    pub fn set_response_spans(&mut self, version: Version, status: u16, reason: Span) {
        self.kind = Kind::Response;
        (self.version, self.status, self.second) = (version, status, reason);
    }

    /// The first field's value with this lower-case name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|f| self.slice(f.name) == name)
            .map(|f| self.slice(f.value))
    }

    /// The values of all fields with this lower-case name, in order.
    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |f| self.slice(f.name) == name)
            .map(|f| self.slice(f.value))
    }

    /// The first well-known field's value.
    #[must_use]
    pub fn known(&self, id: FieldId) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|f| f.id == id)
            .map(|f| self.slice(f.value))
    }

    /// The values of all well-known fields of one identity, in order.
    pub fn all_known(&self, id: FieldId) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |f| f.id == id)
            .map(|f| self.slice(f.value))
    }

    /// Whether a well-known field is there.
    #[must_use]
    pub fn has(&self, id: FieldId) -> bool {
        self.fields.iter().any(|f| f.id == id)
    }

    /// Whether a comma-separated well-known field names `token` (ASCII case ignored) in any of its occurrences.
    #[must_use]
    pub fn lists_token(&self, id: FieldId, token: &[u8]) -> bool {
        self.all_known(id).any(|value| {
            value
                .split(|&b| b == b',')
                .any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
        })
    }

    /// Removes every field of this lower-case name and says how many there were.
    pub fn remove(&mut self, name: &[u8]) -> usize {
        let text = &self.text;
        let before = self.fields.len();
        self.fields
            .retain(|f| text.get(f.name.range()).unwrap_or_default() != name);
        before - self.fields.len()
    }

    /// Removes every well-known field of this identity and says how many there were.
    pub fn remove_known(&mut self, id: FieldId) -> usize {
        let before = self.fields.len();
        self.fields.retain(|f| f.id != id);
        before - self.fields.len()
    }

    /// Keeps only the fields for which `keep` (given name and value) says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let text = &self.text;
        let slice = |span: Span| text.get(span.range()).unwrap_or_default();
        self.fields.retain(|f| keep(slice(f.name), slice(f.value)));
    }

    /// Removes the field at `index`; nothing happens beyond the end.
    pub fn remove_at(&mut self, index: usize) {
        if index < self.fields.len() {
            self.fields.remove(index);
        }
    }

    /// Replaces the value of the field at `index`; nothing happens beyond the end.
    pub fn set_value_at(&mut self, index: usize, value: &[u8]) {
        let value = self.append(value);
        if let Some(field) = self.fields.get_mut(index) {
            field.value = value;
        }
    }

    /// Points the value of the field at `index` to another range of the text; nothing happens beyond the end. For parsers.
    pub fn set_value_span_at(&mut self, index: usize, value: Span) {
        if let Some(field) = self.fields.get_mut(index) {
            field.value = value;
        }
    }

    /// Removes every field of this lower-case name, then appends one with `value`.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.push(name, value);
    }

    /// Replaces the first well-known field's value in place and removes its other occurrences, or appends the field.
    pub fn set_known(&mut self, id: FieldId, value: &[u8]) {
        let Some(first) = self.fields.iter().position(|f| f.id == id) else {
            return self.push_known(id, value);
        };
        self.set_value_at(first, value);
        let mut index = 0;
        self.fields.retain(|f| {
            index += 1;
            f.id != id || index == first + 1
        });
    }

    /// Bytes the head takes in HTTP/1 form without its line ends.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        let start = self.first.len() + self.second.len() + 14;
        start
            + self
                .fields
                .iter()
                .map(|f| f.name.len() + f.value.len() + 4)
                .sum::<usize>()
    }

    /// Bytes the head takes of a buffer in HAProxy's form of a message, the figure that room for rewriting is counted by:
    /// 8 for each block next to its text, 20 for a start line, 1 for the end.
    #[must_use]
    pub fn stored_len(&self) -> usize {
        let start = match self.kind {
            Kind::Request => self.first.len() + self.second.len() + 8,
            Kind::Response => self.second.len() + 8 + 3,
        };
        let fields = self.fields.iter();
        start
            + 20
            + 1
            + 2 * BLOCK
            + fields
                .map(|f| f.name.len() + f.value.len() + BLOCK)
                .sum::<usize>()
    }

    fn append(&mut self, text: &[u8]) -> Span {
        let start = self.append_text(text);
        Span::new(start, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Head {
        let mut head = Head::new();
        head.start_request(b"GET", b"/a?b", Version::HTTP_11);
        head.push(b"Host", b"example.org");
        head.push(b"X-One", b"1");
        head.push(b"Connection", b"keep-alive, Upgrade");
        head.push(b"x-one", b"2");
        head
    }

    #[test]
    fn names_are_lower_case_and_found_in_order() {
        let head = request();
        assert_eq!(head.get_all(b"x-one").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(head.known(FieldId::Host), Some(&b"example.org"[..]));
        assert!(head.lists_token(FieldId::Connection, b"upgrade"));
        assert!(!head.lists_token(FieldId::Connection, b"keep"));
    }

    #[test]
    fn edits_keep_the_order_of_the_rest() {
        let mut head = request();
        assert_eq!(head.remove(b"x-one"), 2);
        head.set(b"x-two", b"3");
        head.set_known(FieldId::Host, b"other");
        let all: Vec<_> = head.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        assert_eq!(
            all,
            [
                (b"host".to_vec(), b"other".to_vec()),
                (b"connection".to_vec(), b"keep-alive, Upgrade".to_vec()),
                (b"x-two".to_vec(), b"3".to_vec()),
            ]
        );
    }

    #[test]
    fn replacing_a_known_field_drops_its_other_occurrences() {
        let mut head = request();
        head.push_known(FieldId::Host, b"second");
        head.set_known(FieldId::Host, b"third");
        assert_eq!(
            head.all_known(FieldId::Host).collect::<Vec<_>>(),
            [b"third"]
        );
        assert_eq!(head.len(), 4);
    }

    #[test]
    fn a_cleared_head_is_empty_and_starts_anew() {
        let mut head = request();
        head.start_response(Version::HTTP_10, 404, b"Not Found");
        assert!(head.is_empty());
        assert_eq!(
            (head.status(), head.reason(), head.target()),
            (404, &b"Not Found"[..], &b""[..])
        );
    }
}
