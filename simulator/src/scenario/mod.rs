//! What is simulated: a checked, plain description. It comes from TOML through [`Scenario::parse`] or from code through
//! [`Scenario::builder`]; either way it is checked once, at the edge, and everything behind may rely on it.

mod arrivals;
mod balancing;
mod broker;
mod builder;
mod check;
mod clients;
mod connections;
mod door;
mod faults;
mod lines;
mod mistakes;
mod network;
mod parse;
mod pool;
mod read_arrivals;
mod read_pool;
mod reader;
mod series;
mod sessions;
#[cfg(test)]
mod tests;

use balancer::Nanos;
use serde::Serialize;

pub use arrivals::{Arrivals, RatePhase};
pub use balancing::{Balancing, RetryRule};
pub use broker::Broker;
pub use builder::ScenarioBuilder;
pub use clients::{Backoff, ClassSpec, ClientRetries, Clients, Jitter};
pub use connections::{Connections, PickPer};
pub use door::Door;
pub use faults::{Fault, FaultKind};
pub use network::{Dns, Network, Region, Routing};
pub use pool::{Call, Contention, Dependency, Discipline, Memory, PoolSpec, ServiceDist, ServiceTime, WarmUp};
pub use reader::{Reader, ScenarioError};
pub use series::{SeriesData, SeriesSource};
pub use sessions::{LostSession, Sessions, Users};

/// JSON Schema of a scenario file: the keys are those that [`Scenario::parse`] knows (a test compares them); what holds across keys is checked
/// by the parser alone.
pub const SCHEMA: &str = include_str!("schema.json");

/// Most replicas that may exist at once, and most that an autoscaler may order; a guard against a runaway order.
pub const MOST_REPLICAS: u32 = 100_000;

/// Requests in flight that a run may have if the scenario doesn't say: some 300 MB.
pub const MAX_IN_FLIGHT: u32 = 4_000_000;

/// A checked scenario. Times are simulated time since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenario {
    /// What the report is called.
    pub name: String,
    /// Seed used when the caller brings none.
    pub seed: u64,
    /// Replications used when the caller brings no number.
    pub replications: u32,
    /// When a run ends.
    pub horizon: Horizon,
    /// What is cut off at the start.
    pub warmup: Warmup,
    /// When requests arrive.
    pub arrivals: Arrivals,
    /// The load before the start, where a series file has it (the rows that `skip` skips): what a predictive autoscaler may learn from.
    pub history: Option<History>,
    /// The objective that violations are counted against.
    pub slo: Option<Slo>,
    /// Who picks, and by which rules.
    pub balancing: Balancing,
    /// Groups of equal replicas behind the one balancer; at least one.
    pub pools: Vec<PoolSpec>,
    /// What the pools call while they answer, and what those call in turn; no circles.
    pub dependencies: Vec<Dependency>,
    /// Kinds of requests, by importance and size; empty = all are alike.
    pub classes: Vec<ClassSpec>,
    /// What users do when they wait or fail.
    pub clients: Clients,
    /// Regions, and how users find one; `None` = everybody is at the same place.
    pub network: Option<Network>,
    /// A queue in front, out of which the replicas pull; `None` = the balancer picks.
    pub broker: Option<Broker>,
    /// What connections cost and who shares them; `None` = they cost nothing and nobody notices them.
    pub connections: Option<Connections>,
    /// Who sends the requests; `None` = nobody in particular (or the sessions of closed arrivals).
    pub users: Option<Users>,
    /// The store of their sessions.
    pub sessions: Option<Sessions>,
    /// What breaks, and when.
    pub faults: Vec<Fault>,
    /// After how long an attempt is given up.
    pub timeout: Option<Nanos>,
    /// Price of one replica for one hour, in the user's currency.
    pub price_per_replica_hour: Option<f64>,
    /// The `[autoscaler]` table as it stands; the factory reads it. Scenarios that have one have exactly one pool.
    #[serde(skip)]
    pub autoscaler: Option<toml::Table>,
    /// A run with more requests in flight ends with an error: hopeless overload should cost neither all the memory nor all day.
    pub max_in_flight: u32,
    /// Keep the per-minute timeline (and with it the violation minutes).
    pub timeline: bool,
}

/// When a run ends. What is in flight then is counted as `in_flight_at_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// At the moment of this arrival (which still counts as arrived).
    Requests(u64),
    /// At this time; arrivals at that very moment don't count any more.
    Duration(Nanos),
}

/// What is cut off at the start before anything is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warmup {
    /// By MSER-5 over the latencies, per replication; the report says how much.
    Auto,
    /// This much.
    Fixed(Nanos),
}

/// Offered load before the start of a run, up to its first moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Time of the first rate [epoch ms].
    pub start_ms: i64,
    /// Length of a step.
    pub step: Nanos,
    /// Rate of each step [requests/s], scaled like the arrivals.
    pub rates_rps: Vec<f64>,
}

/// The objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slo {
    /// A request slower than this is bad.
    pub latency: Nanos,
    /// Share of requests that must be good, in per cent.
    pub percentile: f64,
}

impl Scenario {
    /// Expected length of a run in seconds: for deciding what can be kept per minute, and for progress.
    pub fn expected_s(&self) -> f64 {
        match self.horizon {
            Horizon::Duration(duration) => crate::units::as_s(duration.0),
            Horizon::Requests(requests) => requests as f64 / self.arrivals.mean_rps(),
        }
    }

    /// Requests that a run is expected to have, its warm-up included: for telling how long it takes. Closed sessions are taken at the most
    /// that they can ask for.
    pub fn expected_requests(&self) -> f64 {
        match self.horizon {
            Horizon::Requests(requests) => requests as f64,
            Horizon::Duration(duration) => crate::units::as_s(duration.0) * self.arrivals.mean_rps(),
        }
    }
}
