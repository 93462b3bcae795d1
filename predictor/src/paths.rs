//! Quantiles of a window's maximum from whole stretches of past residuals.

use serde::{Deserialize, Serialize};

use crate::{blend::Blend, forecast::Between, grid::Grid, series::Series, tracking::stretch_at};

/// What the maximum of any window is computed from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Maxima {
    /// Unit of the log scale: z = ln(1 + y / scale).
    pub scale: f64,
    /// From the shortest reach to the longest.
    pub blocks: Vec<Block>,
    /// What the distances from the median are multiplied by: per lead [ms], a factor a level of the forecast; none without a record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<(i64, Vec<f64>)>,
}

/// Binned paths from the origin to the block's reach, in thousandths of z.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Length of a bin [ms].
    pub bin_ms: i64,
    /// The forecast path's highest point per bin.
    pub path: Vec<i16>,
    /// The same at past origins, newest first.
    pub past: Vec<Past>,
}

/// What was predicted at a past origin and what came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// Recency weight.
    pub weight: f32,
    /// The path's highest point per bin.
    pub predicted: Vec<i16>,
    /// The highest value per bin; [`ABSENT`] without an observation.
    pub actual: Vec<i16>,
}

fn never_falls<'a>(factors: impl Iterator<Item = &'a mut f64>) {
    factors.fold(0.0, |most: f64, factor| {
        *factor = factor.max(most);
        *factor
    });
}

/// Values with their weights.
pub(crate) type Samples = Vec<(f64, f64)>;

/// A bin without an observation.
pub(crate) const ABSENT: i16 = i16::MIN;

impl Maxima {
    /// The quantile of the maximum over leads (`from_ms`, `to_ms`]; `None` if no block reaches that far. The first block that does answers, but
    /// never with less than the blocks of shorter reach say about their part of the window: a window is as high as any part of it.
    pub fn quantile(&self, from_ms: i64, to_ms: i64, q: f64) -> Option<f64> {
        let reaching = self.blocks.iter().position(|block| block.reach_ms() >= to_ms)?;
        let whole = self.of_block(&self.blocks[reaching], from_ms, to_ms, q)?;
        let shorter = self.blocks[..reaching].iter().filter(|block| block.reach_ms() > from_ms);
        Some(shorter.filter_map(|block| self.of_block(block, from_ms, block.reach_ms(), q)).fold(whole, f64::max))
    }

    /// The first block that knows leads up to that one [ms].
    pub fn reaching(&self, to_ms: i64) -> Option<&Block> {
        self.blocks.iter().find(|block| block.reach_ms() >= to_ms)
    }

    /// The factor of a window's maximum at a lead, between two of the levels; 1 without a record. Away from the median it never falls, so that
    /// the quantiles of a maximum never cross.
    pub fn stretch(&self, lead_ms: i64, levels: &[f64], between: &Between) -> f64 {
        if self.stretches.is_empty() {
            return 1.0;
        }
        let mut factors: Vec<f64> = (0..levels.len()).map(|level| stretch_at(&self.stretches, lead_ms, level)).collect();
        let middle = levels.partition_point(|level| *level < 0.5);
        let (lower, upper) = factors.split_at_mut(middle);
        never_falls(lower.iter_mut().rev());
        never_falls(upper.iter_mut());
        between.of(&factors)
    }

    /// What one block says about a window within its reach; `None` if it saw nothing there.
    fn of_block(&self, block: &Block, from_ms: i64, to_ms: i64, q: f64) -> Option<f64> {
        let first = (from_ms / block.bin_ms) as usize;
        let last = ((to_ms + block.bin_ms - 1) / block.bin_ms) as usize;
        let (stretched, shifted) = block.samples(first.min(last.saturating_sub(1)), last);
        let natural = |z: f64| self.scale * libm::expm1(z / 1000.0).max(0.0);
        let a = natural(weighted_quantile(&stretched, q)?);
        let b = natural(weighted_quantile(&shifted, q)?);
        Some((a * b).sqrt())
    }
}

impl Block {
    /// Lead up to which it knows anything [ms].
    fn reach_ms(&self) -> i64 {
        self.path.len() as i64 * self.bin_ms
    }

    /// Per past origin the maximum of (path + that origin's residuals), and the path's maximum shifted by that origin's error of it.
    ///
    /// A narrow window would see one bin of each past origin, and its upper quantiles would be whatever the two worst of those happened to be.
    /// So the errors of windows of the same width at similar leads are pooled (see [`Block::alike`]).
    fn samples(&self, first: usize, last: usize) -> (Samples, Samples) {
        let path = &self.path[first..last];
        let highest = path.iter().copied().max().map_or(0.0, f64::from);
        let starts = self.alike(first, last - first);
        let most = self.past.len() * starts.len();
        let (mut stretched, mut shifted) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for past in &self.past {
            for &start in &starts {
                let bins = (0..path.len()).filter(|i| past.actual[start + i] != ABSENT);
                let error = |i: usize| i32::from(past.actual[start + i]) - i32::from(past.predicted[start + i]);
                let reached = bins.clone().map(|i| i32::from(path[i]) + error(i)).max();
                let predicted = bins.clone().map(|i| past.predicted[start + i]).max();
                let actual = bins.map(|i| past.actual[start + i]).max();
                if let (Some(reached), Some(predicted), Some(actual)) = (reached, predicted, actual) {
                    stretched.push((f64::from(reached), f64::from(past.weight)));
                    shifted.push((highest + f64::from(actual) - f64::from(predicted), f64::from(past.weight)));
                }
            }
        }
        stretched.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        shifted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        (stretched, shifted)
    }
}

impl Block {
    /// First bins of windows of this width whose errors are like those of the window at `first`: at leads from half to twice as long, or up to a
    /// quarter of an hour away, and not overlapping. A wide window is alike to itself only.
    fn alike(&self, first: usize, width: usize) -> Vec<usize> {
        let near = (NEAR_MS / self.bin_ms) as usize;
        let lowest = (first / 2).min(first.saturating_sub(near));
        let latest = self.path.len() - width;
        let highest = (2 * first).max(first + near).min(latest);
        let stride = width.max((highest - lowest).div_ceil(WINDOWS));
        let before = (1..).map(|step| step * stride).take_while(|back| first >= lowest + back).map(|back| first - back);
        let after = (first..=highest).step_by(stride);
        before.chain(after).collect()
    }
}

/// Leads that differ by no more than this are alike, however short they are.
const NEAR_MS: i64 = 900_000;
/// About so many windows are pooled: enough for the upper quantiles, few enough to be asked at each tick.
const WINDOWS: usize = 8;

/// The quantile of weighted samples in ascending order, interpolated between the middles of their weights; `None` without a sample.
pub(crate) fn weighted_quantile(samples: &[(f64, f64)], q: f64) -> Option<f64> {
    weighted_quantiles(samples, &[q]).map(|found| found[0])
}

/// [`weighted_quantile`] at several levels, which must ascend.
pub(crate) fn weighted_quantiles(samples: &[(f64, f64)], levels: &[f64]) -> Option<Vec<f64>> {
    let highest = samples.last()?.0;
    let total: f64 = samples.iter().map(|s| s.1).sum();
    let mut found = Vec::with_capacity(levels.len());
    let mut below = 0.0;
    let mut previous: Option<(f64, f64)> = None;
    for &(value, weight) in samples {
        let level = (below + 0.5 * weight) / total;
        below += weight;
        while let Some(&q) = levels.get(found.len()).filter(|q| level >= **q) {
            found.push(match previous {
                Some((low, low_level)) if level > low_level => low + (value - low) * (q - low_level) / (level - low_level),
                _ => value,
            });
        }
        if found.len() == levels.len() {
            break;
        }
        previous = Some((value, level));
    }
    found.resize(levels.len(), highest);
    Some(found)
}

impl Block {
    /// From (predicted, actual) pairs of courses that count alike.
    pub fn of_courses(bin_ms: i64, path: Vec<i16>, courses: Vec<(Vec<i16>, Vec<i16>)>) -> Self {
        let past = courses.into_iter().map(|(predicted, actual)| Past { weight: 1.0, predicted, actual }).collect();
        Self { bin_ms, path, past }
    }

    /// With each bin taken from where `place` says, as far as there is one.
    pub fn rearranged(self, place: impl Fn(usize) -> usize) -> Self {
        let moved = |bins: &[i16]| (0..bins.len()).filter_map(|bin| bins.get(place(bin).min(bins.len() - 1)).copied()).collect();
        let past =
            self.past.iter().map(|past| Past { weight: past.weight, predicted: moved(&past.predicted), actual: moved(&past.actual) });
        Self { bin_ms: self.bin_ms, path: moved(&self.path), past: past.collect() }
    }

    /// From a path and what past origins showed; its bins are joined until at most `most` are left.
    pub fn new(grid: &Grid, path: &[f64], past: Vec<Past>, most: usize) -> Self {
        let joined = joined(path.len(), most);
        Self { bin_ms: grid.bin_ms * joined as i64, path: highest(path, joined), past }
    }
}

/// How many bins of a path become one, so that at most `most` are left.
pub(crate) fn joined(bins: usize, most: usize) -> usize {
    bins.div_ceil(most)
}

fn highest(path: &[f64], joined: usize) -> Vec<i16> {
    path.chunks(joined).map(|bins| milli(bins.iter().copied().fold(f64::NEG_INFINITY, f64::max))).collect()
}

/// What a blend predicted at past origins and what came, in the joined bins of [`Block::new`]. `decay` is the weight of an origin against the
/// one after it.
pub(crate) fn past(series: &Series, grid: &Grid, blend: &Blend, scale: f64, decay: f64, most: usize) -> Vec<Past> {
    let joined = joined(blend.path.len(), most);
    let skipped = series.len() - grid.len() * grid.slots;
    let mut weight = 1.0;
    let mut past = Vec::with_capacity(blend.past.len());
    for origin in &blend.past {
        let first = skipped + (origin.at + 1) * grid.slots;
        let slots = &series.raw()[first..(first + blend.path.len() * grid.slots).min(series.len())];
        // NaN loses against any number in f64::max.
        let actual = slots.chunks(joined * grid.slots).map(|bin| bin.iter().copied().fold(f64::NAN, f64::max));
        let mut actual: Vec<i16> = actual.map(|max| if max.is_nan() { ABSENT } else { milli(libm::log1p(max / scale)) }).collect();
        // What lies after the series' end is not known yet.
        actual.resize(blend.path.len().div_ceil(joined), ABSENT);
        past.push(Past { weight: (libm::round(weight * 1e4) / 1e4) as f32, predicted: highest(&origin.path, joined), actual });
        weight *= decay;
    }
    past
}

impl Past {
    /// Whether it has so many bins, and a weight.
    pub fn is_of(&self, bins: usize) -> bool {
        self.predicted.len() == bins && self.actual.len() == bins && self.weight.is_finite() && self.weight >= 0.0
    }
}

/// A z value in thousandths.
pub(crate) fn milli(z: f64) -> i16 {
    libm::round(z * 1000.0).clamp(-32_000.0, 32_000.0) as i16
}

#[cfg(test)]
mod tests;
