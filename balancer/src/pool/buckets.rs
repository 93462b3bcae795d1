//! Ranks by a small number: the first of those with the smallest, in a few steps however many there are.

/// Numbers below this have a bucket. A load above it is a matter for the winner tree, whose size doesn't grow with the number.
pub(super) const BUCKETS: u32 = 256;
/// Of a rank that is in no bucket.
const NOWHERE: u32 = u32::MAX;
const BITS: usize = 64;

/// A set of ranks for each number, and who is in which. Loads change by one at a time, so few sets are in use: with ten thousand ranks each
/// takes 1.3 kB, and a pick reads nothing but the first cache.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    numbers: Vec<u32>,
    /// Made when first used.
    sets: Vec<Ranks>,
    /// Which sets have somebody, a bit each.
    taken: [u64; BUCKETS as usize / BITS],
}

impl Buckets {
    /// `None` if a number is too large for a bucket.
    pub(super) fn new(numbers: impl Iterator<Item = u32>) -> Option<Buckets> {
        let numbers: Vec<u32> = numbers.collect();
        let mut buckets = Buckets { numbers: vec![NOWHERE; numbers.len()], sets: Vec::new(), taken: Default::default() };
        numbers.iter().enumerate().all(|(rank, number)| buckets.set(rank, *number)).then_some(buckets)
    }

    /// False, and nothing is changed, if the number is too large for a bucket.
    #[inline]
    #[must_use]
    pub(super) fn set(&mut self, rank: usize, number: u32) -> bool {
        if number >= BUCKETS {
            return false;
        }
        if self.numbers[rank] != number {
            self.hide(rank);
            self.numbers[rank] = number;
            let at = number as usize;
            while self.sets.len() <= at {
                self.sets.push(Ranks::default());
            }
            self.sets[at].insert(rank, self.numbers.len());
            self.taken[at / BITS] |= 1 << (at % BITS);
        }
        true
    }

    /// Takes a rank out until it is set again.
    #[inline]
    pub(super) fn hide(&mut self, rank: usize) {
        let before = std::mem::replace(&mut self.numbers[rank], NOWHERE);
        if before != NOWHERE {
            let at = before as usize;
            self.sets[at].remove(rank);
            if self.sets[at].count == 0 {
                self.taken[at / BITS] &= !(1 << (at % BITS));
            }
        }
    }

    /// The first rank with the smallest number at or after `start`, from the beginning if there is none.
    #[inline]
    pub(super) fn first_from(&self, start: usize) -> Option<usize> {
        let word = self.taken.iter().position(|word| *word != 0)?;
        let least = &self.sets[word * BITS + self.taken[word].trailing_zeros() as usize];
        least.next(start).or_else(|| least.next(0))
    }
}

/// A set of ranks: a bit each, and a bit for each word of these that isn't empty.
#[derive(Debug, Clone, Default)]
struct Ranks {
    words: Vec<u64>,
    filled: Vec<u64>,
    count: usize,
}

impl Ranks {
    #[inline]
    fn insert(&mut self, rank: usize, ranks: usize) {
        if self.words.is_empty() {
            self.words = vec![0; ranks.div_ceil(BITS)];
            self.filled = vec![0; self.words.len().div_ceil(BITS)];
        }
        let word = rank / BITS;
        self.words[word] |= 1 << (rank % BITS);
        self.filled[word / BITS] |= 1 << (word % BITS);
        self.count += 1;
    }

    #[inline]
    fn remove(&mut self, rank: usize) {
        let word = rank / BITS;
        self.words[word] &= !(1 << (rank % BITS));
        if self.words[word] == 0 {
            self.filled[word / BITS] &= !(1 << (word % BITS));
        }
        self.count -= 1;
    }

    /// The first at or after `start`.
    #[inline]
    fn next(&self, start: usize) -> Option<usize> {
        let in_word = |words: &[u64], at: usize| {
            let rest = words.get(at / BITS)? & (u64::MAX << (at % BITS));
            (rest != 0).then(|| at / BITS * BITS + rest.trailing_zeros() as usize)
        };
        if let Some(rank) = in_word(&self.words, start) {
            return Some(rank);
        }
        let after = start / BITS + 1;
        let word = in_word(&self.filled, after).or_else(|| {
            let rest = self.filled.iter().enumerate().skip(after / BITS + 1);
            rest.into_iter().find(|(_, filled)| **filled != 0).map(|(at, filled)| at * BITS + filled.trailing_zeros() as usize)
        })?;
        Some(word * BITS + self.words[word].trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_scan(
            mut numbers in prop::collection::vec(0..4u32, 1..9_000),
            changes in prop::collection::vec((any::<usize>(), 0..7u32, any::<usize>()), 0..200),
        ) {
            let mut buckets = Buckets::new(numbers.iter().copied()).unwrap();
            for (rank, number, start) in changes {
                let (rank, start) = (rank % numbers.len(), start % numbers.len());
                // 6 stands for hidden, 5 for the largest that has a bucket.
                match number {
                    6 => buckets.hide(rank),
                    5 => prop_assert!(buckets.set(rank, BUCKETS - 1)),
                    _ => prop_assert!(buckets.set(rank, number)),
                }
                numbers[rank] = number;
                let least = numbers.iter().copied().min().filter(|number| *number != 6);
                let expected = least.map(|least| {
                    let is = |rank: &usize| numbers[*rank] == least;
                    (start..numbers.len()).find(is).or_else(|| (0..start).find(is)).unwrap()
                });
                prop_assert_eq!(buckets.first_from(start), expected);
            }
        }

        #[test]
        fn finds_the_only_one_from_anywhere(ranks in 1..20_000usize, only: usize, start: usize) {
            let (only, start) = (only % ranks, start % ranks);
            let buckets = Buckets::new((0..ranks).map(|rank| u32::from(rank != only))).unwrap();
            prop_assert_eq!(buckets.first_from(start), Some(only));
        }
    }

    #[test]
    fn a_number_without_a_bucket_is_refused_and_changes_nothing() {
        assert!(Buckets::new([1, BUCKETS].into_iter()).is_none());
        let mut buckets = Buckets::new([1, 2].into_iter()).unwrap();
        assert!(!buckets.set(0, BUCKETS));
        assert_eq!(buckets.first_from(1), Some(0));
    }
}
