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
        let series = without_running_events(series(), &config, ms(now));
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
    let once = median(&forecast(&without_running_events(busy, &config, now_ms)));
    assert!((90.0..110.0).contains(&once) && twice > 1.2 * once, "{once} rps, and {twice} if the event were learnt from");
}
