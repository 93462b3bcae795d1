//! A queue in front of the fleet, out of which the replicas pull.

use serde::Serialize;

use super::{Discipline, Reader, Scenario, ScenarioError};

/// A broker: requests wait in one line, and each replica takes the next one when one of its `concurrency` consumers is free. Nobody picks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broker {
    /// Requests that may wait; `None` is unbounded. A full broker rejects.
    pub queue: Option<u32>,
    /// How often a request is handed out before it is given up: a consumer that dies or runs out of time gives it back to the head of the line.
    pub deliveries: u32,
}

pub(super) fn read_broker(mut broker: Reader) -> Result<Broker, ScenarioError> {
    const QUEUE: &str = "\"unbounded\" or a whole number from 1 to 4294967295";
    broker.only(&["queue", "deliveries"])?;
    let queue = match broker.value("queue") {
        None => None,
        Some(toml::Value::String(text)) if text == "unbounded" => None,
        Some(toml::Value::Integer(number)) => match u32::try_from(*number) {
            Ok(length) if length > 0 => Some(length),
            _ => return Err(broker.error("queue", QUEUE)),
        },
        Some(_) => return Err(broker.error("queue", QUEUE)),
    };
    let deliveries = broker.integer("deliveries", 1, 1_000_000)?.unwrap_or(3) as u32;
    broker.finish()?;
    Ok(Broker { queue, deliveries })
}

/// What a broker can't be together with.
pub(super) fn check_broker(scenario: &Scenario) -> Result<(), ScenarioError> {
    let Some(broker) = &scenario.broker else { return Ok(()) };
    let error = |key: String, value: &str, allowed: &str| Err(ScenarioError::new(key, value, allowed));
    if broker.queue == Some(0) || broker.deliveries == 0 {
        return error("broker.queue".to_owned(), "0", "1 or more, as are the deliveries");
    }
    if scenario.network.is_some() {
        return error("regions".to_owned(), "there", "no regions with a [broker]: it is one queue at one place");
    }
    if scenario.balancing.retries.is_some() {
        return error("retries".to_owned(), "there", "broker.deliveries instead: a broker hands out again what failed");
    }
    for (i, pool) in scenario.pools.iter().enumerate() {
        if pool.discipline != Discipline::Fifo {
            return error(
                format!("pools[{i}].discipline"),
                "another one",
                "\"fifo\" with a [broker]: consumers serve what they have pulled",
            );
        }
        if pool.queue.is_some() {
            return error(format!("pools[{i}].queue"), "there", "broker.queue instead: with a [broker] nobody waits at a replica");
        }
    }
    Ok(())
}
