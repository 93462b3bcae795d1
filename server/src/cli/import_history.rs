//! `prescale import-history`: what a service's load was before Prescale knew it, from files into the database.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use predictor::{CleaningKind, Series};

use super::forecast::bad_input;
use super::{CliError, parse_duration, show_time};
use crate::api::control::Metric;
use crate::series_file::SeriesFile;
use crate::store::{Location, SeriesKey, Store, StoreError};

/// Points in one transaction.
const POINTS: usize = 20_000;

/// Puts past data from files into the history of a service. Doing it twice changes nothing; what is stored for the same times is replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale import-history --data-dir ./data --service chat-api requests-2025.csv requests-2026.parquet
  prescale import-history --database postgres://prescale@db/prescale --service chat-api --metric replicas_ready replicas.csv

Files are CSV with the header `timestamp,value`, RFC 3339 times and a regular step (missing rows are gaps, they leave what is stored as it is), or
Parquet with these columns. Finer files are averaged to the step that the series is stored at. Stop the prescale that works with this data first.")]
pub struct Args {
    /// The data folder, with the SQLite database unless --database names another
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// PostgreSQL database; the password may come from PGPASSWORD or ~/.pgpass instead
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Whose history
    #[arg(long, value_name = "NAME")]
    service: String,
    /// What was measured
    #[arg(long, value_name = "NAME", default_value = "load")]
    metric: String,
    /// Step of a series that isn't stored yet [default: the first file's]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    step: Option<i64>,
    /// CSV or Parquet files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for files, steps and databases that can't be used; [`CliError::Failed`] for a database in use, or when writing fails.
/// Everything is read and checked before anything is written.
pub fn run(args: Args) -> Result<(), CliError> {
    let known: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).chain(["saturated"]).collect();
    if !known.contains(&args.metric.as_str()) {
        return Err(CliError::BadInput(format!("--metric {}; allowed: {}", args.metric, known.join(", "))));
    }
    let location = Location::try_new(args.data_dir.clone(), args.database.clone()).map_err(bad_input)?;
    let inputs = args.files.iter().map(|file| Input::read(file)).collect::<Result<Vec<_>, _>>()?;
    super::block_on(import(&args, &location, &inputs))?
}

async fn import(args: &Args, location: &Location, inputs: &[Input]) -> Result<(), CliError> {
    let store = Store::open(location).await.map_err(failed)?;
    let key = SeriesKey { service: &args.service, metric: &args.metric };
    let step_ms = step(args, &store, key, inputs).await?;
    let fitting = inputs.iter().map(|input| input.at_step(step_ms)).collect::<Result<Vec<_>, _>>()?;
    for (input, series) in inputs.iter().zip(&fitting) {
        let points: Vec<(i64, f64)> = (0..series.len()).filter_map(|i| Some((series.timestamp_ms(i), series.value(i)?))).collect();
        for some in points.chunks(POINTS) {
            store.append(key, step_ms, some).await.map_err(failed)?;
        }
        eprintln!("{}", input.told(series));
    }
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    store.seal(now_ms).await.map_err(failed)?;
    store.close().await;
    Ok(())
}

/// The step to store at: that of the stored series, or what the user says, or the first file's.
async fn step(args: &Args, store: &Store, key: SeriesKey<'_>, inputs: &[Input]) -> Result<i64, CliError> {
    let name = || format!("{} of {}", key.metric, key.service);
    match (store.step_of(key).await.map_err(failed)?, args.step) {
        (Some(stored), Some(wanted)) if stored != wanted => Err(CliError::BadInput(format!(
            "--step: {} is stored at a step of {} s already, so {} s can't be; leave --step out",
            name(),
            seconds(stored),
            seconds(wanted)
        ))),
        (Some(stored), _) => Ok(stored),
        (None, wanted) => {
            // A typo in the name would look like success.
            eprintln!("{} is new in {}", name(), store.folder().display());
            let step_ms = wanted.or_else(|| inputs.first().map(|input| input.series.step_ms())).unwrap_or_default();
            if step_ms <= 0 || predictor::DAY_MS % step_ms != 0 {
                return Err(CliError::BadInput(format!(
                    "{} can't be stored at a step of {} s: a day must be a whole number of steps; choose one with --step, such as 60s",
                    name(),
                    seconds(step_ms)
                )));
            }
            Ok(step_ms)
        }
    }
}

/// A file as a series, and what it took to make it one.
struct Input {
    file: String,
    rows: usize,
    duplicates: u64,
    series: Series,
}

impl Input {
    fn read(path: &Path) -> Result<Self, CliError> {
        let read = SeriesFile::read(path).map_err(bad_input)?;
        let (series, notes) = read.series().map_err(bad_input)?;
        let duplicates = notes.iter().filter(|note| note.kind == CleaningKind::Duplicate).map(|note| note.rows).sum();
        let file = path.display().to_string();
        notes.iter().filter(|note| note.kind != CleaningKind::Duplicate).for_each(|note| eprintln!("{file}: {note}"));
        Ok(Self { file, rows: read.points.len(), duplicates, series })
    }

    fn at_step(&self, step_ms: i64) -> Result<Series, CliError> {
        let own_ms = self.series.step_ms();
        if own_ms == step_ms {
            return Ok(self.series.clone());
        }
        self.series.resample(step_ms).map_err(|_| {
            CliError::BadInput(format!(
                "{}: its step of {} s can't be stored at {} s; allowed: a step that divides {} s evenly",
                self.file,
                seconds(own_ms),
                seconds(step_ms),
                seconds(step_ms)
            ))
        })
    }

    fn told(&self, stored: &Series) -> String {
        let step = if stored.step_ms() == self.series.step_ms() {
            format!("at its step of {} s", seconds(stored.step_ms()))
        } else {
            format!("averaged from {} s to {} s", seconds(self.series.step_ms()), seconds(stored.step_ms()))
        };
        format!(
            "{}: {} rows from {} to {} {step}: {} points written, {} missing, {} duplicates",
            self.file,
            self.rows,
            show_time(self.series.start_ms()),
            show_time(self.series.end_ms() - self.series.step_ms()),
            stored.observed(),
            self.series.len() - self.series.observed(),
            self.duplicates
        )
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

fn failed(error: StoreError) -> CliError {
    match error {
        StoreError::Url { .. } => CliError::BadInput(error.to_string()),
        _ => CliError::Failed(error.to_string()),
    }
}
