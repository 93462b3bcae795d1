//! The `local` actuator: replicas are [`LocalBackend`]s of this process.
//!
//! An order is an absolute target. It is written to `fleet.json` before anything is started or stopped, so that a crash at any point
//! neither repeats it nor forgets it: after a restart the fleet is brought to the recorded target again, and an order that was applied
//! before changes nothing. On the way down the newest replicas leave first: one that still boots is dropped, one that serves drains (it
//! is observed as draining, so that the balancer takes it out), and it stops when the drain time is over and it has nothing left to do,
//! at the deadline in any case. A replica that dies is replaced, under a new id.

mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use planner::{Order, Replica, ReplicaState};
use tokio::task::JoinHandle;

use super::{ActError, Actuator};
use crate::BoxFuture;
use crate::clock::Clock;
use crate::demo::backend::{BackendConfig, LocalBackend};
use record::Record;

pub use record::{FLEET_FILE, FleetError};

/// How often the fleet is looked after, wall time: well below a tick of the control loop at any sensible speed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A fleet of local backends.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The data folder: `fleet.json` lives there.
    pub dir: PathBuf,
    /// What each replica can do.
    pub backend: BackendConfig,
    /// Replicas at the very first start. They are ready at once: they were there before we came.
    pub initial: u32,
    /// How long a replica drains at least, so that the balancer has taken it out. Domain time.
    pub drain: Duration,
    /// When a draining replica is stopped though it is still busy. Domain time, at least `drain`.
    pub drain_deadline: Duration,
}

struct Member {
    id: u32,
    backend: LocalBackend,
    /// `None` for the initial ones, whose start nobody saw.
    ordered_ms: Option<i64>,
    since_ms: i64,
    draining_ms: Option<i64>,
}

struct Fleet {
    record: Record,
    /// In the order of their ids.
    members: Vec<Member>,
    /// Time that replicas which have left were there.
    gone_ms: i64,
}

struct Inner {
    config: LocalConfig,
    clock: Clock,
    fleet: Mutex<Fleet>,
    /// One order, and one write of the file, at a time.
    writing: tokio::sync::Mutex<()>,
}

/// The fleet and its keeper. Dropping it kills the replicas; the record stays.
pub struct LocalFleet {
    inner: Arc<Inner>,
    restored: Option<u32>,
    keeper: JoinHandle<()>,
}

impl LocalFleet {
    /// Starts the initial replicas, or, if there is a record in the data folder, boots as many as were ordered last.
    ///
    /// # Errors
    /// A record that can't be read or written, or that a newer version has written.
    pub async fn open(config: LocalConfig, clock: Clock) -> Result<Self, FleetError> {
        let found = record::read(&config.dir)?;
        let restored = found.as_ref().map(|record| record.target);
        let record = found.unwrap_or_else(|| Record::first(config.initial));
        if let Some(target) = restored {
            tracing::info!(target, order = record.order, "booting the replicas that were ordered before the restart");
        }
        let fleet = Fleet { record, members: Vec::new(), gone_ms: 0 };
        let inner = Arc::new(Inner { config, clock, fleet: Mutex::new(fleet), writing: tokio::sync::Mutex::default() });
        inner.reconcile(restored.is_none());
        inner.save().await?;
        let keeper = tokio::spawn(keep(Arc::clone(&inner)));
        Ok(Self { inner, restored, keeper })
    }

    /// The target that was found in the data folder, if this start continued from one.
    #[must_use]
    pub fn restored(&self) -> Option<u32> {
        self.restored
    }

    /// Brings the fleet to `target` replicas. The second time, and for an order older than the last, it changes nothing.
    ///
    /// # Errors
    /// The record can't be written (then nothing was done), or this order was applied with another target.
    pub async fn bring_to(&self, order: u64, target: u32) -> Result<(), FleetError> {
        let _one = self.inner.writing.lock().await;
        let mut record = self.inner.fleet.lock().record.clone();
        if let Some(last) = record.order.filter(|last| order <= *last) {
            let differs = order == last && target != record.target;
            return if differs { Err(FleetError::OtherTarget { order, applied: record.target, asked: target }) } else { Ok(()) };
        }
        record.apply(order, target);
        // Ids for everything that this order may start: none is given out twice, whatever happens next.
        write(&self.inner.config.dir, record.clone()).await?;
        self.inner.fleet.lock().record.adopt(record);
        self.inner.reconcile(false);
        self.inner.save_ids().await
    }

    /// Every replica that exists, in the order of their ids.
    #[must_use]
    pub fn replicas(&self) -> Vec<Replica> {
        self.inner.fleet.lock().members.iter().map(Member::replica).collect()
    }

    /// Makes a replica die at once, as a crash would; false if there is none with this id.
    pub fn kill(&self, id: u32) -> bool {
        let fleet = self.inner.fleet.lock();
        let found = fleet.members.iter().find(|member| member.id == id);
        found.inspect(|member| member.backend.kill()).is_some()
    }

    /// How often each order was applied: 1 each, or something is wrong. The last thousand orders.
    #[must_use]
    pub fn ledger(&self) -> BTreeMap<u64, u32> {
        self.inner.fleet.lock().record.ledger()
    }

    /// Time that replicas were there, each from its order until it left, boot and drain included. Domain milliseconds.
    #[must_use]
    pub fn replica_ms(&self) -> i64 {
        let now = self.inner.clock.now_ms();
        let fleet = self.inner.fleet.lock();
        fleet.gone_ms + fleet.members.iter().map(|member| now - member.since_ms).sum::<i64>()
    }

    /// Requests that all present replicas hold, in service or waiting.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.inner.fleet.lock().members.iter().map(|member| member.backend.counts().in_flight).sum()
    }
}

impl Drop for LocalFleet {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Actuator for LocalFleet {
    fn scale<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async move {
            self.bring_to(order.id.0, order.target).await.map_err(|error| match error {
                FleetError::OtherTarget { .. } => ActError::lasting(error.to_string()),
                other => ActError::passing(other.to_string()),
            })
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async move { Ok(self.replicas()) })
    }
}

impl Member {
    fn replica(&self) -> Replica {
        let ready_ms = self.backend.ready_ms();
        let state = match (self.draining_ms, ready_ms) {
            (Some(_), _) => ReplicaState::Draining,
            (None, Some(_)) => ReplicaState::Ready,
            (None, None) => ReplicaState::Booting,
        };
        // Of an initial replica nobody knows when it became ready.
        let ready_ms = ready_ms.filter(|_| self.ordered_ms.is_some());
        Replica { id: self.id, address: self.backend.address().to_string(), state, ordered_ms: self.ordered_ms, ready_ms }
    }
}

impl Inner {
    /// Starts or releases replicas until as many as ordered are there to stay.
    fn reconcile(&self, warm: bool) {
        let now = self.clock.now_ms();
        let mut fleet = self.fleet.lock();
        let fleet = &mut *fleet;
        let mut staying = fleet.members.iter().filter(|member| member.draining_ms.is_none()).count();
        while staying < fleet.record.target as usize {
            let id = fleet.record.next_id;
            let boot = if warm { Duration::ZERO } else { self.config.backend.boot };
            match LocalBackend::start(id, BackendConfig { boot, ..self.config.backend }, self.clock.clone()) {
                Ok(backend) => {
                    fleet.record.next_id += 1;
                    let ordered_ms = (!warm).then_some(now);
                    fleet.members.push(Member { id, backend, ordered_ms, since_ms: now, draining_ms: None });
                    staying += 1;
                }
                Err(error) => {
                    // The keeper tries again; until then the fleet is seen smaller than ordered.
                    tracing::warn!(id, %error, "can't start a local backend");
                    return;
                }
            }
        }
        // Newest first: the oldest have the warmest caches.
        for at in (0..fleet.members.len()).rev() {
            if staying <= fleet.record.target as usize {
                break;
            }
            if fleet.members[at].draining_ms.is_some() {
                continue;
            }
            staying -= 1;
            if fleet.members[at].backend.is_ready() {
                fleet.members[at].draining_ms = Some(now);
            } else {
                let member = fleet.members.remove(at);
                fleet.gone_ms += now - member.since_ms;
            }
        }
    }

    /// Stops those that have drained, and buries the dead.
    fn look_after(&self) {
        let now = self.clock.now_ms();
        let least = i64::try_from(self.config.drain.as_millis()).unwrap_or(i64::MAX);
        let most = i64::try_from(self.config.drain_deadline.as_millis()).unwrap_or(i64::MAX).max(least);
        let mut fleet = self.fleet.lock();
        for member in &fleet.members {
            let Some(since) = member.draining_ms else { continue };
            if now - since >= most {
                member.backend.kill();
            } else if now - since >= least && member.backend.counts().in_flight == 0 {
                member.backend.leave();
            }
        }
        let mut gone_ms = 0;
        fleet.members.retain(|member| {
            let ended = member.backend.has_ended();
            if ended {
                gone_ms += now - member.since_ms;
                if member.draining_ms.is_none() {
                    tracing::warn!(id = member.id, "a local backend died; another one is started");
                }
            }
            !ended
        });
        fleet.gone_ms += gone_ms;
    }

    async fn save(&self) -> Result<(), FleetError> {
        let _one = self.writing.lock().await;
        self.save_ids().await
    }

    /// For callers that hold `writing`.
    async fn save_ids(&self) -> Result<(), FleetError> {
        let record = self.fleet.lock().record.clone();
        write(&self.config.dir, record).await
    }
}

async fn write(dir: &Path, record: Record) -> Result<(), FleetError> {
    let dir = dir.to_owned();
    let written = tokio::task::spawn_blocking(move || record.write(&dir)).await;
    // Neither panics nor is cancelled while the runtime runs.
    written.unwrap_or_else(|error| Err(FleetError::Write { path: PathBuf::from(FLEET_FILE), source: std::io::Error::other(error) }))
}

async fn keep(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        inner.look_after();
        let before = inner.fleet.lock().record.next_id;
        inner.reconcile(false);
        if inner.fleet.lock().record.next_id != before
            && let Err(error) = inner.save().await
        {
            tracing::error!(%error, "the record of the local fleet can't be written");
        }
    }
}

#[cfg(test)]
mod tests;
