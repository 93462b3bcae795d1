//! The proxy on real sockets.

// Helpers outside of test functions fail the test as well as any assertion does.
#![allow(clippy::unwrap_used)]

mod admin;
mod balancing;
mod drain;
mod failures;
mod kit;
mod limits;
mod messages;
mod strictness;
mod traffic;
