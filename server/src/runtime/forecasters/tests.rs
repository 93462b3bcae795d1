use planner::forecaster::Asked;
use predictor::boosted::Models;
use predictor::{Request, Series};

use super::*;
use crate::store::Location;

const STEP_MS: i64 = 300_000;
const DAY_MS: i64 = 86_400_000;

fn series(slots: i64) -> Series {
    let load = |slot: i64| 300.0 - 200.0 * ((slot % 288) as f64 / 288.0 * std::f64::consts::TAU).cos() + (slot * 7919 % 41) as f64;
    Series::try_new(20_000 * DAY_MS, STEP_MS, (0..slots).map(|slot| Some(load(slot))).collect()).unwrap()
}

/// A forecast at the end of the series, with a new fit after an hour.
async fn forecast(forecasters: &mut Forecasters, store: &Store, slots: i64) -> Option<i64> {
    let (series, request) = (series(slots), Request::over(DAY_MS));
    let mut forecaster = forecasters.take(store, "shop").await;
    let before_ms = forecaster.fitted_ms();
    let place = planner::calendar::Place { time_zone: "UTC", events: &[], holidays: &[] };
    let asked = Asked { place, origin_ms: series.end_ms() - STEP_MS, request: &request, refit_ms: 3_600_000, models: Models::shipped() };
    forecaster.forecast(&series, &asked).unwrap();
    forecasters.put(store, "shop", forecaster, before_ms).await;
    forecasters.known["shop"].fitted_ms()
}

#[tokio::test]
async fn after_a_restart_forecasts_rest_on_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
    let mut first = Forecasters::default();
    let fitted_ms = forecast(&mut first, &store, 9 * 288).await;
    assert!(fitted_ms.is_some());
    let stored = store.forecaster("shop").await.unwrap().unwrap();
    assert!(stored.len() < 30_000, "{} bytes", stored.len());
    assert_eq!(forecast(&mut first, &store, 9 * 288 + 1).await, fitted_ms, "an update rests on the same fit");
    assert_eq!(store.forecaster("shop").await.unwrap().unwrap(), stored, "and writes nothing");
    let mut restarted = Forecasters::default();
    assert_eq!(forecast(&mut restarted, &store, 9 * 288 + 2).await, fitted_ms);
    assert_ne!(forecast(&mut restarted, &store, 9 * 288 + 12).await, fitted_ms, "an hour is over");
    assert_ne!(store.forecaster("shop").await.unwrap().unwrap(), stored);
}

#[tokio::test]
async fn what_cant_be_read_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
    let newer = compress_to_vec(&rmp_serde::to_vec(&(VERSION + 1, "something else")).unwrap(), 6);
    for data in [b"nonsense".to_vec(), compress_to_vec(b"nonsense", 6), newer, Vec::new()] {
        store.keep_forecaster("shop", &data).await.unwrap();
        assert_eq!(Forecasters::default().take(&store, "shop").await, Forecaster::default());
    }
}
