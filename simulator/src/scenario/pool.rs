//! Groups of replicas, how they serve, and whom they call.

use std::sync::Arc;

use balancer::{Algorithm, Nanos, Place};
use serde::Serialize;

/// A group of equal replicas.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolSpec {
    /// For the report.
    pub name: String,
    /// Replicas at the start, all ready then.
    pub replicas: u32,
    /// Index of its region.
    pub region: usize,
    /// Weight of each with the balancer; 0 gets nothing.
    pub weight: u32,
    /// Level, group and role with the balancer: traffic spills from level to level, a backup serves when nobody else can.
    pub place: Place,
    /// Price of a replica for an hour, if it differs from the scenario's.
    pub replica_hour: Option<f64>,
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
    /// From the order to ready; also from a crash to ready, when the fault doesn't say how long it lasts.
    pub boot_delay: Nanos,
    /// A replica that has just booted is slower for a while.
    pub warm_up: Option<WarmUp>,
    /// Share of requests that end in an error of the replica, after all their work.
    pub failure: f64,
    /// Memory that requests take; too many at once kill the replica.
    pub memory: Option<Memory>,
    /// Requests in service get in each other's way (processor sharing only).
    pub contention: Option<Contention>,
    /// What each request asks for elsewhere after its own work, one after the other.
    pub calls: Vec<Call>,
}

impl Default for PoolSpec {
    /// One FIFO replica with concurrency 1, an unbounded queue and exponential service with mean 100 ms.
    fn default() -> Self {
        Self {
            name: "app".to_owned(),
            replicas: 1,
            region: 0,
            weight: 1,
            place: Place::default(),
            replica_hour: None,
            concurrency: 1,
            discipline: Discipline::Fifo,
            queue: None,
            service_time: ServiceTime { dist: ServiceDist::Exponential, mean_ms: 100.0 },
            speed: 1.0,
            boot_delay: Nanos(0),
            warm_up: None,
            failure: 0.0,
            memory: None,
            contention: None,
            calls: Vec::new(),
        }
    }
}

/// Slower at first: cold caches, a compiler that hasn't compiled yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WarmUp {
    /// From ready to full speed, in a straight line.
    pub lasts: Nanos,
    /// Share of the full speed at the beginning.
    pub speed: f64,
}

/// Memory of a replica. When requests need more than there is, it is killed with all that it has, and boots again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Memory {
    /// What there is [MiB].
    pub limit_mib: f64,
    /// Without any request [MiB].
    pub base_mib: f64,
    /// Per request in service or waiting [MiB].
    pub per_request_mib: f64,
    /// From the kill to ready.
    pub restart: Nanos,
}

/// The universal scalability law (Gunther 1993): n requests together progress at n / (1 + sigma (n - 1) + kappa n (n - 1)) times the rate
/// of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contention {
    /// Share that is serial.
    pub sigma: f64,
    /// Cost of coherence per pair.
    pub kappa: f64,
}

/// A call to a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Call {
    /// Index into the scenario's dependencies.
    pub to: usize,
    /// Share of the requests that make it.
    pub probability: f64,
    /// The worker waits for the answer and serves nobody meanwhile (threads); otherwise it is free at once (asynchronous).
    pub hold: bool,
}

/// Something that pools call: a group of replicas with a balancer of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dependency {
    /// Its replicas.
    pub pool: PoolSpec,
    /// Who picks among them.
    pub algorithm: Algorithm,
}

/// Who is served when more are there than can be served at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Discipline {
    /// First in, first out, on `concurrency` servers.
    Fifo,
    /// All at once, each at the rate min(1, concurrency / n).
    Ps,
    /// The most important class first; who is served is served to the end.
    Priority,
    /// The most important class first; who is served is put aside for somebody more important and goes on later where it stopped.
    PreemptivePriority,
}

/// Distribution of the work per request, by its mean and squared coefficient of variation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceTime {
    /// Shape.
    pub dist: ServiceDist,
    /// Mean [ms].
    pub mean_ms: f64,
}

/// Shapes of service times; `scv` is the squared coefficient of variation.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// P(X > x) = (least / x)^alpha: a heavy tail.
    Pareto {
        /// Above 1; from 2 down the variance is infinite.
        alpha: f64,
    },
    /// As measured: each value as likely as the next.
    Empirical {
        /// Values relative to their mean, ascending.
        #[serde(serialize_with = "as_list")]
        shape: Arc<[f64]>,
    },
}

impl ServiceDist {
    /// Squared coefficient of variation; infinite for a Pareto tail of 2 or less.
    pub fn scv(&self) -> f64 {
        match self {
            Self::Exponential => 1.0,
            Self::Deterministic => 0.0,
            Self::Lognormal { scv } | Self::Gamma { scv } | Self::Hyperexponential { scv } => *scv,
            Self::Pareto { alpha } => {
                if *alpha > 2.0 {
                    1.0 / (alpha * (alpha - 2.0))
                } else {
                    f64::INFINITY
                }
            }
            Self::Empirical { shape } => shape.iter().map(|x| (x - 1.0) * (x - 1.0)).sum::<f64>() / shape.len() as f64,
        }
    }
}

fn as_list<S: serde::Serializer>(values: &Arc<[f64]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter())
}
