//! The whole thing against real peers.

mod walls;
