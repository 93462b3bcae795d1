//! Latencies in a log-linear histogram: exact counts and sums, quantiles within 3 % before interpolation, safe to record from many tasks.
//!
//! 32 steps per power of two over microseconds (the layout of HdrHistogram; G. Tene). Snapshots subtract and merge exactly, so that a
//! window is the difference of two snapshots.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

const STEP_BITS: u32 = 5;
const STEPS: u64 = 1 << STEP_BITS;
/// Longer than this (71 minutes) counts as this long.
const LARGEST_US: u64 = (1 << 32) - 1;
const BUCKETS: usize = ((32 - STEP_BITS as usize) + 1) << STEP_BITS;

fn bucket_of(us: u64) -> usize {
    let us = us.min(LARGEST_US);
    if us < STEPS {
        return us as usize;
    }
    let octave = 63 - us.leading_zeros();
    let shift = octave - STEP_BITS;
    ((u64::from(shift + 1) << STEP_BITS) + (us >> shift) - STEPS) as usize
}

/// The smallest number of microseconds that falls into this bucket.
fn floor_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = (bucket >> STEP_BITS) - 1;
    (STEPS + (bucket & (STEPS - 1))) << shift
}

/// A histogram that many tasks record into.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, sum_us: AtomicU64::new(0), max_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).min(LARGEST_US);
        self.buckets[bucket_of(us)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
        self.max_us.fetch_max(us, Relaxed);
    }

    /// What was counted until now. Counts that arrive meanwhile may be in or not.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let count = counts.iter().sum();
        HistogramSnapshot { counts, count, sum_us: self.sum_us.load(Relaxed), max_us: self.max_us.load(Relaxed) }
    }
}

/// The counts of a [`Histogram`] at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HistogramSnapshot {
    counts: Vec<u64>,
    /// How many latencies were recorded.
    pub count: u64,
    /// Their sum in microseconds, exact up to the microsecond each.
    pub sum_us: u64,
    /// The largest, in microseconds. A difference keeps the larger histogram's.
    pub max_us: u64,
}

impl HistogramSnapshot {
    /// The latency in milliseconds below which the share `q` (0 to 1) lies; `None` if nothing was recorded or `q` is no share.
    #[must_use]
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = (q * self.count as f64).max(1.0);
        let mut below = 0u64;
        for (bucket, &here) in self.counts.iter().enumerate() {
            if here > 0 && (below + here) as f64 >= rank {
                let (from, to) = (floor_of(bucket) as f64, floor_of(bucket + 1) as f64);
                let us = from + (to - from) * (rank - below as f64) / here as f64;
                return Some(us.min(self.max_us as f64) / 1_000.0);
            }
            below += here;
        }
        None
    }

    /// Mean in milliseconds; `None` if nothing was recorded.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_us as f64 / self.count as f64 / 1_000.0)
    }

    /// How many lie at or below `limit` (whole buckets; the one that holds the limit counts in proportion, rounded).
    #[must_use]
    pub fn count_within(&self, limit: Duration) -> u64 {
        let us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        if us > LARGEST_US {
            return self.count;
        }
        let split = bucket_of(us);
        let whole: u64 = self.counts.iter().take(split).sum();
        let (from, to) = (floor_of(split) as f64, floor_of(split + 1) as f64);
        let here = self.counts.get(split).copied().unwrap_or(0) as f64;
        whole + (here * ((us as f64 + 1.0 - from) / (to - from)).min(1.0)).round() as u64
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum_us += other.sum_us;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// What was recorded since `earlier`, an older snapshot of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let old = |bucket: usize| earlier.counts.get(bucket).copied().unwrap_or(0);
        let counts: Vec<u64> = self.counts.iter().enumerate().map(|(bucket, &now)| now.saturating_sub(old(bucket))).collect();
        let count = counts.iter().sum();
        Self { counts, count, sum_us: self.sum_us.saturating_sub(earlier.sum_us), max_us: self.max_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_lies_in_its_bucket_and_buckets_are_narrow(us in 0u64..=LARGEST_US) {
            let bucket = bucket_of(us);
            let (from, to) = (floor_of(bucket), floor_of(bucket + 1));
            prop_assert!(bucket < BUCKETS);
            prop_assert!(from <= us && us < to, "{from} {us} {to}");
            prop_assert!((to - from) as f64 <= 1.0f64.max(from as f64 / 32.0));
        }

        #[test]
        fn quantiles_are_within_a_bucket_of_the_sorted_list(mut us in prop::collection::vec(0u64..5_000_000, 1..200), q in 0.0f64..=1.0) {
            let histogram = Histogram::default();
            for &value in &us {
                histogram.record(Duration::from_micros(value));
            }
            us.sort_unstable();
            let rank = (q * us.len() as f64).max(1.0).ceil() as usize;
            let exact = us[rank - 1] as f64 / 1_000.0;
            let got = histogram.snapshot().quantile_ms(q).unwrap();
            prop_assert!((got - exact).abs() <= exact / 16.0 + 0.002, "{got} {exact}");
        }
    }

    #[test]
    fn a_window_is_the_difference_of_two_snapshots() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(5));
        let before = histogram.snapshot();
        histogram.record(Duration::from_millis(50));
        histogram.record(Duration::from_millis(70));
        let window = histogram.snapshot().since(&before);
        assert_eq!(window.count, 2);
        assert_eq!(window.count_within(Duration::from_millis(60)), 1);
        assert_eq!(window.mean_ms(), Some(60.0));
        let mut whole = before;
        whole.merge(&window);
        assert_eq!(whole, histogram.snapshot());
    }

    #[test]
    fn nothing_recorded_has_no_quantile() {
        assert_eq!(Histogram::default().snapshot().quantile_ms(0.95), None);
        assert_eq!(HistogramSnapshot::default().mean_ms(), None);
    }
}
