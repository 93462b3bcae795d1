//! Where a run begins: a new data folder gets two weeks of history; a known one goes on where it stopped.

use super::args::Options;
use super::trace::Trace;
use super::world::{SERVICE, STEP_MS};
use crate::cli::CliError;
use crate::store::{SeriesKey, Store, StoreError};

const IDENTITY: &str = "demo";
const SHIFT: &str = "demo.shift_ms";
const LOAD: SeriesKey<'static> = SeriesKey { service: SERVICE, metric: "load" };

/// The trace in domain time, and the moment to begin at.
pub struct Begin {
    pub trace: Trace,
    pub start_ms: i64,
    pub resumed: bool,
}

/// Seeds a new folder with history, or finds out where a known one stopped.
///
/// # Errors
/// [`CliError::BadInput`] for a folder that belongs to another trace, factor or beginning; what the database says.
pub async fn begin(store: &Store, options: &Options, now_ms: i64) -> Result<Begin, CliError> {
    match store.meta(IDENTITY).await.map_err(failed)? {
        None => seed(store, options, now_ms).await,
        Some(known) if known == options.identity => resume(store, options).await,
        Some(known) => Err(CliError::BadInput(format!(
            "--data-dir {}: it holds a run of another replay ({known}), and this is {}; allowed: a new folder, or the same options",
            store.folder().display(),
            options.identity
        ))),
    }
}

async fn seed(store: &Store, options: &Options, now_ms: i64) -> Result<Begin, CliError> {
    let trace = options.trace.clone().shifted_to(now_ms);
    store.append(LOAD, STEP_MS, &trace.history()).await.map_err(failed)?;
    store.set_meta(SHIFT, &trace.shift_ms().to_string()).await.map_err(failed)?;
    // Last, so that a folder that was seeded in part is seeded again.
    store.set_meta(IDENTITY, &options.identity).await.map_err(failed)?;
    let start_ms = trace.from_ms;
    Ok(Begin { trace, start_ms, resumed: false })
}

async fn resume(store: &Store, options: &Options) -> Result<Begin, CliError> {
    let shift = store.meta(SHIFT).await.map_err(failed)?;
    let shift_ms = shift.and_then(|text| text.parse().ok()).ok_or_else(|| {
        CliError::Failed(format!("data folder {}: its shift is unreadable; remove the folder to begin anew", store.folder().display()))
    })?;
    let trace = options.trace.clone().shifted_by(shift_ms);
    let written_ms = store.saved().await.map_err(failed)?.map_or(trace.from_ms, |saved| saved.written_ms);
    let start_ms = written_ms.max(trace.from_ms);
    if options.exit && start_ms >= trace.until_ms {
        return Err(CliError::BadInput(format!(
            "--exit: the window of data folder {} is over already; allowed: a new folder with --data-dir",
            store.folder().display()
        )));
    }
    Ok(Begin { trace, start_ms, resumed: start_ms > trace_begin(options, shift_ms) })
}

fn trace_begin(options: &Options, shift_ms: i64) -> i64 {
    options.trace.from_ms + shift_ms
}

fn failed(error: StoreError) -> CliError {
    CliError::Failed(error.to_string())
}
