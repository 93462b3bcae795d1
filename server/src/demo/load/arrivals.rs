//! When requests are sent: a Poisson process whose rate follows the clock, held flat within each domain minute. Pure and seeded.

use rand_distr::{Distribution, Exp1};
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

/// One minute in milliseconds: how long a rate is held.
pub const MINUTE_MS: i64 = 60_000;

/// Requests per *wall* second at a domain time (epoch milliseconds, always the start of a minute). What isn't a positive number sends
/// nothing.
pub type Rate = dyn Fn(i64) -> f64 + Send + Sync;

/// The scheduled times, in domain nanoseconds since the start.
///
/// Exponential gaps of mean 1 are spent at the current rate, minute by minute: the exact inhomogeneous process for a piecewise constant
/// rate (time change; Çinlar, "Introduction to Stochastic Processes", 1975).
#[derive(Debug)]
pub struct Arrivals {
    rng: Pcg64Mcg,
    start_ms: i64,
    speed: f64,
    /// Domain nanoseconds since the start.
    now: f64,
    /// What is left of the gap to the next arrival, in expected requests.
    gap: f64,
}

impl Arrivals {
    /// Begins at `start_ms`; `speed` is how many domain seconds a wall second has.
    #[must_use]
    pub fn new(start_ms: i64, speed: f64, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let gap = Exp1.sample(&mut rng);
        Self { rng, start_ms, speed, now: 0.0, gap }
    }

    /// The next arrival if it lies before `until_ms`, as nanoseconds since the start. After `None`, ask again with a later limit.
    pub fn next_before(&mut self, until_ms: i64, rate: &Rate) -> Option<u64> {
        let until = (until_ms - self.start_ms) as f64 * 1e6;
        while self.now < until {
            let now_ms = self.start_ms + (self.now / 1e6) as i64;
            let minute = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
            let end = (((minute + MINUTE_MS - self.start_ms) as f64) * 1e6).min(until);
            let wall_rate = rate(minute);
            // Expected requests per domain nanosecond; NaN counts as none.
            let density = if wall_rate > 0.0 && wall_rate.is_finite() { wall_rate / self.speed / 1e9 } else { 0.0 };
            let room = (end - self.now) * density;
            if self.gap < room {
                self.now += self.gap / density;
                self.gap = Exp1.sample(&mut self.rng);
                return Some(self.now as u64);
            }
            self.gap -= room;
            self.now = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(seed: u64, rate: &Rate, minutes: i64) -> Vec<u64> {
        let mut arrivals = Arrivals::new(30_000, 60.0, seed);
        std::iter::from_fn(|| arrivals.next_before(30_000 + minutes * MINUTE_MS, rate)).collect()
    }

    #[test]
    fn counts_follow_the_rate_per_wall_second() {
        // At speed 60 a domain minute is a wall second.
        let times = all(1, &|_| 400.0, 100);
        let expected = 40_000.0f64;
        assert!((times.len() as f64 - expected).abs() < 4.0 * expected.sqrt(), "{}", times.len());
        assert!(times.is_sorted());
        // Poisson: the gaps' squared coefficient of variation is 1.
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance / mean / mean - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_rate_is_held_within_its_minute_and_gaps_send_nothing() {
        // Odd minutes are gaps of every kind.
        let rate = |minute: i64| match minute / MINUTE_MS % 6 {
            1 => 0.0,
            3 => f64::NAN,
            5 => -3.0,
            _ => 100.0,
        };
        let times = all(2, &rate, 60);
        assert!(times.len() > 2_000);
        for time in times {
            let minute = (30_000 + (time / 1_000_000) as i64) / MINUTE_MS;
            assert_eq!(minute % 2, 0, "an arrival in a gap, at {time}");
        }
    }

    #[test]
    fn asking_in_small_steps_gives_the_same_schedule() {
        let rate = |minute: i64| (minute / MINUTE_MS) as f64;
        let whole = all(3, &rate, 20);
        let mut arrivals = Arrivals::new(30_000, 60.0, 3);
        let mut stepped = Vec::new();
        for until in (30_000..=30_000 + 20 * MINUTE_MS).step_by(7_000) {
            stepped.extend(std::iter::from_fn(|| arrivals.next_before(until, &rate)));
        }
        stepped.extend(std::iter::from_fn(|| arrivals.next_before(30_000 + 20 * MINUTE_MS, &rate)));
        // The steps split sums of floating point numbers: equal to the microsecond.
        assert_eq!(whole.len(), stepped.len());
        assert!(whole.iter().zip(&stepped).all(|(a, b)| a.abs_diff(*b) < 1_000));
        assert_eq!(whole, all(3, &rate, 20), "same seed, same schedule");
    }
}
