//! Watches the fleet during the window and sums it up at its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use planner::{Decision, Entry, Order, ReplicaState};

use super::args::Options;
use super::stage::Stage;
use super::summary::Summary;
use super::timeline::{Climb, Seen, head_start, replica_hours};
use super::world::{SERVICE, STEP_MS};
use crate::act::local::LocalFleet;
use crate::cli;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// How often the fleet is looked at [domain]: a third of what a head start is measured in.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Decisions of the longest window that is summed up: a week of ticks.
const DECISIONS_MAX: i64 = 50_000;

/// Notes what the fleet looks like until it is aborted.
pub async fn watch(fleet: Arc<LocalFleet>, clock: Clock, seen: Arc<Mutex<Vec<Seen>>>) {
    loop {
        let replicas = fleet.replicas();
        let ready = replicas.iter().filter(|replica| replica.state == ReplicaState::Ready).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        seen.lock().push(Seen { at_ms: clock.now_ms(), ready: count(ready), all: count(replicas.len()) });
        clock.sleep_domain(LOOK_EVERY).await;
    }
}

/// The figures of the window that has just ended.
pub async fn summarise(options: &Options, stage: &Stage) -> Result<Summary, StoreError> {
    let (from_ms, until_ms) = (stage.trace.from_ms, stage.trace.until_ms);
    let load = stage.load.summary();
    let decisions = decisions(&stage.store, from_ms).await?;
    let orders = orders(&stage.store, from_ms).await?;
    let climbs = climbs(&decisions, &orders);
    let seen = stage.seen.lock().clone();
    let summary = Summary {
        policy: if options.reactive { "reactive" } else { "predictive" }.into(),
        target: options.target,
        from: cli::show_time(from_ms - stage.trace.shift_ms()),
        minutes: (until_ms - from_ms) / STEP_MS,
        requests: load.requests,
        errors: load.errors,
        not_sent: load.limited,
        p50_ms: load.p50_ms,
        p95_ms: load.p95_ms,
        p99_ms: load.p99_ms,
        violation_minutes: load.violation_minutes,
        replica_hours: replica_hours(&seen, until_ms),
        decisions: decisions.len() as u64,
        orders_up: orders.iter().filter(|order| order.target > order.from).count() as u64,
        orders_down: orders.iter().filter(|order| order.target < order.from).count() as u64,
        needed: 0,
        in_time: 0,
        least_head_start_s: None,
    };
    Ok(summary.with_head_start(head_start(&climbs, &seen, until_ms, |at_ms| stage.trace.rate(at_ms))))
}

async fn decisions(store: &Store, from_ms: i64) -> Result<BTreeMap<u64, Decision>, StoreError> {
    let rows = store.journal(SERVICE, "decision", None, DECISIONS_MAX).await?;
    let decisions = rows.iter().filter(|row| row.at_ms >= from_ms).filter_map(|row| match serde_json::from_str(&row.entry) {
        Ok(Entry::Decision(decision)) => Some((decision.id.0, *decision)),
        _ => None,
    });
    Ok(decisions.collect())
}

async fn orders(store: &Store, from_ms: i64) -> Result<Vec<Order>, StoreError> {
    let rows = store.journal(SERVICE, "order_issued", None, DECISIONS_MAX).await?;
    let orders = rows.iter().filter(|row| row.at_ms >= from_ms).filter_map(|row| match serde_json::from_str(&row.entry) {
        Ok(Entry::OrderIssued(order)) => Some(order),
        _ => None,
    });
    Ok(orders.collect())
}

/// The orders that added replicas, with what the replicas before could hold.
fn climbs(decisions: &BTreeMap<u64, Decision>, orders: &[Order]) -> Vec<Climb> {
    let added = orders.iter().filter(|order| order.target > order.from);
    added
        .filter_map(|order| {
            let per_replica = decisions.get(&order.decision.0)?.inputs.capacity_rps_per_replica?;
            let old_capacity_rps = per_replica * f64::from(order.from);
            Some(Climb { issued_ms: order.issued_ms, target: order.target, old_capacity_rps })
        })
        .collect()
}
