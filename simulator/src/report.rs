//! The report: what `prescale simulate --format json` prints. The same scenario and seed give the same bytes; timings are no part of it.

mod rows;

use serde::Serialize;

pub use rows::{BackendReport, BrokerReport, ClassReport, MinuteReport};
use rows::{per_backend, per_class, timeline};

use crate::result::RunResult;
use crate::scenario::Scenario;
use crate::stats::{Histogram, Interval, t_interval};
use crate::tally::Counts;
use crate::units::{HOUR, as_ms, as_s};

/// All replications together. Counts and percentiles pool them; hours, cost, actions and violation minutes are means per replication; what
/// was not asked for or can't be known (an SLO that isn't there, a mean of nothing) is absent, not zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// The seed that everything came from.
    pub seed: u64,
    /// How many.
    pub replications: u32,
    /// Length of a replication, warm-up included (mean) [s].
    pub simulated_s: f64,
    /// What was cut off at the start (mean) [s].
    pub warmup_cut_s: f64,
    /// Requests that arrived after the cut.
    pub requests: Counts,
    /// From arrival to answer, of the served.
    pub latency_ms: Option<Latency>,
    /// From arrival to the start of the service that answered, of the served. With processor sharing nobody waits.
    pub queue_wait_ms: Option<Wait>,
    /// Share of the requests that had to wait for the start of their service, or gave up waiting.
    pub waited_ratio: Option<f64>,
    /// Served per second.
    pub throughput_rps: f64,
    /// (rejected + timed_out + failed) / arrived.
    pub error_ratio: Option<f64>,
    /// Share of the ready server time that was in use.
    pub utilisation: Option<f64>,
    /// Time average of the requests in service and waiting.
    pub mean_in_system: f64,
    /// 95 % confidence intervals over replications; absent at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95: Option<Confidence>,
    /// From each order until the replica left (mean).
    pub replica_hours: f64,
    /// Price of those; absent without a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Orders that changed the number of replicas (mean).
    pub scaling_actions: f64,
    /// Against the objective; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<SloReport>,
    /// Each replica, by id.
    pub per_backend: Vec<BackendReport>,
    /// Each replica of a dependency; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<BackendReport>,
    /// The queue in front; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerReport>,
    /// Connections that were opened, all replications together; absent without [connections].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// Each class of requests; absent when all are alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per_class: Vec<ClassReport>,
    /// Each minute; empty when the scenario keeps none.
    pub timeline: Vec<MinuteReport>,
}

/// Latencies [ms].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// Waiting times [ms].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Wait {
    pub mean: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
}

/// Student's t over replications, each contributing one value (for `latency_ms.p99`: its own p99).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the report's")]
pub struct Confidence {
    #[serde(rename = "latency_ms.mean", skip_serializing_if = "Option::is_none")]
    pub latency_mean: Option<Interval>,
    #[serde(rename = "latency_ms.p99", skip_serializing_if = "Option::is_none")]
    pub latency_p99: Option<Interval>,
    #[serde(rename = "queue_wait_ms.mean", skip_serializing_if = "Option::is_none")]
    pub wait_mean: Option<Interval>,
    #[serde(rename = "error_ratio", skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<Interval>,
    #[serde(rename = "throughput_rps", skip_serializing_if = "Option::is_none")]
    pub throughput_rps: Option<Interval>,
    #[serde(rename = "utilisation", skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<Interval>,
    #[serde(rename = "mean_in_system", skip_serializing_if = "Option::is_none")]
    pub mean_in_system: Option<Interval>,
}

/// How the objective was kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SloReport {
    /// Share of requests that were too slow or lost.
    pub violation_ratio: Option<f64>,
    /// Minutes in which more requests than allowed were too slow or lost (mean); absent without a timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violation_minutes: Option<f64>,
}

fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

fn quantile_ms(histogram: &Histogram, q: f64) -> Option<f64> {
    histogram.quantile(q).map(as_ms)
}

impl Latency {
    fn of(histogram: &Histogram) -> Option<Self> {
        let at = |q| quantile_ms(histogram, q);
        Some(Self {
            mean: as_ms(histogram.mean()?),
            p50: at(0.5)?,
            p90: at(0.9)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
            p999: at(0.999)?,
            max: as_ms(histogram.max()? as f64),
        })
    }
}

impl Wait {
    fn of(histogram: &Histogram) -> Option<Self> {
        let at = |q| quantile_ms(histogram, q);
        Some(Self { mean: as_ms(histogram.mean()?), p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)?, p999: at(0.999)? })
    }
}

impl Confidence {
    fn of(runs: &[RunResult]) -> Option<Self> {
        // A value that a replication doesn't have leaves the whole interval out.
        let over = |value: &dyn Fn(&RunResult) -> Option<f64>| {
            let values: Option<Vec<f64>> = runs.iter().map(value).collect();
            values.and_then(|values| t_interval(&values, 0.95))
        };
        (runs.len() > 1).then(|| Self {
            latency_mean: over(&|run| run.latency.mean().map(as_ms)),
            latency_p99: over(&|run| quantile_ms(&run.latency, 0.99)),
            wait_mean: over(&|run| run.wait.mean().map(as_ms)),
            error_ratio: over(&RunResult::error_ratio),
            throughput_rps: over(&|run| Some(run.throughput_rps())),
            utilisation: over(&RunResult::utilisation),
            mean_in_system: over(&|run| Some(run.mean_in_system())),
        })
    }
}

impl Report {
    /// Merges replications, in their order.
    pub fn new(scenario: &Scenario, seed: u64, runs: &[RunResult]) -> Self {
        let mut requests = Counts::default();
        let (mut latency, mut wait) = (Histogram::default(), Histogram::default());
        for run in runs {
            requests.add(&run.counts);
            latency.merge(&run.latency);
            wait.merge(&run.wait);
        }
        let window_s: f64 = runs.iter().map(RunResult::window_s).sum();
        let in_system: u128 = runs.iter().map(|run| run.in_system).sum();
        let backends = || runs.iter().flat_map(|run| &run.backends);
        let (busy, capacity) =
            backends().fold((0_u128, 0_u128), |(busy, capacity), backend| (busy + backend.busy, capacity + backend.capacity));
        let lifetime: u128 = backends().map(|backend| u128::from(backend.lifetime)).sum();
        let replica_hours = lifetime as f64 / (HOUR as f64 * runs.len().max(1) as f64);
        let ratio = |part: u64| (requests.arrived > 0).then(|| part as f64 / requests.arrived as f64);
        Self {
            scenario: scenario.name.clone(),
            seed,
            replications: runs.len() as u32,
            simulated_s: mean_of(runs.iter().map(|run| as_s(run.end.0))),
            warmup_cut_s: mean_of(runs.iter().map(|run| as_s(run.cut.0))),
            requests,
            latency_ms: Latency::of(&latency),
            queue_wait_ms: Wait::of(&wait),
            waited_ratio: ratio(runs.iter().map(|run| run.waited).sum()),
            throughput_rps: if window_s > 0.0 { requests.served as f64 / window_s } else { 0.0 },
            error_ratio: ratio(requests.errors()),
            utilisation: (capacity > 0).then(|| busy as f64 / capacity as f64),
            mean_in_system: if window_s > 0.0 { in_system as f64 / (window_s * 1e9) } else { 0.0 },
            ci95: Confidence::of(runs),
            replica_hours,
            cost: cost(scenario, runs, replica_hours),
            scaling_actions: mean_of(runs.iter().map(|run| run.scaling_actions as f64)),
            slo: scenario.slo.map(|_| SloReport {
                violation_ratio: ratio(runs.iter().map(|run| run.bad).sum()),
                violation_minutes: violation_minutes(runs),
            }),
            per_backend: per_backend(scenario, backends()),
            dependencies: per_backend(scenario, runs.iter().flat_map(|run| &run.dependencies)),
            broker: BrokerReport::of(runs),
            connections: scenario.connections.and_then(|_| runs.iter().map(|run| run.connections).sum()),
            per_class: per_class(scenario, runs),
            timeline: timeline(runs),
        }
    }
}

/// Mean per replication.
fn cost(scenario: &Scenario, runs: &[RunResult], replica_hours: f64) -> Option<f64> {
    if scenario.pools.iter().all(|pool| pool.replica_hour.is_none()) {
        return scenario.price_per_replica_hour.map(|price| price * replica_hours);
    }
    let costs: Vec<f64> = runs.iter().map(|run| run.cost(scenario)).collect::<Option<_>>()?;
    Some(mean_of(costs.into_iter()))
}

fn violation_minutes(runs: &[RunResult]) -> Option<f64> {
    let minutes: Option<Vec<f64>> = runs.iter().map(|run| run.violation_minutes.map(|minutes| minutes as f64)).collect();
    minutes.filter(|minutes| !minutes.is_empty()).map(|minutes| mean_of(minutes.into_iter()))
}
