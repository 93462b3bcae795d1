//! `prescale backtest`: how good each model would have been, on rolling origins, against seasonal naive.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use predictor::backtest::{self, BacktestError, Report, SCORED_LEVELS, Setup};
use predictor::{DAY_MS, Member, ModelChoice, Series};
use serde::Serialize;

use super::forecast::{self, Format, bad_input, json, print};
use super::{CliError, parse_duration, report_file, show_time, train};
use crate::api::dto::{LeadScore, ModelScore};

mod place;
mod report;
mod skill;
mod text;

pub(crate) use skill::AtLead;
use text::{csv, geometric_means, table};

/// Scores models on rolling origins of the last part of each series.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale backtest --input requests.csv orders.csv --horizon 24h --step 15m --models auto,calendar,ridge
  prescale backtest --input requests.csv --models all --lead 6m --report backtest.html

loss is the mean weighted quantile loss over 0.5, 0.9, 0.95 and 0.99; relative compares it with seasonal naive (day, Gaussian intervals) on the
same origins: below 1 is better. peak is how far the median of the horizon's maximum was from what came (median over the origins), peak<=q9 the
share of maxima at or below their 0.9 quantile. Skill is the share of the loss up to the lead time (at 40 origins or more) that is saved against
the last value and against seasonal naive: below 0 is worse. CPU per origin goes to standard error.")]
pub struct Args {
    /// CSV files with the header `timestamp,value`, Parquet files with these columns, or prometheus:http://…?query=… as for forecast
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    input: Vec<PathBuf>,
    /// How far each origin looks ahead, up to 7d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    horizon: i64,
    /// How many origins, evenly over the scored part
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    origins: u32,
    /// The part at the series' end that is scored
    #[arg(long, value_name = "PERCENT", default_value = "30%", value_parser = parse_share)]
    last: f64,
    /// auto, auto_wide, names of members, or all of them
    #[arg(long, value_name = "NAME,…|all", value_delimiter = ',', default_value = "auto")]
    models: Vec<String>,
    /// Average the series to this step first [default: its own]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    step: Option<i64>,
    /// The most history that models are shown [default: 21d, 56d for hourly series]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    history: Option<i64>,
    /// The lead time up to which skill is measured, such as what a replica needs to be ready; a step where that is longer
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    lead: i64,
    /// TOML file with the time_zone whose days and hours the load goes by [default: UTC] and its holidays, as for forecast; events are left out
    #[arg(long, value_name = "FILE")]
    calendar: Option<PathBuf>,
    /// Origins in place of evenly spread ones: times separated by commas, holidays (the begin of each in the calendar) or after-holidays (its end)
    #[arg(long, value_name = "T1,T2|holidays", value_parser = place::parse_at)]
    at: Option<place::At>,
    /// Use the boosted trees of this file, as `prescale train` wrote it, and not those in the binary
    #[arg(long, value_name = "FILE")]
    trained: Option<PathBuf>,
    /// Write a report with charts to this file too: one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let percent = percent.filter(|p| *p > 0.0 && *p <= 90.0);
    percent.map(|p| p / 100.0).ok_or_else(|| format!("{text:?} is no share; allowed: a percentage above 0 % and up to 90 %, such as 30%"))
}

/// One model on one series.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub series: String,
    pub model: String,
    /// Absent if the scored part holds nothing but zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Absent if seasonal naive never erred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    pub coverage: std::collections::BTreeMap<String, f64>,
    /// How far the median of the horizon's maximum was from what came, relative to that: the median over origins. Absent if no horizon was
    /// observed whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_error: Option<f64>,
    /// Share of maxima at or below their q.90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peaks_below_q90: Option<f64>,
    /// Up to the lead time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadScore>,
    pub points: u64,
}

impl Row {
    /// As jobs keep it.
    pub fn score(&self) -> ModelScore {
        ModelScore {
            model: self.model.clone(),
            loss: self.loss,
            relative: self.relative,
            coverage: self.coverage.clone(),
            peak_error: self.peak_error,
            peaks_below_q90: self.peaks_below_q90,
            lead: self.lead.clone(),
            points: self.points,
            error: None,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for a file or option that can't be used, the report's among them; [`CliError::Failed`] if the answer can't be written.
pub fn run(args: Args) -> Result<(), CliError> {
    let models = models(&args.models)?;
    report_file::check("--report", args.report.as_deref())?;
    let plan = args.calendar.as_deref().map(forecast::calendar::read).transpose()?.unwrap_or_default();
    let trained = train::Trained::of(args.trained.as_deref())?;
    let mut rows = Vec::new();
    for input in &args.input {
        let (name, series) = read(input, args.step)?;
        let setup = Setup {
            horizon_ms: args.horizon,
            origins: args.origins as usize,
            last: args.last,
            history_ms: args.history.unwrap_or_else(|| usual_history_ms(&series)),
            ..Setup::default()
        };
        let setup = place::at_place(setup, &series, &plan, args.at.as_ref())?;
        let origins = backtest::origins(&series, &setup).map_err(|error| explain(&name, ModelChoice::Auto, &error))?;
        trained.check(series.timestamp_ms(origins.first().copied().unwrap_or_default()))?;
        let at_lead = AtLead::new(&series, &setup, args.lead, trained.models(), &|| ControlFlow::Continue(()));
        let at_lead = at_lead.map_err(|error| explain(&name, ModelChoice::Named(Member::LastValue), &error))?;
        for &model in &models {
            let began = (Instant::now(), process_cpu_ms());
            let report = backtest::run_with(&series, &setup, model, trained.models()).map_err(|error| explain(&name, model, &error))?;
            tell_cpu(&name, model, &setup, began);
            let lead = at_lead.score(model).map_err(|error| explain(&name, model, &error))?;
            rows.push(Row { lead: Some(lead), ..row(&name, model, &report) });
        }
    }
    report_file::write(args.report.as_deref(), || report::html(&rows, &how(&args)))?;
    print(&match args.format {
        Format::Table => table(&rows),
        Format::Json => json(&rows, true)?,
        Format::Jsonl => rows.iter().map(|row| json(row, false)).collect::<Result<_, _>>()?,
        Format::Csv => csv(&rows),
    })
}

/// What the report says of how it was made.
fn how(args: &Args) -> String {
    let hours = |ms: i64| crate::jobs::report::number(ms as f64 / 3_600_000.0);
    let (share, horizon, lead) = ((args.last * 1000.0).round() / 10.0, hours(args.horizon), args.lead / 60_000);
    match args.at {
        Some(_) => format!("Chosen origins, each looking {horizon} h ahead from what was known then, and {lead} min."),
        None => format!(
            "{} origins evenly over the last {share} % of each series, each looking {horizon} h ahead from what was known then; for the lead time of \
             {lead} min, 40 or more.",
            args.origins
        ),
    }
}

fn models(names: &[String]) -> Result<Vec<ModelChoice>, CliError> {
    if names.iter().any(|name| name == "all") {
        return Ok(std::iter::once(ModelChoice::Auto).chain(Member::ALL.iter().copied().map(ModelChoice::Named)).collect());
    }
    names.iter().map(|name| name.trim().parse().map_err(|error| CliError::BadInput(format!("--models: {error}, and all")))).collect()
}

fn read(input: &std::path::Path, step_ms: Option<i64>) -> Result<(String, Series), CliError> {
    let file = forecast::read(input)?;
    let (series, notes) = file.series().map_err(bad_input)?;
    notes.iter().for_each(|note| eprintln!("{}: {note}", file.name));
    let series = match step_ms {
        Some(step_ms) if step_ms > series.step_ms() => series.resample(step_ms).map_err(|error| {
            CliError::BadInput(format!("--step: {error}; a multiple of the series' own step ({} s) is needed", series.step_ms() / 1000))
        })?,
        _ => series,
    };
    Ok((file.name, series))
}

/// The most history that models are shown, unless somebody says otherwise.
pub(crate) fn usual_history_ms(series: &Series) -> i64 {
    (if series.step_ms() >= 3_600_000 { 56 } else { 21 }) * DAY_MS
}

fn explain(name: &str, model: ModelChoice, error: &BacktestError) -> CliError {
    CliError::BadInput(match error {
        BacktestError::TooShort { .. } | BacktestError::Stopped => format!("{name}: {error}"),
        BacktestError::Forecast { origin_ms, error } => format!("{name}, model {model}, origin {}: {error}", show_time(*origin_ms)),
    })
}

pub(crate) fn row(series: &str, model: ModelChoice, report: &Report) -> Row {
    let levels = SCORED_LEVELS.into_iter().skip(1);
    Row {
        series: series.to_owned(),
        model: model.to_string(),
        loss: report.model.loss(),
        relative: report.relative(),
        coverage: levels.filter_map(|level| Some((level.to_string(), report.model.coverage(level)?))).collect(),
        peak_error: report.peak_error(),
        peaks_below_q90: report.peaks_below_q90(),
        lead: None,
        points: report.model.points,
    }
}

fn tell_cpu(name: &str, model: ModelChoice, setup: &Setup, (wall, cpu): (Instant, Option<f64>)) {
    let origins = setup.origins as f64;
    match (cpu, process_cpu_ms()) {
        (Some(before), Some(after)) => eprintln!("{name}, {model}: {:.1} ms CPU an origin", (after - before) / origins),
        _ => eprintln!("{name}, {model}: {:.1} ms an origin", wall.elapsed().as_secs_f64() * 1e3 / origins),
    }
}

/// User and system time of this process with all its threads [ms], in clock ticks of 10 ms.
fn process_cpu_ms() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name in parentheses, may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks * 10.0)
}

#[cfg(test)]
mod tests;
