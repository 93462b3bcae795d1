//! Workload, fleet, policies and a seed in; what users would have seen out.
//!
//! A state machine over sorted events: a heap of 16-byte events, a ring of time-outs, and the arrivals as a stream. The balancer that picks
//! is the `balancer` crate, the very code that runs live; an autoscaler comes in through [`AutoscalerFactory`].
//!
//! ```
//! use simulator::{NoAutoscaler, Scenario, replicate};
//!
//! let scenario = Scenario::parse(
//!     r#"
//!     name = "M/M/8"
//!     requests = 20_000
//!     [workload]
//!     arrivals = { kind = "poisson", rate_rps = 6.4 }
//!     [[pools]]
//!     concurrency = 8
//!     service_time = { dist = "exponential", mean_ms = 1000.0 }
//!     "#,
//!     &(), // no files behind this scenario
//! )?;
//! let report = replicate(&scenario, &NoAutoscaler, 1, 10, 1)?;
//! let latency = report.latency_ms.expect("requests were served");
//! assert!((latency.mean / 1286.0 - 1.0).abs() < 0.05); // Erlang C says 1286 ms
//! let counts = report.requests;
//! assert_eq!(counts.arrived, counts.served + counts.errors() + counts.in_flight_at_end);
//! # Ok::<(), simulator::SimError>(())
//! ```
//!
//! What it promises: time is integer nanoseconds; the same scenario and seed give the same report, to the byte, on every machine and with
//! any number of threads; each purpose (arrivals, service, picks, autoscaler) has its own child stream of the seed; means are exact sums,
//! quantiles are within 0.1 %; every request that arrives is accounted for.
//!
//! What it refuses to do: look at a clock, read files (series come in through [`SeriesSource`]), draw randomness of its own, go parallel
//! inside a run (replications are what is spread over threads), approximate an option that it doesn't know.

mod autoscale;
pub mod calibrate;
mod event;
mod fast;
mod fleet;
mod report;
mod result;
mod rng;
mod run;
mod sample;
pub mod scenario;
mod station;
pub mod stats;
mod tally;
mod trace;
pub mod units;
mod watch;
mod workload;
mod world;

pub use autoscale::{Autoscaler, AutoscalerFactory, NoAutoscaler, Observation, Orders, ReplicaState, ReplicaView};
pub use fleet::BackendResult;
pub use report::{BackendReport, BrokerReport, ClassReport, Confidence, Latency, MinuteReport, Report, SloReport, Wait};
pub use result::RunResult;
pub use run::{Engine, SimError, replicate, run, run_all, run_all_traced, run_on, run_traced, run_watched};
pub use scenario::{
    Arrivals, Backoff, Balancing, Broker, Call, ClassSpec, ClientRetries, Clients, Connections, Contention, Dependency, Discipline, Dns,
    Door, Fault, FaultKind, History, Horizon, Jitter, LostSession, Memory, Network, PickPer, PoolSpec, RatePhase, Region, RetryRule,
    Routing, Scenario, ScenarioBuilder, ScenarioError, SeriesData, SeriesSource, ServiceDist, ServiceTime, Sessions, Slo, Users, WarmUp,
    Warmup,
};
pub use tally::{ClassResult, Counts, Minute};
pub use trace::{DecisionKind, DecisionRow, RequestOutcome, RequestRow, Trace, TraceSpec};
pub use watch::{Progress, Watch};
pub use world::BrokerResult;
