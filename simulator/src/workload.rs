//! Times of arrival as a sorted stream: they are merged with the other events, never put into the heap.

use balancer::Nanos;
use rand_pcg::Pcg64Mcg;

use crate::sample::{Exponential, open01};
use crate::scenario::{Arrivals, RatePhase};
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
    Sinusoid {
        mean_gap_ns: f64,
        amplitude: f64,
        period_ns: f64,
    },
    /// `until` is when the phase ends.
    Mmpp {
        phases: &'s [RatePhase],
        phase: usize,
        until: u64,
    },
    /// Straight lines between corners (ns, requests/s).
    Lines {
        corners: [(u64, f64); 4],
    },
    Log {
        at_ns: &'s [u64],
        sent: usize,
    },
    /// Sessions decide by themselves.
    None,
}

impl<'s> ArrivalStream<'s> {
    /// A fresh stream from the start of the run.
    pub fn new(arrivals: &'s Arrivals, mut rng: Pcg64Mcg) -> Self {
        let exponential = Exponential::new();
        let pattern = match arrivals {
            Arrivals::Poisson { rate_rps } => Pattern::Poisson { mean_gap_ns: SECOND as f64 / rate_rps },
            Arrivals::Constant { rate_rps } => Pattern::Constant { gap_ns: SECOND as f64 / rate_rps, sent: 0 },
            Arrivals::Series { step, rates_rps } => Pattern::Series { step: *step, rates_rps, bin: 0, into_ns: 0.0 },
            Arrivals::Sinusoid { rate_rps, amplitude, period } => Pattern::Sinusoid {
                mean_gap_ns: SECOND as f64 / (rate_rps * (1.0 + amplitude)),
                amplitude: *amplitude,
                period_ns: period.0 as f64,
            },
            Arrivals::Mmpp { phases } => {
                let until = phases.first().map_or(0, |phase| (phase.mean.0 as f64 * exponential.draw(&mut rng)) as u64);
                Pattern::Mmpp { phases, phase: 0, until }
            }
            Arrivals::Flash { rate_rps, peak_rps, at, ramp, hold, decay } => {
                Pattern::Lines { corners: Arrivals::corners(*rate_rps, *peak_rps, *at, *ramp, *hold, *decay) }
            }
            Arrivals::Log { at_ns } => Pattern::Log { at_ns, sent: 0 },
            Arrivals::Closed { .. } => Pattern::None,
        };
        Self { pattern, exponential, rng, now: 0 }
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
            Pattern::Log { at_ns, sent } => {
                let at = *at_ns.get(*sent)?;
                *sent += 1;
                at
            }
            Pattern::None => return None,
            Pattern::Sinusoid { .. } | Pattern::Mmpp { .. } | Pattern::Lines { .. } => self.modulated(),
        };
        Some(self.now)
    }

    /// The patterns whose rate moves within a step.
    fn modulated(&mut self) -> u64 {
        let Self { pattern, exponential, rng, now } = self;
        match pattern {
            Pattern::Sinusoid { mean_gap_ns, amplitude, period_ns } => {
                let mut at = *now;
                loop {
                    // Candidates at the highest rate, of which the share of the rate at their time stays.
                    at += (*mean_gap_ns * exponential.draw(rng) + 0.5) as u64;
                    let wave = 1.0 + *amplitude * libm::sin(std::f64::consts::TAU * (at as f64 / *period_ns));
                    if open01(rng) * (1.0 + *amplitude) < wave {
                        return at;
                    }
                }
            }
            Pattern::Mmpp { phases, phase, until } => {
                let mut at = *now;
                loop {
                    let RatePhase { rate_rps, .. } = phases[*phase];
                    let gap = if rate_rps > 0.0 { SECOND as f64 / rate_rps * exponential.draw(rng) + 0.5 } else { f64::INFINITY };
                    // Float to integer saturates, and so does the sum.
                    let next = at.saturating_add(gap as u64);
                    if next <= *until {
                        return next;
                    }
                    // Gaps are memoryless: in the next phase a new one starts.
                    at = *until;
                    *phase = (*phase + 1) % phases.len();
                    *until = at.saturating_add((phases[*phase].mean.0 as f64 * exponential.draw(rng)) as u64);
                }
            }
            Pattern::Lines { corners } => along(corners, *now, exponential.draw(rng)),
            _ => *now,
        }
    }
}

/// When the integrated rate has grown by `mass` since `now`, along straight lines between corners.
fn along(corners: &[(u64, f64); 4], now: u64, mut mass: f64) -> u64 {
    let mut at = now;
    loop {
        let next = corners.iter().position(|(corner, _)| *corner > at);
        let (rate, slope, left_ns) = match next {
            None => (corners[3].1, 0.0, f64::INFINITY),
            Some(0) => (corners[0].1, 0.0, (corners[0].0 - at) as f64),
            Some(i) => {
                let ((t0, r0), (t1, r1)) = (corners[i - 1], corners[i]);
                let slope = (r1 - r0) / (t1 - t0) as f64;
                (r0 + slope * (at - t0) as f64, slope, (t1 - at) as f64)
            }
        };
        let whole = left_ns * (rate + slope * left_ns / 2.0) / SECOND as f64;
        if next.is_none() || mass < whole {
            // rate x + slope x² / 2 = mass, in the form that doesn't cancel.
            let mass_ns = mass * SECOND as f64;
            let root = libm::sqrt((rate * rate + 2.0 * slope * mass_ns).max(0.0));
            return at.saturating_add((2.0 * mass_ns / (rate + root) + 0.5) as u64);
        }
        mass -= whole;
        at += left_ns as u64;
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

    #[test]
    fn a_sinusoid_has_its_rate_in_every_quarter() {
        let period = Nanos(100_000 * SECOND);
        let times = times(&Arrivals::Sinusoid { rate_rps: 10.0, amplitude: 0.8, period }, 100_000);
        let mut quarters = [0.0; 4];
        times.iter().for_each(|at| quarters[(at / (25_000 * SECOND)) as usize] += 1.0);
        // Mean of the sine over a quarter: 2 / π.
        let swing = 250_000.0 * 0.8 * 2.0 / std::f64::consts::PI;
        for (count, expected) in quarters.iter().zip([250_000.0 + swing, 250_000.0 + swing, 250_000.0 - swing, 250_000.0 - swing]) {
            assert!((count / expected - 1.0).abs() < 0.01, "{count} instead of {expected}");
        }
    }

    #[test]
    fn a_modulated_process_has_its_mean_and_more_variance_than_poisson() {
        let phases =
            vec![RatePhase { rate_rps: 5.0, mean: Nanos::from_secs(30) }, RatePhase { rate_rps: 50.0, mean: Nanos::from_secs(10) }];
        let arrivals = Arrivals::Mmpp { phases };
        assert!((arrivals.mean_rps() - 16.25).abs() < 1e-9);
        let times = times(&arrivals, 200_000);
        assert!((times.len() as f64 / 200_000.0 / 16.25 - 1.0).abs() < 0.03, "{}", times.len());
        let mut per_second = vec![0_f64; 200_000];
        times.iter().for_each(|at| per_second[(at / SECOND) as usize] += 1.0);
        let mean = times.len() as f64 / 2e5;
        let variance = per_second.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 2e5;
        // Variance of the rate: 0.75 × 0.25 × 45² = 380; on top of the 16 of Poisson, and a little smoothed by the second.
        assert!((340.0..420.0).contains(&variance), "{variance}");
    }

    #[test]
    fn a_flash_load_climbs_stays_and_falls_as_told() {
        let at = |s| Nanos(s * SECOND);
        let flash = Arrivals::Flash { rate_rps: 100.0, peak_rps: 900.0, at: at(100), ramp: at(100), hold: at(100), decay: at(200) };
        let times = times(&flash, 600);
        let count = |from: u64, to: u64| times.iter().filter(|at| (from * SECOND..to * SECOND).contains(*at)).count() as f64;
        for (from, to, expected) in
            [(0, 100, 10_000.0), (100, 200, 50_000.0), (200, 300, 90_000.0), (300, 500, 100_000.0), (500, 600, 10_000.0)]
        {
            let found = count(from, to);
            assert!((found - expected).abs() < 4.5 * f64::sqrt(expected), "{from} to {to}: {found} instead of {expected}");
        }
    }

    #[test]
    fn a_log_is_repeated_to_the_letter_and_ends_with_its_last() {
        let log = Arrivals::Log { at_ns: vec![0, 5, 5, 9 * SECOND].into() };
        assert_eq!(times(&log, 100), [0, 5, 5, 9 * SECOND]);
        assert_eq!(log.ends(), Some(9 * SECOND + 1));
    }
}
