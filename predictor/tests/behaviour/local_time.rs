//! Days go by the clocks of the service's place.

use predictor::{Calendar, DAY_MS, Forecast, Request, Series, forecast_at, forecast_in};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, series, service, shape};

const STEP_MS: i64 = 15 * MINUTE_MS;
/// The clocks change on day 21 at 01:00 UTC, a Monday.
const CHANGE_MS: i64 = START_MS + 21 * DAY_MS + HOUR_MS;

/// Clocks an hour ahead of UTC that go on by an hour, or two hours that go back by one.
fn clocks(forward: bool) -> Calendar {
    if forward { Calendar::new(HOUR_MS, vec![(CHANGE_MS, 2 * HOUR_MS)]) } else { Calendar::new(2 * HOUR_MS, vec![(CHANGE_MS, HOUR_MS)]) }
}

/// A service with a rhythm by these clocks.
fn by(calendar: &Calendar) -> Series {
    series(24.0, STEP_MS, |i, ts_ms| Some(shape(ts_ms + calendar.offset_ms(ts_ms)) * (1.0 + 0.05 * noise(1, i))))
}

fn error(forecast: &Forecast, calendar: &Calendar) -> f64 {
    let expected = |ts_ms: i64| shape(ts_ms + calendar.offset_ms(ts_ms));
    let sum: f64 = forecast.points.iter().map(|p| (forecast.quantile_at(p.ts_ms, 0.5).unwrap() - expected(p.ts_ms)).abs()).sum();
    sum / forecast.points.iter().map(|p| expected(p.ts_ms)).sum::<f64>()
}

#[test]
fn a_clock_change_in_either_direction_costs_nothing() {
    for forward in [true, false] {
        let calendar = clocks(forward);
        let series = by(&calendar);
        let at =
            |hours: i64, calendar: &Calendar| forecast_in(&series, CHANGE_MS + hours * HOUR_MS, &Request::over(DAY_MS), calendar).unwrap();
        let usual = error(&at(-72, &calendar), &calendar).max(error(&at(-48, &calendar), &calendar));
        // Before it with the change ahead, just after it, and on the days after.
        for hours in [-12, 1, 5, 24, 48] {
            let known = error(&at(hours, &calendar), &calendar);
            assert!(known < 1.3 * usual + 0.005, "forward {forward}, {hours} h after: {known} against {usual}");
        }
        let unknown = error(&at(5, &Calendar::default()), &calendar);
        assert!(unknown > 2.0 * usual, "without the calendar an hour is missed: {unknown} against {usual}");
    }
}

#[test]
fn the_maximum_of_a_window_goes_by_the_clocks_too() {
    let calendar = clocks(true);
    let forecast = forecast_in(&by(&calendar), CHANGE_MS - 6 * HOUR_MS, &Request::over(DAY_MS), &calendar).unwrap();
    for hours in [8, 10, 20] {
        let (from, to) = (forecast.origin_ms + hours * HOUR_MS, forecast.origin_ms + (hours + 1) * HOUR_MS);
        let highest = (0..=4).map(|i| from + i * STEP_MS).map(|at| shape(at + calendar.offset_ms(at))).fold(0.0, f64::max);
        let max = forecast.window_max(from, to, 0.5).unwrap();
        assert!((max / highest - 1.0).abs() < 0.12, "{hours} h ahead: {max} against {highest}");
    }
}

#[test]
fn in_utc_nothing_changes() {
    let series = service(20.0, STEP_MS);
    let request = Request::over(DAY_MS);
    let origin_ms = series.end_ms() - 7 * STEP_MS + MINUTE_MS;
    let bytes = |forecast: Forecast| serde_json::to_string(&forecast).unwrap();
    let without = bytes(forecast_at(&series, origin_ms, &request).unwrap());
    assert_eq!(without, bytes(forecast_in(&series, origin_ms, &request, &Calendar::new(0, Vec::new())).unwrap()));
    // A change long before the history, or long after the horizon, is none.
    let far = Calendar::new(HOUR_MS, vec![(START_MS - 100 * DAY_MS, 0), (START_MS + 900 * DAY_MS, HOUR_MS)]);
    assert_eq!(without, bytes(forecast_in(&series, origin_ms, &request, &far).unwrap()));
}
