//! What the data do to you.

use predictor::{CleaningKind, DAY_MS, Forecast, ForecastError, Member, ModelChoice, Request, Series, SeriesError, forecast, forecast_at};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, series, service, shape};

const STEP_MS: i64 = 5 * MINUTE_MS;

fn day(series: &Series) -> Forecast {
    forecast(series, &Request::over(DAY_MS)).unwrap()
}

fn noted(forecast: &Forecast, kind: CleaningKind) -> u64 {
    forecast.cleaning.iter().filter(|note| note.kind == kind).map(|note| note.rows).sum()
}

/// Mean |median − truth| over mean truth.
fn error(forecast: &Forecast, truth: impl Fn(i64) -> f64) -> f64 {
    let median = |ts_ms| forecast.quantile_at(ts_ms, 0.5).unwrap();
    let (wrong, all) = forecast
        .points
        .iter()
        .fold((0.0, 0.0), |(wrong, all), point| (wrong + (median(point.ts_ms) - truth(point.ts_ms)).abs(), all + truth(point.ts_ms)));
    wrong / all
}

#[test]
fn a_plain_service_is_forecast_within_its_noise() {
    let forecast = day(&service(15.0, STEP_MS));
    assert!(error(&forecast, shape) < 0.04, "{}", error(&forecast, shape));
    assert!(forecast.cleaning.is_empty());
}

#[test]
fn a_daily_hole_is_bridged_and_never_lowers_the_forecast() {
    let holed = series(15.0, STEP_MS, |i, ts_ms| {
        let hole = (14 * HOUR_MS..14 * HOUR_MS + 29 * MINUTE_MS).contains(&ts_ms.rem_euclid(DAY_MS));
        (!hole).then(|| shape(ts_ms) * (1.0 + 0.05 * noise(1, i)))
    });
    let forecast = day(&holed);
    assert!(error(&forecast, shape) < 0.04, "{}", error(&forecast, shape));
    assert_eq!(noted(&forecast, CleaningKind::Gap), 15 * 6);
}

#[test]
fn gaps_are_not_zeros() {
    // A third of all rows is lost, most of them in the afternoon.
    let lost = |i: usize, ts_ms: i64| noise(5, i) < if shape(ts_ms) > 300.0 { 0.0 } else { -0.7 };
    let whole = service(15.0, STEP_MS);
    let gaps = series(15.0, STEP_MS, |i, ts_ms| if lost(i, ts_ms) { None } else { whole.value(i) });
    let (whole, gaps) = (day(&whole), day(&gaps));
    let max = |f: &Forecast, q| f.window_max(f.origin_ms, f.horizon_end_ms(), q).unwrap();
    assert!(max(&gaps, 0.9) > 0.97 * max(&whole, 0.9), "{} against {}", max(&gaps, 0.9), max(&whole, 0.9));
    assert!(error(&gaps, shape) < 0.05, "{}", error(&gaps, shape));
}

#[test]
fn hours_of_our_own_shedding_given_as_gaps_are_not_learnt_as_low_demand() {
    let saturated = series(15.0, STEP_MS, |_, ts_ms| (shape(ts_ms) < 450.0).then(|| shape(ts_ms)));
    let low = series(15.0, STEP_MS, |_, ts_ms| Some(if shape(ts_ms) < 450.0 { shape(ts_ms) } else { 50.0 }));
    let peak = |series| {
        let forecast = day(series);
        forecast.window_max(forecast.origin_ms, forecast.horizon_end_ms(), 0.5).unwrap()
    };
    // The weekend days before keep the true height unknown; what was seen up to saturation must at least be expected again.
    assert!(peak(&saturated) > 440.0 * 0.6 && peak(&saturated) >= peak(&low) * 0.99, "{} {}", peak(&saturated), peak(&low));
}

#[test]
fn duplicated_late_and_displaced_rows_give_the_same_forecast() {
    let whole = service(8.0, STEP_MS);
    let mut points: Vec<(i64, f64)> = (0..whole.len()).map(|i| (whole.timestamp_ms(i), whole.value(i).unwrap())).collect();
    points.insert(40, (points[39].0, 1e9));
    points.swap(39, 40);
    points.swap(100, 130);
    points[200].0 += 20_000;
    let (again, notes) = Series::try_from_points(&points, None).unwrap();
    assert_eq!(again, whole);
    let kinds: Vec<CleaningKind> = notes.iter().map(|note| note.kind).collect();
    assert_eq!(kinds, [CleaningKind::OutOfOrder, CleaningKind::Duplicate, CleaningKind::OffGrid]);
}

#[test]
fn nan_infinite_and_negative_values_are_gaps_with_a_note() {
    let whole = service(8.0, STEP_MS);
    let mut points: Vec<(i64, f64)> = (0..whole.len()).map(|i| (whole.timestamp_ms(i), whole.value(i).unwrap())).collect();
    points[500].1 = f64::NAN;
    points[501].1 = f64::INFINITY;
    points[502].1 = -3.0;
    let (series, notes) = Series::try_from_points(&points, None).unwrap();
    assert_eq!((notes.len(), notes[0].kind, notes[0].rows), (1, CleaningKind::NotFinite, 2));
    let forecast = day(&series);
    assert_eq!(noted(&forecast, CleaningKind::Negative), 1);
    assert!(error(&forecast, shape) < 0.06);
}

#[test]
fn a_service_that_is_off_half_of_the_time_is_forecast_on_and_off() {
    let on = |ts_ms: i64| ts_ms.rem_euclid(DAY_MS) >= DAY_MS / 2;
    let square = series(12.0, STEP_MS, |i, ts_ms| Some(if on(ts_ms) { 200.0 * (1.0 + 0.1 * noise(2, i)) } else { 0.0 }));
    let forecast = day(&square);
    for point in &forecast.points {
        let since_switch = point.ts_ms.rem_euclid(DAY_MS / 2);
        if (HOUR_MS..DAY_MS / 2 - HOUR_MS).contains(&since_switch) {
            let median = forecast.quantile_at(point.ts_ms, 0.5).unwrap();
            if on(point.ts_ms) { assert!((170.0..230.0).contains(&median), "{median}") } else { assert!(median < 1.0, "{median}") }
        }
    }
}

#[test]
fn after_a_lasting_change_of_level_the_old_days_are_left_out() {
    let shifted = |ts_ms: i64| if ts_ms < START_MS + 10 * DAY_MS { 0.25 } else { 1.0 };
    let series = series(14.0, STEP_MS, |i, ts_ms| Some(500.0 * shifted(ts_ms) * (1.0 + 0.1 * noise(3, i))));
    let forecast = day(&series);
    assert_eq!(noted(&forecast, CleaningKind::LevelShift), 10 * 288);
    assert!(error(&forecast, |_| 500.0) < 0.05, "{}", error(&forecast, |_| 500.0));
}

#[test]
fn a_first_weekend_is_no_change_of_level() {
    // Monday to Sunday night: the last two days are far below the five before, and no older weekend is known.
    let office = series(7.0, STEP_MS, |i, ts_ms| {
        let weekend = predictor::calendar::is_weekend(ts_ms);
        Some(if weekend { 40.0 } else { 400.0 } * (1.0 + 0.1 * noise(4, i)))
    });
    assert_eq!(noted(&day(&office), CleaningKind::LevelShift), 0);
}

#[test]
fn one_spike_of_a_hundred_times_the_median_changes_nothing() {
    let whole = service(15.0, STEP_MS);
    let spiked = series(15.0, STEP_MS, |i, _| if i == 4_000 { Some(50_000.0) } else { whole.value(i) });
    let forecast = day(&spiked);
    assert_eq!(noted(&forecast, CleaningKind::Spike), 1);
    let max = forecast.window_max(forecast.origin_ms, forecast.horizon_end_ms(), 0.99).unwrap();
    assert!(max < 700.0, "{max}");
    // The newest row may be the first of a flash crowd: what is ambiguous is believed.
    let newest = series(15.0, STEP_MS, |i, _| if i == whole.len() - 1 { Some(50_000.0) } else { whole.value(i) });
    assert_eq!(noted(&day(&newest), CleaningKind::Spike), 0);
}

#[test]
fn a_missing_week_is_bridged() {
    let week = series(22.0, STEP_MS, |i, ts_ms| {
        let day = (ts_ms - START_MS) / DAY_MS;
        (!(12..19).contains(&day)).then(|| shape(ts_ms) * (1.0 + 0.05 * noise(1, i)))
    });
    let forecast = day(&week);
    assert!(error(&forecast, shape) < 0.06, "{}", error(&forecast, shape));
    assert_eq!(noted(&forecast, CleaningKind::Gap), 7 * 288);
}

#[test]
fn an_unchanging_series_stays_as_it_is_also_with_gaps_and_at_zero() {
    for level in [0.0, 42.0] {
        let series = series(9.0, STEP_MS, |i, _| (i % 17 != 0).then_some(level));
        let forecast = day(&series);
        for point in &forecast.points {
            assert!(point.q.iter().chain([&point.mean]).all(|v| (v - level).abs() <= 1e-3 * level), "{point:?}");
        }
        let max = forecast.window_max(forecast.origin_ms, forecast.horizon_end_ms(), 0.99).unwrap();
        assert!((max - level).abs() <= 2e-3 * level, "{max}");
    }
}

#[test]
fn less_than_an_hour_is_an_error_with_both_numbers() {
    let short = service(55.0 / 1440.0, STEP_MS);
    let refused = forecast(&short, &Request::over(HOUR_MS)).unwrap_err();
    assert_eq!(refused, ForecastError::NotEnoughHistory { have_ms: 55 * MINUTE_MS, need_ms: HOUR_MS });
    assert_eq!(refused.to_string(), "not enough history: 55 min observed, 1 h needed");
    let empty = Series::try_new(START_MS, STEP_MS, Vec::new()).unwrap();
    assert!(matches!(forecast(&empty, &Request::over(DAY_MS)), Err(ForecastError::NotEnoughHistory { have_ms: 0, .. })));
}

#[test]
fn a_member_that_looks_a_week_back_says_what_it_needs() {
    let request = Request { model: ModelChoice::Named(Member::SeasonalNaiveWeek), ..Request::over(DAY_MS) };
    let refused = forecast(&service(7.5, STEP_MS), &request).unwrap_err();
    assert!(matches!(refused, ForecastError::NotEnoughHistory { need_ms, .. } if need_ms == 8 * DAY_MS), "{refused}");
    assert!(forecast(&service(8.0, STEP_MS), &request).is_ok());
}

#[test]
fn a_clock_change_is_being_learnt_within_a_week() {
    // Local time moves by an hour against UTC on day 12; a week later most of the rhythm's move is known (averages of many days
    // are slow here; services with a local rhythm need a calendar in local time).
    let local = |ts_ms: i64| shape(if ts_ms < START_MS + 12 * DAY_MS { ts_ms } else { ts_ms + HOUR_MS });
    let series = series(19.0, STEP_MS, |i, ts_ms| Some(local(ts_ms) * (1.0 + 0.05 * noise(1, i))));
    let forecast = day(&series);
    let unlearnt = forecast.points.iter().map(|p| (local(p.ts_ms) - shape(p.ts_ms)).abs()).sum::<f64>()
        / forecast.points.iter().map(|p| local(p.ts_ms)).sum::<f64>();
    assert!(error(&forecast, local) < 0.7 * unlearnt, "{} against {unlearnt}", error(&forecast, local));
}

#[test]
fn growth_of_a_fifth_a_week_is_followed() {
    let grown = |ts_ms: i64| shape(ts_ms) * libm::pow(1.2, (ts_ms - START_MS) as f64 / (7.0 * DAY_MS as f64));
    let series = series(21.0, STEP_MS, |i, ts_ms| Some(grown(ts_ms) * (1.0 + 0.05 * noise(1, i))));
    assert!(error(&day(&series), grown) < 0.07, "{}", error(&day(&series), grown));
}

#[test]
fn a_step_that_no_day_is_a_multiple_of_works_and_an_irregular_one_is_refused() {
    let forecast = day(&service(9.0, 7 * MINUTE_MS));
    assert_eq!(forecast.points[1].ts_ms - forecast.points[0].ts_ms, 7 * MINUTE_MS);
    assert!(error(&forecast, shape) < 0.05, "{}", error(&forecast, shape));
    let ragged: Vec<(i64, f64)> = (0..100).map(|i| (START_MS + i * i * 61_000, 1.0)).collect();
    assert!(matches!(Series::try_from_points(&ragged, Some(MINUTE_MS)), Err(SeriesError::Irregular { .. })));
    assert!(matches!(Series::try_from_points(&[(0, 1.0), (7_200_000, 1.0)], None), Err(SeriesError::Step { step_ms: 7_200_000 })));
}

#[test]
fn silence_before_the_origin_is_bridged_for_a_day_and_then_refused() {
    let series = service(15.0, STEP_MS);
    let last_ms = series.end_ms() - STEP_MS;
    let later = forecast_at(&series, last_ms + 6 * HOUR_MS, &Request::over(HOUR_MS)).unwrap();
    assert_eq!(later.points[0].ts_ms, last_ms + 6 * HOUR_MS + STEP_MS);
    assert!(error(&later, shape) < 0.1, "{}", error(&later, shape));
    let refused = forecast_at(&series, last_ms + 25 * HOUR_MS, &Request::over(HOUR_MS)).unwrap_err();
    assert_eq!(refused, ForecastError::NoRecentData { last_ms, origin_ms: last_ms + 25 * HOUR_MS });
}

#[test]
fn the_next_hour_profits_from_the_last_minutes() {
    // Load has doubled half an hour ago: the next ten minutes are expected high, yesterday's values are not repeated.
    let series = series(15.0, MINUTE_MS, |i, ts_ms| {
        let doubled = if ts_ms >= START_MS + 15 * DAY_MS - 30 * MINUTE_MS { 2.0 } else { 1.0 };
        Some(shape(ts_ms) * doubled * (1.0 + 0.05 * noise(1, i)))
    });
    let forecast = forecast(&series, &Request::over(HOUR_MS)).unwrap();
    let soon_ms = forecast.origin_ms + 5 * MINUTE_MS;
    let (expected, usual) = (forecast.quantile_at(soon_ms, 0.5).unwrap(), shape(soon_ms));
    assert!(expected > 1.3 * usual, "{expected} expected, {usual} is usual");
}

#[test]
fn a_wrong_horizon_or_level_is_refused_with_what_is_allowed() {
    let series = service(9.0, STEP_MS);
    for horizon_ms in [0, -1, 8 * DAY_MS] {
        let words = forecast(&series, &Request::over(horizon_ms)).unwrap_err().to_string();
        assert!(words.contains(&horizon_ms.to_string()) && words.contains("7 d"), "{words}");
    }
    for quantiles in [vec![], vec![0.5, 1.0], vec![f64::NAN]] {
        let words = forecast(&series, &Request { quantiles, ..Request::over(HOUR_MS) }).unwrap_err().to_string();
        assert!(words.contains("between 0 and 1"), "{words}");
    }
    let unknown = "prophet".parse::<ModelChoice>().unwrap_err().to_string();
    assert!(unknown.contains("prophet") && unknown.contains("auto") && unknown.contains("seasonal_naive_day"), "{unknown}");
}

#[test]
fn a_day_at_a_minute_is_small_enough_to_store() {
    let forecast = day(&service(21.0, MINUTE_MS));
    let bytes = serde_json::to_string(&forecast).unwrap().len();
    assert!(bytes <= 300_000, "{bytes} bytes");
}
