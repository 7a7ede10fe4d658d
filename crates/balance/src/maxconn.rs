//! How many connections a server may have at this moment (`maxconn`, `minconn`, `fullconn`, `slowstart`).

/// A server's limits beside its backend's `fullconn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxconnRamp {
    /// The server's `minconn`, normalised (see [`normalize_minconn`]).
    pub minconn: u32,
    /// The server's `maxconn`, normalised.
    pub maxconn: u32,
    /// The backend's `fullconn`.
    pub fullconn: u32,
}

/// What the configuration's `minconn` and `maxconn` mean: one alone stands for both, as does a `minconn` above
/// `maxconn`. Zero is "not set".
#[must_use]
pub fn normalize_minconn(minconn: u32, maxconn: u32) -> (u32, u32) {
    match (minconn, maxconn) {
        (min, max) if min > max => (min, min),
        (0, max) => (max, max),
        both => both,
    }
}

/// The limit while `beconn` connections are on the backend; zero for none (manual, `fullconn`).
#[must_use]
pub fn effective_maxconn(ramp: &MaxconnRamp, beconn: u32) -> u32 {
    if beconn >= ramp.fullconn || ramp.minconn == ramp.maxconn {
        return ramp.maxconn;
    }
    let risen = u64::from(beconn) * u64::from(ramp.maxconn) / u64::from(ramp.fullconn.max(1));
    ramp.minconn.max(risen as u32)
}

/// A limit `elapsed` seconds into a `slowstart` of `total` milliseconds (manual, `slowstart`).
#[must_use]
pub fn slowstart_maxconn(limit: u32, elapsed_secs: u64, total_ms: u64) -> u32 {
    let whole = total_ms / 1000;
    if limit == 0 || whole == 0 || elapsed_secs >= whole {
        return limit;
    }
    let percent = 100 * elapsed_secs / whole;
    ((u64::from(limit) * percent / 100) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_rises_with_the_backend() {
        let ramp = MaxconnRamp {
            minconn: 100,
            maxconn: 1000,
            fullconn: 10_000,
        };
        let at = |beconn| effective_maxconn(&ramp, beconn);
        assert_eq!(
            (
                at(0),
                at(1000),
                at(1010),
                at(5000),
                at(9999),
                at(10_000),
                at(20_000)
            ),
            (100, 100, 101, 500, 999, 1000, 1000)
        );
        assert_eq!(
            effective_maxconn(
                &MaxconnRamp {
                    minconn: 0,
                    maxconn: 0,
                    fullconn: 10
                },
                3
            ),
            0
        );
        assert_eq!(
            effective_maxconn(
                &MaxconnRamp {
                    minconn: 1,
                    maxconn: u32::MAX,
                    fullconn: u32::MAX
                },
                7
            ),
            7
        );
    }

    #[test]
    fn one_bound_stands_for_both() {
        assert_eq!(normalize_minconn(0, 5), (5, 5));
        assert_eq!(normalize_minconn(5, 0), (5, 5));
        assert_eq!(normalize_minconn(9, 5), (9, 9));
        assert_eq!(normalize_minconn(2, 5), (2, 5));
        assert_eq!(normalize_minconn(0, 0), (0, 0));
    }

    #[test]
    fn slowstart_scales_and_never_closes() {
        assert_eq!(slowstart_maxconn(50, 0, 10_000), 1);
        assert_eq!(slowstart_maxconn(50, 5, 10_000), 25);
        assert_eq!(slowstart_maxconn(50, 10, 10_000), 50);
        assert_eq!(slowstart_maxconn(0, 5, 10_000), 0);
    }
}
