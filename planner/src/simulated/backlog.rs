//! Replicas by the length of a queue, as KEDA's scalers for message brokers have it: a target of messages for each replica, handed to the
//! rule of the HPA as an external metric with an average value (`GetExternalPerPodMetricReplicas` of Kubernetes 1.33), with its tolerance,
//! stabilisation and behaviour.

use std::collections::VecDeque;

use balancer::Nanos;
use simulator::scenario::Reader;
use simulator::{Autoscaler, Observation, Orders, ReplicaState, Scenario, ScenarioError};

use super::table::MOST;
use crate::config::HpaPolicy;
use crate::hpa::{Change, ceil, limit_rate, stabilise};

/// What the table asks for.
#[derive(Clone, Debug)]
pub(super) struct BacklogPolicy {
    per_replica: f64,
    /// Count also what is being worked on, as most scalers do by default.
    in_service: bool,
    min: u32,
    max: u32,
    interval: Nanos,
    hpa: HpaPolicy,
}

pub(super) fn read(
    reader: &mut Reader,
    scenario: &Scenario,
    interval: Nanos,
    stabilisation_ms: i64,
) -> Result<BacklogPolicy, ScenarioError> {
    const TARGET: &str = "a number of requests above 0";
    if scenario.broker.is_none() {
        let error = reader.error("policy", "\"backlog\" with a [broker] only: without one there is no queue to measure");
        return Err(error.across(&["broker"]));
    }
    let per_replica = reader.number("per_replica", TARGET, |x| x > 0.0)?;
    let per_replica = reader.required(per_replica, "per_replica", TARGET)?;
    let in_service = reader.boolean("in_service")?.unwrap_or(true);
    let min = reader.integer("min", 0, MOST)?.unwrap_or(1) as u32;
    let max = reader.integer("max", u64::from(min.max(1)), MOST)?;
    let max = reader.required(max, "max", "a whole number from min on")? as u32;
    let known = HpaPolicy { stabilisation_ms, ..HpaPolicy::default() };
    let tolerance = reader.number("tolerance", "0 to below 1", |x| (0.0..1.0).contains(&x))?.unwrap_or(known.tolerance);
    let hpa = super::behaviour::read(reader, HpaPolicy { tolerance, ..known })?;
    Ok(BacklogPolicy { per_replica, in_service, min, max, interval, hpa })
}

pub(super) struct Backlog {
    policy: BacklogPolicy,
    /// What was wanted before, and when.
    wanted: VecDeque<(i64, u32)>,
    changes: Vec<Change>,
    reason: Option<String>,
}

impl Backlog {
    pub fn new(policy: BacklogPolicy) -> Backlog {
        Backlog { policy, wanted: VecDeque::new(), changes: Vec::new(), reason: None }
    }

    /// The rule without its memory: how many replicas for so many requests.
    fn recommend(&self, current: u32, requests: u64) -> u32 {
        let wanted = requests as f64 / self.policy.per_replica;
        let ratio = wanted / f64::from(current);
        // Nobody is there: the first one is brought up by the first request.
        let within = current > 0 && libm::fabs(ratio - 1.0) <= self.policy.hpa.tolerance;
        if within { current } else { ceil(wanted) }
    }
}

impl Autoscaler for Backlog {
    fn interval(&self) -> Nanos {
        self.policy.interval
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        let now_ms = (seen.now.0 / 1_000_000) as i64;
        let current = seen.replicas.iter().filter(|view| view.state != ReplicaState::Draining).count() as u32;
        let waiting = seen.backlog.unwrap_or(0);
        let working: u64 = seen.replicas.iter().map(|view| u64::from(view.in_flight)).sum();
        let requests = if self.policy.in_service { waiting + working } else { waiting };
        let wanted = self.recommend(current, requests);
        let BacklogPolicy { min, max, per_replica, ref hpa, .. } = self.policy;
        let window = hpa.stabilisation_ms.max(hpa.stabilisation_up_ms);
        self.wanted.push_back((now_ms, wanted));
        while self.wanted.front().is_some_and(|(at_ms, _)| now_ms - at_ms > window) {
            self.wanted.pop_front();
        }
        let within = |window_ms: i64| self.wanted.iter().filter(move |(at_ms, _)| now_ms - at_ms <= window_ms).map(|(_, wanted)| *wanted);
        let lowest = within(hpa.stabilisation_up_ms).min().unwrap_or(wanted);
        let highest = within(hpa.stabilisation_ms).max().unwrap_or(wanted);
        let steady = stabilise(current, lowest, highest);
        let target = limit_rate(current, steady, &self.changes, &hpa.scale_up, &hpa.scale_down, now_ms).clamp(min, max);
        self.reason = Some(format!(
            "{waiting} requests wait and {working} are in service; at {per_replica} for each replica that is {wanted} replicas, and {target} \
             after tolerance, stabilisation and limits"
        ));
        if target == current {
            return None;
        }
        let longest = hpa.scale_up.policies.iter().chain(&hpa.scale_down.policies).map(|policy| policy.period_ms).max().unwrap_or(0);
        self.changes.retain(|change| now_ms - change.at_ms <= longest);
        self.changes.push(Change { at_ms: now_ms, by: i64::from(target) - i64::from(current) });
        Some(Orders { replicas: Some(target), weights: None })
    }

    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

#[cfg(test)]
mod tests;
