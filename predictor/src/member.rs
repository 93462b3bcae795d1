//! The members of the blend. Each predicts z at leads 1 … H from what is known at one bin; none may read a bin after it.

mod calendar_average;
mod elastic_net;
mod naive;
mod ridge;
mod tree;

pub(crate) use calendar_average::Averages;
pub(crate) use naive::{Simple, naive, recent_level};
pub(crate) use ridge::{Coefficients, Penalty, Ridge};
pub(crate) use tree::Forest;

use crate::grid::Grid;

/// How many whole-day lags are used at most.
pub(crate) const MAX_LAGS: usize = 28;

/// A stretch of leads with one weekday and one number of days ahead.
pub(crate) struct Segment {
    /// Leads `from..to` counted from 0 (lead `h` is the bin `at + 1 + h`).
    pub from: usize,
    pub to: usize,
    /// Weekday of the target, 0 = Monday.
    pub weekday: u8,
    /// Whole days between the known bin and the target: lags below `ahead + 1` days are not known.
    pub ahead: usize,
}

/// What every member needs to know about one bin: computed once a bin, shared.
pub(crate) struct Known<'a> {
    pub grid: &'a Grid,
    /// The last known bin.
    pub at: usize,
    /// Lags of 1 … `lags` days exist.
    pub lags: usize,
    /// Mean of the last hour.
    pub hour: f64,
    /// Mean of the hour that ended k days ago; index k − 1.
    pub hour_ago: Vec<f64>,
    /// Mean of the last 24 h less that of the same hours k days before; index k − 1.
    pub change: Vec<f64>,
    pub segments: Vec<Segment>,
}

impl<'a> Known<'a> {
    pub fn at(grid: &'a Grid, at: usize, horizon: usize) -> Self {
        let day = grid.lag(1);
        let lags = grid.days_before(at).min(MAX_LAGS + (horizon - 1) / day);
        let hour_ago = (1..=lags).map(|k| if at >= grid.lag(k) { grid.hour_mean(at - grid.lag(k)) } else { grid.z[0] }).collect();
        let change = (1..=lags).map(|k| change_since(grid, at, k)).collect();
        Self { grid, at, lags, hour: grid.hour_mean(at), hour_ago, change, segments: segments(grid, at, horizon) }
    }

    /// The bin `days` days before lead `h` (from 0).
    pub fn lagged(&self, h: usize, days: usize) -> usize {
        self.at + 1 + h - self.grid.lag(days)
    }
}

/// The level's change over `k` days: the last 24 h against the same hours then, as far as they were known.
fn change_since(grid: &Grid, at: usize, k: usize) -> f64 {
    let lag = grid.lag(k);
    let bins = grid.lag(1).min((at + 1).saturating_sub(lag));
    if bins * 4 < grid.lag(1) {
        return 0.0;
    }
    grid.mean(at + 1 - bins, at + 1) - grid.mean(at + 1 - lag - bins, at + 1 - lag)
}

fn segments(grid: &Grid, at: usize, horizon: usize) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    for h in 0..horizon {
        let (weekday, ahead) = (grid.weekday(at + 1 + h), days_ahead(grid, h));
        match found.last_mut() {
            Some(last) if last.weekday == weekday && last.ahead == ahead => last.to = h + 1,
            _ => found.push(Segment { from: h, to: h + 1, weekday, ahead }),
        }
    }
    found
}

/// Whole days between a bin and its `h`-th successor (from 0): the smallest lag that is known is one day more.
pub(crate) fn days_ahead(grid: &Grid, h: usize) -> usize {
    (0..).find(|&days| h < grid.lag(days + 1)).unwrap_or(0)
}
