//! From a key to a backend, such that few keys move when the fleet changes. Tables hold ids of all usable backends, well or not: an
//! ejection moves only the keys of who is out, and they come back when it does.

mod maglev;
mod rendezvous;
mod ring;

use super::line::{Line, scale};
use crate::algorithm::Algorithm;
use crate::backend::BackendId;
use crate::hash::mix2;
use crate::tuning::HashRules;
use maglev::Maglev;
use rendezvous::Rendezvous;
use ring::Ring;

/// How often a key is hashed again before somebody is looked for in turn (nginx's `ip_hash` tries 20 times).
const TRIES: u64 = 20;

#[derive(Debug, Clone, Default)]
pub(super) enum HashIndex {
    #[default]
    None,
    Ring(Ring),
    Maglev(Maglev),
    Rendezvous(Rendezvous),
    /// A plain hash onto the line of weights.
    Line(Line, Vec<BackendId>),
}

impl HashIndex {
    /// The index over these backends (weights above 0), reusing what is still true of `self`.
    pub(super) fn update(&mut self, algorithm: Algorithm, rules: &HashRules, before: &[(BackendId, u32)], keyed: &[(BackendId, u32)]) {
        if before == keyed && !matches!(self, HashIndex::None) {
            return;
        }
        *self = match (algorithm, std::mem::take(self)) {
            (Algorithm::RingHash, _) => HashIndex::Ring(Ring::new(keyed, rules.points)),
            (Algorithm::Maglev, _) => HashIndex::Maglev(Maglev::new(keyed, rules.table_size)),
            (Algorithm::Rendezvous, HashIndex::Rendezvous(mut known)) => {
                known.change(keyed);
                HashIndex::Rendezvous(known)
            }
            (Algorithm::Rendezvous, _) => HashIndex::Rendezvous(Rendezvous::new(keyed)),
            (Algorithm::IpHash, _) => {
                let mut line = Line::default();
                keyed.iter().for_each(|(_, weight)| line.push(u64::from(*weight)));
                line.finish();
                HashIndex::Line(line, keyed.iter().map(|(id, _)| *id).collect())
            }
            _ => HashIndex::None,
        };
    }

    /// The first choice of this key that is `allowed`; `None` if none of the first tries is.
    #[inline]
    pub(super) fn pick(&mut self, key: u64, keyed: &[(BackendId, u32)], allowed: impl Fn(BackendId) -> Option<usize>) -> Option<usize> {
        if keyed.is_empty() {
            return None;
        }
        if let HashIndex::Ring(ring) = self {
            return ring.pick(key, allowed);
        }
        for attempt in 0..TRIES {
            let key = if attempt == 0 { key } else { mix2(key, attempt) };
            let id = match self {
                HashIndex::Maglev(table) => table.owner(key)?,
                HashIndex::Rendezvous(slots) => slots.owner(key, keyed)?,
                HashIndex::Line(line, ids) => ids[line.rank_of(scale(key, line.total()))],
                HashIndex::Ring(_) | HashIndex::None => return None,
            };
            if let Some(at) = allowed(id) {
                return Some(at);
            }
        }
        None
    }
}
