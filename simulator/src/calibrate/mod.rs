//! From what a running service measures to what a scenario needs: the distribution of its service time from the buckets of a histogram, and
//! how many requests a replica serves at once from throughput against concurrency. Each estimate comes with its 95 % interval.
//!
//! ```
//! use simulator::calibrate::{Buckets, Family, fit};
//! // Prometheus' cumulative buckets: 10 ms, 20 ms, 50 ms, 100 ms, and all.
//! let buckets = Buckets::try_new(&[10.0, 20.0, 50.0, 100.0], &[39_347.0, 63_212.0, 91_792.0, 99_326.0, 100_000.0])?;
//! let best = &fit(&buckets)?.candidates[0];
//! assert_eq!(best.family, Family::Exponential);
//! assert!(best.mean_ms.low < 20.0 && 20.0 < best.mean_ms.high);
//! # Ok::<(), simulator::calibrate::CalibrateError>(())
//! ```
//!
//! A histogram of latencies holds waiting too: give it times in which nobody waits. And it says nothing about what happens within a bucket:
//! the intervals widen where the buckets are coarse.

mod buckets;
mod family;
mod fit;
mod minimise;
mod special;
#[cfg(test)]
mod tests;
mod usl;

use serde::Serialize;

pub use buckets::Buckets;
pub use family::Family;
pub use fit::{Candidate, Fit, fit};
pub use usl::{LoadPoint, Usl, fit_usl};

/// A number and the interval that holds the true one with 95 % confidence, if the model is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The most likely value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end; infinite where the data set no limit.
    pub high: f64,
}

/// Measurements that nothing can be learnt from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrateError {
    /// The buckets are not a histogram.
    #[error("bucket {at}: {what}")]
    Bucket {
        /// Which, counted from 0.
        at: usize,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// All observations lie in one bucket: any narrower distribution fits as well.
    #[error(
        "{count} observations in {filled} of {buckets} buckets: observations in at least two buckets are needed to tell a distribution"
    )]
    TooCoarse {
        /// Observations.
        count: f64,
        /// Buckets with any.
        filled: usize,
        /// Buckets in all.
        buckets: usize,
    },
    /// Too few different loads.
    #[error(
        "{have} usable points with {distinct} different concurrencies: at least {need} different ones are needed for a scalability curve"
    )]
    TooFewPoints {
        /// Points with positive, finite numbers.
        have: usize,
        /// Different concurrencies among them.
        distinct: usize,
        /// How many are needed.
        need: usize,
    },
}
