//! The shell of Prescale: everything that touches the world.
//!
//! It collects samples, keeps history and journal in a database, feeds events into [`planner`]'s control step, executes the commands that
//! come out, and serves the API, the page and the command line. It decides nothing itself: which backend gets a request is `balancer`'s
//! business, how many replicas are needed is `planner`'s.

pub mod act;
pub mod api;
pub mod cli;
pub mod demo;
