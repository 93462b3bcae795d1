//! Simulations and backtests that people ask for, one after the other, beside the control loop and never in its way.
//!
//! **The loop can't starve, by construction**: everything is worked off by one plain thread at the lowest priority that the system has (nice
//! 19), outside of the async runtime's workers; what the pure crates would spread over cores runs on that thread alone (`pool`). The loop's
//! own work, forecasts included, is at normal priority. docs/what-if.md has what was measured.
//!
//! A request becomes text first: a scenario file per cell and one series file, the very ones that a user can save and give to `prescale
//! simulate`. The worker parses that text, so that the same result needs no second code path to be believed.
//!
//! Jobs live in the database (`store::job`): those that wait survive a restart, one that ran is failed by it, results stay for a while.

mod backtest;
mod board;
mod cell;
pub(crate) mod compare;
mod face;
pub(crate) mod figures;
mod fleet;
mod live;
mod load;
mod plan;
mod prepare;
pub(crate) mod report;
mod request;
mod stretch;
mod work;
mod worker;

#[cfg(test)]
mod tests;

pub use board::{Board, Limits};
