//! Slow start: a new backend gets its share bit by bit, so that cold caches and lazy connections don't meet full traffic at once.

use crate::config::ConfigError;
use crate::time::{Nanos, span};
use serde::{Deserialize, Serialize};

/// Effective weights are whole numbers of this many parts per unit of weight, so that ramps need no floating point.
pub(crate) const PARTS: u32 = 1_000;

fn default_minimum_percent() -> u32 {
    10
}

/// How a weight rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampShape {
    /// In a line (nginx's `slow_start`; Envoy's with aggression 1).
    #[default]
    Linear,
    /// Slowly at first: with the square of the time, for caches that fill by use.
    Quadratic,
    /// Quickly at first: with the square root of the time (Envoy's with aggression 2).
    SquareRoot,
    /// In four steps of a quarter.
    Steps,
}

/// A ramp of a backend's weight after it joined, or came back from ejection or from being down (as nginx's `slow_start`).
/// Only the relation of the effective weights counts: when all backends are new they share the traffic as if none were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowStart {
    /// How long until the full weight. Domain time.
    #[serde(with = "span")]
    pub duration: Nanos,
    /// Where the ramp begins, in percent of the weight, 1 to 100 (Envoy's default: 10). Without a floor a new backend would see no
    /// request for a while and stay as cold as it is.
    #[serde(default = "default_minimum_percent")]
    pub minimum_percent: u32,
    /// How it rises.
    #[serde(default)]
    pub shape: RampShape,
}

impl SlowStart {
    /// A linear ramp over this long with the default floor of 10 %.
    pub fn new(duration: Nanos) -> SlowStart {
        SlowStart { duration, minimum_percent: default_minimum_percent(), shape: RampShape::Linear }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.duration == Nanos::ZERO {
            return Err(ConfigError::new("slow_start.duration", self.duration, "longer than 0s"));
        }
        if !(1..=100).contains(&self.minimum_percent) {
            return Err(ConfigError::new("slow_start.minimum_percent", self.minimum_percent, "1 to 100"));
        }
        Ok(())
    }

    /// The part of the weight after `elapsed`, in [`PARTS`]: never 0, `PARTS` when the ramp is over.
    pub(crate) fn parts(&self, elapsed: Nanos) -> u32 {
        if elapsed >= self.duration {
            return PARTS;
        }
        let parts = u128::from(PARTS);
        let linear = u128::from(elapsed.0) * parts / u128::from(self.duration.0.max(1));
        let shaped = match self.shape {
            RampShape::Linear => linear,
            RampShape::Quadratic => linear * linear / parts,
            RampShape::SquareRoot => (linear * parts).isqrt(),
            RampShape::Steps => linear * 4 / parts * parts / 4,
        };
        // Below PARTS because elapsed < duration.
        (shaped as u32).max(self.minimum_percent * (PARTS / 100)).max(1)
    }

    /// How often a ramp is brought up to date: a hundredth of its length is finer than traffic can show.
    pub(crate) fn step(&self) -> Nanos {
        Nanos((self.duration.0 / 100).max(1))
    }
}
