//! A small recurrent network (LSTM, Hochreiter and Schmidhuber 1997) that was trained in advance on many services: one part reads the last hours,
//! the other goes on through the hours ahead, seeing what the trees see, and says the median of what the mean of some members is wrong by.
//! `make train-lstm` writes `recurrent/networks.bin` from the traces that the repository holds.

mod features;
mod network;
mod training;

pub use features::{AHEAD, PAST, READ};
use features::{Steps, past};
pub use network::{InvalidNetworks, Layer, Network, Networks};
pub use training::{Sequences, sequences};

use crate::{
    blend::Said,
    boosted::{Context, Origin, inputs},
    grid::Grid,
    request::Member,
};

/// A correction of more than this many of the series' usual changes from day to day isn't believed.
const MOST_UNITS: f64 = 3.0;

impl Networks {
    /// Those in the binary. A test holds that the bytes are networks; without them the member answers with its inputs' mean.
    #[must_use]
    pub fn shipped() -> Self {
        Self::from_bytes(include_bytes!("recurrent/networks.bin")).unwrap_or_default()
    }
}

/// Gives the recurrent member its path at each origin; `members` are those whose paths stand there, all inputs among them.
pub(crate) fn join(network: &Network, near: bool, grid: &Grid, members: &[Member], said: &mut [Said]) {
    let context = Context::new(grid, near);
    let steps = Steps::new(grid, near);
    let place = |member: Member| members.iter().position(|other| *other == member);
    let inputs: Vec<Option<usize>> = inputs(near).iter().map(|&input| place(input)).collect();
    for said in said {
        let heard = inputs.iter().map(|place| said.paths[(*place)?].as_ref()).collect();
        let path = context.at(said, heard).map(|origin| corrected(network, &steps, origin));
        if let Some(own) = place(Member::Lstm) {
            said.paths[own] = path;
        }
    }
}

fn corrected(network: &Network, steps: &Steps, origin: Origin) -> Vec<f64> {
    let horizon = origin.base.len();
    let ahead: Vec<[f32; AHEAD]> = (0..steps.count(horizon)).map(|k| steps.ahead(&origin, k)).collect();
    let corrections = network.answer(&past(steps, &origin), &ahead);
    let Origin { mut base, unit, .. } = origin;
    for (h, z) in base.iter_mut().enumerate() {
        *z = (*z + unit * between(&corrections, steps.place(h))).max(0.0);
    }
    base
}

/// The correction at a place counted in steps, 0 being the middle of the first: a straight line between two steps, held at the ends.
fn between(corrections: &[f32], place: f64) -> f64 {
    let believed = |i: usize| corrections.get(i).map_or(0.0, |&x| f64::from(x)).clamp(-MOST_UNITS, MOST_UNITS);
    let place = place.clamp(0.0, corrections.len().saturating_sub(1) as f64);
    let before = libm::floor(place) as usize;
    let after = (before + 1).min(corrections.len().saturating_sub(1));
    believed(before) + (believed(after) - believed(before)) * (place - before as f64)
}

#[cfg(test)]
mod tests;
