//! Makes a forecast from the stored history, off the loop.

use std::sync::Arc;
use std::time::Instant;

use planner::calendar::Outlined;
use planner::forecaster::Asked;
use planner::{Event, HistoryNeed, ServiceConfig};
use predictor::boosted::Models;
use predictor::{ForecastError, ModelChoice, Request};

use super::{Shared, forecasters::Forecasters};
use crate::store::{SeriesKey, Store, StoreError};

/// What a forecast may look back on.
pub const HISTORY_MS: i64 = 28 * 86_400_000;
/// How far it reaches.
const HORIZON_MS: i64 = 86_400_000;
/// What the page shows and the planner may be asked to cover.
const QUANTILES: [f64; 8] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99];

/// Forecasts `service` and sends the result to the loop.
pub async fn make(shared: Arc<Shared>, service: String) {
    let mut forecasters = shared.forecasters.lock().await;
    let Some(known) = shared.service(&service) else { return forecasters.forget(&service) };
    forecasters.serve(&known);
    let begun = Instant::now();
    let event = event(&shared.store, &mut forecasters, &known.config, shared.clock.now_ms()).await;
    drop(forecasters);
    shared.counts.forecast.observe(begun.elapsed());
    shared.send(event).await;
}

/// The forecast of a service as of `now_ms`, or why there is none, as an event for the loop.
pub async fn event(store: &Store, forecasters: &mut Forecasters, config: &ServiceConfig, now_ms: i64) -> Event {
    let service = config.name.clone();
    match attempt(store, forecasters, config, now_ms).await {
        Ok(Outlined { forecast, learnt }) => {
            for uplift in &learnt {
                let (name, occurrences, highest) = (&uplift.event, uplift.occurrences, uplift.highest());
                tracing::info!(service, event = name, occurrences, highest, "what earlier occurrences of an event say");
            }
            Event::Forecast { service, forecast, learnt }
        }
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

async fn attempt(store: &Store, forecasters: &mut Forecasters, config: &ServiceConfig, now_ms: i64) -> Result<Outlined, Failure> {
    let service = config.name.as_str();
    let key = SeriesKey { service, metric: "load" };
    let series = store.read(key, now_ms - HISTORY_MS, now_ms).await?;
    let request = Request { horizon_ms: HORIZON_MS, quantiles: QUANTILES.to_vec(), model: ModelChoice::Auto };
    let Some(series) = series else {
        let need_ms = predictor::MIN_HISTORY_MS;
        return Err(ForecastError::NotEnoughHistory { have_ms: 0, need_ms }.into());
    };
    let shed = store.read(SeriesKey { service, metric: "saturated" }, now_ms - HISTORY_MS, now_ms).await?;
    let mut forecaster = forecasters.take(store, service).await;
    let fitted_ms = forecaster.fitted_ms();
    let models = forecasters.models();
    let config = config.clone();
    let made = tokio::task::spawn_blocking(move || {
        let of_demand = match shed {
            Some(shed) => predictor::without_own_shedding(&series, |ts_ms| marked(&shed, ts_ms)),
            None => series,
        };
        let origin_ms = of_demand.end_ms() - of_demand.step_ms();
        let models = models.as_deref().unwrap_or_else(|| Models::shipped());
        let asked = Asked { place: (&config).into(), origin_ms, request: &request, refit_ms: config.forecast_every_ms, models };
        let made = forecaster.forecast(&of_demand, &asked);
        (made, forecaster)
    })
    .await;
    // A join error would be a panic inside of the predictor: a failed forecast to the loop, which falls back to the reactive rule.
    let (made, forecaster) = made.map_err(|error| {
        // What it rests on may be the reason.
        forecasters.begin_anew(service);
        Failure { error: error.to_string(), not_enough_history: None }
    })?;
    forecasters.put(store, service, forecaster, fitted_ms).await;
    Ok(made?)
}

/// Whether a step of a series of flags is set.
pub fn marked(flags: &predictor::Series, ts_ms: i64) -> bool {
    let slot = (ts_ms - flags.start_ms()).div_euclid(flags.step_ms());
    usize::try_from(slot).ok().filter(|slot| *slot < flags.len()).and_then(|slot| flags.value(slot)).is_some_and(|flag| flag > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    const STEP_MS: i64 = 900_000;
    const DAY_MS: i64 = 86_400_000;

    /// Ten days of 100 requests/s and 400 from 10 to 14 o'clock; on the last three the service sheds then, and half of the callers give up.
    async fn noon(shedding_is_told: bool) -> f64 {
        let forecast = ten_days(&mut Forecasters::default(), shedding_is_told).await;
        forecast.quantile_at(forecast.origin_ms + STEP_MS + 12 * 3_600_000, 0.5).unwrap()
    }

    async fn ten_days(forecasters: &mut Forecasters, shedding_is_told: bool) -> predictor::Forecast {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
        let start_ms = 20_000 * DAY_MS;
        let shed = |ts_ms: i64| (10..14).contains(&(ts_ms % DAY_MS / 3_600_000)) && ts_ms >= start_ms + 7 * DAY_MS;
        let load = |ts_ms: i64| {
            if !(10..14).contains(&(ts_ms % DAY_MS / 3_600_000)) {
                100.0
            } else if shed(ts_ms) {
                40.0
            } else {
                400.0
            }
        };
        let times = || (0..10 * 96).map(|slot| start_ms + slot * STEP_MS);
        let points: Vec<(i64, f64)> = times().map(|ts_ms| (ts_ms, load(ts_ms))).collect();
        store.append(SeriesKey { service: "shop", metric: "load" }, STEP_MS, &points).await.unwrap();
        if shedding_is_told {
            let flags: Vec<(i64, f64)> = times().map(|ts_ms| (ts_ms, f64::from(u8::from(shed(ts_ms))))).collect();
            store.append(SeriesKey { service: "shop", metric: "saturated" }, STEP_MS, &flags).await.unwrap();
        }
        let config = planner::ServiceConfig { name: "shop".into(), ..crate::demo::world::config(false, 0.9, 0.95) };
        match event(&store, forecasters, &config, start_ms + 10 * DAY_MS).await {
            Event::Forecast { forecast, .. } => forecast,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_trees_of_the_configuration_are_asked() {
        use predictor::boosted::{Tree, Trees};
        let far = Trees(vec![Tree { questions: Vec::new(), leaves: vec![1.0] }]);
        let mut own = Forecasters::with(Some(std::sync::Arc::new(Models { far, ..Models::default() })));
        let (own, shipped) = (ten_days(&mut own, true).await, ten_days(&mut Forecasters::default(), true).await);
        let loss = |forecast: &predictor::Forecast| {
            let far = forecast.explanation.far.as_ref().unwrap();
            far.members.iter().find(|member| member.name == "boosted").and_then(|member| member.loss).unwrap()
        };
        // Trees that are always wrong by as much as a day's usual change.
        assert!(loss(&own) > 1.2 * loss(&shipped), "{} {}", loss(&own), loss(&shipped));
    }

    /// Load by the clocks of New York, which went forward at 07:00 UTC, an hour before the end.
    #[tokio::test]
    async fn days_go_by_the_clocks_of_the_services_place() {
        let changed_ms = 1_772_953_200_000;
        let end_ms = changed_ms + 3_600_000;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
        let local_hour = |ts_ms: i64| (ts_ms / 3_600_000 - if ts_ms < changed_ms { 5 } else { 4 }) % 24;
        let load = |ts_ms: i64| if (9..17).contains(&local_hour(ts_ms)) { 400.0 } else { 100.0 };
        let points: Vec<(i64, f64)> = (0..20 * 96).map(|slot| end_ms - slot * STEP_MS).map(|ts_ms| (ts_ms, load(ts_ms))).collect();
        store.append(SeriesKey { service: "shop", metric: "load" }, STEP_MS, &points).await.unwrap();
        for (time_zone, opens_on_time) in [("America/New_York", true), ("UTC", false)] {
            let config = ServiceConfig { name: "shop".into(), time_zone: time_zone.into(), ..crate::demo::world::config(false, 0.9, 0.95) };
            let Event::Forecast { forecast, .. } = event(&store, &mut Forecasters::default(), &config, end_ms).await else {
                panic!("no forecast")
            };
            // 17:30 there, 21:30 UTC: until yesterday it was 16:30 then.
            let after_closing = forecast.quantile_at(changed_ms + 14 * 3_600_000 + STEP_MS * 2, 0.5).unwrap();
            assert_eq!(after_closing < 110.0, opens_on_time, "{time_zone}: {after_closing}");
        }
    }

    #[tokio::test]
    async fn our_own_shedding_is_not_learnt_as_low_demand() {
        let (told, untold) = (noon(true).await, noon(false).await);
        assert!(told > 300.0, "{told} requests/s are expected at noon");
        assert!(untold < 100.0, "{untold}: without the mark it looks like low demand");
    }
}
