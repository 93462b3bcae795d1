//! A service as its own page shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decision, ServiceSummary};
use crate::api::time::Time;

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
