//! Times of arrival as a sorted stream: they are merged with the other events, never put into the heap.

use balancer::Nanos;
use rand_pcg::Pcg64Mcg;

use crate::sample::Exponential;
use crate::scenario::Arrivals;
use crate::units::SECOND;

/// The times of arrival of one replication, ascending.
#[derive(Debug)]
pub struct ArrivalStream<'s> {
    pattern: Pattern<'s>,
    exponential: Exponential,
    rng: Pcg64Mcg,
    now: u64,
}

#[derive(Debug)]
enum Pattern<'s> {
    Poisson {
        mean_gap_ns: f64,
    },
    Constant {
        gap_ns: f64,
        sent: u64,
    },
    /// `into_ns` is how far inside the bin the last arrival lies.
    Series {
        step: Nanos,
        rates_rps: &'s [f64],
        bin: usize,
        into_ns: f64,
    },
}

impl<'s> ArrivalStream<'s> {
    /// A fresh stream from the start of the run.
    pub fn new(arrivals: &'s Arrivals, rng: Pcg64Mcg) -> Self {
        let pattern = match arrivals {
            Arrivals::Poisson { rate_rps } => Pattern::Poisson { mean_gap_ns: SECOND as f64 / rate_rps },
            Arrivals::Constant { rate_rps } => Pattern::Constant { gap_ns: SECOND as f64 / rate_rps, sent: 0 },
            Arrivals::Series { step, rates_rps } => Pattern::Series { step: *step, rates_rps, bin: 0, into_ns: 0.0 },
        };
        Self { pattern, exponential: Exponential::new(), rng, now: 0 }
    }

    /// The next time of arrival; `None` when the series is over.
    #[inline]
    pub fn next_ns(&mut self) -> Option<u64> {
        self.now = match &mut self.pattern {
            Pattern::Poisson { mean_gap_ns } => self.now + (*mean_gap_ns * self.exponential.draw(&mut self.rng) + 0.5) as u64,
            Pattern::Constant { gap_ns, sent } => {
                *sent += 1;
                // From the count, not by adding up: no rounding error accumulates.
                libm::round(*gap_ns * *sent as f64) as u64
            }
            Pattern::Series { step, rates_rps, bin, into_ns } => {
                let mut mass = self.exponential.draw(&mut self.rng);
                let step_ns = step.0 as f64;
                loop {
                    let per_ns = rates_rps.get(*bin)? / SECOND as f64;
                    let left = (step_ns - *into_ns) * per_ns;
                    if mass < left {
                        *into_ns += mass / per_ns;
                        break (*bin as u64) * step.0 + *into_ns as u64;
                    }
                    mass -= left;
                    *bin += 1;
                    *into_ns = 0.0;
                }
            }
        };
        Some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, child};

    fn times(arrivals: &Arrivals, end_s: u64) -> Vec<u64> {
        let mut stream = ArrivalStream::new(arrivals, child(1, 0, Stream::Arrivals));
        std::iter::from_fn(|| stream.next_ns()).take_while(|at| *at < end_s * SECOND).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced_without_drift() {
        let times = times(&Arrivals::Constant { rate_rps: 3.0 }, 1_000_000);
        assert_eq!(times.len(), 2_999_999);
        assert_eq!(times[0], 333_333_333);
        assert_eq!(times[2_999_996], 999_999 * SECOND);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_variance() {
        let times = times(&Arrivals::Poisson { rate_rps: 50.0 }, 10_000);
        let mut per_second = vec![0_f64; 10_000];
        times.iter().for_each(|at| per_second[(at / SECOND) as usize] += 1.0);
        let mean = times.len() as f64 / 1e4;
        let variance = per_second.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 1e4;
        assert!((mean - 50.0).abs() < 0.3, "{mean}");
        assert!((variance / mean - 1.0).abs() < 0.06, "{variance}");
    }

    #[test]
    fn a_series_is_followed_flat_within_each_step_and_ends_with_its_last() {
        let step = Nanos(1_000 * SECOND);
        let arrivals = Arrivals::Series { step, rates_rps: vec![10.0, 0.0, 40.0, 0.0] };
        let times = times(&arrivals, u64::MAX / SECOND);
        let mut per_step = [0_usize; 4];
        times.iter().for_each(|at| per_step[(at / step.0) as usize] += 1);
        assert!(times.is_sorted());
        assert!(per_step[0].abs_diff(10_000) < 400 && per_step[2].abs_diff(40_000) < 800, "{per_step:?}");
        assert_eq!((per_step[1], per_step[3]), (0, 0));
        // Flat, not interpolated: the first and the second half of a step get the same.
        let half = times.iter().filter(|at| **at < step.0 / 2).count();
        assert!(half.abs_diff(5_000) < 300, "{half}");
    }
}
