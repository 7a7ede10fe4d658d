//! The local time zone.

use std::cell::Cell;

/// Zones change at quarters of an hour at most, in seconds.
const QUARTER: i64 = 900;

thread_local! {
    static KNOWN: Cell<Option<(i64, i32)>> = const { Cell::new(None) };
}

/// How many seconds local time is ahead of UTC at a time in seconds since 1970.
#[must_use]
pub fn utc_offset(seconds: i64) -> i32 {
    let quarter = seconds.div_euclid(QUARTER);
    if let Some((known, offset)) = KNOWN.get()
        && known == quarter
    {
        return offset;
    }
    let offset = ask(seconds);
    KNOWN.set(Some((quarter, offset)));
    offset
}

fn ask(seconds: i64) -> i32 {
    // SAFETY: all-zero bytes are a valid `tm`: integers and a null pointer.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types for the duration of the call.
    let known = unsafe { libc::localtime_r(&raw const seconds, &raw mut local) };
    if known.is_null() {
        0
    } else {
        i32::try_from(local.tm_gmtoff).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_some_zone() {
        for seconds in [0, 951_782_400, 1_795_234_682, 1_795_234_683] {
            let offset = utc_offset(seconds);
            assert!((-13 * 3600..=15 * 3600).contains(&offset), "{offset}");
            assert_eq!(offset, ask(seconds));
        }
    }
}
