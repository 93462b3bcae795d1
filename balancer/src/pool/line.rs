//! The line of weights: from a point on it to whom it belongs.

/// Running sums of weights, with a guide (Chen and Asau, 1974) that makes the search from a point to its owner constant on average.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    cumulative: Vec<u64>,
    /// The owner of the beginning of each of these equal stretches.
    guide: Vec<u32>,
}

/// A total below this times a guide of at most 2¹⁶ entries fits into 64 bits.
const GUIDED_MAX: u64 = 1 << 47;

impl Line {
    pub(super) fn clear(&mut self) {
        self.cumulative.clear();
        self.guide.clear();
    }

    pub(super) fn push(&mut self, weight: u64) {
        self.cumulative.push(self.total() + weight);
    }

    pub(super) fn total(&self) -> u64 {
        self.cumulative.last().copied().unwrap_or(0)
    }

    /// Where the stretch of `rank` begins.
    pub(super) fn start(&self, rank: usize) -> u64 {
        if rank == 0 { 0 } else { self.cumulative[rank - 1] }
    }

    /// To be called after the last [`push`](Line::push).
    pub(super) fn finish(&mut self) {
        let total = self.total();
        let stretches = self.cumulative.len().next_power_of_two().min(1 << 16) as u64;
        if self.cumulative.len() <= 8 || total >= GUIDED_MAX {
            return;
        }
        let mut rank = 0;
        for stretch in 0..stretches {
            while self.cumulative[rank] <= stretch * total / stretches {
                rank += 1;
            }
            self.guide.push(rank as u32);
        }
    }

    /// The rank whose stretch holds `point`, which must be below the total.
    #[inline]
    pub(super) fn rank_of(&self, point: u64) -> usize {
        if self.guide.is_empty() {
            return self.cumulative.partition_point(|sum| *sum <= point);
        }
        let stretch = point * self.guide.len() as u64 / self.total().max(1);
        let mut rank = self.guide[stretch as usize] as usize;
        while self.cumulative[rank] <= point {
            rank += 1;
        }
        rank
    }
}

/// A whole number below `below` from 64 random bits (multiply and shift). Its bias is `below / 2⁶⁴`, which for the largest sum of weights
/// would take some 10¹⁵ picks to notice; in return every pick draws the same number of times.
#[inline]
pub(super) fn scale(draw: u64, below: u64) -> u64 {
    ((u128::from(draw) * u128::from(below)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_guide_finds_what_a_search_finds(weights in prop::collection::vec(1..2_000u64, 1..300), draws in prop::collection::vec(any::<u64>(), 50)) {
            let mut line = Line::default();
            weights.iter().for_each(|weight| line.push(*weight));
            line.finish();
            for point in draws.iter().map(|draw| scale(*draw, line.total())).chain([0, line.total() - 1]) {
                prop_assert_eq!(line.rank_of(point), line.cumulative.partition_point(|sum| *sum <= point));
            }
        }
    }
}
