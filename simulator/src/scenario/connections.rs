//! Connections: what a new one costs, how long one lives, and whether the pick is made for a request or for a connection.

use balancer::Nanos;
use serde::Serialize;

use super::{Reader, Scenario, ScenarioError};

/// How requests share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// What a new connection costs the request that needs it (round trips of TCP and TLS).
    pub handshake: Nanos,
    /// Requests that a connection carries before it is closed; `None` = any number.
    pub requests: Option<u32>,
    /// Who picks, and for what.
    pub pick: PickPer,
}

/// What a pick is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "pick", rename_all = "snake_case")]
pub enum PickPer {
    /// Layer 7: a replica is picked for each request. The proxy keeps connections to each replica and uses an idle one if there is one.
    Request {
        /// Idle connections that are kept to each replica; 0 = no keep-alive; `None` = any number.
        idle: Option<u32>,
        /// An idle connection is closed after this long; `None` = never.
        idle_timeout: Option<Nanos>,
    },
    /// Layer 4: a replica is picked for each connection of a client, and all that the client sends over it goes there, several requests at
    /// once as with HTTP/2. The balancer counts connections, not requests.
    Connection {
        /// Clients, each with one connection at a time; a request belongs to any of them with the same probability.
        clients: u32,
        /// A connection is closed after this long; `None` = never.
        lasts: Option<Nanos>,
    },
}

pub(super) fn read_connections(mut table: Reader) -> Result<Connections, ScenarioError> {
    const PICKS: &str = "\"request\" (layer 7) or \"connection\" (layer 4)";
    table.only(&["pick", "handshake", "requests", "idle", "idle_timeout", "clients", "lasts"])?;
    let handshake = table.duration("handshake")?.unwrap_or(Nanos(0));
    let requests = table.integer("requests", 1, u64::from(u32::MAX))?.map(|requests| requests as u32);
    let idle = table.integer("idle", 0, 1_000_000)?.map(|idle| idle as u32);
    let above_zero = |table: &mut Reader, key| match table.duration(key)? {
        Some(Nanos(0)) => Err(table.error(key, "a duration above 0")),
        found => Ok(found),
    };
    let idle_timeout = above_zero(&mut table, "idle_timeout")?;
    let clients = table.integer("clients", 1, 1_000_000)?.map(|clients| clients as u32);
    let lasts = above_zero(&mut table, "lasts")?;
    let (pick, others) = match table.string("pick", PICKS)?.unwrap_or("request") {
        "request" => (PickPer::Request { idle, idle_timeout }, [("clients", clients.is_some()), ("lasts", lasts.is_some())]),
        "connection" => {
            let pick = PickPer::Connection { clients: clients.unwrap_or(100), lasts };
            (pick, [("idle", idle.is_some()), ("idle_timeout", idle_timeout.is_some())])
        }
        _ => return Err(table.error("pick", PICKS)),
    };
    if let Some((key, _)) = others.into_iter().find(|(_, there)| *there) {
        let pick = if matches!(pick, PickPer::Request { .. }) { "connection" } else { "request" };
        return Err(table.error(key, format!("nothing: it belongs to pick = \"{pick}\"")));
    }
    table.finish()?;
    Ok(Connections { handshake, requests, pick })
}

pub(super) fn check_connections(scenario: &Scenario) -> Result<(), ScenarioError> {
    let Some(connections) = &scenario.connections else { return Ok(()) };
    if scenario.broker.is_some() {
        return Err(ScenarioError::new("connections", "there", "no [connections] with a [broker]: consumers keep theirs open"));
    }
    let layer_4 = matches!(connections.pick, PickPer::Connection { .. });
    if layer_4 && scenario.network.is_some() {
        return Err(ScenarioError::new("connections.pick", "\"connection\"", "\"request\" with [[regions]]"));
    }
    if connections.requests == Some(0) || matches!(connections.pick, PickPer::Connection { clients: 0, .. }) {
        return Err(ScenarioError::new("connections.requests", "0", "1 or more, as are the clients"));
    }
    Ok(())
}
