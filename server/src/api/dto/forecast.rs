//! Numbers over time: what was measured and what is expected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Explanation;
use crate::api::time::Time;

/// Answer of `GET /services/{name}/series`: one value per step; `null` is a gap, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// The metric, as asked.
    pub metric: String,
    /// `rps`, `replicas`, `ms` or `ratio`.
    pub unit: String,
    /// Time of the first value.
    pub start: Time,
    /// Seconds from one value to the next.
    pub step_s: f64,
    /// The values.
    pub values: Vec<Option<f64>>,
}

/// Answer of `GET /services/{name}/forecast`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Forecast {
    /// Only data up to this instant was used.
    pub origin: Time,
    /// Seconds from one point to the next.
    pub step_s: f64,
    /// The model or the blend.
    pub model: String,
    /// What the history was long enough for: `persistence` (less than a day: the recent level is held), `day` (its shape is known) or `week` (the
    /// weekday is known too). Less means wider quantiles. Absent where it isn't known.
    #[schema(required)]
    pub basis: Option<Basis>,
    /// Points of history used.
    pub history_points: u64,
    /// The quantiles that every point has.
    pub quantiles: Vec<f64>,
    /// `origin + step` … `origin + horizon`.
    pub points: Vec<ForecastPoint>,
    /// What the blend is made of.
    pub members: Vec<Member>,
    /// Why it says that; absent for forecasts of the past.
    #[schema(required)]
    pub explanation: Option<Explanation>,
    /// Quantiles of the maximum over a window that starts at the origin; the key is a duration such as `1h`.
    pub max: BTreeMap<String, WindowMax>,
    /// Replicas that the plan of that moment would order, each from `at` on.
    pub planned: Vec<PlannedStep>,
    /// That it went beyond what the history supports and was cut off; absent where it didn't, and for forecasts of the past.
    #[schema(required)]
    pub beyond_history: Option<BeyondHistory>,
    /// When the oldest forecast that can still be asked for (with `at`) was issued.
    #[schema(required)]
    pub kept_since: Option<Time>,
}

/// A forecast that was cut off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BeyondHistory {
    /// The highest load of the history, in requests per second.
    pub highest: f64,
    /// What no value exceeds any more.
    pub bound: f64,
    /// The largest value before that.
    pub reached: f64,
    /// Points that were cut off; none if only the maximum of a window was.
    pub points: u64,
}

impl From<&predictor::BeyondHistory> for BeyondHistory {
    fn from(beyond: &predictor::BeyondHistory) -> Self {
        let predictor::BeyondHistory { highest, bound, reached, points } = beyond;
        Self { highest: *highest, bound: *bound, reached: *reached, points: *points as u64 }
    }
}

/// What the history was long enough for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Less than a day was seen.
    Persistence,
    /// A day or more was seen.
    Day,
    /// The same weekday was seen before.
    Week,
}

impl From<predictor::Basis> for Basis {
    fn from(basis: predictor::Basis) -> Self {
        match basis {
            predictor::Basis::Persistence => Self::Persistence,
            predictor::Basis::Day => Self::Day,
            predictor::Basis::Week => Self::Week,
        }
    }
}

/// One instant of a forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastPoint {
    /// The instant it is about.
    pub ts: Time,
    /// Expected requests per second.
    pub mean: f64,
    /// Quantile (as text: `"0.5"`) → requests per second.
    pub q: BTreeMap<String, f64>,
}

/// One member of the blend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The model's name.
    pub name: String,
    /// Its share; all shares add up to 1.
    pub weight: f64,
}

/// Quantiles of a window's maximum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WindowMax {
    /// Quantile (as text) → requests per second.
    pub q: BTreeMap<String, f64>,
    /// When it is expected, if known.
    #[schema(required)]
    pub at: Option<Time>,
    /// Half of the paths that the load may take have their maximum from then …
    #[schema(required)]
    pub from: Option<Time>,
    /// … to then.
    #[schema(required)]
    pub to: Option<Time>,
}

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlannedStep {
    /// From then on.
    pub at: Time,
    /// This many replicas.
    pub replicas: u32,
}
