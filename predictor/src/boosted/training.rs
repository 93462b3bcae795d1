//! Rows to train the trees on, from the same code that asks them.

use super::features::{Context, FEATURES, inputs};
use crate::{bins, blend, clean, grid::Grid, request::DAY_MS, series::Series};

/// Leads that one origin gives rows for.
const PER_ORIGIN: usize = 12;
/// Days before the first origin.
const FIRST_DAYS: usize = 3;

/// Rows of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Feature by feature.
    pub columns: Vec<Vec<f32>>,
    /// What the base was wrong by, in units of the series' usual change from day to day.
    pub targets: Vec<f32>,
    /// How much an error counts: as where members are judged.
    pub weights: Vec<f32>,
}

/// About `count` rows, evenly over the series, for the next hour's trees (`near`) or the day's.
#[must_use]
pub fn rows(series: &Series, near: bool, count: usize) -> Rows {
    let mut rows = Rows { columns: vec![Vec::new(); FEATURES], targets: Vec::new(), weights: Vec::new() };
    let (series, _) = clean::clean(series);
    let (slots, horizon) = if near { bins::near_bins(&series) } else { bins::far_bins(&series, DAY_MS) };
    let grid = Grid::build(&series, slots, bins::scale_of(&series));
    let context = Context::new(&grid, near);
    let (first, last) = (grid.lag(FIRST_DAYS), grid.len().saturating_sub(horizon + 1));
    let leads = PER_ORIGIN.min(horizon);
    let count = (count / leads).min(last.saturating_sub(first));
    let origins: Vec<usize> = (0..count).map(|i| first + (last - first) * i / count).collect();
    for (i, said) in blend::paths(&grid, inputs(near), horizon, &origins, None).0.iter().enumerate() {
        let Some(origin) = context.at(said, said.paths.iter().map(Option::as_ref).collect()) else { continue };
        for k in 0..leads {
            // Another phase at each origin: 37 has no divisor in common with usual horizons.
            let h = (k * horizon / leads + i * 37) % horizon;
            let target = said.at + 1 + h;
            if grid.seen[target] {
                rows.columns.iter_mut().zip(origin.row(h)).for_each(|(column, x)| column.push(x));
                rows.targets.push(((grid.z[target] - origin.base[h]) / origin.unit) as f32);
                rows.weights.push((grid.importance[target] * origin.unit) as f32);
            }
        }
    }
    rows
}
