//! `prescale simulate`: a scenario in, what users would have seen out.

mod course;
mod earlier;
pub(super) mod files;
mod page;
mod show;
mod trace;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use balancer::Nanos;
use planner::simulated::Factory;
use predictor::Series;
use simulator::{Report, RunResult, Scenario, SeriesData, SimError, Trace, run_all, run_all_traced};

use super::forecast::{Format, json, print};
use super::{CliError, report_file};
use earlier::Earlier;
use files::Files;
use show::{csv, table};

/// Simulates a scenario: latency, errors, utilisation, scaling and cost, with confidence intervals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale simulate scenarios/mm8.toml
  prescale simulate scenarios/market-open.toml --seed 7 --replications 20 --format json
  prescale simulate cases/exchange-after.toml --baseline cases/exchange-before.toml --report exchange.html
  prescale simulate scenarios/autoscaled.toml --trace-out trace --trace-sample 0.05

The same scenario and seed give the same bytes, with any number of threads. Timings go to standard error.")]
pub struct Args {
    /// The scenario
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// Seed of everything random [default: the scenario's, else 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Independent runs; from two on there are confidence intervals [default: the scenario's, else 10]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    replications: Option<u32>,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run also what would take very long
    #[arg(long)]
    yes: bool,
    /// Write a report for people
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Another scenario to run over the same seeds, or an earlier result (--format json), to compare with, in the report and on standard
    /// error
    #[arg(long, value_name = "SCENARIO.toml|RESULT.json")]
    baseline: Option<PathBuf>,
    /// Write what happened as Parquet: a sample of the requests, and every decision. A name that ends in .parquet is one file, anything
    /// else a folder with requests.parquet and decisions.parquet
    #[arg(long, value_name = "FILE.parquet|DIR")]
    trace_out: Option<PathBuf>,
    /// Share of the requests in it; the same requests for the same seed
    #[arg(long, value_name = "SHARE", default_value = "0.01", requires = "trace_out", value_parser = trace::share)]
    trace_sample: f64,
    /// How to print; csv is metric,value
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] names the key of the scenario, its value and what is allowed.
pub fn run(args: Args) -> Result<(), CliError> {
    report_file::check("--report", args.report.as_deref())?;
    let own = Loaded::read(&args.scenario)?;
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let base = args.baseline.as_deref().map(Given::read).transpose()?;
    let (seed, replications) = match &base {
        Some(Given::Result(earlier)) => earlier.over(args.seed, args.replications)?,
        _ => (args.seed.unwrap_or(own.scenario.seed), args.replications.unwrap_or(own.scenario.replications)),
    };
    let other = if let Some(Given::Scenario(loaded)) = &base { Some(&**loaded) } else { None };
    let requests = [Some(&own), other].into_iter().flatten().map(|loaded| loaded.scenario.expected_requests()).sum();
    let refused = |error| CliError::BadInput(format!("{}: {error}", own.path));
    refuse_what_takes_for_ever(requests, replications, args.yes).map_err(refused)?;
    let trace_out = args.trace_out.as_deref().map(trace::Out::at).transpose()?;
    let start = Instant::now();
    let (runs, traces) = match &trace_out {
        None => (own.run(seed, replications, jobs)?, Vec::new()),
        Some(_) => own.run_traced(seed, replications, jobs, args.trace_sample)?,
    };
    let of_other = other.map(|other| other.run(seed, replications, jobs)).transpose()?;
    let report = Report::new(&own.scenario, seed, &runs);
    let wall_s = start.elapsed().as_secs_f64();
    let per_s = report.requests.arrived as f64 / wall_s;
    eprintln!("{} requests counted in {wall_s:.2} s, {per_s:.0} a second, {jobs} threads at most", report.requests.arrived);
    if let Some(out) = &trace_out {
        out.write(&own.scenario, &traces)?;
        trace::cut_short(args.trace_sample, &traces).iter().for_each(|text| eprintln!("{text}"));
    }
    let text = match args.format {
        Format::Table => table(&report),
        Format::Json | Format::Jsonl => {
            json(&earlier::Printed::new(&report, &own.scenario, &own.text, &runs), matches!(args.format, Format::Json))?
        }
        Format::Csv => csv(&report)?,
    };
    let own_side = page::Side::new(&own.scenario, &own.text, seed, runs);
    let base = match &base {
        Some(Given::Result(earlier)) => Some(page::Base::Earlier(earlier)),
        Some(Given::Scenario(other)) => of_other.map(|runs| page::Base::Run(page::Side::new(&other.scenario, &other.text, seed, runs))),
        None => None,
    };
    if let Some(comparison) = page::comparison(&own_side, base.as_ref()) {
        eprintln!("{}", comparison.sentence);
    }
    report_file::write(args.report.as_deref(), || page::html(&own_side, base.as_ref()))?;
    print(&text)
}

/// What `--baseline` names.
enum Given {
    Scenario(Box<Loaded>),
    Result(Earlier),
}

impl Given {
    fn read(file: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(file).map_err(|error| CliError::BadInput(format!("--baseline {}: {error}", file.display())))?;
        if Earlier::is_one(&text) {
            return Earlier::read(file, &text).map(Self::Result);
        }
        Loaded::read(file).map(Box::new).map(Self::Scenario).map_err(|error| CliError::BadInput(format!("--baseline {error}")))
    }
}

/// A scenario file that has been read.
struct Loaded {
    path: String,
    text: String,
    scenario: Scenario,
}

impl Loaded {
    fn read(file: &Path) -> Result<Self, CliError> {
        let path = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| CliError::BadInput(format!("{path}: {error}")))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let scenario = Scenario::parse_all(&text, &Files { folder }, &Factory::default()).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(|error| format!("{path}: {error}")).collect();
            CliError::BadInput(lines.join("\n"))
        })?;
        Ok(Self { path, text, scenario })
    }

    fn run(&self, seed: u64, replications: u32, jobs: usize) -> Result<Vec<RunResult>, CliError> {
        let planner = planner_for(&self.scenario)?;
        run_all(&self.scenario, &planner, seed, replications, jobs).map_err(|error| self.ended(&error))
    }

    fn run_traced(&self, seed: u64, replications: u32, jobs: usize, sample: f64) -> Result<(Vec<RunResult>, Vec<Trace>), CliError> {
        let planner = planner_for(&self.scenario)?;
        let spec = trace::spec(sample, replications);
        let runs = run_all_traced(&self.scenario, &planner, seed, replications, jobs, &spec).map_err(|error| self.ended(&error))?;
        Ok(runs.into_iter().unzip())
    }

    /// Whose fault it is that a run came to nothing.
    fn ended(&self, error: &SimError) -> CliError {
        let text = format!("{}: {error}", self.path);
        match error {
            SimError::Scenario(_) | SimError::NothingLeft { .. } => CliError::BadInput(text),
            SimError::TooManyInFlight { .. } | SimError::Threads(_) | SimError::Stopped => CliError::Failed(text),
        }
    }
}

/// Requests that are simulated without asking back: an hour or more on one core.
const MANY_REQUESTS: f64 = 2e10;
/// Requests a second on one core of a scenario with queues, retries and time-outs, to tell an order of magnitude.
const RICH_PER_S: f64 = 2e6;

/// `requests` are those of one replication of everything that is to be run.
pub(super) fn refuse_what_takes_for_ever(requests: f64, replications: u32, yes: bool) -> Result<(), String> {
    let requests = requests * f64::from(replications);
    if yes || requests <= MANY_REQUESTS {
        return Ok(());
    }
    let hours = requests / RICH_PER_S / 3_600.0;
    Err(format!("{requests:.1e} requests in {replications} replications, some {hours:.0} hours on one core: shorten it, or say --yes"))
}

/// The planner's own control loop, with the load before the start as its history if there is one.
pub(crate) fn planner_for(scenario: &Scenario) -> Result<Factory, CliError> {
    let Some(history) = &scenario.history else { return Ok(Factory::default().prepared(scenario)) };
    let step_ms = (history.step.0 / 1_000_000) as i64;
    let values = history.rates_rps.iter().copied().map(Some).collect();
    let series = Series::try_new(history.start_ms, step_ms, values).map_err(|error| CliError::BadInput(format!("history: {error}")))?;
    Ok(Factory::with_history(series).prepared(scenario))
}

/// A series as the simulator takes it.
pub(crate) fn series_data(series: &Series) -> SeriesData {
    SeriesData {
        start_ms: series.start_ms(),
        step: Nanos::from_millis(series.step_ms().unsigned_abs()),
        values: (0..series.len()).map(|i| series.value(i)).collect(),
    }
}

#[cfg(test)]
mod tests;
