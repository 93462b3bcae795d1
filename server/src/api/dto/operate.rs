//! What a person may change: the mode, a pause, an approval.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far Prescale may go by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Forecasts and plans, shows nothing as a proposal, touches nothing.
    Observe,
    /// Says what it would do; a person does it.
    Recommend,
    /// Does it after a person approved this decision.
    Approve,
    /// Does it.
    Automatic,
}

/// Which direction is held still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// No replica is added.
    Up,
    /// No replica is taken away.
    Down,
    /// Nothing is scaled.
    Both,
}

/// Body and answer of `PUT /services/{name}/mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeBody {
    /// The mode that holds from now on.
    pub mode: Mode,
}

/// Body of the pause requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// The direction to hold still.
    pub pause: Pause,
}

/// Answer of the pause requests: what holds now. `null` = not paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PauseState {
    /// The direction that is held still.
    #[schema(required)]
    pub pause: Option<Pause>,
}

/// Body of `POST /decisions/{id}/approve`; without a body, what was proposed is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// So many replicas instead of what was proposed. The rails hold all the same.
    pub replicas: u32,
    /// Why, in the operator's words; kept in the journal.
    pub reason: String,
}

/// Body of `POST /decisions/{id}/reject`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// Why, in the operator's words; kept in the journal.
    pub reason: String,
}
