//! What is simulated: a checked, plain description. It comes from TOML through [`Scenario::parse`] or from code through
//! [`Scenario::builder`]; either way it is checked once, at the edge, and everything behind may rely on it.

mod balancing;
mod builder;
mod parse;
mod reader;
mod series;
#[cfg(test)]
mod tests;

use balancer::Nanos;
use serde::Serialize;

pub use balancing::{Balancing, RetryRule};
pub use builder::ScenarioBuilder;
pub use reader::{Reader, ScenarioError};
pub use series::{SeriesData, SeriesSource};

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

/// When requests arrive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arrivals {
    /// Independent users: exponential gaps.
    Poisson {
        /// Mean rate [requests/s].
        rate_rps: f64,
    },
    /// Equal gaps, the first arrival after one gap.
    Constant {
        /// Rate [requests/s].
        rate_rps: f64,
    },
    /// A rate per step, held flat inside the step; Poisson inside it (exact, by inversion of the integrated rate).
    Series {
        /// Length of a step.
        step: Nanos,
        /// Rate of each step [requests/s], scaled already.
        rates_rps: Vec<f64>,
    },
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

/// A group of equal replicas.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolSpec {
    /// For the report.
    pub name: String,
    /// Replicas at the start, all ready then.
    pub replicas: u32,
    /// Weight of each with the balancer; 0 gets nothing.
    pub weight: u32,
    /// Requests served at once per replica.
    pub concurrency: u32,
    /// Who is served when more are there than can be served at once.
    pub discipline: Discipline,
    /// Requests that may be there beyond `concurrency`; `None` is unbounded. A full replica rejects.
    pub queue: Option<u32>,
    /// Work per request.
    pub service_time: ServiceTime,
    /// How fast a replica works: 2.0 halves every service time.
    pub speed: f64,
    /// From the order to ready.
    pub boot_delay: Nanos,
}

/// Who is served when more are there than can be served at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Discipline {
    /// First in, first out, on `concurrency` servers.
    Fifo,
    /// All at once, each at the rate min(1, concurrency / n).
    Ps,
}

/// Distribution of the work per request, by its mean and squared coefficient of variation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ServiceTime {
    /// Shape.
    pub dist: ServiceDist,
    /// Mean [ms].
    pub mean_ms: f64,
}

/// Shapes of service times; `scv` is the squared coefficient of variation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "dist", rename_all = "snake_case")]
pub enum ServiceDist {
    /// Memoryless; scv = 1.
    Exponential,
    /// Always the mean; scv = 0.
    Deterministic,
    /// Skewed to the right, any scv > 0.
    Lognormal {
        /// Squared coefficient of variation.
        scv: f64,
    },
    /// Any scv > 0; Erlang-k at scv = 1/k.
    Gamma {
        /// Squared coefficient of variation.
        scv: f64,
    },
    /// Two exponentials with balanced means; scv ≥ 1.
    Hyperexponential {
        /// Squared coefficient of variation.
        scv: f64,
    },
}

impl ServiceDist {
    /// Squared coefficient of variation.
    pub fn scv(&self) -> f64 {
        match *self {
            Self::Exponential => 1.0,
            Self::Deterministic => 0.0,
            Self::Lognormal { scv } | Self::Gamma { scv } | Self::Hyperexponential { scv } => scv,
        }
    }
}

impl Arrivals {
    /// Mean rate over the whole pattern [requests/s].
    pub fn mean_rps(&self) -> f64 {
        match self {
            Self::Poisson { rate_rps } | Self::Constant { rate_rps } => *rate_rps,
            Self::Series { rates_rps, .. } => rates_rps.iter().sum::<f64>() / rates_rps.len().max(1) as f64,
        }
    }
}

impl Scenario {
    /// Expected length of a run in seconds: for deciding what can be kept per minute, and for progress.
    pub fn expected_s(&self) -> f64 {
        match self.horizon {
            Horizon::Duration(duration) => crate::units::as_s(duration.0),
            Horizon::Requests(requests) => requests as f64 / self.arrivals.mean_rps(),
        }
    }
}
