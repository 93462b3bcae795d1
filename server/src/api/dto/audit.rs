//! Who changed what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::time::Time;

/// Answer of `GET /audit`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// At most `limit` entries, all with a `seq` below `before`.
    pub entries: Vec<AuditEntry>,
}

/// One change, or one attempt to get in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Unique and increasing, with gaps. The lowest of a page is the next page's `before`.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// Who: an account, `token NAME`, `local operator`, the configuration's file, or `prescale` for what the control loop did by itself.
    pub who: String,
    /// `mode_changed`, `paused`, `order_issued`, `signed_in`, `token_created`, …
    pub kind: String,
    /// The service; `null` when it is about none, or all.
    #[schema(required)]
    pub service: Option<String>,
    /// What, in a sentence.
    pub what: String,
    /// What was before; `null` when there was nothing.
    #[schema(required)]
    pub before: Option<String>,
    /// What is since; `null` when nothing is left.
    #[schema(required)]
    pub after: Option<String>,
    /// The decision that it is about.
    #[schema(required)]
    pub decision: Option<u64>,
}
