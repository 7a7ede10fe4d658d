//! The records that a name has, as the last answers told. Pure.

use std::net::IpAddr;
use wire::dns::{Record, Service, Type};
use xxhash_rust::xxh32::xxh32;

/// A record and when it was last answered.
#[derive(Debug, Clone)]
struct Item {
    hash: u32,
    record: Record,
    seen: u64,
}

/// The records of one name and type, in an order that does not depend on the order of answers: HAProxy's, so that both
/// give the same addresses to the same servers.
#[derive(Debug, Clone, Default)]
pub struct Records {
    items: Vec<Item>,
    /// The hash of the record that was taken last: the next one's turn is after it.
    last: Option<u32>,
}

/// What places a record: its type is the seed, so that an address does not stand where another family's would.
fn hash(record: &Record) -> u32 {
    match record {
        Record::Address(IpAddr::V4(ip)) => xxh32(&ip.octets(), Type::A.number().into()),
        Record::Address(IpAddr::V6(ip)) => xxh32(&ip.octets(), Type::Aaaa.number().into()),
        Record::Service(service) => xxh32(service.target.labels(), Type::Srv.number().into()),
    }
}

/// Whether two records are one, though perhaps with another weight.
fn same(a: &Record, b: &Record) -> bool {
    match (a, b) {
        (Record::Service(a), Record::Service(b)) => same_place(a, b),
        _ => a == b,
    }
}

/// Whether two records tell the same place of a service.
pub fn same_place(a: &Service, b: &Service) -> bool {
    a.port == b.port && a.target == b.target
}

impl Records {
    /// Takes an answer in. Records that it lacks are kept for `obsolete` milliseconds after the last answer that had them;
    /// those that go are returned.
    pub fn update(&mut self, answer: Vec<Record>, now: u64, obsolete: u64) -> Vec<Record> {
        let before = std::mem::take(&mut self.items);
        for record in answer {
            if !self.items.iter().any(|item| same(&item.record, &record)) {
                self.put(record, now);
            }
        }
        let mut gone = Vec::new();
        for old in before {
            if self
                .items
                .iter()
                .any(|item| same(&item.record, &old.record))
            {
                continue;
            }
            match old.seen + obsolete > now {
                true => self.put(old.record, old.seen),
                false => gone.push(old.record),
            }
        }
        // Once the record is gone whose turn it was last, turns begin anew.
        let last = self.last;
        self.last = last.filter(|last| self.items.iter().any(|item| item.hash == *last));
        gone
    }

    fn put(&mut self, record: Record, seen: u64) {
        let hash = hash(&record);
        let at = self.items.partition_point(|item| item.hash <= hash);
        self.items.insert(at, Item { hash, record, seen });
    }

    /// Forgets all records.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The addresses, beginning with the one whose turn it is.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let start = self.last.map_or(0, |last| {
            self.items.partition_point(|item| item.hash <= last)
        });
        let (before, after) = self.items.split_at(start);
        after
            .iter()
            .chain(before)
            .filter_map(|item| match item.record {
                Record::Address(ip) => Some(ip),
                Record::Service(_) => None,
            })
    }

    /// Takes note that an address was given to somebody.
    pub fn took(&mut self, ip: IpAddr) {
        self.last = Some(hash(&Record::Address(ip)));
    }

    /// The places of a service.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.items.iter().filter_map(|item| match &item.record {
            Record::Service(service) => Some(service),
            Record::Address(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dns::Name;

    fn address(text: &str) -> Record {
        Record::Address(text.parse().expect("an address"))
    }

    fn texts(records: &Records) -> Vec<String> {
        records.addresses().map(|ip| ip.to_string()).collect()
    }

    fn at(target: &str, port: u16) -> Record {
        Record::Service(Service {
            priority: 0,
            weight: 1,
            port,
            target: Name::from_text(target).expect("a name"),
            addresses: Vec::new(),
        })
    }

    /// The order in which HAProxy 3.4 gave these to servers.
    #[test]
    fn records_stand_in_a_fixed_order() {
        let mut records = Records::default();
        let ips = [
            "10.0.0.9",
            "10.0.0.1",
            "10.0.0.5",
            "192.168.7.1",
            "10.0.0.2",
            "1.1.1.1",
        ];
        records.update(ips.map(address).to_vec(), 0, 0);
        let order = [
            "192.168.7.1",
            "10.0.0.1",
            "10.0.0.9",
            "10.0.0.2",
            "10.0.0.5",
            "1.1.1.1",
        ];
        assert_eq!(texts(&records), order);
        let mut records = Records::default();
        let names =
            ["n1", "n2", "n3", "n4", "n5", "n6"].map(|name| at(&format!("{name}.test"), 80));
        let mut answer = names.to_vec();
        answer.extend([at("abc.example", 80), at("n1.test", 81)]);
        records.update(answer, 0, 0);
        let order: Vec<String> = records
            .services()
            .map(|s| format!("{}:{}", s.target, s.port))
            .collect();
        let expected = [
            "n3.test:80",
            "abc.example:80",
            "n2.test:80",
            "n5.test:80",
            "n6.test:80",
            "n4.test:80",
            "n1.test:80",
            "n1.test:81",
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn they_take_turns() {
        let mut records = Records::default();
        let answer = ["10.0.0.9", "10.0.0.1", "192.168.7.1"]
            .map(address)
            .to_vec();
        records.update(answer, 0, 0);
        let mut turns = Vec::new();
        for _ in 0..4 {
            let ip = records.addresses().next().expect("an address");
            records.took(ip);
            turns.push(ip.to_string());
        }
        assert_eq!(
            turns,
            ["192.168.7.1", "10.0.0.1", "10.0.0.9", "192.168.7.1"]
        );
        let answer = ["10.0.0.9", "10.0.0.1"].map(address).to_vec();
        records.update(answer, 0, 0);
        assert_eq!(
            texts(&records),
            ["10.0.0.1", "10.0.0.9"],
            "the last one taken is gone"
        );
    }

    #[test]
    fn what_is_not_answered_goes_after_a_while() {
        let mut records = Records::default();
        assert!(
            records
                .update(vec![at("a", 1), at("b", 1)], 100, 50)
                .is_empty()
        );
        assert!(records.update(vec![at("a", 1)], 149, 50).is_empty());
        assert_eq!(records.services().count(), 2);
        assert_eq!(records.update(vec![at("a", 1)], 150, 50), [at("b", 1)]);
        assert_eq!(
            records.update(vec![at("a", 2)], 150, 0),
            [at("a", 1)],
            "at the same moment"
        );
        assert_eq!(records.services().count(), 1);
    }
}
