//! What one replication counted.

use balancer::Nanos;

use crate::fleet::BackendResult;
use crate::scenario::Scenario;
use crate::stats::Histogram;
use crate::tally::{ClassResult, Counts, Minute, Tally};
use crate::world::BrokerResult;

/// What one replication counted. Times are nanoseconds of simulated time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Requests that arrived after the warm-up cut, by how they ended.
    pub counts: Counts,
    /// Latencies of the served, from arrival to answer.
    pub latency: Histogram,
    /// Of the served: from arrival to the start of the service that answered.
    pub wait: Histogram,
    /// Requests slower than the objective or lost; 0 without an objective.
    pub bad: u64,
    /// What was cut off at the start.
    pub cut: Nanos,
    /// When the run ended.
    pub end: Nanos,
    /// Integral of the number of requests in the system from the cut to the end.
    pub in_system: u128,
    /// Requests that had to wait for the start of their service, or gave up waiting.
    pub waited: u64,
    /// By class; empty when all requests are alike.
    pub classes: Vec<ClassResult>,
    /// Every replica that ever was, by id.
    pub backends: Vec<BackendResult>,
    /// Every replica of a dependency.
    pub dependencies: Vec<BackendResult>,
    /// What the queue in front did; `None` without one.
    pub broker: Option<BrokerResult>,
    /// Connections that were opened after the cut; `None` when the scenario has no `[connections]`.
    pub connections: Option<u64>,
    /// Orders that changed the number of replicas.
    pub scaling_actions: u64,
    /// Minutes in which the objective was missed; `None` without an objective or a timeline.
    pub violation_minutes: Option<u64>,
    /// Per minute; empty when the scenario keeps no timeline.
    pub minutes: Vec<Minute>,
    /// The cut that MSER-5 proposes, when it was asked for one.
    pub(crate) proposed_cut: Option<u64>,
}

impl RunResult {
    pub(crate) fn new(tally: Tally, cut: u64, end: u64, backends: Vec<BackendResult>, scaling_actions: u64) -> Self {
        let violation_minutes = tally.violation_minutes();
        Self {
            counts: tally.counts,
            bad: tally.bad,
            cut: Nanos(cut),
            end: Nanos(end),
            in_system: tally.in_system,
            waited: tally.waited,
            classes: tally.classes,
            backends,
            dependencies: Vec::new(),
            broker: None,
            connections: None,
            scaling_actions,
            violation_minutes,
            proposed_cut: tally.mser.map(|mser| mser.cut()),
            latency: tally.latency,
            wait: tally.wait,
            minutes: tally.minutes.unwrap_or_default(),
        }
    }

    /// Length of what was counted [s].
    pub fn window_s(&self) -> f64 {
        crate::units::as_s(self.end.0 - self.cut.0)
    }

    /// Time average of the number of requests in the system.
    pub fn mean_in_system(&self) -> f64 {
        self.in_system as f64 / (self.end.0 - self.cut.0) as f64
    }

    /// Share of the ready server time that was in use; `None` when there was none.
    pub fn utilisation(&self) -> Option<f64> {
        let busy: u128 = self.backends.iter().map(|backend| backend.busy).sum();
        let capacity: u128 = self.backends.iter().map(|backend| backend.capacity).sum();
        (capacity > 0).then(|| busy as f64 / capacity as f64)
    }

    /// (rejected + timed out + failed) / arrived; `None` when nothing arrived.
    pub fn error_ratio(&self) -> Option<f64> {
        (self.counts.arrived > 0).then(|| self.counts.errors() as f64 / self.counts.arrived as f64)
    }

    /// What its replicas cost, in the user's currency: those of a pool with a price of its own at that; `None` without any price.
    pub fn cost(&self, scenario: &Scenario) -> Option<f64> {
        let price = |pool: u32| scenario.pools.get(pool as usize)?.replica_hour.or(scenario.price_per_replica_hour);
        let any = scenario.price_per_replica_hour.is_some() || scenario.pools.iter().any(|pool| pool.replica_hour.is_some());
        let hours = |backend: &BackendResult| backend.lifetime as f64 / crate::units::HOUR as f64;
        any.then(|| self.backends.iter().map(|backend| price(backend.pool).unwrap_or(0.0) * hours(backend)).sum())
    }

    /// Served requests per second.
    pub fn throughput_rps(&self) -> f64 {
        self.counts.served as f64 / self.window_s()
    }
}
