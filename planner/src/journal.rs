//! What the control loop writes down before anything is done.

use serde::{Deserialize, Serialize};

use crate::command::{DecisionId, Order, OrderId};
use crate::config::{Mode, Pause};
use crate::decision::Decision;

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What was decided, also if it is to do nothing.
    Decision(Box<Decision>),
    /// An order exists from now on.
    OrderIssued(Order),
    /// The same order is sent again.
    OrderRetried(Order),
    /// The order was executed.
    OrderAcknowledged {
        /// Which.
        order: OrderId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
    },
    /// The order failed.
    OrderFailed {
        /// Which.
        order: OrderId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Why.
        error: String,
        /// When it is tried again; `None` = never.
        next_attempt_ms: Option<i64>,
    },
    /// The order is given up: a newer one replaces it, or the fleet never got there.
    OrderClosed {
        /// Which.
        order: OrderId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// How it ended.
        outcome: OrderOutcome,
    },
    /// The mode changed.
    ModeChanged {
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// Before.
        from: Mode,
        /// After.
        to: Mode,
    },
    /// What is held on behalf of the service is to be given up.
    ReleaseOrdered {
        /// Which.
        id: OrderId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
    },
    /// A release came to its end, or to nothing.
    ReleaseEnded {
        /// Which.
        id: OrderId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// How it ended.
        outcome: ReleaseOutcome,
    },
    /// The configuration changed.
    Configured {
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// Key by key.
        changes: Vec<Changed>,
    },
    /// Somebody paused.
    Paused {
        /// Which service; `None` = all.
        service: Option<String>,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// The pause before.
        #[serde(default)]
        was: Option<Pause>,
        /// Which direction.
        pause: Pause,
    },
    /// Somebody ended a pause.
    Resumed {
        /// Which service; `None` = the pause of all.
        service: Option<String>,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// The pause that ended.
        #[serde(default)]
        was: Option<Pause>,
    },
    /// A proposal was approved; the order follows.
    Approved {
        /// Which.
        decision: DecisionId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// What was ordered instead of what was proposed, if that was edited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edit: Option<Edit>,
    },
    /// A proposal was turned down.
    Rejected {
        /// Which.
        decision: DecisionId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Who.
        who: String,
        /// Why.
        reason: String,
    },
    /// A proposal ended without an answer.
    Expired {
        /// Which.
        decision: DecisionId,
        /// Which service.
        service: String,
        /// When.
        at_ms: i64,
        /// Time over, replaced, or not needed any more.
        why: String,
    },
}

/// What a person made of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The number of replicas that was proposed.
    pub proposed: u32,
    /// The number that was ordered.
    pub replicas: u32,
    /// Why.
    pub reason: String,
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOutcome {
    /// Nothing is held any more.
    Released,
    /// Prescale acts on the service again, by a newer order.
    Superseded,
    /// It failed for good.
    Failed {
        /// Why.
        error: String,
    },
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderOutcome {
    /// The fleet has the replicas.
    Reached,
    /// A newer order replaced it.
    Superseded,
    /// It was acknowledged, but the fleet never got there.
    NotVisible,
    /// It failed and must not be tried again.
    Failed,
    /// It isn't needed any more, or a person ended it.
    Cancelled,
}

/// A key of the configuration that differs from before. Texts, since the loop only writes them down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its path, for example `services.shop.rails.max`.
    pub key: String,
    /// What it was; `None` = it was not there.
    pub before: Option<String>,
    /// What it is; `None` = it is gone.
    pub after: Option<String>,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
        write!(f, "{}: {} → {}", self.key, shown(&self.before), shown(&self.after))
    }
}
