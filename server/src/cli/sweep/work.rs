//! Runs the cells, and their seeds, on all threads; what is done is kept at once.

use std::io::{IsTerminal, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use simulator::{Progress, RunResult, Scenario, SimError, run_watched};

use super::keep::Store;
use super::matrix::{CellSpec, Matrix};
use crate::api::dto::Cell;
use crate::cli::CliError;
use crate::cli::simulate::{files::Files, planner_for};
use crate::jobs::figures;

/// Set when the user wants it to end.
pub type Stop = Arc<AtomicBool>;

/// Listens for Ctrl-C from now on.
pub fn on_interrupt() -> Result<Stop, CliError> {
    let stop = Stop::default();
    let set = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::Failed(format!("the runtime can't start: {error}")))?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            set.store(true, Ordering::Relaxed);
        }
    });
    Ok(stop)
}

/// Shows how much is done, to people only.
struct Meter {
    done: AtomicUsize,
    runs: usize,
    shown: bool,
}

impl Meter {
    fn add(&self, runs: usize) {
        let done = self.done.fetch_add(runs, Ordering::Relaxed) + runs;
        if self.shown {
            // Progress that nobody can see any more is no failure.
            let _ = write!(std::io::stderr().lock(), "\r{done} of {} runs", self.runs);
        }
    }
}

/// Every cell in order, each from the store or from its runs; `None` for those that the user didn't wait for.
pub fn cells(matrix: &Matrix, store: &Store, jobs: usize, stop: &Stop) -> Result<Vec<Option<Cell>>, CliError> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let threads = threads.map_err(|error| CliError::Failed(format!("no threads to run on: {error}")))?;
    let runs = matrix.cells.len() * matrix.seeds as usize;
    let meter = Meter { done: AtomicUsize::new(0), runs, shown: std::io::stderr().is_terminal() };
    let one = |(index, spec): (u32, &CellSpec)| {
        if let Some(kept) = store.load(&spec.hash) {
            meter.add(matrix.seeds as usize);
            // The matrix around it may be another one.
            return Ok(Some(Cell { index, name: spec.name.clone(), ..kept }));
        }
        let cell = run(matrix, index, spec, &meter, stop)?;
        cell.as_ref().map_or(Ok(()), |cell| store.save(&spec.hash, cell)).map(|()| cell)
    };
    let numbered: Vec<(u32, &CellSpec)> = (0..).zip(&matrix.cells).collect();
    let done: Vec<Result<Option<Cell>, CliError>> = threads.install(|| numbered.into_par_iter().with_max_len(1).map(one).collect());
    if meter.shown {
        eprintln!();
    }
    done.into_iter().collect()
}

fn run(matrix: &Matrix, index: u32, spec: &CellSpec, meter: &Meter, stop: &Stop) -> Result<Option<Cell>, CliError> {
    let stopped = || stop.load(Ordering::Relaxed);
    if stopped() {
        return Ok(None);
    }
    let files = Files { folder: matrix.scenario.parent().unwrap_or(Path::new("")).to_path_buf() };
    // It has been read before; only its files may have changed since.
    let scenario = Scenario::from_table(&spec.table, &files).map_err(|error| CliError::BadInput(format!("{}: {error}", spec.name)))?;
    let factory = planner_for(&scenario)?;
    let watch = |_: Progress| if stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let one = |seed| {
        let result = run_watched(&scenario, &factory, matrix.seed, seed, &watch);
        meter.add(1);
        result
    };
    let runs: Vec<Result<RunResult, SimError>> = (0..matrix.seeds).into_par_iter().with_max_len(1).map(one).collect();
    match runs.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(runs) => Ok(Some(figures::cell(index, &spec.name, &scenario, matrix.seed, &runs))),
        Err(SimError::Stopped) => Ok(None),
        // Too much for this cell says something about this cell.
        Err(error @ (SimError::TooManyInFlight { .. } | SimError::NothingLeft { .. })) => {
            // When stopped, another of its seeds may have been the first to fail.
            Ok((!stopped()).then(|| figures::failed(index, &spec.name, error.to_string())))
        }
        Err(error @ SimError::Scenario(_)) => Err(CliError::BadInput(format!("{}: {error}", spec.name))),
        Err(error @ SimError::Threads(_)) => Err(CliError::Failed(format!("{}: {error}", spec.name))),
    }
}
