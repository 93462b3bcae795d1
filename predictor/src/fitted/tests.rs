use serde_json::{Value, json};

use super::*;
use crate::{DAY_MS, Member, ModelChoice, fit, forecast_at};

const MINUTE_MS: i64 = 60_000;
const DAYS: i64 = 10;

/// Days by the minute, with noise that is the same each time; `more` is added in the last minutes.
fn series(minutes: i64, more: f64) -> Series {
    let value = |i: i64| {
        let wave = 300.0 - 200.0 * ((i % 1440) as f64 / 1440.0 * std::f64::consts::TAU).cos();
        let noise = ((i * 7919) % 101) as f64 / 101.0 - 0.5;
        wave * (1.0 + 0.1 * noise) + if i >= minutes - 5 { more } else { 0.0 }
    };
    Series::try_new(20_000 * DAY_MS, MINUTE_MS, (0..minutes).map(|i| Some(value(i))).collect()).unwrap()
}

fn last_ms(series: &Series) -> i64 {
    series.end_ms() - series.step_ms()
}

fn fitted(series: &Series, request: &Request) -> (Forecast, Fitted) {
    let (forecast, fitted) = fit(series, last_ms(series), request, &Calendar::default(), Models::shipped()).unwrap();
    (forecast, fitted.unwrap())
}

fn update(fitted: &Fitted, series: &Series) -> Option<Forecast> {
    fitted.update(series, last_ms(series), &Calendar::default(), Models::shipped())
}

fn bytes(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn at_its_own_origin_an_update_is_the_forecast_of_the_fit() {
    let series = series(DAYS * 1440 - 200, 0.0);
    let ridge = Request { model: ModelChoice::Named(Member::Ridge), ..Request::over(DAY_MS) };
    for request in [Request::over(DAY_MS), Request::over(DAY_MS / 24), ridge] {
        let (forecast, fitted) = fitted(&series, &request);
        assert_eq!(bytes(&update(&fitted, &series).unwrap()), bytes(&forecast), "{request:?}");
        assert_eq!(fitted.at_ms(), forecast.origin_ms);
    }
}

#[test]
fn half_an_hour_later_it_is_nearly_the_forecast_of_a_new_fit() {
    let (start, later) = (series(DAYS * 1440 - 230, 0.0), series(DAYS * 1440 - 200, 0.0));
    let (_, fitted) = fitted(&start, &Request::over(DAY_MS));
    let updated = update(&fitted, &later).unwrap();
    let anew = forecast_at(&later, last_ms(&later), &Request::over(DAY_MS)).unwrap();
    assert_eq!((updated.origin_ms, updated.points.len()), (anew.origin_ms, anew.points.len()));
    for (updated, anew) in updated.points.iter().zip(&anew.points) {
        for (a, b) in updated.q.iter().zip(&anew.q) {
            assert!((a - b).abs() <= 0.04 * b, "{updated:?} against {anew:?}");
        }
    }
}

#[test]
fn an_update_sees_a_crowd_that_began_after_the_fit() {
    let (start, later) = (series(DAYS * 1440 - 210, 0.0), series(DAYS * 1440 - 200, 4_000.0));
    let (before, fitted) = fitted(&start, &Request::over(DAY_MS));
    let updated = update(&fitted, &later).unwrap();
    assert!(before.explanation.crowd == 0.0 && updated.explanation.crowd > 0.9, "{:?}", updated.explanation);
    assert!(updated.quantile_at(updated.origin_ms + 10 * MINUTE_MS, 0.5).unwrap() > 2_000.0);
}

#[test]
fn it_is_written_down_and_read_again_without_a_difference() {
    // Two days of another level at the start: the change is kept too.
    let mut values: Vec<Option<f64>> = series(DAYS * 1440, 0.0).raw().iter().map(|value| Some(*value)).collect();
    values[..4 * 1440].iter_mut().for_each(|value| *value = Some(3.0));
    let series = Series::try_new(20_000 * DAY_MS, MINUTE_MS, values).unwrap();
    let (forecast, fitted) = fitted(&series, &Request::over(DAY_MS));
    assert!(fitted.change.is_some());
    let packed = rmp_serde::to_vec(&fitted).unwrap();
    assert!(packed.len() < 40_000, "{} bytes", packed.len());
    let back: Fitted = rmp_serde::from_slice(&packed).unwrap();
    assert_eq!(back, fitted);
    assert_eq!(bytes(&update(&back, &series).unwrap()), bytes(&forecast));
}

#[test]
fn a_new_fit_is_due_for_another_step_a_past_origin_and_after_hours() {
    let series = series(DAYS * 1440, 0.0);
    let at_ms = last_ms(&series) - 8 * 60 * MINUTE_MS;
    let (_, fitted) = fit(&series, at_ms, &Request::over(DAY_MS), &Calendar::default(), Models::shipped()).unwrap();
    let fitted = fitted.unwrap();
    let at = |minutes: i64| fitted.update(&series, at_ms + minutes * MINUTE_MS, &Calendar::default(), Models::shipped());
    assert!(at(0).is_some() && at(360).is_some());
    assert!(at(-1).is_none() && at(361).is_none());
    let coarse = series.resample(5 * MINUTE_MS).unwrap();
    assert!(fitted.update(&coarse, at_ms + 5 * MINUTE_MS, &Calendar::default(), Models::shipped()).is_none());
}

#[test]
fn a_cold_start_learns_nothing_to_keep() {
    let series = series(180, 0.0);
    let (_, fitted) = fit(&series, last_ms(&series), &Request::over(DAY_MS), &Calendar::default(), Models::shipped()).unwrap();
    assert!(fitted.is_none());
}

#[test]
fn what_was_read_from_a_damaged_place_makes_no_forecast() {
    let series = series(DAYS * 1440, 0.0);
    let (_, fitted) = fitted(&series, &Request::over(DAY_MS));
    let sound = serde_json::to_value(&fitted).unwrap();
    for (place, value) in [
        ("/scale", json!(-1.0)),
        ("/learnt/0/spread/offsets", json!([0.0])),
        ("/learnt/0/spread/profile", json!([1.0])),
        ("/learnt/1/spread/leads", json!(0)),
        ("/learnt/1/past/0/actual", json!([1, 2])),
        ("/learnt/1/members", json!([])),
        ("/learnt/1/spread/even", json!(vec![1e300; 19])),
    ] {
        let mut damaged = sound.clone();
        let old: &mut Value = damaged.pointer_mut(place).unwrap();
        assert_ne!(*old, value, "{place}");
        *old = value;
        let fitted: Fitted = serde_json::from_value(damaged).unwrap();
        assert_eq!(update(&fitted, &series), None, "{place}");
    }
}
