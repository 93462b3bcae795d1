//! From cumulative counters to load: the same arithmetic for every source.
//!
//! A source answers with a [`Scrape`] of counters; [`Rates`] turns two scrapes into a rate and a run of scrapes into one value a step.
//! Rates are requests per *wall* second (Δcount / Δwall), stamps are domain time: the two differ only in the demo.

mod rates;

pub use rates::{Rates, Step};

use std::time::Duration;

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
