//! The pool as seen from outside.

use super::{Member, Pool};
use crate::backend::{BackendId, BackendState, BackendView};
use crate::time::Nanos;
use crate::warmup::PARTS;

impl Pool {
    /// Every member at `now`, those on their way out included, in the order of joining.
    pub fn view(&self, now: Nanos) -> Vec<BackendView> {
        let mode = self.mode(now);
        let views = self.ids.iter().zip(&self.members).enumerate().map(|(at, (id, member))| BackendView {
            id: *id,
            weight: member.weight,
            effective_weight: f64::from(self.effective_parts(member, mode, now)) / f64::from(PARTS),
            in_flight: self.in_flight[at],
            state: self.state_of(member, now),
            consecutive_failures: member.passive.streak,
            ejected_until: member.passive.ejected_until,
        });
        views.collect()
    }

    /// What one backend is doing at `now`; `None` if it has left or never was.
    pub fn state(&self, id: BackendId, now: Nanos) -> Option<BackendState> {
        self.index.get(id).map(|at| self.state_of(&self.members[at], now))
    }

    fn state_of(&self, member: &Member, now: Nanos) -> BackendState {
        if member.draining() {
            BackendState::Draining
        } else if member.active.down {
            BackendState::Down
        } else if member.passive.ejected_until.is_some() || member.latency.closed(now) {
            BackendState::Ejected
        } else if self.warmth(member, now) < PARTS || self.pace(member, now) < PARTS {
            BackendState::Warming
        } else {
            BackendState::Up
        }
    }

    /// Requests in flight at one backend; `None` if it has left or never was.
    pub fn in_flight(&self, id: BackendId) -> Option<u32> {
        self.index.get(id).map(|at| self.in_flight[at])
    }

    /// Whether the pool knows `id`, also while it drains.
    pub fn contains(&self, id: BackendId) -> bool {
        self.index.get(id).is_some()
    }

    /// Members, those on their way out included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// No members.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
