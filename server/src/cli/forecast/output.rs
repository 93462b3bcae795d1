//! Data on standard output.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use serde::Serialize;

use crate::cli::CliError;

/// Bytes that are written at once.
const OUT_BUFFER: usize = 64 * 1024;

/// Writes data to standard output; a reader that has gone is no failure.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    write(|out| out.write_all(text.as_bytes()))
}

/// [`print`] for what isn't text yet.
pub(super) fn write(data: impl FnOnce(&mut BufWriter<StdoutLock>) -> io::Result<()>) -> Result<(), CliError> {
    let mut out = BufWriter::with_capacity(OUT_BUFFER, io::stdout().lock());
    match data(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Failed(format!("standard output: {error}"))),
        _ => Ok(()),
    }
}

/// One line of JSON, or one that people can read.
pub(in crate::cli) fn json(data: &impl Serialize, pretty: bool) -> Result<String, CliError> {
    let text = if pretty { serde_json::to_string_pretty(data) } else { serde_json::to_string(data) };
    text.map(|text| text + "\n").map_err(|error| CliError::Failed(format!("writing JSON: {error}")))
}
