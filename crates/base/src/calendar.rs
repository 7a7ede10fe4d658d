//! Days of the Gregorian calendar.

/// The months' names in dates.
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A day by its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The year; 0 is the one before the first of our era.
    pub year: i64,
    /// From 1 to 12.
    pub month: i64,
    /// From 1 to 31.
    pub day: i64,
}

// Years are counted from March, so that the leap day comes last; 146,097 days are 400 years, and 719,468 days lie between
// March of year 0 and 1970.
impl Day {
    /// The day that is so many days after 1970-01-01.
    #[must_use]
    pub const fn of(number: i64) -> Self {
        let shifted = number + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        Self {
            year: year_of_era + era * 400 + if month <= 2 { 1 } else { 0 },
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
        }
    }

    /// How many days it is after 1970-01-01. A `day` outside of its month counts on into the next ones.
    #[must_use]
    pub const fn number(self) -> i64 {
        let year = if self.month <= 2 {
            self.year - 1
        } else {
            self.year
        };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The month's name, see [`MONTHS`].
    #[must_use]
    pub fn month_name(self) -> &'static str {
        let at = usize::try_from(self.month - 1).ok();
        at.and_then(|at| MONTHS.get(at)).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(number: i64) -> (i64, i64, i64) {
        let Day { year, month, day } = Day::of(number);
        (year, month, day)
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_778), (2026, 11, 21));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(Day::of(20_778).month_name(), "Nov");
    }

    #[test]
    fn a_day_beyond_the_month_is_one_of_the_next() {
        let day = |month, day| {
            Day {
                year: 2023,
                month,
                day,
            }
            .number()
        };
        assert_eq!(day(2, 29), day(3, 1));
    }

    proptest! {
        #[test]
        fn numbers_and_dates_agree(number in -1_000_000i64..4_000_000) {
            prop_assert_eq!(Day::of(number).number(), number);
            let next = Day::of(number + 1);
            prop_assert!(next.day == Day::of(number).day + 1 || next.day == 1);
        }
    }
}
