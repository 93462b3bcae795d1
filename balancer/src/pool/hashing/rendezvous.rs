//! Rendezvous: each of a fixed number of slots belongs to the backend with the highest score for it. A slot's owner is worked out when it is
//! first asked for and kept; a backend that leaves gives up its own slots, one that comes takes those that it wins, and nothing else moves.

use crate::backend::BackendId;
use crate::hash::mix2;
use std::collections::BTreeMap;

/// Slots: six for each of ten thousand backends.
const BITS: u32 = 16;
const UNKNOWN: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(in crate::pool) struct Rendezvous {
    /// Ranks in `ids`.
    owners: Vec<u32>,
    ids: Vec<(BackendId, u32)>,
}

/// A hash in the open interval from 0 to 1.
fn uniform(slot: u64, id: BackendId) -> f64 {
    ((mix2(slot, u64::from(id.0)) >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// Whether the first beats the second for this slot. The score is −weight / ln(hash); the logarithm is needed only where neither the
/// weight nor the hash decides by itself.
fn beats(slot: u64, a: (BackendId, u32), b: (BackendId, u32)) -> bool {
    let (x, y) = (uniform(slot, a.0), uniform(slot, b.0));
    if a.1 == b.1 {
        return (x, b.0) > (y, a.0);
    }
    if (a.1 > b.1) == (x > y) && x != y {
        return x > y;
    }
    let (score_a, score_b) = (-f64::from(a.1) / libm::log(x), -f64::from(b.1) / libm::log(y));
    score_a > score_b || (score_a == score_b && a.0 < b.0)
}

impl Rendezvous {
    pub(super) fn new(keyed: &[(BackendId, u32)]) -> Rendezvous {
        Rendezvous { owners: vec![UNKNOWN; 1 << BITS], ids: keyed.to_vec() }
    }

    /// The fleet changes: only slots that change hands are touched.
    pub(super) fn change(&mut self, after: &[(BackendId, u32)]) {
        let before = std::mem::replace(&mut self.ids, after.to_vec());
        let rank_after: BTreeMap<BackendId, (u32, u32)> =
            after.iter().zip(0u32..).map(|((id, weight), rank)| (*id, (*weight, rank))).collect();
        let weight_before: BTreeMap<BackendId, u32> = before.iter().copied().collect();
        let come: Vec<(BackendId, u32)> = after.iter().copied().filter(|(id, weight)| weight_before.get(id) != Some(weight)).collect();
        // A fleet that is mostly new is worked out anew, slot by slot as it is asked for.
        if come.len() > 64 {
            self.owners.fill(UNKNOWN);
            return;
        }
        for (slot, owner) in self.owners.iter_mut().enumerate().filter(|(_, owner)| **owner != UNKNOWN) {
            let held = before.get(*owner as usize).copied();
            let still = held.filter(|(id, weight)| rank_after.get(id).is_some_and(|(now, _)| now == weight));
            let Some(mut best) = still else {
                *owner = UNKNOWN;
                continue;
            };
            for new in &come {
                if beats(slot as u64, *new, best) {
                    best = *new;
                }
            }
            *owner = rank_after.get(&best.0).map_or(UNKNOWN, |(_, rank)| *rank);
        }
    }

    #[inline]
    pub(super) fn owner(&mut self, key: u64, keyed: &[(BackendId, u32)]) -> Option<BackendId> {
        let slot = key >> (64 - BITS);
        let owner = self.owners[slot as usize];
        if owner == UNKNOWN {
            return self.decide(slot, keyed);
        }
        keyed.get(owner as usize).map(|(id, _)| *id)
    }

    #[cold]
    fn decide(&mut self, slot: u64, keyed: &[(BackendId, u32)]) -> Option<BackendId> {
        let best = keyed.iter().zip(0u32..).reduce(|best, next| if beats(slot, *next.0, *best.0) { next } else { best })?;
        self.owners[slot as usize] = best.1;
        Some(best.0.0)
    }
}
