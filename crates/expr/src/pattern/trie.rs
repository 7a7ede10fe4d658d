//! Tries: of texts by their first bytes, and of networks by their first bits.

/// No slot.
const NONE: u32 = u32::MAX;

/// Texts, found byte by byte. Where equal texts are added, the first slot stays.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    nodes: Vec<TextNode>,
}

#[derive(Debug, Clone)]
struct TextNode {
    /// The bytes that lead here from the parent.
    label: Box<[u8]>,
    slot: u32,
    /// First byte and place of each child, in the order of the bytes.
    children: Vec<(u8, u32)>,
}

impl TextNode {
    fn new(label: &[u8], slot: u32) -> Self {
        Self {
            label: label.into(),
            slot,
            children: Vec::new(),
        }
    }
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![TextNode::new(b"", NONE)],
        }
    }
}

impl Trie {
    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let children = &self.nodes.get(node as usize)?.children;
        let at = children.binary_search_by_key(&byte, |(b, _)| *b).ok()?;
        children.get(at).map(|(_, child)| *child)
    }

    fn add_node(&mut self, node: TextNode) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    fn link(&mut self, parent: u32, byte: u8, child: u32) {
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            match node.children.binary_search_by_key(&byte, |(b, _)| *b) {
                Ok(at) => node.children[at].1 = child,
                Err(at) => node.children.insert(at, (byte, child)),
            }
        }
    }

    /// Splits the label of `child` (below `parent`) so that its first `length` bytes get a node of their own.
    fn split(&mut self, parent: u32, child: u32, length: usize) -> u32 {
        let Some(node) = self.nodes.get_mut(child as usize) else {
            return child;
        };
        let (head, tail) = node.label.split_at(length);
        let (head, tail): (Box<[u8]>, Box<[u8]>) = (head.into(), tail.into());
        let (first, second) = (head.first().copied(), tail.first().copied());
        node.label = tail;
        let middle = self.add_node(TextNode::new(&head, NONE));
        self.link(middle, second.unwrap_or_default(), child);
        self.link(parent, first.unwrap_or_default(), middle);
        middle
    }

    /// The node of a text, made when it is not there.
    fn node(&mut self, key: &[u8]) -> u32 {
        let (mut at, mut rest) = (0u32, key);
        while let Some(&byte) = rest.first() {
            let Some(child) = self.child(at, byte) else {
                let leaf = self.add_node(TextNode::new(rest, NONE));
                self.link(at, byte, leaf);
                return leaf;
            };
            let label = self.nodes.get(child as usize).map_or(&[][..], |n| &n.label);
            let shared = label.iter().zip(rest).take_while(|(a, b)| a == b).count();
            let whole = shared == label.len();
            at = if whole {
                child
            } else {
                self.split(at, child, shared)
            };
            rest = rest.get(shared..).unwrap_or_default();
        }
        at
    }

    /// Adds a text, or returns the slot that it has already.
    pub(super) fn insert(&mut self, key: &[u8], slot: u32) -> Result<(), u32> {
        let at = self.node(key);
        match self.nodes.get_mut(at as usize) {
            Some(node) if node.slot == NONE => {
                node.slot = slot;
                Ok(())
            }
            Some(node) => Err(node.slot),
            None => Ok(()),
        }
    }

    /// Gives a text that is there another slot, or none.
    pub(super) fn replace(&mut self, key: &[u8], slot: Option<u32>) {
        let at = self.node(key);
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.slot = slot.unwrap_or(NONE);
        }
    }

    /// Hands length and slot of every text that `sample` begins with to `found`, the shortest first.
    pub(super) fn walk(
        &self,
        mut sample: impl Iterator<Item = u8>,
        mut found: impl FnMut(usize, u32),
    ) {
        let (mut at, mut depth) = (0u32, 0);
        while let Some(node) = self.nodes.get(at as usize) {
            if node.slot != NONE {
                found(depth, node.slot);
            }
            let Some(byte) = sample.next() else { return };
            let Ok(place) = node.children.binary_search_by_key(&byte, |(b, _)| *b) else {
                return;
            };
            at = node.children.get(place).map_or(NONE, |(_, child)| *child);
            let Some(child) = self.nodes.get(at as usize) else {
                return;
            };
            for expected in child.label.iter().skip(1) {
                if sample.next() != Some(*expected) {
                    return;
                }
            }
            depth += child.label.len();
        }
    }
}

/// Networks of one address family, with their bits at the high end of a number.
#[derive(Debug, Default, Clone)]
pub(super) struct Networks {
    nodes: Vec<BitNode>,
}

#[derive(Debug, Clone, Copy)]
struct BitNode {
    bits: u128,
    length: u8,
    slot: u32,
    children: [u32; 2],
}

fn prefix(bits: u128, length: u8) -> u128 {
    bits & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

/// The bit behind the first `length` ones.
fn bit(bits: u128, length: u8) -> usize {
    usize::from(length < 128 && bits << length >> 127 == 1)
}

impl Networks {
    fn add_node(&mut self, bits: u128, length: u8, slot: u32) -> u32 {
        self.nodes.push(BitNode {
            bits: prefix(bits, length),
            length,
            slot,
            children: [NONE; 2],
        });
        self.nodes.len() as u32 - 1
    }

    fn link(&mut self, parent: u32, child: u32) {
        let Some(bits) = self.nodes.get(child as usize).map(|n| n.bits) else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            let side = bit(bits, node.length);
            node.children[side] = child;
        }
    }

    /// The node of a network, made when it is not there.
    fn node(&mut self, bits: u128, length: u8) -> u32 {
        if self.nodes.is_empty() {
            self.add_node(0, 0, NONE);
        }
        let mut at = 0u32;
        while let Some(node) = self.nodes.get(at as usize).copied() {
            if node.length == length {
                return at;
            }
            let next = node.children[bit(bits, node.length)];
            let Some(child) = self.nodes.get(next as usize).copied() else {
                let leaf = self.add_node(bits, length, NONE);
                self.link(at, leaf);
                return leaf;
            };
            let shared = (bits ^ child.bits).leading_zeros().min(128) as u8;
            let shared = shared.min(child.length).min(length);
            if shared < child.length {
                let middle = self.add_node(bits, shared, NONE);
                self.link(at, middle);
                self.link(middle, next);
                at = middle;
            } else {
                at = next;
            }
        }
        at
    }

    /// Adds a network, or returns the slot that it has already.
    pub(super) fn insert(&mut self, bits: u128, length: u8, slot: u32) -> Result<(), u32> {
        let at = self.node(prefix(bits, length), length);
        match self.nodes.get_mut(at as usize) {
            Some(node) if node.slot == NONE => {
                node.slot = slot;
                Ok(())
            }
            Some(node) => Err(node.slot),
            None => Ok(()),
        }
    }

    /// Gives a network that is there another slot, or none.
    pub(super) fn replace(&mut self, bits: u128, length: u8, slot: Option<u32>) {
        let at = self.node(prefix(bits, length), length);
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.slot = slot.unwrap_or(NONE);
        }
    }

    /// The slot of the smallest network that holds an address of `width` bits.
    pub(super) fn find(&self, address: u128, width: u8) -> Option<u32> {
        let (mut at, mut best) = (0u32, NONE);
        while let Some(node) = self.nodes.get(at as usize) {
            if prefix(address, node.length) != node.bits {
                break;
            }
            if node.slot != NONE {
                best = node.slot;
            }
            if node.length >= width {
                break;
            }
            at = node.children[bit(address, node.length)];
        }
        (best != NONE).then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn texts_are_found_as_by_comparing_each(
            keys in proptest::collection::vec("[ab]{0,5}", 0..20),
            gone in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
            sample in "[abc]{0,8}",
        ) {
            let mut trie = Trie::default();
            let mut there: Vec<(usize, &String)> = Vec::new();
            for (slot, key) in keys.iter().enumerate() {
                match trie.insert(key.as_bytes(), slot as u32) {
                    Ok(()) => there.push((slot, key)),
                    Err(old) => prop_assert_eq!(&keys[old as usize], key),
                }
            }
            for index in gone.iter().filter(|_| !keys.is_empty()) {
                let key = index.get(&keys);
                trie.replace(key.as_bytes(), None);
                there.retain(|(_, k)| *k != key);
            }
            let mut found = Vec::new();
            trie.walk(sample.bytes(), |length, slot| found.push((length, slot as usize)));
            there.retain(|(_, key)| sample.starts_with(key.as_str()));
            there.sort_by_key(|(_, key)| key.len());
            let expected: Vec<_> = there.iter().map(|(slot, key)| (key.len(), *slot)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn the_smallest_network_is_found(
            networks in proptest::collection::vec((any::<u8>(), 0u8..=8), 0..20),
            gone in 0usize..5,
            address in any::<u8>(),
        ) {
            let high = |byte: u8| u128::from(byte) << 120;
            let mut tree = Networks::default();
            let mut there: Vec<(u128, u8, u32)> = Vec::new();
            for (slot, (byte, length)) in networks.iter().enumerate() {
                let bits = prefix(high(*byte), *length);
                match tree.insert(bits, *length, slot as u32) {
                    Ok(()) => there.push((bits, *length, slot as u32)),
                    Err(old) => prop_assert!(there.contains(&(bits, *length, old))),
                }
            }
            for _ in 0..gone.min(there.len()) {
                let (bits, length, _) = there.remove(0);
                tree.replace(bits, length, None);
            }
            let best = there
                .iter()
                .filter(|(bits, length, _)| prefix(high(address), *length) == *bits)
                .max_by_key(|(_, length, _)| *length);
            prop_assert_eq!(tree.find(high(address), 8), best.map(|(_, _, slot)| *slot));
        }
    }
}
