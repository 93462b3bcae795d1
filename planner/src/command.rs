//! What the control loop wants done.

use serde::{Deserialize, Serialize};

pub use crate::journal::{Changed, Edit, Entry, OrderOutcome, ReleaseOutcome};

/// Names a decision; unique and rising within a [`crate::State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub u64);

/// Names an order; unique and rising within a [`crate::State`]. Whoever executes orders ignores an id that it has executed before, and an id
/// lower than one it has executed for the same service: that makes a late or repeated delivery harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// One thing to do. All [`Command::Journal`] entries of a step are written, together with the state, before any other command of it is executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Write down.
    Journal(Entry),
    /// Bring the fleet to an absolute number of replicas.
    Scale(Order),
    /// Give up what is held on behalf of the service (the floor of somebody else's autoscaler): Prescale doesn't act on it any more. Replicas
    /// stay as they are.
    Release {
        /// Which service.
        service: String,
        /// The same on every attempt; from the counter of the orders.
        id: OrderId,
        /// Where, if it isn't where the service acts now (or there is no such service any more): its [`crate::ServiceConfig::holds_at`] then.
        at: Option<String>,
    },
    /// Give the balancer this full snapshot.
    PushWeights {
        /// Which service.
        service: String,
        /// The snapshot.
        snapshot: WeightPlan,
    },
    /// Make a forecast from the series as it is now, and feed it back.
    RequestForecast {
        /// Which service.
        service: String,
        /// When it was asked for.
        at_ms: i64,
    },
    /// Tell a person.
    Alert {
        /// Which service.
        service: String,
        /// What kind.
        code: AlertCode,
        /// One sentence.
        text: String,
    },
    /// The operator's action was not carried out.
    Refused {
        /// What was asked.
        what: String,
        /// Why not.
        reason: String,
    },
}

/// Kinds of alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertCode {
    /// More replicas are needed than the maximum allows.
    Breach,
    /// The breach is over.
    BreachOver,
    /// A change too large to be trusted waits for a person.
    ImplausibleJump,
    /// An order failed for good, or again and again.
    OrderFailed,
    /// An order was acknowledged, but the fleet never got there.
    OrderNotVisible,
    /// A proposal waits for approval.
    ApprovalWanted,
    /// Load or fleet are unknown: the service is held where it is.
    DataLost,
    /// Load and fleet are known again.
    DataBack,
    /// The balancer's epoch can't be passed any more.
    WeightsStuck,
    /// What is held on behalf of a service could not be given up.
    ReleaseFailed,
}

/// Bring a fleet to `target` replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The same on every attempt.
    pub id: OrderId,
    /// Which service.
    pub service: String,
    /// Absolute number of replicas.
    pub target: u32,
    /// How many there were when it was decided.
    pub from: u32,
    /// The decision behind it.
    pub decision: DecisionId,
    /// When it was first issued.
    pub issued_ms: i64,
    /// 1 for the first attempt.
    pub attempt: u32,
}

/// All backends of a service with their weights. Who isn't listed is removed (and drained) by the balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightPlan {
    /// Rises with every change; the balancer refuses a lower one.
    pub epoch: u64,
    /// Sorted by id.
    pub backends: Vec<WeightedBackend>,
}

/// One backend of a [`WeightPlan`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedBackend {
    /// The replica's id.
    pub id: u32,
    /// Where it listens, `host:port`.
    pub address: String,
    /// Now: 0 = drain, [`crate::weights::FULL`] = its full share.
    pub weight: u32,
    /// Set while the weight is still climbing. The planner itself sends the steps, so a balancer may ignore it.
    pub ramp: Option<Ramp>,
}

/// A weight that climbs linearly to [`crate::weights::FULL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// Begin (the replica became ready).
    pub from_ms: i64,
    /// End (it has its full weight); the ramp expires here.
    pub until_ms: i64,
}
