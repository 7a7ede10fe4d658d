//! Which of a name's addresses a server gets. Pure.

use model::IpFamily;
use std::net::IpAddr;

/// What somebody wants of an address.
pub struct Wish<'a> {
    /// The preferred family.
    pub prefer: IpFamily,
    /// Preferred networks, each with the length of its prefix. Once there are any, a family without one is no use.
    pub networks: &'a [(IpAddr, u8)],
    /// The present address.
    pub current: Option<IpAddr>,
    /// Whether an address will do that somebody else of the group has.
    pub allow_duplicates: bool,
    /// Whether somebody else of the group has an address.
    pub taken: &'a dyn Fn(IpAddr) -> bool,
}

/// The best of some addresses, the first one among equals: the preferred family counts most, then the network, then
/// whether nobody else has it, then whether it is the present one.
pub fn choose(addresses: impl Iterator<Item = IpAddr>, wish: &Wish<'_>) -> Option<IpAddr> {
    let mut best: Option<(u32, IpAddr)> = None;
    for ip in addresses {
        let Some(score) = score(ip, wish) else {
            continue;
        };
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, ip));
        }
    }
    best.map(|(_, ip)| ip)
}

fn score(ip: IpAddr, wish: &Wish<'_>) -> Option<u32> {
    let family = IpFamily::of(ip);
    let mut networks = wish.networks.iter();
    if !wish.networks.is_empty() && !networks.any(|(net, _)| IpFamily::of(*net) == family) {
        return None;
    }
    let near = wish.networks.iter().any(|net| contains(*net, ip));
    let taken = (wish.taken)(ip);
    if taken && !wish.allow_duplicates {
        return None;
    }
    let points = [
        (family == wish.prefer, 8),
        (near, 4),
        (!taken, 2),
        (wish.current == Some(ip), 1),
    ];
    Some(points.iter().map(|(holds, n)| u32::from(*holds) * n).sum())
}

/// Whether an address lies in a network.
fn contains((net, bits): (IpAddr, u8), ip: IpAddr) -> bool {
    let (a, b, width) = match (net, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits().into(), b.to_bits().into(), 32_u32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let differing: u128 = a ^ b;
    differing
        .checked_shr(width.saturating_sub(bits.into()))
        .unwrap_or(0)
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn chosen(
        all: &[&str],
        prefer: IpFamily,
        networks: &[(&str, u8)],
        current: &str,
        taken: &[&str],
        dup: bool,
    ) -> String {
        let networks: Vec<_> = networks
            .iter()
            .map(|(net, bits)| (ip(net), *bits))
            .collect();
        let wish = Wish {
            prefer,
            networks: &networks,
            current: current.parse().ok(),
            allow_duplicates: dup,
            taken: &|ip| taken.contains(&ip.to_string().as_str()),
        };
        choose(all.iter().map(|text| ip(text)), &wish).map_or("-".into(), |ip| ip.to_string())
    }

    #[test]
    fn preferences() {
        use IpFamily::{V4, V6};
        let (a, b, c) = ("10.0.0.1", "10.0.0.2", "192.0.2.1");
        let six = "2001:db8::1";
        assert_eq!(chosen(&[a, six], V6, &[], "", &[], false), six);
        assert_eq!(chosen(&[six, a], V4, &[], "", &[], false), a);
        assert_eq!(
            chosen(&[six], V4, &[], "", &[], false),
            six,
            "the other family will do"
        );
        assert_eq!(
            chosen(&[a, b], V4, &[], b, &[], false),
            b,
            "the present one stays"
        );
        assert_eq!(chosen(&[a, c], V4, &[("192.0.2.0", 24)], a, &[], false), c);
        assert_eq!(
            chosen(&[a], V4, &[("192.0.2.0", 24)], "", &[], false),
            a,
            "outside of the network"
        );
        assert_eq!(
            chosen(&[six], V6, &[("192.0.2.0", 24)], "", &[], false),
            "-",
            "no network of this family"
        );
        assert_eq!(chosen(&[a, b], V4, &[], "", &[a], false), b);
        assert_eq!(chosen(&[a], V4, &[], a, &[a], false), "-");
        assert_eq!(chosen(&[a], V4, &[], "", &[a], true), a);
        assert_eq!(
            chosen(&[a, b], V4, &[], a, &[a], true),
            b,
            "one that is free is better"
        );
        assert_eq!(chosen(&[], V4, &[], a, &[], true), "-");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn networks_are_prefixes(a: u32, b: u32, bits in 0_u8..=32) {
            let expected = bits == 0 || (a ^ b) >> (32 - u32::from(bits)) == 0;
            prop_assert_eq!(contains((IpAddr::from(a.to_be_bytes()), bits), IpAddr::from(b.to_be_bytes())), expected);
        }

        #[test]
        fn the_choice_is_one_of_them_and_free(ips in prop::collection::vec(0_u8..8, 0..6), taken in prop::collection::vec(0_u8..8, 0..6)) {
            let of = |n: u8| IpAddr::from([10, 0, 0, n]);
            let wish = Wish {
                prefer: IpFamily::V6,
                networks: &[],
                current: None,
                allow_duplicates: false,
                taken: &|ip| taken.iter().any(|n| of(*n) == ip),
            };
            let free = ips.iter().find(|n| !taken.contains(n)).map(|n| of(*n));
            prop_assert_eq!(choose(ips.iter().map(|n| of(*n)), &wish), free);
        }
    }
}
