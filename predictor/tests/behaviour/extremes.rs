//! Rows that no service would have: a clear error or a sound forecast, never a panic, NaN, infinity or negative load.

use predictor::{DAY_MS, Forecast, ForecastError, MAX_HORIZON_MS, Request, Series, SeriesError, forecast};
use proptest::{prelude::*, test_runner::RngSeed};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, series, service, shape};

/// 9999-12-31T00:00:00Z.
const YEAR_9999_MS: i64 = 253_402_214_400_000;

fn assert_sound(forecast: &Forecast) {
    for point in &forecast.points {
        assert!(point.q.iter().chain([&point.mean]).all(|v| v.is_finite() && *v >= 0.0), "{point:?}");
        assert!(point.q.windows(2).all(|pair| pair[0] <= pair[1]), "quantiles cross: {point:?}");
    }
    let (from, to) = (forecast.origin_ms, forecast.horizon_end_ms());
    let maxima: Vec<f64> = forecast.quantiles.iter().map(|&q| forecast.window_max(from, to, q).unwrap()).collect();
    assert!(maxima.iter().all(|v| v.is_finite() && *v >= 0.0), "{maxima:?}");
    assert!(maxima.windows(2).all(|pair| pair[0] <= pair[1]), "maxima cross: {maxima:?}");
}

/// The ends of what a number can be.
const ENDS: [f64; 9] = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 1e300, -1e300, 1e18, f64::NAN, f64::INFINITY];

/// Any number that a file can hold, the ends of what a number can be among them.
fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => (0.0..1e4_f64).prop_map(Some),
        2 => Just(Some(0.0)),
        1 => any::<f64>().prop_map(Some),
        1 => prop::sample::select(ENDS.to_vec()).prop_map(Some),
        1 => Just(None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, rng_seed: RngSeed::Fixed(20_261_125), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_values_are_the_forecast_is_finite_and_in_order(values in prop::collection::vec(value(), 80..160), hours in 1_i64..30) {
        let series = Series::try_new(START_MS, HOUR_MS, values).unwrap();
        if let Ok(forecast) = forecast(&series, &Request::over(hours * HOUR_MS)) {
            assert_sound(&forecast);
        }
    }

    #[test]
    fn the_size_of_the_values_never_breaks_a_forecast(exponent in -320_i32..308, holes in 0.0..0.4_f64) {
        let unit = 10.0_f64.powi(exponent.max(-307)) * if exponent < -307 { 1e-13 } else { 1.0 };
        let series = series(5.0, 15 * MINUTE_MS, |i, ts_ms| (0.5 + 0.5 * noise(9, i) >= holes).then(|| unit * shape(ts_ms) / 500.0));
        if let Ok(forecast) = forecast(&series, &Request::over(DAY_MS)) {
            assert_sound(&forecast);
        }
    }
}

#[test]
fn a_hundred_million_in_one_row_changes_nothing() {
    let whole = service(10.0, 5 * MINUTE_MS);
    let wild = series(10.0, 5 * MINUTE_MS, |i, _| if i == 2_000 { Some(1e8) } else { whole.value(i) });
    let forecast = forecast(&wild, &Request::over(DAY_MS)).unwrap();
    assert_sound(&forecast);
    let max = forecast.window_max(forecast.origin_ms, forecast.horizon_end_ms(), 0.99).unwrap();
    assert!(max < 700.0, "{max}");
}

#[test]
fn a_hundred_million_in_the_newest_row_stays_finite() {
    let whole = service(10.0, 5 * MINUTE_MS);
    let wild = series(10.0, 5 * MINUTE_MS, |i, _| if i + 1 == whole.len() { Some(1e8) } else { whole.value(i) });
    let forecast = forecast(&wild, &Request::over(DAY_MS)).unwrap();
    assert_sound(&forecast);
    // An hour later the ordinary days speak again.
    let noon = forecast.quantile_at(forecast.origin_ms + 12 * HOUR_MS, 0.5).unwrap();
    assert!(noon < 2_000.0, "{noon}");
}

#[test]
fn one_row_is_refused_with_what_is_needed() {
    assert_eq!(Series::try_from_points(&[(START_MS, 1.0)], None), Err(SeriesError::TooFewRows { rows: 1, need: 2 }));
    let (one, _) = Series::try_from_points(&[(START_MS, 1.0)], Some(MINUTE_MS)).unwrap();
    match forecast(&one, &Request::over(HOUR_MS)) {
        Err(ForecastError::NotEnoughHistory { have_ms, need_ms }) => assert!(have_ms == MINUTE_MS && need_ms > have_ms),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_million_rows_are_read_as_far_back_as_they_matter() {
    let long = series(1_000_000.0 / 1_440.0, MINUTE_MS, |i, ts_ms| Some(shape(ts_ms) * (1.0 + 0.05 * noise(1, i))));
    assert_eq!(long.len(), 1_000_000);
    let forecast = forecast(&long, &Request::over(HOUR_MS)).unwrap();
    assert_sound(&forecast);
    assert!(forecast.history_points < 100_000, "{}", forecast.history_points);
}

#[test]
fn a_horizon_longer_than_the_history_is_refused_or_bounded() {
    let short = service(2.5, 15 * MINUTE_MS);
    match forecast(&short, &Request::over(MAX_HORIZON_MS)) {
        Err(error) => assert!(error.to_string().contains("needed"), "{error}"),
        Ok(forecast) => {
            assert_sound(&forecast);
            assert!(forecast.points.iter().flat_map(|point| &point.q).all(|v| *v < 500.0 * 100.0));
        }
    }
}

#[test]
fn a_step_of_nothing_is_refused_with_what_is_allowed() {
    for step_ms in [0, -60_000, i64::MIN, i64::MAX] {
        let made = [
            Series::try_new(START_MS, step_ms, vec![Some(1.0)]),
            Series::try_from_points(&[(0, 1.0), (60_000, 1.0)], Some(step_ms)).map(|x| x.0),
        ];
        for refused in made {
            let words = refused.unwrap_err().to_string();
            assert!(words.contains(&step_ms.to_string()) && words.contains("1 s to 1 h"), "{words}");
        }
    }
    assert!(matches!(service(3.0, 15 * MINUTE_MS).resample(0), Err(SeriesError::Step { step_ms: 0 })));
}

#[test]
fn the_year_9999_is_a_year_like_any_other_and_one_row_there_is_a_mistyped_one() {
    let late =
        Series::try_new(YEAR_9999_MS, 15 * MINUTE_MS, (0..4 * 96).map(|i| Some(shape(START_MS + i * 15 * MINUTE_MS))).collect()).unwrap();
    assert_sound(&forecast(&late, &Request::over(DAY_MS)).unwrap());
    let mut points: Vec<(i64, f64)> = (0..1_000).map(|i| (START_MS + i * MINUTE_MS, 1.0)).collect();
    points.push((YEAR_9999_MS, 1.0));
    let words = Series::try_from_points(&points, None).unwrap_err().to_string();
    assert!(words.contains("mistyped"), "{words}");
    // The ends of what a timestamp can be, far from each other.
    for ends in [[i64::MIN, i64::MAX], [i64::MIN, 0], [0, i64::MAX]] {
        assert!(Series::try_from_points(&ends.map(|ts_ms| (ts_ms, 1.0)), Some(MINUTE_MS)).is_err(), "{ends:?}");
        assert!(Series::try_from_points(&ends.map(|ts_ms| (ts_ms, 1.0)), None).is_err(), "{ends:?}");
    }
}

#[test]
fn levels_outside_of_a_probability_are_refused_with_what_is_allowed() {
    let series = service(4.0, 15 * MINUTE_MS);
    for level in [0.0, 1.0, -0.5, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let words = forecast(&series, &Request { quantiles: vec![0.5, level], ..Request::over(HOUR_MS) }).unwrap_err().to_string();
        assert!(words.starts_with("quantiles = ") && words.contains("between 0 and 1"), "{words}");
    }
}

#[test]
fn a_counter_that_starts_anew_each_day_is_a_sound_series() {
    let counter = series(6.0, 15 * MINUTE_MS, |_, ts_ms| Some(ts_ms.rem_euclid(DAY_MS) as f64 / 1_000.0));
    assert_sound(&forecast(&counter, &Request::over(DAY_MS)).unwrap());
}
