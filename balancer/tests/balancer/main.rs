//! The balancer through its public face, one module per promise.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod config;
mod distance;
mod hashes;
mod health;
mod limits;
mod membership;
mod picks;
mod places;
mod properties;
mod retry;
mod slow_start;
mod stale;
mod support;
