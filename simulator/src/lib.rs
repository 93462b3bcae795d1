//! Workload, fleet, policies, faults and a seed in; what users would have seen out. Pure.

mod autoscale;
pub mod scenario;
pub mod stats;
pub mod units;

pub use autoscale::{Autoscaler, AutoscalerFactory, NoAutoscaler, Observation, Orders, ReplicaState, ReplicaView};
pub use scenario::{
    Arrivals, Balancing, Discipline, Horizon, PoolSpec, RetryRule, Scenario, ScenarioBuilder, ScenarioError, SeriesData, SeriesSource,
    ServiceDist, ServiceTime, Slo, Warmup,
};
