//! `prescale backtest`: how good each model would have been, on rolling origins, against seasonal naive.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use predictor::backtest::{self, BacktestError, Report, SCORED_LEVELS, Setup};
use predictor::{DAY_MS, Member, ModelChoice, Series};
use serde::Serialize;

use super::forecast::{self, Format, bad_input, json, print};
use super::{CliError, parse_duration, show_time};

/// Scores models on rolling origins of the last part of each series.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale backtest --input requests.csv orders.csv --horizon 24h --step 15m --models auto,calendar,ridge

loss is the mean weighted quantile loss over 0.5, 0.9, 0.95 and 0.99; relative compares it with seasonal naive (day, Gaussian intervals) on the
same origins: below 1 is better. CPU per origin goes to standard error.")]
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
    /// auto, names of members, or all
    #[arg(long, value_name = "NAME,…|all", value_delimiter = ',', default_value = "auto")]
    models: Vec<String>,
    /// Average the series to this step first [default: its own]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    step: Option<i64>,
    /// The most history that models are shown [default: 21d, 56d for hourly series]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    history: Option<i64>,
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
#[derive(Debug, Serialize)]
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
    pub points: u64,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for a file or option that can't be used; [`CliError::Failed`] if the answer can't be written.
pub fn run(args: Args) -> Result<(), CliError> {
    let models = models(&args.models)?;
    let mut rows = Vec::new();
    for input in &args.input {
        let (name, series) = read(input, args.step)?;
        let setup = Setup {
            horizon_ms: args.horizon,
            origins: args.origins as usize,
            last: args.last,
            history_ms: args.history.unwrap_or_else(|| usual_history_ms(&series)),
        };
        for &model in &models {
            let began = (Instant::now(), process_cpu_ms());
            let report = backtest::run(&series, &setup, model).map_err(|error| explain(&name, model, &error))?;
            tell_cpu(&name, model, &setup, began);
            rows.push(row(&name, model, &report));
        }
    }
    print(&match args.format {
        Format::Table => table(&rows),
        Format::Json => json(&rows, true)?,
        Format::Jsonl => rows.iter().map(|row| json(row, false)).collect::<Result<_, _>>()?,
        Format::Csv => csv(&rows),
    })
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
        points: report.model.points,
    }
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.series.len()).max().unwrap_or(0).max("geometric mean".len()) + 2;
    let mut text =
        format!("{:<width$}{:<28}{:>10}{:>10}{:>8}{:>8}{:>8}\n", "series", "model", "loss", "relative", "q0.9", "q0.95", "q0.99");
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    for row in rows {
        let _ = write!(text, "{:<width$}{:<28}{:>10}{:>10}", row.series, row.model, number(row.loss), number(row.relative));
        row.coverage.values().for_each(|share| {
            let _ = write!(text, "{share:>8.3}");
        });
        text.push('\n');
    }
    for (model, mean) in geometric_means(rows) {
        let _ = writeln!(text, "{:<width$}{:<28}{:>10}{:>10.4}", "geometric mean", model, "", mean);
    }
    text
}

/// Of the relative losses, per model over all series; only where there are several.
fn geometric_means(rows: &[Row]) -> Vec<(&str, f64)> {
    let mut models: Vec<&str> = Vec::new();
    for row in rows {
        if !models.contains(&row.model.as_str()) {
            models.push(&row.model);
        }
    }
    let mean = |model: &str| {
        let logs: Vec<f64> = rows.iter().filter(|row| row.model == model).filter_map(|row| row.relative.map(f64::ln)).collect();
        (logs.len() > 1).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    models.into_iter().filter_map(|model| Some((model, mean(model)?))).collect()
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("series,model,loss,relative,q0.9,q0.95,q0.99,points\n");
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in rows {
        let name = row.series.replace('"', "\"\"");
        let _ = write!(text, "\"{name}\",{},{},{}", row.model, number(row.loss), number(row.relative));
        row.coverage.values().for_each(|share| {
            let _ = write!(text, ",{share}");
        });
        let _ = writeln!(text, ",{}", row.points);
    }
    text
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
