//! Makes a forecast from the stored history, off the loop.

use std::sync::Arc;
use std::time::Instant;

use planner::{Event, HistoryNeed};
use predictor::{ForecastError, ModelChoice, Request};

use super::Shared;
use crate::store::{SeriesKey, Store, StoreError};

/// What a forecast may look back on.
pub const HISTORY_MS: i64 = 28 * 86_400_000;
/// How far it reaches.
const HORIZON_MS: i64 = 86_400_000;
/// What the page shows and the planner may be asked to cover.
const QUANTILES: [f64; 8] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99];

/// Forecasts `service` and sends the result to the loop.
pub async fn make(shared: Arc<Shared>, service: String) {
    // The semaphore is never closed.
    let Ok(_permit) = shared.forecasts.acquire().await else { return };
    let begun = Instant::now();
    let event = event(&shared.store, service, shared.clock.now_ms()).await;
    shared.counts.forecast.observe(begun.elapsed());
    shared.send(event).await;
}

/// The forecast of `service` as of `now_ms`, or why there is none, as an event for the loop.
pub async fn event(store: &Store, service: String, now_ms: i64) -> Event {
    match attempt(store, &service, now_ms).await {
        Ok(forecast) => Event::Forecast { service, forecast },
        Err(Failure { error, not_enough_history }) => {
            tracing::info!(service, error, "no forecast");
            Event::ForecastFailed { service, at_ms: now_ms, error, not_enough_history }
        }
    }
}

struct Failure {
    error: String,
    not_enough_history: Option<HistoryNeed>,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error: error.to_string(), not_enough_history: None }
    }
}

impl From<ForecastError> for Failure {
    fn from(error: ForecastError) -> Self {
        let not_enough_history = match &error {
            ForecastError::NotEnoughHistory { have_ms, need_ms } => Some(HistoryNeed { have_ms: *have_ms, need_ms: *need_ms }),
            _ => None,
        };
        Self { error: error.to_string(), not_enough_history }
    }
}

async fn attempt(store: &Store, service: &str, now_ms: i64) -> Result<predictor::Forecast, Failure> {
    let key = SeriesKey { service, metric: "load" };
    let series = store.read(key, now_ms - HISTORY_MS, now_ms).await?;
    let request = Request { horizon_ms: HORIZON_MS, quantiles: QUANTILES.to_vec(), model: ModelChoice::Auto };
    let Some(series) = series else {
        let need_ms = predictor::MIN_HISTORY_MS;
        return Err(ForecastError::NotEnoughHistory { have_ms: 0, need_ms }.into());
    };
    let made = tokio::task::spawn_blocking(move || predictor::forecast(&series, &request)).await;
    // A join error would be a panic inside of the predictor: a failed forecast to the loop, which falls back to the reactive rule.
    Ok(made.map_err(|error| Failure { error: error.to_string(), not_enough_history: None })??)
}
