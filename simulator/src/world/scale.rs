//! The fleet over time: boots, orders, drains, probes.

use balancer::{BackendConfig, BackendId, Nanos};

use super::World;
use crate::autoscale::{Observation, Orders, ReplicaState};
use crate::event::Kind;
use crate::fleet::Replica;
use crate::scenario::MOST_REPLICAS;

impl World<'_> {
    pub(super) fn schedule_tick(&mut self) {
        let interval = self.autoscaler.interval();
        if interval.0 > 0 {
            self.agenda.schedule(self.now.saturating_add(interval.0), Kind::Tick, 0);
        }
    }

    /// Asks the autoscaler and does what it orders.
    pub(super) fn tick(&mut self) {
        let front = (1_u32..).zip(&self.replicas).filter(|(_, replica)| self.is_front(replica.pool));
        let replicas = front.filter_map(|(id, replica)| replica.view(id)).collect();
        let seen = Observation {
            now: self.now(),
            arrived: self.seen.arrived,
            served: self.seen.served,
            rejected: self.seen.rejected,
            timed_out: self.seen.timed_out,
            failed: self.seen.failed,
            backlog: self.broker.as_ref().map(|line| line.waiting),
            replicas,
        };
        let orders = self.autoscaler.tick(&seen);
        let staying = seen.replicas.iter().filter(|view| view.state != ReplicaState::Draining).count() as u32;
        self.note_decision(staying, orders.as_ref().and_then(|orders| orders.replicas));
        if let Some(Orders { replicas, weights }) = orders {
            if let Some(target) = replicas {
                self.scale_to(target.min(MOST_REPLICAS));
            }
            // A stale or impossible snapshot changes nothing, as with the live proxy: the sender finds out by what it sees next.
            let before = if weights.is_some() { self.weights_before() } else { Vec::new() };
            if let Some(weights) = weights
                && self.fronts[0].apply(&weights, Nanos(self.now)).is_ok()
            {
                self.note_weights(&before, &weights);
                self.weights_managed = true;
                self.keep_draining();
                self.schedule_probes();
            }
        }
        self.schedule_tick();
    }

    /// Orders are absolute: as many replicas, booting ones included, as wanted. The newest go first.
    fn scale_to(&mut self, target: u32) {
        let pools = self.scenario.pools.len();
        let staying = |replica: &Replica| {
            (replica.pool as usize) < pools && matches!(replica.state, Some(ReplicaState::Booting | ReplicaState::Ready))
        };
        let current = self.replicas.iter().filter(|replica| staying(replica)).count() as u32;
        self.scaling_actions += u64::from(current != target);
        for _ in current..target {
            self.order();
        }
        let mut surplus = current.saturating_sub(target);
        for at in (0..self.replicas.len()).rev() {
            if surplus == 0 {
                break;
            }
            if staying(&self.replicas[at]) {
                surplus -= 1;
                self.retire(at);
            }
        }
    }

    fn order(&mut self) {
        // Scenarios with an autoscaler have exactly one pool.
        let Some(spec) = self.scenario.pools.first() else { return };
        let at = self.replicas.len() as u32;
        // Ids are event indices; 16.7 million replicas in one run are a runaway, and simply not delivered.
        if at >= crate::event::MOST_INDEX {
            return;
        }
        self.replicas.push(Replica::new(0, spec, self.now, false));
        self.agenda.schedule(self.now.saturating_add(spec.boot_delay.0), Kind::Booted, at);
        self.note_replica(at, None, "booting", "ordered");
    }

    fn retire(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        let was = if replica.state == Some(ReplicaState::Ready) { "ready" } else { "booting" };
        let to = if replica.state == Some(ReplicaState::Ready) && !replica.idle() {
            replica.state = Some(ReplicaState::Draining);
            replica.since = self.now;
            "draining"
        } else {
            replica.leave(self.now);
            "left"
        };
        self.note_replica(at as u32, Some(was), to, "fewer are wanted");
        self.front_of(at as u32).remove(BackendId(at as u32 + 1));
    }

    /// A snapshot made before a drain may list who drains: out they stay.
    fn keep_draining(&mut self) {
        for (id, replica) in (1_u32..).zip(&self.replicas) {
            if matches!(replica.state, None | Some(ReplicaState::Draining)) {
                self.fronts[0].remove(BackendId(id));
            }
        }
    }

    pub(super) fn booted(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        if replica.state != Some(ReplicaState::Booting) {
            return;
        }
        replica.state = Some(ReplicaState::Ready);
        replica.since = self.now;
        replica.ready_at = Some(self.now);
        let pool = replica.pool as usize;
        self.note_replica(at, Some("booting"), "ready", "booted");
        self.offer(at);
        if !self.weights_managed {
            let spec = &self.scenario.pools[pool];
            // The id is new and the weight was checked with the scenario, so this can't be refused.
            let _added = self.fronts[0].add(BackendConfig::new(at + 1, spec.weight).at(spec.place), Nanos(self.now));
            self.schedule_probes();
        }
    }

    /// A request has left a replica; a draining one leaves when it was the last.
    pub(super) fn one_less(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        // Who dies loses all that it has at once.
        if !replica.serves() {
            return;
        }
        debug_assert!(replica.in_flight > 0, "replica {at} has fewer than no requests");
        replica.in_flight -= 1;
        if replica.state == Some(ReplicaState::Draining) && replica.idle() {
            replica.leave(self.now);
            self.note_replica(at, Some("draining"), "left", "empty");
        }
    }

    /// Active health: a replica that serves answers its probes at once, one that boots doesn't answer.
    pub(super) fn probe(&mut self) {
        self.probes_at = super::NEVER;
        let now = Nanos(self.now);
        for front in 0..self.fronts.len() {
            for id in self.fronts[front].probes_due(now) {
                let at = id.0.wrapping_sub(1);
                if let Some(replica) = self.replicas.get(at as usize) {
                    let well = replica.serves() && replica.cut_off == 0;
                    self.fronts[front].probe_result(id, now, well);
                    self.note_belief(at, front as u8, if well { "a probe was answered" } else { "a probe failed" });
                }
            }
        }
        self.schedule_probes();
    }

    pub(super) fn schedule_probes(&mut self) {
        if let Some(due) = self.fronts.iter().filter_map(balancer::Pool::next_probe).min()
            && due.0 < self.probes_at
        {
            self.probes_at = due.0.max(self.now);
            self.agenda.schedule(self.probes_at, Kind::Probes, 0);
        }
    }
}
