//! What a user says about a service, checked once at the edge: [`ServiceConfig::validate`] names the key, the value and what is allowed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, CalendarEvent, Holidays};

mod check;
pub use check::ConfigError;

/// Lead time while nothing is measured and nothing is configured: 5 minutes, a cautious figure for a container on a new node.
pub const DEFAULT_LEAD_MS: i64 = 300_000;

/// One service under control. Times are milliseconds of the caller's clock (the *domain* clock in the demo).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Unique name; the key of everything that concerns the service.
    pub name: String,
    /// What users are promised.
    pub slo: Slo,
    /// How much load a replica holds under that promise.
    pub capacity: Capacity,
    /// From an order to a warm replica, used until there are measurements; without it [`DEFAULT_LEAD_MS`].
    #[serde(default)]
    pub lead_time_ms: Option<i64>,
    /// Limits that no decision passes.
    pub rails: Rails,
    /// What the planner may do by itself when the service is first seen; later the operator changes it by event.
    #[serde(default)]
    pub mode: Mode,
    /// How many replicas are wanted.
    pub policy: Policy,
    /// Time between two decisions.
    #[serde(default = "default_tick")]
    pub tick_ms: i64,
    /// Load or fleet older than this is unknown: nothing is lowered, nothing is raised.
    #[serde(default = "default_stale_after")]
    pub stale_after_ms: i64,
    /// How often a forecast is made anew.
    #[serde(default = "default_forecast_every")]
    pub forecast_every_ms: i64,
    /// How often it is brought up to date with what was observed since; from [`ServiceConfig::forecast_every_ms`] on never.
    #[serde(default = "default_forecast_update")]
    pub forecast_update_ms: i64,
    /// A forecast whose origin is older than this is not trusted.
    #[serde(default = "default_forecast_max_age")]
    pub forecast_max_age_ms: i64,
    /// A proposal that nobody approved within this time expires.
    #[serde(default = "default_approval_ttl")]
    pub approval_ttl_ms: i64,
    /// How long a replica that leaves may finish what it has (used by whoever executes the order).
    #[serde(default = "default_drain")]
    pub drain_ms: i64,
    /// A replica that became ready gets its full weight after this time, linearly; 0 = at once.
    #[serde(default)]
    pub ramp_ms: i64,
    /// Where its orders may hold something that belongs to somebody else (the floor of an autoscaler), in the words of whoever executes them:
    /// enough to give it up when the service is gone. `None` = they hold nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_at: Option<String>,
    /// Name of the zone that the events' times are in.
    #[serde(default = "default_zone")]
    pub time_zone: String,
    /// What is known of the days ahead, see [`crate::calendar`].
    #[serde(default)]
    pub events: Vec<CalendarEvent>,
    /// Which days aren't as their weekday: public holidays of a country, and days of one's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holidays>,
}

/// The promise: `percentile` of the requests answered within `latency_ms`, and at most `errors` of them failed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Threshold `[ms]`, wall time of a request.
    pub latency_ms: f64,
    /// In per cent, e.g. 99.
    pub percentile: f64,
    /// Share of requests that may fail, 0 to 1.
    #[serde(default = "default_errors")]
    pub errors: f64,
}

/// How many requests per second a fleet holds under the SLO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Capacity {
    /// Nobody has said it: the service can be observed and forecast, and no number of replicas is wanted.
    Unknown,
    /// The user knows it: requests per second and replica at which the SLO still holds.
    Declared {
        /// `[rps]`, above 0.
        rps_per_replica: f64,
    },
    /// The simulator finds it: a curve from replicas to the rps that hold the SLO, see [`crate::capacity`].
    Modelled {
        /// Requests that one replica serves at once.
        concurrency: u32,
        /// Mean time a request is in service `[ms]`, wall time; drawn from an exponential distribution.
        service_time_ms: f64,
        /// Places to wait in a replica, beyond those in service.
        queue: u32,
        /// Who picks the replica.
        #[serde(default)]
        algorithm: balancer::Algorithm,
    },
}

/// Hard limits of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rails {
    /// Never fewer replicas than this.
    pub min: u32,
    /// Never more replicas than this.
    pub max: u32,
    /// At most so many replicas are added within one tick.
    #[serde(default = "default_step_up")]
    pub step_up: u32,
    /// At most so many replicas are taken away within one tick or cool-down, whichever is longer.
    #[serde(default = "default_step_down")]
    pub step_down: u32,
    /// How far beyond the lead time what stays must suffice before a replica is taken away.
    #[serde(default = "default_stabilisation")]
    pub stabilisation_ms: i64,
    /// Least time after any change before a step down.
    #[serde(default)]
    pub cool_down_ms: i64,
    /// A change by more than this factor asks a person instead of acting; none = never asks.
    #[serde(default)]
    pub max_jump_factor: Option<f64>,
}

/// What the planner may do by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Writes down what it would do.
    #[default]
    Observe,
    /// The same, shown to people as a proposal.
    Recommend,
    /// Acts once a person has approved the proposal.
    Approve,
    /// Acts.
    Automatic,
}

impl Mode {
    /// As in files and in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Observe => "observe",
            Mode::Recommend => "recommend",
            Mode::Approve => "approve",
            Mode::Automatic => "automatic",
        }
    }
}

/// Which direction is held by an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Nothing is added.
    Up,
    /// Nothing is taken away.
    Down,
    /// Nothing changes.
    Both,
}

impl Pause {
    /// Does it hold steps up?
    pub fn holds_up(self) -> bool {
        self != Pause::Down
    }
    /// Does it hold steps down?
    pub fn holds_down(self) -> bool {
        self != Pause::Up
    }
}

/// How many replicas are wanted, before the rails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Policy {
    /// The forecast's quantile of the maximum at lead time, joined with the reactive rule.
    Predictive(PredictivePolicy),
    /// Kubernetes' HorizontalPodAutoscaler v2 on the ratio of load to capacity.
    Hpa(HpaPolicy),
}

/// Knobs of [`Policy::Predictive`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictivePolicy {
    /// Which quantile of the maximum load is covered, 0 to 1 (0.90, 0.95, 0.99 gave about 2, 1, 0.4 % violations on real traces).
    #[serde(default = "default_quantile")]
    pub quantile: f64,
    /// Utilisation that the reactive term keeps now, 0 to 1.
    #[serde(default = "default_target")]
    pub target: f64,
    /// The same while there is no forecast to trust: conservative on purpose.
    #[serde(default = "default_fallback_target")]
    pub fallback_target: f64,
    /// How long the fallback remembers its highest recommendation before it goes down.
    #[serde(default = "default_fallback_stabilisation")]
    pub fallback_stabilisation_ms: i64,
}

impl Default for PredictivePolicy {
    fn default() -> PredictivePolicy {
        PredictivePolicy {
            quantile: default_quantile(),
            target: default_target(),
            fallback_target: default_fallback_target(),
            fallback_stabilisation_ms: default_fallback_stabilisation(),
        }
    }
}

/// Knobs of [`Policy::Hpa`], with Kubernetes' defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HpaPolicy {
    /// Utilisation of a replica's capacity that is aimed at, 0 to 1.
    #[serde(default = "default_fallback_target")]
    pub target: f64,
    /// No change while the ratio of usage to target is within 1 ± this.
    #[serde(default = "default_tolerance")]
    pub tolerance: f64,
    /// Scale-down stabilisation window.
    #[serde(default = "default_fallback_stabilisation")]
    pub stabilisation_ms: i64,
    /// Scale-up stabilisation window.
    #[serde(default)]
    pub stabilisation_up_ms: i64,
    /// `behavior.scaleUp`.
    #[serde(default = "Behaviour::default_up")]
    pub scale_up: Behaviour,
    /// `behavior.scaleDown`.
    #[serde(default = "Behaviour::default_down")]
    pub scale_down: Behaviour,
}

impl Default for HpaPolicy {
    fn default() -> HpaPolicy {
        HpaPolicy {
            target: default_fallback_target(),
            tolerance: default_tolerance(),
            stabilisation_ms: default_fallback_stabilisation(),
            stabilisation_up_ms: 0,
            scale_up: Behaviour::default_up(),
            scale_down: Behaviour::default_down(),
        }
    }
}

/// HPA v2 behaviour in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How fast, see [`RatePolicy`]; none = no limit.
    #[serde(default)]
    pub policies: Vec<RatePolicy>,
    /// Which of the policies counts.
    #[serde(default)]
    pub select: Select,
}

impl Behaviour {
    /// Kubernetes' default: the larger of 4 pods and 100 % in 15 s.
    pub fn default_up() -> Behaviour {
        let rate = |kind, value| RatePolicy { kind, value, period_ms: 15_000 };
        Behaviour { policies: vec![rate(RateKind::Pods, 4), rate(RateKind::Percent, 100)], select: Select::Max }
    }
    /// Kubernetes' default: 100 % in 15 s.
    pub fn default_down() -> Behaviour {
        Behaviour { policies: vec![RatePolicy { kind: RateKind::Percent, value: 100, period_ms: 15_000 }], select: Select::Max }
    }
}

/// At most `value` pods, or per cent of the fleet at the start of the period, within `period_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatePolicy {
    /// Unit of `value`.
    pub kind: RateKind,
    /// How many.
    pub value: u32,
    /// Within which time.
    pub period_ms: i64,
}

/// Unit of a [`RatePolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Replicas.
    Pods,
    /// Per cent of the replicas at the start of the period.
    Percent,
}

/// Which of several rate policies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}

fn default_zone() -> String {
    "UTC".to_owned()
}
fn default_errors() -> f64 {
    0.001
}
fn default_tick() -> i64 {
    15_000
}
fn default_stale_after() -> i64 {
    180_000
}
fn default_forecast_every() -> i64 {
    600_000
}
fn default_forecast_update() -> i64 {
    60_000
}
fn default_forecast_max_age() -> i64 {
    3_600_000
}
fn default_approval_ttl() -> i64 {
    900_000
}
fn default_drain() -> i64 {
    30_000
}
fn default_step_up() -> u32 {
    1_000
}
fn default_step_down() -> u32 {
    1
}
fn default_stabilisation() -> i64 {
    300_000
}
fn default_quantile() -> f64 {
    0.95
}
fn default_target() -> f64 {
    0.78
}
fn default_fallback_target() -> f64 {
    0.6
}
fn default_fallback_stabilisation() -> i64 {
    300_000
}
fn default_tolerance() -> f64 {
    0.1
}

impl ServiceConfig {
    /// How far back a limit on the rate of change looks.
    pub(crate) fn longest_window_ms(&self) -> i64 {
        let hpa = match &self.policy {
            Policy::Hpa(hpa) => hpa.scale_up.policies.iter().chain(&hpa.scale_down.policies).map(|p| p.period_ms).max().unwrap_or(0),
            Policy::Predictive(_) => 0,
        };
        hpa.max(self.rails.cool_down_ms).max(self.tick_ms)
    }

    /// With the limits of this moment: the maximum is lower while an event has a ceiling.
    pub fn in_force(&self, now_ms: i64) -> Cow<'_, ServiceConfig> {
        match Calendar::of(self).and_then(|calendar| calendar.ceiling(now_ms)) {
            Some((ceiling, _)) if ceiling < self.rails.max => {
                let rails = Rails { max: ceiling, ..self.rails.clone() };
                Cow::Owned(ServiceConfig { rails, ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// How far ahead a forecast must reach to be of use at any moment before it is too old: its age, the lead time, a tick, and the
    /// stabilisation window.
    pub fn horizon_needed_ms(&self, lead_ms: i64) -> i64 {
        self.forecast_max_age_ms + lead_ms + self.tick_ms + self.rails.stabilisation_ms
    }
}
