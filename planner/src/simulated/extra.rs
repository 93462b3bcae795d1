//! What a what-if changes between the planner and its simulated fleet, without the planner's knowledge.

use balancer::{BackendId, BackendWeight};

use crate::command::WeightedBackend;
use crate::event::{Replica, ReplicaState};

/// More replicas than the plan has, or fewer, and whether weights are handed over.
///
/// The planner is shown the fleet that it ordered: with fewer, replicas that don't exist; with more, none of the surplus. So the plan itself
/// stays what it would have been, which is what "three fewer" is compared with; it would otherwise order the missing ones again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra {
    /// Hand the weights over too? Only with a ramp: without one every ready replica gets the same share anyway.
    pub ramp: bool,
    /// Replicas beyond the plan; negative = fewer.
    pub more: i32,
}

/// The surplus can't be named by the planner, which doesn't know of it; what is missing is named from here downwards.
const PHANTOM: u32 = u32::MAX;

impl Extra {
    /// The size that is ordered in place of the plan's; never none.
    pub fn shifted(&self, planned: u32) -> u32 {
        planned.saturating_add_signed(self.more).max(1)
    }

    /// Makes of the real fleet what the planner is to see; `planned` is its last order. Gives back the surplus.
    pub fn disguise(&self, fleet: &mut Vec<Replica>, planned: Option<u32>) -> Vec<u32> {
        let apart = planned.map_or(i64::from(self.more), |planned| i64::from(self.shifted(planned)) - i64::from(planned));
        let missing = u32::try_from(-apart).unwrap_or(0);
        fleet.extend((0..missing).map(|at| {
            let id = PHANTOM - at;
            Replica { id, address: format!("replica-{id}"), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None }
        }));
        let surplus = usize::try_from(apart).unwrap_or(0);
        let mut oldest: Vec<u32> = fleet.iter().filter(|replica| replica.state == ReplicaState::Ready).map(|replica| replica.id).collect();
        oldest.truncate(surplus);
        fleet.retain(|replica| !oldest.contains(&replica.id));
        oldest
    }

    /// The planner's weights for the real fleet: without those that don't exist, with full weight for the surplus.
    pub fn weights(&self, planned: &[WeightedBackend], fleet: &[u32], surplus: &[u32]) -> Vec<BackendWeight> {
        let full = planned.iter().map(|backend| backend.weight).max().unwrap_or(1);
        let real = planned.iter().filter(|backend| fleet.contains(&backend.id)).map(|backend| (backend.id, backend.weight));
        let all = real.chain(surplus.iter().map(|id| (*id, full)));
        all.map(|(id, weight)| BackendWeight { id: BackendId(id), weight }).collect()
    }
}
