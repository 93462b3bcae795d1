//! Boosted regression trees of the very series, on what ridge regression sees. linfa's trees tell classes apart and no numbers, so each tells where
//! what was said is too low from where it is too high (the sign is the absolute error's slope, as in Friedman 2001), and each leaf answers the
//! median of its rows. A new tree costs milliseconds, so there are a few sets of them, and each past origin has the newest one that saw nothing
//! after it.

use linfa::{Dataset, traits::Fit};
use linfa_trees::{DecisionTree, TreeNode};
use ndarray::{Array1, Array2};

use super::{
    Known, days_ahead,
    ridge::{Basis, COLUMNS, Row},
};
use crate::grid::Grid;

/// Rows that a set is grown from, roughly: the newest.
const ROWS: usize = 1_200;
/// Rows that a first set needs.
const LEAST_ROWS: usize = 4 * COLUMNS;
/// Trees of a set, how deep they are, and the share of each answer that is kept.
const TREES: usize = 3;
const DEPTH: usize = 4;
const RATE: f64 = 0.5;
/// Rows of a leaf, as a share of all.
const LEAF: f32 = 0.02;
/// Sets over all origins.
const SETS: usize = 3;
/// Days that rows are taken from.
const DAYS: usize = 28;

/// Sets of trees for origins in ascending order.
pub(crate) struct Forest {
    basis: Basis,
    sets: Vec<Vec<Node>>,
    /// Which set speaks at an origin.
    speaks: Vec<Option<usize>>,
}

/// A tree that answers numbers.
enum Node {
    Leaf(f64),
    Split { column: usize, at: f64, below: Box<Node>, above: Box<Node> },
}

impl Forest {
    /// Grows sets for `origins` (ascending last-known bins).
    pub fn fit(grid: &Grid, horizon: usize, origins: &[usize]) -> Self {
        let basis = Basis::new(grid, horizon);
        let every = origins.len().div_ceil(SETS).max(1);
        let (mut sets, mut speaks) = (Vec::new(), Vec::with_capacity(origins.len()));
        // Counted from the newest origin, which always has a set of its own.
        for (i, &origin) in origins.iter().enumerate() {
            if (origins.len() - 1 - i).is_multiple_of(every) || sets.is_empty() {
                sets.extend(grow(&basis, grid, horizon, origin));
            }
            speaks.push(sets.len().checked_sub(1));
        }
        Self { basis, sets, speaks }
    }

    /// Predicts with what speaks at the `index`-th origin; false if there were too few rows.
    pub fn predict(&self, index: usize, known: &Known, out: &mut [f64]) -> bool {
        let Some(set) = self.speaks[index].map(|set| &self.sets[set]) else { return false };
        let origin = self.basis.at(known.grid, known.at);
        for (h, z) in out.iter_mut().enumerate() {
            let (row, base) = origin.row(h);
            *z = base + set.iter().map(|tree| tree.answer(&row)).sum::<f64>();
        }
        true
    }
}

/// A set from rows that were known at `origin`; `None` of too few.
fn grow(basis: &Basis, grid: &Grid, horizon: usize, origin: usize) -> Option<Vec<Node>> {
    let first = (grid.lag(days_ahead(grid, horizon - 1) + 1) + horizon).max((origin + 1).saturating_sub(grid.lag(DAYS)));
    let bins = (origin + 1).saturating_sub(first);
    // Of a short history each target is seen from several leads.
    let (every, per_target) = ((bins / ROWS).max(1), (ROWS / bins.max(1)).clamp(1, 3));
    let targets = (first..=origin).step_by(every).filter(|&target| grid.seen[target]);
    let seen = targets.flat_map(|target| (0..per_target).map(move |i| (target, i))).map(|(target, i)| {
        let h = (target * 37 + i * horizon / per_target) % horizon;
        let (row, base) = basis.at(grid, target - 1 - h).row(h);
        (row, grid.z[target] - base)
    });
    let (rows, mut left): (Vec<Row>, Vec<f64>) = seen.unzip();
    // As many as the ridge needs.
    if rows.len() < LEAST_ROWS {
        return None;
    }
    let columns = Array2::from_shape_fn((rows.len(), COLUMNS), |(i, j)| rows[i][j]);
    let mut set = Vec::with_capacity(TREES);
    for _ in 0..TREES {
        let tree = tree(&columns, &rows, &left)?;
        left.iter_mut().zip(&rows).for_each(|(left, row)| *left -= tree.answer(row));
        set.push(tree);
    }
    Some(set)
}

fn tree(columns: &Array2<f64>, rows: &[Row], left: &[f64]) -> Option<Node> {
    let above: Array1<bool> = left.iter().map(|&left| left > 0.0).collect();
    // linfa breaks ties between classes by chance. With these weights, and fewer than 4096 rows, no two sums are the same.
    let weights: Array1<f32> = above.iter().map(|&above| if above { 1.0 + 1.0 / 4096.0 } else { 1.0 }).collect();
    let leaf = (LEAF * rows.len() as f32).max(8.0);
    let grown = DecisionTree::params().max_depth(Some(DEPTH)).min_weight_leaf(leaf).min_weight_split(2.0 * leaf);
    let grown = grown.fit(&Dataset::new(columns.clone(), above).with_weights(weights)).ok()?;
    let all: Vec<usize> = (0..rows.len()).collect();
    Some(answering(grown.root_node(), rows, left, &all))
}

/// The same questions, with the median of what reaches a leaf as its answer.
fn answering(node: &TreeNode<f64, bool>, rows: &[Row], left: &[f64], here: &[usize]) -> Node {
    if let [Some(below), Some(above)] = node.children()[..] {
        let (column, at, _) = node.split();
        let (under, over): (Vec<usize>, Vec<usize>) = here.iter().partition(|&&i| rows[i][column] < at);
        let side = |node, here: &[usize]| Box::new(answering(node, rows, left, here));
        return Node::Split { column, at, below: side(below, &under), above: side(above, &over) };
    }
    let mut reached: Vec<f64> = here.iter().map(|&i| left[i]).collect();
    reached.sort_by(f64::total_cmp);
    Node::Leaf(reached.get(reached.len() / 2).map_or(0.0, |median| RATE * median))
}

impl Node {
    fn answer(&self, row: &Row) -> f64 {
        match self {
            Self::Leaf(answer) => *answer,
            Self::Split { column, at, below, above } => if row[*column] < *at { below } else { above }.answer(row),
        }
    }
}

#[cfg(test)]
mod tests;
