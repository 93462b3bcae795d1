//! A service: where its load comes from, what its users are promised, what a replica holds, and within which limits it is scaled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Act, Event, HolidayList, Policy, Proxy, Timing};
use crate::config::value::{AlgorithmName, Span};

/// One service. Only `name` and a load (`load`, or a `[services.proxy]` that counts it) are needed to observe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Service {
    /// Unique name: letters, digits, `-`, `_` and `.`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Name of the time zone that its events' times are in, such as `Europe/Berlin`. Forecasts
    /// go by its days and hours, so that a change of the clocks costs nothing.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Which days aren't as their weekday: public holidays of a country (`"DE"`), of a part of one (`"US-CA"`) or of an exchange (`"XNYS"`), days
    /// of one's own with their names (`"2026-12-24 company holiday"`), or a list of these. What they do to the load is learnt from the history.
    #[serde(default, skip_serializing_if = "HolidayList::is_empty")]
    pub holidays: HolidayList,
    /// PromQL for the offered load in requests per second: one series, answers 429 and 503 included, retries left out. Absent: the counters of
    /// the embedded proxy are the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub load: Option<String>,
    /// PromQL for the number of ready replicas. Needed for more than observing where the way to act doesn't see the fleet by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub replicas: Option<String>,
    /// PromQL for the 95th percentile of the latency in milliseconds, for the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub latency: Option<String>,
    /// PromQL for the share of requests that fail, 0 to 1, for the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub errors: Option<String>,
    /// PromQL for requests per second that were turned away (429, 503). Minutes in which there are any are not learnt as low demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub shed: Option<String>,
    /// PromQL for the time of the newest sample behind `load`, in seconds since 1970, such as `max(timestamp(http_requests_total))`: a range
    /// vector goes on answering for a while after its exporter has died. Absent: derived from `load` where that is possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub fresh: Option<String>,
    /// How far Prescale may go by itself. The page and `prescale mode` change it too; what was said last counts.
    #[serde(default)]
    pub mode: Mode,
    /// What the users are promised. Needed with `capacity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// How much load a replica holds under that promise: `rps_per_replica`, or `concurrency` and `service_time_ms`. Absent: observe only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// From an order to a warm replica, until that is measured.
    #[serde(default = "five_minutes")]
    pub lead_time: Span,
    /// Limits that no decision passes. Needed with `capacity`, and so in each mode above `observe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rails: Option<Rails>,
    /// What is known of the days ahead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// How the number of replicas is chosen.
    #[serde(default)]
    pub policy: Policy,
    /// How often, and how old something may be.
    #[serde(default)]
    pub timing: Timing,
    /// How replicas are started and stopped. Absent: nobody is told, and only observing and recommending make sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// The embedded reverse proxy in front of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

fn utc() -> String {
    "UTC".into()
}

fn five_minutes() -> Span {
    Span(planner::config::DEFAULT_LEAD_MS)
}

/// How far Prescale may go by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Mode {
    /// Writes down what it would do.
    #[default]
    Observe,
    /// The same, shown to people.
    Recommend,
    /// Acts once a person has approved.
    Approve,
    /// Acts.
    Automatic,
}

/// What the users are promised: `percentile` of the requests answered within `latency_ms`, and at most `errors` of them failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Slo {
    /// Threshold in milliseconds.
    #[schemars(range(min = 0.1, max = 3_600_000.0))]
    pub latency_ms: f64,
    /// Per cent of the requests that are faster.
    #[schemars(range(min = 1.0, max = 99.999))]
    pub percentile: f64,
    /// Share of the requests that may fail.
    #[serde(default = "errors")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub errors: f64,
}

fn errors() -> f64 {
    0.001
}

impl Default for Slo {
    fn default() -> Self {
        Self { latency_ms: 500.0, percentile: 99.0, errors: errors() }
    }
}

/// How much load a replica holds: either `rps_per_replica`, or `concurrency` and `service_time_ms`, from which the simulator finds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Capacity {
    /// Requests per second that one replica holds within the SLO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.001, max = 10_000_000.0))]
    pub rps_per_replica: Option<f64>,
    /// Requests that one replica serves at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: Option<u32>,
    /// Mean time that a request is in service, in milliseconds, without waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.001, max = 3_600_000.0))]
    pub service_time_ms: Option<f64>,
    /// With `concurrency`: places to wait in a replica; the next request is turned away. Absent: four times the concurrency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub queue: Option<u32>,
    /// With `concurrency`: who picks the replica. Absent: `least_connections`, or that of the embedded proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<AlgorithmName>,
}

/// Limits that no decision passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rails {
    /// Never fewer replicas.
    #[schemars(range(min = 1, max = 100_000))]
    pub min: u32,
    /// Never more replicas.
    #[schemars(range(min = 1, max = 100_000))]
    pub max: u32,
    /// At most so many replicas are added at a time.
    #[serde(default = "step_up")]
    #[schemars(range(min = 1, max = 100_000))]
    pub step_up: u32,
    /// At most so many replicas are taken away at a time.
    #[serde(default = "step_down")]
    #[schemars(range(min = 1, max = 100_000))]
    pub step_down: u32,
    /// How far beyond the lead time what stays must suffice before a replica is taken away.
    #[serde(default = "ten_minutes")]
    pub stabilisation: Span,
    /// Least time after any change before a replica is taken away.
    #[serde(default = "two_minutes")]
    pub cool_down: Span,
    /// A change by more than this factor asks a person instead of acting. Absent: it never asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.01, max = 1_000.0))]
    pub max_jump_factor: Option<f64>,
}

fn step_up() -> u32 {
    10
}

fn step_down() -> u32 {
    2
}

fn ten_minutes() -> Span {
    Span::seconds(600)
}

fn two_minutes() -> Span {
    Span::seconds(120)
}

impl Rails {
    /// For a service that is only observed: wide, since nothing is ordered.
    #[must_use]
    pub fn of_the_observed() -> Self {
        Self {
            min: 1,
            max: 100,
            step_up: step_up(),
            step_down: step_down(),
            stabilisation: ten_minutes(),
            cool_down: two_minutes(),
            max_jump_factor: None,
        }
    }
}
