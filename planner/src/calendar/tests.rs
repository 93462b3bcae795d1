use predictor::Series;

use super::*;
use crate::fixtures;

/// A service in a zone with these events, as a file would say them.
fn config(zone: &str, events: &str) -> ServiceConfig {
    let table: toml::Table = events.parse().unwrap();
    let events = table["events"].clone().try_into().unwrap();
    let config = ServiceConfig { time_zone: zone.to_owned(), events, ..fixtures::service("shop") };
    config.validate().unwrap();
    config
}

fn ms(utc: &str) -> i64 {
    utc.parse::<Timestamp>().unwrap().as_millisecond()
}

/// The occurrences in a window, in UTC.
fn listed(config: &ServiceConfig, from: &str, to: &str) -> Vec<String> {
    let utc = |at_ms| Timestamp::from_millisecond(at_ms).unwrap();
    let found = Calendar::of(config).unwrap().occurrences(ms(from), ms(to));
    found.iter().map(|one| format!("{} {} – {}", one.event.name, utc(one.from_ms), utc(one.until_ms))).collect()
}

const MARKET: &str = r#"events = [{ name = "market open", at = "09:30 mon-fri", lasts_ms = 2700000, floor = 12 }]"#;

#[test]
fn a_weekly_event_takes_place_at_its_local_time() {
    let config = config("Asia/Shanghai", MARKET);
    // 2026-11-27 is a Friday.
    assert_eq!(
        listed(&config, "2026-11-27T00:00:00Z", "2026-11-30T23:00:00Z"),
        ["market open 2026-11-27T01:30:00Z – 2026-11-27T02:15:00Z", "market open 2026-11-30T01:30:00Z – 2026-11-30T02:15:00Z"]
    );
    assert_eq!(listed(&config, "2026-11-27T02:14:59Z", "2026-11-27T02:14:59Z").len(), 1, "it runs");
    assert_eq!(listed(&config, "2026-11-27T02:15:00Z", "2026-11-27T02:15:00Z").len(), 0, "it is over");
}

#[test]
fn an_event_keeps_its_local_time_when_the_clocks_change() {
    let config = config("America/New_York", MARKET);
    // Daylight saving time ends on Sunday, 2026-11-01.
    assert_eq!(
        listed(&config, "2026-10-30T00:00:00Z", "2026-11-02T23:00:00Z"),
        ["market open 2026-10-30T13:30:00Z – 2026-10-30T14:15:00Z", "market open 2026-11-02T14:30:00Z – 2026-11-02T15:15:00Z"]
    );
}

#[test]
fn a_skipped_time_is_later_by_the_gap_and_a_repeated_one_counts_once() {
    let config = config("Europe/Berlin", r#"events = [{ name = "batch", at = "02:30 daily", lasts_ms = 3600000, ceiling = 8 }]"#);
    // In the night to 2026-03-29 the clock goes from 02:00 to 03:00: 02:30 isn't there, 03:30 is 01:30 UTC.
    assert_eq!(
        listed(&config, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["batch 2026-03-29T01:30:00Z – 2026-03-29T02:30:00Z", "batch 2026-03-30T00:30:00Z – 2026-03-30T01:30:00Z"]
    );
    // In the night to 2026-10-25 it goes from 03:00 back to 02:00: 02:30 is 00:30 UTC, and again 01:30 UTC.
    assert_eq!(
        listed(&config, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
        ["batch 2026-10-25T00:30:00Z – 2026-10-25T01:30:00Z", "batch 2026-10-26T01:30:00Z – 2026-10-26T02:30:00Z"]
    );
}

#[test]
fn a_day_that_a_zone_skipped_altogether_has_its_event_a_day_later() {
    let config = config("Pacific/Apia", r#"events = [{ name = "once", at = "2011-12-30T09:30", lasts_ms = 60000, floor = 3 }]"#);
    assert_eq!(listed(&config, "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z"), ["once 2011-12-30T19:30:00Z – 2011-12-30T19:31:00Z"]);
}

#[test]
fn days_bound_an_event_and_one_that_lasts_for_days_is_found_on_each() {
    let config = config(
        "Europe/Berlin",
        r#"events = [
            { name = "sale", at = "20:00 daily", from = "2026-11-27", until = "2026-11-28", lasts_ms = 3600000, multiplier = 3.0 },
            { name = "fair", at = "2026-11-23T08:00", lasts_ms = 604800000, floor = 5 },
        ]"#,
    );
    let found = listed(&config, "2026-11-25T00:00:00Z", "2026-12-05T00:00:00Z");
    assert_eq!(
        found,
        [
            "fair 2026-11-23T07:00:00Z – 2026-11-30T07:00:00Z",
            "sale 2026-11-27T19:00:00Z – 2026-11-27T20:00:00Z",
            "sale 2026-11-28T19:00:00Z – 2026-11-28T20:00:00Z"
        ]
    );
    let calendar = Calendar::of(&config).unwrap();
    let named = |at: &str| calendar.name(&calendar.occurrences(ms(at), ms(at))[0]);
    assert_eq!(named("2026-11-25T00:00:00Z"), "event fair, 2026-11-23 08:00–2026-11-30 08:00 Europe/Berlin");
}

#[test]
fn multipliers_of_events_at_the_same_time_multiply() {
    let config = config(
        "UTC",
        r#"events = [
            { name = "sale", at = "10:00 daily", lasts_ms = 7200000, multiplier = 2.0 },
            { name = "advert", at = "11:00 daily", lasts_ms = 1800000, multiplier = 3.0 },
        ]"#,
    );
    let calendar = Calendar::of(&config).unwrap();
    let factor = |from: &str, to: &str| calendar.highest_factor(ms(&format!("2026-11-25T{from}:00Z")), ms(&format!("2026-11-25T{to}:00Z")));
    assert_eq!(factor("09:00", "09:59"), 1.0);
    assert_eq!(factor("09:00", "10:30"), 2.0);
    assert_eq!(factor("10:00", "11:59"), 6.0);
    assert_eq!(factor("11:30", "11:59"), 2.0);
    assert_eq!(factor("12:00", "12:00"), 1.0);
    let forecast = fixtures::forecast(ms("2026-11-25T09:00:00Z"), 240, |ts| if ts > ms("2026-11-25T11:30:00Z") { 400.0 } else { 100.0 });
    let max = |from: &str, to: &str| {
        calendar.window_max(&forecast, ms(&format!("2026-11-25T{from}:00Z")), ms(&format!("2026-11-25T{to}:00Z")), 0.95)
    };
    assert_eq!(max("09:00", "09:30"), Some(100.0));
    assert_eq!(max("09:00", "10:30"), Some(200.0));
    assert_eq!(max("10:30", "11:29"), Some(600.0));
    assert_eq!(max("10:30", "11:45"), Some(800.0), "400 rps at ×2 after 11:30 are more than 100 rps at ×6 before");
    assert_eq!(max("12:30", "12:45"), Some(400.0));
    assert_eq!(max("12:30", "18:00"), None, "beyond the forecast");
}

#[test]
fn a_running_event_is_not_learnt_from() {
    let config = config("UTC", r#"events = [{ name = "sale", at = "10:00 daily", lasts_ms = 3600000, multiplier = 2.0 }]"#);
    let start_ms = ms("2026-11-25T09:58:00Z");
    let series = || Series::try_new(start_ms, 60_000, vec![Some(1.0); 5]).unwrap();
    let kept = |now: &str| {
        let series = without_events(series(), (&config).into(), &[], ms(now));
        (0..series.len()).map(|i| series.value(i)).collect::<Vec<_>>()
    };
    assert_eq!(kept("2026-11-25T10:03:00Z"), [Some(1.0), Some(1.0), None, None, None]);
    assert_eq!(kept("2026-11-25T11:00:00Z"), [Some(1.0); 5], "it is over: what it showed is history");
    // The forecast of the hour that runs is of the load without the event.
    let days = Series::try_new(start_ms - 4 * 86_400_000, 60_000, vec![Some(100.0); 4 * 1_440 + 2]).unwrap();
    let mut busy = days.clone();
    (0..20).for_each(|_| busy.push(Some(400.0)));
    let now_ms = ms("2026-11-25T10:20:00Z");
    let forecast = |series: &Series| predictor::forecast(series, &predictor::Request::over(3_600_000)).unwrap();
    let median = |forecast: &Forecast| forecast.quantile_at(now_ms + 300_000, 0.5).unwrap();
    let twice = median(&forecast(&busy));
    let once = median(&forecast(&without_events(busy, (&config).into(), &[], now_ms)));
    assert!((90.0..110.0).contains(&once) && twice > 1.2 * once, "{once} rps, and {twice} if the event were learnt from");
}

/// A fortnight of 15-min steps up to a Thursday's midnight: a wave of the day around 100, and on weekdays at 09:30 for 45 min `factor` times it.
fn fortnight(factor: impl Fn(i64) -> f64) -> Series {
    let start_ms = ms("2026-11-12T00:00:00Z");
    let value = |slot: i64| {
        let at_ms = start_ms + slot * 900_000;
        let hour = at_ms.rem_euclid(86_400_000) as f64 / 3_600_000.0;
        let day = at_ms.div_euclid(86_400_000);
        let opens = (9.5..10.25).contains(&hour) && (day + 3) % 7 < 5;
        let usual = 100.0 + 40.0 * ((hour - 6.0) / 24.0 * std::f64::consts::TAU).sin() + (slot * 7 % 5) as f64;
        Some(if opens { usual * factor(slot / 96) } else { usual })
    };
    Series::try_new(start_ms, 900_000, (0..14 * 96).map(value).collect()).unwrap()
}

const OPENING: &str = r#"events = [{ name = "open", at = "09:30 mon-fri", lasts_ms = 2700000, multiplier = 3.0 }]"#;

#[test]
fn an_event_that_the_history_shows_is_multiplied_once() {
    let config = config("UTC", OPENING);
    let (now_ms, from, to) = (ms("2026-11-26T00:00:00Z"), ms("2026-11-26T09:46:00Z"), ms("2026-11-26T09:59:00Z"));
    let request = predictor::Request::over(86_400_000);
    let planned = |series: Series| {
        let forecast = forecast(&series, (&config).into(), now_ms, &request).unwrap().forecast;
        Calendar::of(&config).unwrap().window_max(&forecast, from, to, 0.5).unwrap()
    };
    let usual = predictor::forecast(&fortnight(|_| 1.0), &request).unwrap();
    let usual = usual.window_max(from, to, 0.5).unwrap();
    let near = |factor: f64, got: f64| (0.9..1.1).contains(&(got / usual / factor));
    let seen = planned(fortnight(|_| 3.0));
    assert!(near(3.0, seen), "{seen} of {usual}: the event was there each day");
    let untouched = predictor::forecast(&fortnight(|_| 3.0), &request).unwrap();
    let twice = Calendar::of(&config).unwrap().window_max(&untouched, from, to, 0.5).unwrap();
    assert!(twice > 5.0 * usual, "{twice} of {usual}: what it would be if the history were left as it is");
    let new = planned(fortnight(|_| 1.0));
    assert!(near(3.0, new), "{new} of {usual}: it never was, and the usual load isn't pushed down");
    let half = planned(fortnight(|day| if day % 2 == 0 { 3.0 } else { 1.0 }));
    assert!(near(3.0, half), "{half} of {usual}: on some days");
    // The history's own values.
    let plain = fortnight(|_| 1.0);
    for factor in [1.0, 2.0, 3.0] {
        let left = without_events(fortnight(|_| factor), (&config).into(), &[], now_ms);
        let off = (0..left.len()).map(|i| (left.value(i).unwrap() / plain.value(i).unwrap() - 1.0).abs()).fold(0.0, f64::max);
        assert!(off < 0.12, "×{factor}: off by {off}");
    }
}

#[test]
fn a_floor_leaves_the_load_alone_and_what_exceeds_a_multiplier_stays() {
    let floor = config("UTC", MARKET);
    let now_ms = ms("2026-11-26T00:00:00Z");
    assert_eq!(without_events(fortnight(|_| 3.0), (&floor).into(), &[], now_ms), fortnight(|_| 3.0));
    let left = without_events(fortnight(|_| 6.0), (&config("UTC", OPENING)).into(), &[], now_ms);
    let (at, plain) = (left.len() - 96 + 39, fortnight(|_| 1.0));
    let ratio = left.value(at).unwrap() / plain.value(at).unwrap();
    assert!((1.9..2.1).contains(&ratio), "six times, of which three are the event's: {ratio}");
}

const LEARNING: &str = r#"events = [{ name = "open", at = "09:30 mon-fri", lasts_ms = 2700000, learn = true }]"#;

#[test]
fn an_uplift_is_learnt_from_earlier_occurrences_and_drawn_to_one_while_they_are_few() {
    let config = config("UTC", LEARNING);
    let now_ms = ms("2026-11-26T00:00:00Z");
    let of = |series: &Series| learn(series, (&config).into(), now_ms).pop().unwrap();
    let many = of(&fortnight(|_| 3.0));
    assert_eq!(many.occurrences, 10);
    assert!((2.6..3.0).contains(&many.highest()), "1 + 2 · 10/11 = 2.8: {many:?}");
    let days = fortnight(|_| 3.0).since(ms("2026-11-25T00:00:00Z"));
    let one = of(&days);
    assert!(one.occurrences == 1 && (1.8..2.2).contains(&one.highest()), "1 + 2 · 1/2 = 2: {one:?}");
    let calm = of(&fortnight(|_| 1.0));
    assert!((0.93..1.07).contains(&calm.highest()), "{calm:?}");
    // Without an occurrence nothing is known, and nothing is multiplied.
    let none = of(&fortnight(|_| 3.0).since(ms("2026-11-25T12:00:00Z")));
    assert_eq!((none.occurrences, none.factors.len(), none.highest()), (0, 0, 1.0));
    let calendar = Calendar::of(&config).unwrap();
    assert!(calendar.clone().knowing(&[none]).multipliers(now_ms, now_ms + 86_400_000).is_empty());
}

#[test]
fn what_was_learnt_is_multiplied_once_piece_by_piece_and_told() {
    let config = config("UTC", LEARNING);
    let (now_ms, from, to) = (ms("2026-11-26T00:00:00Z"), ms("2026-11-26T09:46:00Z"), ms("2026-11-26T09:59:00Z"));
    let request = predictor::Request::over(86_400_000);
    let usual = predictor::forecast(&fortnight(|_| 1.0), &request).unwrap().window_max(from, to, 0.5).unwrap();
    let Outlined { forecast, learnt } = forecast(&fortnight(|_| 3.0), (&config).into(), now_ms, &request).unwrap();
    let calendar = Calendar::of(&config).unwrap().knowing(&learnt);
    let got = calendar.window_max(&forecast, from, to, 0.5).unwrap();
    assert!((2.7..3.3).contains(&(got / usual)), "{got} of {usual}");
    let told = calendar.multiplied(from, to);
    assert!(told.contains("event open, 09:30–10:15 UTC: up to ×2.8") && told.contains("learnt from 10 occurrences"), "{told}");
    let shown = Outlined { forecast: forecast.clone(), learnt: learnt.clone() }.shown((&config).into());
    let at = |forecast: &Forecast, at: &str| forecast.quantile_at(ms(at), 0.5).unwrap();
    assert!(at(&shown, "2026-11-26T10:00:00Z") > 2.5 * at(&forecast, "2026-11-26T10:00:00Z"));
    assert_eq!(at(&shown, "2026-11-26T12:00:00Z"), at(&forecast, "2026-11-26T12:00:00Z"));
    // On weekdays a peak in the first 20 of 45 min, in 5-min steps: each piece has its own factor.
    let start_ms = ms("2026-11-19T00:00:00Z");
    let value = |slot: i64| Some(if (114..118).contains(&(slot % 288)) && ![2, 3].contains(&(slot / 288)) { 400.0 } else { 100.0 });
    let series = Series::try_new(start_ms, 300_000, (0..7 * 288).map(value).collect()).unwrap();
    let pieces = learn(&series, (&config).into(), now_ms).pop().unwrap();
    assert_eq!((pieces.piece_ms, pieces.occurrences), (300_000, 5));
    assert!(pieces.at(600_000) > 3.0 && pieces.at(1_800_000) < 1.05, "{pieces:?}");
}

#[test]
fn a_public_holiday_of_the_place_is_forecast_as_one_and_an_ordinary_day_without() {
    // Four weeks of quarters of an hour, busy on weekdays, up to Thanksgiving 2026 in New York, 05:00 UTC.
    let (end_ms, step_ms) = (ms("2026-11-26T05:00:00Z"), 900_000);
    let load = |at_ms: i64| if predictor::calendar::is_weekend(at_ms - 5 * 3_600_000 - step_ms) { 100.0 } else { 400.0 };
    let start_ms = end_ms - 28 * 96 * step_ms;
    let series = Series::try_new(start_ms, step_ms, (0..=28 * 96).map(|i| Some(load(start_ms + i * step_ms))).collect()).unwrap();
    let noon = |holidays: &[Holidays]| {
        let place = Place { time_zone: "America/New_York", events: &[], holidays };
        let made = forecast(&series, place, end_ms, &predictor::Request::over(predictor::DAY_MS)).unwrap().forecast;
        let told: Vec<String> = made.explanation.holidays.iter().map(|day| format!("{} {}", day.date, day.name)).collect();
        (made.quantile_at(ms("2026-11-26T17:00:00Z"), 0.5).unwrap(), told)
    };
    let (holiday, told) = noon(&["US".parse().unwrap()]);
    let (ordinary, nothing) = noon(&[]);
    assert!(ordinary > 380.0 && holiday < 0.65 * ordinary, "{holiday} and {ordinary}");
    assert_eq!((told, nothing), (vec!["2026-11-26 Thanksgiving Day".to_owned()], Vec::new()));
}
