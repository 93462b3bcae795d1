//! What the predictor promises, on synthetic and on real series.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod bad_data;
mod cold;
mod explanation;
mod explosion;
mod extremes;
mod gate;
mod holidays;
mod local_time;
mod low_counts;
mod properties;
mod support;
