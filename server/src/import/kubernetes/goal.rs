//! What is kept constant: a metric and its target, as share of a capacity.

use super::yaml::{Node, quantity};
use crate::import::Assumed;

/// `desired = ceil(load ÷ (capacity × target))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Requests per second of one replica that count as full.
    pub rps_per_replica: f64,
    /// The share of it that is aimed at, above 0 and at most 1.
    pub target: f64,
    /// Whether the first number is a request rate that the file says, and no assumption.
    pub said: bool,
}

impl Goal {
    /// So much load per replica.
    pub fn per_replica(value: f64) -> Option<Self> {
        (value > 0.0 && value <= 1e7).then_some(Self { rps_per_replica: value, target: 1.0, said: true })
    }

    /// A share of the processor: a replica that serves all it can at once is as busy as it can be.
    pub fn busy(share: f64, assumed: Assumed) -> Option<Self> {
        let full = f64::from(assumed.concurrency) * 1_000.0 / assumed.service_ms;
        (share > 0.0).then_some(Self { rps_per_replica: full, target: share.min(1.0), said: false })
    }

    /// What Kubernetes aims at when nothing is said: 80 % of the requested processor.
    pub fn default_of_kubernetes(assumed: Assumed) -> Self {
        let full = f64::from(assumed.concurrency) * 1_000.0 / assumed.service_ms;
        Self { rps_per_replica: full, target: 0.8, said: false }
    }
}

/// The per-replica value of a metric's `target`: `averageValue`, or the reason why there is none.
pub fn average(target: Option<&Node>) -> Result<f64, &'static str> {
    let Some(target) = target else { return Err("it has no target") };
    match target.get("averageValue").map(quantity) {
        Some(Some(value)) if value > 0.0 => Ok(value),
        Some(_) => Err("averageValue is no quantity above 0"),
        None if target.get("value").is_some() => Err("a target for the value of all replicas together isn't a load per replica"),
        None => Err("only a target of the type AverageValue is a load per replica"),
    }
}
