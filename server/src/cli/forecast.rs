//! `prescale forecast`: a series from a file or a Prometheus in, forecasts with quantiles out.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use planner::calendar::{Outlined, Place};
use predictor::{Cleaning, DAY_MS, Forecast, ForecastError, ModelChoice, Request};
use serde::Serialize;

use super::{CliError, parse_duration, parse_time, show_time, train::Trained};
use crate::series_file::{Past, SeriesFile};

pub(crate) mod calendar;
mod output;
mod points;
mod text;

use calendar::Plan;
pub(super) use output::json;
pub(crate) use output::print;
use output::write;
use points::{ByLevel, Points};
use text::{csv, table};

const HOUR_MS: i64 = 3_600_000;

/// Forecasts a series with quantiles, and the quantiles of its maximum.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale forecast --input requests.csv --horizon 24h
  prescale forecast --input requests.csv --at 2026-03-01T00:00:00Z,2026-03-02T00:00:00Z --horizon 1h --format jsonl
  prescale forecast --input 'prometheus:http://127.0.0.1:9090?query=sum(rate(http_requests_total[2m]))&step=60s'

The file is CSV with the header `timestamp,value`, RFC 3339 times and a regular step (missing rows are gaps), or Parquet with these columns. A forecast made at an origin uses only rows
up to it. An hour of history is enough for a wide forecast (basis: persistence); from a day on the time of day is known (day), from a week and a
horizon on the weekday (week). A model that is asked for by name needs two days at least, and a day more than the horizon.")]
pub struct Args {
    /// CSV file with the header `timestamp,value`, Parquet with these columns, or prometheus:http://…?query=…
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Origins: times separated by commas, or every:DURATION (those with enough history) [default: the last row]
    #[arg(long, value_name = "T1,T2|every:6h", value_parser = parse_origins)]
    at: Option<Origins>,
    /// How far to look ahead, up to 7d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    horizon: i64,
    /// Levels between 0 and 1
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', default_value = "0.5,0.9,0.95,0.99", value_parser = parse_level)]
    quantiles: Vec<f64>,
    /// auto (the blend), auto_wide (with slower members too), or one member
    #[arg(long, default_value = "auto")]
    model: ModelChoice,
    /// TOML file with the time_zone whose days and hours the load goes by [default: UTC], the holidays and the [[events]], as a service has them
    #[arg(long, value_name = "FILE")]
    calendar: Option<PathBuf>,
    /// Use the boosted trees of this file, as `prescale train` wrote it, and not those in the binary
    #[arg(long, value_name = "FILE")]
    trained: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One array.
    Json,
    /// One object a line.
    Jsonl,
    /// Comma-separated, with a header.
    Csv,
}

/// Where forecasts are made.
#[derive(Debug, Clone, PartialEq)]
enum Origins {
    /// At these times [epoch ms].
    At(Vec<i64>),
    /// At every multiple of this since the epoch [ms].
    Every(i64),
}

fn parse_origins(text: &str) -> Result<Origins, String> {
    match text.strip_prefix("every:") {
        Some(every) => parse_duration(every).map(Origins::Every),
        None => text.split(',').map(|time| parse_time(time.trim())).collect::<Result<_, _>>().map(Origins::At),
    }
}

fn parse_level(text: &str) -> Result<f64, String> {
    let level = text.trim().parse::<f64>().ok().filter(|q| *q > 0.0 && *q < 1.0);
    level.ok_or_else(|| format!("{text:?} is no quantile; allowed: numbers between 0 and 1, both excluded"))
}

/// One forecast as it is printed.
#[derive(Debug, Serialize)]
struct Line {
    series: String,
    origin: String,
    step_s: f64,
    model: String,
    basis: Option<predictor::Basis>,
    history_points: usize,
    cpu_ms: f64,
    points: Points,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    max: BTreeMap<&'static str, LineMax>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beyond_history: Option<Box<predictor::BeyondHistory>>,
    members: Vec<predictor::MemberWeight>,
    cleaning: Vec<LineCleaning>,
    explanation: Box<predictor::Explanation>,
    /// Of the events that learn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    learnt: Vec<planner::calendar::Uplift>,
}

#[derive(Debug, Serialize)]
struct LineMax {
    q: ByLevel,
    /// When it is expected, and between when half of the paths have theirs.
    at: String,
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct LineCleaning {
    kind: predictor::CleaningKind,
    rows: u64,
    first: String,
    last: String,
    note: String,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for a file, option or history that can't be used; [`CliError::Failed`] if the answer can't be written.
pub fn run(args: Args) -> Result<(), CliError> {
    let file = read(&args.input)?;
    let past = file.past().map_err(bad_input)?;
    let plan = args.calendar.as_deref().map(calendar::read).transpose()?.unwrap_or_default();
    let asked = Asked { args: &args, plan, trained: Trained::of(args.trained.as_deref())? };
    let origins = origins(&asked, past.whole())?;
    origins.iter().try_for_each(|&at_ms| asked.trained.check(at_ms))?;
    let lines = origins.into_iter().map(|at| line(&past, at, &asked)).collect::<Result<Vec<_>, _>>()?;
    write(|out| match args.format {
        Format::Table => out.write_all(lines.iter().map(table).collect::<Vec<_>>().join("\n").as_bytes()),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &lines)?;
            out.write_all(b"\n")
        }
        // Thousands of points a line: none of them needs to lie in memory as text.
        Format::Jsonl => lines.iter().try_for_each(|line| {
            serde_json::to_writer(&mut *out, line)?;
            out.write_all(b"\n")
        }),
        Format::Csv => out.write_all(csv(&lines).as_bytes()),
    })
}

/// Reads a file, or a Prometheus in its place; a server that is down is no bad input.
pub(super) fn read(input: &Path) -> Result<SeriesFile, CliError> {
    SeriesFile::read(input).map_err(|error| if error.is_input() { bad_input(error) } else { CliError::Failed(error.to_string()) })
}

pub(super) fn bad_input(error: impl std::fmt::Display) -> CliError {
    CliError::BadInput(error.to_string())
}

/// What is asked, by which clocks and with which events.
struct Asked<'a> {
    args: &'a Args,
    plan: Plan,
    trained: Trained,
}

fn origins(asked: &Asked, whole: &predictor::Series) -> Result<Vec<i64>, CliError> {
    let last_ms = whole.end_ms() - whole.step_ms();
    match &asked.args.at {
        None => Ok(vec![last_ms]),
        Some(Origins::At(times)) => Ok(times.clone()),
        Some(Origins::Every(every_ms)) => {
            let first_ms = (whole.start_ms() + every_ms - 1).div_euclid(*every_ms) * every_ms;
            let enough = |&at: &i64| !matches!(forecast(whole, at, asked), Err(ForecastError::NotEnoughHistory { .. }));
            let mut times = (0..).map(|i| first_ms + i * every_ms).take_while(|at| *at <= last_ms);
            // Once there is enough, later origins are tried all: what is wrong with one of them must be said.
            let first = times.by_ref().find(enough);
            let found: Vec<i64> = first.into_iter().chain(times).collect();
            if found.is_empty() {
                let error =
                    forecast(whole, last_ms, asked).err().map_or_else(|| "no origin in the series".to_owned(), |error| error.to_string());
                return Err(CliError::BadInput(format!("--at every: no origin with enough history: {error}")));
            }
            Ok(found)
        }
    }
}

fn forecast(series: &predictor::Series, at_ms: i64, asked: &Asked) -> Result<Outlined, ForecastError> {
    let Asked { args, plan, trained } = asked;
    let request = Request { horizon_ms: args.horizon, quantiles: args.quantiles.clone(), model: args.model };
    planner::calendar::forecast_with(series, plan.place(), at_ms, &request, trained.models())
}

fn line(past: &Past, at_ms: i64, asked: &Asked) -> Result<Line, CliError> {
    let problem = |error: &dyn std::fmt::Display| CliError::BadInput(format!("{}, origin {}: {error}", past.name(), show_time(at_ms)));
    let began = thread_cpu_ms();
    let (series, mut cleaning) = past.until(at_ms).map_err(|error| problem(&error))?;
    let made = forecast(&series, at_ms, asked).map_err(|error| problem(&error))?;
    let place = asked.plan.place();
    let names: Arc<[String]> = made.forecast.quantiles.iter().map(f64::to_string).collect();
    let windows = [("1h", HOUR_MS), ("24h", DAY_MS)];
    let maxima = windows.map(|(_, window_ms)| maxima(&made, place, window_ms));
    let learnt = made.learnt.clone();
    let forecast = made.shown(place);
    let max = |((name, window_ms), values): ((_, i64), Option<Vec<f64>>)| {
        Some((name, max(&forecast, ByLevel { names: names.clone(), values: values? }, window_ms)?))
    };
    let max = windows.into_iter().zip(maxima).filter_map(max).collect();
    let cpu_ms = ((thread_cpu_ms() - began) * 100.0).round() / 100.0;
    cleaning.extend(forecast.cleaning);
    Ok(Line {
        series: past.name().to_owned(),
        origin: show_time(forecast.origin_ms),
        step_s: forecast.step_ms as f64 / 1000.0,
        model: forecast.model,
        basis: forecast.basis,
        history_points: forecast.history_points,
        cpu_ms,
        points: Points { names, points: forecast.points },
        max,
        beyond_history: forecast.beyond_history,
        members: forecast.members,
        cleaning: cleaning.iter().map(note).collect(),
        explanation: forecast.explanation,
        learnt,
    })
}

/// The quantiles of the first window's maximum; `None` if the horizon doesn't cover it.
fn maxima(made: &Outlined, place: Place, window_ms: i64) -> Option<Vec<f64>> {
    let (from_ms, to_ms) = (made.forecast.origin_ms, made.forecast.origin_ms + window_ms);
    made.forecast.quantiles.iter().map(|&level| made.window_max(place, from_ms, to_ms, level)).collect()
}

/// When the first window's maximum comes, with the events on it.
fn max(shown: &Forecast, q: ByLevel, window_ms: i64) -> Option<LineMax> {
    let peak = shown.peak(shown.origin_ms, shown.origin_ms + window_ms)?;
    Some(LineMax { q, at: show_time(peak.at_ms), from: show_time(peak.from_ms), to: show_time(peak.to_ms) })
}

fn note(cleaning: &Cleaning) -> LineCleaning {
    LineCleaning {
        kind: cleaning.kind,
        rows: cleaning.rows,
        first: show_time(cleaning.first_ms),
        last: show_time(cleaning.last_ms),
        note: cleaning.to_string(),
    }
}

/// CPU time of this thread [ms]; where the system doesn't tell, the wall's.
fn thread_cpu_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu_ns = told.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    on_cpu_ns.map_or_else(wall_ms, |ns| ns / 1e6)
}

fn wall_ms() -> f64 {
    use std::sync::OnceLock;
    static BEGAN: OnceLock<std::time::Instant> = OnceLock::new();
    BEGAN.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests;
