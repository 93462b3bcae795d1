//! What the API asks of the jobs: simulations and backtests that people want to see worked out. Beside [`Control`](super::control::Control),
//! because nothing that is done here touches the control loop.

use super::control::{BoxFuture, ControlError};
use super::dto::{JobDetail, JobEstimate, JobList};

/// The jobs, as the API sees them. A request comes as a TOML table whatever it was written in, unchecked.
pub trait Jobs: Send + Sync + 'static {
    /// What a request means with every default filled in, and what it will cost. Nothing is kept.
    fn estimate(&self, request: toml::Table) -> BoxFuture<'_, Result<JobEstimate, ControlError>>;

    /// Queues a job for `who`; its id.
    fn submit<'a>(&'a self, who: &'a str, request: toml::Table) -> BoxFuture<'a, Result<u64, ControlError>>;

    /// At most `limit` jobs, newest first.
    fn list(&self, limit: u32) -> BoxFuture<'_, Result<JobList, ControlError>>;

    /// One job, compared with the cell `baseline` (the first one with a result when absent).
    fn get(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<JobDetail, ControlError>>;

    /// Ends a job that waits or runs; deletes one that has ended.
    fn remove(&self, id: u64) -> BoxFuture<'_, Result<(), ControlError>>;

    /// The result as one HTML file that needs nothing else.
    fn report(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<String, ControlError>>;

    /// The load that was simulated, as `prescale simulate` reads it.
    fn load(&self, id: u64) -> BoxFuture<'_, Result<String, ControlError>>;

    /// The scenario of one cell, as `prescale simulate` reads it.
    fn scenario(&self, id: u64, cell: u32) -> BoxFuture<'_, Result<String, ControlError>>;
}
