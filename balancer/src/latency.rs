//! Latency: the averages that picks compare, and ejection of who is too slow.

use crate::backend::OutcomeKind;
use crate::config::ConfigError;
use crate::time::{Nanos, span};
use crate::warmup::PARTS;
use serde::{Deserialize, Serialize};

/// A mean latency of one backend that forgets by time. Nanoseconds; 0 = nothing was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Average {
    value: f64,
    at: Nanos,
}

impl Average {
    /// What is left of an old observation after this long, 0 to 1.
    fn kept(self, now: Nanos, decay: Nanos) -> f64 {
        // `libm`, because the standard library's differs in the last bit between machines.
        libm::exp(-(now.since(self.at).0 as f64) / decay.0.max(1) as f64)
    }

    /// Counts an observation. With `peak` a larger one takes over at once (linkerd's peak-sensitive average).
    pub(crate) fn observe(&mut self, latency: Nanos, now: Nanos, decay: Nanos, peak: bool) {
        let latency = latency.0.max(1) as f64;
        self.value = if self.value == 0.0 || (peak && latency > self.value) {
            latency
        } else {
            // Observations at one moment would otherwise count nothing at all.
            let kept = self.kept(now, decay).min(0.999);
            self.value * kept + latency * (1.0 - kept)
        };
        self.at = now;
    }

    /// As last counted.
    pub(crate) fn value(self) -> f64 {
        self.value
    }

    /// Fallen towards 0 since: who wasn't asked for long is asked again.
    pub(crate) fn faded(self, now: Nanos, decay: Nanos) -> f64 {
        if self.value == 0.0 { 0.0 } else { self.value * self.kept(now, decay) }
    }

    /// Drawn towards `mean` since: with time, nobody is known to be slow or fast any more.
    pub(crate) fn aged(self, mean: f64, now: Nanos, decay: Nanos) -> Average {
        if self.value == 0.0 { self } else { Average { value: mean + (self.value - mean) * self.kept(now, decay), at: now } }
    }
}

fn default_hold() -> Nanos {
    Nanos::from_secs(10)
}
fn default_steps() -> u32 {
    4
}
fn default_requests() -> u32 {
    10
}

/// Weight by response time: a backend whose mean latency passes the limit gets weight 0, and comes back by steps, each only while it stays
/// below. Time-outs count with the time that they took; other failures say nothing about speed. The panic threshold covers this too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyEjection {
    /// The mean above which a backend is out. Wall time.
    #[serde(with = "span")]
    pub limit: Nanos,
    /// Answers that the mean is taken over, 1 to 10000; with fewer nobody is judged.
    #[serde(default = "default_requests")]
    pub requests: u32,
    /// How long the weight stays 0, and then each step lasts. Domain time.
    #[serde(with = "span", default = "default_hold")]
    pub hold: Nanos,
    /// Steps back to the full weight, 1 to 100.
    #[serde(default = "default_steps")]
    pub steps: u32,
}

impl LatencyEjection {
    /// Out above this mean of ten answers, back in four steps of 10 s.
    pub fn new(limit: Nanos) -> LatencyEjection {
        LatencyEjection { limit, requests: default_requests(), hold: default_hold(), steps: default_steps() }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.limit == Nanos::ZERO {
            return Err(ConfigError::new("latency.limit", self.limit, "longer than 0s"));
        }
        if !(1..=10_000).contains(&self.requests) {
            return Err(ConfigError::new("latency.requests", self.requests, "1 to 10000"));
        }
        if self.hold == Nanos::ZERO {
            return Err(ConfigError::new("latency.hold", self.hold, "longer than 0s"));
        }
        if !(1..=100).contains(&self.steps) {
            return Err(ConfigError::new("latency.steps", self.steps, "1 to 100"));
        }
        Ok(())
    }
}

/// Latency ejection of one backend.
#[derive(Debug, Clone, Default)]
pub(crate) struct LatencyState {
    mean_ns: u64,
    counted: u32,
    /// Weight 0 until then; then back by steps.
    until: Option<Nanos>,
}

impl LatencyState {
    /// Counts an answer. True if the backend is out from now on.
    pub(crate) fn finish(&mut self, rules: &LatencyEjection, kind: OutcomeKind, latency: Nanos, now: Nanos) -> bool {
        if !matches!(kind, OutcomeKind::Success | OutcomeKind::Timeout) || self.closed(now) {
            return false;
        }
        self.counted = (self.counted + 1).min(rules.requests);
        // Below 2⁶⁴ × 10⁴, and the mean lies between its parts.
        let rest = u128::from(self.mean_ns) * u128::from(self.counted - 1);
        self.mean_ns = ((rest + u128::from(latency.0)) / u128::from(self.counted)) as u64;
        let slow = self.counted == rules.requests && self.mean_ns > rules.limit.0;
        if slow {
            *self = LatencyState { until: Some(now + rules.hold), ..LatencyState::default() };
        }
        slow
    }

    pub(crate) fn closed(&self, now: Nanos) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// The part of the weight at `now`, in [`PARTS`].
    pub(crate) fn parts(&self, rules: &LatencyEjection, now: Nanos) -> u32 {
        match self.until {
            None => PARTS,
            Some(until) if now < until => 0,
            Some(until) => {
                let step = now.since(until).0 / rules.hold.0.max(1) + 1;
                (u64::from(PARTS) * step.min(u64::from(rules.steps)) / u64::from(rules.steps)).max(1) as u32
            }
        }
    }

    /// Ends what is over; says when the next step is.
    pub(crate) fn tick(&mut self, rules: &LatencyEjection, now: Nanos) -> Option<Nanos> {
        let until = self.until?;
        if self.parts(rules, now) >= PARTS {
            self.until = None;
            return None;
        }
        let steps_done = now.since(until).0 / rules.hold.0.max(1) + 1;
        let next = if now < until { until } else { Nanos(until.0.saturating_add(rules.hold.0.saturating_mul(steps_done))) };
        Some(next)
    }
}
