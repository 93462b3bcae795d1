//! A ring of points: a key belongs to the first point at or after it, and moves on from there.

use crate::backend::BackendId;
use crate::hash::mix2;

/// Points that are walked past before somebody is looked for in turn.
const WALK: usize = 4_096;

#[derive(Debug, Clone)]
pub(in crate::pool) struct Ring {
    /// Position on the ring and owner, ascending.
    points: Vec<(u32, BackendId)>,
    /// The owner of the first point at or after the beginning of each of these equal arcs: what a usual pick reads, in one place of
    /// memory. A key counts as lying where its arc begins.
    arcs: Vec<BackendId>,
}

/// So many bits of arcs, 1 MiB. The same for every fleet: a key must not move because the arcs became finer.
const BITS: u32 = 18;

impl Ring {
    /// `points` for a weight that is a power of two and the largest; a share of that for lighter ones, at least one. A backend's points
    /// depend on its id, its weight and the largest weight (rounded up to a power of two) alone, so that the others' keys stay.
    pub(super) fn new(keyed: &[(BackendId, u32)], points: u32) -> Ring {
        let heaviest = keyed.iter().map(|(_, weight)| *weight).max().unwrap_or(1);
        let unit = u64::from(heaviest.next_power_of_two());
        let mut all = Vec::new();
        for (id, weight) in keyed {
            let count = (u64::from(points) * u64::from(*weight)).div_ceil(unit).max(1);
            all.extend((0..count).map(|point| ((mix2(u64::from(id.0), point) >> 32) as u32, *id)));
        }
        all.sort_unstable();
        let mut arcs = Vec::with_capacity(1 << BITS);
        let mut first = 0;
        for arc in 0..1u64 << BITS {
            let start = (arc << (32 - BITS)) as u32;
            while all.get(first).is_some_and(|(hash, _)| *hash < start) {
                first += 1;
            }
            // Nobody is asked while there are no points.
            arcs.extend(all.get(first).or(all.first()).map(|(_, id)| *id));
        }
        Ring { points: all, arcs }
    }

    #[inline]
    pub(super) fn pick(&self, key: u64, allowed: impl Fn(BackendId) -> Option<usize>) -> Option<usize> {
        let arc = (key >> (64 - BITS)) as u32;
        let first = *self.arcs.get(arc as usize)?;
        allowed(first).or_else(|| self.walk(arc << (32 - BITS), first, allowed))
    }

    /// On from a point whose owner can't take the request.
    #[cold]
    fn walk(&self, start: u32, first: BackendId, allowed: impl Fn(BackendId) -> Option<usize>) -> Option<usize> {
        let mut at = self.points.partition_point(|(point, _)| *point < start);
        let mut refused = Some(first);
        for _ in 0..self.points.len().min(WALK) {
            let (_, id) = *self.points.get(at).unwrap_or(&self.points[0]);
            at = if at >= self.points.len() { 1 } else { at + 1 };
            if refused == Some(id) {
                continue;
            }
            if let Some(picked) = allowed(id) {
                return Some(picked);
            }
            refused = Some(id);
        }
        None
    }
}
