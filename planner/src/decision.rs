//! A decision with everything that a person needs to judge it later.

use serde::{Deserialize, Serialize};

use crate::command::DecisionId;
use crate::config::Mode;

/// What was decided at a tick, also if it is to do nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique and rising.
    pub id: DecisionId,
    /// Which service.
    pub service: String,
    /// When.
    pub at_ms: i64,
    /// The mode it was decided in.
    pub mode: Mode,
    /// Replicas that count now: observed, or the target of an order under way; `None` = unknown.
    pub current: Option<u32>,
    /// Replicas wanted within the rails (also when the action is not to act on it); `None` = unknown.
    pub target: Option<u32>,
    /// What is done about it.
    pub action: Action,
    /// Why, for machines.
    pub reason: ReasonCode,
    /// Why, for people. Never empty.
    pub sentence: String,
    /// What it was decided from.
    pub inputs: Inputs,
    /// All rules that had a say; the largest wins.
    pub candidates: Vec<Candidate>,
    /// The limit that changed the outcome, if one did.
    pub rail: Option<RailHit>,
    /// What the simulator said about the target.
    pub check: Option<Check>,
    /// Until when a proposal can be approved.
    pub expires_ms: Option<i64>,
}

/// What is done about a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing: nothing is wanted, or something forbids it.
    Hold,
    /// Replicas are ordered.
    Up,
    /// Replicas are taken away.
    Down,
    /// A change is shown to people (mode recommend), or waits for approval (mode approve).
    Propose,
    /// A change that the planner would not dare by itself waits for approval.
    Ask,
    /// A change is only written down (mode observe).
    Observe,
}

/// Why a decision came out as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The forecast's maximum at lead time needs more.
    ForecastUp,
    /// The load now needs more.
    ReactiveUp,
    /// No forecast to trust, and the conservative reactive rule needs more.
    FallbackUp,
    /// The service shed or was full: demand is higher than what could be measured.
    Saturated,
    /// Replicas got lost that nobody took away.
    Restore,
    /// Below the minimum.
    BelowMinimum,
    /// Fewer replicas suffice for the whole window ahead, and the load now agrees.
    EnoughAhead,
    /// No forecast to trust, and the conservative reactive rule has needed fewer for long enough.
    FallbackDown,
    /// The HPA rule needs fewer.
    HpaDown,
    /// Above the maximum.
    AboveMaximum,
    /// What is there fits.
    Steady,
    /// The load now would allow fewer, the forecast does not.
    ForecastHolds,
    /// The forecast would allow fewer, the load now does not.
    ReactiveHolds,
    /// The simulator says that fewer would break the SLO.
    CheckHolds,
    /// The load is unknown or too old.
    LoadUnknown,
    /// The fleet is unknown or too old.
    FleetUnknown,
    /// Nobody has said how much load a replica holds.
    CapacityUnknown,
    /// An operator paused this direction.
    Paused,
    /// Too soon after the last change, or the rate limit is used up.
    CoolDown,
    /// An order is under way.
    OrderUnderWay,
    /// The last order failed; waiting before the next.
    BackingOff,
    /// Fewer would do, and the floor under somebody else's autoscaler allows them already: it keeps more for reasons of its own.
    FloorIsSet,
    /// Already at a limit.
    AtLimit,
    /// An event of the calendar asks for more.
    EventUp,
    /// The rules would allow fewer, an event of the calendar does not.
    EventHolds,
    /// A proposal waits for approval.
    AwaitingApproval,
    /// The proposal was rejected, and nothing has changed since.
    Rejected,
    /// The change is too large to be trusted.
    ImplausibleJump,
}

/// Numbers that a decision was made from. What was not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// Newest usable load `[rps]`.
    pub load_rps: Option<f64>,
    /// Its age.
    pub load_age_ms: Option<i64>,
    /// The newest sample was taken while the service shed.
    pub saturated: bool,
    /// Replicas that serve.
    pub ready: Option<u32>,
    /// Replicas on their way.
    pub booting: Option<u32>,
    /// Origin of the forecast that was used.
    pub forecast_origin_ms: Option<i64>,
    /// Why no forecast was used.
    pub forecast_missing: Option<ForecastMissing>,
    /// The quantile that is covered.
    pub quantile: Option<f64>,
    /// Begin of the window that the planned maximum is about.
    pub window_from_ms: Option<i64>,
    /// Its end.
    pub window_to_ms: Option<i64>,
    /// The quantile of the maximum load in the window `[rps]`.
    pub window_max_rps: Option<f64>,
    /// Events of the calendar that multiply the load in that window, in words and in brackets; empty without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub events: String,
    /// The forecast went beyond what its history supports and was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_history: bool,
    /// What one replica holds, at the fleet size that is there now.
    pub capacity_rps_per_replica: Option<f64>,
    /// From an order to a warm replica.
    pub lead_ms: i64,
    /// Where that comes from.
    pub lead_source: LeadSource,
}

/// Why a decision did without a forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ForecastMissing {
    /// None has arrived (yet, or since the restart).
    None,
    /// Too little history.
    NotEnoughHistory {
        /// There is so much.
        have_ms: i64,
        /// So much is needed.
        need_ms: i64,
    },
    /// The last attempt failed, and the older forecast is too old.
    Failed {
        /// Why.
        error: String,
    },
    /// Too old.
    Stale {
        /// Its age.
        age_ms: i64,
    },
    /// It doesn't reach far enough ahead.
    TooShort {
        /// Its last moment.
        end_ms: i64,
    },
}

/// Where a lead time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadSource {
    /// P90 of what was measured.
    Measured,
    /// From the configuration.
    Configured,
    /// Neither: [`crate::config::DEFAULT_LEAD_MS`].
    #[default]
    Default,
}

/// A rule's wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The rule: `forecast`, `reactive`, `fallback`, `hpa`, `stabilised`, `rate_limited`, `stays`
    /// (what must remain on the way down) or `unknown_ahead` instead, `saturation`, `event`, `restore`, `check`.
    pub name: String,
    /// How many replicas it wants.
    pub replicas: u32,
    /// Why.
    pub why: String,
}

/// A limit that changed the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailHit {
    /// Which.
    pub rail: Rail,
    /// What was wanted.
    pub wanted: u32,
    /// What it allowed.
    pub allowed: u32,
}

/// Kinds of limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// `rails.min`.
    Minimum,
    /// `rails.max`.
    Maximum,
    /// `rails.step_up`.
    StepUp,
    /// `rails.step_down`.
    StepDown,
    /// `rails.cool_down_ms`.
    CoolDown,
    /// `rails.max_jump_factor`.
    MaxJump,
}

/// Would the target hold the SLO at the load that it is meant for?
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// How many replicas.
    pub replicas: u32,
    /// At which load `[rps]`.
    pub load_rps: f64,
    /// Latency at the SLO's percentile `[ms]`; `None` when the capacity is declared (nothing to simulate) or nothing was served.
    pub p_latency_ms: Option<f64>,
    /// Share of requests that fail; `None` when the capacity is declared.
    pub error_ratio: Option<f64>,
    /// Does the SLO hold?
    pub holds: bool,
    /// Where the answer comes from.
    pub source: CheckSource,
}

/// Where a [`Check`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckSource {
    /// A run of the simulator.
    Simulated,
    /// The declared capacity: load ≤ replicas × rps per replica.
    Declared,
}
