//! What became of the requests, per domain minute and in all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use proxy::Histogram;
use serde::Serialize;

use super::arrivals::MINUTE_MS;

/// Minutes whose histograms are kept; older ones are only their summary. Longer than any request lasts at any sensible speed.
const OPEN_MINUTES: usize = 60;

/// What the users were promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SloLimits {
    /// A request slower than this is bad. Milliseconds, wall.
    pub latency_ms: f64,
    /// This percentage of a minute's requests must be good.
    pub percentile: f64,
    /// The share of a minute's requests that may fail.
    pub errors: f64,
}

/// How a request ended, as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// 2xx or 3xx.
    Ok,
    /// 429 or 503.
    Rejected,
    /// No answer in time.
    TimedOut,
    /// Another status, or no answer at all.
    Failed,
    /// Not sent: as many requests as the generator may have were under way.
    Limited,
}

#[derive(Debug, Default)]
struct Minute {
    start_ms: i64,
    sent: AtomicU64,
    ok: AtomicU64,
    rejected: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
    limited: AtomicU64,
    slow: AtomicU64,
    latency: Histogram,
}

/// One domain minute, by the time at which its requests were due.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinuteSummary {
    /// Epoch milliseconds, domain.
    pub start_ms: i64,
    /// Requests that were due.
    pub sent: u64,
    /// 2xx or 3xx.
    pub ok: u64,
    /// 429 or 503.
    pub rejected: u64,
    /// No answer in time.
    pub timed_out: u64,
    /// Another status, or no answer.
    pub failed: u64,
    /// Not sent because the generator was at its limit.
    pub limited: u64,
    /// Of `ok`: slower than the SLO's latency.
    pub slow: u64,
    /// 95th percentile of the answered, milliseconds from when they were due.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Whether this minute broke the SLO.
    pub violated: bool,
}

impl MinuteSummary {
    /// Requests that ended badly.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.rejected + self.timed_out + self.failed + self.limited
    }
}

/// A whole run until now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadSummary {
    /// Requests that have ended, one way or another.
    pub requests: u64,
    /// Of these: rejected, timed out, failed, or not sent.
    pub errors: u64,
    /// 429 or 503.
    pub rejected: u64,
    /// No answer in time.
    pub timed_out: u64,
    /// Another status, or no answer.
    pub failed: u64,
    /// Not sent because the generator was at its limit: if this isn't 0, the run measured the generator.
    pub limited: u64,
    /// 50th percentile of the answered, milliseconds from when they were due.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Domain minutes that broke the SLO.
    pub violation_minutes: u64,
    /// Domain minutes with requests.
    pub minutes: u64,
}

impl Minute {
    fn summary(&self, slo: &SloLimits) -> MinuteSummary {
        let latency = self.latency.snapshot();
        let mut summary = MinuteSummary {
            start_ms: self.start_ms,
            sent: self.sent.load(Relaxed),
            ok: self.ok.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            timed_out: self.timed_out.load(Relaxed),
            failed: self.failed.load(Relaxed),
            limited: self.limited.load(Relaxed),
            slow: self.slow.load(Relaxed),
            p95_ms: latency.quantile_ms(0.95),
            p99_ms: latency.quantile_ms(0.99),
            violated: false,
        };
        summary.violated = violated(&summary, slo);
        summary
    }
}

/// A minute breaks the SLO if more of its requests are slow or failed than the percentile leaves room for, or more failed than may.
/// Requests that haven't ended yet count as neither; a minute without requests is good.
fn violated(minute: &MinuteSummary, slo: &SloLimits) -> bool {
    let ended = (minute.ok + minute.errors()) as f64;
    let errors = minute.errors() as f64;
    let bad = minute.slow as f64 + errors;
    // A hair of slack: 1 − 99/100 isn't exactly 0.01 in binary.
    ended > 0.0 && (bad > ended * (1.0 - slo.percentile / 100.0) + 1e-9 || errors > ended * slo.errors + 1e-9)
}

#[derive(Debug, Default)]
struct Books {
    closed: Vec<MinuteSummary>,
    /// Oldest first.
    open: VecDeque<Arc<Minute>>,
}

/// Keeps the books of a run.
#[derive(Debug)]
pub struct Recorder {
    slo: SloLimits,
    books: Mutex<Books>,
    total: Histogram,
}

/// A request's line in the books, held while it is under way.
#[derive(Debug, Clone)]
pub struct Line(Arc<Minute>);

impl Recorder {
    /// Empty books.
    #[must_use]
    pub fn new(slo: SloLimits) -> Self {
        Self { slo, books: Mutex::default(), total: Histogram::default() }
    }

    /// A request is due at this domain time. Times never go back by more than the open minutes.
    pub fn due(&self, at_ms: i64) -> Line {
        let start_ms = at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        let mut books = self.books.lock();
        let known = books.open.iter().rev().find(|minute| minute.start_ms <= start_ms).map(Arc::clone);
        let minute = match known {
            Some(minute) if minute.start_ms == start_ms => minute,
            _ => {
                let minute = Arc::new(Minute { start_ms, ..Minute::default() });
                books.open.push_back(Arc::clone(&minute));
                if books.open.len() > OPEN_MINUTES
                    && let Some(oldest) = books.open.pop_front()
                {
                    books.closed.push(oldest.summary(&self.slo));
                }
                minute
            }
        };
        minute.sent.fetch_add(1, Relaxed);
        Line(minute)
    }

    /// The request ended, this long after it was due.
    pub fn ended(&self, line: &Line, ending: Ending, latency: Duration) {
        let minute = &line.0;
        let count = match ending {
            Ending::Ok => &minute.ok,
            Ending::Rejected => &minute.rejected,
            Ending::TimedOut => &minute.timed_out,
            Ending::Failed => &minute.failed,
            Ending::Limited => &minute.limited,
        };
        count.fetch_add(1, Relaxed);
        if ending == Ending::Ok {
            if latency.as_secs_f64() * 1_000.0 > self.slo.latency_ms {
                minute.slow.fetch_add(1, Relaxed);
            }
            minute.latency.record(latency);
            self.total.record(latency);
        }
    }

    /// Every minute with requests, oldest first; the last ones may still have requests under way.
    #[must_use]
    pub fn minutes(&self) -> Vec<MinuteSummary> {
        let books = self.books.lock();
        let open = books.open.iter().map(|minute| minute.summary(&self.slo));
        books.closed.iter().cloned().chain(open).collect()
    }

    /// The whole run until now.
    #[must_use]
    pub fn summary(&self) -> LoadSummary {
        let minutes = self.minutes();
        let sum = |of: fn(&MinuteSummary) -> u64| minutes.iter().map(of).sum::<u64>();
        let total = self.total.snapshot();
        let errors = sum(MinuteSummary::errors);
        LoadSummary {
            requests: sum(|minute| minute.ok) + errors,
            errors,
            rejected: sum(|minute| minute.rejected),
            timed_out: sum(|minute| minute.timed_out),
            failed: sum(|minute| minute.failed),
            limited: sum(|minute| minute.limited),
            p50_ms: total.quantile_ms(0.5),
            p95_ms: total.quantile_ms(0.95),
            p99_ms: total.quantile_ms(0.99),
            violation_minutes: sum(|minute| u64::from(minute.violated)),
            minutes: minutes.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
