//! One list of patterns, compiled for one method.

use super::Method;
use super::index::{Exact, Networks, Prefixes, equal};
use crate::cast;
use crate::regex::{Groups, Regex};
use crate::sample::Value;
use std::borrow::Cow;
use std::net::IpAddr;

/// One pattern as it was given, with the value it maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'s> {
    /// The pattern's text.
    pub key: &'s [u8],
    /// The value, in maps.
    pub value: Option<&'s [u8]>,
}

/// Where an entry's key and value end in the text; the key begins where the entry before ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    key_end: u32,
    value_end: u32,
    has_value: bool,
}

#[derive(Debug)]
enum Index {
    /// Nothing to look at.
    None,
    Exact(Exact),
    Prefixes(Prefixes),
    Networks(Networks, Vec<(IpAddr, IpAddr, u32)>),
    /// Inclusive bounds.
    Ranges(Vec<(i64, i64)>),
    Finders(Vec<memchr::memmem::Finder<'static>>),
    Regexes(Vec<Regex>),
    /// Keys are read one by one.
    Linear,
    /// Decoded blocks by their own texts.
    Blocks(Vec<Box<[u8]>>),
}

/// Patterns compiled for one method.
#[derive(Debug)]
pub struct PatternSet {
    method: Method,
    ignore_case: bool,
    text: Vec<u8>,
    places: Vec<Place>,
    index: Index,
}

impl PatternSet {
    /// An empty set.
    #[must_use]
    pub fn new(method: Method, ignore_case: bool) -> Self {
        let index = match method {
            Method::Found | Method::Bool => Index::None,
            Method::Int | Method::Len => Index::Ranges(Vec::new()),
            Method::Ip => Index::Networks(Networks::default(), Vec::new()),
            Method::Bin => Index::Blocks(Vec::new()),
            Method::Str => Index::Exact(Exact::default()),
            Method::Beg if !ignore_case => Index::Prefixes(Prefixes::default()),
            Method::Sub if !ignore_case => Index::Finders(Vec::new()),
            Method::Reg => Index::Regexes(Vec::new()),
            Method::Beg | Method::Sub | Method::Dir | Method::Dom | Method::End => Index::Linear,
        };
        Self {
            method,
            ignore_case,
            text: Vec::new(),
            places: Vec::new(),
            index,
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether letter case is ignored.
    #[must_use]
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a pattern and, in maps, its value.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        let at = self.append(key, value)?;
        let result = self.index_last(at, key);
        if result.is_err() {
            self.places.pop();
        }
        result
    }

    fn append(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<u32, String> {
        let offset = |n: usize| u32::try_from(n).map_err(|_| "too many patterns".to_owned());
        let start = offset(self.text.len())?;
        self.text.extend_from_slice(key);
        let key_end = offset(self.text.len())?;
        self.text.extend_from_slice(value.unwrap_or_default());
        let value_end = offset(self.text.len())?;
        let at = offset(self.places.len())?;
        self.places.push(Place {
            start,
            key_end,
            value_end,
            has_value: value.is_some(),
        });
        Ok(at)
    }

    fn index_last(&mut self, at: u32, key: &[u8]) -> Result<(), String> {
        let (text, places) = (&self.text, &self.places);
        let key_of = |at: u32| key_at(text, places, at);
        match &mut self.index {
            Index::None | Index::Linear => {}
            Index::Exact(exact) => exact.add(at, self.ignore_case, key_of),
            Index::Prefixes(prefixes) => prefixes.add(at, key_of),
            Index::Finders(finders) => {
                finders.push(memchr::memmem::Finder::new(key).into_owned());
            }
            Index::Ranges(ranges) => ranges.push(parse_range(key)?),
            Index::Regexes(regexes) => {
                let pattern = String::from_utf8_lossy(key);
                let regex = Regex::new(&pattern, self.ignore_case)
                    .map_err(|error| format!("regex '{pattern}' is invalid (error={error})"))?;
                regexes.push(regex);
            }
            Index::Blocks(blocks) => blocks.push(parse_block(key)?),
            Index::Networks(networks, odd) => match parse_network(key)? {
                Network::Prefix(ip, bits) => networks.add(ip, bits, at),
                Network::Mask(ip, mask) => odd.push((ip, mask, at)),
            },
        }
        Ok(())
    }

    /// The pattern at `at`.
    #[must_use]
    pub fn entry(&self, at: u32) -> Option<Entry<'_>> {
        let place = self.places.get(at as usize)?;
        let range = |a: u32, b: u32| self.text.get(a as usize..b as usize);
        Some(Entry {
            key: range(place.start, place.key_end)?,
            value: place
                .has_value
                .then(|| range(place.key_end, place.value_end))
                .flatten(),
        })
    }

    /// All patterns in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.places.len() as u32).filter_map(|at| self.entry(at))
    }

    /// The pattern that a value matches: the most specific one for prefixes and networks, else the first.
    ///
    /// Values of another type than the method's are cast; nothing matches what can't be cast.
    #[must_use]
    pub fn find(&self, value: &Value<'_>) -> Option<u32> {
        match (&self.index, value) {
            (Index::Ranges(ranges), _) => {
                let number = self.number(value)?;
                first(ranges, |(low, high)| (*low..=*high).contains(&number))
            }
            (Index::Networks(networks, odd), _) => {
                let ip = match value {
                    Value::Ip(ip) => *ip,
                    other => match cast::cast(other.clone(), crate::sample::Type::Addr)? {
                        Value::Ip(ip) => ip,
                        _ => return None,
                    },
                };
                networks.find(ip).or_else(|| find_odd(odd, ip))
            }
            (Index::None, _) => None,
            _ => self.find_text(&text_of(value)?),
        }
    }

    /// The groups that the regular expression at `at` matches in a text.
    #[must_use]
    pub fn groups(&self, at: u32, text: &[u8]) -> Option<Groups> {
        match &self.index {
            Index::Regexes(regexes) => regexes.get(at as usize)?.groups_at(text, 0),
            _ => None,
        }
    }

    /// Whether a value matches: any pattern, or for `found` and `bool` the value itself.
    #[must_use]
    pub fn matches(&self, value: &Value<'_>) -> bool {
        match self.method {
            Method::Found => true,
            Method::Bool => match value {
                Value::Bool(v) => *v,
                Value::Int(v) => *v != 0,
                other => {
                    cast::cast(other.clone(), crate::sample::Type::Bool) == Some(Value::Bool(true))
                }
            },
            _ => self.find(value).is_some(),
        }
    }

    fn number(&self, value: &Value<'_>) -> Option<i64> {
        if self.method == Method::Len {
            return i64::try_from(text_of(value)?.len()).ok();
        }
        match value {
            Value::Int(v) => Some(*v),
            Value::Bool(v) => Some(i64::from(*v)),
            other => match cast::cast(other.clone(), crate::sample::Type::Int)? {
                Value::Int(v) => Some(v),
                _ => None,
            },
        }
    }

    fn find_text(&self, sample: &[u8]) -> Option<u32> {
        let (text, places, fold) = (&self.text, &self.places, self.ignore_case);
        let key_of = |at: u32| key_at(text, places, at);
        match &self.index {
            Index::Exact(exact) => exact.find(sample, fold, key_of),
            Index::Prefixes(prefixes) => prefixes.find(sample, key_of),
            Index::Finders(finders) => first(finders, |f| f.find(sample).is_some()),
            Index::Regexes(regexes) => first(regexes, |r| r.is_match(sample)),
            Index::Blocks(blocks) => first(blocks, |b| **b == *sample),
            Index::Linear => (0..places.len() as u32).find(|&at| {
                let key = key_of(at);
                match self.method {
                    Method::Beg => begins(sample, key, fold),
                    Method::End => ends(sample, key, fold),
                    Method::Sub => contains(sample, key, fold),
                    Method::Dir => has_part(sample, key, b"/?", fold),
                    Method::Dom => has_part(sample, key, b"/?.:", fold),
                    _ => false,
                }
            }),
            Index::None | Index::Networks(..) | Index::Ranges(_) => None,
        }
    }
}

fn key_at<'t>(text: &'t [u8], places: &[Place], at: u32) -> &'t [u8] {
    places
        .get(at as usize)
        .and_then(|p| text.get(p.start as usize..p.key_end as usize))
        .unwrap_or_default()
}

fn first<T>(list: &[T], test: impl Fn(&T) -> bool) -> Option<u32> {
    list.iter()
        .position(test)
        .and_then(|at| u32::try_from(at).ok())
}

/// The text of a value without copying where it has one.
fn text_of<'v>(value: &'v Value<'_>) -> Option<Cow<'v, [u8]>> {
    match value {
        Value::Str(text) | Value::Bin(text) => Some(Cow::Borrowed(text)),
        Value::Method(method, text) => {
            Some(Cow::Borrowed(method.name().map_or(&**text, str::as_bytes)))
        }
        other => match cast::cast(other.clone().into_owned(), crate::sample::Type::Str)? {
            Value::Str(text) => Some(Cow::Owned(text.into_owned())),
            _ => None,
        },
    }
}

fn begins(sample: &[u8], key: &[u8], fold: bool) -> bool {
    sample
        .get(..key.len())
        .is_some_and(|part| equal(part, key, fold))
}

fn ends(sample: &[u8], key: &[u8], fold: bool) -> bool {
    sample
        .len()
        .checked_sub(key.len())
        .and_then(|from| sample.get(from..))
        .is_some_and(|part| equal(part, key, fold))
}

fn contains(sample: &[u8], key: &[u8], fold: bool) -> bool {
    key.is_empty() || sample.windows(key.len()).any(|part| equal(part, key, fold))
}

/// Whether a part of the sample between delimiters (or its ends) equals the key without its outer delimiters.
fn has_part(sample: &[u8], key: &[u8], delimiters: &[u8], fold: bool) -> bool {
    let is_delimiter = |b: &u8| delimiters.contains(b);
    let mut key = key;
    while let [first, rest @ ..] = key
        && is_delimiter(first)
    {
        key = rest;
    }
    while let [rest @ .., last] = key
        && is_delimiter(last)
    {
        key = rest;
    }
    if key.is_empty() || key.len() > sample.len() {
        return false;
    }
    (0..=sample.len() - key.len()).any(|from| {
        let to = from + key.len();
        let starts = from == 0 || sample.get(from - 1).is_some_and(is_delimiter);
        starts
            && sample.get(to).is_none_or(is_delimiter)
            && sample
                .get(from..to)
                .is_some_and(|part| equal(part, key, fold))
    })
}

fn shown(key: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(key)
}

/// Reads `5`, `5:10`, `:10`, `5:`.
fn parse_range(key: &[u8]) -> Result<(i64, i64), String> {
    let not_a_number = || format!("'{}' is not a number", shown(key));
    let text = std::str::from_utf8(key).map_err(|_| not_a_number())?;
    let number = |text: &str| text.parse::<i64>().map_err(|_| not_a_number());
    let Some((low, high)) = text.split_once(':') else {
        return number(text).map(|n| (n, n));
    };
    let low = if low.is_empty() {
        i64::MIN
    } else {
        number(low)?
    };
    let high = if high.is_empty() {
        i64::MAX
    } else {
        number(high)?
    };
    if low > high || text == ":" {
        return Err(format!("'{text}' is not a valid number range"));
    }
    Ok((low, high))
}

/// Decodes a block given in hexadecimal.
pub(crate) fn parse_block(key: &[u8]) -> Result<Box<[u8]>, String> {
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if !key.len().is_multiple_of(2) {
        return Err("an even number of hex digit is expected".into());
    }
    if let Some(bad) = key.iter().find(|b| !b.is_ascii_hexdigit()) {
        return Err(format!(
            "an hex digit is expected (found '{}')",
            *bad as char
        ));
    }
    key.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| format!("'{}' is not a hexadecimal block", shown(key)))
}

enum Network {
    Prefix(IpAddr, u8),
    Mask(IpAddr, IpAddr),
}

fn parse_network(key: &[u8]) -> Result<Network, String> {
    let bad = || format!("'{}' is not a valid IPv4 or IPv6 address", shown(key));
    let text = std::str::from_utf8(key).map_err(|_| bad())?;
    let (address, mask) = match text.split_once('/') {
        None => (text, None),
        Some((address, mask)) => (address, Some(mask)),
    };
    let ip = parse_address(address).ok_or_else(bad)?;
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let Some(mask) = mask else {
        return Ok(Network::Prefix(ip, width));
    };
    if let Ok(bits) = mask.parse::<u8>() {
        return if bits <= width {
            Ok(Network::Prefix(ip, bits))
        } else {
            Err(bad())
        };
    }
    let mask: IpAddr = mask.parse().map_err(|_| bad())?;
    let bits = match (ip, mask) {
        (IpAddr::V4(_), IpAddr::V4(m)) => {
            let m = u32::from(m);
            (m.leading_ones() + m.trailing_zeros() == 32).then(|| m.leading_ones())
        }
        (IpAddr::V6(_), IpAddr::V6(m)) => {
            let m = u128::from(m);
            (m.leading_ones() + m.trailing_zeros() == 128).then(|| m.leading_ones())
        }
        _ => return Err(bad()),
    };
    Ok(match bits.and_then(|b| u8::try_from(b).ok()) {
        Some(bits) => Network::Prefix(ip, bits.min(width)),
        None => Network::Mask(ip, mask),
    })
}

/// An address; in IPv4 ones of fewer than four parts the last part fills what is left (`10.1` is `10.0.0.1`).
fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    let mut parts: Vec<u32> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let last = parts.pop().filter(|_| parts.len() < 4)?;
    let bits = 32 - 8 * u32::try_from(parts.len()).ok()?;
    let high = parts
        .iter()
        .try_fold(0u32, |high, &part| (part < 256).then_some(high << 8 | part))?;
    let fits = bits == 32 || last >> bits == 0;
    fits.then(|| IpAddr::from((high.checked_shl(bits).unwrap_or(0) | last).to_be_bytes()))
}

fn find_odd(odd: &[(IpAddr, IpAddr, u32)], ip: IpAddr) -> Option<u32> {
    odd.iter()
        .find(|(network, mask, _)| match (network, mask) {
            (IpAddr::V4(network), IpAddr::V4(mask)) => cast::to_v4(ip)
                .is_some_and(|ip| (u32::from(ip) ^ u32::from(*network)) & u32::from(*mask) == 0),
            (IpAddr::V6(network), IpAddr::V6(mask)) => {
                (u128::from(cast::to_v6(ip)) ^ u128::from(*network)) & u128::from(*mask) == 0
            }
            _ => false,
        })
        .map(|(_, _, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, fold: bool, patterns: &[&str], sample: &str) -> Option<u32> {
        let mut set = PatternSet::new(method, fold);
        for pattern in patterns {
            set.add(pattern.as_bytes(), None).expect(pattern);
        }
        set.find(&Value::Str(Cow::Borrowed(sample.as_bytes())))
    }

    #[test]
    fn short_addresses_are_filled_at_the_end() {
        let ip = |text: &str| parse_address(text).map(|ip| ip.to_string());
        assert_eq!(ip("1").as_deref(), Some("0.0.0.1"));
        assert_eq!(ip("1.2").as_deref(), Some("1.0.0.2"));
        assert_eq!(ip("1.2.3").as_deref(), Some("1.2.0.3"));
        assert_eq!(ip("1.2.3.400"), None);
        assert_eq!(ip("1.2.3.4.5"), None);
        assert_eq!(ip("localhost"), None);
    }

    #[test]
    fn each_method_finds_its_first_or_best_pattern() {
        use Method::{Beg, Bin, Dir, Dom, End, Ip, Len, Reg, Str, Sub};
        for (method, fold, patterns, sample, expected) in [
            (Str, false, &["a", "b", "a"][..], "a", Some(0)),
            (Str, true, &["x", "AbC"], "aBc", Some(1)),
            (Beg, false, &["/a", "/a/b"], "/a/b/c", Some(1)),
            (Beg, true, &["/A", "/a/b"], "/a/b/c", Some(0)),
            (End, false, &[".org", "ple.org"], "example.org", Some(0)),
            (Sub, false, &["zz", "amp"], "example", Some(1)),
            (Sub, true, &["AMP"], "example", Some(0)),
            (Dir, false, &["b"], "/a/b/c", Some(0)),
            (Dir, false, &["/a/b/"], "/a/b?c", Some(0)),
            (Dir, false, &["b"], "/ab/c", None),
            (Dom, false, &["example"], "www.example.org:80", Some(0)),
            (Dom, false, &["80"], "www.example.org:80", Some(0)),
            (Dom, false, &["exam"], "www.example.org", None),
            (Len, false, &["1:3", "5"], "12345", Some(1)),
            (Bin, false, &["00", "3132"], "12", Some(1)),
            (Reg, false, &["^b", "a.c$"], "xabc", Some(1)),
            (Reg, false, &["[[]x{"], "[x{", Some(0)),
            (
                Ip,
                false,
                &["10.0.0.0/8", "10.1.0.0/255.255.0.0"],
                "10.1.2.3",
                Some(1),
            ),
            (Ip, false, &["1.0.0.4/255.0.0.255"], "1.2.3.4", Some(0)),
        ] {
            assert_eq!(
                found(method, fold, patterns, sample),
                expected,
                "{} {patterns:?} {sample}",
                method.name()
            );
        }
    }
}
