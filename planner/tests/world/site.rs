//! What is out there: demand, replicas, whoever executes orders, the balancer.

use planner::{Order, OrderId, Replica, ReplicaState, WeightPlan};

/// A fleet of replicas that boot, serve, drain and die, behind an executor that obeys the contract for orders: an id that it knows, or that is
/// lower than one that it knows, is ignored.
#[derive(Debug, Default)]
pub struct Fleet {
    pub replicas: Vec<Replica>,
    next_id: u32,
    last_order: Option<OrderId>,
    boot_ms: i64,
    drain_until: Vec<(u32, i64)>,
}

/// One service's world.
pub struct Site {
    pub name: &'static str,
    pub fleet: Fleet,
    pub balancer: WeightPlan,
    /// Peak of the daily wave `[rps]`.
    pub peak_rps: f64,
    /// Replicas × this = what they hold.
    pub rps_per_replica: f64,
    pub min: u32,
    pub max: u32,
    /// From here on the load stays as it is.
    pub calm_since: Option<i64>,
}

impl Fleet {
    pub fn new(replicas: u32, boot_ms: i64) -> Fleet {
        let mut fleet = Fleet { boot_ms, ..Fleet::default() };
        fleet.grow(replicas, 0);
        fleet.replicas.iter_mut().for_each(|r| r.state = ReplicaState::Ready);
        fleet
    }

    pub fn counted(&self) -> u32 {
        self.replicas.iter().filter(|r| r.state != ReplicaState::Draining).count() as u32
    }

    fn grow(&mut self, by: u32, now_ms: i64) {
        for _ in 0..by {
            self.next_id += 1;
            let id = self.next_id;
            let address = format!("10.0.{}.{}:80", id / 250, id % 250);
            self.replicas.push(Replica { id, address, state: ReplicaState::Booting, ordered_ms: Some(now_ms), ready_ms: None });
        }
    }

    /// Executes an order, newest replicas first on the way down.
    pub fn execute(&mut self, order: &Order, now_ms: i64) {
        if self.last_order.is_some_and(|last| order.id <= last) {
            return;
        }
        self.last_order = Some(order.id);
        let counted = self.counted();
        if order.target > counted {
            self.grow(order.target - counted, now_ms);
        }
        let surplus = counted.saturating_sub(order.target) as usize;
        let leaving = self.replicas.iter_mut().rev().filter(|r| r.state != ReplicaState::Draining).take(surplus);
        for replica in leaving {
            replica.state = ReplicaState::Draining;
            self.drain_until.push((replica.id, now_ms + 30_000));
        }
    }

    pub fn pass_time(&mut self, now_ms: i64) {
        for replica in &mut self.replicas {
            let ready_at = replica.ordered_ms.unwrap_or(0) + self.boot_ms + i64::from(replica.id % 7) * 5_000;
            if replica.state == ReplicaState::Booting && now_ms >= ready_at {
                replica.state = ReplicaState::Ready;
                replica.ready_ms = Some(ready_at);
            }
        }
        let gone: Vec<u32> = self.drain_until.iter().filter(|(_, until)| now_ms >= *until).map(|(id, _)| *id).collect();
        self.replicas.retain(|r| !gone.contains(&r.id));
        self.drain_until.retain(|(id, _)| !gone.contains(id));
    }

    /// A replica dies by itself.
    pub fn kill(&mut self, which: usize) {
        if self.replicas.len() > 1 {
            let at = which % self.replicas.len();
            self.replicas.remove(at);
        }
    }
}

impl Site {
    /// Offered load, without noise: a daily wave with a steep flank, capped below what the maximum holds.
    pub fn demand(&self, now_ms: i64) -> f64 {
        let now_ms = self.calm_since.unwrap_or(now_ms);
        let hour = now_ms.rem_euclid(86_400_000) as f64 / 3_600_000.0;
        let wave = (1.0 - ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos().abs()) * 0.3;
        let flank = ((hour - 9.0) * 3.0).clamp(0.0, 1.0) - ((hour - 19.0) * 1.0).clamp(0.0, 1.0);
        self.peak_rps * (0.1 + 0.6 * flank + wave).clamp(0.0, 1.0)
    }

    /// Replicas without which the load would be above capacity.
    pub fn least_replicas(&self, now_ms: i64) -> u32 {
        ((self.demand(now_ms) / self.rps_per_replica).ceil() as u32).clamp(self.min, self.max)
    }

    /// The balancer takes a snapshot or refuses a lower epoch.
    pub fn take_weights(&mut self, plan: &WeightPlan) -> Result<(), u64> {
        if plan.epoch < self.balancer.epoch {
            return Err(self.balancer.epoch);
        }
        self.balancer = plan.clone();
        Ok(())
    }
}
