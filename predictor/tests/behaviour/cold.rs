//! A forecast from little history: it says what it rests on, and it is wide.

use predictor::{Basis, DAY_MS, Forecast, ModelChoice, Request, Series, forecast, forecast_at};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, series, service, shape, trace};

const STEP_MS: i64 = 5 * MINUTE_MS;

fn day(series: &Series) -> Forecast {
    forecast(series, &Request::over(DAY_MS)).unwrap()
}

#[test]
fn the_forecast_says_what_it_rests_on() {
    for (hours, basis) in [
        (1.0, Basis::Persistence),
        (23.9, Basis::Persistence),
        (24.0, Basis::Day),
        (47.0, Basis::Day),
        (72.0, Basis::Day),
        (24.0 * 8.0, Basis::Week),
        (24.0 * 20.0, Basis::Week),
    ] {
        assert_eq!(day(&service(hours / 24.0, STEP_MS)).basis, Some(basis), "{hours} h");
    }
}

#[test]
fn an_hour_is_enough_for_a_week_ahead_at_any_step_and_the_answer_is_wide() {
    for step_ms in [1_000, MINUTE_MS, STEP_MS, HOUR_MS] {
        let hour = service(1.0 / 24.0, step_ms);
        let week = forecast(&hour, &Request::over(7 * DAY_MS)).unwrap();
        assert_eq!(week.points.len() as i64, 7 * DAY_MS / step_ms);
        let last = week.points.last().unwrap();
        let q = |level| week.quantile_at(last.ts_ms, level).unwrap();
        assert!(q(0.95) > 2.0 * q(0.5) && q(0.05) < 0.6 * q(0.5), "step {step_ms}: {last:?}");
        assert!(week.points.iter().all(|point| point.q.is_sorted() && point.q.iter().chain([&point.mean]).all(|v| v.is_finite())));
    }
}

#[test]
fn the_band_opens_with_the_lead_and_the_maximum_lies_above_each_step() {
    let forecast = day(&service(3.0 / 24.0, STEP_MS));
    let width = |lead_ms| {
        let q = |level| forecast.quantile_at(forecast.origin_ms + lead_ms, level).unwrap();
        q(0.95) / q(0.5)
    };
    assert!(width(HOUR_MS) > width(STEP_MS) && width(12 * HOUR_MS) > 1.3 * width(HOUR_MS));
    let max = |q| forecast.window_max(forecast.origin_ms, forecast.horizon_end_ms(), q).unwrap();
    let highest = forecast.points.iter().map(|point| point.q[2]).fold(0.0, f64::max);
    assert!(max(0.5) > 1.1 * highest, "a day has a peak that the held level lacks: {} against {highest}", max(0.5));
    assert!(max(0.5) < max(0.9) && max(0.9) < max(0.99));
}

#[test]
fn from_a_day_on_its_shape_is_repeated_and_narrower_than_persistence() {
    let error = |forecast: &Forecast| {
        let sum: f64 = forecast.points.iter().map(|p| (forecast.quantile_at(p.ts_ms, 0.5).unwrap() - shape(p.ts_ms)).abs()).sum();
        sum / forecast.points.iter().map(|p| shape(p.ts_ms)).sum::<f64>()
    };
    let (half, whole) = (day(&service(0.5, STEP_MS)), day(&service(1.0, STEP_MS)));
    assert!(error(&whole) < 0.1 && error(&half) > 0.25, "{} {}", error(&whole), error(&half));
}

#[test]
fn a_young_series_with_gaps_or_nothing_but_zeros_stays_sound() {
    let gappy = series(0.3, STEP_MS, |i, ts_ms| (i % 5 != 1).then(|| shape(ts_ms) * (1.0 + 0.1 * noise(5, i))));
    let zeros = series(0.3, STEP_MS, |_, _| Some(0.0));
    for young in [gappy, zeros] {
        for point in &day(&young).points {
            assert!(point.q.is_sorted() && point.q.iter().chain([&point.mean]).all(|v| v.is_finite() && *v >= 0.0), "{point:?}");
        }
    }
}

#[test]
fn a_horizon_that_the_members_cannot_be_judged_on_gets_the_days_shape() {
    let forecast = forecast(&service(3.0, STEP_MS), &Request::over(5 * DAY_MS)).unwrap();
    assert_eq!(forecast.basis, Some(Basis::Day));
    assert_eq!(forecast.members[0].name, "day");
    let at = |hours: i64| forecast.quantile_at(START_MS + (72 + hours) * HOUR_MS, 0.5).unwrap();
    assert!(at(15) > 2.0 * at(3) && at(24 * 4 + 15) > 2.0 * at(24 * 4 + 3));
}

/// The bundled traces have the whole table (docs/forecasting.md); here two that show a break.
#[test]
fn the_quantiles_of_young_real_series_hold() {
    for csv in [include_str!("../../testdata/nab_elb_requests.csv"), include_str!("../../testdata/wc98_may_5min.csv")] {
        let whole = trace(csv);
        for (hours, horizon_ms) in [(1, HOUR_MS), (3, DAY_MS), (12, DAY_MS), (24, HOUR_MS), (36, DAY_MS)] {
            let (mut below, mut all) = (0, 0);
            for k in 0..30 {
                let origin_ms = whole.start_ms() + 4 * DAY_MS + k * 5 * HOUR_MS;
                let history = whole.until(origin_ms).since(origin_ms - hours * HOUR_MS + whole.step_ms());
                let request = Request { quantiles: vec![0.9], horizon_ms, model: ModelChoice::Auto };
                // Where the trace has a gap, less than an hour may be left.
                let Ok(forecast) = forecast_at(&history, origin_ms, &request) else { continue };
                for point in &forecast.points {
                    let actual = whole.value(((point.ts_ms - whole.start_ms()) / whole.step_ms()) as usize);
                    all += usize::from(actual.is_some());
                    below += usize::from(actual.is_some_and(|actual| actual <= point.q[0]));
                }
            }
            let share = below as f64 / all as f64;
            assert!((0.8..=0.995).contains(&share), "{hours} h seen, {horizon_ms} ms ahead: q.90 covers {share:.3}");
        }
    }
}
