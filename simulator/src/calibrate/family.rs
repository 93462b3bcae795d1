//! The shapes that are tried: those that a scenario's `service_time` knows and that are smooth.

use serde::Serialize;

use super::special::{gamma_below_above, normal_above};
use crate::scenario::ServiceDist;

/// A shape of service times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Memoryless: one parameter, scv = 1.
    Exponential,
    /// The logarithm is normal.
    Lognormal,
    /// Erlang and its in-betweens.
    Gamma,
}

impl Family {
    /// Simplest first: of equals that one is taken.
    pub const ALL: [Self; 3] = [Self::Exponential, Self::Lognormal, Self::Gamma];

    /// As a scenario writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Lognormal => "lognormal",
            Self::Gamma => "gamma",
        }
    }

    /// Free parameters: the mean, and for two of them the squared coefficient of variation.
    pub(super) fn parameters(self) -> usize {
        if self == Self::Exponential { 1 } else { 2 }
    }

    /// As the simulator draws it.
    #[must_use]
    pub fn dist(self, scv: f64) -> ServiceDist {
        match self {
            Self::Exponential => ServiceDist::Exponential,
            Self::Lognormal => ServiceDist::Lognormal { scv },
            Self::Gamma => ServiceDist::Gamma { scv },
        }
    }

    /// (probability below, above) `x`, for this mean and squared coefficient of variation.
    pub(super) fn below_above(self, mean: f64, scv: f64, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 1.0);
        }
        if x == f64::INFINITY {
            return (1.0, 0.0);
        }
        match self {
            Self::Exponential => (-libm::expm1(-x / mean), libm::exp(-x / mean)),
            Self::Lognormal => {
                let variance = libm::log1p(scv);
                let z = (libm::log(x / mean) + 0.5 * variance) / libm::sqrt(variance);
                (normal_above(-z), normal_above(z))
            }
            Self::Gamma => gamma_below_above(1.0 / scv, x / (mean * scv)),
        }
    }

    /// Probability of an interval, from whichever tail is the smaller one, so that little is lost to cancellation.
    pub(super) fn between(self, mean: f64, scv: f64, from: f64, to: f64) -> f64 {
        let (below_from, above_from) = self.below_above(mean, scv, from);
        let (below_to, above_to) = self.below_above(mean, scv, to);
        if below_from > 0.5 { above_from - above_to } else { below_to - below_from }
    }
}
