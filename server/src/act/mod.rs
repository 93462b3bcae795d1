//! Executes orders: one module a way to act.
//!
//! An actuator brings a fleet to an absolute number of replicas and says what the fleet looks like. It may be asked twice for the same
//! order: the second time must change nothing.

pub mod gauge;
pub mod kubernetes;
pub mod local;
pub mod webhook;
pub mod weights;

use planner::{Order, Replica, WeightPlan};

use crate::BoxFuture;

/// Why an order wasn't carried out, and whether asking again can help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ActError {
    /// What happened, for the decision's sentence.
    pub text: String,
    /// May the same order be tried again? Also true when nobody knows whether it was carried out.
    pub retry: bool,
    /// Not before this many milliseconds, when the other side said so.
    pub retry_after_ms: Option<i64>,
}

impl ActError {
    /// A failure that may pass.
    pub fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), retry: true, retry_after_ms: None }
    }

    /// A failure that the same order will meet again.
    pub fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), retry: false, retry_after_ms: None }
    }
}

/// Whoever runs the replicas of one service.
pub trait Actuator: Send + Sync + 'static {
    /// Brings the fleet to `order.target` replicas, or starts to; idempotent by `order.id`, and an id below the last one is ignored.
    fn scale<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<(), ActError>>;

    /// Every replica that exists, whatever its state.
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>>;

    /// Was the last order executed as a floor under somebody else's autoscaler, so that the fleet may be larger than its target?
    fn sets_floor(&self) -> bool {
        false
    }

    /// Gives up what we hold on behalf of this service (a floor that belongs to somebody else), because Prescale doesn't act on it any more.
    /// Replicas stay as they are. May be asked twice; most ways hold nothing.
    fn release(&self) -> BoxFuture<'_, Result<(), ActError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Whoever can say what a fleet looks like, for an actuator that can't: the one that scales isn't always the one that knows.
pub trait Observer: Send + Sync + 'static {
    /// Every replica that exists, whatever its state.
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>>;
}

/// How the balancer answered a snapshot of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsAnswer {
    /// It works with them.
    Applied,
    /// It has this newer epoch already.
    Refused {
        /// The epoch that it has.
        current_epoch: u64,
    },
}

/// A balancer in front of one service.
pub trait WeightSink: Send + Sync + 'static {
    /// Gives the balancer a full snapshot.
    fn push<'a>(&'a self, plan: &'a WeightPlan) -> BoxFuture<'a, Result<WeightsAnswer, ActError>>;
}
