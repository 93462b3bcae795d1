//! What came out of a job, and how it compares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::time::Time;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobResult {
    /// What was simulated, what was assumed, and what was left out.
    pub notes: Vec<String>,
    /// The simulated time; absent for a backtest and for a scenario of one's own.
    #[schema(required)]
    pub span: Option<Span>,
    /// Finished cells, in order.
    pub cells: Vec<Cell>,
    /// Finished models, in order.
    pub models: Vec<ModelScore>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// First instant.
    pub from: Time,
    /// First instant that is left out.
    pub to: Time,
}

/// One cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    /// Its number, from 0.
    pub index: u32,
    /// For people.
    pub name: String,
    /// Requests that arrived, all seeds together.
    pub requests: u64,
    /// Why there is no result: hopeless overload, for example.
    #[schema(required)]
    pub error: Option<String>,
    /// By name: `latency_p50_ms`, `latency_p95_ms`, `latency_p99_ms`, `queue_wait_p99_ms`, `queue_wait_p999_ms`, `error_ratio`,
    /// `violation_minutes`, `replica_hours`, `cost`, `utilisation`. What can't be known is absent.
    pub figures: BTreeMap<String, Figure>,
    /// The course of things, all seeds together.
    pub timeline: Vec<CellPoint>,
}

/// A figure over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// Of all seeds together.
    pub value: f64,
    /// 95 % interval over seeds; absent with one.
    #[schema(required)]
    pub low: Option<f64>,
    /// Its upper end.
    #[schema(required)]
    pub high: Option<f64>,
    /// Of each seed, in order.
    pub seeds: Vec<f64>,
}

/// A point of a cell's timeline: means over a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellPoint {
    /// Seconds from the start of the run to the start of the stretch.
    pub t_s: f64,
    /// Offered load [requests/s].
    pub load_rps: f64,
    /// Ready replicas.
    pub replicas: f64,
    /// Of the requests that arrived in it; `null` when none was served.
    #[schema(required)]
    pub p99_ms: Option<f64>,
    /// Share of them that failed.
    #[schema(required)]
    pub error_ratio: Option<f64>,
}

/// How a model did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelScore {
    /// Its name.
    pub model: String,
    /// Mean weighted quantile loss.
    #[schema(required)]
    pub loss: Option<f64>,
    /// The same relative to seasonal naive's: below 1 is better.
    #[schema(required)]
    pub relative: Option<f64>,
    /// Share of the values at or below each quantile.
    pub coverage: BTreeMap<String, f64>,
    /// How far the median of the horizon's maximum was from what came, relative to that: the median over origins.
    #[serde(default)]
    #[schema(required)]
    pub peak_error: Option<f64>,
    /// Share of the horizons' maxima at or below their 0.9 quantile.
    #[serde(default)]
    #[schema(required)]
    pub peaks_below_q90: Option<f64>,
    /// Up to the lead time.
    #[serde(default)]
    #[schema(required)]
    pub lead: Option<LeadScore>,
    /// Values that were scored.
    pub points: u64,
    /// Why there is no score.
    #[schema(required)]
    pub error: Option<String>,
}

/// How a model did up to the lead time: from now until a replica that is ordered now would be ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeadScore {
    /// The lead time; a step of the series where that is longer [s].
    pub lead_s: f64,
    /// Mean weighted quantile loss.
    #[schema(required)]
    pub loss: Option<f64>,
    /// Share of the values at or below each quantile.
    pub coverage: BTreeMap<String, f64>,
    /// Share of the loss that is saved against the last value, whose intervals come from its own past errors: below 0 is worse.
    #[schema(required)]
    pub against_persistence: Option<f64>,
    /// Share of the loss that is saved against seasonal naive (day).
    #[schema(required)]
    pub against_seasonal_naive: Option<f64>,
}

/// Every cell against one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The cell that the others are compared with.
    pub baseline: u32,
    /// What won, and whether the difference is real.
    pub sentence: String,
    /// The other cells that have a result.
    pub rows: Vec<ComparisonRow>,
}

/// One cell against the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonRow {
    /// The cell.
    pub cell: u32,
    /// By the names of the figures.
    pub differences: BTreeMap<String, Difference>,
}

/// A difference, paired by seed: both cells saw the same arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Mean over seeds of cell − baseline.
    pub value: f64,
    /// Its 95 % interval; absent with one seed.
    #[schema(required)]
    pub low: Option<f64>,
    /// Its upper end.
    #[schema(required)]
    pub high: Option<f64>,
    /// The interval doesn't hold zero.
    pub real: bool,
}
