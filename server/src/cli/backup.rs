//! `prescale backup`: a copy of the database, taken while it is in use.

use std::path::PathBuf;

use super::CliError;
use crate::store::{self, StoreError};

/// Copies the SQLite database of a data folder into a new file, also while a prescale works with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  prescale backup --data-dir ./data --out /backup/prescale-2026-03-01.db

The copy is the database as it was at one moment. To restore it, stop prescale and put the copy in place of prescale.db in the data folder
(remove prescale.db-wal and prescale.db-shm if they are there). A PostgreSQL database is backed up with pg_dump.")]
pub struct Args {
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for a folder without a database and a file that exists or can't be written; [`CliError::Failed`] otherwise.
pub fn run(args: Args) -> Result<(), CliError> {
    super::block_on(store::backup(&args.data_dir, &args.out))?.map_err(|error| match error {
        StoreError::Backup { .. } => CliError::BadInput(error.to_string()),
        _ => CliError::Failed(error.to_string()),
    })?;
    let bytes = std::fs::metadata(&args.out).map_or(0, |file| file.len());
    eprintln!("{}: {:.1} MiB", args.out.display(), bytes as f64 / 1_048_576.0);
    Ok(())
}
