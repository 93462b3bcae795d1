//! Direct ridge regression: one linear model over all leads, on lags, levels, Fourier terms and calendar.
//!
//! What is learnt is the difference from yesterday's smoothed value at the same time, so that the penalty shrinks towards a sensible forecast and
//! not towards zero. The weighted normal equations grow with time; every past origin has a model of nothing but rows that were known there.
//! The penalty is a share of each column's own energy, which makes collinear and empty columns harmless (the solution stays small).

mod basis;
mod equations;

pub(super) use basis::{Basis, COLUMNS, Row};
pub(super) use equations::Equations;

use super::{Known, days_ahead};
use crate::{grid::Grid, request::DAY_MS};

/// Rows lose half of their weight in that many days.
const HALF_LIFE_DAYS: f64 = 10.0;
/// A past origin has the model of the one before it until there is one new row in so many: fewer change nothing, and solving isn't free.
const NEW_ROWS: usize = 64;
/// Rows taken per history, roughly: more cost time and change little.
const ROWS: usize = 1_200;

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
        let mut solved = 0;
        for &origin in origins {
            while target <= origin {
                for i in 0..if grid.seen[target] { per_target } else { 0 } {
                    let h = (target * 37 + i * horizon / per_target) % horizon;
                    let (row, base) = basis.at(grid, target - 1 - h).row(h);
                    equations.add(&row, grid.z[target] - base, weight);
                }
                target += every;
                weight *= heavier;
            }
            let newest = models.len() + 1 == origins.len();
            let due = newest || models.last().is_none_or(Option::is_none) || equations.rows() >= solved + solved / NEW_ROWS;
            if due {
                solved = equations.rows();
            }
            models.push(match penalty {
                _ if !due => models.last().copied().flatten(),
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
        let origin = self.basis.at(known.grid, known.at);
        for (h, z) in out.iter_mut().enumerate() {
            let (row, base) = origin.row(h);
            *z = base + row.iter().zip(model).map(|(x, c)| x * c).sum::<f64>();
        }
        true
    }
}

#[cfg(test)]
mod tests;
