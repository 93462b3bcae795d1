use super::*;
use crate::Peak;

fn external() -> Forecast {
    let point = |i: i64, low: f64| Point { ts_ms: 1_000 + i * 100, mean: low, q: vec![low, low + 10.0] };
    Forecast::from_quantiles(1_000, 100, vec![0.5, 0.9], vec![point(1, 5.0), point(2, 7.0), point(3, 3.0)]).unwrap()
}

#[test]
fn a_time_takes_the_step_that_it_lies_in_and_a_level_lies_between_its_neighbours() {
    let forecast = external();
    assert_eq!(forecast.quantile_at(1_000, 0.5), Some(5.0), "the origin belongs to the first step");
    assert_eq!(forecast.quantile_at(1_100, 0.5), Some(5.0));
    assert_eq!(forecast.quantile_at(1_101, 0.5), Some(7.0));
    assert_eq!(forecast.quantile_at(1_300, 0.9), Some(13.0));
    assert!((forecast.quantile_at(1_100, 0.7).unwrap() - 10.0).abs() < 1e-9);
}

#[test]
fn what_was_not_forecast_is_none() {
    let forecast = external();
    for ts_ms in [999, 1_301] {
        assert_eq!(forecast.quantile_at(ts_ms, 0.5), None);
    }
    for q in [0.4, 0.95, f64::NAN] {
        assert_eq!(forecast.quantile_at(1_100, q), None);
        assert_eq!(forecast.window_max(1_000, 1_100, q), None);
    }
    assert_eq!(forecast.window_max(900, 1_100, 0.5), None);
    assert_eq!(forecast.window_max(1_100, 1_400, 0.5), None);
    assert_eq!(forecast.window_max(1_200, 1_100, 0.5), None);
}

#[test]
fn the_maximum_of_an_external_forecast_is_its_highest_point_in_the_window() {
    let forecast = external();
    assert_eq!(forecast.window_max(1_000, 1_300, 0.9), Some(17.0));
    assert_eq!(forecast.window_max(1_201, 1_300, 0.9), Some(13.0));
    assert_eq!(forecast.peak(1_000, 1_300), Some(Peak { at_ms: 1_200, from_ms: 1_000, to_ms: 1_300 }));
    assert_eq!(forecast.horizon_end_ms(), 1_300);
}

#[test]
fn unsound_points_are_refused() {
    let point = |ts_ms, q: &[f64]| vec![Point { ts_ms, mean: 1.0, q: q.to_vec() }];
    let build = |points| Forecast::from_quantiles(0, 100, vec![0.5, 0.9], points);
    assert_eq!(build(Vec::new()), Err(InvalidForecast::Empty));
    assert_eq!(build(point(150, &[1.0, 2.0])), Err(InvalidForecast::Time { index: 0, ts_ms: 150, expected_ms: 100 }));
    for q in [&[2.0, 1.0][..], &[1.0], &[-1.0, 1.0], &[1.0, f64::NAN]] {
        assert_eq!(build(point(100, q)), Err(InvalidForecast::Value { index: 0 }), "{q:?}");
    }
    assert!(matches!(Forecast::from_quantiles(0, 100, vec![0.9, 0.5], point(100, &[1.0, 2.0])), Err(InvalidForecast::Quantiles(_))));
}
