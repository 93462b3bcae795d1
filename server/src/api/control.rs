//! What the API asks of the running control plane. The runtime implements [`Control`]; the API knows nothing else of it, and it knows
//! nothing of HTTP: a failure says whose fault it is and whether a retry can help, and only `problem.rs` turns that into a status.

use std::future::Future;
use std::pin::Pin;

use super::dto::{AuditList, DecisionList, Forecast, Mode, Overview, Pause, Plans, Series, ServiceDetail};
use super::time::Time;
use crate::events::{EventId, Subscription};

/// A boxed future, so that [`Control`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The running control plane, as the API sees it.
///
/// Reads never wait for the control loop's work; [`operate`](Control::operate) returns only after the change is in the journal, so that
/// a client may show it as done.
pub trait Control: Send + Sync + 'static {
    /// All services, sorted by name, with the domain clock and the global pause.
    fn overview(&self) -> BoxFuture<'_, Result<Overview, ControlError>>;

    /// One service; [`ControlError::NotFound`] if it isn't configured.
    fn service<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ServiceDetail, ControlError>>;

    /// A measured metric, one value per step, gaps as `None`. The request is already checked ([`SeriesRequest`]).
    fn series<'a>(&'a self, name: &'a str, request: SeriesRequest) -> BoxFuture<'a, Result<Series, ControlError>>;

    /// The newest forecast and the plan that follows from it, or those that were issued at or before `at`;
    /// [`ControlError::NotEnoughHistory`] or [`ControlError::NotFound`] when there is none.
    fn forecast<'a>(&'a self, name: &'a str, at: Option<Time>) -> BoxFuture<'a, Result<Forecast, ControlError>>;

    /// What is planned for each service, and what waits for a person.
    fn plans(&self) -> BoxFuture<'_, Result<Plans, ControlError>>;

    /// At most `limit` decisions, newest first, all with an id lower than `before`.
    fn decisions<'a>(&'a self, name: &'a str, limit: u32, before: Option<u64>) -> BoxFuture<'a, Result<DecisionList, ControlError>>;

    /// What was changed, newest first.
    fn audit(&self, request: AuditRequest) -> BoxFuture<'_, Result<AuditList, ControlError>>;

    /// What happens from now on, or after this event if it is still known; [`ControlError::Unavailable`] when too many listen already.
    fn events(&self, after: Option<EventId>) -> Result<Subscription, ControlError>;

    /// Carries out what `who` ordered. Ready when it is journalled; [`ControlError::Conflict`] when the loop refused it.
    fn operate<'a>(&'a self, who: &'a str, operation: Operation) -> BoxFuture<'a, Result<(), ControlError>>;

    /// Whether this process can do its work now, check by check.
    fn health(&self) -> BoxFuture<'_, Health>;

    /// All metrics in the Prometheus text format, from what is known in memory.
    fn metrics(&self) -> BoxFuture<'_, String>;
}

/// A checked request for a metric: `to` is after `from`, the step is positive, and it spans at most 20,160 values (a fortnight by the minute).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesRequest {
    /// Which metric.
    pub metric: Metric,
    /// First instant.
    pub from: Time,
    /// First instant that is left out.
    pub to: Time,
    /// Milliseconds from one value to the next.
    pub step_ms: i64,
}

/// Which entries of the audit are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRequest {
    /// At most so many.
    pub limit: u32,
    /// Only those with a lower number.
    pub before: Option<u64>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only by this person or program.
    pub who: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
}

/// The metrics that have a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Offered load, requests per second.
    Load,
    /// Replicas that serve.
    ReplicasReady,
    /// Replicas that were ordered.
    ReplicasDesired,
    /// 95th percentile of the latency, wall milliseconds.
    LatencyP95Ms,
    /// Share of requests that failed, 0 to 1.
    ErrorRatio,
}

impl Metric {
    /// Every metric, in the order of the documentation.
    pub const ALL: [Metric; 5] = [Metric::Load, Metric::ReplicasReady, Metric::ReplicasDesired, Metric::LatencyP95Ms, Metric::ErrorRatio];

    /// Its name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Load => "load",
            Metric::ReplicasReady => "replicas_ready",
            Metric::ReplicasDesired => "replicas_desired",
            Metric::LatencyP95Ms => "latency_p95_ms",
            Metric::ErrorRatio => "error_ratio",
        }
    }

    /// The unit of its values.
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Load => "rps",
            Metric::ReplicasReady | Metric::ReplicasDesired => "replicas",
            Metric::LatencyP95Ms => "ms",
            Metric::ErrorRatio => "ratio",
        }
    }
}

/// What a person may order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// From now on this mode.
    SetMode {
        /// The service.
        service: String,
        /// The new mode.
        mode: Mode,
    },
    /// Hold still.
    Pause {
        /// One service, or all (`None`).
        service: Option<String>,
        /// The direction.
        pause: Pause,
    },
    /// Go on.
    Resume {
        /// One service, or the pause that holds for all (`None`).
        service: Option<String>,
    },
    /// Give up what is held on behalf of a service, and stop acting on it.
    Release {
        /// The service.
        service: String,
    },
    /// Do what decision `decision` proposes.
    Approve {
        /// The decision's id.
        decision: u64,
    },
    /// Do it with another number of replicas.
    Edit {
        /// The decision's id.
        decision: u64,
        /// How many it shall be.
        replicas: u32,
        /// Why.
        reason: String,
    },
    /// Don't.
    Reject {
        /// The decision's id.
        decision: u64,
        /// Why.
        reason: String,
    },
}

/// Whether this process can do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// All of it, check by check; ready means that every check is ok.
    pub checks: Vec<HealthCheck>,
}

impl Health {
    /// True if every check is ok.
    pub fn ready(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// One thing that must hold before traffic or trust comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Short name: `store`, `clock`, `collector`, …
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What holds, or what is wrong and what to do.
    pub text: String,
}

/// Why an order or a question failed, and whose fault it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ControlError {
    /// The caller asked for something that doesn't exist.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// `service`, `decision`, `forecast for service`, …
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// There is no forecast yet because there is too little history. Time mends it.
    #[error("not enough history for a forecast of {service:?}: {have_s} s of {need_s} s")]
    NotEnoughHistory {
        /// The service.
        service: String,
        /// Seconds there are.
        have_s: f64,
        /// Seconds needed.
        need_s: f64,
    },
    /// The order doesn't fit the present state; it must be seen afresh before it is tried again.
    #[error("refused: {reason}")]
    Conflict {
        /// The control loop's reason.
        reason: String,
    },
    /// The caller's input is wrong in a way that only the control plane can tell.
    #[error("{key} is {value:?}; allowed: {allowed}")]
    BadInput {
        /// Which input.
        key: String,
        /// What it was.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// Our fault, and it may pass: starting, stopping, or the store doesn't answer.
    #[error("not available: {reason}")]
    Unavailable {
        /// What is wrong.
        reason: String,
        /// Wall seconds after which a retry makes sense.
        retry_after_s: u32,
    },
}
