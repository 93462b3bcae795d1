//! Public holidays: what they do is learnt, and they teach nothing about ordinary days.

use predictor::boosted::Models;
use predictor::{Calendar, DAY_MS, Forecast, Holiday, Request, Series, fit, forecast_at, forecast_in};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, series, shape};

const STEP_MS: i64 = 15 * MINUTE_MS;
/// Days since 1970 of the service's first day, a Monday.
const FIRST_DAY: i64 = START_MS / DAY_MS;

/// A service whose load on holidays (by the number of the day) is that of a Sunday.
fn load(ts_ms: i64, holidays: &[i64]) -> f64 {
    let day = (ts_ms - 1).div_euclid(DAY_MS) - FIRST_DAY;
    // The Sunday of that week has the same hours.
    if holidays.contains(&day) { shape(ts_ms + (6 - day.rem_euclid(7)) * DAY_MS) } else { shape(ts_ms) }
}

fn service(days: f64, holidays: &[i64]) -> Series {
    series(days, STEP_MS, |i, ts_ms| Some(load(ts_ms, holidays) * (1.0 + 0.05 * noise(1, i))))
}

fn calendar(holidays: &[i64]) -> Calendar {
    let named = |day: &i64| Holiday { day: FIRST_DAY + day, name: format!("holiday {day}") };
    Calendar::default().with_holidays(holidays.iter().map(named).collect())
}

/// Relative error of the median over the horizon.
fn error(forecast: &Forecast, holidays: &[i64]) -> f64 {
    let expected = |ts_ms: i64| load(ts_ms, holidays);
    let sum: f64 = forecast.points.iter().map(|p| (forecast.quantile_at(p.ts_ms, 0.5).unwrap() - expected(p.ts_ms)).abs()).sum();
    sum / forecast.points.iter().map(|p| expected(p.ts_ms)).sum::<f64>()
}

fn at(series: &Series, day: i64, calendar: &Calendar) -> Forecast {
    forecast_in(series, START_MS + day * DAY_MS, &Request::over(DAY_MS), calendar).unwrap()
}

#[test]
fn a_holiday_to_come_is_forecast_from_sundays_and_earlier_holidays() {
    // Thursday of the fourth week, and two earlier ones.
    let holidays = [8, 16, 24];
    let series = service(28.0, &holidays);
    let (known, unknown) = (at(&series, 24, &calendar(&holidays)), at(&series, 24, &Calendar::default()));
    let (with, without) = (error(&known, &holidays), error(&unknown, &holidays));
    assert!(with < 0.5 * without, "{with} against {without} without the calendar");
    let told = &known.explanation.holidays;
    assert_eq!((told.len(), told[0].date.as_str(), told[0].name.as_str()), (1, "2026-03-26", "holiday 24"));
    assert!(told[0].factor < 0.8 && told[0].factor > 0.5, "{told:?}");
    // The usual load remains possible: who plans for the 99 % is not surprised by a holiday that nobody keeps.
    let noon = START_MS + 24 * DAY_MS + 12 * HOUR_MS;
    assert!(known.quantile_at(noon, 0.99).unwrap() > 0.85 * shape(noon), "{:?}", known.quantile_at(noon, 0.99));
}

#[test]
fn the_days_after_a_holiday_are_as_if_it_had_not_been() {
    // A Monday; the origins are its end, and the begin of the Monday a week later.
    let holidays = [21];
    let series = service(30.0, &holidays);
    let calm = service(30.0, &[]);
    for day in [22, 28] {
        let usual = error(&at(&calm, day, &Calendar::default()), &[]);
        let (with, without) = (error(&at(&series, day, &calendar(&holidays)), &[]), error(&at(&series, day, &Calendar::default()), &[]));
        // The load of the first hours may still be that of the holiday: it is not taken to jump at midnight.
        assert!(with < usual + 0.02, "day {day}: {with} against {usual} in a month without a holiday");
        assert!(without > 1.5 * with, "day {day}: without the calendar it poisons: {without} against {with}");
    }
}

#[test]
fn within_a_holiday_what_it_showed_so_far_counts() {
    let series = service(28.0, &[24]);
    let origin_ms = START_MS + 24 * DAY_MS + 10 * HOUR_MS;
    let with = |known: &[i64]| error(&forecast_in(&series, origin_ms, &Request::over(12 * HOUR_MS), &calendar(known)).unwrap(), &[24]);
    let (known, unknown) = (with(&[24]), with(&[]));
    assert!(known < 0.08 && known < unknown, "{known} against {unknown}");
}

#[test]
fn without_a_holiday_near_nothing_changes() {
    let series = service(25.0, &[]);
    let bytes = |forecast: Forecast| serde_json::to_string(&forecast).unwrap();
    let without = bytes(forecast_at(&series, series.end_ms() - STEP_MS, &Request::over(DAY_MS)).unwrap());
    for holidays in [&[][..], &[-400, 300]] {
        let forecast = forecast_in(&series, series.end_ms() - STEP_MS, &Request::over(DAY_MS), &calendar(holidays)).unwrap();
        assert_eq!(bytes(forecast), without);
    }
    assert!(!without.contains("holidays"), "a field that says nothing isn't there");
}

#[test]
fn a_calendar_of_nothing_but_holidays_breaks_nothing() {
    let every_day: Vec<i64> = (-10..40).collect();
    for days in [0.2, 2.5, 5.0, 12.0, 30.0] {
        let series = service(days, &[]);
        let forecast = forecast_in(&series, series.end_ms() - STEP_MS, &Request::over(DAY_MS), &calendar(&every_day)).unwrap();
        for point in &forecast.points {
            assert!(point.mean.is_finite() && point.q.windows(2).all(|pair| pair[0] <= pair[1]), "{days} days: {point:?}");
        }
        let widest = forecast.points.iter().map(|point| point.q[6] - point.q[0]).fold(0.0, f64::max);
        assert!(widest > 0.0, "{days} days: it is still unsure");
    }
}

#[test]
fn a_forecast_that_is_brought_up_to_date_knows_the_holiday_too() {
    let (series, calendar) = (service(28.0, &[24]), calendar(&[24]));
    let (request, begin_ms) = (Request::over(DAY_MS), START_MS + 24 * DAY_MS - 2 * HOUR_MS);
    let (made, fitted) = fit(&series, begin_ms, &request, &calendar, Models::shipped()).unwrap();
    let fitted = fitted.unwrap();
    assert_eq!(fitted.update(&series, begin_ms, &calendar, Models::shipped()).unwrap(), made, "at its own origin it is the same");
    let later = fitted.update(&series, begin_ms + 4 * HOUR_MS, &calendar, Models::shipped()).unwrap();
    let anew = forecast_in(&series, begin_ms + 4 * HOUR_MS, &request, &calendar).unwrap();
    assert_eq!(later.explanation.holidays, anew.explanation.holidays);
    assert!(error(&later, &[24]) < error(&anew, &[24]) + 0.03, "{} and {}", error(&later, &[24]), error(&anew, &[24]));
}
