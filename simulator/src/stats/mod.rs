//! Statistics that merge exactly: integer sums, log-linear histograms, the MSER-5 warm-up cut, Student's t over replications.

mod confidence;
mod histogram;
mod mser;

pub use confidence::{Interval, student_t_quantile, t_interval};
pub use histogram::Histogram;
pub(crate) use mser::Mser;
