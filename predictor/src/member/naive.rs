//! Members that repeat one lag, or hold the level.

use super::{Known, days_ahead};
use crate::{
    grid::{Grid, HOUR_MS},
    request::Member,
};

/// Fades the knowledge of the current level [h].
const FADE_HOURS: f64 = 4.0;

/// Half-life of the last value's average [ms].
const HALF_LIFE_MS: f64 = 15.0 * 60_000.0;

/// What the simple members share on one grid.
pub(crate) struct Simple {
    /// Lags are centred means over 2 · `half` + 1 bins.
    half: usize,
    /// What is left of the current level's knowledge per lead.
    fade: Vec<f64>,
}

impl Simple {
    pub fn new(grid: &Grid, horizon: usize) -> Self {
        let half = (45 * 60_000 / grid.bin_ms).min(15) as usize;
        let fade = (1..=horizon).map(|h| libm::exp(-grid.lead_hours(h) / FADE_HOURS)).collect();
        Self { half, fade }
    }
}

/// Predicts with one of the simple members; false if the history is too short for it.
pub(crate) fn naive(member: Member, known: &Known, simple: &Simple, out: &mut [f64]) -> bool {
    match member {
        Member::SeasonalNaiveDay => lagged(known, 1, out),
        Member::SeasonalNaiveWeek => lagged(known, 7, out),
        Member::SeasonalNaiveDayLevel => corrected(known, 1, 0.0, simple, out),
        Member::SeasonalNaiveWeekLevel => corrected(known, 7, known.change.get(6).copied().unwrap_or(0.0), simple, out),
        Member::LastValue => {
            out.fill(recent_level(known.grid, known.at));
            true
        }
        _ => false,
    }
}

/// The same time `days` days before, or the next multiple of it that is known.
fn lagged(known: &Known, days: usize, out: &mut [f64]) -> bool {
    for (h, z) in out.iter_mut().enumerate() {
        let days = days * (days_ahead(known.grid, h) / days + 1);
        if days > known.lags {
            return false;
        }
        *z = known.grid.z[known.lagged(h, days)];
    }
    true
}

/// The smoothed lag plus the lasting change of level plus what the last hour knows beyond it, which fades.
fn corrected(known: &Known, days: usize, lasting: f64, simple: &Simple, out: &mut [f64]) -> bool {
    if known.lags < days {
        return false;
    }
    let passing = known.hour - known.hour_ago[days - 1] - lasting;
    for (h, z) in out.iter_mut().enumerate() {
        let days = days * (days_ahead(known.grid, h) / days + 1);
        if days > known.lags {
            return false;
        }
        let lag = mean_known(known, known.lagged(h, days), simple.half);
        *z = lag + lasting + passing * simple.fade[h];
    }
    true
}

/// A centred mean that reads nothing after the known bin.
pub(crate) fn mean_known(known: &Known, i: usize, half: usize) -> f64 {
    known.grid.mean(i.saturating_sub(half), (i + half).min(known.at) + 1)
}

/// Exponentially weighted mean of the hour that ends with bin `at`.
pub(crate) fn recent_level(grid: &Grid, at: usize) -> f64 {
    let bins = (HOUR_MS / grid.bin_ms).max(1) as usize;
    let per_bin = libm::exp2(-(grid.bin_ms as f64) / HALF_LIFE_MS);
    let (mut sum, mut total, mut weight) = (0.0, 0.0, 1.0);
    for age in 0..bins.min(at + 1) {
        sum += weight * grid.z[at - age];
        total += weight;
        weight *= per_bin;
    }
    sum / total
}
