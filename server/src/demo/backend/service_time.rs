//! How long a request takes.

use std::time::Duration;

use rand_distr::{Distribution, Exp1, LogNormal};
use rand_pcg::Pcg64Mcg;

/// How service times are spread around their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServiceTime {
    /// Always the same.
    Fixed {
        /// Milliseconds, wall.
        mean_ms: f64,
    },
    /// Exponential: squared coefficient of variation 1.
    Exponential {
        /// Milliseconds, wall.
        mean_ms: f64,
    },
    /// Log-normal, the shape that real services have.
    LogNormal {
        /// Milliseconds, wall.
        mean_ms: f64,
        /// Squared coefficient of variation.
        scv: f64,
    },
}

impl ServiceTime {
    /// Draws one service time. A mean that is no positive number is 0; an impossible spread is none.
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> Duration {
        let ms = match *self {
            Self::Fixed { mean_ms } => mean_ms,
            Self::Exponential { mean_ms } => {
                let unit: f64 = Exp1.sample(rng);
                unit * mean_ms
            }
            Self::LogNormal { mean_ms, scv } => LogNormal::from_mean_cv(mean_ms, scv.sqrt()).map_or(mean_ms, |spread| spread.sample(rng)),
        };
        Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or(Duration::ZERO)
    }
}
