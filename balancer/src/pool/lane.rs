//! A lane: the backends of one group on one level, among whom an algorithm picks.

use super::buckets::Buckets;
use super::hashing::HashIndex;
use super::line::Line;
use super::tree::MinTree;
use crate::backend::{BackendId, Place};

/// Up to here a scan is faster than an index, and nginx's own sequences are kept.
pub(super) const SMALL: usize = 32;

/// Who is found how among many.
#[derive(Debug, Clone, Default)]
pub(super) enum Tree {
    #[default]
    None,
    /// By turn (stride scheduling).
    Turn(MinTree<u64>),
    /// By requests in flight, none of them too many.
    Few(Buckets),
    /// By requests in flight.
    Load(MinTree<u64>),
    /// By requests in flight per effective weight.
    Ratio(MinTree<u64>),
    /// By requests in flight per effective weight, then by turn.
    RatioTurn(MinTree<u128>),
    /// By latency × requests in flight per weight.
    Cost(MinTree<u64>),
}

/// What a pick among the backends of one place needs. Rebuilt by `Pool::refresh`.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    /// Group, role, level: their order is the order in which lanes stand in for each other.
    pub(super) place: Place,
    /// Positions with an effective weight above 0, ascending.
    pub(super) live: Vec<u32>,
    /// Their effective weights in a line.
    pub(super) line: Line,
    /// The line's total at the last refresh.
    pub(super) total: u64,
    /// `total` per live member.
    pub(super) mean_weight: f64,
    /// All live members have the same effective weight.
    pub(super) uniform: bool,
    /// Whole weight of who could serve if all were well, in parts.
    pub(super) whole: u64,
    /// The same of those that may be picked.
    pub(super) well: u64,
    /// Loads of the live members together.
    pub(super) load: u64,
    /// The position where the next turn starts (round robin and ties).
    pub(super) turn: usize,
    /// Where stride scheduling is: the pass of the last one picked.
    pub(super) pass: f64,
    pub(super) tree: Tree,
    /// Who has keys: usable members, well or not, and their weights, in the order of joining.
    pub(super) keyed: Vec<(BackendId, u32)>,
    pub(super) hash: HashIndex,
}

impl Lane {
    pub(super) fn of(place: Place) -> Lane {
        Lane { place, uniform: true, ..Lane::default() }
    }

    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.line.clear();
        self.uniform = true;
        (self.whole, self.well) = (0, 0);
        self.load = 0;
        self.tree = Tree::None;
        self.keyed.clear();
    }

    pub(super) fn small(&self) -> bool {
        self.live.len() <= SMALL
    }
}

/// Which lanes may be picked from.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// A group and its share; groups without anybody live are left out. Empty = groups make no difference.
    pub(super) groups: Vec<(u8, u64)>,
    pub(super) total: u64,
    /// For each lane its share of its group's traffic, in 1/10000.
    pub(super) shares: Vec<u64>,
}

/// A share of everything.
pub(super) const WHOLE: u64 = 10_000;

impl Course {
    /// Works out shares from health (Envoy's rule): each level takes what its weight in service allows, the rest goes on.
    pub(super) fn set(&mut self, lanes: &[Lane], splits: &[crate::tuning::Split], overprovisioning_percent: u32) {
        self.shares.clear();
        self.groups.clear();
        self.total = 0;
        let (mut group, mut left) = (None, WHOLE);
        for lane in lanes {
            if group != Some(lane.place.group) {
                (group, left) = (Some(lane.place.group), WHOLE);
            }
            let able =
                u128::from(lane.well) * u128::from(overprovisioning_percent) * u128::from(WHOLE) / (100 * u128::from(lane.whole.max(1)));
            let untouched = left == WHOLE;
            let share = match (lane.place.backup, lane.well) {
                (_, 0) => 0,
                // A backup takes over only if nobody else is there at all.
                (true, _) if !untouched => 0,
                _ => (able as u64).min(left),
            };
            self.shares.push(share);
            left -= share;
        }
        // What no level could take is shared as the rest is.
        for split in splits {
            let live = lanes.iter().any(|lane| lane.place.group == split.group && !lane.live.is_empty());
            if live && split.weight > 0 {
                self.groups.push((split.group, u64::from(split.weight)));
                self.total += u64::from(split.weight);
            }
        }
    }
}
