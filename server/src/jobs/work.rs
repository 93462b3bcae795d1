//! Works one job off, on the worker's thread: cell by cell, seed by seed. Whatever has come out when it is told to end is kept.

use std::ops::ControlFlow;
use std::time::Instant;

use balancer::Nanos;
use planner::simulated::Factory;
use predictor::backtest::{self as scoring, BacktestError};
use predictor::boosted::Models;
use simulator::{Progress, RunResult, Scenario, SeriesData, SeriesSource, SimError, run_watched};

use super::live::{Live, Stop};
use super::prepare::Prepared;
use super::{backtest, figures};
use crate::api::dto::{BacktestJob, CellPlan, JobNow, ModelScore, Span};
use crate::api::time::Time;
use crate::cli;
use crate::cli::backtest::AtLead;
use crate::series_file::SeriesFile;

/// Why a job came to less than everything.
#[derive(Debug)]
pub enum Ended {
    /// It was told to.
    Stopped(Stop),
    /// It can't be worked out; the text says why.
    Failed(String),
}

/// Series files that exist in memory only.
struct Files<'a> {
    load: &'a str,
}

impl SeriesSource for Files<'_> {
    fn load(&self, file: &str) -> Result<SeriesData, String> {
        if self.load.is_empty() {
            return Err(
                "a job has no files beside it: use a poisson or constant load, a what-if of a service, or `prescale simulate`".to_owned()
            );
        }
        let parsed = SeriesFile::parse(self.load.as_bytes(), file, file.to_owned()).map_err(|error| error.to_string())?;
        let (series, _cleaning) = parsed.series().map_err(|error| error.to_string())?;
        Ok(cli::simulate::series_data(&series))
    }
}

/// A scenario that has no series file.
pub fn parse_alone(text: &str) -> Result<Scenario, simulator::ScenarioError> {
    Scenario::parse(text, &Files { load: "" })
}

/// What is simulated, and how much of it is done.
struct Course<'a> {
    live: &'a Live,
    /// Requests of one run.
    requests: f64,
    cells: u32,
    seeds: u32,
    /// When the run starts in the service's time.
    start_ms: Option<i64>,
}

impl Course<'_> {
    /// Shows how far a run is; `Break` when the job is to end.
    fn watch(&self, cell: u32, name: &str, progress: Progress) -> ControlFlow<()> {
        if self.live.stops().is_some() {
            return ControlFlow::Break(());
        }
        // Counts are far below 2^53.
        let share = (progress.arrived as f64 / self.requests.max(1.0)).min(1.0);
        let done = f64::from(cell * self.seeds + progress.replication) + share;
        let simulated = self.start_ms.map(|start_ms| Time(start_ms + (progress.now.0 / 1_000_000) as i64));
        self.live.see(|seen| {
            seen.progress = done / f64::from(self.cells * self.seeds);
            seen.now = JobNow {
                cell: cell + 1,
                cells: self.cells,
                name: name.to_owned(),
                seed: progress.replication + 1,
                seeds: self.seeds,
                simulated,
            };
        });
        ControlFlow::Continue(())
    }

    fn runs(&self, cell: u32, name: &str, scenario: &Scenario, factory: &Factory) -> Result<Vec<RunResult>, SimError> {
        let watch = |progress: Progress| self.watch(cell, name, progress);
        (0..self.seeds).map(|seed| run_watched(scenario, factory, scenario.seed, seed, &watch)).collect()
    }
}

/// Runs every cell of a what-if; how many requests a second were simulated.
pub fn what_if(live: &Live, prepared: &Prepared) -> Result<f64, Ended> {
    let cells = u32::try_from(prepared.cells.len()).unwrap_or(u32::MAX);
    let Span { from, .. } = prepared.span;
    let csv = prepared.load.csv();
    live.see(|seen| {
        seen.result.notes = prepared.notes.clone();
        seen.result.span = Some(prepared.span);
        seen.scenarios = prepared.cells.iter().map(|cell| cell.scenario.clone()).collect();
        seen.load.clone_from(&csv);
    });
    let course = Course { live, requests: prepared.requests, cells, seeds: prepared.request.seeds, start_ms: Some(from.0) };
    let files = Files { load: &csv };
    let begun = Instant::now();
    let mut requests = 0;
    for (index, CellPlan { name, scenario }) in (0..).zip(&prepared.cells) {
        let scenario = Scenario::parse(scenario, &files).map_err(|error| Ended::Failed(format!("{name}: {error}")))?;
        requests += cell(&course, index, name, &scenario)?;
    }
    Ok(requests as f64 / begun.elapsed().as_secs_f64().max(1e-3))
}

/// Runs a scenario of one's own.
pub fn scenario(live: &Live, text: &str) -> Result<(), Ended> {
    let scenario = parse_alone(text).map_err(|error| Ended::Failed(error.to_string()))?;
    live.see(|seen| {
        seen.scenarios = vec![text.to_owned()];
        seen.result.notes = vec!["A scenario of one's own, as `prescale simulate` runs it.".to_owned()];
    });
    let requests = scenario.arrivals.mean_rps() * scenario.expected_s();
    let course = Course { live, requests, cells: 1, seeds: scenario.replications, start_ms: None };
    cell(&course, 0, &scenario.name, &scenario).map(drop)
}

/// Runs one cell and keeps what came out; how many requests that were.
fn cell(course: &Course<'_>, index: u32, name: &str, scenario: &Scenario) -> Result<u64, Ended> {
    let live = course.live;
    // Finding the capacity takes a second or two, and doesn't ask.
    if course.watch(index, name, Progress { replication: 0, now: Nanos(0), arrived: 0 }).is_break() {
        return Err(Ended::Stopped(live.stops().unwrap_or(Stop::Cancelled)));
    }
    let factory = cli::simulate::planner_for(scenario).map_err(|error| Ended::Failed(format!("{name}: {error}")))?;
    let done = match course.runs(index, name, scenario, &factory) {
        Ok(runs) => figures::cell(index, name, scenario, scenario.seed, &runs),
        Err(SimError::Stopped) => return Err(Ended::Stopped(live.stops().unwrap_or(Stop::Cancelled))),
        // Too much for this cell says something about this cell; what is wrong with its text would be wrong with all of them.
        Err(error @ SimError::TooManyInFlight { .. }) => figures::failed(index, name, error.to_string()),
        Err(error) => return Err(Ended::Failed(format!("{name}: {error}"))),
    };
    let requests = done.requests;
    live.see(|seen| seen.result.cells.push(done));
    Ok(requests)
}

/// Scores every model.
pub fn backtest(live: &Live, job: &BacktestJob, prepared: &backtest::Prepared) -> Result<(), Ended> {
    let (cells, seeds) = (u32::try_from(job.models.len()).unwrap_or(u32::MAX), job.origins);
    let goes_on = || if live.stops().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let backtest::Prepared { series, setup, lead_ms, .. } = prepared;
    let at_lead = match AtLead::new(series, setup, *lead_ms, Models::shipped(), &goes_on) {
        Ok(at_lead) => Some(at_lead),
        Err(BacktestError::Stopped) => return Err(Ended::Stopped(live.stops().unwrap_or(Stop::Cancelled))),
        // The models themselves will say so.
        Err(BacktestError::TooShort { .. } | BacktestError::Forecast { .. }) => None,
    };
    for (index, name) in (0..).zip(&job.models) {
        let model = name.parse().map_err(|error: predictor::UnknownModel| Ended::Failed(error.to_string()))?;
        let origin = std::sync::atomic::AtomicU32::new(0);
        let watch = || {
            let seed = origin.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            live.see(|seen| {
                seen.progress = f64::from(index * seeds + seed) / f64::from(cells * seeds);
                seen.now = JobNow { cell: index + 1, cells, name: name.clone(), seed: seed + 1, seeds, simulated: None };
            });
            goes_on()
        };
        let scored = scoring::run_watched(series, setup, model, Models::shipped(), &watch).and_then(|report| {
            let lead = at_lead.as_ref().map(|at_lead| at_lead.score(model)).transpose()?;
            Ok(ModelScore { lead, ..cli::backtest::row(&job.service, model, &report).score() })
        });
        let score = match scored {
            Ok(score) => score,
            Err(BacktestError::Stopped) => return Err(Ended::Stopped(live.stops().unwrap_or(Stop::Cancelled))),
            // One model may need more history than another.
            Err(BacktestError::Forecast { origin_ms, error }) => {
                let error = format!("at origin {}: {error}", cli::show_time(origin_ms));
                ModelScore { error: Some(error), ..cli::backtest::Row { model: name.clone(), ..Default::default() }.score() }
            }
            Err(error @ BacktestError::TooShort { .. }) => return Err(Ended::Failed(error.to_string())),
        };
        live.see(|seen| seen.result.models.push(score));
    }
    Ok(())
}
