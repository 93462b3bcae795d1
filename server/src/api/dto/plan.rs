//! What is planned, over all services.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decision, Mode, PlannedStep, Replicas};
use crate::api::time::Time;

/// Answer of `GET /plans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plans {
    /// Domain time now.
    pub now: Time,
    /// One a service, by name.
    pub plans: Vec<Plan>,
}

/// The plan of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Whose plan.
    pub service: String,
    /// How far Prescale may go by itself.
    pub mode: Mode,
    /// Replicas now.
    pub replicas: Replicas,
    /// What a replica carries, in requests per second.
    #[schema(required)]
    pub rps_per_replica: Option<f64>,
    /// Replicas that the plan would order, each from `at` on; only changes.
    pub planned: Vec<PlannedStep>,
    /// What waits for a person.
    #[schema(required)]
    pub waiting: Option<Decision>,
    /// What was decided last, and why.
    #[schema(required)]
    pub last: Option<Decision>,
}
