//! From id to position in constant time.

use crate::backend::BackendId;
use std::collections::BTreeMap;

/// Ids below this are looked up in a plain table (at most 256 KiB); others, which only imported configurations have, in a tree.
const TABLE_MAX: u32 = 65_536;
const NOBODY: u32 = u32::MAX;

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    table: Vec<u32>,
    others: BTreeMap<u32, u32>,
}

impl Index {
    #[inline]
    pub(super) fn get(&self, id: BackendId) -> Option<usize> {
        match self.table.get(id.0 as usize) {
            Some(&NOBODY) => None,
            Some(&position) => Some(position as usize),
            None if id.0 < TABLE_MAX => None,
            None => self.others.get(&id.0).map(|position| *position as usize),
        }
    }

    pub(super) fn set(&mut self, id: BackendId, position: usize) {
        // A pool of 2^32 members would not fit into memory.
        let position = position as u32;
        if id.0 >= TABLE_MAX {
            self.others.insert(id.0, position);
            return;
        }
        let slot = id.0 as usize;
        if self.table.len() <= slot {
            self.table.resize(slot + 1, NOBODY);
        }
        self.table[slot] = position;
    }

    pub(super) fn clear(&mut self, id: BackendId) {
        if id.0 >= TABLE_MAX {
            self.others.remove(&id.0);
        } else if let Some(slot) = self.table.get_mut(id.0 as usize) {
            *slot = NOBODY;
        }
    }
}
