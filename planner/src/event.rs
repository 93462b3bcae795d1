//! What the world tells the control loop.

use serde::{Deserialize, Serialize};

use crate::capacity::Curves;
use crate::command::{Changed, DecisionId, OrderId};
use crate::config::{Mode, Pause, ServiceConfig};

/// One thing that happened. Events may come late, twice, out of order, or not at all; nothing in them is trusted to be a sensible number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Time to decide. Sent every [`crate::ServiceConfig::tick_ms`]; retries and expiries are also worked off here.
    Tick {
        /// Which service.
        service: String,
    },
    /// One step of the load series: demand as offered (429 and 503 included, retries left out).
    Sample {
        /// Which service.
        service: String,
        /// Time of the measurement (the end of its interval).
        at_ms: i64,
        /// Requests per second; `None` = the source answered, but has no value.
        load_rps: Option<f64>,
        /// The service shed or was full in this interval, so the true demand may be higher.
        saturated: bool,
    },
    /// All replicas of a service, as seen by whoever runs them.
    Fleet {
        /// Which service.
        service: String,
        /// Time of the observation.
        at_ms: i64,
        /// Every one that exists, whatever its state.
        replicas: Vec<Replica>,
    },
    /// The fleet could not be observed.
    FleetUnknown {
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Why, for the sentence.
        reason: String,
    },
    /// A new forecast. One that is older than the newest is ignored.
    Forecast {
        /// Which service.
        service: String,
        /// From the series as it was at its origin.
        forecast: predictor::Forecast,
        /// What was learnt of the events meanwhile.
        #[serde(default)]
        learnt: Vec<crate::calendar::Uplift>,
    },
    /// A forecast could not be made.
    ForecastFailed {
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Why, for the sentence.
        error: String,
        /// Set when the reason is too little history.
        not_enough_history: Option<HistoryNeed>,
    },
    /// The order was executed.
    Acknowledged {
        /// Which order.
        order: OrderId,
        /// When.
        at_ms: i64,
    },
    /// The order was executed, by a floor under somebody else's autoscaler: the fleet may be larger as long as that one wants it.
    FloorSet {
        /// Which order.
        order: OrderId,
        /// When.
        at_ms: i64,
    },
    /// The order was not executed, or nobody knows (a time-out: `retry = true`).
    ActFailed {
        /// Which order.
        order: OrderId,
        /// When.
        at_ms: i64,
        /// Why, for the sentence.
        error: String,
        /// May the same order be tried again?
        retry: bool,
        /// Not before this time from `at_ms` on, if the other side said so.
        retry_after_ms: Option<i64>,
    },
    /// A release was carried out.
    Released {
        /// Which.
        id: OrderId,
        /// When.
        at_ms: i64,
    },
    /// A release was not carried out, or nobody knows.
    ReleaseFailed {
        /// Which.
        id: OrderId,
        /// When.
        at_ms: i64,
        /// Why.
        error: String,
        /// May it be tried again?
        retry: bool,
        /// Not before this time from `at_ms` on, if the other side said so.
        retry_after_ms: Option<i64>,
    },
    /// The balancer works with these weights.
    WeightsApplied {
        /// Which service.
        service: String,
        /// The snapshot's epoch.
        epoch: u64,
    },
    /// The balancer has a newer epoch than the one it was given.
    WeightsRefused {
        /// Which service.
        service: String,
        /// The epoch that was refused.
        epoch: u64,
        /// The epoch that it has.
        current_epoch: u64,
    },
    /// A person did something.
    Operator {
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// What.
        action: OperatorAction,
    },
    /// The user changed the configuration. All of it is taken over at once, or refused and nothing of it.
    Configured {
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// Every service that there is from now on.
        services: Vec<ServiceConfig>,
        /// What differs from before, for the journal; also what only the shell knows of.
        changes: Vec<Changed>,
        /// Capacities that were found beforehand, so that no decision has to wait for the simulator.
        curves: Curves,
    },
    /// The loop was loaded from its last written state: what was commanded before may or may not have happened.
    Restarted {
        /// When.
        at_ms: i64,
    },
}

/// How much history a forecast needs, and how much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryNeed {
    /// There is so much.
    pub have_ms: i64,
    /// So much is needed.
    pub need_ms: i64,
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Identity, never reused while the replica lives; also the backend's id in the balancer.
    pub id: u32,
    /// Where it listens, `host:port`.
    pub address: String,
    /// What it does.
    pub state: ReplicaState,
    /// When it was ordered, if known.
    pub ordered_ms: Option<i64>,
    /// When it became ready, if it did and if known.
    pub ready_ms: Option<i64>,
}

/// Life of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Ordered, not ready yet.
    Booting,
    /// Serves.
    Ready,
    /// Gets nothing new, finishes what it has, then leaves.
    Draining,
}

/// What a person may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OperatorAction {
    /// Climb or descend the ladder observe → recommend → approve → automatic.
    SetMode {
        /// Which service.
        service: String,
        /// The new mode.
        mode: Mode,
    },
    /// Hold steps up, down, or both, at once; `None` = all services.
    Pause {
        /// Which service, or all.
        service: Option<String>,
        /// Which direction.
        pause: Pause,
    },
    /// End a pause.
    Resume {
        /// Which service, or the pause of all.
        service: Option<String>,
    },
    /// Give up what is held on behalf of a service, and stop acting on it: a mode that acts becomes [`Mode::Recommend`].
    Release {
        /// Which service.
        service: String,
    },
    /// Act on a proposal.
    Approve {
        /// The decision that proposed it.
        decision: DecisionId,
    },
    /// Act on a proposal, but with another number of replicas.
    Edit {
        /// The decision that proposed it.
        decision: DecisionId,
        /// How many it shall be. The rails hold all the same.
        replicas: u32,
        /// Why.
        reason: String,
    },
    /// Turn a proposal down.
    Reject {
        /// The decision that proposed it.
        decision: DecisionId,
        /// Why.
        reason: String,
    },
}
