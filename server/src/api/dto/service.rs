//! A service as the list shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Mode, Pause};
use crate::api::time::Time;

/// Answer of `GET /services`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// Domain time now.
    pub now: Time,
    /// Domain seconds per wall second; 1 outside of the demo.
    pub speed: f64,
    /// The pause that holds for all services.
    #[schema(required)]
    pub paused: Option<Pause>,
    /// Why nothing can be journalled now, and so nothing new decided or executed: the database doesn't take it.
    #[schema(required)]
    pub store_error: Option<String>,
    /// All services, by name.
    pub services: Vec<ServiceSummary>,
}

/// A service in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSummary {
    /// Its name in the configuration.
    pub name: String,
    /// How far Prescale may go by itself.
    pub mode: Mode,
    /// The pause that holds for this service itself (the global one is in the overview).
    #[schema(required)]
    pub paused: Option<Pause>,
    /// Offered load, in requests per second: answers 429 and 503 included, retries left out.
    #[schema(required)]
    pub load_rps: Option<f64>,
    /// When that load was measured.
    #[schema(required)]
    pub load_at: Option<Time>,
    /// Replicas by state.
    pub replicas: Replicas,
    /// Whether there is a forecast, and if not, what is missing.
    pub forecast: ForecastHealth,
    /// The next change of the plan.
    #[schema(required)]
    pub next: Option<NextStep>,
    /// The latest decision.
    #[schema(required)]
    pub last_decision: Option<LastDecision>,
    /// Whether the load is known.
    pub data: DataHealth,
    /// A small chart of the load: past and, behind it, the forecast's median.
    pub spark: Spark,
}

/// Replicas by state; `null` = the fleet can't be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replicas {
    /// Serving.
    #[schema(required)]
    pub ready: Option<u32>,
    /// Ordered, not serving yet.
    #[schema(required)]
    pub booting: Option<u32>,
    /// Finishing what they have.
    #[schema(required)]
    pub draining: Option<u32>,
    /// What is wanted: the order under way, else the newest decision's number within the rails, unless it waits for a person. `null` in
    /// mode observe, after a release, and before anything was known.
    #[schema(required)]
    pub desired: Option<u32>,
    /// Rail.
    pub min: u32,
    /// Rail.
    pub max: u32,
}

/// State of the forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForecastState {
    /// In use.
    Ok,
    /// Too little data; see `have_s` and `need_s`.
    NotEnoughHistory,
    /// Older than allowed; the reactive rule holds.
    Stale,
    /// The last attempt failed; the reactive rule holds.
    Failed,
    /// Not asked for (yet).
    None,
}

/// The forecast's health.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastHealth {
    /// Its state.
    pub state: ForecastState,
    /// When it was issued.
    #[schema(required)]
    pub origin: Option<Time>,
    /// The state in words, if there is more to say.
    #[schema(required)]
    pub detail: Option<String>,
    /// Seconds of history there are (with `not_enough_history`).
    #[schema(required)]
    pub have_s: Option<f64>,
    /// Seconds of history needed (with `not_enough_history`).
    #[schema(required)]
    pub need_s: Option<f64>,
}

/// A change to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NextStep {
    /// When.
    pub at: Time,
    /// Replicas before.
    pub from: u32,
    /// Replicas after.
    pub to: u32,
}

/// The latest decision, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)] // see Decision
pub struct LastDecision {
    pub id: u64,
    pub at: Time,
    pub action: String,
    pub reason: String,
    pub sentence: String,
}

/// Whether the load is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataState {
    /// Young enough to act on.
    Fresh,
    /// Too old to lower capacity on.
    Stale,
    /// There is none.
    Absent,
}

/// Health of the measured data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DataHealth {
    /// Its state.
    pub state: DataState,
    /// Domain seconds since the last sample.
    #[schema(required)]
    pub age_s: Option<f64>,
    /// Why there is none that is fresh, and what can be done about it; `null` while there is one, and while nobody knows.
    #[schema(required)]
    pub detail: Option<String>,
}

/// A small chart; `null` is a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spark {
    /// Time of the first value of `past`.
    pub start: Time,
    /// Seconds from one value to the next.
    pub step_s: f64,
    /// Measured load, in requests per second.
    pub past: Vec<Option<f64>>,
    /// Median of the forecast; goes on where `past` ends.
    pub future: Vec<Option<f64>>,
}
