//! The door: rules, requests per second, requests at once, and who waits. The rules are the balancer's; here they meet time and tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balancer::{Action, AdmissionQueue, ConcurrencyLimit, Nanos, OutcomeKind, Rules, TokenBucket};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::InvalidConfig;
use crate::refuse::Refusal;
use crate::traffic::{Seen, Traffic};

/// Ordinary requests: there are more and less urgent ones.
const CLASS: u8 = 1;

pub(crate) struct Door {
    inner: Mutex<Inner>,
    limited: bool,
    ruled: bool,
    patience: Duration,
    started: Instant,
}

struct Inner {
    bucket: Option<TokenBucket>,
    limit: Option<ConcurrencyLimit>,
    queue: Option<AdmissionQueue>,
    waiting: BTreeMap<u64, oneshot::Sender<Permit>>,
    next: u64,
    rules: Rules,
}

/// What the rules say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) group: Option<u8>,
    class: u8,
}

impl Door {
    pub(crate) fn try_new(traffic: &Traffic) -> Result<Self, InvalidConfig> {
        let inner = Inner {
            bucket: traffic.rate_limit.map(TokenBucket::try_new).transpose()?,
            limit: traffic.concurrency.map(ConcurrencyLimit::try_new).transpose()?,
            queue: traffic.queue.map(AdmissionQueue::try_new).transpose()?,
            waiting: BTreeMap::new(),
            next: 0,
            rules: Rules::try_new(traffic.rules.clone())?,
        };
        let patience = traffic.queue.map_or(Duration::ZERO, |queue| Duration::from_nanos(queue.patience.0));
        let (limited, ruled) = (inner.limit.is_some(), !inner.rules.is_empty());
        Ok(Self { inner: Mutex::new(inner), limited, ruled, patience, started: Instant::now() })
    }

    fn now(&self) -> Nanos {
        Nanos(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Whether there are rules, which need to see requests.
    pub(crate) fn ruled(&self) -> bool {
        self.ruled
    }

    /// Rules and the rate: what is decided at once.
    pub(crate) fn judge(&self, seen: Option<&Seen>) -> Result<Ruling, Refusal> {
        let now = self.now();
        let mut inner = self.inner.lock();
        let action = seen.and_then(|seen| inner.rules.decide(seen, now)).map(|(_, action)| action);
        let ruling = match action {
            Some(Action::Shed) => return Err(Refusal::Busy),
            Some(Action::Group(group)) => Ruling { group: Some(group), class: CLASS },
            Some(Action::Class(class)) => Ruling { group: None, class },
            None => Ruling { group: None, class: CLASS },
        };
        if let Some(bucket) = &mut inner.bucket
            && let Err(wait) = bucket.take(now)
        {
            return Err(Refusal::TooMany { seconds: wait.0.div_ceil(1_000_000_000).max(1) });
        }
        Ok(ruling)
    }

    /// Waits for a place among the requests at once. `None`: they aren't limited.
    pub(crate) async fn enter(self: &Arc<Self>, ruling: Ruling) -> Result<Option<Permit>, Refusal> {
        if !self.limited {
            return Ok(None);
        }
        let (number, called) = {
            let now = self.now();
            let mut inner = self.inner.lock();
            let inner = &mut *inner;
            if inner.limit.as_mut().is_none_or(ConcurrencyLimit::try_begin) {
                return Ok(Some(Permit::of(self)));
            }
            let Some(queue) = &mut inner.queue else { return Err(Refusal::Busy) };
            let number = inner.next;
            let admitted = queue.push(number, ruling.class, now).map_err(|_| Refusal::Busy)?;
            inner.next += 1;
            if let Some(displaced) = admitted.displaced {
                // Its end of the channel notices that it was dropped.
                inner.waiting.remove(&displaced);
            }
            let (call, called) = oneshot::channel();
            inner.waiting.insert(number, call);
            (number, called)
        };
        // Leaves the line however this ends, also when the client goes away.
        let place = Place { door: Arc::clone(self), number };
        let permit = timeout(self.patience, called).await;
        drop(place);
        permit.ok().and_then(Result::ok).map(Some).ok_or(Refusal::Busy)
    }

    /// What the rules learn from an end.
    pub(crate) fn learn(&self, seen: &Seen, kind: OutcomeKind, took: Duration) {
        let now = self.now();
        let took = Nanos(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.inner.lock().rules.finish(seen, kind, took, now);
    }

    fn leave(self: &Arc<Self>, kind: OutcomeKind, took: Duration) {
        let now = self.now();
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let Some(limit) = &mut inner.limit else { return };
        limit.finish(kind, Nanos(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)));
        let Some(queue) = &mut inner.queue else { return };
        while let Some(overdue) = queue.expired(now) {
            inner.waiting.remove(&overdue);
        }
        let mut unclaimed = Vec::new();
        while !queue.is_empty() && limit.try_begin() {
            let call = queue.pop(now).and_then(|number| inner.waiting.remove(&number));
            let permit = Permit::of(self);
            // Who gave up in this very moment doesn't take it.
            unclaimed.extend(match call {
                Some(call) => call.send(permit).err(),
                None => Some(permit),
            });
        }
        // Each gives its place back, for which the lock must be free.
        drop(guard);
        drop(unclaimed);
    }
}

/// A place in the line.
struct Place {
    door: Arc<Door>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.door.inner.lock();
        if let Some(queue) = &mut inner.queue {
            queue.remove(self.number);
        }
        inner.waiting.remove(&self.number);
    }
}

/// One of the requests at once; given back when this is dropped.
pub(crate) struct Permit {
    door: Arc<Door>,
    pub(crate) kind: OutcomeKind,
    since: Instant,
}

impl Permit {
    fn of(door: &Arc<Door>) -> Self {
        Self { door: Arc::clone(door), kind: OutcomeKind::Cancelled, since: Instant::now() }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.door.leave(self.kind, self.since.elapsed());
    }
}
