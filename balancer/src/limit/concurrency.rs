//! How many requests at once: a fixed number, or one that follows latency.

use crate::backend::OutcomeKind;
use crate::config::ConfigError;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// A limit of requests at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcurrencyConfig {
    /// Never more than this, 1 to 1000000.
    Fixed(u32),
    /// Found from latencies.
    Gradient(GradientConfig),
}

/// Netflix' concurrency-limits, Gradient2: compares the latency of now with that of the long run. While they are the same the limit grows
/// by a small queue; as latency rises, the limit shrinks in proportion. Unlike Gradient2, the long run learns nothing from a queue of its
/// own making.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientConfig {
    /// Where it begins.
    pub initial: u32,
    /// Never below this, 1 or more.
    pub min: u32,
    /// Never above this, at most 1000000.
    pub max: u32,
    /// How much latency may rise over the long run's before the limit shrinks, 1 to 10 (1.5: by half).
    pub tolerance: f64,
    /// Requests that may queue: how fast the limit grows, 1 to 1000.
    pub queue: u32,
    /// Answers that the long run is averaged over, 10 to 100000.
    pub long_window: u32,
}

impl Default for GradientConfig {
    fn default() -> GradientConfig {
        GradientConfig { initial: 20, min: 1, max: 1_000, tolerance: 1.5, queue: 4, long_window: 600 }
    }
}

impl ConcurrencyConfig {
    /// Says what is wrong, if anything.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, allowed: &str| Err(ConfigError::new(key, value, allowed));
        match self {
            ConcurrencyConfig::Fixed(limit) if !(1..=1_000_000).contains(limit) => wrong("concurrency.fixed", limit, "1 to 1000000"),
            ConcurrencyConfig::Fixed(_) => Ok(()),
            ConcurrencyConfig::Gradient(rules) => {
                if rules.min == 0 || rules.min > rules.max {
                    return wrong("concurrency.gradient.min", &rules.min, "1 or more, at most `max`");
                }
                if rules.max > 1_000_000 {
                    return wrong("concurrency.gradient.max", &rules.max, "at most 1000000");
                }
                if !(rules.min..=rules.max).contains(&rules.initial) {
                    return wrong("concurrency.gradient.initial", &rules.initial, "from `min` to `max`");
                }
                // Written so that NaN is refused as well.
                if !(1.0..=10.0).contains(&rules.tolerance) {
                    return wrong("concurrency.gradient.tolerance", &rules.tolerance, "1 to 10");
                }
                if !(1..=1_000).contains(&rules.queue) {
                    return wrong("concurrency.gradient.queue", &rules.queue, "1 to 1000");
                }
                if !(10..=100_000).contains(&rules.long_window) {
                    return wrong("concurrency.gradient.long_window", &rules.long_window, "10 to 100000");
                }
                Ok(())
            }
        }
    }
}

/// Answers that "now" is averaged over.
const SHORT_WINDOW: f64 = 10.0;
/// How much of a new limit is taken over at once.
const SMOOTHING: f64 = 0.2;

/// Counts requests and says whether one more may go. Every [`try_begin`](ConcurrencyLimit::try_begin) that succeeded needs a
/// [`finish`](ConcurrencyLimit::finish).
#[derive(Debug, Clone)]
pub struct ConcurrencyLimit {
    config: ConcurrencyConfig,
    limit: f64,
    in_flight: u32,
    short_ns: f64,
    long_ns: f64,
}

impl ConcurrencyLimit {
    /// Nothing in flight.
    pub fn try_new(config: ConcurrencyConfig) -> Result<ConcurrencyLimit, ConfigError> {
        config.validate()?;
        let limit = match config {
            ConcurrencyConfig::Fixed(limit) => limit,
            ConcurrencyConfig::Gradient(rules) => rules.initial,
        };
        Ok(ConcurrencyLimit { config, limit: f64::from(limit), in_flight: 0, short_ns: 0.0, long_ns: 0.0 })
    }

    /// Requests at once that are allowed now.
    pub fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Takes a place; false if there is none.
    pub fn try_begin(&mut self) -> bool {
        let free = self.in_flight < self.limit();
        self.in_flight += u32::from(free);
        free
    }

    /// Gives a place back and learns from how it went. A time-out counts with its time; a failure that came quickly says nothing about room,
    /// and a refusal for lack of it shrinks the limit.
    pub fn finish(&mut self, kind: OutcomeKind, latency: Nanos) {
        let before = self.in_flight;
        self.in_flight = before.saturating_sub(1);
        let ConcurrencyConfig::Gradient(rules) = self.config else { return };
        match kind {
            OutcomeKind::Success | OutcomeKind::Timeout => self.learn(&rules, latency.0.max(1) as f64, before),
            OutcomeKind::Overloaded => self.limit = (self.limit * 0.9).max(f64::from(rules.min)),
            OutcomeKind::ServerError | OutcomeKind::ConnectFailed | OutcomeKind::Cancelled => {}
        }
    }

    fn learn(&mut self, rules: &GradientConfig, latency: f64, in_flight: u32) {
        let average = |old: f64, window: f64| if old == 0.0 { latency } else { old + (latency - old) / window };
        self.short_ns = average(self.short_ns, SHORT_WINDOW);
        // Under a lasting overload the long run would learn that slow is normal, and the limit would run away (as Gradient2's does). So it
        // learns upwards only from requests that can't have queued here: the limit isn't reached, or has shrunk to next to nothing.
        let innocent = f64::from(in_flight) < self.limit.floor() || self.limit <= f64::from(4 * rules.queue);
        if innocent || latency < self.long_ns || self.long_ns == 0.0 {
            self.long_ns = average(self.long_ns, f64::from(rules.long_window));
        }
        // After a long overload the long run would otherwise take as long to recover.
        if self.long_ns > 2.0 * self.short_ns {
            self.long_ns *= 0.95;
        }
        // A limit that isn't used says nothing: don't let it drift up in a quiet hour.
        if f64::from(in_flight) < self.limit / 2.0 {
            return;
        }
        let gradient = (rules.tolerance * self.long_ns / self.short_ns).clamp(0.5, 1.0);
        let wanted = self.limit * gradient + f64::from(rules.queue);
        let smoothed = self.limit * (1.0 - SMOOTHING) + wanted * SMOOTHING;
        self.limit = smoothed.clamp(f64::from(rules.min), f64::from(rules.max));
    }
}
