//! A lasting change of level: days before it teach nothing.

use crate::{
    calendar,
    grid::{Grid, HOUR_MS},
};

/// The gap between old and new days [z].
const GAP: f64 = 0.7;
/// The gap is that many times the range of the new days.
const TIMES_RANGE: f64 = 2.0;

/// How many of the last whole days to keep: those that are fully separated from *all* older ones. `None` if there is no such change.
/// The fewest days win, so that of several changes the latest counts. At least two days are kept.
pub(crate) fn days_since_change(grid: &Grid) -> Option<usize> {
    let days = grid.days_before(grid.len() - 1);
    let end = |k: usize| grid.len() - grid.lag(k);
    let observed = |k: usize| grid.seen[end(k + 1)..end(k)].iter().filter(|s| **s).count() * 4 >= grid.lag(1);
    let means: Vec<Option<f64>> = (0..days).map(|k| observed(k).then(|| grid.mean(end(k + 1), end(k)))).collect();
    let weekend: Vec<bool> = (0..days).map(|k| calendar::is_weekend(grid.end_ms - (24 * k as i64 + 12) * HOUR_MS)).collect();
    (2..days).find(|&kept| {
        let (new, old) = (range(&means[..kept]), range(&means[kept..]));
        let (Some(new), Some(old)) = (new, old) else { return false };
        let gap = (new.0 - old.1).max(old.0 - new.1);
        let a_first_weekend = weekend[..kept].iter().all(|w| *w) && !weekend[kept..].contains(&true);
        gap > GAP && gap > TIMES_RANGE * (new.1 - new.0) && !a_first_weekend
    })
}

fn range(means: &[Option<f64>]) -> Option<(f64, f64)> {
    means
        .iter()
        .flatten()
        .fold(None, |range, &mean| Some(range.map_or((mean, mean), |(low, high): (f64, f64)| (low.min(mean), high.max(mean)))))
}

#[cfg(test)]
mod tests;
