//! One question to the simulator: would so many replicas hold the SLO at this load?

use balancer::Nanos;
use serde::{Deserialize, Serialize};
use simulator::{NoAutoscaler, Scenario, ServiceDist, Warmup, run};

use crate::config::Slo;

/// The replicas of a fleet as the simulator sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Requests that one replica serves at once.
    pub concurrency: u32,
    /// Mean time in service `[ms]`, exponential.
    pub service_time_ms: f64,
    /// Places to wait in a replica.
    pub queue: u32,
    /// Who picks the replica.
    pub algorithm: balancer::Algorithm,
}

/// The simulator's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Latency at the SLO's percentile `[ms]`; `None` if nothing was served.
    pub p_latency_ms: Option<f64>,
    /// Share of requests that failed.
    pub error_ratio: f64,
    /// Latency and errors within the SLO.
    pub holds: bool,
}

impl Fleet {
    /// Load at which all places of all replicas are busy all the time `[rps]`.
    pub fn saturation_rps(&self, replicas: u32) -> f64 {
        f64::from(replicas) * f64::from(self.concurrency) * 1000.0 / self.service_time_ms
    }
}

/// Same seed for every question: equal questions get equal answers, and neighbouring ones differ by the question, not by luck.
const SEED: u64 = 0x5EED_CAFE;
/// Requests of a run, at least and at most; in between as many as leave 200 beyond the percentile.
const REQUESTS: (f64, f64) = (8_000.0, 40_000.0);

/// Simulates Poisson arrivals at `load_rps` on so many warm replicas in a steady state, for a bounded number of requests.
pub fn probe(fleet: &Fleet, slo: &Slo, replicas: u32, load_rps: f64) -> Outcome {
    let broken = Outcome { p_latency_ms: None, error_ratio: 1.0, holds: false };
    let share = slo.percentile / 100.0;
    let requests = (200.0 / (1.0 - share)).clamp(REQUESTS.0, REQUESTS.1);
    let warmup = Warmup::Fixed(Nanos::from_secs_f64(0.1 * requests / load_rps));
    let scenario = Scenario::builder("capacity")
        .poisson(load_rps)
        .replicas(replicas)
        .concurrency(fleet.concurrency)
        .queue(Some(fleet.queue))
        .service(ServiceDist::Exponential, fleet.service_time_ms)
        .algorithm(fleet.algorithm)
        .requests(requests as u64)
        .warmup(warmup)
        .build();
    // A shape that the simulator refuses (no replica, an absurd load) holds nothing.
    let run = scenario.map_err(simulator::SimError::from).and_then(|scenario| run(&scenario, &NoAutoscaler, SEED, 0));
    let Ok(result) = run else { return broken };
    let p_latency_ms = result.latency.quantile(share).map(simulator::units::as_ms);
    let error_ratio = result.error_ratio().unwrap_or(1.0);
    let holds = p_latency_ms.is_some_and(|p| p <= slo.latency_ms) && error_ratio <= slo.errors;
    Outcome { p_latency_ms, error_ratio, holds }
}
