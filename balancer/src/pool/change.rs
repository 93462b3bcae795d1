//! Changes of membership and weight.

use super::{Member, Pool};
use crate::backend::{BackendConfig, BackendId, Place, WEIGHT_MAX};
use crate::time::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One line of a [`WeightSnapshot`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendWeight {
    /// Who.
    pub id: BackendId,
    /// 0 to [`WEIGHT_MAX`]; 0 = stays known, gets nothing.
    pub weight: u32,
}

/// The whole truth about a pool's weights, numbered. Who isn't listed is removed: it gets no new requests and leaves when it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightSnapshot {
    /// Grows with every change of the sender's mind. A pool refuses numbers below the one it has, so that a sender that has lost its
    /// leadership can't undo its successor's work.
    pub epoch: u64,
    /// Every backend, each once.
    pub weights: Vec<BackendWeight>,
}

/// What a snapshot did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The epoch that is now in force.
    pub epoch: u64,
    /// New, in slow start if there is one.
    pub added: Vec<BackendId>,
    /// No longer listed; draining, or gone if they had nothing in flight.
    pub removed: Vec<BackendId>,
    /// Known before, now with another weight.
    pub reweighted: Vec<BackendId>,
}

/// A change that was refused. Nothing was changed then, not even in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The snapshot is older than the one in force, or says something else under the same number. Sending it again won't help.
    #[error("stale epoch {offered}: epoch {current_epoch} is in force")]
    StaleEpoch {
        /// In force.
        current_epoch: u64,
        /// Refused.
        offered: u64,
    },
    /// Listed twice.
    #[error("backend {0} is listed twice")]
    DuplicateBackend(BackendId),
    /// Not in the pool, or on its way out.
    #[error("backend {0} is unknown")]
    UnknownBackend(BackendId),
    /// Too heavy.
    #[error("weight = {weight} of backend {id}: allowed is 0 to {WEIGHT_MAX}")]
    WeightTooLarge {
        /// Whose.
        id: BackendId,
        /// Refused.
        weight: u32,
    },
}

fn check_weight(id: BackendId, weight: u32) -> Result<(), ChangeError> {
    if weight > WEIGHT_MAX { Err(ChangeError::WeightTooLarge { id, weight }) } else { Ok(()) }
}

impl WeightSnapshot {
    /// Says what is wrong with it by itself, if anything; [`Pool::apply`] asks this.
    pub fn validate(&self) -> Result<(), ChangeError> {
        let mut seen = BTreeSet::new();
        for line in &self.weights {
            check_weight(line.id, line.weight)?;
            if !seen.insert(line.id) {
                return Err(ChangeError::DuplicateBackend(line.id));
            }
        }
        Ok(())
    }
}

impl Pool {
    /// Puts a snapshot in force. A lower epoch, and the same epoch with other content, is refused; the same snapshot again changes nothing.
    /// Known backends keep their health, in-flight counts, drain mark and slow start; new ones start in slow start.
    pub fn apply(&mut self, snapshot: &WeightSnapshot, now: Nanos) -> Result<Applied, ChangeError> {
        snapshot.validate()?;
        if let Some(current) = &self.applied {
            if snapshot == current {
                return Ok(Applied { epoch: snapshot.epoch, ..Applied::default() });
            }
            if snapshot.epoch <= current.epoch {
                return Err(ChangeError::StaleEpoch { current_epoch: current.epoch, offered: snapshot.epoch });
            }
        }
        let mut applied = Applied { epoch: snapshot.epoch, ..Applied::default() };
        let listed: BTreeSet<BackendId> = snapshot.weights.iter().map(|line| line.id).collect();
        for id in self.ids.clone() {
            if !listed.contains(&id) && self.remove(id) {
                applied.removed.push(id);
            }
        }
        for line in &snapshot.weights {
            match self.index.get(line.id) {
                None => applied.added.push(line.id),
                Some(at) if self.members[at].weight != line.weight => applied.reweighted.push(line.id),
                Some(_) => {}
            }
            self.put(line.id, line.weight, now);
        }
        self.applied = Some(snapshot.clone());
        Ok(applied)
    }

    /// The epoch in force, if any snapshot ever was.
    pub fn epoch(&self) -> Option<u64> {
        self.applied.as_ref().map(|snapshot| snapshot.epoch)
    }

    /// Adds a backend, in slow start if there is one. A removed one that hasn't left yet comes back as it was, with this weight.
    pub fn add(&mut self, backend: BackendConfig, now: Nanos) -> Result<(), ChangeError> {
        check_weight(backend.id, backend.weight)?;
        if self.index.get(backend.id).is_some_and(|at| !self.members[at].removed) {
            return Err(ChangeError::DuplicateBackend(backend.id));
        }
        self.put(backend.id, backend.weight, now);
        self.place(backend.id, backend.place)
    }

    /// Moves a backend to another level, group or role, and changes nothing else.
    pub fn place(&mut self, id: BackendId, place: Place) -> Result<(), ChangeError> {
        let at = self.in_service(id)?;
        if self.members[at].place != place {
            self.members[at].place = place;
            self.refresh_at = Nanos::ZERO;
        }
        Ok(())
    }

    /// Takes a backend out of service: no new requests, gone when it has nothing in flight. False if it is unknown or already on its way.
    pub fn remove(&mut self, id: BackendId) -> bool {
        let Some(at) = self.index.get(id).filter(|at| !self.members[*at].removed) else { return false };
        self.members[at].removed = true;
        self.leaving += 1;
        self.refresh_at = Nanos::ZERO;
        if self.in_flight[at] == 0 {
            self.leave(at);
        }
        true
    }

    /// Changes a weight and nothing else.
    pub fn set_weight(&mut self, id: BackendId, weight: u32) -> Result<(), ChangeError> {
        check_weight(id, weight)?;
        let at = self.in_service(id)?;
        self.members[at].weight = weight;
        self.refresh_at = Nanos::ZERO;
        Ok(())
    }

    /// Marks a backend as draining: no new requests, but it stays listed until it is removed. Holds through changes of weight.
    pub fn drain(&mut self, id: BackendId) -> Result<(), ChangeError> {
        self.mark(id, true)
    }

    /// Takes the mark of [`drain`](Pool::drain) away.
    pub fn undrain(&mut self, id: BackendId) -> Result<(), ChangeError> {
        self.mark(id, false)
    }

    fn mark(&mut self, id: BackendId, drained: bool) -> Result<(), ChangeError> {
        let at = self.in_service(id)?;
        self.members[at].drained = drained;
        self.refresh_at = Nanos::ZERO;
        Ok(())
    }

    fn in_service(&self, id: BackendId) -> Result<usize, ChangeError> {
        self.index.get(id).filter(|at| !self.members[*at].removed).ok_or(ChangeError::UnknownBackend(id))
    }

    fn put(&mut self, id: BackendId, weight: u32, now: Nanos) {
        match self.index.get(id) {
            Some(at) => {
                self.members[at].weight = weight;
                self.leaving -= u32::from(self.members[at].removed);
                self.members[at].removed = false;
                self.refresh_at = Nanos::ZERO;
            }
            None => {
                let warming_since = self.config.slow_start.map(|_| now);
                self.join(id, Member { warming_since, ..Member::new(weight, now) });
            }
        }
    }
}
