//! Gradient-boosted trees, trained in advance on many services: the median of what the mean of some members is wrong by. `make train-model`
//! writes `boosted/models.bin` from the traces that the repository holds.

mod features;
mod growing;
mod training;
mod trees;

use std::sync::LazyLock;

pub(crate) use features::{Context, FEATURES, Origin, inputs};
pub use training::{LEAST_MS, Lesson, train};
pub use trees::{InvalidModels, Models, Tree, Trees};

use crate::{blend::Said, grid::Grid, recurrent::Networks, request::Member};

/// Leads that the trees are asked at most; those between are joined by straight lines. 48 cost a millisecond more and gain nothing (0.6225).
const ASKED: usize = 16;
/// Origins whose rows are asked together: enough to ask many at once, few enough to stay in the nearest cache.
const TOGETHER: usize = 8;
/// A correction of more than this many of the series' usual changes from day to day isn't believed.
const MOST_UNITS: f64 = 3.0;

/// A test holds that the bytes are models; without trees a member answers with its inputs' mean.
static SHIPPED: LazyLock<Models> =
    LazyLock::new(|| Models::from_bytes(include_bytes!("boosted/models.bin")).unwrap_or_default().with_networks(Networks::shipped()));

impl Models {
    /// Those in the binary.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }
}

/// Gives the boosted member its path at each origin; `members` are those whose paths stand there, all [`inputs`] among them.
pub(crate) fn join(trees: &Trees, near: bool, grid: &Grid, members: &[Member], said: &mut [Said]) {
    let context = Context::new(grid, near);
    let place = |member: Member| members.iter().position(|other| *other == member);
    let inputs: Vec<Option<usize>> = inputs(near).iter().map(|&input| place(input)).collect();
    let Some(own) = place(Member::Boosted) else { return };
    for said in said.chunks_mut(TOGETHER) {
        let heard = said.iter().map(|said| context.at(said, inputs.iter().map(|place| said.paths[(*place)?].as_ref()).collect()));
        let paths = corrected(trees, heard.collect());
        said.iter_mut().zip(paths).for_each(|(said, path)| said.paths[own] = path);
    }
}

/// The corrected paths of some origins; all rows are asked at once.
fn corrected(trees: &Trees, origins: Vec<Option<Origin>>) -> Vec<Option<Vec<f64>>> {
    let leads = leads(origins.iter().flatten().map(|origin| origin.base.len()).next().unwrap_or(1));
    let rows = leads.len() * origins.len();
    let mut columns: Vec<Vec<f32>> = (0..FEATURES).map(|_| Vec::with_capacity(rows)).collect();
    for origin in origins.iter().flatten() {
        for &h in &leads {
            columns.iter_mut().zip(origin.row(h)).for_each(|(column, x)| column.push(x));
        }
    }
    let answers = trees.answer(&columns);
    let mut corrections = answers.chunks(leads.len());
    let one = |origin: Option<Origin>| {
        let Origin { mut base, unit, .. } = origin?;
        add(&mut base, unit, &leads, corrections.next()?);
        Some(base)
    };
    origins.into_iter().map(one).collect()
}

/// Ascending, the first and the last one among them.
fn leads(horizon: usize) -> Vec<usize> {
    let every = horizon.div_ceil(ASKED);
    let mut leads: Vec<usize> = (0..horizon).step_by(every).collect();
    if leads.last() != Some(&(horizon - 1)) {
        leads.push(horizon - 1);
    }
    leads
}

fn add(path: &mut [f64], unit: f64, leads: &[usize], corrections: &[f32]) {
    let believed = |i: usize| unit * f64::from(corrections[i]).clamp(-MOST_UNITS, MOST_UNITS);
    let mut next = 0;
    for (h, z) in path.iter_mut().enumerate() {
        while leads[next] < h {
            next += 1;
        }
        let after = believed(next);
        let correction = if leads[next] == h {
            after
        } else {
            let (from, to) = (leads[next - 1], leads[next]);
            let before = believed(next - 1);
            before + (after - before) * (h - from) as f64 / (to - from) as f64
        };
        *z = (*z + correction).max(0.0);
    }
}

#[cfg(test)]
mod tests;
