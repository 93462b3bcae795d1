//! What a balancer asks before it picks: so many requests a second, so many at once, and who may wait. The balancer's own rules.

use balancer::{ConcurrencyConfig, ConfigError, QueueConfig, TokenBucketConfig};
use serde::Serialize;

use super::balancing::nested;
use super::{Reader, Scenario, ScenarioError};

/// Limits in front of the picks, for each balancer (each region has one).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Door {
    /// Requests a second; the others are turned away (429).
    pub rate_limit: Option<TokenBucketConfig>,
    /// Requests at once; the others wait in the queue, or are turned away (503).
    pub concurrency: Option<ConcurrencyConfig>,
    /// Where requests wait for a place, by the priority of their class, and how long.
    pub queue: Option<QueueConfig>,
}

impl Door {
    /// Everybody may pass.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn read_door(table: &mut Reader) -> Result<Door, ScenarioError> {
    Ok(Door { rate_limit: nested(table, "rate_limit")?, concurrency: nested(table, "concurrency")?, queue: nested(table, "queue")? })
}

pub(super) fn check_door(scenario: &Scenario) -> Result<(), ScenarioError> {
    let door = &scenario.balancing.door;
    let place = |error: ConfigError| ScenarioError::new(format!("balancer.{}", error.key), error.value, error.allowed);
    door.rate_limit.map_or(Ok(()), |limit| limit.validate()).map_err(place)?;
    door.concurrency.map_or(Ok(()), |limit| limit.validate()).map_err(place)?;
    door.queue.map_or(Ok(()), |queue| queue.validate()).map_err(place)?;
    if door.queue.is_some() && door.concurrency.is_none() {
        return Err(ScenarioError::new("balancer.queue", "there", "a queue only with a limit of requests at once (balancer.concurrency)"));
    }
    if door.concurrency.is_some() && scenario.broker.is_some() {
        return Err(ScenarioError::new(
            "balancer.concurrency",
            "there",
            "no limit of requests at once with a [broker]: they wait in its queue",
        ));
    }
    Ok(())
}
