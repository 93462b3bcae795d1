//! Days of the week, and the local time of a service, without a clock or a time zone table.
//!
//! A history is laid on local time before anything is learnt from it, so that lags of whole days, weekdays and times of day stay at the same hour
//! when the clocks change. An hour that a change skips is a gap; of one that it repeats the second pass counts. The answer goes back to UTC.

use crate::{holiday::Holiday, request::DAY_MS, series::Series};

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

/// How a place's clocks stand against UTC. The default is UTC itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    offset_ms: i64,
    changes: Vec<(i64, i64)>,
    holidays: Vec<Holiday>,
}

impl Calendar {
    /// Clocks that are `offset_ms` ahead of UTC until the first change. A change is (from when on [epoch ms], ahead of UTC [ms]).
    #[must_use]
    pub fn new(offset_ms: i64, mut changes: Vec<(i64, i64)>) -> Self {
        changes.sort_unstable();
        Self { offset_ms, changes, holidays: Vec::new() }
    }

    /// With days that aren't as their weekday: what they do to the load is learnt apart, see [`Holiday`]. Those of the history count as much as
    /// those to come. Of several on one day the last one is told.
    #[must_use]
    pub fn with_holidays(self, holidays: Vec<Holiday>) -> Self {
        Self { holidays, ..self }
    }

    pub(crate) fn holidays(&self) -> &[Holiday] {
        &self.holidays
    }

    /// How far the clocks are ahead of UTC at a time [epoch ms].
    #[must_use]
    pub fn offset_ms(&self, ts_ms: i64) -> i64 {
        let passed = self.changes.partition_point(|(from_ms, _)| *from_ms <= ts_ms);
        passed.checked_sub(1).map_or(self.offset_ms, |last| self.changes[last].1)
    }

    /// What the clocks show at a time, as if it were UTC [ms].
    pub(crate) fn local_ms(&self, ts_ms: i64) -> i64 {
        ts_ms + self.offset_ms(ts_ms)
    }

    /// The time at which the clocks show that; one of the two where a change repeats it.
    pub(crate) fn utc_ms(&self, local_ms: i64) -> i64 {
        local_ms - self.offset_ms(local_ms - self.offset_ms(local_ms))
    }

    /// The furthest that the clocks go ahead of their state at a time within a stretch after it [ms].
    pub(crate) fn ahead_ms(&self, from_ms: i64, lasts_ms: i64) -> i64 {
        let within = self.changes.iter().filter(|(at_ms, _)| (from_ms..=from_ms + lasts_ms).contains(at_ms));
        within.map(|(_, offset_ms)| offset_ms - self.offset_ms(from_ms)).fold(0, i64::max)
    }

    /// Whether the clocks change in a stretch after a time.
    pub(crate) fn changes_in(&self, from_ms: i64, lasts_ms: i64) -> bool {
        self.changes.iter().any(|(at_ms, _)| (from_ms + 1..=from_ms + lasts_ms).contains(at_ms))
    }

    /// The lead by the clocks of a lead after an origin [ms].
    pub(crate) fn local_lead_ms(&self, origin_ms: i64, lead_ms: i64) -> i64 {
        lead_ms + self.offset_ms(origin_ms + lead_ms) - self.offset_ms(origin_ms)
    }

    /// The series by the clocks.
    pub(crate) fn localized(&self, series: Series) -> Series {
        let (start_ms, step_ms) = (series.start_ms(), series.step_ms());
        if !self.changes_in(start_ms, series.end_ms() - start_ms) {
            return series.moved(self.offset_ms(start_ms));
        }
        let last_ms = self.local_ms(series.end_ms() - step_ms);
        let before_last = |i: usize| (last_ms - self.local_ms(series.timestamp_ms(i)) + step_ms / 2).div_euclid(step_ms);
        let longest = (0..series.len()).map(before_last).fold(0, i64::max);
        let mut values = vec![None; if series.is_empty() { 0 } else { longest as usize + 1 }];
        for i in 0..series.len() {
            // Later rows win, and what the clocks of the origin haven't reached again is left out.
            if let (Ok(back), Some(value)) = (usize::try_from(before_last(i)), series.value(i)) {
                values[longest as usize - back] = Some(value);
            }
        }
        // As long as the series, give or take an hour; a series at the very limit stays as it is.
        Series::try_new(last_ms - longest * step_ms, step_ms, values).unwrap_or(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_hour_is_a_gap_and_a_repeated_one_is_seen_once() {
        let hour = 3_600_000;
        let series = Series::try_new(0, hour, (0..6).map(|i| Some(f64::from(i))).collect()).unwrap();
        let seen = |calendar: &Calendar| {
            let local = calendar.localized(series.clone());
            (local.start_ms() / hour, (0..local.len()).map(|i| local.value(i)).collect::<Vec<_>>())
        };
        let whole = |from: i32| (from..6).map(|i| Some(f64::from(i))).collect::<Vec<_>>();
        assert_eq!(seen(&Calendar::default()), (0, whole(0)));
        assert_eq!(seen(&Calendar::new(2 * hour, Vec::new())), (2, whole(0)));
        let spring = seen(&Calendar::new(hour, vec![(3 * hour, 2 * hour)]));
        assert_eq!(spring, (1, vec![Some(0.0), Some(1.0), Some(2.0), None, Some(3.0), Some(4.0), Some(5.0)]));
        let autumn = seen(&Calendar::new(2 * hour, vec![(3 * hour, hour)]));
        assert_eq!(autumn, (2, vec![Some(0.0), Some(1.0), Some(3.0), Some(4.0), Some(5.0)]));
    }

    #[test]
    fn the_epoch_was_a_thursday_and_the_days_before_it_count_too() {
        assert_eq!(weekday(0), 3);
        assert_eq!(weekday(-1), 2);
        assert_eq!(weekday(894_067_200_000), 5, "1998-05-02 was a Saturday");
        assert!(is_weekend(894_067_200_000 + DAY_MS) && !is_weekend(894_067_200_000 + 2 * DAY_MS));
    }
}
