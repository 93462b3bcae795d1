//! When a window's maximum comes: of many paths that the load may take, each has its own.
//!
//! A path is the forecast's median plus a whole stretch of past residuals, as for the maximum itself, so that the dependence between minutes is
//! kept. Paths are weighted by the age of their residuals.

use serde::{Deserialize, Serialize};

use crate::{
    forecast::Forecast,
    paths::{ABSENT, Block},
};

/// Share of the paths whose maximum lies between [`Peak::from_ms`] and [`Peak::to_ms`].
const SHARE: f64 = 0.5;

/// When the maximum of a window is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// End of the step with the highest median between `from_ms` and `to_ms` [epoch ms].
    pub at_ms: i64,
    /// Half of the paths have their maximum from here [epoch ms] …
    pub from_ms: i64,
    /// … to here [epoch ms]: the shortest such stretch.
    pub to_ms: i64,
}

impl Forecast {
    /// When the maximum over `[from_ms, to_ms]` comes; `None` as [`Forecast::window_max`]. Without past residuals it is the step with the highest
    /// median, and the whole window.
    #[must_use]
    pub fn peak(&self, from_ms: i64, to_ms: i64) -> Option<Peak> {
        let (first, last) = self.steps(from_ms, to_ms)?;
        let medians = self.medians(first, last)?;
        let highest = |steps: std::ops::RangeInclusive<usize>| {
            steps.reduce(|best, step| if medians[step - first] > medians[best - first] { step } else { best })
        };
        let lead_ms = |step: usize| (step as i64 + 1) * self.step_ms;
        let (begin_ms, end_ms) = (lead_ms(first) - self.step_ms, lead_ms(last));
        let (mut low_ms, mut high_ms) = (begin_ms, end_ms);
        if let Some(block) = self.maxima().reaching(end_ms) {
            let bins = (begin_ms / block.bin_ms) as usize..((end_ms + block.bin_ms - 1) / block.bin_ms) as usize;
            // What a bin's highest median is, events included.
            let mut base = vec![f64::NEG_INFINITY; bins.len()];
            for step in first..=last {
                let bin = ((lead_ms(step) - self.step_ms / 2 - 1).max(0) / block.bin_ms) as usize;
                let z = 1000.0 * libm::log1p(medians[step - first] / self.maxima().scale);
                if let Some(highest) = bin.checked_sub(bins.start).and_then(|bin| base.get_mut(bin)) {
                    *highest = highest.max(z);
                }
            }
            if let Some((from, to)) = shortest(&weights(block, bins.start, &base)) {
                low_ms = low_ms.max((bins.start + from) as i64 * block.bin_ms);
                high_ms = high_ms.min((bins.start + to + 1) as i64 * block.bin_ms);
            }
        }
        let within = (first..=last).filter(|&step| lead_ms(step) > low_ms && lead_ms(step) <= high_ms);
        let (mut from, mut to) = (first, last);
        if let (Some(low), Some(high)) = (within.clone().min(), within.max()) {
            (from, to) = (low, high);
        }
        let at = highest(from..=to)?;
        Some(Peak { at_ms: self.origin_ms + lead_ms(at), from_ms: self.origin_ms + low_ms, to_ms: self.origin_ms + high_ms })
    }
}

/// How much weight of the paths has its maximum in each bin of a window that begins at `first`.
fn weights(block: &Block, first: usize, base: &[f64]) -> Vec<f64> {
    let mut weights = vec![0.0; base.len()];
    for past in &block.past {
        let mut best: Option<(usize, f64)> = None;
        for (bin, base) in base.iter().enumerate() {
            let (actual, predicted) = (past.actual[first + bin], past.predicted[first + bin]);
            let z = base + f64::from(actual) - f64::from(predicted);
            if actual != ABSENT && best.is_none_or(|(_, highest)| z > highest) {
                best = Some((bin, z));
            }
        }
        if let Some((bin, _)) = best {
            weights[bin] += f64::from(past.weight);
        }
    }
    weights
}

/// The shortest stretch of bins with [`SHARE`] of the weight, the heaviest of several; `None` without any weight.
fn shortest(weights: &[f64]) -> Option<(usize, usize)> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let sum = |from: usize, to: usize| weights[from..=to].iter().sum::<f64>();
    let enough = |from: usize| (from..weights.len()).find(|&to| sum(from, to) >= SHARE * total).map(|to| (from, to));
    (0..weights.len()).filter_map(enough).min_by(|a, b| (a.1 - a.0).cmp(&(b.1 - b.0)).then(sum(b.0, b.1).total_cmp(&sum(a.0, a.1))))
}

#[cfg(test)]
mod tests;
