//! Where jobs are put up: what waits, what runs, and what the API sees of both.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use simulator::Scenario;

use super::live::{Live, Seen, Stop};
use super::{backtest, prepare, request, work, worker};
use crate::api::control::ControlError;
use crate::api::dto::{JobRequest, JobResult, JobSize};
use crate::runtime::Shared;
use crate::store::{JobRow, StoreError};

/// What a process takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Jobs that wait, at most.
    pub waiting: usize,
    /// Wall time of one job.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { waiting: 8, wall: Duration::from_secs(1_800) }
    }
}

/// Requests a second that are simulated before anything was measured here.
const RATE: f64 = 1_000_000.0;
/// Simulated time of a scenario of one's own [s]: more would be remembered by the minute than fits.
const SCENARIO_S_MAX: f64 = 31.0 * 86_400.0;

/// The jobs of this process.
pub struct Board {
    pub(super) shared: Arc<Shared>,
    pub(super) limits: Limits,
    pub(super) desk: Mutex<Desk>,
    pub(super) bell: Condvar,
    /// Requests a second that the last what-if was simulated with, rounded.
    pub(super) rate: AtomicU64,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What waits and what runs; together, so that a job is always one of both.
#[derive(Default)]
pub(super) struct Desk {
    pub waiting: VecDeque<i64>,
    pub running: Option<Arc<Live>>,
    pub ending: bool,
}

/// What is stored of a job that ended.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Stored {
    pub result: JobResult,
    pub scenarios: Vec<String>,
}

/// Work that can begin.
pub(super) enum Prepared {
    WhatIf(Box<prepare::Prepared>),
    Scenario { text: String, title: String, size: JobSize },
    Backtest(Box<backtest::Prepared>),
}

impl Board {
    /// Takes up what a former process left behind, and starts the worker.
    ///
    /// # Errors
    /// What the database says, or that there is no thread to be had.
    pub async fn start(shared: Arc<Shared>, limits: Limits) -> Result<Arc<Self>, StoreError> {
        let why = "prescale ended while it ran; ask for it again";
        shared.store.fail_running_jobs(why, shared.clock.now_ms()).await?;
        let mut waiting: Vec<i64> =
            shared.store.jobs(i64::from(u32::MAX)).await?.into_iter().filter(|job| job.state == "queued").map(|job| job.id).collect();
        waiting.reverse();
        let desk = Desk { waiting: waiting.into(), ..Desk::default() };
        let board = Arc::new(Self {
            shared,
            limits,
            desk: Mutex::new(desk),
            bell: Condvar::new(),
            rate: AtomicU64::new(RATE as u64),
            thread: Mutex::new(None),
        });
        *board.thread.lock() = worker::start(&board);
        Ok(board)
    }

    /// Ends what runs (it is failed at the next start) and waits for the worker.
    pub async fn stop(&self) {
        {
            let mut desk = self.desk.lock();
            desk.ending = true;
            if let Some(live) = &desk.running {
                live.stop(Stop::Ending);
            }
            self.bell.notify_all();
        }
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A worker that panicked has ended, too.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    pub(super) fn running(&self, id: i64) -> Option<Arc<Live>> {
        self.desk.lock().running.clone().filter(|live| live.id == id)
    }

    pub(super) async fn row(&self, id: u64) -> Result<JobRow, ControlError> {
        let not_found = || ControlError::NotFound { what: "job", name: id.to_string() };
        let stored = i64::try_from(id).map_err(|_| not_found())?;
        self.shared.store.job(stored).await.map_err(unavailable)?.ok_or_else(not_found)
    }

    /// What is known of a job: what is seen while it runs, what is stored after it.
    pub(super) async fn known(&self, id: u64) -> Result<(JobRow, Seen, bool), ControlError> {
        // First, and once more if it has ended in between: what is stored is complete then.
        let row = self.row(id).await?;
        if let Some(live) = self.running(row.id) {
            return Ok((row, live.seen(), true));
        }
        let row = self.row(id).await?;
        let (result, load) = self.shared.store.job_result(row.id).await.map_err(unavailable)?.unwrap_or_default();
        let Stored { result, scenarios } = match result.as_str() {
            "" => Stored::default(),
            text => serde_json::from_str(text).map_err(|error| corrupt(&error.to_string()))?,
        };
        let load = unpacked(&load)?;
        let progress = if row.state == "done" { 1.0 } else { 0.0 };
        Ok((row, Seen { progress, result, scenarios, load, ..Seen::default() }, false))
    }

    /// Reads what a job needs, and refuses what can't be worked out.
    pub(super) async fn prepare(&self, request: &JobRequest) -> Result<Prepared, ControlError> {
        match request {
            JobRequest::WhatIf(what_if) => {
                let rate = self.rate.load(Ordering::Relaxed) as f64;
                Ok(Prepared::WhatIf(Box::new(prepare::what_if(&self.shared, what_if, rate).await?)))
            }
            JobRequest::Scenario(job) => {
                let scenario = work::parse_alone(&job.scenario).map_err(request::bad_input)?;
                let size = self.scenario_size(&scenario)?;
                Ok(Prepared::Scenario { text: job.scenario.clone(), title: scenario.name, size })
            }
            JobRequest::Backtest(job) => Ok(Prepared::Backtest(Box::new(backtest::prepare(&self.shared, job).await?))),
        }
    }

    fn scenario_size(&self, scenario: &Scenario) -> Result<JobSize, ControlError> {
        let refuse = |value: String, allowed: String| Err(ControlError::BadInput { key: "scenario".into(), value, allowed });
        let seconds = scenario.expected_s();
        if seconds > SCENARIO_S_MAX {
            return refuse(format!("a run of {seconds:.0} s"), format!("at most {SCENARIO_S_MAX} s of simulated time"));
        }
        // To find an automatic warm-up cut it is run twice.
        let twice = if scenario.warmup == simulator::Warmup::Auto { 2.0 } else { 1.0 };
        let requests = scenario.arrivals.mean_rps() * seconds * f64::from(scenario.replications) * twice;
        if requests > request::REQUESTS_MAX as f64 {
            let allowed = format!("at most {} requests in all replications together", request::REQUESTS_MAX);
            return refuse(format!("a scenario of {requests:.0} requests"), allowed);
        }
        let rate = self.rate.load(Ordering::Relaxed) as f64;
        Ok(JobSize { runs: scenario.replications, requests: requests as u64, seconds: requests / rate })
    }

    /// The request as it is stored, and its title.
    pub(super) fn settled(request: JobRequest, prepared: &Prepared) -> (JobRequest, String) {
        match (request, prepared) {
            (_, Prepared::WhatIf(prepared)) => (JobRequest::WhatIf(prepared.request.clone()), prepared.title.clone()),
            (request, Prepared::Scenario { title, .. }) => (request, title.clone()),
            (JobRequest::Backtest(job), Prepared::Backtest(_)) => {
                let title = format!("{}, {} ahead, {}", job.service, job.horizon, job.models.join(" against "));
                (JobRequest::Backtest(job), title)
            }
            (request, Prepared::Backtest(_)) => (request, String::new()),
        }
    }
}

pub(super) fn unavailable(error: StoreError) -> ControlError {
    ControlError::Unavailable { reason: error.to_string(), retry_after_s: 5 }
}

pub(super) fn corrupt(why: &str) -> ControlError {
    ControlError::Unavailable { reason: format!("a stored job is unreadable: {why}"), retry_after_s: 60 }
}

/// Compresses a series file.
pub(super) fn packed(load: &str) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(load.as_bytes(), 6)
}

fn unpacked(bytes: &[u8]) -> Result<String, ControlError> {
    /// A month of seconds as text is less.
    const BYTES_MAX: usize = 256 << 20;
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let text = miniz_oxide::inflate::decompress_to_vec_with_limit(bytes, BYTES_MAX).map_err(|error| corrupt(&error.to_string()))?;
    String::from_utf8(text).map_err(|error| corrupt(&error.to_string()))
}

pub(super) fn as_toml(request: &JobRequest) -> String {
    // Texts, numbers, lists of them and one table at the end: that always serialises.
    toml::to_string(request).unwrap_or_default()
}
