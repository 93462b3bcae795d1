//! Where an answer lies in time, and its points on the series' own step.

use crate::{boosted::Models, calendar::Calendar, forecast::Point, holiday::Effects, paths::Block, series::Series};

/// What is so small a share of the log scale's unit is zero.
const NOTHING: f64 = 1e-6;

/// Where an answer lies: asked for in UTC, found by the clocks.
pub(crate) struct Frame<'a> {
    pub calendar: &'a Calendar,
    pub models: &'a Models,
    pub effects: &'a Effects,
    pub origin_ms: i64,
    pub step_ms: i64,
    /// The slot after the history's last one, by the clocks.
    pub end_ms: i64,
    pub scale: f64,
    /// Of the history's values above 0.
    pub median: Option<f64>,
    pub horizon_ms: i64,
}

impl<'a> Frame<'a> {
    /// At the end of a series by the clocks.
    pub fn of(
        series: &Series,
        origin_ms: i64,
        horizon_ms: i64,
        (scale, median): (f64, Option<f64>),
        calendar: &'a Calendar,
        models: &'a Models,
        effects: &'a Effects,
    ) -> Self {
        Self { calendar, models, effects, origin_ms, step_ms: series.step_ms(), end_ms: series.end_ms(), scale, median, horizon_ms }
    }

    /// How far the clocks go within the horizon.
    pub fn reach_ms(&self) -> i64 {
        self.horizon_ms + self.calendar.ahead_ms(self.origin_ms, self.horizon_ms)
    }

    /// A block by the clocks as one by time.
    pub fn by_time(&self, block: Block) -> Block {
        if !self.calendar.changes_in(self.origin_ms, self.horizon_ms) {
            return block;
        }
        let bin_ms = block.bin_ms;
        let middle_ms = |bin: usize| (bin as i64 * 2 + 1) * bin_ms / 2;
        block.rearranged(|bin| (self.calendar.local_lead_ms(self.origin_ms, middle_ms(bin)).max(0) / bin_ms) as usize)
    }
}

/// Points on the series' step from `step`, which puts the quantiles of z in the `i`-th step (from 0), which ends at a time [epoch ms], into zeros,
/// and answers the mean of e^z.
pub(crate) fn points(frame: &Frame, levels: usize, step: impl Fn(usize, i64, &mut [f64]) -> f64) -> Vec<Point> {
    let Frame { calendar, origin_ms, step_ms, scale, horizon_ms, .. } = *frame;
    // How far the origin lies after the last slot: the grid of the answer is that of the origin.
    let phase = (calendar.local_ms(origin_ms) - (frame.end_ms - step_ms)) as f64 / step_ms as f64;
    let count = (horizon_ms + step_ms - 1) / step_ms;
    let slot = |i: usize, out: &mut [f64]| {
        let lead_ms = (i as i64 + 1) * step_ms;
        let place = (calendar.local_lead_ms(origin_ms, lead_ms) / step_ms - 1).max(0) as usize;
        step(place, calendar.local_ms(origin_ms + lead_ms), out)
    };
    let mut points: Vec<Point> = (0..count as usize)
        .map(|i| {
            let mut q = vec![0.0; levels];
            let mut growth = slot(i, &mut q);
            if phase > 0.0 {
                let mut later = vec![0.0; levels];
                growth += phase * (slot(i + 1, &mut later) - growth);
                q.iter_mut().zip(later).for_each(|(z, later)| *z += phase * (later - *z));
            }
            q.iter_mut().for_each(|z| *z = scale * libm::expm1(*z));
            Point { ts_ms: origin_ms + (i as i64 + 1) * step_ms, mean: scale * (growth - 1.0), q }
        })
        .collect();
    rounded(&mut points, scale);
    points
}

/// Without digits that are noise.
pub(crate) fn rounded(points: &mut [Point], scale: f64) {
    // A forecast that lies far below what was usual so far has its own digits, unless it is nothing but rounding errors.
    let highest = points.iter().map(|point| point.mean).fold(0.0, f64::max);
    let rounding = Rounding::new(if highest > NOTHING * scale { scale.min(highest) } else { scale });
    for point in points {
        point.mean = rounding.of(point.mean);
        point.q.iter_mut().for_each(|value| *value = rounding.of(*value));
    }
}

/// Six digits of the usual value: what lies below is noise that would only make answers long.
struct Rounding {
    /// The last digit's unit, or its inverse where that is the whole number.
    unit: f64,
    inverse: bool,
}

impl Rounding {
    fn new(scale: f64) -> Self {
        let digits = 4 - libm::floor(libm::log10(scale)) as i32;
        Self { unit: libm::pow(10.0, f64::from(digits.abs())), inverse: digits > 0 }
    }

    /// Never negative, never −0.
    fn of(&self, value: f64) -> f64 {
        let value = value.max(0.0);
        if self.inverse { libm::round(value * self.unit) / self.unit } else { libm::round(value / self.unit) * self.unit }
    }
}
