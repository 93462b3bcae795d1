//! What a job is asked to work out. As TOML it has the same keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::time::Time;

/// What is to be worked out. As TOML it has the same keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobRequest {
    /// What users of a service would see if something were different.
    WhatIf(WhatIf),
    /// A scenario of one's own.
    Scenario(ScenarioJob),
    /// How good each model's forecasts of a service would have been.
    Backtest(BacktestJob),
}

/// Body of `POST /jobs` and `POST /jobs/estimate`: the request, or the same as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum JobBody {
    /// The request as TOML.
    Text(JobText),
    /// The request as JSON.
    Request(JobRequest),
}

/// A request as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobText {
    /// The request as TOML, beginning with `kind = "…"`.
    pub toml: String,
}

/// A matrix of balancing algorithms × capacity plans × seeds for one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// The service whose capacity, objective, rails, policy and lead time are taken.
    pub service: String,
    /// The load is multiplied by this.
    #[serde(default = "one")]
    pub traffic: f64,
    /// The time that a request is in service is multiplied by this, and the planner doesn't know.
    #[serde(default = "one")]
    pub service_time: f64,
    /// `round_robin`, `weighted_round_robin`, `least_connections`, `p2c`, `random`, `weighted_random`; absent = the service's own.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// `planner` (as configured, in the loop), `recorded` (what was), each also with replicas more or fewer (`planner:-3`), `fixed:12`,
    /// `hpa:0.7`; absent = `planner`.
    #[serde(default)]
    pub plans: Vec<String>,
    /// Independent runs of each cell; from two on there are intervals.
    #[serde(default = "seeds")]
    pub seeds: u32,
    /// Where all randomness comes from; the same number gives the same result.
    #[serde(default = "seed")]
    pub seed: u64,
    /// The most requests that are simulated in all; a longer window is cut to its busiest stretch.
    #[serde(default = "requests")]
    pub requests: u64,
    /// Price of one replica for one hour; absent = no costs are worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_hour: Option<f64>,
    /// Where the load comes from. Last, because TOML wants tables last.
    pub source: LoadOrigin,
}

/// Where the load of a what-if comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoadOrigin {
    /// What was measured; give `from` and `to`, or `last`.
    Recorded {
        /// First instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Time>,
        /// First instant that is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Time>,
        /// A duration up to now, such as `7d`, in place of both.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<String>,
    },
    /// The newest forecast.
    Forecast {
        /// Which of its quantiles, such as 0.9.
        quantile: f64,
        /// How much of it, from its origin on, such as `12h`.
        lasts: String,
    },
    /// A made-up load.
    Synthetic {
        /// Its shape.
        shape: Shape,
        /// Load at the start [requests/s].
        rps: f64,
        /// Highest load [requests/s]; a constant has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peak_rps: Option<f64>,
        /// How long, such as `2h`.
        lasts: String,
    },
}

/// A made-up load's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Always the same.
    Constant,
    /// A straight line from `rps` to `peak_rps`.
    Ramp,
    /// `rps`, but `peak_rps` for the middle sixth of the time.
    Spike,
}

/// A scenario as `prescale simulate` takes it, without series files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScenarioJob {
    /// The scenario's TOML.
    pub scenario: String,
}

/// A backtest as `prescale backtest` makes it, on the stored load of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestJob {
    /// The service.
    pub service: String,
    /// How far each origin looks ahead.
    #[serde(default = "horizon")]
    pub horizon: String,
    /// How many origins.
    #[serde(default = "origins")]
    pub origins: u32,
    /// The share of the series, at its end, that is scored.
    #[serde(default = "last")]
    pub last: f64,
    /// `auto`, or names of members; absent = `auto`.
    #[serde(default)]
    pub models: Vec<String>,
    /// Step that the series is averaged to.
    #[serde(default = "step")]
    pub step: String,
}

fn one() -> f64 {
    1.0
}
fn seeds() -> u32 {
    5
}
fn seed() -> u64 {
    1
}
fn requests() -> u64 {
    50_000_000
}
fn horizon() -> String {
    "24h".to_owned()
}
fn origins() -> u32 {
    12
}
fn last() -> f64 {
    0.3
}
fn step() -> String {
    "15m".to_owned()
}
