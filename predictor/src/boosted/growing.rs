//! Gradient boosting of the absolute error with trees whose splits of one depth ask the same question.

use rayon::prelude::*;

use super::{
    training::Rows,
    trees::{Tree, Trees},
};

/// How trees are grown.
pub(super) struct Recipe {
    pub trees: usize,
    pub depth: usize,
    /// Share of each tree's answer that is kept.
    pub rate: f32,
    /// Weight of a leaf's doubt, as a share of the mean weight of a leaf.
    pub doubt: f32,
}

/// Values of a feature are told apart in so many bins.
const BINS: usize = 64;

/// Every third feature, and every second row, is left out of a tree, by this sequence.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// The rows of several series, with features in bins.
struct Table {
    thresholds: Vec<Vec<f32>>,
    /// Feature by feature.
    bins: Vec<Vec<u8>>,
}

impl Table {
    fn new(rows: &Rows) -> Self {
        let thresholds: Vec<Vec<f32>> = rows.columns.iter().map(|column| thresholds(column)).collect();
        let bin = |(column, thresholds): (&Vec<f32>, &Vec<f32>)| {
            column.iter().map(|x| thresholds.partition_point(|threshold| x > threshold) as u8).collect()
        };
        let bins = rows.columns.par_iter().zip(&thresholds).map(bin).collect();
        Self { thresholds, bins }
    }
}

/// Evenly by rank, each value once.
fn thresholds(column: &[f32]) -> Vec<f32> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut found: Vec<f32> = (1..BINS).map(|i| sorted[i * (sorted.len() - 1) / BINS]).collect();
    found.dedup();
    found
}

/// Grows trees on the rows, behind those that are there.
pub(super) fn grow(rows: &Rows, recipe: &Recipe, before: Trees) -> Trees {
    let table = Table::new(rows);
    let said = before.answer(&rows.columns);
    let mut residuals: Vec<f32> = rows.targets.iter().zip(said).map(|(target, said)| target - said).collect();
    let mut sequence = Sequence(1);
    let mut trees = before.0;
    for _ in 0..recipe.trees {
        let features: Vec<usize> = (0..table.bins.len()).filter(|_| !sequence.next().is_multiple_of(3)).collect();
        let salt = sequence.next();
        let taken: Vec<u32> = (0..residuals.len() as u32).filter(|&i| keep(i / 96, salt)).collect();
        let (tree, leaf) = tree(&table, &features, &taken, rows, &residuals, recipe);
        for (residual, &leaf) in residuals.iter_mut().zip(&leaf) {
            *residual -= tree.leaves[usize::from(leaf)];
        }
        trees.push(tree);
    }
    Trees(trees)
}

/// Half of all blocks of neighbouring rows: neighbours are alike.
fn keep(block: u32, salt: u64) -> bool {
    (u64::from(block).wrapping_add(salt)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 0
}

fn tree(table: &Table, features: &[usize], taken: &[u32], rows: &Rows, residuals: &[f32], recipe: &Recipe) -> (Tree, Vec<u8>) {
    let mut leaf = vec![0_u8; residuals.len()];
    let mut questions = Vec::new();
    let total: f32 = taken.iter().map(|&i| rows.weights[i as usize]).sum();
    for depth in 0..recipe.depth {
        let doubt = recipe.doubt * total / (1 << recipe.depth) as f32;
        let gain = |&feature: &usize| best(&table.bins[feature], &leaf, 1 << depth, taken, rows, residuals, doubt);
        let gains: Vec<(f32, usize)> = features.par_iter().map(gain).collect();
        let Some(winner) = (0..gains.len()).filter(|&i| gains[i].0 > 0.0).max_by(|&a, &b| gains[a].0.total_cmp(&gains[b].0)) else { break };
        let (feature, bin) = (features[winner], gains[winner].1);
        if bin >= table.thresholds[feature].len() {
            break;
        }
        questions.push((feature as u8, table.thresholds[feature][bin]));
        for (leaf, &value) in leaf.iter_mut().zip(&table.bins[feature]) {
            *leaf |= u8::from(usize::from(value) > bin) << depth;
        }
    }
    let leaves = answers(&leaf, 1 << questions.len(), taken, rows, residuals, recipe, total);
    (Tree { questions, leaves }, leaf)
}

/// The best bin to split all leaves after, and by how much it is better than not to split.
fn best(bins: &[u8], leaf: &[u8], leaves: usize, taken: &[u32], rows: &Rows, residuals: &[f32], doubt: f32) -> (f32, usize) {
    let mut sums = vec![[0.0_f32; 2]; leaves * BINS];
    for &i in taken {
        let i = i as usize;
        let sum = &mut sums[usize::from(leaf[i]) * BINS + usize::from(bins[i])];
        sum[0] += rows.weights[i] * residuals[i].signum();
        sum[1] += rows.weights[i];
    }
    let score = |sum: f32, weight: f32| sum * sum / (weight + doubt);
    let mut gains = [0.0_f32; BINS];
    for leaf in sums.chunks_exact(BINS) {
        let whole = leaf.iter().fold([0.0, 0.0], |all, one| [all[0] + one[0], all[1] + one[1]]);
        let mut left = [0.0_f32; 2];
        for (gain, one) in gains.iter_mut().zip(leaf) {
            left = [left[0] + one[0], left[1] + one[1]];
            *gain += score(left[0], left[1]) + score(whole[0] - left[0], (whole[1] - left[1]).max(0.0)) - score(whole[0], whole[1]);
        }
    }
    let bin = (0..BINS - 1).max_by(|&a, &b| gains[a].total_cmp(&gains[b])).unwrap_or(0);
    (gains[bin], bin)
}

/// Each leaf's weighted median, less where it rests on little.
fn answers(leaf: &[u8], leaves: usize, taken: &[u32], rows: &Rows, residuals: &[f32], recipe: &Recipe, total: f32) -> Vec<f32> {
    let mut held: Vec<Vec<(f32, f32)>> = vec![Vec::new(); leaves];
    for &i in taken {
        held[usize::from(leaf[i as usize])].push((residuals[i as usize], rows.weights[i as usize]));
    }
    let doubt = recipe.doubt * total / leaves as f32;
    let answer = |mut held: Vec<(f32, f32)>| {
        held.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let weight: f32 = held.iter().map(|(_, weight)| weight).sum();
        let mut below = 0.0;
        let median = held.iter().find(|(_, one)| {
            below += one;
            below >= 0.5 * weight
        });
        median.map_or(0.0, |(middle, _)| middle * recipe.rate * weight / (weight + doubt))
    };
    held.into_iter().map(answer).collect()
}
