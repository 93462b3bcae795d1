//! The one thread that works jobs off.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::runtime::Handle;

use super::board::{Board, Prepared, Stored, packed, unavailable};
use super::live::{Live, Stop};
use super::work::{self, Ended};
use crate::api::control::ControlError;
use crate::api::dto::JobRequest;
use crate::store;

/// The lowest priority there is, for this thread alone: it gets what nobody else wants.
const NICE: i32 = 19;

/// Starts it; `None` when the system has no thread left, and then jobs wait for the next start.
pub fn start(board: &Arc<Board>) -> Option<JoinHandle<()>> {
    let handle = Handle::current();
    let board = board.clone();
    let started = std::thread::Builder::new().name("jobs".to_owned()).spawn(move || {
        lower_priority();
        if let Err(error) = keep_to_this_thread() {
            tracing::error!(%error, "no jobs are worked off: their work can't be kept to one thread");
            return;
        }
        while let Some(live) = next(&board) {
            one(&board, &handle, &live);
            board.desk.lock().running = None;
        }
    });
    started.inspect_err(|error| tracing::error!(%error, "no jobs are worked off: the system has no thread left")).ok()
}

/// What the pure crates would spread over all cores stays here, at this thread's priority.
fn keep_to_this_thread() -> Result<(), rayon::ThreadPoolBuildError> {
    // The pool lives as long as its only thread: this one.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().map(std::mem::forget)
}

#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux "this process" is this thread. A system that refuses it gives a warning, and jobs share the cores evenly.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "the jobs' thread runs at normal priority");
    }
}

/// Elsewhere it would be the whole process: jobs share the cores evenly.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {
    tracing::warn!(NICE, "the jobs' thread runs at normal priority");
}

/// The next job, once there is one; `None` when the process ends.
fn next(board: &Board) -> Option<Arc<Live>> {
    let mut desk = board.desk.lock();
    loop {
        if desk.ending {
            return None;
        }
        if let Some(id) = desk.waiting.pop_front() {
            let live = Arc::new(Live::new(id, board.limits.wall));
            desk.running = Some(live.clone());
            return Some(live);
        }
        board.bell.wait(&mut desk);
    }
}

/// Does what needs the database in a task of the runtime: a transaction that is begun must not wait for a thread that nobody lets run, and
/// threads that are started on the way mustn't inherit its priority.
fn ask<T: Send + 'static>(handle: &Handle, work: impl Future<Output = T> + Send + 'static) -> Result<T, Ended> {
    handle.block_on(handle.spawn(work)).map_err(|error| Ended::Failed(format!("the work was ended: {error}")))
}

fn one(board: &Arc<Board>, handle: &Handle, live: &Live) {
    // A bug in one job must not end the thread for all that follow.
    let ended = catch_unwind(AssertUnwindSafe(|| attempt(board, handle, live)));
    let ended = ended.unwrap_or_else(|_| Err(Ended::Failed("a bug: the job panicked, the log has where".to_owned())));
    let (state, error) = match ended {
        Ok(()) => ("done", String::new()),
        Err(Ended::Failed(why)) => ("failed", why),
        Err(Ended::Stopped(Stop::Cancelled)) => ("cancelled", String::new()),
        Err(Ended::Stopped(Stop::TooLong)) => {
            let most = board.limits.wall.as_secs();
            ("failed", format!("it took longer than {most} s; ask for fewer requests, seeds or cells. What was done by then is kept."))
        }
        // Failed at the next start, with that reason.
        Err(Ended::Stopped(Stop::Ending)) => return,
    };
    tracing::info!(job = live.id, state, error, wall_s = live.elapsed().as_secs_f64(), "a job ended");
    let (seen, id, wall) = (live.seen(), live.id, live.elapsed());
    let board = board.clone();
    let written = ask(handle, async move {
        // Numbers, texts and maps with string keys always serialise.
        let result = serde_json::to_string(&Stored { result: seen.result, scenarios: seen.scenarios }).unwrap_or_default();
        let ended = store::Ended {
            state,
            ended_ms: board.shared.clock.now_ms(),
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX).max(1),
            result: &result,
            error: &error,
            load: &packed(&seen.load),
        };
        board.shared.store.end_job(id, &ended).await
    });
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(job = id, %error, "what came out of a job can't be written"),
        Err(error) => tracing::error!(job = id, ?error, "what came out of a job can't be written"),
    }
}

fn attempt(board: &Arc<Board>, handle: &Handle, live: &Live) -> Result<(), Ended> {
    let failed = |error: &dyn std::fmt::Display| Ended::Failed(error.to_string());
    let (asked, id) = (board.clone(), live.id);
    // Once more: it may have waited for long, and what it reads may have changed.
    let ready = ask(handle, async move {
        let row = asked.shared.store.job(id).await.map_err(unavailable)?;
        let row = row.ok_or_else(|| ControlError::NotFound { what: "job", name: id.to_string() })?;
        asked.shared.store.begin_job(id).await.map_err(unavailable)?;
        let request: JobRequest = serde_json::from_str(&row.request)
            .map_err(|error| ControlError::Conflict { reason: format!("its request is unreadable: {error}") })?;
        Ok::<_, ControlError>((asked.prepare(&request).await?, request))
    })?;
    let (prepared, request) = ready.map_err(|error| failed(&error))?;
    match prepared {
        Prepared::WhatIf(prepared) => {
            let rate = work::what_if(live, &prepared)?;
            board.rate.store(rate.max(1.0) as u64, Ordering::Relaxed);
            Ok(())
        }
        Prepared::Scenario { text, .. } => work::scenario(live, &text),
        Prepared::Backtest(prepared) => {
            let JobRequest::Backtest(job) = &request else { return Err(Ended::Failed("it is no backtest".to_owned())) };
            live.see(|seen| seen.result.notes.clone_from(&prepared.notes));
            work::backtest(live, job, &prepared)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn work_stays_on_one_thread_at_the_lowest_priority() {
        // Whoever runs the tests may have lowered it already.
        let usual = priority();
        let seen = std::thread::spawn(|| {
            lower_priority();
            keep_to_this_thread().unwrap();
            let here = std::thread::current().id();
            let all_here = (0..10_000).into_par_iter().all(|_| std::thread::current().id() == here);
            (all_here, rayon::current_num_threads(), priority())
        });
        let (all_here, threads, lowered) = seen.join().unwrap();
        assert!(all_here && threads == 1, "{threads} threads");
        if cfg!(target_os = "linux") {
            assert_eq!((lowered, priority()), (NICE, usual), "the jobs' thread, and everybody else");
        }
    }

    fn priority() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }
}
