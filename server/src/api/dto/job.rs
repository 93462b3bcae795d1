//! Simulations and backtests as resources: how they are, and what they will cost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Comparison, JobRequest, JobResult};
use crate::api::time::Time;

/// Answer of `POST /jobs/estimate`: the request with every default filled in, and what it will cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobEstimate {
    /// The request with every default filled in.
    pub request: JobRequest,
    /// The same as TOML.
    pub toml: String,
    /// What will be simulated.
    pub size: JobSize,
    /// The cells, in the order of their numbers.
    pub cells: Vec<CellPlan>,
    /// What is assumed, and what is left out.
    pub notes: Vec<String>,
}

/// How much work a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSize {
    /// Runs: cells × seeds, or models × origins.
    pub runs: u32,
    /// Requests that are simulated in all.
    pub requests: u64,
    /// Wall seconds that this takes here, roughly.
    pub seconds: f64,
}

/// One cell of the matrix before it is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellPlan {
    /// For people.
    pub name: String,
    /// Its scenario: `prescale simulate` gives the same result with it and the job's `load.csv`.
    pub scenario: String,
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for the one before it.
    Queued,
    /// Is being worked out.
    Running,
    /// Worked out; the result is there.
    Done,
    /// Came to nothing, or only to a part; `error` says why.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

/// What a job works out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Of a service.
    WhatIf,
    /// Of one's own.
    Scenario,
    /// Of forecasts.
    Backtest,
}

/// A job in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// What it works out.
    pub kind: JobKind,
    /// In a few words.
    pub title: String,
    /// Who asked for it.
    pub who: String,
    /// How it is.
    pub state: JobState,
    /// When it was asked for.
    pub created: Time,
    /// When it ended.
    #[schema(required)]
    pub ended: Option<Time>,
    /// Wall seconds that it took.
    #[schema(required)]
    pub wall_s: Option<f64>,
    /// 0 to 1.
    pub progress: f64,
    /// What is being worked out now; only while it runs.
    #[schema(required)]
    pub now: Option<JobNow>,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<String>,
}

/// What a running job is at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobNow {
    /// The cell (or model), from 1.
    pub cell: u32,
    /// How many there are.
    pub cells: u32,
    /// The cell's name.
    pub name: String,
    /// The seed (or origin), from 1.
    pub seed: u32,
    /// How many there are.
    pub seeds: u32,
    /// The simulated clock.
    #[schema(required)]
    pub simulated: Option<Time>,
}

/// Answer of `GET /jobs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// Newest first.
    pub jobs: Vec<Job>,
}

/// A job with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobDetail {
    /// The job.
    pub job: Job,
    /// What was asked, with every default filled in.
    pub request: JobRequest,
    /// The same as TOML.
    pub toml: String,
    /// What came out so far; complete when the job is done.
    pub result: JobResult,
    /// Every cell against the baseline; absent with fewer than two finished cells.
    #[schema(required)]
    pub comparison: Option<Comparison>,
}
