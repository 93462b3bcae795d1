//! A histogram as intervals with counts.

use super::CalibrateError;

/// Counts of observations between ascending bounds; the first interval begins at 0, the last has no end.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    bounds_ms: Vec<f64>,
    counts: Vec<f64>,
}

impl Buckets {
    /// From upper bounds `[ms]` and the cumulative counts at them, as Prometheus has them; one more count than bounds, that of `+Inf`.
    /// Counts may be fractions, as `increase()` gives them.
    ///
    /// # Errors
    /// Bounds that don't ascend from above 0, counts that fall, are negative or not finite, a wrong number of them.
    pub fn try_new(bounds_ms: &[f64], cumulative: &[f64]) -> Result<Self, CalibrateError> {
        let bad = |at: usize, what: String| Err(CalibrateError::Bucket { at, what });
        if bounds_ms.is_empty() || cumulative.len() != bounds_ms.len() + 1 {
            let what = format!(
                "{} bounds with {} counts; allowed: at least one bound, and one count more (+Inf)",
                bounds_ms.len(),
                cumulative.len()
            );
            return bad(0, what);
        }
        let (mut bound, mut counts, mut before) = (0.0, Vec::with_capacity(cumulative.len()), 0.0);
        for (at, count) in cumulative.iter().enumerate() {
            if let Some(next) = bounds_ms.get(at) {
                if !(next.is_finite() && *next > bound) {
                    return bad(at, format!("the bound {next} ms after {bound} ms; allowed: finite bounds above 0 that ascend"));
                }
                bound = *next;
            }
            if !(count.is_finite() && *count >= before) {
                return bad(at, format!("the count {count} after {before}; allowed: finite cumulative counts from 0 on that don't fall"));
            }
            counts.push(count - before);
            before = *count;
        }
        Ok(Self { bounds_ms: bounds_ms.to_vec(), counts })
    }

    /// Observations in all.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Intervals that hold observations.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0.0).count()
    }

    /// Each interval as (from, to, count) `[ms]`; the last goes to infinity.
    pub fn intervals(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.counts.iter().enumerate().map(|(at, count)| {
            let from = if at == 0 { 0.0 } else { self.bounds_ms[at - 1] };
            (from, self.bounds_ms.get(at).copied().unwrap_or(f64::INFINITY), *count)
        })
    }

    /// A rough mean and squared coefficient of variation, to start a search from: everything in the middle of its interval.
    pub(super) fn rough(&self) -> (f64, f64) {
        let total = self.total();
        let middle = |(from, to, count): (f64, f64, f64)| (if to.is_finite() { 0.5 * (from + to) } else { 1.5 * from }, count);
        let mean = self.intervals().map(middle).map(|(x, count)| x * count).sum::<f64>() / total;
        let square = self.intervals().map(middle).map(|(x, count)| (x - mean) * (x - mean) * count).sum::<f64>() / total;
        (mean, (square / (mean * mean)).clamp(0.01, 50.0))
    }
}
