//! Replicas through their life: ordered, booting, ready, draining, gone.

use crate::autoscale::{ReplicaState, ReplicaView};
use crate::scenario::{Discipline, PoolSpec};
use crate::station::{Fifo, Ps, Station};
use balancer::Nanos;

/// One replica. Its id is its place in the fleet plus one, and is never used again.
#[derive(Debug)]
pub(crate) struct Replica {
    pub pool: u32,
    /// `None` when it has left.
    pub state: Option<ReplicaState>,
    pub since: u64,
    pub ordered: u64,
    pub ready_at: Option<u64>,
    pub left_at: Option<u64>,
    pub in_flight: u32,
    pub station: Station,
    /// Server-nanoseconds in use after the warm-up cut.
    pub busy: u128,
    pub attempts: u64,
    pub served: u64,
    pub errors: u64,
}

impl Replica {
    pub fn new(pool: u32, spec: &PoolSpec, now: u64, ready: bool) -> Self {
        let station = match spec.discipline {
            Discipline::Fifo => Station::Fifo(Fifo { servers: spec.concurrency, queue_limit: spec.queue, ..Fifo::default() }),
            Discipline::Ps => Station::Ps(Ps::new(spec.concurrency, spec.queue)),
        };
        Self {
            pool,
            state: Some(if ready { ReplicaState::Ready } else { ReplicaState::Booting }),
            since: now,
            ordered: now,
            ready_at: ready.then_some(now),
            left_at: None,
            in_flight: 0,
            station,
            busy: 0,
            attempts: 0,
            served: 0,
            errors: 0,
        }
    }

    /// Whether it answers requests that are sent to it.
    #[inline]
    pub fn serves(&self) -> bool {
        matches!(self.state, Some(ReplicaState::Ready | ReplicaState::Draining))
    }

    pub fn leave(&mut self, now: u64) {
        self.state = None;
        self.left_at = Some(now);
    }

    pub fn view(&self, id: u32) -> Option<ReplicaView> {
        let state = self.state?;
        Some(ReplicaView { id, state, since: Nanos(self.since), in_flight: self.in_flight })
    }
}

/// What each replica did, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendResult {
    /// Identity.
    pub id: u32,
    /// Index of its pool in the scenario.
    pub pool: u32,
    /// Attempts sent to it after the warm-up cut.
    pub attempts: u64,
    /// Attempts it answered well.
    pub served: u64,
    /// Attempts it failed.
    pub errors: u64,
    /// Server-nanoseconds in use after the warm-up cut.
    pub busy: u128,
    /// Server-nanoseconds it had after the warm-up cut.
    pub capacity: u128,
    /// Nanoseconds from the order until it left or the run ended.
    pub lifetime: u64,
}

impl BackendResult {
    pub(crate) fn new(id: u32, replica: &Replica, concurrency: u32, cut: u64, end: u64) -> Self {
        let left = replica.left_at.unwrap_or(end);
        let served_for = replica.ready_at.map_or(0, |ready| crate::tally::after_cut(cut, ready, left));
        Self {
            id,
            pool: replica.pool,
            attempts: replica.attempts,
            served: replica.served,
            errors: replica.errors,
            busy: replica.busy,
            capacity: u128::from(served_for) * u128::from(concurrency),
            lifetime: left - replica.ordered,
        }
    }
}
