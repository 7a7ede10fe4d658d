//! Reading patterns of the methods that do not compare text.

use std::borrow::Cow;
use std::net::IpAddr;

fn shown(key: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(key)
}

/// Reads `5`, `5:10`, `:10`, `5:`.
pub(super) fn parse_range(key: &[u8]) -> Result<(i64, i64), String> {
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

/// A network of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) enum Network {
    /// The first bits.
    Prefix(IpAddr, u8),
    /// The bits of a mask with gaps.
    Mask(IpAddr, IpAddr),
}

/// Reads an address, with `/` and a length or a mask behind it.
pub(super) fn parse_network(key: &[u8]) -> Result<Network, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
