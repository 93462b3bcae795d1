//! Knobs with defaults that fit most services.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::Span;

/// How the number of replicas is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(deny_unknown_fields)]
pub enum Policy {
    /// The forecast's quantile of the maximum at lead time, joined with a reactive rule.
    Predictive(Predictive),
    /// The rule of the Kubernetes HorizontalPodAutoscaler, for comparison.
    Hpa(Hpa),
}

impl Default for Policy {
    fn default() -> Self {
        Self::Predictive(Predictive::default())
    }
}

/// The forecast's quantile of the maximum at lead time, joined with a reactive rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Predictive {
    /// Which quantile of the maximum load is covered; 0.90, 0.95 and 0.99 gave about 2, 1 and 0.4 % violations on real traces.
    #[schemars(range(min = 0.5, max = 0.99))]
    pub quantile: f64,
    /// Utilisation of the capacity that the reactive term keeps now.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub target: f64,
    /// The same while there is no forecast to trust: cautious on purpose.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub fallback_target: f64,
    /// How long the fallback remembers its highest wish before it goes down.
    pub fallback_stabilisation: Span,
}

impl Default for Predictive {
    fn default() -> Self {
        let of = planner::PredictivePolicy::default();
        Self {
            quantile: of.quantile,
            target: of.target,
            fallback_target: of.fallback_target,
            fallback_stabilisation: Span(of.fallback_stabilisation_ms),
        }
    }
}

/// The rule of the Kubernetes HorizontalPodAutoscaler v2, with its default behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Hpa {
    /// Utilisation of the capacity that is aimed at.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub target: f64,
    /// No change while usage ÷ target is within 1 ± this.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub tolerance: f64,
    /// How long the highest wish is remembered before it goes down.
    pub stabilisation: Span,
}

impl Default for Hpa {
    fn default() -> Self {
        let of = planner::HpaPolicy::default();
        Self { target: of.target, tolerance: of.tolerance, stabilisation: Span(of.stabilisation_ms) }
    }
}

/// How often, and how old something may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Timing {
    /// Between two decisions.
    pub tick: Span,
    /// Between two readings of the load; the fleet is looked at four times as often.
    pub read_every: Span,
    /// Load or fleet older than this is unknown, and capacity holds. At least two steps of `prometheus.step`.
    pub stale_after: Span,
    /// Between two forecasts that are made anew, with every member judged again.
    pub forecast_every: Span,
    /// Between two updates of a forecast with what was observed since; as long as `forecast_every`, there are none.
    pub forecast_update: Span,
    /// A forecast older than this is not trusted; the cautious reactive rule stands in.
    pub forecast_max_age: Span,
    /// A proposal that nobody approved within this time expires.
    pub approval_ttl: Span,
    /// How long a replica that leaves may finish what it has.
    pub drain: Span,
    /// A replica that became ready gets its full weight after this time.
    pub ramp: Span,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            tick: Span::seconds(15),
            read_every: Span::seconds(15),
            stale_after: Span::seconds(180),
            forecast_every: Span::seconds(600),
            forecast_update: Span::seconds(60),
            forecast_max_age: Span::seconds(3_600),
            approval_ttl: Span::seconds(900),
            drain: Span::seconds(30),
            ramp: Span::seconds(0),
        }
    }
}
