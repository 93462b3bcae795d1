//! The lists of a report: a row per replica, a row per minute.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Latency, Wait, mean_of};
use crate::fleet::BackendResult;
use crate::result::RunResult;
use crate::scenario::{ClassSpec, Scenario};
use crate::stats::Histogram;
use crate::tally::{ClassResult, Minute};
use crate::units::{HOUR, MINUTE, SECOND, as_ms};

/// One replica over all replications.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackendReport {
    /// Identity.
    pub id: u32,
    /// Its pool's name.
    pub pool: String,
    /// Sent to it after the cut, retries included (all replications).
    pub attempts: u64,
    /// Answered well.
    pub served: u64,
    /// Failed.
    pub errors: u64,
    /// Times it died (all replications); absent when it never did.
    #[serde(skip_serializing_if = "is_zero")]
    pub crashes: u64,
    /// Share of its ready server time that was in use.
    pub utilisation: Option<f64>,
    /// From its order until it left (mean over the replications that had it).
    pub hours: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One class of requests over all replications.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassReport {
    /// Its name.
    pub name: String,
    /// Offered after the warm-up cut.
    pub arrived: u64,
    /// Of those, rejected, timed out or failed.
    pub errors: u64,
    /// From arrival to answer, of the served.
    pub latency_ms: Option<Latency>,
    /// From arrival to the start of the service, of the served.
    pub queue_wait_ms: Option<Wait>,
}

pub(super) fn per_class(scenario: &Scenario, runs: &[RunResult]) -> Vec<ClassReport> {
    let one = |(place, class): (usize, &ClassSpec)| {
        let mut sum = ClassResult::default();
        for found in runs.iter().filter_map(|run| run.classes.get(place)) {
            sum.arrived += found.arrived;
            sum.errors += found.errors;
            sum.latency.merge(&found.latency);
            sum.wait.merge(&found.wait);
        }
        ClassReport {
            name: class.name.clone(),
            arrived: sum.arrived,
            errors: sum.errors,
            latency_ms: Latency::of(&sum.latency),
            queue_wait_ms: Wait::of(&sum.wait),
        }
    };
    scenario.classes.iter().enumerate().map(one).collect()
}

/// One minute; means over the replications that got that far, percentiles pooled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MinuteReport {
    /// Start of the minute [s].
    pub t_s: u64,
    /// Offered in it.
    pub arrived: f64,
    /// Of those, answered well (also later).
    pub served: f64,
    /// Of those, rejected, timed out or failed.
    pub errors: f64,
    /// Of the served.
    pub p95_ms: Option<f64>,
    /// Ready replicas at its end.
    pub ready: f64,
    /// Booting replicas at its end.
    pub booting: f64,
}

/// The queue in front of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BrokerReport {
    /// Time average of the requests that wait.
    pub mean_backlog: f64,
    /// The most that ever waited, in any replication.
    pub longest_backlog: u64,
    /// Deliveries beyond each request's first, all replications together.
    pub redelivered: u64,
}

impl BrokerReport {
    pub(super) fn of(runs: &[RunResult]) -> Option<Self> {
        let brokers: Vec<_> = runs.iter().map(|run| run.broker).collect::<Option<_>>()?;
        let window: u128 = runs.iter().map(|run| u128::from(run.end.0 - run.cut.0)).sum();
        (window > 0).then(|| Self {
            mean_backlog: brokers.iter().map(|broker| broker.backlog).sum::<u128>() as f64 / window as f64,
            longest_backlog: brokers.iter().map(|broker| broker.longest).max().unwrap_or(0),
            redelivered: brokers.iter().map(|broker| broker.redelivered).sum(),
        })
    }
}

pub(super) fn per_backend<'r>(scenario: &Scenario, backends: impl Iterator<Item = &'r BackendResult>) -> Vec<BackendReport> {
    let names: Vec<&str> = scenario
        .pools
        .iter()
        .chain(scenario.dependencies.iter().map(|dependency| &dependency.pool))
        .map(|pool| pool.name.as_str())
        .collect();
    struct Sum {
        report: BackendReport,
        busy: u128,
        capacity: u128,
        lifetime: u128,
        runs: u32,
    }
    let mut by_id: BTreeMap<u32, Sum> = BTreeMap::new();
    for backend in backends {
        let sum = by_id.entry(backend.id).or_insert_with(|| Sum {
            report: BackendReport {
                id: backend.id,
                pool: names.get(backend.pool as usize).map_or_else(String::new, |name| (*name).to_owned()),
                attempts: 0,
                served: 0,
                errors: 0,
                crashes: 0,
                utilisation: None,
                hours: 0.0,
            },
            busy: 0,
            capacity: 0,
            lifetime: 0,
            runs: 0,
        });
        sum.report.attempts += backend.attempts;
        sum.report.served += backend.served;
        sum.report.errors += backend.errors;
        sum.report.crashes += backend.crashes;
        sum.busy += backend.busy;
        sum.capacity += backend.capacity;
        sum.lifetime += u128::from(backend.lifetime);
        sum.runs += 1;
    }
    let finished = by_id.into_values().map(|sum| BackendReport {
        utilisation: (sum.capacity > 0).then(|| sum.busy as f64 / sum.capacity as f64),
        hours: sum.lifetime as f64 / (HOUR as f64 * f64::from(sum.runs)),
        ..sum.report
    });
    finished.collect()
}

pub(super) fn timeline(runs: &[RunResult]) -> Vec<MinuteReport> {
    let longest = runs.iter().map(|run| run.minutes.len()).max().unwrap_or(0);
    let row = |minute: usize| {
        let rows: Vec<&Minute> = runs.iter().filter_map(|run| run.minutes.get(minute)).collect();
        let mut latency = Histogram::<6>::default();
        rows.iter().for_each(|row| latency.merge(&row.latency));
        MinuteReport {
            t_s: minute as u64 * (MINUTE / SECOND),
            arrived: mean_of(rows.iter().map(|row| row.arrived as f64)),
            served: mean_of(rows.iter().map(|row| row.served as f64)),
            errors: mean_of(rows.iter().map(|row| row.errors as f64)),
            p95_ms: latency.quantile(0.95).map(as_ms),
            ready: mean_of(rows.iter().map(|row| f64::from(row.ready))),
            booting: mean_of(rows.iter().map(|row| f64::from(row.booting))),
        }
    };
    (0..longest).map(row).collect()
}
