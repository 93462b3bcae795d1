//! Maximum likelihood for interval-censored data: an observation says only which bucket it fell in, and the likelihood of a distribution is
//! that of the buckets' counts (Lindsey and Ryan, "Methods for interval-censored data", 1998). Families are compared by Akaike's
//! criterion; intervals come from the profile likelihood (Venzon and Moolgavkar, 1988).

use serde::Serialize;

use super::minimise::{crossing, golden, simplex};
use super::{Buckets, CalibrateError, Estimate, Family};

/// Half of the 95 % quantile of chi-squared with one degree of freedom.
const HALF_CHI_SQUARED: f64 = 1.920_729;
/// The logarithm of scv is searched within ± this: 1/8000 to 8000, what a scenario accepts.
const SHAPE: f64 = 9.0;
/// An interval's end is looked for within this factor of the mean, as a logarithm: beyond it the data set no limit.
const REACH: f64 = 5.0;

/// One family at its most likely parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Which.
    pub family: Family,
    /// Mean [ms].
    pub mean_ms: Estimate,
    /// Squared coefficient of variation; absent where the family fixes it.
    pub scv: Option<Estimate>,
    /// Akaike's criterion less that of the best candidate: 0 for the best, beyond 10 out of the question.
    pub aic_behind: f64,
    /// Largest distance between its distribution function and the observed one, at the bounds: 0 to 1. What matters with many observations,
    /// where every family is refused by a test.
    pub largest_gap: f64,
}

/// All candidates, the best first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// Observations that it rests on.
    pub observations: f64,
    /// The best first; never empty.
    pub candidates: Vec<Candidate>,
}

/// Fits each family. Two parameters need observations in three buckets; with fewer only the exponential is a candidate.
///
/// # Errors
/// [`CalibrateError::TooCoarse`] when all observations are in one bucket.
pub fn fit(buckets: &Buckets) -> Result<Fit, CalibrateError> {
    let (count, filled) = (buckets.total(), buckets.filled());
    if filled < 2 {
        return Err(CalibrateError::TooCoarse { count, filled, buckets: buckets.intervals().count() });
    }
    let mut found: Vec<(f64, Candidate)> = Vec::new();
    for family in Family::ALL.into_iter().filter(|family| family.parameters() < filled) {
        let likelihood = Likelihood { family, buckets };
        let (place, least) = likelihood.best();
        found.push((2.0 * least + 2.0 * family.parameters() as f64, likelihood.candidate(place, least)));
    }
    // Stable: of equals the simplest stays first.
    found.sort_by(|left, right| left.0.total_cmp(&right.0));
    let best = found.first().map_or(0.0, |(aic, _)| *aic);
    let behind = |(aic, candidate): (f64, Candidate)| Candidate { aic_behind: aic - best, ..candidate };
    Ok(Fit { observations: count, candidates: found.into_iter().map(behind).collect() })
}

/// The negative logarithm of the likelihood, over (log mean, log scv).
struct Likelihood<'b> {
    family: Family,
    buckets: &'b Buckets,
}

impl Likelihood<'_> {
    fn at(&self, [log_mean, log_scv]: [f64; 2]) -> f64 {
        if libm::fabs(log_scv) > SHAPE {
            return f64::INFINITY;
        }
        let (mean, scv) = (libm::exp(log_mean), libm::exp(log_scv));
        let filled = self.buckets.intervals().filter(|(_, _, count)| *count > 0.0);
        filled.map(|(from, to, count)| -count * libm::log(self.family.between(mean, scv, from, to).max(f64::MIN_POSITIVE))).sum()
    }

    fn free(&self) -> bool {
        self.family.parameters() == 2
    }

    fn best(&self) -> ([f64; 2], f64) {
        let (mean, scv) = self.buckets.rough();
        let log_mean = libm::log(mean);
        if !self.free() {
            let (place, least) = golden(log_mean - REACH, log_mean + REACH, 1e-10, |log_mean| self.at([log_mean, 0.0]));
            return ([place, 0.0], least);
        }
        // A second search from where the first ended: a simplex can collapse early.
        let (place, _) = simplex([log_mean, libm::log(scv)], 0.3, |place| self.at(place));
        simplex(place, 0.05, |place| self.at(place))
    }

    /// The least with one coordinate held.
    fn profile(&self, which: usize, held: f64, near: [f64; 2]) -> f64 {
        if !self.free() {
            return self.at([held, 0.0]);
        }
        let other = near[1 - which];
        let place = |free: f64| if which == 0 { [held, free] } else { [free, held] };
        let (low, high) = if which == 0 { ((other - 4.0).max(-SHAPE), (other + 4.0).min(SHAPE)) } else { (other - 3.0, other + 3.0) };
        golden(low, high, 1e-6, |free| self.at(place(free))).1
    }

    fn candidate(&self, place: [f64; 2], least: f64) -> Candidate {
        let threshold = least + HALF_CHI_SQUARED * self.dispersion(place);
        let estimate = |which: usize| {
            let above = |held: f64| self.profile(which, held, place) - threshold;
            let reach = if which == 0 { (place[0] - REACH, place[0] + REACH) } else { (-SHAPE, SHAPE) };
            Estimate {
                value: libm::exp(place[which]),
                low: crossing(place[which], reach.0, above).map_or(0.0, libm::exp),
                high: crossing(place[which], reach.1, above).map_or(f64::INFINITY, libm::exp),
            }
        };
        let scv = self.free().then(|| estimate(1));
        Candidate { family: self.family, mean_ms: estimate(0), scv, aic_behind: 0.0, largest_gap: self.largest_gap(place) }
    }

    /// How much more the counts differ from the model than chance alone would make them, at least 1: the deviance per degree of freedom, by
    /// which intervals are widened (McCullagh and Nelder, "Generalized Linear Models", 4.5).
    fn dispersion(&self, [log_mean, log_scv]: [f64; 2]) -> f64 {
        let (mean, scv, total) = (libm::exp(log_mean), libm::exp(log_scv), self.buckets.total());
        let filled = self.buckets.intervals().filter(|(_, _, count)| *count > 0.0);
        let deviance: f64 = filled
            .map(|(from, to, count)| {
                let expected = total * self.family.between(mean, scv, from, to).max(f64::MIN_POSITIVE);
                2.0 * count * libm::log(count / expected)
            })
            .sum();
        let free = self.buckets.filled().saturating_sub(1 + self.family.parameters());
        if free == 0 { 1.0 } else { (deviance / free as f64).max(1.0) }
    }

    fn largest_gap(&self, [log_mean, log_scv]: [f64; 2]) -> f64 {
        let (mean, scv, total) = (libm::exp(log_mean), libm::exp(log_scv), self.buckets.total());
        let (mut seen, mut gap) = (0.0, 0.0_f64);
        for (_, to, count) in self.buckets.intervals().filter(|(_, to, _)| to.is_finite()) {
            seen += count;
            gap = gap.max(libm::fabs(self.family.below_above(mean, scv, to).0 - seen / total));
        }
        gap
    }
}
