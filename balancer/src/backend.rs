//! A backend as configured and as seen from outside.

use crate::time::Nanos;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The identity of a backend. Never its weight, never its position: health, in-flight counts and slow start follow the id through every
/// change of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackendId(pub u32);

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The largest weight a backend may have: the Gateway API's limit. It leaves room to compare loads without overflow.
pub const WEIGHT_MAX: u32 = 1_000_000;

fn default_weight() -> u32 {
    1
}

/// One backend of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Unique within the pool.
    pub id: BackendId,
    /// Share of the traffic relative to the others, 0 to [`WEIGHT_MAX`]; 0 means "known, but gets nothing". Algorithms without weights
    /// treat every weight above 0 as 1.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// Which level, group and role.
    #[serde(default)]
    pub place: Place,
}

impl BackendConfig {
    /// A backend with this weight, on the first level.
    pub fn new(id: u32, weight: u32) -> BackendConfig {
        BackendConfig { id: BackendId(id), weight, place: Place::default() }
    }

    /// The same in another place.
    #[must_use]
    pub fn at(self, place: Place) -> BackendConfig {
        BackendConfig { place, ..self }
    }
}

/// Where a backend stands among the others. Follows the id like health does; change it with [`Pool::place`](crate::Pool::place).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// Which variant of the service it runs (canary, A/B); counts only with [`PoolConfig::splits`](crate::PoolConfig::splits).
    pub group: u8,
    /// nginx's `backup`: gets requests only while nobody of its group who isn't a backup can take one.
    pub backup: bool,
    /// Priority or distance, 0 first: the own zone before the own region before the rest
    /// ([`levels_by_distance`](crate::levels_by_distance)). Traffic spills to the next level as this one fails or fills
    /// ([`LevelRules`](crate::LevelRules)).
    pub level: u8,
}

/// What a backend is doing, the strongest word first: a draining backend that is also ejected reads `Draining`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendState {
    /// Gets no new requests and finishes what it has.
    Draining,
    /// Active probes say it is dead.
    Down,
    /// Too many failed requests (passive health): out until its time is over and a trial request succeeds.
    Ejected,
    /// In slow start.
    Warming,
    /// In full service.
    Up,
}

/// One backend at one moment, for people, metrics and tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendView {
    /// Who.
    pub id: BackendId,
    /// As configured.
    pub weight: u32,
    /// What the pick uses: the weight (1 for algorithms without weights) times the slow-start factor; 0 while it gets nothing.
    pub effective_weight: f64,
    /// Requests begun and not finished.
    pub in_flight: u32,
    /// What it is doing.
    pub state: BackendState,
    /// Failed requests in a row (passive health), 0 without passive health.
    pub consecutive_failures: u32,
    /// Until when it is ejected, if it is; a trial follows.
    pub ejected_until: Option<Nanos>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// An answer that isn't the backend's fault (also 4xx).
    Success,
    /// 5xx (but see `Overloaded`), or an answer that broke off or wasn't HTTP.
    ServerError,
    /// "Busy": 429, 503, a full queue. The backend is well and sheds load: not a failure of its health unless the configuration says so
    /// (ejecting who sheds load buries the others), but a refusal that came quickly makes it no more attractive either.
    Overloaded,
    /// No answer in time.
    Timeout,
    /// No connection: nothing of the request was sent.
    ConnectFailed,
    /// The client went away: says nothing about the backend.
    Cancelled,
}

/// How a request ended and how long that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// Wall time from begin to end.
    pub latency: Nanos,
}

impl Outcome {
    /// An outcome of this kind after this long.
    pub fn new(kind: OutcomeKind, latency: Nanos) -> Outcome {
        Outcome { kind, latency }
    }

    /// Whether the backend failed this request. Shedding load isn't failing.
    pub fn is_failure(&self) -> bool {
        matches!(self.kind, OutcomeKind::ServerError | OutcomeKind::Timeout | OutcomeKind::ConnectFailed)
    }
}
