//! Training: rows from the same code that asks the trees, and trees from rows. The same series give the same trees.

use super::{
    features::{Context, FEATURES, inputs},
    growing::{Recipe, grow},
    trees::Models,
};
use crate::{bins, blend, clean, grid::Grid, request::DAY_MS, series::Series};

/// Leads that one origin gives rows for.
const PER_ORIGIN: usize = 12;
/// Days before the first origin.
const FIRST_DAYS: usize = 3;

/// Rows of one series: long ones don't outweigh the others.
const ROWS: usize = 8_000;
/// A series with less than these five days teaches nothing: the first three are only looked back at.
pub const LEAST_MS: i64 = 5 * DAY_MS;
const FIRST: Recipe = Recipe { trees: 150, depth: 5, rate: 0.06, doubt: 0.5 };
/// Of the trees behind others: cautious, because a single service is soon known by heart.
const FURTHER: Recipe = Recipe { trees: 80, depth: 2, rate: 0.03, doubt: 8.0 };

/// What one series teaches.
#[derive(Clone, Debug)]
pub struct Lesson {
    near: Rows,
    far: Rows,
    /// Its last row [epoch ms].
    until_ms: i64,
}

impl Lesson {
    /// Of all rows of a series; `None` of one with less than [`LEAST_MS`] of observations.
    #[must_use]
    pub fn of(series: &Series) -> Option<Self> {
        if series.observed() as i64 * series.step_ms() < LEAST_MS {
            return None;
        }
        let (near, far) = (scaled(series, true), scaled(series, false));
        let until_ms = series.end_ms() - series.step_ms();
        (!near.targets.is_empty() && !far.targets.is_empty()).then_some(Self { near, far, until_ms })
    }
}

/// Trees that learnt from some series, each of which counts as much; without a series the trees that were there `before`, behind which the new
/// ones are put: they correct what those get wrong. The networks stay.
#[must_use]
pub fn train<'a>(lessons: impl Iterator<Item = &'a Lesson> + Clone, before: Models) -> Models {
    let Some(until_ms) = lessons.clone().map(|lesson| lesson.until_ms).max() else { return before };
    let recipe = if before.far.0.is_empty() { &FIRST } else { &FURTHER };
    let near = grow(&joined(lessons.clone().map(|lesson| &lesson.near)), recipe, before.near);
    let far = grow(&joined(lessons.map(|lesson| &lesson.far)), recipe, before.far);
    Models { near, far, networks: before.networks, until_ms: Some(until_ms) }
}

/// A series' rows, with weights that make its error without trees 1.
fn scaled(series: &Series, near: bool) -> Rows {
    let mut rows = rows(series, near, ROWS);
    let total: f32 = rows.weights.iter().zip(&rows.targets).map(|(weight, target)| weight * target.abs()).sum();
    if total > 0.0 {
        rows.weights.iter_mut().for_each(|weight| *weight /= total);
    }
    rows
}

fn joined<'a>(all: impl Iterator<Item = &'a Rows>) -> Rows {
    let mut joined = Rows { columns: vec![Vec::new(); FEATURES], targets: Vec::new(), weights: Vec::new() };
    for rows in all {
        joined.columns.iter_mut().zip(&rows.columns).for_each(|(column, more)| column.extend(more));
        joined.targets.extend(&rows.targets);
        joined.weights.extend(&rows.weights);
    }
    joined
}

/// Rows of one series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    /// Feature by feature.
    pub columns: Vec<Vec<f32>>,
    /// What the base was wrong by, in units of the series' usual change from day to day.
    pub targets: Vec<f32>,
    /// How much an error counts: as where members are judged.
    pub weights: Vec<f32>,
}

/// About `count` rows, evenly over the series, for the next hour's trees (`near`) or the day's.
pub(super) fn rows(series: &Series, near: bool, count: usize) -> Rows {
    let mut rows = Rows { columns: vec![Vec::new(); FEATURES], targets: Vec::new(), weights: Vec::new() };
    let (series, _) = clean::clean(series.clone());
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
