//! When requests arrive: open patterns (a rate that nobody's waiting changes) and closed sessions.

use std::sync::Arc;

use balancer::Nanos;
use serde::Serialize;

use super::ServiceTime;
use crate::units::{SECOND, as_s};

/// When requests arrive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arrivals {
    /// Independent users: exponential gaps.
    Poisson {
        /// Mean rate [requests/s].
        rate_rps: f64,
    },
    /// Equal gaps, the first arrival after one gap.
    Constant {
        /// Rate [requests/s].
        rate_rps: f64,
    },
    /// A rate per step, held flat inside the step; Poisson inside it (exact, by inversion of the integrated rate).
    Series {
        /// Length of a step.
        step: Nanos,
        /// Rate of each step [requests/s], scaled already.
        rates_rps: Vec<f64>,
    },
    /// Poisson with the rate mean × (1 + amplitude × sin(2π t / period)), by thinning (Lewis and Shedler 1979).
    Sinusoid {
        /// Mean rate [requests/s].
        rate_rps: f64,
        /// Swing as a share of the mean, 0 to 1.
        amplitude: f64,
        /// Length of a wave.
        period: Nanos,
    },
    /// A Markov-modulated Poisson process: exponential stays in each phase, in a circle from the first on.
    Mmpp {
        /// At least one.
        phases: Vec<RatePhase>,
    },
    /// A base rate that climbs to a peak, stays and falls back: Poisson, the ramps linear (exact, by inversion).
    Flash {
        /// Before and after [requests/s].
        rate_rps: f64,
        /// On the plateau [requests/s].
        peak_rps: f64,
        /// When the climb begins.
        at: Nanos,
        /// How long the climb takes.
        ramp: Nanos,
        /// How long the peak lasts.
        hold: Nanos,
        /// How long the fall takes.
        decay: Nanos,
    },
    /// These very times, as a request log has them.
    Log {
        /// Offsets from the start [ns], ascending.
        #[serde(skip)]
        at_ns: Arc<[u64]>,
    },
    /// Users that wait for each answer, think, and ask again. Everybody begins by thinking.
    Closed {
        /// How many.
        sessions: u32,
        /// Time from an answer (or a final failure) to the next request.
        think: ServiceTime,
    },
}

/// One phase of a modulated process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatePhase {
    /// Rate while it lasts [requests/s].
    pub rate_rps: f64,
    /// Mean length (exponential).
    pub mean: Nanos,
}

impl Arrivals {
    /// Mean rate over the whole pattern [requests/s]; for a flash load its peak (the pattern has no length of its own), for closed
    /// sessions the most that they can ask for.
    pub fn mean_rps(&self) -> f64 {
        match self {
            Self::Poisson { rate_rps } | Self::Constant { rate_rps } | Self::Sinusoid { rate_rps, .. } => *rate_rps,
            Self::Series { rates_rps, .. } => rates_rps.iter().sum::<f64>() / rates_rps.len().max(1) as f64,
            Self::Mmpp { phases } => {
                let length: f64 = phases.iter().map(|phase| as_s(phase.mean.0)).sum();
                phases.iter().map(|phase| phase.rate_rps * as_s(phase.mean.0)).sum::<f64>() / length
            }
            Self::Flash { rate_rps, peak_rps, .. } => rate_rps.max(*peak_rps),
            Self::Log { at_ns } => at_ns.len() as f64 / as_s(at_ns.last().copied().unwrap_or(0).max(1)),
            Self::Closed { sessions, think } => f64::from(*sessions) / (think.mean_ms / 1e3).max(1e-3),
        }
    }

    /// When the pattern is over by itself [ns]; `None` when it goes on for ever.
    pub fn ends(&self) -> Option<u64> {
        match self {
            Self::Series { step, rates_rps } => Some(step.0.saturating_mul(rates_rps.len() as u64)),
            // One nanosecond later, so that the last one still arrives.
            Self::Log { at_ns } => Some(at_ns.last().map_or(0, |last| last + 1)),
            _ => None,
        }
    }

    /// Whether the load stays alike for ever, so that there is a steady state to find the beginning of.
    pub fn steady(&self) -> bool {
        matches!(self, Self::Poisson { .. } | Self::Constant { .. } | Self::Mmpp { .. } | Self::Closed { .. })
    }

    /// The corners (time, rate) of a flash load; flat before the first and after the last.
    pub(crate) fn corners(rate_rps: f64, peak_rps: f64, at: Nanos, ramp: Nanos, hold: Nanos, decay: Nanos) -> [(u64, f64); 4] {
        let top = at.0.saturating_add(ramp.0);
        let fall = top.saturating_add(hold.0);
        [(at.0, rate_rps), (top, peak_rps), (fall, peak_rps), (fall.saturating_add(decay.0), rate_rps)]
    }
}

/// A day has 86,400 of them: the longest log that is accepted holds this many requests.
pub(super) const MOST_LOGGED: usize = 100_000_000;

/// Seconds of a log to nanoseconds.
pub(super) fn offsets(seconds: &[f64], scale: f64, stretch: f64) -> Option<Arc<[u64]>> {
    let first = seconds.first().copied()?;
    let longest = 100.0 * 365.0 * 86_400.0;
    let mut out: Vec<u64> = Vec::with_capacity(seconds.len());
    // Scaled to k times the requests: each comes floor(k) times, and once more when the running remainder passes one.
    let mut owed = 0.0;
    for at in seconds {
        let at_s = (at - first) * stretch;
        if !(at_s.is_finite() && (0.0..=longest).contains(&at_s)) {
            return None;
        }
        owed += scale;
        while owed >= 1.0 {
            out.push(libm::round(at_s * SECOND as f64) as u64);
            owed -= 1.0;
        }
    }
    out.sort_unstable();
    Some(out.into())
}
