//! `prescale train`: boosted trees that know an installation's own services, as a file for `--trained`.

use std::path::{Path, PathBuf};

use predictor::backtest::{self, Setup};
use predictor::boosted::{LEAST_MS, Lesson, Models, train};
use predictor::{DAY_MS, ModelChoice, Series};

use super::backtest::usual_history_ms;
use super::forecast::{bad_input, print, read};
use super::{CliError, parse_time, report_file, show_time};

/// The share of a series that the check is trained on; the rest is forecast.
const FIRST: f64 = 0.7;
/// Origins of the check.
const ORIGINS: usize = 20;
/// The check looks at quarters of an hour, as the day's trees do.
const STEP_MS: i64 = 900_000;

/// Teaches the boosted trees what your own services are like.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale train --input shop.csv search.csv --until 2026-03-01T00:00:00Z --output trees.bin
  prescale backtest --input shop.csv --trained trees.bin
  prescale forecast --input shop.csv --trained trees.bin

The new trees stand behind those in the binary and correct what these get wrong, so that little history does no harm. For each series, the command
first says what that is worth: the loss of a day's forecast on the last 30 %, relative to seasonal naive, before and after training on the first
70 % of all series. Then it trains on all rows up to --until. A forecast or backtest whose origin lies before the newest of these rows is refused,
because the trees would know its answer. The same rows give the same file. Each series needs five days of observations; weeks are better.")]
pub struct Args {
    /// CSV files with the header `timestamp,value`, Parquet files with these columns, or prometheus:http://…?query=… as for forecast
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    input: Vec<PathBuf>,
    /// Only rows up to then are learnt from [default: all]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
    /// Where the trees are written
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for a file, series or option that can't be used; [`CliError::Failed`] if the answer can't be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    report_file::check("--output", Some(&args.output))?;
    let mut all = Vec::new();
    for input in &args.input {
        let file = read(input)?;
        let (series, notes) = file.series().map_err(bad_input)?;
        notes.iter().for_each(|note| eprintln!("{}: {note}", file.name));
        let series = args.until.map_or_else(|| series.clone(), |until_ms| series.until(until_ms));
        all.push((file.name, series));
    }
    let lessons = all.iter().map(|(name, series)| lesson(name, series)).collect::<Result<Vec<_>, _>>()?;
    print(&checked(&all))?;
    let models = train(lessons.iter(), Models::shipped().clone());
    let bytes = models.to_bytes();
    std::fs::write(&args.output, &bytes).map_err(|error| CliError::Failed(format!("--output {}: {error}", args.output.display())))?;
    let until = models.until_ms.map(show_time).unwrap_or_default();
    print(&format!("{}: {} KiB, learnt from rows up to {until}\n", args.output.display(), bytes.len().div_ceil(1024)))
}

fn lesson(name: &str, series: &Series) -> Result<Lesson, CliError> {
    Lesson::of(series).ok_or_else(|| {
        let have = series.observed() as f64 * series.step_ms() as f64 / DAY_MS as f64;
        CliError::BadInput(format!("{name}: {have:.1} days of observations; at least {} are needed to learn from", LEAST_MS / DAY_MS))
    })
}

/// What training on the first part is worth on the rest, as a table.
fn checked(all: &[(String, Series)]) -> String {
    let first = |series: &Series| Lesson::of(&series.until(series.timestamp_ms((series.len() as f64 * FIRST) as usize - 1)));
    let lessons: Vec<Lesson> = all.iter().filter_map(|(_, series)| first(series)).collect();
    let after = train(lessons.iter(), Models::shipped().clone());
    let mut text = format!("{:<28} {:>10} {:>10}\n", "relative loss, 24 h", "before", "after");
    for (name, series) in all {
        let coarse = if series.step_ms() < STEP_MS { series.resample(STEP_MS).ok() } else { None };
        let series = coarse.as_ref().unwrap_or(series);
        let setup =
            Setup { horizon_ms: DAY_MS, origins: ORIGINS, last: 1.0 - FIRST, history_ms: usual_history_ms(series), ..Setup::default() };
        let loss = |models| backtest::run_with(series, &setup, ModelChoice::Auto, models).ok().and_then(|report| report.relative());
        let shown = |loss: Option<f64>| loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.3}"));
        text += &format!("{name:<28} {:>10} {:>10}\n", shown(loss(Models::shipped())), shown(loss(&after)));
    }
    text
}

/// The trees that a command uses.
#[derive(Debug)]
pub(super) struct Trained {
    /// The file, and what was in it; `None` uses those in the binary.
    given: Option<(PathBuf, Models)>,
}

impl Trained {
    /// Reads the file of `--trained`.
    ///
    /// # Errors
    /// [`CliError::BadInput`] for a file that can't be read or holds no trees of this version.
    pub fn of(file: Option<&Path>) -> Result<Self, CliError> {
        let Some(file) = file else { return Ok(Self { given: None }) };
        let problem = |error: &dyn std::fmt::Display| CliError::BadInput(format!("--trained {}: {error}", file.display()));
        let bytes = std::fs::read(file).map_err(|error| problem(&error))?;
        let models = Models::from_bytes(&bytes).map_err(|error| problem(&error))?;
        Ok(Self { given: Some((file.to_owned(), models.with_networks(Models::shipped().networks.clone()))) })
    }

    /// The trees.
    pub fn models(&self) -> &Models {
        self.given.as_ref().map_or_else(|| Models::shipped(), |(_, models)| models)
    }

    /// Whether they may forecast at an origin.
    ///
    /// # Errors
    /// [`CliError::BadInput`] if they learnt from rows after it.
    pub fn check(&self, origin_ms: i64) -> Result<(), CliError> {
        match &self.given {
            Some((file, Models { until_ms: Some(until_ms), .. })) if origin_ms < *until_ms => Err(CliError::BadInput(format!(
                "--trained {}: its trees learnt from rows up to {}, and the origin {} lies before that: they would know the answer; train with \
                 --until {}",
                file.display(),
                show_time(*until_ms),
                show_time(origin_ms),
                show_time(origin_ms)
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
