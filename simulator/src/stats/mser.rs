//! MSER-5: where to cut the warm-up (White, Cobb, Spratt, "A comparison of five steady-state truncation heuristics for simulation", 2000).

/// Batches that are kept before pairs are joined; 1.3 million requests are cut by exact batches of five, longer runs by 10, 20, ….
const MOST_BATCHES: usize = 1 << 18;

/// Latencies summed into batches of five by order of *arrival*, so that the order of completion makes no difference.
#[derive(Debug, Clone)]
pub(crate) struct Mser {
    /// Requests per batch: 5 · 2^k.
    size: u64,
    batches: Vec<Batch>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    sum: u128,
    count: u64,
    first_arrival: u64,
}

impl Default for Mser {
    fn default() -> Self {
        Self { size: 5, batches: Vec::new() }
    }
}

impl Mser {
    /// Notes that the `number`-th request (from 0) arrived; call in order.
    pub fn arrived(&mut self, number: u64, at: u64) {
        if !number.is_multiple_of(self.size) {
            return;
        }
        if self.batches.len() == MOST_BATCHES {
            self.join_pairs();
            if !number.is_multiple_of(self.size) {
                return;
            }
        }
        self.batches.push(Batch { first_arrival: at, ..Batch::default() });
    }

    /// Notes the latency of the `number`-th request; requests without one (rejected, say) are left out.
    pub fn served(&mut self, number: u64, latency: u64) {
        if let Some(batch) = self.batches.get_mut((number / self.size) as usize) {
            batch.sum += u128::from(latency);
            batch.count += 1;
        }
    }

    fn join_pairs(&mut self) {
        self.size *= 2;
        self.batches = self
            .batches
            .chunks(2)
            .map(|pair| Batch {
                sum: pair.iter().map(|batch| batch.sum).sum(),
                count: pair.iter().map(|batch| batch.count).sum(),
                first_arrival: pair[0].first_arrival,
            })
            .collect();
    }

    /// The time of arrival from which on to count: the cut d that minimises var(the rest) / (how many are left), looked for in the first
    /// half only, as usual. Zero when there is too little to judge (fewer than ten batches).
    pub fn cut(&self) -> u64 {
        let means: Vec<(u64, f64)> = self
            .batches
            .iter()
            .filter(|batch| batch.count > 0)
            .map(|batch| (batch.first_arrival, batch.sum as f64 / batch.count as f64))
            .collect();
        if means.len() < 10 {
            return 0;
        }
        // Backwards with Welford's update: the sum of squares of each tail in one pass.
        let (mut mean, mut squares, mut best) = (0.0, 0.0, (f64::INFINITY, 0));
        for (d, (_, value)) in means.iter().enumerate().rev() {
            let left = (means.len() - d) as f64;
            let delta = value - mean;
            mean += delta / left;
            squares += delta * (value - mean);
            let score = squares / (left * left);
            if d <= means.len() / 2 && score <= best.0 {
                best = (score, d);
            }
        }
        if best.1 == 0 { 0 } else { means[best.1].0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_of(latency: impl Fn(u64) -> u64, n: u64) -> u64 {
        let mut mser = Mser::default();
        for i in 0..n {
            mser.arrived(i, i * 10);
            mser.served(i, latency(i));
        }
        mser.cut()
    }

    /// Noise without a trend, from a fixed hash.
    fn noise(i: u64) -> u64 {
        (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) & 0xff
    }

    #[test]
    fn a_flat_series_loses_next_to_nothing() {
        assert!(cut_of(|i| 1000 + noise(i), 10_000) < 10 * 500);
    }

    #[test]
    fn a_ramp_at_the_start_is_cut_where_it_ends() {
        let cut = cut_of(|i| 1000.min(i) * 10 + noise(i), 10_000);
        assert!((9_000..=11_000).contains(&cut), "{cut}");
    }

    #[test]
    fn long_runs_join_batches_and_still_cut_at_the_same_place() {
        let cut = cut_of(|i| 400_000.min(i) / 100 + noise(i), 4_000_000);
        assert!((3_500_000..=4_500_000).contains(&cut), "{cut}");
    }

    #[test]
    fn too_little_to_judge_cuts_nothing() {
        assert_eq!(cut_of(|i| 100 - i, 45), 0);
    }
}
