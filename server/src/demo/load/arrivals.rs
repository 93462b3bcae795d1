//! When requests are sent: as many in each domain minute as the trace had, at random moments of it. Pure and seeded.
//!
//! Drawing the *number* at random too would add noise that the trace doesn't have, and that its history therefore couldn't teach.

use rand::RngExt;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

/// One minute in milliseconds: how long a rate is held.
pub const MINUTE_MS: i64 = 60_000;
const MINUTE_NS: f64 = 60e9;

/// Requests per *wall* second at a domain time (epoch milliseconds, always the start of a minute). What isn't a positive number sends
/// nothing.
pub type Rate = dyn Fn(i64) -> f64 + Send + Sync;

/// The scheduled times, in domain nanoseconds since the start.
///
/// Uniform moments within a minute are a Poisson process given its count (Çinlar, "Introduction to Stochastic Processes", 1975).
#[derive(Debug)]
pub struct Arrivals {
    rng: Pcg64Mcg,
    start_ms: i64,
    speed: f64,
    /// The minute that is planned next, epoch milliseconds.
    minute_ms: i64,
    /// What is left of the planned minute, latest first.
    planned: Vec<u64>,
    /// The part of a request by which the counts lag behind the rates.
    owed: f64,
}

impl Arrivals {
    /// Begins at `start_ms`; `speed` is how many domain seconds a wall second has.
    #[must_use]
    pub fn new(start_ms: i64, speed: f64, seed: u64) -> Self {
        let minute_ms = start_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        Self { rng: Pcg64Mcg::seed_from_u64(seed), start_ms, speed, minute_ms, planned: Vec::new(), owed: 0.0 }
    }

    /// The next arrival if it lies before `until_ms`, as nanoseconds since the start. After `None`, ask again with a later limit.
    pub fn next_before(&mut self, until_ms: i64, rate: &Rate) -> Option<u64> {
        let until = u64::try_from(until_ms - self.start_ms).ok()?.saturating_mul(1_000_000);
        while self.planned.is_empty() {
            if self.minute_ms >= until_ms {
                return None;
            }
            self.plan_minute(rate);
        }
        self.planned.pop_if(|at| *at < until)
    }

    fn plan_minute(&mut self, rate: &Rate) {
        let wall_rate = rate(self.minute_ms);
        // NaN counts as none. A minute of a million requests is beyond any generator, and would only fill the memory.
        let expected = if wall_rate > 0.0 && wall_rate.is_finite() { (wall_rate * 60.0 / self.speed).min(1e6) } else { 0.0 };
        self.owed += expected;
        let count = self.owed.floor();
        self.owed -= count;
        let begin = (self.minute_ms - self.start_ms) as f64 * 1e6;
        for _ in 0..count as usize {
            let at = begin + self.rng.random::<f64>() * MINUTE_NS;
            // The first minute has begun before the start.
            if at >= 0.0 {
                self.planned.push(at as u64);
            }
        }
        self.planned.sort_unstable_by(|a, b| b.cmp(a));
        self.minute_ms += MINUTE_MS;
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
        // A hundred minutes, of which the first half and the last half belong to the start's and the end's minute.
        assert!((39_900..=40_100).contains(&times.len()), "{}", times.len());
        let third: usize = times.iter().filter(|at| (**at / 1_000_000 + 30_000) / 60_000 == 3).count();
        assert_eq!(third, 400, "as many as the trace had");
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
        assert_eq!(whole, stepped);
        assert_eq!(whole, all(3, &rate, 20), "same seed, same schedule");
    }
}
