//! Which backend a session is on, where the client doesn't say so itself (a header without a cookie): nginx's `sticky learn`, HAProxy's
//! stick table.

use crate::backend::BackendId;
use crate::time::Nanos;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy)]
struct Entry {
    backend: BackendId,
    used: (Nanos, u64),
}

/// Remembers backends by the hash of a session's name. Bounded: the session that was quiet the longest goes first.
#[derive(Debug, Clone)]
pub struct SessionTable {
    capacity: usize,
    ttl: Nanos,
    entries: BTreeMap<u64, Entry>,
    /// By last use; the number tells uses at one moment apart.
    order: BTreeMap<(Nanos, u64), u64>,
    uses: u64,
}

impl SessionTable {
    /// At most `capacity` sessions, each forgotten when it wasn't used for `ttl`.
    pub fn new(capacity: usize, ttl: Nanos) -> SessionTable {
        SessionTable { capacity, ttl, entries: BTreeMap::new(), order: BTreeMap::new(), uses: 0 }
    }

    /// The backend of a session, if it is remembered; that isn't a use.
    pub fn get(&self, session: u64, now: Nanos) -> Option<BackendId> {
        let entry = self.entries.get(&session)?;
        (now.since(entry.used.0) <= self.ttl).then_some(entry.backend)
    }

    /// A request of this session went there.
    pub fn set(&mut self, session: u64, backend: BackendId, now: Nanos) {
        self.uses += 1;
        let used = (now, self.uses);
        if let Some(before) = self.entries.insert(session, Entry { backend, used }) {
            self.order.remove(&before.used);
        }
        self.order.insert(used, session);
        while let Some((oldest, session)) = self.order.first_key_value().map(|(used, session)| (*used, *session)) {
            if self.entries.len() <= self.capacity && now.since(oldest.0) <= self.ttl {
                break;
            }
            self.order.remove(&oldest);
            self.entries.remove(&session);
        }
    }

    /// Sessions that are remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
