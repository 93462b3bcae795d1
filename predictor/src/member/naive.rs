//! Members that repeat one lag, or hold the level.

use super::{Known, days_ahead};
use crate::{grid::HOUR_MS, request::Member};

/// Fades the knowledge of the current level [h].
const FADE_HOURS: f64 = 4.0;

/// Half-life of the last value's average [ms].
const HALF_LIFE_MS: f64 = 15.0 * 60_000.0;

/// Predicts with one of the simple members; false if the history is too short for it. `smooth` are the grid's centred means, `half` their
/// half-width.
pub(crate) fn naive(member: Member, known: &Known, smooth: &[f64], half: usize, out: &mut [f64]) -> bool {
    match member {
        Member::SeasonalNaiveDay => lagged(known, 1, out),
        Member::SeasonalNaiveWeek => lagged(known, 7, out),
        Member::SeasonalNaiveDayLevel => corrected(known, 1, 0.0, smooth, half, out),
        Member::SeasonalNaiveWeekLevel => corrected(known, 7, known.change.get(6).copied().unwrap_or(0.0), smooth, half, out),
        Member::LastValue => {
            out.fill(recent_level(known));
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
fn corrected(known: &Known, days: usize, lasting: f64, smooth: &[f64], half: usize, out: &mut [f64]) -> bool {
    if known.lags < days {
        return false;
    }
    let passing = known.hour - known.hour_ago[days - 1] - lasting;
    for (h, z) in out.iter_mut().enumerate() {
        let days = days * (days_ahead(known.grid, h) / days + 1);
        if days > known.lags {
            return false;
        }
        let lag = smooth_known(known, known.lagged(h, days), smooth, half);
        *z = lag + lasting + passing * libm::exp(-known.grid.lead_hours(h + 1) / FADE_HOURS);
    }
    true
}

/// A centred mean that reads nothing after the known bin.
pub(crate) fn smooth_known(known: &Known, i: usize, smooth: &[f64], half: usize) -> f64 {
    if i + half <= known.at { smooth[i] } else { known.grid.mean(i.saturating_sub(half), known.at + 1) }
}

/// Exponentially weighted mean of the last hour.
fn recent_level(known: &Known) -> f64 {
    let bins = (HOUR_MS / known.grid.bin_ms).max(1) as usize;
    let per_bin = libm::exp2(-(known.grid.bin_ms as f64) / HALF_LIFE_MS);
    let (mut sum, mut total, mut weight) = (0.0, 0.0, 1.0);
    for age in 0..bins.min(known.at + 1) {
        sum += weight * known.grid.z[known.at - age];
        total += weight;
        weight *= per_bin;
    }
    sum / total
}
