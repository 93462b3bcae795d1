//! A decision and what it rested on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Mode;
use crate::api::time::Time;

/// Answer of `GET /services/{name}/decisions`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionList {
    /// At most `limit` decisions, all older than `before`.
    pub decisions: Vec<Decision>,
}

/// One decision of the control loop, also the one to do nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Unique and increasing.
    pub id: u64,
    /// The service it is about.
    pub service: String,
    /// When it was made.
    pub at: Time,
    /// The mode it was made under.
    pub mode: Mode,
    /// Replicas that counted when it was made: observed, or the target of an order under way.
    #[schema(required)]
    pub current: Option<u32>,
    /// Replicas wanted (after the rails).
    #[schema(required)]
    pub target: Option<u32>,
    /// `hold`, `up`, `down`, `propose`, `ask` or `observe`.
    pub action: String,
    /// The planner's reason code in snake_case.
    pub reason: String,
    /// The reason for a tired person at 3 a.m.
    pub sentence: String,
    /// What became of it: `approved`, `rejected`, `lapsed` (its time was over, or something else was needed), `ordered`, `acknowledged`,
    /// `carried out` (the replicas are started, or gone; they may not be ready yet), `superseded`, `cancelled`, `failed`; `null` when there
    /// was nothing to follow up.
    #[schema(required)]
    pub outcome: Option<String>,
    /// What it was computed from.
    pub inputs: DecisionInputs,
    /// The answers that were weighed, the chosen one included.
    pub candidates: Vec<Candidate>,
    /// The rail that bound the answer, if one did.
    #[schema(required)]
    pub rail: Option<String>,
    /// What the simulator said about the target, if it was asked.
    #[schema(required)]
    pub check: Option<Check>,
    /// When a proposal lapses.
    #[schema(required)]
    pub expires: Option<Time>,
}

/// The numbers a decision rested on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)] // the names carry unit and meaning
pub struct DecisionInputs {
    #[schema(required)]
    pub load_rps: Option<f64>,
    #[schema(required)]
    pub load_age_s: Option<f64>,
    #[schema(required)]
    pub forecast_origin: Option<Time>,
    #[schema(required)]
    pub quantile: Option<f64>,
    #[schema(required)]
    pub window_from: Option<Time>,
    #[schema(required)]
    pub window_to: Option<Time>,
    #[schema(required)]
    pub window_max_rps: Option<f64>,
    /// The forecast went beyond what its history supports and was cut off.
    #[serde(default)]
    pub beyond_history: bool,
    #[schema(required)]
    pub capacity_rps_per_replica: Option<f64>,
    #[schema(required)]
    pub lead_s: Option<f64>,
    /// `measured`, `configured` or `default`.
    #[schema(required)]
    pub lead_source: Option<String>,
}

/// One answer that was weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The rule that proposed it: `predictive`, `reactive`, …
    pub name: String,
    /// What it proposed.
    pub replicas: u32,
    /// Why.
    pub why: String,
}

/// What a plan would have meant for users, by simulation or by the capacity curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Replicas that were tried.
    pub replicas: u32,
    /// Load that was tried, in requests per second.
    pub load_rps: f64,
    /// Latency at the SLO's percentile, in milliseconds.
    #[schema(required)]
    pub p_latency_ms: Option<f64>,
    /// Share of requests that fail, 0 to 1.
    #[schema(required)]
    pub error_ratio: Option<f64>,
    /// Whether the SLO holds.
    pub holds: bool,
}
