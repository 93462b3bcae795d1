//! Which backend gets which share: ready replicas their full weight or a ramp to it, those that leave nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::command::{Ramp, WeightPlan, WeightedBackend};
use crate::event::{Replica, ReplicaState};
use crate::state::FleetSeen;

/// A backend's full share.
pub const FULL: u32 = 100;
/// A ramp begins here: enough to be tried, and never zero.
const LEAST: u32 = 10;

/// What the balancer was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The newest snapshot; epoch 0 = none yet.
    pub plan: WeightPlan,
    /// The newest epoch that the balancer confirmed.
    pub applied_epoch: Option<u64>,
    /// When the newest snapshot was last sent.
    pub sent_ms: i64,
}

impl Weights {
    /// Brings the snapshot up to date; `true` if it changed (and its epoch rose).
    pub fn update(&mut self, fleet: &FleetSeen, leaving: u32, ramp_ms: i64, now_ms: i64) -> bool {
        let backends = backends(fleet, leaving, ramp_ms, now_ms);
        // Nobody ready: the last snapshot stays, the balancer's health checks know better than an empty list would.
        if backends == self.plan.backends || backends.iter().all(|b| b.weight == 0) {
            return false;
        }
        self.plan = WeightPlan { epoch: self.plan.epoch.saturating_add(1), backends };
        true
    }

    /// Is there a snapshot that the balancer hasn't confirmed?
    pub fn unconfirmed(&self) -> bool {
        self.plan.epoch > 0 && self.applied_epoch != Some(self.plan.epoch)
    }
}

/// The full list: ready and draining replicas, sorted by id. The `leaving` newest of those that count get 0 before they are taken away,
/// unless nobody would be left.
fn backends(fleet: &FleetSeen, leaving: u32, ramp_ms: i64, now_ms: i64) -> Vec<WeightedBackend> {
    let mut counted: Vec<&Replica> = fleet.replicas.iter().filter(|r| r.state != ReplicaState::Draining).collect();
    counted.sort_by_key(|r| std::cmp::Reverse((r.ordered_ms.unwrap_or(i64::MIN), r.id)));
    let mut condemned: BTreeSet<u32> = counted.iter().take(leaving as usize).map(|r| r.id).collect();
    let stays = |r: &&Replica, condemned: &BTreeSet<u32>| r.state == ReplicaState::Ready && !condemned.contains(&r.id);
    if !fleet.replicas.iter().any(|r| stays(&r, &condemned)) {
        condemned.clear();
    }
    let listed = fleet.replicas.iter().filter(|r| r.state != ReplicaState::Booting);
    let weighted = listed.map(|r| {
        let (weight, ramp) = if stays(&r, &condemned) { ramped(r, ramp_ms, now_ms) } else { (0, None) };
        WeightedBackend { id: r.id, address: r.address.clone(), weight, ramp }
    });
    weighted.collect()
}

/// The weight now of a replica that became ready, and its ramp while that lasts.
fn ramped(replica: &Replica, ramp_ms: i64, now_ms: i64) -> (u32, Option<Ramp>) {
    let Some(from_ms) = replica.ready_ms.filter(|&ready| ramp_ms > 0 && now_ms < ready.saturating_add(ramp_ms)) else {
        return (FULL, None);
    };
    let age = now_ms.saturating_sub(from_ms).max(0);
    let weight = LEAST + (i64::from(FULL - LEAST) * age / ramp_ms) as u32;
    (weight.min(FULL), Some(Ramp { from_ms, until_ms: from_ms.saturating_add(ramp_ms) }))
}

#[cfg(test)]
mod tests;
