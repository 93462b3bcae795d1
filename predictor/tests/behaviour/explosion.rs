//! A forecast that its history doesn't support is cut off, and says so.

use predictor::{DAY_MS, MOST_TIMES, Request, forecast};

use super::support::{MINUTE_MS, noise, series, service};

#[test]
fn a_jump_out_of_nearly_nothing_is_not_multiplied_without_end() {
    // Four days: on for six hours of each eighteen, else nearly nothing, so that the rhythm is no day's. The log scale sees factors of 5,000.
    let jumping = series(4.0, MINUTE_MS, |i, _| Some(if (i / 360).is_multiple_of(3) { 50.0 } else { 0.01 } * (1.0 + 0.1 * noise(1, i))));
    let highest = (0..jumping.len()).filter_map(|i| jumping.value(i)).fold(0.0, f64::max);
    let made = forecast(&jumping, &Request::over(DAY_MS)).unwrap();
    let beyond = made.beyond_history.clone().unwrap();
    assert!((beyond.highest / highest - 1.0).abs() < 1e-5 && (beyond.bound / highest - MOST_TIMES).abs() < 1e-3, "{beyond:?}");
    assert!(beyond.reached > beyond.bound && beyond.points > 0, "{beyond:?}");
    for point in &made.points {
        assert!(point.mean <= beyond.bound && point.q.iter().all(|value| *value <= beyond.bound), "{point:?}");
        assert!(made.window_max(point.ts_ms, made.horizon_end_ms(), 0.99).unwrap() <= beyond.bound);
    }
}

#[test]
fn a_load_that_grows_by_a_fifth_a_week_and_an_ordinary_one_go_without_a_flag() {
    let growing = series(35.0, 15 * MINUTE_MS, |i, ts_ms| Some(super::support::shape(ts_ms) * libm::pow(1.2, i as f64 / 672.0)));
    for series in [growing, service(0.1, MINUTE_MS), service(2.0, MINUTE_MS), service(20.0, 15 * MINUTE_MS)] {
        let made = forecast(&series, &Request::over(DAY_MS)).unwrap();
        assert_eq!(made.beyond_history, None);
        assert!(!serde_json::to_string(&made).unwrap().contains("beyond_history"), "a field that says nothing isn't there");
    }
}
