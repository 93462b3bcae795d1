//! What one replication counts. Everything is an integer and additive, so the order of events and of merging makes no difference.

use serde::Serialize;

use crate::scenario::{Scenario, Slo};
use crate::stats::{Histogram, Mser};
use crate::units::MINUTE;

/// Requests by how they ended. `arrived = served + rejected + timed_out + failed + in_flight_at_end`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Offered after the warm-up cut.
    pub arrived: u64,
    /// Answered well.
    pub served: u64,
    /// Turned away: the replica was full.
    pub rejected: u64,
    /// Given up after the request time-out.
    pub timed_out: u64,
    /// No backend to send it to, or nobody there.
    pub failed: u64,
    /// Attempts beyond each request's first.
    pub retried: u64,
    /// Neither answered nor lost when the run ended.
    pub in_flight_at_end: u64,
}

impl Counts {
    /// Requests that got no good answer.
    pub fn errors(&self) -> u64 {
        self.rejected + self.timed_out + self.failed
    }

    /// Adds another replication's.
    pub fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.served += other.served;
        self.rejected += other.rejected;
        self.timed_out += other.timed_out;
        self.failed += other.failed;
        self.retried += other.retried;
        self.in_flight_at_end += other.in_flight_at_end;
    }
}

/// How a request was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    Rejected,
    TimedOut,
    Failed,
}

/// One minute of a run. Requests belong to the minute in which they arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// Offered, warm-up included.
    pub arrived: u64,
    /// Answered well.
    pub served: u64,
    /// Rejected, timed out, failed.
    pub errors: u64,
    /// Latencies of the served; coarse (1.6 % buckets, interpolated), because there are many minutes.
    pub latency: Histogram<6>,
    /// Of the served, all together: from arrival to the start of the service [ns].
    pub wait: u128,
    /// Offered after the warm-up cut.
    judged: u64,
    /// Of those: slower than the objective, or lost.
    bad: u64,
    /// Ready replicas when the minute ended.
    pub ready: u32,
    /// Booting replicas when the minute ended.
    pub booting: u32,
}

/// The counters of one replication.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    cut: u64,
    slo: Option<Slo>,
    pub counts: Counts,
    pub latency: Histogram,
    pub wait: Histogram,
    /// Request-nanoseconds inside [cut, end].
    pub in_system: u128,
    pub bad: u64,
    pub minutes: Option<Vec<Minute>>,
    pub mser: Option<Mser>,
    /// Requests that had to wait, or gave up waiting.
    pub waited: u64,
    /// By class; empty when all requests are alike.
    pub classes: Vec<ClassResult>,
}

/// What one class of requests saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassResult {
    /// Offered after the warm-up cut.
    pub arrived: u64,
    /// Rejected, timed out, failed.
    pub errors: u64,
    /// Of the served.
    pub latency: Histogram,
    /// Of the served.
    pub wait: Histogram,
}

/// How much of [from, to] lies after the cut.
#[inline]
pub(crate) fn after_cut(cut: u64, from: u64, to: u64) -> u64 {
    to.saturating_sub(from.max(cut))
}

impl Tally {
    pub fn new(scenario: &Scenario, cut: u64, look_for_warmup: bool) -> Self {
        Self {
            cut,
            slo: scenario.slo,
            counts: Counts::default(),
            latency: Histogram::default(),
            wait: Histogram::default(),
            in_system: 0,
            bad: 0,
            minutes: scenario.timeline.then(Vec::new),
            mser: look_for_warmup.then(Mser::default),
            waited: 0,
            classes: vec![ClassResult::default(); scenario.classes.len()],
        }
    }

    #[inline]
    pub fn arrived(&mut self, number: u64, class: u8, at: u64) {
        let judged = at >= self.cut;
        self.counts.arrived += u64::from(judged);
        if let Some(class) = self.classes.get_mut(usize::from(class)) {
            class.arrived += u64::from(judged);
        }
        if let Some(mser) = &mut self.mser {
            mser.arrived(number, at);
        }
        if let Some(minute) = self.minute(at) {
            minute.arrived += 1;
            minute.judged += u64::from(judged);
        }
    }

    #[inline]
    pub fn served(&mut self, number: u64, class: u8, arrived: u64, started: u64, now: u64) {
        let latency = now - arrived;
        self.in_system += u128::from(after_cut(self.cut, arrived, now));
        if let Some(mser) = &mut self.mser {
            mser.served(number, latency);
        }
        let judged = arrived >= self.cut;
        let bad = judged && self.slo.is_some_and(|slo| latency > slo.latency.0);
        if judged {
            self.counts.served += 1;
            self.latency.record(latency);
            self.wait.record(started - arrived);
            self.waited += u64::from(started > arrived);
            if let Some(class) = self.classes.get_mut(usize::from(class)) {
                class.latency.record(latency);
                class.wait.record(started - arrived);
            }
            self.bad += u64::from(bad);
        }
        if let Some(minute) = self.minute(arrived) {
            minute.served += 1;
            minute.latency.record(latency);
            minute.wait += u128::from(started - arrived);
            minute.bad += u64::from(bad);
        }
    }

    /// Gave up waiting.
    pub fn abandoned(&mut self, arrived: u64) {
        self.waited += u64::from(arrived >= self.cut);
    }

    pub fn lost(&mut self, loss: Loss, class: u8, arrived: u64, now: u64) {
        self.in_system += u128::from(after_cut(self.cut, arrived, now));
        let judged = arrived >= self.cut;
        if judged {
            self.bad += 1;
            if let Some(class) = self.classes.get_mut(usize::from(class)) {
                class.errors += 1;
            }
            match loss {
                Loss::Rejected => self.counts.rejected += 1,
                Loss::TimedOut => self.counts.timed_out += 1,
                Loss::Failed => self.counts.failed += 1,
            }
        }
        if let Some(minute) = self.minute(arrived) {
            minute.errors += 1;
            minute.bad += u64::from(judged);
        }
    }

    pub fn retried(&mut self, arrived: u64) {
        self.counts.retried += u64::from(arrived >= self.cut);
    }

    /// Still there at the end: its latency isn't known, but it may be known already to be too long.
    pub fn in_flight(&mut self, arrived: u64, waited: bool, end: u64) {
        self.in_system += u128::from(after_cut(self.cut, arrived, end));
        if arrived < self.cut {
            return;
        }
        self.counts.in_flight_at_end += 1;
        self.waited += u64::from(waited);
        if self.slo.is_some_and(|slo| end - arrived > slo.latency.0) {
            self.bad += 1;
            if let Some(minute) = self.minute(arrived) {
                minute.bad += 1;
            }
        }
    }

    /// The fleet at the end of a minute.
    pub fn fleet(&mut self, minute: u64, ready: u32, booting: u32) {
        if let Some(minute) = self.minute(minute * MINUTE) {
            (minute.ready, minute.booting) = (ready, booting);
        }
    }

    #[inline]
    fn minute(&mut self, at: u64) -> Option<&mut Minute> {
        let minutes = self.minutes.as_mut()?;
        let minute = (at / MINUTE) as usize;
        if minute >= minutes.len() {
            minutes.resize_with(minute + 1, Minute::default);
        }
        minutes.get_mut(minute)
    }

    /// Minutes in which more requests than the objective allows were slow or lost; `None` without an objective or a timeline.
    pub fn violation_minutes(&self) -> Option<u64> {
        let allowed = 1.0 - self.slo?.percentile / 100.0;
        let violated = |minute: &&Minute| minute.judged > 0 && minute.bad as f64 > allowed * minute.judged as f64;
        self.minutes.as_ref().map(|minutes| minutes.iter().filter(violated).count() as u64)
    }
}
