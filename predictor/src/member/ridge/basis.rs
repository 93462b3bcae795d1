//! What the regressions see of a target: lags, levels, weekend and time of day.

use crate::{grid::Grid, member::days_ahead, request::DAY_MS};

/// Columns of a row.
pub(in crate::member) const COLUMNS: usize = 21;
/// Daily harmonics.
const HARMONICS: usize = 3;

pub(in crate::member) type Row = [f64; COLUMNS];

/// What rows need and doesn't depend on the history.
pub(in crate::member) struct Basis {
    half: usize,
    /// e^(−lead/4 h) and e^(−lead/1 h) per lead.
    fade: Vec<(f64, f64)>,
    /// sin and cos of the time of day per bin of the day.
    daily: Vec<[f64; 2 * HARMONICS]>,
}

/// What the rows of one origin share.
pub(in crate::member) struct Origin<'a> {
    basis: &'a Basis,
    grid: &'a Grid,
    at: usize,
    /// Mean of the last day, and its change since a day and a week ago; `None` of a shorter history.
    today: Option<f64>,
    changed: [Option<f64>; 2],
    /// The last hour against that of a day and a week ago, and the last bin against it.
    since_day: f64,
    since_week: f64,
    now: f64,
}

impl Basis {
    pub fn new(grid: &Grid, horizon: usize) -> Self {
        let fade = (1..=horizon).map(|h| (libm::exp(-grid.lead_hours(h) / 4.0), libm::exp(-grid.lead_hours(h)))).collect();
        let bins = grid.lag(1);
        let daily = (0..bins)
            .map(|bin| {
                let mut terms = [0.0; 2 * HARMONICS];
                for (k, pair) in terms.chunks_exact_mut(2).enumerate() {
                    let angle = std::f64::consts::TAU * (k + 1) as f64 * (bin as f64 + 0.5) / bins as f64;
                    pair.copy_from_slice(&[libm::sin(angle), libm::cos(angle)]);
                }
                terms
            })
            .collect();
        Self { half: (45 * 60_000 / grid.bin_ms).min(15) as usize, fade, daily }
    }

    /// At the last known bin.
    pub fn at<'a>(&'a self, grid: &'a Grid, at: usize) -> Origin<'a> {
        let (hour, ago) = (grid.hour_mean(at), |days: usize| at.checked_sub(grid.lag(days)).map(|i| grid.hour_mean(i)));
        let day = |days: usize| (at + 1).checked_sub(grid.lag(days + 1)).map(|from| grid.mean(from, at + 1 - grid.lag(days)));
        Origin {
            basis: self,
            grid,
            at,
            today: day(0),
            changed: [day(1), day(7)],
            since_day: ago(1).map_or(0.0, |then| hour - then),
            since_week: ago(7).map_or(0.0, |then| hour - then),
            now: grid.z[at] - hour,
        }
    }
}

impl Origin<'_> {
    /// The columns for lead `h` (from 0), and the base that is added to the model's answer.
    pub fn row(&self, h: usize) -> (Row, f64) {
        let (grid, half, at) = (self.grid, self.basis.half, self.at);
        let target = at + 1 + h;
        let smooth = |i: usize| grid.mean(i.saturating_sub(half), (i + half).min(at) + 1);
        let nearest = days_ahead(grid, h) + 1;
        let lag = |days: usize| target.checked_sub(grid.lag(days));
        // A first day has no yesterday; such rows are never asked for (`first` in a fit, `Known::lags`).
        let yesterday = lag(nearest).unwrap_or(0);
        let base = smooth(yesterday);
        let beyond = |days: usize| lag(days).map_or(0.0, |i| smooth(i) - base);
        let week = nearest.div_ceil(7) * 7;
        let today = self.today.unwrap_or(base);
        let changed = |then: Option<f64>| then.map_or(0.0, |then| today - then);
        let (slow, fast) = self.basis.fade[h];
        let weekend = |i: usize| f64::from(u8::from(grid.weekday(i) >= 5));
        let (on_weekend, was_weekend) = (weekend(target), weekend(yesterday));
        let daily = &self.basis.daily[(grid.middle_ms(target).rem_euclid(DAY_MS) / grid.bin_ms) as usize % self.basis.daily.len()];
        let mut row = [0.0; COLUMNS];
        let columns = [
            1.0,
            grid.z[yesterday] - base,
            beyond(nearest + 1),
            beyond(nearest + 2),
            beyond(week),
            beyond(week + 7),
            today - base,
            changed(self.changed[0]),
            changed(self.changed[1]),
            self.since_day * slow,
            self.since_day * fast,
            self.since_week * slow,
            self.now * fast,
            on_weekend,
            on_weekend - was_weekend,
        ];
        row[..columns.len()].copy_from_slice(&columns);
        row[columns.len()..].copy_from_slice(daily);
        (row, base)
    }
}
