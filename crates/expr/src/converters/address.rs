//! Addresses under a mask.

use crate::args::{Arg, ArgKind, ArgSpec, Args};
use crate::cast;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::net::IpAddr;

/// IPv6 addresses that embed an IPv4 one are masked as that.
fn ipmask<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let Value::Ip(ip) = value else {
        return None;
    };
    let masked = match (cast::to_v4(ip), ip, args.get(0), args.get(1)) {
        (Some(ip), _, Some(Arg::Ipv4(mask)), _) => {
            IpAddr::from((u32::from(ip) & u32::from(*mask)).to_be_bytes())
        }
        (None, IpAddr::V6(ip), _, Some(Arg::Ipv6(mask))) => {
            IpAddr::from((u128::from(ip) & u128::from(*mask)).to_be_bytes())
        }
        _ => return None,
    };
    Some(Value::Ip(masked))
}

pub(super) static ROWS: &[ConverterRow] = &[ConverterRow::new(
    "ipmask",
    Type::Addr,
    Type::Addr,
    ipmask,
    "The network of an address.",
)
.args(&[
    ArgSpec::required(ArgKind::Mask4),
    ArgSpec::optional(ArgKind::Mask6),
])];
