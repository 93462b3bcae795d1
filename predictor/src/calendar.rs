//! Days of the week from epoch milliseconds (UTC), without a clock or a time zone table.

use crate::request::DAY_MS;

/// Day of the week of a time [epoch ms, UTC]: 0 is Monday.
#[must_use]
pub fn weekday(ts_ms: i64) -> u8 {
    // 1970-01-01 was a Thursday.
    (ts_ms.div_euclid(DAY_MS) + 3).rem_euclid(7) as u8
}

/// Saturday or Sunday (UTC).
#[must_use]
pub fn is_weekend(ts_ms: i64) -> bool {
    weekday(ts_ms) >= 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_was_a_thursday_and_the_days_before_it_count_too() {
        assert_eq!(weekday(0), 3);
        assert_eq!(weekday(-1), 2);
        assert_eq!(weekday(894_067_200_000), 5, "1998-05-02 was a Saturday");
        assert!(is_weekend(894_067_200_000 + DAY_MS) && !is_weekend(894_067_200_000 + 2 * DAY_MS));
    }
}
