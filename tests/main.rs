//! The whole thing against real peers.
