//! A list of patterns compiled for one method.

use super::Method;
use super::contains::Contains;
use super::entries::Entries;
use super::exact::Exact;
use super::texts::{Network, parse_block, parse_network, parse_range};
use super::trie::{Networks, Trie};
use crate::cast;
use crate::regex::{Groups, Regex};
use crate::sample::{Type, Value};
use hashbrown::HashMap;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Where entries are looked up. All of them yield slots.
#[derive(Debug, Clone)]
enum Index {
    /// Nothing to look at.
    None,
    Exact(Exact),
    Begins(Trie),
    /// Texts backwards.
    Ends(Trie),
    /// Texts without outer delimiters.
    Parts(Trie),
    Contains(Contains),
    Addresses(Addresses),
    Numbers(Numbers),
    Regexes(Vec<(u32, Arc<Regex>)>),
    Blocks(HashMap<Box<[u8]>, u32>),
}

/// Networks of both families.
#[derive(Debug, Default, Clone)]
struct Addresses {
    v4: Networks,
    v6: Networks,
    /// Networks whose masks have gaps.
    odd: Vec<(u32, IpAddr, IpAddr)>,
}

/// Numbers and inclusive ranges of them.
#[derive(Debug, Default, Clone)]
struct Numbers {
    single: HashMap<i64, u32>,
    ranges: Vec<(u32, i64, i64)>,
}

/// The compiled list.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) method: Method,
    pub(super) ignore_case: bool,
    index: Index,
    /// Slots whose pattern equals that of another slot, which the index knows.
    same: HashMap<u32, Vec<u32>>,
}

const SLASHES: &[u8] = b"/?";
const DOTS: &[u8] = b"/?.:";

impl Form {
    pub(super) fn new(method: Method, ignore_case: bool) -> Self {
        let index = match method {
            Method::Found | Method::Bool => Index::None,
            Method::Int | Method::Len => Index::Numbers(Numbers::default()),
            Method::Ip => Index::Addresses(Addresses::default()),
            Method::Bin => Index::Blocks(HashMap::new()),
            Method::Str => Index::Exact(Exact::default()),
            Method::Beg => Index::Begins(Trie::default()),
            Method::End => Index::Ends(Trie::default()),
            Method::Dir | Method::Dom => Index::Parts(Trie::default()),
            Method::Sub => Index::Contains(Contains::default()),
            Method::Reg => Index::Regexes(Vec::new()),
        };
        Self {
            method,
            ignore_case,
            index,
            same: HashMap::new(),
        }
    }

    /// Whether the runtime API shows its index as a tree.
    pub(super) fn is_tree(&self, entry: &[u8]) -> bool {
        match &self.index {
            Index::Exact(_) | Index::Begins(_) => !self.ignore_case,
            Index::Addresses(_) => matches!(parse_network(entry), Ok(Network::Prefix(..))),
            _ => false,
        }
    }

    /// Makes room for the entries that are there.
    pub(super) fn reserve(&mut self, entries: &Entries) {
        if let Index::Exact(exact) = &mut self.index {
            exact.reserve(entries.len(), self.ignore_case, |at| entries.key(at));
        }
    }

    /// Adds the entry at a slot.
    ///
    /// # Errors
    /// What is wrong with its pattern.
    pub(super) fn insert(&mut self, slot: u32, entries: &Entries) -> Result<(), String> {
        let key = entries.key(slot);
        let fold = self.ignore_case;
        let taken = match &mut self.index {
            Index::None => Ok(()),
            Index::Exact(exact) => exact.insert(slot, fold, |at| entries.key(at)),
            Index::Begins(trie) => trie.insert(&folded(key, fold), slot),
            Index::Ends(trie) => trie.insert(&reversed(key, fold), slot),
            Index::Parts(trie) => match part_of(self.method, key) {
                // A pattern of delimiters only matches nothing.
                [] => Ok(()),
                part => trie.insert(&folded(part, fold), slot),
            },
            Index::Contains(texts) => {
                texts.insert(slot, key, fold, |at| entries.key(at));
                Ok(())
            }
            Index::Addresses(addresses) => addresses.insert(parse_network(key)?, slot),
            Index::Numbers(numbers) => numbers.insert(parse_range(key)?, slot),
            Index::Regexes(regexes) => {
                let pattern = String::from_utf8_lossy(key);
                let regex = Regex::new(&pattern, fold)
                    .map_err(|error| format!("regex '{pattern}' is invalid (error={error})"))?;
                regexes.push((slot, Arc::new(regex)));
                Ok(())
            }
            Index::Blocks(blocks) => {
                let block = parse_block(key)?;
                match blocks.get(&block) {
                    Some(old) => Err(*old),
                    None => {
                        blocks.insert(block, slot);
                        Ok(())
                    }
                }
            }
        };
        if let Err(first) = taken {
            self.same.entry(first).or_default().push(slot);
        }
        Ok(())
    }

    /// Ends a time of many insertions.
    pub(super) fn settle(&mut self, entries: &Entries) {
        let fold = self.ignore_case;
        match &mut self.index {
            Index::Contains(texts) => texts.settle(fold, |at| entries.key(at)),
            Index::Regexes(regexes) => regexes.shrink_to_fit(),
            _ => {}
        }
    }

    /// Removes the entry at a slot, which is still among the entries.
    pub(super) fn remove(&mut self, slot: u32, entries: &Entries) {
        let key = entries.key(slot);
        // Another entry of an equal pattern takes its place; or it stood behind another one itself.
        let mut heirs = self.same.remove(&slot).unwrap_or_default();
        if heirs.is_empty()
            && let Some((&first, others)) = self
                .same
                .iter_mut()
                .find(|(_, slots)| slots.contains(&slot))
        {
            others.retain(|other| *other != slot);
            if others.is_empty() {
                self.same.remove(&first);
            }
            return;
        }
        let heir = (!heirs.is_empty()).then(|| heirs.remove(0));
        if let Some(heir) = heir.filter(|_| !heirs.is_empty()) {
            self.same.insert(heir, heirs);
        }
        self.unindex(slot, key, heir);
    }

    fn unindex(&mut self, slot: u32, key: &[u8], heir: Option<u32>) {
        let fold = self.ignore_case;
        match &mut self.index {
            Index::None => {}
            Index::Exact(exact) => exact.replace(key, fold, slot, heir),
            Index::Begins(trie) => trie.replace(&folded(key, fold), heir),
            Index::Ends(trie) => trie.replace(&reversed(key, fold), heir),
            Index::Parts(trie) => match part_of(self.method, key) {
                [] => {}
                part => trie.replace(&folded(part, fold), heir),
            },
            Index::Contains(texts) => texts.remove(slot),
            Index::Addresses(addresses) => {
                if let Ok(network) = parse_network(key) {
                    addresses.replace(network, slot, heir);
                }
            }
            Index::Numbers(numbers) => {
                if let Ok(range) = parse_range(key) {
                    numbers.replace(range, slot, heir);
                }
            }
            Index::Regexes(regexes) => regexes.retain(|(at, _)| *at != slot),
            Index::Blocks(blocks) => {
                if let Ok(block) = parse_block(key) {
                    match heir {
                        Some(heir) => drop(blocks.insert(block, heir)),
                        None => drop(blocks.remove(&block)),
                    }
                }
            }
        }
    }

    /// All slots whose pattern equals that of a slot that the index knows, that one first.
    pub(super) fn equals(&self, slot: u32) -> impl Iterator<Item = u32> {
        let others = self.same.get(&slot).map_or(&[][..], Vec::as_slice);
        std::iter::once(slot).chain(others.iter().copied())
    }

    /// The slot that a value matches: the most specific one for prefixes and networks, else the first.
    ///
    /// Values of another type than the method's are cast; nothing matches what can't be cast.
    pub(super) fn find(&self, value: &Value<'_>, entries: &Entries) -> Option<u32> {
        match &self.index {
            Index::None => None,
            Index::Numbers(numbers) => numbers.find(self.number(value)?),
            Index::Addresses(addresses) => match value {
                Value::Ip(ip) => addresses.find(*ip),
                other => match cast::cast(other.clone(), Type::Addr)? {
                    Value::Ip(ip) => addresses.find(ip),
                    _ => None,
                },
            },
            Index::Blocks(blocks) => match value {
                Value::Str(block) | Value::Bin(block) => blocks.get(&**block).copied(),
                other => match cast::cast(other.clone().into_owned(), Type::Bin)? {
                    Value::Bin(block) => blocks.get(&*block).copied(),
                    _ => None,
                },
            },
            _ => self.find_text(&text_of(value)?, entries),
        }
    }

    fn find_text(&self, sample: &[u8], entries: &Entries) -> Option<u32> {
        let fold = self.ignore_case;
        match &self.index {
            Index::Exact(exact) => exact.find(sample, fold, |at| entries.key(at)),
            Index::Begins(trie) => {
                let mut best = None;
                trie.walk(bytes(sample, fold), |_, slot| best = Some(slot));
                best
            }
            Index::Ends(trie) => {
                let mut best = u32::MAX;
                trie.walk(bytes(sample, fold).rev(), |_, slot| best = best.min(slot));
                (best != u32::MAX).then_some(best)
            }
            Index::Parts(trie) => find_part(trie, sample, delimiters(self.method), fold),
            Index::Contains(texts) => texts.find(sample, fold),
            Index::Regexes(regexes) => regexes
                .iter()
                .find(|(_, regex)| regex.is_match(sample))
                .map(|(slot, _)| *slot),
            Index::None | Index::Addresses(_) | Index::Numbers(_) | Index::Blocks(_) => None,
        }
    }

    /// The slot of the first regular expression that is matched by backtracking.
    pub(super) fn first_backtracking(&self) -> Option<u32> {
        match &self.index {
            Index::Regexes(regexes) => regexes
                .iter()
                .find(|(_, regex)| regex.backtracks())
                .map(|(slot, _)| *slot),
            _ => None,
        }
    }

    /// The groups that the regular expression at a slot matches in a text.
    pub(super) fn groups(&self, slot: u32, text: &[u8]) -> Option<Groups> {
        match &self.index {
            Index::Regexes(regexes) => {
                let at = regexes
                    .binary_search_by_key(&slot, |(slot, _)| *slot)
                    .ok()?;
                regexes.get(at)?.1.groups_at(text, 0)
            }
            _ => None,
        }
    }

    fn number(&self, value: &Value<'_>) -> Option<i64> {
        if self.method == Method::Len {
            return i64::try_from(text_of(value)?.len()).ok();
        }
        match value {
            Value::Int(v) => Some(*v),
            Value::Bool(v) => Some(i64::from(*v)),
            other => match cast::cast(other.clone(), Type::Int)? {
                Value::Int(v) => Some(v),
                _ => None,
            },
        }
    }
}

impl Addresses {
    fn insert(&mut self, network: Network, slot: u32) -> Result<(), u32> {
        match network {
            Network::Prefix(IpAddr::V4(ip), length) => self.v4.insert(bits4(ip), length, slot),
            Network::Prefix(IpAddr::V6(ip), length) => self.v6.insert(ip.into(), length, slot),
            Network::Mask(ip, mask) => {
                self.odd.push((slot, ip, mask));
                Ok(())
            }
        }
    }

    fn replace(&mut self, network: Network, slot: u32, heir: Option<u32>) {
        match network {
            Network::Prefix(IpAddr::V4(ip), length) => self.v4.replace(bits4(ip), length, heir),
            Network::Prefix(IpAddr::V6(ip), length) => self.v6.replace(ip.into(), length, heir),
            Network::Mask(..) => self.odd.retain(|(at, ..)| *at != slot),
        }
    }

    /// The most specific network of the address' own family, else of the other family's form of it.
    fn find(&self, address: IpAddr) -> Option<u32> {
        let v4 = |ip: Ipv4Addr| self.v4.find(bits4(ip), 32);
        let v6 = |ip: Ipv6Addr| self.v6.find(ip.into(), 128);
        match address {
            IpAddr::V4(ip) => v4(ip).or_else(|| v6(ip.to_ipv6_mapped())),
            IpAddr::V6(ip) => v6(ip).or_else(|| cast::to_v4(address).and_then(v4)),
        }
        .or_else(|| self.find_odd(address))
    }

    fn find_odd(&self, address: IpAddr) -> Option<u32> {
        let holds = |network: IpAddr, mask: IpAddr| match (network, mask) {
            (IpAddr::V4(network), IpAddr::V4(mask)) => cast::to_v4(address)
                .is_some_and(|ip| (u32::from(ip) ^ u32::from(network)) & u32::from(mask) == 0),
            (IpAddr::V6(network), IpAddr::V6(mask)) => {
                let ip = cast::to_v6(address);
                (u128::from(ip) ^ u128::from(network)) & u128::from(mask) == 0
            }
            _ => false,
        };
        self.odd
            .iter()
            .find(|(_, network, mask)| holds(*network, *mask))
            .map(|(slot, ..)| *slot)
    }
}

impl Numbers {
    fn insert(&mut self, (low, high): (i64, i64), slot: u32) -> Result<(), u32> {
        if low != high {
            self.ranges.push((slot, low, high));
            return Ok(());
        }
        match self.single.get(&low) {
            Some(old) => Err(*old),
            None => {
                self.single.insert(low, slot);
                Ok(())
            }
        }
    }

    fn replace(&mut self, (low, high): (i64, i64), slot: u32, heir: Option<u32>) {
        if low != high {
            self.ranges.retain(|(at, ..)| *at != slot);
            return;
        }
        match heir {
            Some(heir) => drop(self.single.insert(low, heir)),
            None => drop(self.single.remove(&low)),
        }
    }

    fn find(&self, number: i64) -> Option<u32> {
        let single = self.single.get(&number).copied();
        let range = self
            .ranges
            .iter()
            .find(|(_, low, high)| (*low..=*high).contains(&number))
            .map(|(slot, ..)| *slot);
        match (single, range) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

fn bits4(ip: Ipv4Addr) -> u128 {
    u128::from(u32::from(ip)) << 96
}

fn folded(text: &[u8], fold: bool) -> Cow<'_, [u8]> {
    if fold {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn reversed(text: &[u8], fold: bool) -> Vec<u8> {
    bytes(text, fold).rev().collect()
}

fn bytes(text: &[u8], fold: bool) -> impl DoubleEndedIterator<Item = u8> {
    text.iter().map(move |byte| {
        if fold {
            byte.to_ascii_lowercase()
        } else {
            *byte
        }
    })
}

fn delimiters(method: Method) -> &'static [u8] {
    if method == Method::Dir { SLASHES } else { DOTS }
}

/// A pattern without its outer delimiters.
fn part_of(method: Method, key: &[u8]) -> &[u8] {
    let is_delimiter = |byte: &u8| delimiters(method).contains(byte);
    let Some(start) = key.iter().position(|byte| !is_delimiter(byte)) else {
        return &[];
    };
    let end = key.iter().rposition(|byte| !is_delimiter(byte));
    key.get(start..=end.unwrap_or(start)).unwrap_or_default()
}

/// The first pattern that equals a run of bytes between delimiters or the sample's ends.
fn find_part(trie: &Trie, sample: &[u8], delimiters: &[u8], fold: bool) -> Option<u32> {
    let is_delimiter = |byte: &u8| delimiters.contains(byte);
    let mut best = u32::MAX;
    for from in 0..sample.len() {
        if from > 0 && !sample.get(from - 1).is_some_and(is_delimiter) {
            continue;
        }
        let rest = sample.get(from..).unwrap_or_default();
        trie.walk(bytes(rest, fold), |length, slot| {
            if rest.get(length).is_none_or(is_delimiter) {
                best = best.min(slot);
            }
        });
    }
    (best != u32::MAX).then_some(best)
}

/// The text of a value without copying where it has one.
fn text_of<'v>(value: &'v Value<'_>) -> Option<Cow<'v, [u8]>> {
    match value {
        Value::Str(text) | Value::Bin(text) => Some(Cow::Borrowed(text)),
        Value::Method(method, text) => {
            Some(Cow::Borrowed(method.name().map_or(&**text, str::as_bytes)))
        }
        other => match cast::cast(other.clone().into_owned(), Type::Str)? {
            Value::Str(text) => Some(Cow::Owned(text.into_owned())),
            _ => None,
        },
    }
}
