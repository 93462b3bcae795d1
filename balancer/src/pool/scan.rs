//! Picks by looking at everybody: in turn, in smooth weighted turn, and the least by any measure.

use super::Pool;
use crate::backend::BackendId;
use std::cmp::Ordering;

impl Pool {
    pub(super) fn admits(&self, at: usize, exclude: &[BackendId]) -> bool {
        !exclude.contains(&self.ids[at])
    }

    /// The first rank among the live of a lane whose position is at or after the turn.
    pub(super) fn turn_rank(&self, seat: usize) -> usize {
        let lane = &self.lanes[seat];
        if lane.live.len() == self.ids.len() {
            return if lane.turn < lane.live.len() { lane.turn } else { 0 };
        }
        let rank = lane.live.partition_point(|at| (*at as usize) < lane.turn);
        if rank < lane.live.len() { rank } else { 0 }
    }

    pub(super) fn in_turn(&mut self, seat: usize, exclude: &[BackendId]) -> Option<usize> {
        let start = self.turn_rank(seat);
        let lane = &self.lanes[seat];
        let ranks = (start..lane.live.len()).chain(0..start);
        let at = ranks.map(|rank| lane.live[rank] as usize).find(|at| self.admits(*at, exclude))?;
        self.lanes[seat].turn = at + 1;
        Some(at)
    }

    /// nginx's: everybody's balance grows by its weight, the largest is picked and pays for all.
    pub(super) fn smooth(&mut self, seat: usize, exclude: &[BackendId]) -> Option<usize> {
        self.smooth_among(seat, |pool, at| pool.admits(at, exclude))
    }

    fn smooth_among(&mut self, seat: usize, admit: impl Fn(&Pool, usize) -> bool) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut total = 0i64;
        for rank in 0..self.lanes[seat].live.len() {
            let at = self.lanes[seat].live[rank] as usize;
            if !admit(self, at) {
                continue;
            }
            let weight = i64::from(self.effective[at]);
            total += weight;
            self.current[at] += weight;
            if best.is_none_or(|best| self.current[at] > self.current[best]) {
                best = Some(at);
            }
        }
        self.current[best?] -= total;
        best
    }

    /// Least load among equals, ties in turn: nobody is favoured for being listed first.
    pub(super) fn least_uniform(&mut self, seat: usize) -> usize {
        let lane = &self.lanes[seat];
        let start = self.turn_rank(seat);
        let mut best = lane.live[start] as usize;
        for rank in (start + 1..lane.live.len()).chain(0..start) {
            let at = lane.live[rank] as usize;
            if self.load[at] < self.load[best] {
                best = at;
            }
        }
        self.lanes[seat].turn = best + 1;
        best
    }

    /// Least load per weight; ties by smooth weighted round robin among the tied, so that weights also count when everybody is idle.
    pub(super) fn least(&mut self, seat: usize, exclude: &[BackendId]) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut tied = false;
        for at in self.lanes[seat].live.iter().map(|at| *at as usize).filter(|at| self.admits(*at, exclude)) {
            match best.map(|best| self.compare_load(at, best)) {
                None | Some(Ordering::Less) => (best, tied) = (Some(at), false),
                Some(Ordering::Equal) => tied = true,
                Some(Ordering::Greater) => {}
            }
        }
        let best = best?;
        if !tied {
            return Some(best);
        }
        // `current` changes in this pass, loads and weights don't.
        self.smooth_among(seat, |pool, at| pool.admits(at, exclude) && pool.compare_load(at, best).is_eq())
    }

    /// The first of the least by `compare`, beginning at rank `start`.
    pub(super) fn least_by(
        &mut self,
        seat: usize,
        start: usize,
        exclude: &[BackendId],
        compare: impl Fn(&Pool, usize, usize) -> Ordering,
    ) -> Option<usize> {
        let lane = &self.lanes[seat];
        let ranks = (start..lane.live.len()).chain(0..start.min(lane.live.len()));
        let admitted = ranks.map(|rank| lane.live[rank] as usize).filter(|at| self.admits(*at, exclude));
        let best = admitted.reduce(|best, at| if compare(self, at, best).is_lt() { at } else { best })?;
        self.lanes[seat].turn = best + 1;
        Some(best)
    }

    /// Compares load per effective weight, exactly: both products fit into 64 bits.
    pub(super) fn compare_load(&self, a: usize, b: usize) -> Ordering {
        let (load_a, load_b) = (u64::from(self.load[a]), u64::from(self.load[b]));
        (load_a * u64::from(self.effective[b])).cmp(&(load_b * u64::from(self.effective[a])))
    }
}
