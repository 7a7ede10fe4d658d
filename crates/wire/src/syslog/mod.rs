//! Syslog messages: writing their headers, reading them (RFC 3164, RFC 5424) and framing them in byte streams (RFC 6587).

mod dates;
mod frame;
mod header;
mod parse;

pub use dates::Dates;
pub use frame::{Frame, next_frame, write_octet_count};
pub use header::{Fields, Format, Time};
pub use parse::{Kind, Parsed, parse};

/// Writes a number in decimal.
fn write_number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}
