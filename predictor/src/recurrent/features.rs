//! What the network sees: the last day's hours before an origin, and for each hour ahead what the trees see there. For the next hour's network
//! a step is a quarter of an hour.

use crate::{
    boosted::{FEATURES, Origin},
    grid::{Grid, HOUR_MS},
    request::DAY_MS,
};

/// Steps that are read before the origin.
pub const READ: usize = 24;
/// Numbers per step that is read.
pub const PAST: usize = 6;
/// Numbers per step ahead.
pub const AHEAD: usize = FEATURES + 2;

/// No number is further from 0.
const MOST: f64 = 5.0;
/// The trees' features that are no differences in units, from which on, and what makes them about 1.
const OTHERS: usize = FEATURES - 6;
const OTHERS_SCALE: [f32; 6] = [1.0 / 12.0, 1.0, 1.0, 1.0 / 14.0, 2.0, 0.5];

/// How bins make steps.
pub(super) struct Steps<'a> {
    grid: &'a Grid,
    /// Bins of a step.
    bins: usize,
}

impl<'a> Steps<'a> {
    pub fn new(grid: &'a Grid, near: bool) -> Self {
        let step_ms = if near { HOUR_MS / 4 } else { HOUR_MS };
        Self { grid, bins: (step_ms / grid.bin_ms).max(1) as usize }
    }

    /// Steps of a horizon of so many bins.
    pub fn count(&self, horizon: usize) -> usize {
        horizon.div_ceil(self.bins)
    }

    /// Leads (from 0) of the `k`-th step ahead.
    pub fn leads(&self, k: usize, horizon: usize) -> std::ops::Range<usize> {
        k * self.bins..((k + 1) * self.bins).min(horizon)
    }

    /// Where lead `h` lies, in steps from the middle of the first.
    pub fn place(&self, h: usize) -> f64 {
        (h as f64 + 0.5) / self.bins as f64 - 0.5
    }

    /// What the network sees of the `k`-th step ahead.
    pub fn ahead(&self, origin: &Origin, k: usize) -> [f32; AHEAD] {
        let leads = self.leads(k, origin.base.len());
        let middle = (leads.start + leads.end) / 2;
        let mut seen = [0.0; AHEAD];
        for (i, (x, seen)) in origin.row(middle).into_iter().zip(&mut seen).enumerate() {
            let scale = if i < OTHERS { 1.0 } else { OTHERS_SCALE[i - OTHERS] };
            *seen = held(f64::from(x * scale));
        }
        seen[FEATURES..].copy_from_slice(&clock(self.grid, origin.at + 1 + middle));
        seen
    }
}

/// What the network reads before an origin, oldest first.
pub(super) fn past(steps: &Steps, origin: &Origin) -> Vec<[f32; PAST]> {
    let (grid, at, bins) = (steps.grid, origin.at, steps.bins);
    let mean = |end: usize| grid.mean((end + 1).saturating_sub(bins), end + 1);
    let level = grid.mean((at + 1).saturating_sub(grid.lag(1)), at + 1);
    let read = |back: usize| {
        let end = at.saturating_sub(back * bins);
        let now = mean(end);
        let since = |days: usize| end.checked_sub(grid.lag(days)).map_or(0.0, |then| (now - mean(then)) / origin.unit);
        let [sin, cos] = clock(grid, end);
        let weekend = f32::from(u8::from(grid.weekday(end) >= 5));
        [held((now - level) / origin.unit), held(since(1)), held(since(7)), sin, cos, weekend]
    };
    (0..READ).rev().map(read).collect()
}

/// The time of day of bin `i` on a circle.
fn clock(grid: &Grid, i: usize) -> [f32; 2] {
    let angle = std::f64::consts::TAU * grid.middle_ms(i).rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
    [libm::sin(angle) as f32, libm::cos(angle) as f32]
}

fn held(x: f64) -> f32 {
    x.clamp(-MOST, MOST) as f32
}
