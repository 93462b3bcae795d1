//! The indexes by which the least is found among many, and what keeps them true.

use super::buckets::Buckets;
use super::lane::Tree;
use super::tree::MinTree;
use super::{NOBODY, Pool};
use crate::algorithm::Algorithm;
use crate::backend::BackendId;
use crate::time::Nanos;

// Positive floats order as their bits do. A division is rounded the same way on every machine, and equal shares give equal results.

fn turn_key(pass: f64) -> u64 {
    pass.to_bits()
}

fn ratio_key(load: u32, effective: u32) -> u64 {
    (f64::from(load) / f64::from(effective.max(1))).to_bits()
}

fn both(ratio: u64, turn: u64) -> u128 {
    u128::from(ratio) << 64 | u128::from(turn)
}

impl Pool {
    /// Mean latency × (requests in flight per weight + 1); who is unknown counts as the average. In units of the lane's mean weight, so
    /// that without requests in flight nobody is better for being heavy: those are drawn, or come in turn, by weight already.
    #[inline]
    pub(super) fn cost(&self, at: usize) -> f64 {
        let known = self.latency[at].value();
        let latency = if known == 0.0 { self.mean_latency.value().max(1.0) } else { known };
        latency * self.crowd(at)
    }

    /// The same with the latency of who wasn't asked for a while fallen towards 0.
    #[inline]
    pub(super) fn faded_cost(&self, at: usize, now: Nanos) -> f64 {
        let known = if self.latency[at].value() == 0.0 { self.mean_latency } else { self.latency[at] };
        known.faded(now, self.config.ewma.decay).max(1.0) * self.crowd(at)
    }

    fn crowd(&self, at: usize) -> f64 {
        let mean = self.lanes[self.seat[at].0 as usize].mean_weight;
        1.0 + f64::from(self.load[at]) * mean / f64::from(self.effective[at].max(1))
    }

    pub(super) fn grow_tree(&self, seat: usize) -> Tree {
        let lane = &self.lanes[seat];
        if lane.small() {
            return Tree::None;
        }
        let live = lane.live.iter().map(|at| *at as usize);
        let ratio = |at: usize| ratio_key(self.load[at], self.effective[at]);
        match self.algorithm {
            Algorithm::RoundRobin | Algorithm::WeightedRoundRobin if lane.uniform => Tree::None,
            Algorithm::RoundRobin | Algorithm::WeightedRoundRobin => {
                Tree::Turn(MinTree::new(live.map(|at| turn_key(self.pass[at])), u64::MAX))
            }
            Algorithm::LeastConnections | Algorithm::JoinShortestQueue if lane.uniform => {
                let loads = live.map(|at| self.load[at]);
                Buckets::new(loads.clone()).map_or_else(|| Tree::Load(MinTree::new(loads.map(u64::from), u64::MAX)), Tree::Few)
            }
            Algorithm::LeastConnections => {
                Tree::RatioTurn(MinTree::new(live.map(|at| both(ratio(at), turn_key(self.pass[at]))), u128::MAX))
            }
            Algorithm::JoinShortestQueue => Tree::Ratio(MinTree::new(live.map(ratio), u64::MAX)),
            Algorithm::LeastResponseTime => Tree::Cost(MinTree::new(live.map(|at| self.cost(at).to_bits()), u64::MAX)),
            _ => Tree::None,
        }
    }

    /// A member's load, latency or turn has changed.
    #[inline]
    pub(super) fn touch(&mut self, at: usize) {
        let (seat, rank) = self.seat[at];
        if rank == NOBODY || self.refresh_at == Nanos::ZERO {
            return;
        }
        let cost = if self.algorithm == Algorithm::LeastResponseTime { self.cost(at).to_bits() } else { 0 };
        let rank = rank as usize;
        if self.untouched == Some(at) {
            self.untouched = None;
        }
        // Each arm reads what it needs and no more: among many backends every array is another line of memory.
        match &mut self.lanes[seat as usize].tree {
            Tree::None => {}
            Tree::Few(buckets) => {
                if !buckets.set(rank, self.load[at]) {
                    self.lanes[seat as usize].tree = self.grow_tree(seat as usize);
                }
            }
            Tree::Turn(tree) => tree.set(rank, turn_key(self.pass[at])),
            Tree::Load(tree) => tree.set(rank, u64::from(self.load[at])),
            Tree::Ratio(tree) => tree.set(rank, ratio_key(self.load[at], self.effective[at])),
            Tree::RatioTurn(tree) => {
                tree.set(rank, both(ratio_key(self.load[at], self.effective[at]), turn_key(self.pass[at])));
            }
            Tree::Cost(tree) => tree.set(rank, cost),
        }
    }

    /// The best of a lane's tree, from rank `start` on if several are best. Also takes the turn.
    pub(super) fn best(&mut self, seat: usize, start: usize, exclude: &[BackendId]) -> Option<usize> {
        if let Some(at) = self.untouched.take() {
            self.touch(at);
        }
        self.hide(seat, exclude);
        let rank = match &self.lanes[seat].tree {
            Tree::None => None,
            Tree::Few(buckets) => buckets.first_from(start),
            Tree::Turn(tree) => tree.first(),
            Tree::RatioTurn(tree) => tree.first(),
            Tree::Load(tree) | Tree::Ratio(tree) | Tree::Cost(tree) => tree.first_from(start),
        };
        let best = rank.map(|rank| self.lanes[seat].live[rank] as usize);
        if let Some(at) = best {
            let lane = &mut self.lanes[seat];
            lane.turn = at + 1;
            if matches!(lane.tree, Tree::Turn(_) | Tree::RatioTurn(_)) {
                lane.pass = lane.pass.max(self.pass[at]);
                self.pass[at] = self.pass[at].max(lane.pass) + 1.0 / f64::from(self.effective[at].max(1));
                // The request that begins there next will touch it anyway.
                self.untouched = Some(at);
            }
        }
        for id in exclude {
            if let Some(at) = self.index.get(*id) {
                self.touch(at);
            }
        }
        best
    }

    /// Takes the excluded out of a lane's tree until they are touched again.
    fn hide(&mut self, seat: usize, exclude: &[BackendId]) {
        for id in exclude {
            let Some((lane, rank)) = self.index.get(*id).map(|at| self.seat[at]) else { continue };
            if lane as usize != seat || rank == NOBODY {
                continue;
            }
            match &mut self.lanes[seat].tree {
                Tree::None => {}
                Tree::Few(buckets) => buckets.hide(rank as usize),
                Tree::Turn(tree) | Tree::Load(tree) | Tree::Ratio(tree) | Tree::Cost(tree) => tree.set(rank as usize, u64::MAX),
                Tree::RatioTurn(tree) => tree.set(rank as usize, u128::MAX),
            }
        }
    }
}
