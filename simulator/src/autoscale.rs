//! What an autoscaler under test sees and what it may order. The simulator only knows this trait: a scenario's `[autoscaler]` table is
//! opaque to it and is read by the factory, which the planner brings.

use balancer::{Nanos, WeightSnapshot};
use serde::{Deserialize, Serialize};

use crate::scenario::{Scenario, ScenarioError};

/// Builds one autoscaler per replication, from the scenario's own `[autoscaler]` table.
pub trait AutoscalerFactory: Sync {
    /// `table` is `None` when the scenario has no `[autoscaler]`. `seed` is already the child of (seed, replication) for this purpose.
    ///
    /// # Errors
    /// [`ScenarioError`] when the table has a key or value that the factory doesn't accept; keys are named from `autoscaler.` on.
    fn build(&self, table: Option<&toml::Table>, scenario: &Scenario, seed: u64) -> Result<Box<dyn Autoscaler>, ScenarioError>;

    /// Values that are always accepted for keys that a table can't be without, so that what else is wrong with it can be found in spite of a
    /// mistake there ([`Scenario::parse_all`]). Without them such a table is told less.
    fn stand_ins(&self) -> toml::Table {
        toml::Table::new()
    }
}

/// An autoscaler in the loop: asked every [`Autoscaler::interval`], first at one interval after the start.
pub trait Autoscaler {
    /// Time between two ticks; read again after each tick. Zero means "never ask again".
    fn interval(&self) -> Nanos;
    /// One decision. `None` changes nothing.
    fn tick(&mut self, seen: &Observation) -> Option<Orders>;
    /// Why the last tick came out as it did, for the record of a run; `None` when it has nothing to say.
    fn reason(&mut self) -> Option<String> {
        None
    }
}

/// What can be seen from outside at a tick. The counters are cumulative from the start of the run (the warm-up cut doesn't touch them) and
/// count requests, not attempts: retries are left out, and `arrived` is the offered load, with what was turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Time since the start of the run.
    pub now: Nanos,
    /// Requests offered.
    pub arrived: u64,
    /// Answered well.
    pub served: u64,
    /// Turned away because the queue was full.
    pub rejected: u64,
    /// Given up after the request time-out.
    pub timed_out: u64,
    /// No backend to send them to, or an error from it.
    pub failed: u64,
    /// Requests that wait at the broker now; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u64>,
    /// Every replica that has been ordered and hasn't left, by id.
    pub replicas: Vec<ReplicaView>,
}

/// One replica as an autoscaler sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaView {
    /// Identity; the same number as its `BackendId`. Never used twice in a run.
    pub id: u32,
    /// Where it is in its life.
    pub state: ReplicaState,
    /// Since when it is in that state.
    pub since: Nanos,
    /// Requests in service and waiting there.
    pub in_flight: u32,
}

/// A replica's life: booting → ready → draining → gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Ordered (and paid for), can't serve yet.
    Booting,
    /// Serves.
    Ready,
    /// Gets no new requests, finishes what it has, then leaves.
    Draining,
}

/// What an autoscaler wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Orders {
    /// The absolute number of replicas wanted, booting ones included. Scaling down drains the newest first.
    pub replicas: Option<u32>,
    /// A full snapshot of the weights. From the first one on the autoscaler owns the weights: a replica that gets ready waits for a
    /// snapshot that lists it.
    pub weights: Option<WeightSnapshot>,
}

/// For scenarios without an autoscaler; refuses a scenario that has one, so that an `[autoscaler]` table is never silently ignored.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAutoscaler;

impl AutoscalerFactory for NoAutoscaler {
    fn build(&self, table: Option<&toml::Table>, _scenario: &Scenario, _seed: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        match table {
            None => Ok(Box::new(Idle)),
            Some(table) => Err(ScenarioError::new(
                "autoscaler",
                format!("a table with {} keys", table.len()),
                "no [autoscaler] table: this command runs fixed fleets only",
            )),
        }
    }
}

/// Never orders anything.
struct Idle;

impl Autoscaler for Idle {
    fn interval(&self) -> Nanos {
        Nanos(0)
    }

    fn tick(&mut self, _seen: &Observation) -> Option<Orders> {
        None
    }
}
