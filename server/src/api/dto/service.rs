//! A service as the list and its own page show it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decision, Mode, Pause};
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

/// Answer of `GET /services/{name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: ServiceSummary,
    /// Domain time now.
    pub now: Time,
    /// Domain seconds per wall second.
    pub speed: f64,
    /// What users were promised.
    pub slo: Slo,
    /// Limits on what Prescale may do.
    pub rails: Rails,
    /// The policy's name: `predictive`, `hpa`, …
    pub policy: String,
    /// Target utilisation of the reactive rule, 0 to 1.
    #[schema(required)]
    pub target_utilisation: Option<f64>,
    /// What a replica carries.
    pub capacity: Capacity,
    /// Seconds from an order to a replica that serves.
    #[schema(required)]
    pub lead_s: Option<f64>,
    /// `measured`, `configured` or `default`.
    #[schema(required)]
    pub lead_source: Option<String>,
    /// The zone that its events' times are in; a name of the IANA time zone database.
    pub time_zone: String,
    /// What the configuration says of the days ahead.
    pub events: Vec<Event>,
    /// What the forecasts of the last day were worth; `null` while none could be judged.
    #[schema(required)]
    pub accuracy: Option<Accuracy>,
    /// The embedded proxy in front of it, if there is one.
    #[schema(required)]
    pub proxy: Option<Proxy>,
    /// A decision that waits for a person.
    #[schema(required)]
    pub pending_approval: Option<Decision>,
}

/// An event in a service's calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// For people.
    pub name: String,
    /// When it begins, in the service's zone: `09:30 mon-fri`, `2026-11-27 20:00`.
    pub at: String,
    /// Not on days before this one.
    #[schema(required)]
    pub from: Option<String>,
    /// Not on days after this one.
    #[schema(required)]
    pub until: Option<String>,
    /// How long it lasts.
    pub lasts_s: f64,
    /// The forecast load is multiplied by this.
    #[schema(required)]
    pub multiplier: Option<f64>,
    /// At least so many replicas.
    #[schema(required)]
    pub floor: Option<u32>,
    /// At most so many replicas.
    #[schema(required)]
    pub ceiling: Option<u32>,
}

/// What forecasts said a lead time ahead, against what came, over the last day. It begins again with the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Accuracy {
    /// Steps of the load that it is from.
    pub judged: u32,
    /// Sum of the median's absolute errors over the sum of the loads.
    #[schema(required)]
    pub error_ratio: Option<f64>,
    /// The same for "as it is now", which a forecast must beat to be worth anything.
    #[schema(required)]
    pub persistence_error_ratio: Option<f64>,
    /// How often the load stayed at or under a quantile.
    pub coverage: Vec<Coverage>,
}

/// How often the load stayed at or under a quantile; an honest forecast's share is the quantile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct Coverage {
    pub quantile: f64,
    pub share: f64,
}

/// A service-level objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slo {
    /// Wall milliseconds that the percentile must stay under.
    pub latency_ms: f64,
    /// 0 to 100.
    pub percentile: f64,
    /// Allowed share of failed requests, 0 to 1.
    pub errors: f64,
}

/// Limits on what Prescale may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)] // the names carry unit and meaning
pub struct Rails {
    pub min: u32,
    pub max: u32,
    pub step_up: u32,
    pub step_down: u32,
    pub stabilisation_s: f64,
    pub cool_down_s: f64,
    #[schema(required)]
    pub max_jump_factor: Option<f64>,
}

/// What a replica carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Capacity {
    /// Requests per second of one replica that hold the SLO.
    #[schema(required)]
    pub rps_per_replica: Option<f64>,
    /// `declared` or `simulated`.
    pub source: String,
}

/// The embedded proxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proxy {
    /// Its data address.
    pub listen: String,
    /// What stands behind it.
    pub backends: Vec<Backend>,
}

/// A backend of the proxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Backend {
    /// Identity, never the weight.
    pub id: u32,
    /// Where it listens.
    pub address: String,
    /// Its weight.
    pub weight: u32,
    /// Requests it is serving.
    pub in_flight: u32,
    /// `up`, `warming`, `ejected`, `down`, `draining`.
    pub state: String,
}
