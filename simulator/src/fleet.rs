//! Replicas through their life: ordered, booting, ready, draining, gone.

use crate::autoscale::{ReplicaState, ReplicaView};
use crate::scenario::{PoolSpec, WarmUp};
use crate::station::Station;
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
    /// Requests that wait for a connection to it.
    pub connecting: u32,
    pub station: Station,
    /// Server-nanoseconds in use after the warm-up cut.
    pub busy: u128,
    pub attempts: u64,
    pub served: u64,
    pub errors: u64,
    /// Times it died.
    pub crashes: u64,
    /// Nanoseconds of being dead after the warm-up cut.
    pub down: u64,
    /// Until when it stays dead; 0 when it lives.
    pub down_until: u64,
    /// Everything takes this many times as long: faults.
    pub slow: f64,
    /// Faults that cut it off from everybody.
    pub cut_off: u32,
    /// It has booted during the run, and is slower for a while.
    warm_up: Option<WarmUp>,
    /// Most requests that its memory holds.
    most: u32,
}

impl Replica {
    pub fn new(pool: u32, spec: &PoolSpec, now: u64, ready: bool) -> Self {
        Self {
            pool,
            state: Some(if ready { ReplicaState::Ready } else { ReplicaState::Booting }),
            since: now,
            ordered: now,
            ready_at: ready.then_some(now),
            left_at: None,
            in_flight: 0,
            connecting: 0,
            station: Station::new(spec),
            busy: 0,
            attempts: 0,
            served: 0,
            errors: 0,
            crashes: 0,
            down: 0,
            down_until: 0,
            slow: 1.0,
            cut_off: 0,
            warm_up: spec.warm_up.filter(|_| !ready),
            most: spec.memory.map_or(u32::MAX, |memory| ((memory.limit_mib - memory.base_mib) / memory.per_request_mib) as u32),
        }
    }

    /// More requests are there than its memory holds.
    #[inline]
    pub fn bursts(&self) -> bool {
        self.in_flight > self.most
    }

    /// How long work takes that begins now.
    #[inline]
    pub fn takes(&self, work: u64, now: u64) -> u64 {
        if self.slow == 1.0 && self.warm_up.is_none() { work } else { self.takes_longer(work, now) }
    }

    #[cold]
    fn takes_longer(&self, work: u64, now: u64) -> u64 {
        let speed = match (self.warm_up, self.ready_at) {
            (Some(warm_up), Some(ready)) if now - ready < warm_up.lasts.0 => {
                warm_up.speed + (1.0 - warm_up.speed) * ((now - ready) as f64 / warm_up.lasts.0 as f64)
            }
            _ => 1.0,
        };
        // Float to integer saturates.
        libm::round(work as f64 * self.slow / speed) as u64
    }

    /// Whether it answers requests that are sent to it.
    #[inline]
    pub fn serves(&self) -> bool {
        matches!(self.state, Some(ReplicaState::Ready | ReplicaState::Draining))
    }

    /// Nobody is there, and nobody is on the way.
    #[inline]
    pub fn idle(&self) -> bool {
        self.in_flight == 0 && self.connecting == 0
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
    /// Times it died.
    pub crashes: u64,
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
            crashes: replica.crashes,
            busy: replica.busy,
            capacity: u128::from(served_for.saturating_sub(replica.down)) * u128::from(concurrency),
            lifetime: left - replica.ordered,
        }
    }
}
