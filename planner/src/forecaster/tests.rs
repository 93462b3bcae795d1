use predictor::DAY_MS;

use super::*;
use crate::calendar;

const MINUTE_MS: i64 = 60_000;
const REFIT_MS: i64 = 10 * MINUTE_MS;
const START_MS: i64 = 20_000 * DAY_MS;

/// Load by five minutes: a day's wave, and noise that widens after the tenth day.
fn series(days: i64) -> Series {
    let load = |i: i64| {
        let mut x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let noise = (x >> 40) as f64 / f64::from(1 << 23) - 1.0;
        let wave = 300.0 - 200.0 * ((i % 288) as f64 / 288.0 * std::f64::consts::TAU).cos();
        wave * (1.0 + if i > 10 * 288 { 0.3 } else { 0.1 } * noise)
    };
    Series::try_new(START_MS, 5 * MINUTE_MS, (0..days * 288).map(|i| Some(load(i))).collect()).unwrap()
}

fn asked<'a>(place: Place<'a>, request: &'a Request, origin_ms: i64) -> Asked<'a> {
    Asked { place, origin_ms, request, refit_ms: REFIT_MS, models: Models::shipped() }
}

const UTC: Place = Place { time_zone: "UTC", events: &[], holidays: &[] };

#[test]
fn without_a_record_it_is_the_forecast_of_the_series() {
    let (series, request) = (series(9), Request::over(DAY_MS));
    let origin_ms = series.end_ms() - series.step_ms();
    let made = Forecaster::default().forecast(&series, &asked(UTC, &request, origin_ms)).unwrap();
    let plain = calendar::forecast(&series, UTC, origin_ms, &request).unwrap();
    assert_eq!(made.forecast.points, plain.forecast.points);
}

#[test]
fn it_is_updated_between_fits_and_made_anew_when_the_place_is_another() {
    let (series, request) = (series(9), Request::over(DAY_MS));
    let last_ms = series.end_ms() - series.step_ms() - 60 * MINUTE_MS;
    let mut forecaster = Forecaster::default();
    let mut fitted = |place, request: &Request, minutes: i64| {
        forecaster.forecast(&series, &asked(place, request, last_ms + minutes * MINUTE_MS)).unwrap();
        (forecaster.fitted_ms().unwrap() - last_ms) / MINUTE_MS
    };
    assert_eq!([0, 5, 9, 10, 15].map(|minutes| fitted(UTC, &request, minutes)), [0, 0, 0, 10, 10]);
    assert_eq!(fitted(Place { time_zone: "Asia/Tokyo", ..UTC }, &request, 16), 16);
    assert_eq!(fitted(Place { time_zone: "Asia/Tokyo", ..UTC }, &Request::over(DAY_MS / 2), 17), 17);
    assert_eq!(fitted(Place { time_zone: "Asia/Tokyo", ..UTC }, &Request::over(DAY_MS / 2), 18), 17);
}

#[test]
fn what_comes_after_the_origin_teaches_and_judges_nothing() {
    let (series, request) = (series(11), Request::over(DAY_MS));
    let (mut whole, mut cut) = (Forecaster::default(), Forecaster::default());
    for slot in (10 * 288..10 * 288 + 60).step_by(2) {
        let origin_ms = START_MS + slot * 5 * MINUTE_MS;
        let asked = asked(UTC, &request, origin_ms);
        let made = whole.forecast(&series, &asked).unwrap();
        assert_eq!(made.forecast, cut.forecast(&series.until(origin_ms), &asked).unwrap().forecast);
        assert_eq!(whole, cut, "the record at slot {slot}");
    }
    assert!(whole.records().any(|record| record.judged > 0));
}

/// Forecasts every ten minutes of the eleventh day, by what `between` makes of the forecaster.
fn issued(between: impl Fn(Forecaster) -> Forecaster) -> Forecaster {
    let (series, request) = (series(11), Request::over(DAY_MS));
    (10 * 288 + 100..11 * 288 - 1).step_by(2).fold(Forecaster::default(), |mut forecaster, slot| {
        let asked = Asked { refit_ms: 6 * 3_600_000, ..asked(UTC, &request, START_MS + slot * 5 * MINUTE_MS) };
        forecaster.forecast(&series, &asked).unwrap();
        between(forecaster)
    })
}

#[test]
fn quantiles_are_as_far_from_the_median_as_the_record_says() {
    let mut forecaster = issued(|forecaster| forecaster);
    let (series, request) = (series(11), Request::over(DAY_MS));
    let asked = Asked { refit_ms: 0, ..asked(UTC, &request, series.end_ms() - series.step_ms()) };
    let plain = Forecaster::default().forecast(&series, &asked).unwrap().forecast;
    let made = forecaster.forecast(&series, &asked).unwrap().forecast;
    let record = forecaster.records().find(|record| record.lead_ms == 600_000 && record.level == 0.95).unwrap();
    assert!(record.judged > 90 && record.coverage < 0.95 && record.stretch > 1.05, "noise widened: {record:?}");
    let away = |forecast: &predictor::Forecast| {
        let of = |level| forecast.quantile_at(asked.origin_ms + 600_000, level).unwrap();
        of(0.95) / of(0.5)
    };
    assert!(away(&made) > away(&plain), "{} {}", away(&made), away(&plain));
    let highest = |forecast: &predictor::Forecast| forecast.window_max(asked.origin_ms, asked.origin_ms + 600_000, 0.95).unwrap();
    assert!(highest(&made) > highest(&plain), "the maximum of a window follows it too");
}

#[test]
fn after_a_restart_it_goes_on_from_what_was_written_down() {
    let restarted = |forecaster: Forecaster| rmp_serde::from_slice(&rmp_serde::to_vec(&forecaster).unwrap()).unwrap();
    let whole = issued(|forecaster| forecaster);
    assert!(whole.records().next().unwrap().judged > 50);
    assert_eq!(issued(restarted), whole);
}

#[test]
fn what_cant_be_forecast_leaves_the_record_alone() {
    let mut forecaster = issued(|forecaster| forecaster);
    let before = forecaster.records().collect::<Vec<_>>();
    let empty = Series::try_new(START_MS, 5 * MINUTE_MS, vec![None; 300]).unwrap();
    let request = Request::over(DAY_MS);
    forecaster.forecast(&empty, &asked(UTC, &request, START_MS + DAY_MS)).unwrap_err();
    assert_eq!(forecaster.records().collect::<Vec<_>>(), before);
}

#[test]
fn another_list_of_holidays_is_another_place() {
    let (start_ms, step_ms) = (1_772_409_600_000_i64, 900_000);
    let values = (0..14 * 96).map(|i| Some(100.0 + f64::from(i % 96))).collect();
    let series = Series::try_new(start_ms, step_ms, values).unwrap();
    let (last_ms, request) = (series.end_ms() - step_ms, Request::over(6 * 3_600_000));
    let holidays = ["DE".parse().unwrap()];
    let mut forecaster = Forecaster::default();
    let mut fitted_at = |place: Place, origin_ms: i64| {
        forecaster
            .forecast(&series, &Asked { place, origin_ms, request: &request, refit_ms: 3_600_000, models: Models::shipped() })
            .unwrap();
        forecaster.fitted_ms().unwrap() - last_ms
    };
    let german = Place { holidays: &holidays, ..UTC };
    assert_eq!(fitted_at(UTC, last_ms - 2 * step_ms), -2 * step_ms);
    assert_eq!(fitted_at(UTC, last_ms - step_ms), -2 * step_ms, "updated");
    assert_eq!(fitted_at(german, last_ms - step_ms), -step_ms, "made anew");
    assert_eq!(fitted_at(german, last_ms), -step_ms, "updated");
}
