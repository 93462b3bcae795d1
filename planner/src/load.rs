//! The recent load: what can be believed of the samples that came in.

use serde::{Deserialize, Serialize};

/// One usable measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// End of its interval.
    pub at_ms: i64,
    /// Demand `[rps]`, finite, not negative.
    pub rps: f64,
    /// The service shed or was full.
    pub saturated: bool,
}

/// The last samples, sorted by time. Missing, NaN, infinite and negative values, and times in the future, never get in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadWindow {
    samples: Vec<Sample>,
    /// How many values were unusable so far.
    pub unusable: u64,
}

/// Enough for the median of the recent past; more would only make the state larger.
pub(crate) const KEEP: usize = 32;

/// How far ahead of our clock a measurement may be stamped.
pub(crate) const CLOCK_SKEW_MS: i64 = 60_000;

impl LoadWindow {
    /// Takes a sample in, in whatever order it comes; of two with the same time the later one wins.
    pub fn insert(&mut self, at_ms: i64, rps: Option<f64>, saturated: bool, now_ms: i64) {
        let Some(rps) = rps.filter(|x| x.is_finite() && *x >= 0.0 && at_ms <= now_ms.saturating_add(CLOCK_SKEW_MS)) else {
            self.unusable += 1;
            return;
        };
        let sample = Sample { at_ms, rps, saturated };
        match self.samples.binary_search_by_key(&at_ms, |s| s.at_ms) {
            Ok(i) => self.samples[i] = sample,
            Err(i) => self.samples.insert(i, sample),
        }
        if self.samples.len() > KEEP {
            self.samples.remove(0);
        }
    }

    /// The newest usable measurement.
    pub fn latest(&self) -> Option<&Sample> {
        self.samples.last()
    }

    /// Median of the samples before the newest, back to `within_ms` before it; `None` with fewer than three.
    pub fn median_before(&self, within_ms: i64) -> Option<f64> {
        let (newest, before) = self.samples.split_last()?;
        let mut recent: Vec<f64> = before.iter().filter(|s| s.at_ms >= newest.at_ms - within_ms).map(|s| s.rps).collect();
        recent.sort_by(f64::total_cmp);
        if recent.len() < 3 { None } else { Some(recent[recent.len() / 2]) }
    }

    /// What was measured after `from_ms`, oldest first; `None` unless that is all of it: a measurement at or before `from_ms` is known too, and
    /// none is further than `gap_ms` from the next.
    pub fn since(&self, from_ms: i64, gap_ms: i64) -> Option<&[Sample]> {
        let first = self.samples.partition_point(|s| s.at_ms <= from_ms);
        let known = self.samples.get(first.checked_sub(1)?..)?;
        let whole = known.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms <= gap_ms);
        if whole { self.samples.get(first..) } else { None }
    }

    /// The clock was set back: measurements from the future are dropped.
    pub fn clamp(&mut self, now_ms: i64) {
        self.samples.retain(|s| s.at_ms <= now_ms.saturating_add(CLOCK_SKEW_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_values_get_in_and_order_does_not_matter() {
        let mut load = LoadWindow::default();
        for (at, rps) in [(30, Some(3.0)), (10, Some(1.0)), (20, Some(9.0)), (20, Some(2.0)), (40, None), (40, Some(f64::NAN))] {
            load.insert(at, rps, false, 1_000);
        }
        load.insert(40, Some(-1.0), false, 1_000);
        load.insert(40, Some(f64::INFINITY), false, 1_000);
        load.insert(1_000 + CLOCK_SKEW_MS + 1, Some(5.0), false, 1_000);
        assert_eq!(load.samples.iter().map(|s| s.rps).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!(load.unusable, 5);
        assert_eq!(load.latest().map(|s| s.at_ms), Some(30));
        assert_eq!(load.median_before(100), None);
        load.insert(50, Some(50.0), true, 1_000);
        assert_eq!(load.median_before(100), Some(2.0));
    }

    #[test]
    fn the_past_is_known_whole_or_not_at_all() {
        let mut load = LoadWindow::default();
        assert_eq!(load.since(0, 60), None);
        for at in [10, 60, 120, 180] {
            load.insert(at, Some(at as f64), false, 1_000);
        }
        let since = |from, gap| load.since(from, gap).map(|known| known.iter().map(|s| s.at_ms).collect::<Vec<_>>());
        assert_eq!(since(60, 60), Some(vec![120, 180]));
        assert_eq!(since(70, 60), Some(vec![120, 180]));
        assert_eq!(since(180, 60), Some(vec![]));
        assert_eq!(since(9, 60), None, "nothing is known of before");
        assert_eq!(since(60, 59), None, "a gap");
    }

    #[test]
    fn it_stays_small() {
        let mut load = LoadWindow::default();
        (0..1_000).for_each(|i| load.insert(i, Some(i as f64), false, i));
        assert_eq!(load.samples.len(), KEEP);
        assert_eq!(load.latest().map(|s| s.rps), Some(999.0));
    }
}
