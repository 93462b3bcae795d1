//! A log-linear histogram: 2^BITS equal buckets per power of two, so that a bucket is never wider than 2^-BITS of its value.

/// Counts values in nanoseconds. Below 2^(BITS + 1) every value has its own bucket; above, a bucket's width is at most 2^-BITS of its lower
/// bound (BITS = 10: 0.098 %), which bounds the error of every quantile whatever the distribution; interpolation inside the bucket makes it
/// far smaller for smooth ones. The sum is exact. Merging is addition, so merged and pooled are the same to the last bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram<const BITS: u32 = 10> {
    /// Bucket number of `counts[0]`; only the touched range is kept.
    first: usize,
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl<const BITS: u32> Default for Histogram<BITS> {
    fn default() -> Self {
        Self { first: 0, counts: Vec::new(), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl<const BITS: u32> Histogram<BITS> {
    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let bucket = Self::bucket(value);
        match self.counts.get_mut(bucket.wrapping_sub(self.first)) {
            Some(count) => *count += 1,
            None => {
                self.cover(bucket, bucket);
                self.counts[bucket - self.first] += 1;
            }
        }
        self.count += 1;
        self.sum += u128::from(value);
        // Branches that are hardly ever taken cost less here than writing both back every time.
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
    }

    /// Adds everything that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.cover(other.first, other.first + other.counts.len() - 1);
        let offset = other.first - self.first;
        for (mine, theirs) in self.counts[offset..].iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact mean, rounded once; `None` when empty.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The largest value, exact; `None` when empty.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value below which the share `q` (0 to 1) lies, interpolated inside its bucket and never outside of what was seen; `None` when
    /// empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * self.count as f64;
        let mut below = 0;
        for (i, count) in self.counts.iter().enumerate() {
            if *count > 0 && (below + count) as f64 >= rank {
                let (low, width) = Self::bounds(self.first + i);
                // A bucket of one value has no inside to interpolate in.
                let inside = if width <= 1.0 { 0.0 } else { width * ((rank - below as f64) / *count as f64).clamp(0.0, 1.0) };
                return Some((low + inside).clamp(self.min as f64, self.max as f64));
            }
            below += count;
        }
        Some(self.max as f64)
    }

    #[inline]
    fn bucket(value: u64) -> usize {
        let shift = (63 - (value | 1).leading_zeros()).saturating_sub(BITS);
        ((shift as usize) << BITS) + (value >> shift) as usize
    }

    /// Lower bound and width of a bucket.
    fn bounds(bucket: usize) -> (f64, f64) {
        let shift = (bucket >> BITS).saturating_sub(1);
        let low = (bucket - (shift << BITS)) as u64;
        ((u128::from(low) << shift) as f64, (1_u128 << shift) as f64)
    }

    /// Makes room for the buckets `low..=high`; by whole octaves, so that it happens rarely.
    #[cold]
    fn cover(&mut self, low: usize, high: usize) {
        let octave = 1_usize << BITS;
        let (low, high) = if BITS >= 8 { (low / octave * octave, (high / octave + 1) * octave - 1) } else { (low, high) };
        if self.counts.is_empty() {
            self.first = low;
            self.counts = vec![0; high - low + 1];
            return;
        }
        if low < self.first {
            let more = self.first - low;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = low;
        }
        if high >= self.first + self.counts.len() {
            self.counts.resize(high - self.first + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_values_are_exact_and_zero_is_a_value() {
        let mut histogram = Histogram::<10>::default();
        for value in [0, 0, 0, 5, 1000] {
            histogram.record(value);
        }
        assert_eq!(histogram.quantile(0.5), Some(0.0));
        assert_eq!(histogram.quantile(0.7), Some(5.0));
        assert_eq!(histogram.quantile(1.0), Some(1000.0));
        assert_eq!(histogram.mean(), Some(201.0));
        assert_eq!(Histogram::<10>::default().quantile(0.5), None);
    }

    #[test]
    fn the_largest_value_fits() {
        let mut histogram = Histogram::<10>::default();
        histogram.record(u64::MAX);
        histogram.record(0);
        assert_eq!(histogram.quantile(1.0), Some(u64::MAX as f64));
    }

    proptest! {
        #[test]
        fn every_quantile_is_within_a_thousandth_of_an_order_statistic(
            mut values in prop::collection::vec((0_u32..50, 0_u64..1 << 20).prop_map(|(shift, low)| (low << shift) >> 12), 1..300),
            q in 0.0..=1.0_f64,
        ) {
            let mut histogram = Histogram::<10>::default();
            values.iter().for_each(|value| histogram.record(*value));
            values.sort_unstable();
            let rank = libm::ceil(q * values.len() as f64).max(1.0) as usize - 1;
            let exact = values[rank] as f64;
            let found = histogram.quantile(q).unwrap();
            prop_assert!((found - exact).abs() <= exact * 0.001, "q {q}: {found} instead of {exact}");
        }

        #[test]
        fn merged_is_the_same_as_pooled(a in prop::collection::vec(any::<u64>(), 0..50), b in prop::collection::vec(0_u64..10_000, 0..50)) {
            let fill = |values: &[u64]| {
                let mut histogram = Histogram::<10>::default();
                values.iter().for_each(|value| histogram.record(*value));
                histogram
            };
            let mut merged = fill(&a);
            merged.merge(&fill(&b));
            let pooled = fill(&a.iter().chain(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(merged.count(), pooled.count());
            prop_assert_eq!(merged.mean(), pooled.mean());
            for q in [0.0, 0.1, 0.5, 0.99, 1.0] {
                prop_assert_eq!(merged.quantile(q), pooled.quantile(q));
            }
        }
    }
}
