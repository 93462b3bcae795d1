//! `prescale sweep`: a matrix of scenarios in; which is best, and whether that is real, out.

mod axes;
mod file;
mod keep;
mod matrix;
mod mistakes;
mod path;
mod rank;
mod show;
#[cfg(test)]
mod tests;
mod work;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use file::schema_text;

use super::forecast::{Format, print};
use super::simulate::refuse_what_takes_for_ever;
use super::{CliError, report_file};
use crate::api::dto::Cell;
use file::Source;
use keep::Store;
use matrix::Matrix;

/// Simulates every combination of algorithms, plans and settings over the same seeds, and ranks them with 95 % intervals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale sweep scenarios/sweeps/replicas.toml
  prescale sweep scenarios/sweeps/replicas.toml --out results.parquet --report results.html

The same file gives the same bytes, with any number of threads. With --out, cells that are done are kept in results.parquet.cells: a
sweep that was interrupted goes on where it stopped, and one with a value more runs only what is new.")]
pub struct Args {
    /// The sweep
    #[arg(value_name = "SWEEP.toml")]
    sweep: PathBuf,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write a row per cell and seed
    #[arg(long, value_name = "FILE.parquet")]
    out: Option<PathBuf>,
    /// Write a report for people
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Run also what would take very long
    #[arg(long)]
    yes: bool,
    /// How to print; csv is a row per cell and figure
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] names line, key and what is allowed; [`CliError::Interrupted`] when the user didn't wait for the end.
pub fn run(args: Args) -> Result<(), CliError> {
    report_file::check("--report", args.report.as_deref())?;
    let shown = args.sweep.display().to_string();
    let text = std::fs::read_to_string(&args.sweep).map_err(|error| CliError::BadInput(format!("{shown}: {error}")))?;
    let matrix = Matrix::read(&Source { path: &shown, text: &text }, args.sweep.parent().unwrap_or(Path::new("")))?;
    let store = Store::beside(args.out.as_deref())?;
    let left = matrix.cells.iter().filter(|cell| store.load(&cell.hash).is_none());
    let requests: f64 = left.map(|cell| cell.requests).sum();
    refuse_what_takes_for_ever(requests, matrix.seeds, args.yes).map_err(|error| CliError::BadInput(format!("{shown}: {error}")))?;
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let start = Instant::now();
    let done = work::cells(&matrix, &store, jobs, &work::on_interrupt()?)?;
    let count = done.iter().flatten().count();
    let Some(cells) = done.into_iter().collect::<Option<Vec<Cell>>>() else {
        let kept = match store.folder() {
            Some(folder) => format!("kept in {}: the same command goes on from there", folder.display()),
            None => "lost: with --out they would be kept".to_owned(),
        };
        eprintln!("{count} of {} cells are done and {kept}", matrix.cells.len());
        return Err(CliError::Interrupted);
    };
    eprintln!("{} cells of {} seeds in {:.2} s, {jobs} threads at most", cells.len(), matrix.seeds, start.elapsed().as_secs_f64());
    let ranking = rank::rank(&cells, matrix.rank_by);
    if let Some(out) = &args.out {
        show::parquet(out, &matrix, &cells)?;
    }
    report_file::write(args.report.as_deref(), || show::html(&matrix, &cells, &ranking, &text))?;
    print(&show::text(args.format, &matrix, &cells, &ranking)?)
}
