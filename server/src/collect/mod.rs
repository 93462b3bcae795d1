//! Where load comes from: every source answers with a [`Reading`], the finished steps of its series and the newest measurement.
//!
//! A source of counters makes it from a [`Scrape`] with [`Rates`], which turns two scrapes into a rate and a run of scrapes into one value a
//! step. Rates are requests per *wall* second (Δcount / Δwall), stamps are domain time: the two differ only in the demo.

pub mod prometheus;
pub mod proxy;
mod rates;

pub use rates::{Rates, Step};

use std::time::Duration;

use crate::BoxFuture;
use crate::api::dto;

/// What a load is of that no query tells.
pub const COUNTERS: &str = "the counters of the embedded proxy";

/// Where a service's load is read.
pub trait LoadSource: Send + Sync + 'static {
    /// What its load is of: the query, where there is one. Another query is another load, and gets a history of its own.
    fn measures(&self) -> &str {
        COUNTERS
    }

    /// What is new since the last reading; the text of an error says what is wrong. The first readings may have nothing to say yet.
    fn read(&self) -> BoxFuture<'_, Result<Reading, String>>;

    /// Finished steps from before this process, `from_ms` to `to_ms`, oldest first; sources that remember nothing have none.
    fn backfill(&self, _from_ms: i64, _to_ms: i64) -> BoxFuture<'_, Result<Vec<Step>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// How long a reading may take [wall]. A source that takes longer has failed for now: ticks must go on.
    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    /// The balancer in front of the service, for the page; `None` where there is none.
    fn proxy(&self) -> Option<dto::Proxy> {
        None
    }
}

/// What a source says at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Steps of the series that are finished since the last reading, or were corrected; oldest first. They become history.
    pub steps: Vec<Step>,
    /// The newest measurement: the end of its interval in domain time (epoch ms), and what it looked like. `None` = nothing is known now.
    pub now: Option<(i64, Step)>,
}

/// Upper bounds of the latency buckets, milliseconds; a last bucket holds the rest.
pub type Bounds = &'static [f64];

/// What a source's counters say at one moment. All counts are cumulative and may start again at zero after a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct Scrape {
    /// Domain time of the reading, epoch milliseconds.
    pub at_ms: i64,
    /// Wall time of the reading, since any fixed moment.
    pub wall: Duration,
    /// Requests that were offered: answered 429 and 503 too, retries left out.
    pub offered: u64,
    /// Requests that were turned away because we were full.
    pub shed: u64,
    /// Requests that failed, the shed ones included.
    pub failed: u64,
    /// Answers by latency: one count a bound, and one for those above; not cumulative over the bounds.
    pub latency: Vec<u64>,
}
