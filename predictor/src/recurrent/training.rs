//! Sequences to train the network on, from the same code that asks it.

use super::features::{AHEAD, PAST, READ, Steps, past};
use crate::{
    bins, blend,
    boosted::{Context, Origin, inputs},
    clean,
    grid::Grid,
    request::DAY_MS,
    series::Series,
};

/// Days before the first origin.
const FIRST_DAYS: usize = 3;

/// Sequences of one series or of several, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    /// How many.
    pub count: usize,
    /// Steps ahead of each; those of a series with fewer have no weight.
    pub steps: usize,
    /// [`READ`] × [`PAST`] numbers of each.
    pub past: Vec<f32>,
    /// `steps` × [`AHEAD`] numbers of each.
    pub ahead: Vec<f32>,
    /// What the base was wrong by in each step, in units of the series' usual change from day to day.
    pub targets: Vec<f32>,
    /// How much an error counts: as where members are judged.
    pub weights: Vec<f32>,
}

impl Sequences {
    /// Puts others with as many steps behind these.
    pub fn extend(&mut self, others: &Self) {
        self.count += others.count;
        self.steps = others.steps;
        self.past.extend(&others.past);
        self.ahead.extend(&others.ahead);
        self.targets.extend(&others.targets);
        self.weights.extend(&others.weights);
    }
}

/// About `count` sequences, evenly over the series, for the next hour's network (`near`: 6 steps) or the day's (24).
#[must_use]
pub fn sequences(series: &Series, near: bool, count: usize) -> Sequences {
    let mut made = Sequences { steps: if near { 6 } else { 24 }, ..Sequences::default() };
    let (series, _) = clean::clean(series.clone());
    let (slots, horizon) = if near { bins::near_bins(&series) } else { bins::far_bins(&series, DAY_MS) };
    let grid = Grid::build(&series, slots, bins::scale_of(&series));
    let (context, steps) = (Context::new(&grid, near), Steps::new(&grid, near));
    let (first, last) = (grid.lag(FIRST_DAYS), grid.len().saturating_sub(horizon + 1));
    let count = count.min(last.saturating_sub(first));
    let origins: Vec<usize> = (0..count).map(|i| first + (last - first) * i / count).collect();
    let (said, _) = blend::paths(&grid, inputs(near), horizon, &origins, None);
    for said in &said {
        let Some(origin) = context.at(said, said.paths.iter().map(Option::as_ref).collect()) else { continue };
        made.count += 1;
        made.past.extend(past(&steps, &origin).iter().flatten());
        for k in 0..made.steps {
            let (ahead, target, weight) = if k < steps.count(horizon) { step(&grid, &steps, &origin, k) } else { ([0.0; AHEAD], 0.0, 0.0) };
            made.ahead.extend(ahead);
            made.targets.push(target);
            made.weights.push(weight);
        }
    }
    debug_assert_eq!(made.past.len(), made.count * READ * PAST);
    made
}

/// What is seen of a step ahead, what the base was wrong by there, and how much that counts: nothing where nothing was observed.
fn step(grid: &Grid, steps: &Steps, origin: &Origin, k: usize) -> ([f32; AHEAD], f32, f32) {
    let seen = steps.leads(k, origin.base.len()).map(|h| (h, origin.at + 1 + h)).filter(|&(_, i)| grid.seen[i]);
    let (mut error, mut importance, mut n) = (0.0, 0.0, 0.0);
    for (h, i) in seen {
        error += grid.z[i] - origin.base[h];
        importance += grid.importance[i];
        n += 1.0;
    }
    let mean = |sum: f64| if n > 0.0 { sum / n } else { 0.0 };
    (steps.ahead(origin, k), (mean(error) / origin.unit) as f32, (mean(importance) * origin.unit) as f32)
}
