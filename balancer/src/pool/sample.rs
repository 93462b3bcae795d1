//! Picks by drawing: one, two or more at random, and the better of them.

use super::Pool;
use super::line::scale;
use crate::backend::BackendId;
use crate::tuning::CHOICES_MAX;
use rand::Rng;
use std::cmp::Ordering;

/// Draws per place in the sample before it is left smaller: only a backend with nearly all of the weight needs so many.
const DRAWS_EACH: usize = 4;

impl Pool {
    pub(super) fn draw_from_all(&self, seat: usize, rng: &mut dyn Rng) -> usize {
        let draw = rng.next_u64();
        let lane = &self.lanes[seat];
        let count = lane.live.len();
        let rank = if lane.uniform { scale(draw, count as u64) as usize } else { lane.line.rank_of(scale(draw, lane.total)) };
        lane.live[rank] as usize
    }

    /// One at random by effective weight, with exclusions. Draws once, also if there is nobody.
    pub(super) fn draw(&self, seat: usize, exclude: &[BackendId], but: Option<usize>, rng: &mut dyn Rng) -> Option<usize> {
        let draw = rng.next_u64();
        let live = &self.lanes[seat].live;
        let admitted = || live.iter().map(|at| *at as usize).filter(|at| Some(*at) != but && self.admits(*at, exclude));
        let total: u64 = admitted().map(|at| u64::from(self.effective[at])).sum();
        let mut point = scale(draw, total);
        for at in admitted() {
            let weight = u64::from(self.effective[at]);
            if point < weight {
                return Some(at);
            }
            point -= weight;
        }
        None
    }

    /// Two different ones by weight, nothing excluded. Draws twice, also when there is only one.
    pub(super) fn two_of_all(&self, seat: usize, rng: &mut dyn Rng) -> (usize, usize) {
        let (first_draw, second_draw) = (rng.next_u64(), rng.next_u64());
        let lane = &self.lanes[seat];
        let count = lane.live.len();
        if count == 1 {
            return (lane.live[0] as usize, lane.live[0] as usize);
        }
        let (first, second) = if lane.uniform {
            let first = scale(first_draw, count as u64);
            let second = scale(second_draw, count as u64 - 1);
            (first as usize, (second + u64::from(second >= first)) as usize)
        } else {
            let first = lane.line.rank_of(scale(first_draw, lane.total));
            let weight = u64::from(self.effective[lane.live[first] as usize]);
            let start = lane.line.start(first);
            // A point on the line of weights with the first one's stretch cut out.
            let point = scale(second_draw, lane.total - weight);
            (first, lane.line.rank_of(if point >= start { point + weight } else { point }))
        };
        (lane.live[first] as usize, lane.live[second] as usize)
    }

    /// The better of two drawn by weight; a tie goes to the first drawn: an idle pool shares by weight.
    pub(super) fn better_of_two(
        &self,
        seat: usize,
        exclude: &[BackendId],
        rng: &mut dyn Rng,
        compare: impl Fn(usize, usize) -> Ordering,
    ) -> Option<usize> {
        let (first, second) = if exclude.is_empty() {
            self.two_of_all(seat, rng)
        } else {
            let first = self.draw(seat, exclude, None, rng)?;
            (first, self.draw(seat, exclude, Some(first), rng).unwrap_or(first))
        };
        Some(if compare(second, first).is_lt() { second } else { first })
    }

    /// The least loaded of `count` different ones drawn by weight.
    pub(super) fn least_of(&self, seat: usize, count: usize, exclude: &[BackendId], rng: &mut dyn Rng) -> Option<usize> {
        let lane = &self.lanes[seat];
        let count = count.min(CHOICES_MAX);
        if count >= lane.live.len() {
            // Everybody takes part; who is drawn first wins ties, so that an idle pool shares by weight.
            let first = self.draw(seat, exclude, None, rng)?;
            let admitted = lane.live.iter().map(|at| *at as usize).filter(|at| self.admits(*at, exclude));
            return Some(admitted.fold(first, |best, at| if self.compare_load(at, best).is_lt() { at } else { best }));
        }
        let (mut sample, mut size) = ([usize::MAX; CHOICES_MAX], 0);
        for _ in 0..count * DRAWS_EACH {
            let at = self.draw_from_all(seat, rng);
            if !sample[..size].contains(&at) && self.admits(at, exclude) {
                sample[size] = at;
                size += 1;
            }
            if size == count {
                break;
            }
        }
        let best = sample[..size].iter().copied().reduce(|best, at| if self.compare_load(at, best).is_lt() { at } else { best });
        best.or_else(|| self.draw(seat, exclude, None, rng))
    }
}
