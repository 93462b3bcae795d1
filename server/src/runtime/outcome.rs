//! What became of a decision, read from the journal: the order that followed it, or the approval that didn't.

use std::collections::BTreeMap;

use planner::{Entry, OrderOutcome};

use crate::store::JournalRow;

/// The last thing that happened to each decision, by the decision's id. Rows are oldest first; unreadable ones say nothing.
pub fn by_decision(rows: &[JournalRow]) -> BTreeMap<u64, &'static str> {
    let mut outcomes = BTreeMap::new();
    let mut behind = BTreeMap::new();
    for entry in rows.iter().filter_map(|row| serde_json::from_str::<Entry>(&row.entry).ok()) {
        let (decision, outcome) = match entry {
            Entry::OrderIssued(order) => {
                behind.insert(order.id, order.decision.0);
                (Some(order.decision.0), "ordered")
            }
            Entry::OrderAcknowledged { order, .. } => (behind.get(&order).copied(), "acknowledged"),
            Entry::OrderFailed { order, .. } => (behind.get(&order).copied(), "failed"),
            Entry::OrderClosed { order, outcome, .. } => (
                behind.get(&order).copied(),
                match outcome {
                    OrderOutcome::Reached => "carried out",
                    OrderOutcome::Superseded => "superseded",
                    OrderOutcome::Cancelled => "cancelled",
                    OrderOutcome::NotVisible | OrderOutcome::Failed => "failed",
                },
            ),
            Entry::Approved { decision, .. } => (Some(decision.0), "approved"),
            Entry::Rejected { decision, .. } => (Some(decision.0), "rejected"),
            Entry::Expired { decision, .. } => (Some(decision.0), "lapsed"),
            Entry::Decision(_)
            | Entry::OrderRetried(_)
            | Entry::ModeChanged { .. }
            | Entry::Configured { .. }
            | Entry::ReleaseOrdered { .. }
            | Entry::ReleaseEnded { .. }
            | Entry::Paused { .. }
            | Entry::Resumed { .. } => continue,
        };
        if let Some(decision) = decision {
            outcomes.insert(decision, outcome);
        }
    }
    outcomes
}
