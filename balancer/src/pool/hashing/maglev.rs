//! Maglev's table: every backend claims entries in turn, each in an order of its own, until all are taken.

use crate::backend::BackendId;
use crate::hash::mix2;

const NOBODY: BackendId = BackendId(u32::MAX);

#[derive(Debug, Clone)]
pub(in crate::pool) struct Maglev {
    table: Vec<BackendId>,
}

impl Maglev {
    /// Weights as in Envoy: a backend's turn comes as often as its weight says, in comparison with the heaviest.
    pub(super) fn new(keyed: &[(BackendId, u32)], size: u32) -> Maglev {
        let size = u64::from(size);
        let heaviest = keyed.iter().map(|(_, weight)| u64::from(*weight)).max().unwrap_or(1);
        // By id, so that the table doesn't depend on the order of joining.
        let mut claims: Vec<Claim> = keyed.iter().map(|(id, weight)| Claim::new(*id, *weight, size)).collect();
        claims.sort_unstable_by_key(|claim| claim.id);
        let mut table = vec![NOBODY; size as usize];
        let mut left = if claims.is_empty() { 0 } else { size };
        while left > 0 {
            for claim in &mut claims {
                claim.due += claim.weight;
                if claim.due < heaviest {
                    continue;
                }
                claim.due -= heaviest;
                while table[claim.next as usize] != NOBODY {
                    claim.advance(size);
                }
                table[claim.next as usize] = claim.id;
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        Maglev { table }
    }

    #[inline]
    pub(super) fn owner(&self, key: u64) -> Option<BackendId> {
        let at = super::scale(key, self.table.len() as u64);
        self.table.get(at as usize).copied().filter(|id| *id != NOBODY)
    }
}

struct Claim {
    id: BackendId,
    weight: u64,
    due: u64,
    /// The entry that it wants next.
    next: u64,
    /// Coprime to the prime size: every entry is wanted once.
    skip: u64,
}

impl Claim {
    fn new(id: BackendId, weight: u32, size: u64) -> Claim {
        let key = u64::from(id.0);
        Claim { id, weight: u64::from(weight), due: 0, next: mix2(key, 1) % size, skip: mix2(key, 2) % (size - 1) + 1 }
    }

    fn advance(&mut self, size: u64) {
        self.next += self.skip;
        if self.next >= size {
            self.next -= size;
        }
    }
}
