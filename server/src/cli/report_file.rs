//! A file for results: that it can be written is known before the work begins, not after.

use std::fs::OpenOptions;
use std::path::Path;

use super::CliError;

fn refused(option: &str, file: &Path, error: &std::io::Error) -> CliError {
    CliError::BadInput(format!("{option} {}: {error}; name a file in a folder that is there and can be written to", file.display()))
}

/// Whether the file that an option names can be written; what is in it stays.
///
/// # Errors
/// [`CliError::BadInput`] names the file and why it can't be written.
pub fn check(option: &str, file: Option<&Path>) -> Result<(), CliError> {
    let Some(file) = file else { return Ok(()) };
    let new = !file.exists();
    OpenOptions::new().append(true).create(true).open(file).map_err(|error| refused(option, file, &error))?;
    if new {
        // Whatever fails later leaves no empty report.
        std::fs::remove_file(file).map_err(|error| refused(option, file, &error))?;
    }
    Ok(())
}

/// Writes the report.
///
/// # Errors
/// As [`check`].
pub fn write(file: Option<&Path>, html: impl FnOnce() -> Result<String, String>) -> Result<(), CliError> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, html().map_err(CliError::Failed)?).map_err(|error| refused("--report", file, &error))
}
