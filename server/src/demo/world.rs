//! The demo's service: what its replicas can do, what its users are promised, and within which rails it is scaled.
//!
//! Latency, service time and time-outs are wall time; everything that the control loop waits for is domain time.

use balancer::Algorithm;
use planner::{Capacity, HpaPolicy, Mode, Policy, PredictivePolicy, Rails, ServiceConfig, Slo};

/// Name of the service.
pub const SERVICE: &str = "worldcup";
/// Requests that a replica serves at once.
pub const CONCURRENCY: u32 = 2;
/// Mean time a request is in service [wall ms], exponentially distributed: a replica holds 20 requests/s at the very most.
pub const SERVICE_TIME_MS: f64 = 100.0;
/// How the proxy picks a backend.
pub const ALGORITHM: Algorithm = Algorithm::LeastConnections;
/// Requests that may wait in a replica; the next is answered 503.
pub const QUEUE: u32 = 16;
/// From the order to a replica that answers [domain ms]: what a replica takes that loads a large model, or waits for a node.
pub const BOOT_MS: i64 = 360_000;
/// How long a replica that leaves gets no new requests before it stops [domain ms].
pub const DRAIN_MS: i64 = 30_000;
/// When a replica that leaves is stopped though it is still busy [domain ms]: ten wall seconds at the usual speed, twice the time-out.
pub const DRAIN_DEADLINE_MS: i64 = 600_000;
/// Utilisation at which the fleet begins, whatever the policy: of the requests per second that it could serve at the very most.
pub const INITIAL_UTILISATION: f64 = 0.55;
/// A request that takes longer [wall ms] has failed.
pub const REQUEST_TIMEOUT_MS: u64 = 5_000;
/// Step of the trace, the history and the forecast [domain ms].
pub const STEP_MS: i64 = 60_000;
/// Time between two readings of the proxy's counters [domain ms].
pub const SCRAPE_EVERY_MS: i64 = 15_000;
/// Utilisation that the reactive term aims at, unless `--target` says otherwise.
pub const TARGET: f64 = 0.9;

/// Quantile of the maximum load that orders cover, unless `--quantile` says otherwise.
pub const QUANTILE: f64 = 0.95;

/// What users are promised: 95 % within half a second, at most 1 % errors.
pub const SLO: Slo = Slo { latency_ms: 500.0, percentile: 95.0, errors: 0.01 };

/// The service as the planner sees it: the same rails for every policy.
#[must_use]
pub fn config(reactive: bool, target: f64, quantile: f64) -> ServiceConfig {
    let policy = if reactive {
        Policy::Hpa(HpaPolicy { target, ..HpaPolicy::default() })
    } else {
        Policy::Predictive(PredictivePolicy { target, quantile, ..PredictivePolicy::default() })
    };
    ServiceConfig {
        name: SERVICE.into(),
        slo: SLO,
        capacity: Capacity::Modelled { concurrency: CONCURRENCY, service_time_ms: SERVICE_TIME_MS, queue: QUEUE, algorithm: ALGORITHM },
        lead_time_ms: Some(BOOT_MS + 60_000),
        rails: Rails { min: 2, max: 30, step_up: 10, step_down: 2, stabilisation_ms: 600_000, cool_down_ms: 60_000, max_jump_factor: None },
        mode: Mode::Automatic,
        policy,
        tick_ms: 30_000,
        stale_after_ms: 180_000,
        forecast_every_ms: 300_000,
        forecast_update_ms: 60_000,
        forecast_max_age_ms: 3_600_000,
        approval_ttl_ms: 900_000,
        drain_ms: DRAIN_MS,
        ramp_ms: 30_000,
        holds_at: None,
        time_zone: "UTC".to_owned(),
        events: Vec::new(),
        holidays: Vec::new(),
    }
}
