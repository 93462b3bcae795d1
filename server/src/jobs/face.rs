//! The board as the API sees it.

use super::board::{Board, Prepared, as_toml, corrupt, unavailable};
use super::live::{Seen, Stop};
use super::{compare, report, request};
use crate::BoxFuture;
use crate::api::control::ControlError;
use crate::api::dto::{CellPlan, Job, JobDetail, JobEstimate, JobKind, JobList, JobRequest, JobState};
use crate::api::jobs::Jobs;
use crate::api::time::Time;
use crate::store::{Ended, JobRow};

fn job(row: &JobRow, seen: &Seen, running: bool) -> Job {
    Job {
        id: row.id.unsigned_abs(),
        kind: match row.kind.as_str() {
            "what_if" => JobKind::WhatIf,
            "scenario" => JobKind::Scenario,
            _ => JobKind::Backtest,
        },
        title: row.title.clone(),
        who: row.who.clone(),
        state: match row.state.as_str() {
            _ if running => JobState::Running,
            "queued" => JobState::Queued,
            "running" => JobState::Running,
            "done" => JobState::Done,
            "cancelled" => JobState::Cancelled,
            _ => JobState::Failed,
        },
        created: Time(row.created_ms),
        ended: (row.ended_ms > 0).then_some(Time(row.ended_ms)),
        wall_s: (row.wall_ms > 0).then(|| row.wall_ms as f64 / 1_000.0),
        progress: seen.progress,
        now: running.then(|| seen.now.clone()),
        error: (!row.error.is_empty()).then(|| row.error.clone()),
    }
}

impl Jobs for Board {
    fn estimate(&self, table: toml::Table) -> BoxFuture<'_, Result<JobEstimate, ControlError>> {
        Box::pin(async move {
            let request = request::read(&table)?;
            let (size, cells, notes) = match self.prepare(&request).await? {
                Prepared::WhatIf(prepared) => (prepared.size, prepared.cells, prepared.notes),
                Prepared::Scenario { text, title, size } => (size, vec![CellPlan { name: title, scenario: text }], Vec::new()),
                Prepared::Backtest(prepared) => (prepared.size, Vec::new(), prepared.notes),
            };
            Ok(JobEstimate { toml: as_toml(&request), request, size, cells, notes })
        })
    }

    fn submit<'a>(&'a self, who: &'a str, table: toml::Table) -> BoxFuture<'a, Result<u64, ControlError>> {
        Box::pin(async move {
            let full = || {
                let reason = format!("{} jobs wait already; cancel one, or wait until one is done", self.limits.waiting);
                ControlError::Conflict { reason }
            };
            if self.desk.lock().waiting.len() >= self.limits.waiting {
                return Err(full());
            }
            let request = request::read(&table)?;
            let prepared = self.prepare(&request).await?;
            let kind = match &request {
                JobRequest::WhatIf(_) => "what_if",
                JobRequest::Scenario(_) => "scenario",
                JobRequest::Backtest(_) => "backtest",
            };
            let (request, title) = Self::settled(request, &prepared);
            let text = serde_json::to_string(&request).map_err(|error| corrupt(&error.to_string()))?;
            let id = self.shared.store.add_job(kind, &title, who, &text, self.shared.clock.now_ms()).await.map_err(unavailable)?;
            self.desk.lock().waiting.push_back(id);
            self.bell.notify_all();
            Ok(id.unsigned_abs())
        })
    }

    fn list(&self, limit: u32) -> BoxFuture<'_, Result<JobList, ControlError>> {
        Box::pin(async move {
            let rows = self.shared.store.jobs(i64::from(limit)).await.map_err(unavailable)?;
            let of = |row: &JobRow| match self.running(row.id) {
                Some(live) => job(row, &live.seen(), true),
                None => job(row, &Seen { progress: if row.state == "done" { 1.0 } else { 0.0 }, ..Seen::default() }, false),
            };
            Ok(JobList { jobs: rows.iter().map(of).collect() })
        })
    }

    fn get(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<JobDetail, ControlError>> {
        Box::pin(async move {
            let (row, seen, running) = self.known(id).await?;
            let request: JobRequest = serde_json::from_str(&row.request).map_err(|error| corrupt(&error.to_string()))?;
            let comparison = compare::compare(&seen.result.cells, baseline);
            Ok(JobDetail { job: job(&row, &seen, running), toml: as_toml(&request), request, result: seen.result, comparison })
        })
    }

    fn remove(&self, id: u64) -> BoxFuture<'_, Result<(), ControlError>> {
        Box::pin(async move {
            let row = self.row(id).await?;
            let waited = {
                let mut desk = self.desk.lock();
                if let Some(live) = desk.running.as_ref().filter(|live| live.id == row.id) {
                    live.stop(Stop::Cancelled);
                    return Ok(());
                }
                let at = desk.waiting.iter().position(|waiting| *waiting == row.id);
                at.and_then(|at| desk.waiting.remove(at)).is_some()
            };
            if waited {
                let ended_ms = self.shared.clock.now_ms();
                let ended = Ended { state: "cancelled", ended_ms, wall_ms: 0, result: "", error: "", load: &[] };
                return self.shared.store.end_job(row.id, &ended).await.map_err(unavailable);
            }
            // One that ended between the two looks is deleted, which is what the caller would do next.
            self.shared.store.delete_job(row.id).await.map_err(unavailable).map(drop)
        })
    }

    fn report(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<String, ControlError>> {
        Box::pin(async move {
            let detail = self.get(id, baseline).await?;
            if detail.result.cells.is_empty() && detail.result.models.is_empty() {
                return Err(ControlError::Conflict { reason: "nothing has come out yet".into() });
            }
            report::html(&detail).map_err(|reason| ControlError::Unavailable { reason, retry_after_s: 60 })
        })
    }

    fn load(&self, id: u64) -> BoxFuture<'_, Result<String, ControlError>> {
        Box::pin(async move {
            let (_, seen, _) = self.known(id).await?;
            if seen.load.is_empty() {
                return Err(ControlError::NotFound { what: "load of job", name: id.to_string() });
            }
            Ok(seen.load)
        })
    }

    fn scenario(&self, id: u64, cell: u32) -> BoxFuture<'_, Result<String, ControlError>> {
        Box::pin(async move {
            let (_, mut seen, _) = self.known(id).await?;
            let not_found = || ControlError::NotFound { what: "cell of the job", name: cell.to_string() };
            if seen.scenarios.get(cell as usize).is_none() {
                return Err(not_found());
            }
            Ok(seen.scenarios.swap_remove(cell as usize))
        })
    }
}
