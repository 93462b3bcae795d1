//! A backtest of a service's own history: the series as the live forecasts see it, and how much work it is.

use predictor::Series;
use predictor::backtest::{BacktestError, Setup, origins};

use super::load::unavailable;
use crate::api::control::ControlError;
use crate::api::dto::{BacktestJob, JobSize};
use crate::cli::backtest::usual_history_ms;
use crate::cli::{parse_duration, show_time};
use crate::runtime::Shared;
use crate::store::SeriesKey;

/// History that is read: 56 days in which models look back and 28 that are scored.
const READ_MS: i64 = 84 * 86_400_000;
/// One origin of one model on a quarter-hourly series; a blend asks all its members.
const ORIGIN_S: f64 = 0.1;

/// A backtest, ready to be run.
#[derive(Debug)]
pub struct Prepared {
    pub series: Series,
    pub setup: Setup,
    /// Until a replica of the service is ready [ms].
    pub lead_ms: i64,
    pub notes: Vec<String>,
    pub size: JobSize,
}

/// Reads the series; refuses one that is too short for what is asked.
pub async fn prepare(shared: &Shared, job: &BacktestJob) -> Result<Prepared, ControlError> {
    let service = &job.service;
    let view = shared.view(service).ok_or_else(|| ControlError::NotFound { what: "service", name: service.clone() })?;
    let lead_ms = view.state.lead.lead(&view.state.config).ms;
    let bad = |key: &str, value: String, allowed: String| ControlError::BadInput { key: key.into(), value, allowed };
    let now_ms = shared.clock.now_ms();
    let key = SeriesKey { service, metric: "load" };
    let stored = shared.store.read(key, now_ms - READ_MS, now_ms).await.map_err(unavailable)?;
    let stored = stored.ok_or_else(|| bad("service", service.clone(), "a service whose load was measured".to_owned()))?;
    // Both were checked with the request.
    let (step_ms, horizon_ms) = (parse_duration(&job.step).unwrap_or(900_000), parse_duration(&job.horizon).unwrap_or(86_400_000));
    let series = match step_ms > stored.step_ms() {
        true => stored.resample(step_ms).map_err(|error| {
            bad("step", job.step.clone(), format!("a multiple of the stored step, {} s ({error})", stored.step_ms() / 1_000))
        })?,
        false => stored,
    };
    let setup =
        Setup { horizon_ms, origins: job.origins as usize, last: job.last, history_ms: usual_history_ms(&series), ..Setup::default() };
    let found = origins(&series, &setup).map_err(|error: BacktestError| bad("last", job.last.to_string(), error.to_string()))?;
    let notes = vec![format!(
        "The load of {service} from {} to {}, by {} s; {} origins in its last {} %, each looking {} ahead. Relative is the loss relative to \
         seasonal naive's on the same origins: below 1 is better. The lead time is {} s, at 40 origins or more.",
        show_time(series.start_ms()),
        show_time(series.end_ms()),
        series.step_ms() / 1_000,
        found.len(),
        (job.last * 1_000.0).round() / 10.0,
        job.horizon,
        lead_ms / 1_000
    )];
    let runs = (job.models.len() * found.len()) as u32;
    let seconds = f64::from(runs) * ORIGIN_S * (900_000.0 / series.step_ms() as f64).max(1.0);
    Ok(Prepared { series, setup, lead_ms, notes, size: JobSize { runs, requests: 0, seconds } })
}
