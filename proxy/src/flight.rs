//! Accounts that balance however a request ends: by its answer, by a failure, or by a client that goes away. Each is closed by dropping it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use balancer::{BackendId, Nanos, Outcome, OutcomeKind};
use http::StatusCode;

use crate::admission::Permit;
use crate::shared::Shared;
use crate::traffic::Seen;

fn nanos_since(started: Instant) -> Nanos {
    Nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// A request at one backend: in flight there from its pick until this is dropped.
pub(crate) struct Visit {
    shared: Arc<Shared>,
    pub(crate) backend: BackendId,
    started: Instant,
    /// Until something else is said, the client went away.
    kind: OutcomeKind,
}

impl Visit {
    /// For a backend that [`Shared::pick`] has just counted as busy.
    pub(crate) fn begun(shared: Arc<Shared>, backend: BackendId) -> Self {
        Self { shared, backend, started: Instant::now(), kind: OutcomeKind::Cancelled }
    }

    /// The answer's head has come. 429 and 503 say "busy", not "broken": ejecting who sheds load would bury the others. Either is known from
    /// the head on, also when the rest is never read because another backend is tried.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            self.kind = OutcomeKind::Overloaded;
        } else if status.is_server_error() {
            self.kind = OutcomeKind::ServerError;
        }
    }

    pub(crate) fn completed(&mut self) {
        if self.kind == OutcomeKind::Cancelled {
            self.kind = OutcomeKind::Success;
        }
    }

    pub(crate) fn failed(&mut self, kind: OutcomeKind) {
        self.kind = kind;
    }

    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::new(self.kind, nanos_since(self.started))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let outcome = self.outcome();
        self.shared.finish(self.backend, &outcome);
    }
}

/// A request as its client sees it: offered once, however often it is tried, and in flight until its answer is over.
pub(crate) struct Flight {
    shared: Arc<Shared>,
    started: Instant,
    answered: bool,
    kind: OutcomeKind,
    /// Its place among the requests at once.
    permit: Option<Permit>,
    /// What rules learn from.
    seen: Option<Seen>,
}

impl Flight {
    pub(crate) fn begin(shared: Arc<Shared>) -> Self {
        shared.metrics.offered.fetch_add(1, Relaxed);
        shared.metrics.in_flight.fetch_add(1, Relaxed);
        Self { shared, started: Instant::now(), answered: false, kind: OutcomeKind::Cancelled, permit: None, seen: None }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// It was let in.
    pub(crate) fn admitted(&mut self, permit: Option<Permit>, seen: Option<Seen>) {
        (self.permit, self.seen) = (permit, seen);
    }

    /// The client is being sent this status.
    pub(crate) fn answer(&mut self, status: StatusCode) {
        self.answered = true;
        self.kind = match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => OutcomeKind::Overloaded,
            StatusCode::GATEWAY_TIMEOUT => OutcomeKind::Timeout,
            status if status.is_server_error() => OutcomeKind::ServerError,
            _ => OutcomeKind::Success,
        };
        self.shared.metrics.class(status);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let metrics = &self.shared.metrics;
        if !self.answered {
            metrics.aborted.fetch_add(1, Relaxed);
        }
        metrics.in_flight.fetch_sub(1, Relaxed);
        metrics.latency(self.started.elapsed());
        if let Some(seen) = &self.seen {
            self.shared.door.learn(seen, self.kind, self.started.elapsed());
        }
        if let Some(permit) = &mut self.permit {
            permit.kind = self.kind;
        }
    }
}
