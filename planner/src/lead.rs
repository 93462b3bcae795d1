//! How long an order takes to become a warm replica, measured.

use serde::{Deserialize, Serialize};

use crate::config::{DEFAULT_LEAD_MS, ServiceConfig};
use crate::decision::LeadSource;
use crate::event::{Replica, ReplicaState};
use crate::state::FleetSeen;

/// The last measurements from order to ready, one per replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadTimes {
    measured_ms: Vec<i64>,
}

/// A lead time and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// From an order to a warm replica.
    pub ms: i64,
    /// Its source.
    pub source: LeadSource,
}

/// So many measurements are needed before they count.
const ENOUGH: usize = 5;
/// So many are kept: a new image or node type shows within a day of normal scaling.
const KEEP: usize = 40;
/// Longer than this is a replica that was stuck, not a start-up time.
const LONGEST_MS: i64 = 6 * 3_600_000;

impl LeadTimes {
    /// Learns from two observations that follow each other: each replica that became ready in between counts once.
    pub fn learn(&mut self, before: Option<&FleetSeen>, now: &FleetSeen) {
        let Some(before) = before else { return };
        for replica in now.replicas.iter().filter(|r| r.state == ReplicaState::Ready) {
            if let Some(ms) = start_up(before, replica, now.at_ms).filter(|ms| (1..=LONGEST_MS).contains(ms)) {
                self.measured_ms.push(ms);
            }
        }
        let surplus = self.measured_ms.len().saturating_sub(KEEP);
        self.measured_ms.drain(..surplus);
    }

    /// Measured (P90 by nearest rank, plus the ramp until a replica carries its full share), else configured, else five minutes.
    pub fn lead(&self, config: &ServiceConfig) -> Lead {
        if self.measured_ms.len() >= ENOUGH {
            let mut sorted = self.measured_ms.clone();
            sorted.sort_unstable();
            let rank = (sorted.len() * 9).div_ceil(10);
            return Lead { ms: sorted[rank - 1] + config.ramp_ms, source: LeadSource::Measured };
        }
        match config.lead_time_ms {
            Some(ms) => Lead { ms, source: LeadSource::Configured },
            None => Lead { ms: DEFAULT_LEAD_MS, source: LeadSource::Default },
        }
    }

    /// How many measurements there are.
    pub fn len(&self) -> usize {
        self.measured_ms.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.measured_ms.is_empty()
    }
}

/// Order to ready of a replica that became ready after `before`; `None` if it didn't, or if its order time is unknown.
fn start_up(before: &FleetSeen, replica: &Replica, seen_ms: i64) -> Option<i64> {
    let ordered = replica.ordered_ms?;
    match before.replicas.iter().find(|r| r.id == replica.id) {
        Some(known) if known.state == ReplicaState::Booting => Some(replica.ready_ms.unwrap_or(seen_ms) - ordered),
        Some(_) => None,
        // It came and got ready between two observations: only its own clock can tell.
        None => replica.ready_ms.filter(|&ready| ready > before.at_ms).map(|ready| ready - ordered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at_ms: i64, replicas: &[(u32, ReplicaState, Option<i64>, Option<i64>)]) -> FleetSeen {
        let replica = |&(id, state, ordered_ms, ready_ms)| Replica { id, address: String::new(), state, ordered_ms, ready_ms };
        FleetSeen { at_ms, replicas: replicas.iter().map(replica).collect() }
    }

    #[test]
    fn each_replica_is_measured_once_from_its_order_to_ready() {
        use ReplicaState::{Booting, Ready};
        let mut lead = LeadTimes::default();
        let first = seen(100, &[(1, Ready, Some(0), Some(50)), (2, Booting, Some(80), None)]);
        lead.learn(None, &first);
        assert!(lead.is_empty(), "what was ready before the first look may be old news");
        let second = seen(200, &[(1, Ready, Some(0), Some(50)), (2, Ready, Some(80), Some(190)), (3, Ready, Some(110), Some(180))]);
        lead.learn(Some(&first), &second);
        lead.learn(Some(&second), &second);
        assert_eq!(lead.measured_ms, [110, 70]);
        let third = seen(300, &[(4, Ready, None, Some(250)), (5, Ready, Some(1), Some(20)), (6, Ready, Some(299), Some(250))]);
        lead.learn(Some(&second), &third);
        assert_eq!(lead.len(), 2, "no order time, ready before the last look, ready before the order: not measured");
    }

    #[test]
    fn measured_beats_configured_beats_default() {
        let mut config = crate::fixtures::service("a");
        let mut lead = LeadTimes { measured_ms: vec![10, 20, 30, 40] };
        config.lead_time_ms = None;
        assert_eq!(lead.lead(&config), Lead { ms: 300_000, source: LeadSource::Default });
        config.lead_time_ms = Some(7);
        assert_eq!(lead.lead(&config), Lead { ms: 7, source: LeadSource::Configured });
        lead.measured_ms.extend([50, 60, 70, 80, 90, 100]);
        config.ramp_ms = 1_000;
        assert_eq!(lead.lead(&config), Lead { ms: 1_090, source: LeadSource::Measured });
    }
}
