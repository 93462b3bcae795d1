//! How many replicas are wanted, before the rails.

use predictor::Forecast;

use crate::calendar::Calendar;
use crate::capacity::Capacities;
use crate::config::{HpaPolicy, Policy, ServiceConfig};
use crate::decision::{Candidate, ForecastMissing, Inputs, ReasonCode};
use crate::event::ReplicaState;
use crate::hpa::{self, Change, PodMetrics};
use crate::lead::Lead;
use crate::load::{LoadWindow, Sample};
use crate::state::{FleetSeen, Memory};
use crate::text;

mod events;
mod predictive;

/// What is known at a tick; nothing in here is missing or stale.
#[derive(Clone)]
pub(crate) struct Facts<'a> {
    pub now_ms: i64,
    /// With the limits that are in force now.
    pub config: &'a ServiceConfig,
    pub calendar: Option<Calendar<'a>>,
    pub load: Sample,
    /// The load before it.
    pub past: &'a LoadWindow,
    pub fleet: &'a FleetSeen,
    /// Observed, or the target of the order under way.
    pub current: u32,
    pub order_under_way: bool,
    pub lead: Lead,
    pub forecast: Result<&'a Forecast, ForecastMissing>,
    pub changes: &'a [Change],
}

/// What a policy wants.
pub(crate) struct Wish {
    pub replicas: u32,
    pub reason: ReasonCode,
    pub candidates: Vec<Candidate>,
    /// The load that the wish is meant to hold.
    pub planned_rps: f64,
}

/// Kubernetes' default tolerance, also for our reactive terms.
const TOLERANCE: f64 = 0.1;

/// Asks the policy of the service.
pub(crate) fn wish(facts: &Facts, policy: &Policy, memory: &mut Memory, capacities: &mut Capacities, inputs: &mut Inputs) -> Wish {
    let mut wish = match policy {
        Policy::Predictive(policy) => predictive::wish(facts, policy, memory, capacities, inputs),
        Policy::Hpa(policy) => hpa_wish(facts, policy, memory, capacities),
    };
    events::add(facts, &mut wish, capacities, inputs);
    wish
}

/// The HPA formula on load ÷ capacity. With nobody ready, the demand itself says how many are needed, and nothing is lowered.
pub(crate) fn react(facts: &Facts, capacities: &mut Capacities, target: f64, tolerance: f64) -> u32 {
    let ready = facts.fleet.count(ReplicaState::Ready);
    let measured = ready.min(facts.current);
    if measured == 0 {
        // Of many replicas each holds more than one alone does.
        return capacities.needed(facts.load.rps / target).max(facts.current);
    }
    let per_replica = capacities.of(measured) / f64::from(measured);
    let unready = facts.current.saturating_sub(measured);
    let pods = PodMetrics { usage: facts.load.rps / per_replica, measured, unready, missing: 0 };
    hpa::recommend(facts.current, &pods, target, tolerance).unwrap_or(facts.current)
}

fn reactive_why(facts: &Facts, capacities: &mut Capacities, target: f64) -> String {
    let ready = facts.fleet.count(ReplicaState::Ready);
    if ready == 0 {
        return format!(
            "the load now is {} rps and no replica is ready (the aim is {} % of what they hold)",
            text::number(facts.load.rps),
            text::number(target * 100.0),
        );
    }
    let holds = capacities.of(ready);
    format!(
        "the load now is {} rps, {} of what {} hold (the aim is {} %)",
        text::number(facts.load.rps),
        percent(facts.load.rps / holds),
        crate::explain::ready_ones(ready),
        text::number(target * 100.0),
    )
}

fn percent(ratio: f64) -> String {
    format!("{} %", text::number(libm::round(ratio * 100.0)))
}

fn hpa_wish(facts: &Facts, policy: &HpaPolicy, memory: &mut Memory, capacities: &mut Capacities) -> Wish {
    let raw = react(facts, capacities, policy.target, policy.tolerance);
    let (now, value) = (facts.now_ms, i64::from(raw));
    memory.hpa_down.record_after(now, value, policy.stabilisation_ms.max(1), i64::from(facts.current));
    memory.hpa_up.record(now, -value, policy.stabilisation_up_ms.max(1));
    let largest = memory.hpa_down.max(now, policy.stabilisation_ms.max(1)).map_or(raw, |x| x as u32);
    let smallest = memory.hpa_up.max(now, policy.stabilisation_up_ms.max(1)).map_or(raw, |x| -x as u32);
    let stable = hpa::stabilise(facts.current, smallest, largest);
    let replicas = hpa::limit_rate(facts.current, stable, facts.changes, &policy.scale_up, &policy.scale_down, now);
    let reason = match replicas.cmp(&facts.current) {
        std::cmp::Ordering::Greater => ReasonCode::ReactiveUp,
        std::cmp::Ordering::Less => ReasonCode::HpaDown,
        std::cmp::Ordering::Equal if raw < facts.current => ReasonCode::ReactiveHolds,
        std::cmp::Ordering::Equal => ReasonCode::Steady,
    };
    let mut candidates = vec![Candidate { name: "hpa".to_owned(), replicas: raw, why: reactive_why(facts, capacities, policy.target) }];
    if stable != raw {
        let why = "after the stabilisation windows".to_owned();
        candidates.push(Candidate { name: "stabilised".to_owned(), replicas: stable, why });
    }
    if replicas != stable {
        let why = "after the behaviour's rate policies".to_owned();
        candidates.push(Candidate { name: "rate_limited".to_owned(), replicas, why });
    }
    Wish { replicas, reason, candidates, planned_rps: facts.load.rps }
}
