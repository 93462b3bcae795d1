//! What was told last, and to whom it may be told.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use super::ring::Ring;
use super::{EventId, Subscription};
use crate::api::dto::{Beat, Change, EventData, Overview, Pause, ServiceChange, ServiceSummary};
use crate::api::time::Time;
use crate::clock::Clock;

/// What the stream may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams that are open at once.
    pub streams: usize,
    /// Bytes of events that are kept for those who come back or are slow.
    pub ring_bytes: usize,
    /// A stream that has nothing to say for this long [wall] says that.
    pub beat: Duration,
}

impl Default for Limits {
    /// A hundred open pages; at 500 services a second the ring holds more than half a minute; a page's clock goes by the second.
    fn default() -> Self {
        Self { streams: 100, ring_bytes: 4 << 20, beat: Duration::from_secs(1) }
    }
}

/// Every stream that may be open is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} event streams are open already, and no more are allowed; close a page")]
pub struct TooMany(pub usize);

/// What there is to tell: the present state of those services that may have changed.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Services as they are now; what is as it was told before isn't told again.
    pub services: Vec<ServiceSummary>,
    /// Services that are gone.
    pub removed: Vec<String>,
    /// The pause of all services.
    pub paused: Option<Pause>,
    /// Why the database can't be written, if it can't.
    pub store_error: Option<String>,
    /// Services about which something was journalled.
    pub journalled: Vec<String>,
}

/// The number of the newest event, and whether it is the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tip {
    pub newest: u64,
    pub closed: bool,
}

/// One stream of events for all who watch.
pub struct Feed {
    clock: Clock,
    epoch: u64,
    limits: Limits,
    told: Mutex<Told>,
    tip: watch::Sender<Tip>,
    places: Arc<Semaphore>,
}

struct Told {
    ring: Ring,
    services: BTreeMap<String, Arc<ServiceSummary>>,
    paused: Option<Pause>,
    store_error: Option<String>,
}

impl Feed {
    /// Nothing is told yet.
    #[must_use]
    pub fn new(clock: Clock, limits: Limits) -> Self {
        let told = Told { ring: Ring::new(limits.ring_bytes), services: BTreeMap::new(), paused: None, store_error: None };
        Self {
            clock,
            // The standard library seeds it at random, other than before each time.
            epoch: RandomState::new().hash_one(0),
            limits,
            told: Mutex::new(told),
            tip: watch::Sender::new(Tip { newest: 0, closed: false }),
            places: Arc::new(Semaphore::new(limits.streams)),
        }
    }

    /// Tells what is new of this; nothing, if it is known. Whoever subscribed before the first time waits for it.
    pub fn publish(&self, news: News) {
        let mut told = self.told.lock();
        let change = Change {
            now: Time(self.clock.now_ms()),
            paused: (news.paused != told.paused).then_some(news.paused),
            store_error: (news.store_error != told.store_error).then(|| news.store_error.clone()),
            services: news
                .services
                .iter()
                .filter_map(|now| ServiceChange::between(told.services.get(&now.name).map(Arc::as_ref), now))
                .collect(),
            removed: news.removed.into_iter().filter(|name| told.services.remove(name).is_some()).collect(),
            journalled: news.journalled,
        };
        // That there is nothing at all is news too.
        if change.is_empty() && told.ring.newest() > 0 {
            return;
        }
        (told.paused, told.store_error) = (news.paused, news.store_error);
        told.services.extend(news.services.into_iter().map(|one| (one.name.clone(), Arc::new(one))));
        let newest = told.ring.newest() + 1;
        let frame = frame("change", Some(self.id(newest)), &EventData::Change(change));
        told.ring.push(frame);
        drop(told);
        self.tip.send_modify(|tip| tip.newest = newest);
    }

    /// A stream that goes on after this event, if that is known, and else begins with everything.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn subscribe(self: &Arc<Self>, after: Option<EventId>) -> Result<Subscription, TooMany> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| TooMany(self.limits.streams))?;
        let seen = after.filter(|id| id.epoch == self.epoch).map(|id| id.seq);
        Ok(Subscription::new(self.clone(), seen, self.tip.subscribe(), place))
    }

    /// Ends every stream, those to come too: the process is about to end.
    pub fn close(&self) {
        self.tip.send_modify(|tip| tip.closed = true);
    }

    /// What to send to somebody who has seen the events up to `seen`, and which event that is; `None` when there is nothing.
    pub(super) fn after(&self, seen: Option<u64>) -> Option<(u64, Bytes)> {
        let told = self.told.lock();
        let newest = told.ring.newest();
        if seen == Some(newest) || newest == 0 {
            return None;
        }
        if let Some(next) = seen.and_then(|seen| seen.checked_add(1))
            && let Some(frame) = told.ring.get(next)
        {
            return Some((next, frame));
        }
        // Only pointers are copied while the lock is held.
        let services: Vec<_> = told.services.values().cloned().collect();
        let (paused, store_error) = (told.paused, told.store_error.clone());
        drop(told);
        let now_ms = self.clock.now_ms();
        let services = services.iter().map(|one| with_age(one, now_ms)).collect();
        let overview = Overview { now: Time(now_ms), speed: self.clock.speed(), paused, store_error, services };
        Some((newest, frame("reset", Some(self.id(newest)), &EventData::Reset(overview))))
    }

    pub(super) fn beat(&self) -> Bytes {
        frame("beat", None, &EventData::Beat(Beat { now: Time(self.clock.now_ms()) }))
    }

    pub(super) fn beat_every(&self) -> Duration {
        self.limits.beat
    }

    fn id(&self, seq: u64) -> EventId {
        EventId { epoch: self.epoch, seq }
    }
}

/// Its load may be older than when it was told.
fn with_age(one: &ServiceSummary, now_ms: i64) -> ServiceSummary {
    let mut summary = one.clone();
    summary.data.age_s = summary.load_at.map(|at| (now_ms - at.0).max(0) as f64 / 1_000.0);
    summary
}

/// An event as it goes over the wire. JSON has no line ends, so its data is one line.
fn frame(name: &str, id: Option<EventId>, data: &EventData) -> Bytes {
    // Plain strings, numbers and times always serialise, up to times beyond year 9999, which no clock shows.
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Bytes::from(format!("event: {name}\n{id}data: {data}\n\n"))
}
