//! `prescale simulate`: a scenario in, what users would have seen out.

mod course;
pub(super) mod files;
mod page;
mod trace;

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use balancer::Nanos;
use planner::simulated::Factory;
use predictor::Series;
use serde_json::Value;
use simulator::{Report, RunResult, Scenario, SeriesData, SimError, Trace, run_all, run_all_traced};

use super::forecast::{Format, json, print};
use super::{CliError, report_file};
use files::Files;

/// Timeline rows of a table that a person reads.
const TABLE_ROWS: usize = 24;

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
    /// Another scenario to run over the same seeds and to compare with, in the report and on standard error
    #[arg(long, value_name = "SCENARIO.toml")]
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
    let seed = args.seed.unwrap_or(own.scenario.seed);
    let replications = args.replications.unwrap_or(own.scenario.replications);
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let base = args.baseline.as_deref().map(Loaded::read).transpose().map_err(|error| CliError::BadInput(format!("--baseline {error}")))?;
    let requests = [Some(&own), base.as_ref()].into_iter().flatten().map(|loaded| loaded.scenario.expected_requests()).sum();
    let refused = |error| CliError::BadInput(format!("{}: {error}", own.path));
    refuse_what_takes_for_ever(requests, replications, args.yes).map_err(refused)?;
    let trace_out = args.trace_out.as_deref().map(trace::Out::at).transpose()?;
    let start = Instant::now();
    let (runs, traces) = match &trace_out {
        None => (own.run(seed, replications, jobs)?, Vec::new()),
        Some(_) => own.run_traced(seed, replications, jobs, args.trace_sample)?,
    };
    let of_base = base.as_ref().map(|base| base.run(seed, replications, jobs)).transpose()?;
    let report = Report::new(&own.scenario, seed, &runs);
    let wall_s = start.elapsed().as_secs_f64();
    let per_s = report.requests.arrived as f64 / wall_s;
    eprintln!("{} requests counted in {wall_s:.2} s, {per_s:.0} a second, {jobs} threads at most", report.requests.arrived);
    if let Some(out) = &trace_out {
        out.write(&own.scenario, &traces)?;
        trace::cut_short(args.trace_sample, &traces).iter().for_each(|text| eprintln!("{text}"));
    }
    let own_side = page::Side::new(&own.scenario, &own.text, seed, runs);
    let base_side = base.as_ref().zip(of_base).map(|(base, runs)| page::Side::new(&base.scenario, &base.text, seed, runs));
    if let Some(comparison) = page::comparison(&own_side, base_side.as_ref()) {
        eprintln!("{}", comparison.sentence);
    }
    report_file::write(args.report.as_deref(), || page::html(&own_side, base_side.as_ref()))?;
    match args.format {
        Format::Table => print(&table(&report)),
        Format::Json => print(&json(&report, true)?),
        Format::Jsonl => print(&json(&report, false)?),
        Format::Csv => print(&csv(&report)?),
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
        let scenario = Scenario::parse(&text, &Files { folder }).map_err(|error| CliError::BadInput(format!("{path}: {error}")))?;
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

/// "1.23" or "–" for what isn't there.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn table(report: &Report) -> String {
    let mut out = String::new();
    let counts = report.requests;
    let mut line = |name: &str, text: String| {
        // Writing to a String can't fail.
        let _ = writeln!(out, "{name:<18}{text}");
    };
    line("scenario", format!("{} (seed {}, {} replications)", report.scenario, report.seed, report.replications));
    line("simulated", format!("{:.1} s each, of which {:.1} s warm-up were cut", report.simulated_s, report.warmup_cut_s));
    line("arrived", counts.arrived.to_string());
    line("  served", counts.served.to_string());
    line("  rejected", counts.rejected.to_string());
    line("  timed out", counts.timed_out.to_string());
    line("  failed", counts.failed.to_string());
    line("  in flight", format!("{} at the end", counts.in_flight_at_end));
    line("retried", counts.retried.to_string());
    if let Some(latency) = report.latency_ms {
        let (p50, p95, p99) = (latency.p50, latency.p95, latency.p99);
        line("latency [ms]", format!("mean {:.2}  p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  p99.9 {:.2}", latency.mean, latency.p999));
    }
    if let Some(wait) = report.queue_wait_ms {
        line("queue wait [ms]", format!("mean {:.2}  p50 {:.2}  p95 {:.2}  p99 {:.2}", wait.mean, wait.p50, wait.p95, wait.p99));
    }
    if let Some(ci95) = report.ci95 {
        let interval =
            |found: Option<simulator::stats::Interval>| found.map_or("–".to_owned(), |ci| format!("{:.4} to {:.4}", ci.0, ci.1));
        line("95 % confidence", format!("mean {}, p99 {}", interval(ci95.latency_mean), interval(ci95.latency_p99)));
    }
    line("throughput", format!("{:.2} requests/s", report.throughput_rps));
    line("errors", format!("{} %", number(report.error_ratio.map(|ratio| ratio * 100.0), 4)));
    line("utilisation", format!("{} %", number(report.utilisation.map(|share| share * 100.0), 2)));
    line("in the system", format!("{:.3} on average", report.mean_in_system));
    line("replica-hours", format!("{:.3}, {:.1} scaling actions", report.replica_hours, report.scaling_actions));
    if let Some(cost) = report.cost {
        line("cost", format!("{cost:.2}"));
    }
    if let Some(slo) = report.slo {
        let ratio = number(slo.violation_ratio.map(|ratio| ratio * 100.0), 3);
        line("SLO violated", format!("{ratio} % of requests, {} minutes", number(slo.violation_minutes, 1)));
    }
    out + &timeline(report)
}

/// At most [`TABLE_ROWS`] minutes, evenly spread.
fn timeline(report: &Report) -> String {
    let mut out = String::new();
    if report.timeline.is_empty() {
        return out;
    }
    let _ = writeln!(
        out,
        "\n{:>8} {:>12} {:>12} {:>10} {:>12} {:>7} {:>8}",
        "minute", "arrived", "served", "errors", "p95 [ms]", "ready", "booting"
    );
    for row in report.timeline.iter().step_by(report.timeline.len().div_ceil(TABLE_ROWS)) {
        let p95 = number(row.p95_ms, 2);
        let (arrived, served, errors) = (row.arrived, row.served, row.errors);
        let minute = row.t_s / 60;
        let _ =
            writeln!(out, "{minute:>8} {arrived:>12.1} {served:>12.1} {errors:>10.1} {p95:>12} {:>7.1} {:>8.1}", row.ready, row.booting);
    }
    out
}

/// One line a number; lists (backends, timeline) are left to JSON.
fn csv(report: &Report) -> Result<String, CliError> {
    let value = serde_json::to_value(report).map_err(|error| CliError::Failed(format!("writing CSV: {error}")))?;
    let mut out = "metric,value\n".to_owned();
    flatten("", &value, &mut out);
    Ok(out)
}

fn flatten(path: &str, value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                flatten(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, field, out);
            }
        }
        // An interval.
        Value::Array(ends) if ends.len() == 2 && ends.iter().all(Value::is_number) => {
            for (end, value) in ["low", "high"].iter().zip(ends) {
                flatten(&format!("{path}.{end}"), value, out);
            }
        }
        Value::Array(_) | Value::Null => {}
        Value::String(text) => {
            let _ = writeln!(out, "{path},\"{}\"", text.replace('"', "\"\""));
        }
        Value::Bool(_) | Value::Number(_) => {
            let _ = writeln!(out, "{path},{value}");
        }
    }
}

#[cfg(test)]
mod tests;
