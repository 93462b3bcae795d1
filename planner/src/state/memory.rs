//! What a service's rules and people said lately.

use serde::{Deserialize, Serialize};

use crate::window::MaxWindow;

/// Recommendations of the recent past, for the stabilisation windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The fallback's.
    pub fallback: MaxWindow,
    /// The predictive policy's reactive term.
    #[serde(default)]
    pub reactive: MaxWindow,
    /// The HPA's, for the way down.
    pub hpa_down: MaxWindow,
    /// The HPA's, negated, for the way up.
    pub hpa_up: MaxWindow,
}

/// A proposal that was turned down is not made again while nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Replicas then.
    pub current: u32,
    /// Replicas proposed.
    pub target: u32,
    /// When this is forgotten.
    pub until_ms: i64,
}

/// What people have been told, so that they are told once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarms {
    /// More is needed than the maximum allows.
    pub breach: bool,
    /// Load or fleet were known once, and are not now.
    pub data_lost: bool,
    /// Load and fleet were known once.
    pub data_seen: bool,
}
