//! Direct ridge regression: one linear model over all leads, on lags, levels, Fourier terms and calendar.
//!
//! What is learnt is the difference from yesterday's smoothed value at the same time, so that the penalty shrinks towards a sensible forecast and
//! not towards zero. The weighted normal equations grow with time; every past origin is solved with only the rows that were known there.
//! The penalty is a share of each column's own energy, which makes collinear and empty columns harmless (the solution stays small).

use linfa_linalg::cholesky::SolveCInplace;
use ndarray::Array2;

use super::{Known, days_ahead};
use crate::{grid::Grid, request::DAY_MS};

/// Columns of the model.
pub(super) const COLUMNS: usize = 21;
/// Daily harmonics.
const HARMONICS: usize = 3;
/// Penalty as a share of a column's energy.
const PENALTY: f64 = 0.1;
/// Rows lose half of their weight in that many days.
const HALF_LIFE_DAYS: f64 = 10.0;
/// Rows taken per history, roughly: more cost time and change little.
const ROWS: usize = 2_500;

pub(super) type Row = [f64; COLUMNS];

/// What keeps the coefficients small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Penalty {
    /// Their squares.
    Ridge,
    /// Their squares and their absolute values.
    ElasticNet,
}

/// A model as it is kept.
pub(crate) type Coefficients = Vec<f64>;

/// One model per origin, for origins in ascending order.
pub(crate) struct Ridge {
    basis: Basis,
    models: Vec<Option<Row>>,
}

impl Ridge {
    /// Fits a model per origin in `origins` (ascending last-known bins).
    pub fn fit(grid: &Grid, horizon: usize, origins: &[usize], penalty: Penalty) -> Self {
        let basis = Basis::new(grid, horizon);
        let mut equations = Equations::default();
        let mut models = Vec::with_capacity(origins.len());
        let first = grid.lag(days_ahead(grid, horizon - 1) + 1) + horizon;
        let every = (grid.len().saturating_sub(first) / ROWS).max(1);
        let per_target = (ROWS / grid.len().saturating_sub(first).max(1)).clamp(1, 3);
        let heavier = libm::exp2(every as f64 * grid.bin_ms as f64 / DAY_MS as f64 / HALF_LIFE_DAYS);
        let mut target = first;
        let mut weight = 1.0;
        for &origin in origins {
            while target <= origin {
                for i in 0..if grid.seen[target] { per_target } else { 0 } {
                    let h = (target * 37 + i * horizon / per_target) % horizon;
                    let (row, base) = basis.row(grid, target - 1 - h, h);
                    equations.add(&row, grid.z[target] - base, weight);
                }
                target += every;
                weight *= heavier;
            }
            models.push(match penalty {
                Penalty::Ridge => equations.solve(),
                Penalty::ElasticNet => equations.elastic_net(),
            });
        }
        Self { basis, models }
    }

    /// With the model of an earlier fit, for one origin.
    pub fn known(grid: &Grid, horizon: usize, model: Option<&Coefficients>) -> Self {
        // One of another length is of another version.
        let model = model.and_then(|model| Row::try_from(model.as_slice()).ok());
        Self { basis: Basis::new(grid, horizon), models: vec![model] }
    }

    /// The model of the last origin.
    pub fn last(mut self) -> Option<Coefficients> {
        self.models.pop().flatten().map(Vec::from)
    }

    /// Predicts with the model of the `index`-th origin; false if that one had too few rows.
    pub fn predict(&self, index: usize, known: &Known, out: &mut [f64]) -> bool {
        let Some(model) = &self.models[index] else { return false };
        for (h, z) in out.iter_mut().enumerate() {
            let (row, base) = self.basis.row(known.grid, known.at, h);
            *z = base + row.iter().zip(model).map(|(x, c)| x * c).sum::<f64>();
        }
        true
    }
}

/// What rows need and doesn't depend on the history.
pub(super) struct Basis {
    half: usize,
    /// e^(−lead/4 h) and e^(−lead/1 h) per lead.
    fade: Vec<(f64, f64)>,
    /// sin and cos of the time of day per bin of the day.
    daily: Vec<[f64; 2 * HARMONICS]>,
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

    /// The columns for lead `h` (from 0) after bin `at`, and the base that is added to the model's answer.
    pub fn row(&self, grid: &Grid, at: usize, h: usize) -> (Row, f64) {
        let target = at + 1 + h;
        let smooth = |i: usize| grid.mean(i.saturating_sub(self.half), (i + self.half).min(at) + 1);
        let nearest = days_ahead(grid, h) + 1;
        let lag = |days: usize| target.checked_sub(grid.lag(days));
        // A first day has no yesterday; such rows are never asked for (`first` above, `Known::lags`).
        let yesterday = lag(nearest).unwrap_or(0);
        let base = smooth(yesterday);
        let beyond = |days: usize| lag(days).map_or(0.0, |i| smooth(i) - base);
        let week = nearest.div_ceil(7) * 7;
        let (hour, ago) = (grid.hour_mean(at), |days: usize| at.checked_sub(grid.lag(days)).map(|i| grid.hour_mean(i)));
        let (since_day, since_week) = (ago(1).map_or(0.0, |then| hour - then), ago(7).map_or(0.0, |then| hour - then));
        let day = |days: usize| (at + 1).checked_sub(grid.lag(days + 1)).map(|from| grid.mean(from, at + 1 - grid.lag(days)));
        let today = day(0).unwrap_or(base);
        let changed = |days: usize| day(days).map_or(0.0, |then| today - then);
        let (slow, fast) = self.fade[h];
        let weekend = |i: usize| f64::from(u8::from(grid.weekday(i) >= 5));
        let daily = &self.daily[(grid.middle_ms(target).rem_euclid(DAY_MS) / grid.bin_ms) as usize % self.daily.len()];
        let mut row = [0.0; COLUMNS];
        let columns = [
            1.0,
            grid.z[yesterday] - base,
            beyond(nearest + 1),
            beyond(nearest + 2),
            beyond(week),
            beyond(week + 7),
            today - base,
            changed(1),
            changed(7),
            since_day * slow,
            since_day * fast,
            since_week * slow,
            (grid.z[at] - hour) * fast,
            weekend(target),
            weekend(target) - weekend(yesterday),
        ];
        row[..columns.len()].copy_from_slice(&columns);
        row[columns.len()..].copy_from_slice(daily);
        (row, base)
    }
}

/// Weighted normal equations that grow row by row.
#[derive(Default)]
pub(super) struct Equations {
    /// Lower triangle, row by row.
    pub energy: [Row; COLUMNS],
    pub answer: Row,
    pub rows: usize,
}

impl Equations {
    pub fn add(&mut self, row: &Row, y: f64, weight: f64) {
        self.rows += 1;
        for (i, x) in row.iter().enumerate() {
            let scaled = weight * x;
            self.answer[i] += scaled * y;
            for (sum, other) in self.energy[i].iter_mut().zip(&row[..=i]) {
                *sum += scaled * other;
            }
        }
    }

    /// The penalised solution; `None` with fewer than four rows a column.
    fn solve(&self) -> Option<Row> {
        if self.rows < 4 * COLUMNS {
            return None;
        }
        let largest = (0..COLUMNS).map(|i| self.energy[i][i]).fold(0.0, f64::max);
        let mut matrix = Array2::from_shape_fn((COLUMNS, COLUMNS), |(i, j)| self.energy[i.max(j)][i.min(j)]);
        for i in 0..COLUMNS {
            matrix[(i, i)] = matrix[(i, i)] * (1.0 + PENALTY) + 1e-6 * largest + f64::MIN_POSITIVE;
        }
        let mut answer = Array2::from_shape_fn((COLUMNS, 1), |(i, _)| self.answer[i]);
        matrix.solvec_inplace(&mut answer).ok()?;
        let mut model = [0.0; COLUMNS];
        for (c, solved) in model.iter_mut().zip(&answer) {
            *c = *solved;
        }
        model.iter().all(|c| c.is_finite()).then_some(model)
    }
}

#[cfg(test)]
mod tests;
