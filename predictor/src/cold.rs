//! Cold start: a forecast from one hour of history on, for as long as there is too little for members to be judged on past origins.
//!
//! Below a day the recent level is held and fades into the mean of all that was seen; from a day on the days seen are repeated, moved to the last
//! hour's level, which fades. How sure that is can hardly be learnt from so little: the series' own errors at a lead count as many times as that
//! lead fits into its history, and beside them stands what such a forecast is usually wrong by (measured on public traces, see
//! docs/forecasting.md). So a lead that is longer than the history gets nearly the prior alone, which is wide.

use crate::{
    forecast::Basis,
    grid::Grid,
    member::recent_level,
    normal,
    paths::{Block, milli},
    request::DAY_MS,
    series::Series,
};

/// The finest bin; a longer horizon has coarser ones.
const BIN_MS: i64 = 60_000;
/// About so many bins at most.
const MOST_BINS: i64 = 1_500;
/// The last hour's level fades over that long, without and with a day's shape [h].
const FADE_HOURS: [f64; 2] = [8.0, 4.0];
/// Half-width of the smoothing of past days [ms].
const HALF_MS: i64 = 45 * 60_000;
/// The prior counts as many times as this many errors of the series' own.
const PRIOR_COUNT: f64 = 4.0;
/// Past origins that a lead's errors are taken from, at most.
const ORIGINS: usize = 32;
/// What a series jitters by where its history can't show it (one or two points) [z].
const JITTER: f64 = 0.25;
/// Usual error at long leads [z] and the lead at which 63 % of it are reached [h], without and with a day's shape.
const PRIOR: [(f64, f64); 2] = [(0.85, 4.0), (0.45, 1.5)];
/// Levels and phases of the courses that stand for the unknown in a window's maximum.
const COURSES: (usize, usize) = (9, 4);
/// Bins of a maximum's block.
const BLOCK_BINS: usize = 96;
/// Levels over which a mean is taken.
const MEAN_LEVELS: usize = 19;

/// A cold forecast on the log scale.
pub(crate) struct Cold {
    pub basis: Basis,
    pub block: Block,
    slots: usize,
    /// Median per bin [z].
    path: Vec<f64>,
    /// Width per bin [z]: a normal distribution's standard deviation up to its q.90.
    width: Vec<f64>,
    scores: Vec<f64>,
}

impl Cold {
    /// From what was observed up to the series' end; `None` without an observation. `leads` is the number of the series' steps to look ahead.
    pub fn new(series: &Series, scale: f64, observed_ms: i64, leads: usize, levels: &[f64]) -> Option<Self> {
        let step_ms = series.step_ms();
        let coarse = leads as i64 * step_ms / MOST_BINS;
        let slots = (BIN_MS.max(coarse) / step_ms).max(1) as usize;
        // Bins that aren't full at the series' start are lost: with one bin only, a finer one.
        let grid = Grid::build(series, if series.len() >= 4 * slots { slots } else { 1 }, scale);
        if grid.len() == 0 {
            return None;
        }
        let shaped = observed_ms >= DAY_MS && grid.days_before(grid.len() - 1) >= 1;
        let rule = Rule { series, grid: &grid, scale, shaped };
        let bins = leads.div_ceil(grid.slots);
        let path: Vec<f64> = (0..bins).map(|h| rule.says(grid.len() - 1, h)).collect();
        let width = rule.widths(bins);
        Some(Self {
            basis: if shaped { Basis::Day } else { Basis::Persistence },
            block: courses(&grid, &path, &width, rule.jitter()),
            slots: grid.slots,
            path,
            width,
            scores: levels.iter().map(|&level| student(level)).collect(),
        })
    }

    /// Quantiles of z, put into `out`, and the mean of e^z in the `i`-th step (from 0).
    pub fn step(&self, i: usize, out: &mut [f64]) -> f64 {
        let bin = (i / self.slots).min(self.path.len() - 1);
        let (path, width) = (self.path[bin], self.width[bin]);
        let even = (0..MEAN_LEVELS).map(|k| libm::exp(path + width * student((k as f64 + 0.5) / MEAN_LEVELS as f64)));
        out.iter_mut().zip(&self.scores).for_each(|(z, score)| *z = path + width * score);
        even.sum::<f64>() / MEAN_LEVELS as f64
    }
}

/// What is said at a bin, and how wrong that was so far.
struct Rule<'a> {
    series: &'a Series,
    grid: &'a Grid,
    scale: f64,
    shaped: bool,
}

impl Rule<'_> {
    /// z at lead `h` (from 0) after bin `at`.
    fn says(&self, at: usize, h: usize) -> f64 {
        let grid = self.grid;
        let level = recent_level(grid, at);
        let left = libm::exp(-grid.lead_hours(h + 1) / FADE_HOURS[usize::from(self.shaped)]);
        let (usual, then) = if self.shaped {
            let (day, half) = (grid.lag(1), (HALF_MS / grid.bin_ms) as usize);
            let days = grid.days_before(at).max(1);
            let mean = |from: usize, to: usize| grid.mean(from, to.max(from + 1));
            let lag = |k: usize| (at + 1 + h % day).saturating_sub(grid.lag(k));
            let usual = (1..=days).map(|k| mean(lag(k).saturating_sub(half), (lag(k) + half + 1).min(at + 1))).sum::<f64>();
            let then = (1..=days).map(|k| grid.hour_mean(at.saturating_sub(grid.lag(k)))).sum::<f64>();
            (usual / days as f64, then / days as f64)
        } else {
            let mean = grid.mean(0, at + 1);
            (mean, mean)
        };
        usual + (level - then) * left
    }

    /// Width per lead, growing.
    fn widths(&self, bins: usize) -> Vec<f64> {
        let mut marks: Vec<usize> = std::iter::successors(Some(1_usize), |lead| Some(lead * 2)).take_while(|lead| *lead < bins).collect();
        marks.push(bins);
        let mut widest = 0.0_f64;
        let known: Vec<f64> = marks
            .iter()
            .map(|&lead| {
                widest = widest.max(self.width(lead));
                widest
            })
            .collect();
        let between = |lead: usize| {
            let right = marks.partition_point(|&mark| mark < lead);
            let Some(left) = right.checked_sub(1) else { return known[0] };
            known[left] + (known[right] - known[left]) * (lead - marks[left]) as f64 / (marks[right] - marks[left]) as f64
        };
        (1..=bins).map(between).collect()
    }

    /// Own errors at a lead of so many bins, as many as are independent, drawn to what is usual.
    fn width(&self, lead: usize) -> f64 {
        let (most, hours) = PRIOR[usize::from(self.shaped)];
        let usual = most * -libm::expm1(-self.grid.lead_hours(lead) / hours);
        let prior = usual * usual + self.jitter() * self.jitter();
        let first = self.first();
        let windows = (self.grid.len().saturating_sub(first) as f64 / lead as f64 - 1.0).max(0.0);
        let own = self.squared_error(first, lead).unwrap_or(prior);
        ((windows * own + PRIOR_COUNT * prior) / (windows + PRIOR_COUNT)).sqrt()
    }

    /// The first bin after which something can be said.
    fn first(&self) -> usize {
        if self.shaped { self.grid.lag(1) } else { (self.grid.hour / 4).min(self.grid.len() / 2) }
    }

    /// Mean squared error of single steps at a lead, over past origins; `None` if the history holds none.
    fn squared_error(&self, first: usize, lead: usize) -> Option<f64> {
        let last = self.grid.len().checked_sub(1 + lead).filter(|last| *last >= first)?;
        let every = ((last - first) / ORIGINS).max(1);
        let skipped = self.series.len() - self.grid.len() * self.grid.slots;
        let (mut sum, mut n) = (0.0, 0.0);
        for at in (first..=last).step_by(every) {
            let said = self.says(at, lead - 1);
            let from = skipped + (at + lead) * self.grid.slots;
            for value in (from..from + self.grid.slots).filter_map(|i| self.series.value(i)) {
                let error = libm::log1p(value / self.scale) - said;
                sum += error * error;
                n += 1.0;
            }
        }
        (n > 0.0).then(|| sum / n)
    }

    /// Usual change from one step to the next.
    fn jitter(&self) -> f64 {
        let z = |i: usize| self.series.value(i).map(|value| libm::log1p(value / self.scale));
        let pairs = (1..self.series.len()).filter_map(|i| Some(z(i)? - z(i - 1)?));
        let (sum, n) = pairs.fold((0.0, 0.0), |(sum, n), change| (sum + change * change, n + 1.0));
        if n < 3.0 { JITTER } else { (sum / n / 2.0).sqrt() }
    }
}

/// Courses that the load may take, for the maximum of a window: waves of a day at every phase and several heights, with the steps' jitter.
/// The same every time: no randomness.
fn courses(grid: &Grid, path: &[f64], width: &[f64], jitter: f64) -> Block {
    let joined = path.len().div_ceil(BLOCK_BINS);
    let highest = |values: &[f64]| values.chunks(joined).map(|bin| milli(bin.iter().copied().fold(f64::NEG_INFINITY, f64::max))).collect();
    let (heights, phases) = COURSES;
    let steps = (joined * grid.slots) as f64;
    let mut past = Vec::with_capacity(heights * phases);
    for course in 0..heights * phases {
        let height = student(((course / phases) as f64 + 0.5) / heights as f64);
        let phase = (course % phases) as f64 / phases as f64;
        let wave = |h: usize| {
            let turn = std::f64::consts::TAU * (grid.lead_hours(h + 1) / 24.0);
            // Begins at the level of the quantile, so that a short window's maximum is that of its steps.
            height * (libm::cos(turn) + phase * libm::sin(turn).abs())
        };
        let course_path: Vec<f64> = path.iter().zip(width).enumerate().map(|(h, (z, width))| z + width * wave(h)).collect();
        let mut actual: Vec<i16> = highest(&course_path);
        for (bin, z) in actual.iter_mut().enumerate() {
            // Evenly spread levels (golden ratio); the highest of so many steps.
            let level = ((bin as f64 * 0.618_033_988_75 + course as f64 * 0.754_877_666_25).fract()).clamp(0.01, 0.99);
            *z = z.saturating_add(milli(jitter * normal::quantile(libm::pow(level, 1.0 / steps).min(0.999_9))));
        }
        past.push((highest(path), actual));
    }
    Block::of_courses(grid.bin_ms * joined as i64, highest(path), past)
}

/// Quantile of Student's distribution with four degrees of freedom (W. T. Shaw 2006, closed form), scaled so that its q.90 is that of a normal one.
fn student(level: f64) -> f64 {
    const TO_NORMAL: f64 = 1.281_551_565_544_6 / 1.533_206_274_059;
    let root = libm::sqrt(4.0 * level * (1.0 - level));
    let k = libm::cos(libm::acos(root.min(1.0)) / 3.0) / root;
    let away = 2.0 * libm::sqrt((k - 1.0).max(0.0)) * TO_NORMAL;
    if level < 0.5 { -away } else { away }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tails_are_heavier_than_a_normal_distributions_from_q90_on() {
        assert_eq!(student(0.5), 0.0);
        assert!((student(0.9) - normal::quantile(0.9)).abs() < 1e-6);
        assert!((student(0.99) - 3.132).abs() < 0.01 && (student(0.01) + 3.132).abs() < 0.01, "{}", student(0.99));
    }
}
