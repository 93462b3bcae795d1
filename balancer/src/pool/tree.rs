//! A winner tree: the smallest of many keys, found and updated in a few cache lines.

/// Children per node: eight keys of 64 bits are one cache line.
const WIDE: usize = 8;

/// The smallest of a list of keys. Keys are updated one at a time. Ranks are positions in the list; `worst` keys never win.
#[derive(Debug, Clone)]
pub(super) struct MinTree<K> {
    /// The keys, then the minima of each eight of them, and so on up to at most eight. Each padded with `worst` to whole groups.
    levels: Vec<Vec<K>>,
    worst: K,
}

impl<K: Copy + Ord> MinTree<K> {
    pub(super) fn new(keys: impl Iterator<Item = K>, worst: K) -> MinTree<K> {
        let pad = |mut level: Vec<K>| {
            level.resize(level.len().max(1).next_multiple_of(WIDE), worst);
            level
        };
        let mut levels = vec![pad(keys.collect())];
        while let Some(last) = levels.last()
            && last.len() > WIDE
        {
            let minima = last.chunks(WIDE).map(|group| least(group, worst)).collect();
            levels.push(pad(minima));
        }
        MinTree { levels, worst }
    }

    #[inline]
    pub(super) fn set(&mut self, rank: usize, key: K) {
        let (mut at, mut key) = (rank, key);
        for depth in 0..self.levels.len() {
            let level = &mut self.levels[depth];
            let before = std::mem::replace(&mut level[at], key);
            let group = at / WIDE;
            let Some(above) = self.levels.get(depth + 1) else { return };
            // Most changes are settled by the group's minimum until now; only a minimum that grew needs a look at the whole group.
            let least_before = above[group];
            if before == key || (key > least_before && before != least_before) {
                return;
            }
            if key > least_before {
                key = least(&self.levels[depth][group * WIDE..(group + 1) * WIDE], self.worst);
            }
            at = group;
        }
    }

    /// The smallest key; `None` if all are `worst`.
    pub(super) fn min(&self) -> Option<K> {
        let key = self.levels.last().map_or(self.worst, |top| least(top, self.worst));
        (key != self.worst).then_some(key)
    }

    /// The first rank with the smallest key.
    #[inline]
    pub(super) fn first(&self) -> Option<usize> {
        let key = self.min()?;
        let top = self.levels.len() - 1;
        let at = self.levels[top].iter().position(|found| *found == key)?;
        self.descend(top, at, key)
    }

    /// The first rank with the smallest key at or after `start`, from the beginning if there is none.
    pub(super) fn first_from(&self, start: usize) -> Option<usize> {
        let key = self.min()?;
        self.next_equal(start, key).or_else(|| self.first())
    }

    fn next_equal(&self, start: usize, key: K) -> Option<usize> {
        let mut at = start;
        for (depth, level) in self.levels.iter().enumerate() {
            if at >= level.len() {
                return None;
            }
            let end = at / WIDE * WIDE + WIDE;
            if let Some(offset) = level[at..end].iter().position(|found| *found == key) {
                return self.descend(depth, at + offset, key);
            }
            at = at / WIDE + 1;
        }
        None
    }

    fn descend(&self, depth: usize, at: usize, key: K) -> Option<usize> {
        let mut at = at;
        for level in self.levels[..depth].iter().rev() {
            let start = at * WIDE;
            at = start + level[start..start + WIDE].iter().position(|found| *found == key)?;
        }
        Some(at)
    }
}

/// By pairs: four comparisons at a time don't wait for each other.
#[inline]
fn least<K: Copy + Ord>(keys: &[K], worst: K) -> K {
    let &[a, b, c, d, e, f, g, h] = keys else { return keys.iter().copied().min().unwrap_or(worst) };
    a.min(b).min(c.min(d)).min(e.min(f).min(g.min(h)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_scan(
            mut keys in prop::collection::vec(0..6u64, 1..200),
            changes in prop::collection::vec((any::<usize>(), 0..7u64, any::<usize>()), 0..100),
        ) {
            let mut tree = MinTree::new(keys.iter().copied(), u64::MAX);
            for (rank, key, start) in changes {
                let (rank, start) = (rank % keys.len(), start % keys.len());
                let key = if key == 6 { u64::MAX } else { key };
                keys[rank] = key;
                tree.set(rank, key);
                let least = keys.iter().copied().min().filter(|key| *key != u64::MAX);
                prop_assert_eq!(tree.min(), least);
                let expected = least.map(|least| {
                    let is = |rank: &usize| keys[*rank] == least;
                    (start..keys.len()).find(is).or_else(|| (0..start).find(is)).unwrap()
                });
                prop_assert_eq!(tree.first_from(start), expected);
                prop_assert_eq!(tree.first(), least.and_then(|least| keys.iter().position(|key| *key == least)));
            }
        }
    }
}
