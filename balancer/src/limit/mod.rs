//! Limits in front of a pool: how many requests per second, how many at once, and who waits.

mod bucket;
mod concurrency;
mod queue;

pub use bucket::{TokenBucket, TokenBucketConfig};
pub use concurrency::{ConcurrencyConfig, ConcurrencyLimit, GradientConfig};
pub use queue::{AdmissionQueue, Admitted, QueueConfig, QueueFull};
