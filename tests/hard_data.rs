//! What data do to a forecaster, each through `prescale forecast`: what can be read is forecast soundly and says what was done to it, what can't
//! is refused with exit code 2, the key, the value and what is allowed.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::support::run;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// 2026-03-02T00:00:00Z, a Monday.
const START_S: i64 = 1_772_409_600;

/// A service's load at a time: 100 at night, 500 in the afternoon, a little of everything else.
fn load(ts_s: i64) -> f64 {
    let hour = (ts_s.rem_euclid(DAY_S) as f64) / HOUR_S as f64;
    let weekend = (ts_s.div_euclid(DAY_S) + 3).rem_euclid(7) >= 5;
    let day = 300.0 - 200.0 * ((hour - 3.0) / 24.0 * std::f64::consts::TAU).cos();
    day * if weekend { 0.6 } else { 1.0 } * (1.0 + 0.03 * ((ts_s / 7) % 11 - 5) as f64 / 5.0)
}

/// Rows at a step, as text, so that they may be anything.
fn rows(days: i64, step_s: i64, value: impl Fn(i64) -> Option<String>) -> Vec<(i64, String)> {
    (0..days * DAY_S / step_s).map(|i| START_S + i * step_s).filter_map(|ts_s| Some((ts_s, value(ts_s)?))).collect()
}

fn usual(days: i64) -> Vec<(i64, String)> {
    rows(days, 15 * MINUTE_S, |ts_s| Some(load(ts_s).to_string()))
}

/// RFC 3339.
fn stamp(ts_s: i64) -> String {
    let (day, second) = (ts_s.div_euclid(DAY_S), ts_s.rem_euclid(DAY_S));
    // Days from the civil calendar after H. Hinnant, the other way round.
    let z = day + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let date = of_year - (153 * march + 2) / 5 + 1;
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / HOUR_S, second / MINUTE_S % 60, second % 60)
}

fn forecast(rows: &[(i64, String)], options: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    let mut text = String::from("timestamp,value\n");
    for (ts_s, value) in rows {
        writeln!(text, "{},{value}", stamp(*ts_s)).unwrap();
    }
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    run(&[&["forecast", "--input", &path, "--format", "jsonl"], options].concat())
}

/// The one line of a forecast that must be made: finite, in order, never negative.
#[track_caller]
fn made(rows: &[(i64, String)], options: &[&str]) -> Value {
    let (status, stdout, stderr) = forecast(rows, options);
    assert_eq!(status, 0, "{stderr}");
    let line: Value = serde_json::from_str(&stdout).unwrap();
    let points = line["points"].as_array().unwrap();
    assert!(!points.is_empty());
    for point in points {
        let q: Vec<f64> = ["0.5", "0.9", "0.95", "0.99"].iter().map(|level| point["q"][level].as_f64().unwrap()).collect();
        assert!(q[0] >= 0.0 && q.windows(2).all(|pair| pair[0] <= pair[1]) && q[3].is_finite(), "{point}");
    }
    line
}

/// Mean of the medians over what would usually come in the horizon.
fn level(line: &Value) -> f64 {
    let points = line["points"].as_array().unwrap();
    let median: f64 = points.iter().map(|point| point["q"]["0.5"].as_f64().unwrap()).sum();
    let end_s = START_S + 21 * DAY_S;
    let usual: f64 = (0..96).map(|i| load(end_s + i * 15 * MINUTE_S)).sum::<f64>() / 96.0;
    median / points.len() as f64 / usual
}

#[track_caller]
fn near_usual(line: &Value, by: f64) {
    assert!((level(line) - 1.0).abs() < by, "{} of the usual load, cleaning {}", level(line), line["cleaning"]);
}

fn notes(line: &Value) -> String {
    line["cleaning"].to_string()
}

#[test]
fn gaps_late_double_and_impossible_rows_change_nothing_and_are_told() {
    // A daily hole of half an hour, a row a day that comes late, one that comes twice, and values that are no loads.
    let mut all = usual(21);
    all.retain(|(ts_s, _)| !(4 * HOUR_S..4 * HOUR_S + 30 * MINUTE_S).contains(&ts_s.rem_euclid(DAY_S)));
    for day in (0..20).rev() {
        let at = day * 90;
        all.swap(at + 10, at + 40);
        all[at + 50].1 = ["NaN", "inf", "-7", "-inf"][day % 4].to_owned();
        let twice = all[at + 60].clone();
        all.insert(at + 61, (twice.0, twice.1));
    }
    let line = made(&all, &["--horizon", "24h"]);
    near_usual(&line, 0.08);
    for kind in ["gap", "out_of_order", "duplicate", "not_finite", "negative"] {
        assert!(notes(&line).contains(kind), "{kind} is not in {}", notes(&line));
    }
}

#[test]
fn a_hundred_million_in_one_row_is_a_spike_and_no_forecast() {
    let mut all = usual(21);
    all[1_500].1 = "100000000".to_owned();
    let line = made(&all, &["--horizon", "24h"]);
    near_usual(&line, 0.08);
    assert!(notes(&line).contains("spike"), "{}", notes(&line));
    let most = line["max"]["24h"]["q"]["0.99"].as_f64().unwrap();
    assert!(most < 1_500.0, "{most}");
}

#[test]
fn a_missing_week_and_a_level_that_changed_for_good_are_told() {
    let week = rows(21, 15 * MINUTE_S, |ts_s| {
        let day = (ts_s - START_S) / DAY_S;
        (!(7..14).contains(&day)).then(|| load(ts_s).to_string())
    });
    let line = made(&week, &["--horizon", "24h"]);
    // The days of a long gap stand as the last one before it, here a Sunday, until they are out of sight.
    near_usual(&line, 0.25);
    assert!(notes(&line).contains("gap"), "{}", notes(&line));
    let shifted = rows(21, 15 * MINUTE_S, |ts_s| Some((load(ts_s) / if ts_s < START_S + 12 * DAY_S { 8.0 } else { 1.0 }).to_string()));
    let line = made(&shifted, &["--horizon", "24h"]);
    near_usual(&line, 0.15);
    assert!(notes(&line).contains("level_shift"), "{}", notes(&line));
}

#[test]
fn an_unchanging_series_stays_as_it_is_and_one_that_is_off_half_of_the_time_is_on_and_off() {
    for value in ["250", "0"] {
        let line = made(&rows(21, 15 * MINUTE_S, |_| Some(value.to_owned())), &["--horizon", "24h"]);
        let expected: f64 = value.parse().unwrap();
        for point in line["points"].as_array().unwrap() {
            let (low, high) = (point["q"]["0.5"].as_f64().unwrap(), point["q"]["0.99"].as_f64().unwrap());
            assert!((low - expected).abs() <= 0.01 * expected && high <= 1.05 * expected, "{point}");
        }
    }
    let on = |ts_s: i64| (8 * HOUR_S..20 * HOUR_S).contains(&ts_s.rem_euclid(DAY_S));
    let line = made(&rows(21, 15 * MINUTE_S, |ts_s| Some(if on(ts_s) { "400" } else { "0" }.to_owned())), &["--horizon", "24h"]);
    let median = |slot: usize| line["points"][slot]["q"]["0.5"].as_f64().unwrap();
    assert!(median(10) < 20.0 && median(55) > 380.0, "{} at night, {} by day", median(10), median(55));
}

#[test]
fn growth_of_a_fifth_a_week_is_followed() {
    let grown = |ts_s: i64| 1.2_f64.powf((ts_s - START_S) as f64 / (7 * DAY_S) as f64);
    let line = made(&rows(35, 15 * MINUTE_S, |ts_s| Some((load(ts_s) * grown(ts_s)).to_string())), &["--horizon", "24h"]);
    let now = grown(START_S + 35 * DAY_S + DAY_S / 2);
    assert!((level(&line) / now - 1.0).abs() < 0.12, "{} for {now}", level(&line));
}

#[test]
fn a_clock_change_costs_no_hour_when_the_place_is_known() {
    // Berlin goes forward on 2026-03-29 at 01:00 UTC; the load goes by its clocks.
    let change_s = 1_774_746_000;
    let local = |ts_s: i64| ts_s + if ts_s < change_s { HOUR_S } else { 2 * HOUR_S };
    let opens = |ts_s: i64| (9 * HOUR_S..17 * HOUR_S).contains(&local(ts_s).rem_euclid(DAY_S));
    let all = rows(27, 15 * MINUTE_S, |ts_s| Some(if opens(ts_s) { "400" } else { "100" }.to_owned()));
    let all: Vec<_> = all.into_iter().filter(|(ts_s, _)| *ts_s <= change_s).collect();
    let folder = tempfile::tempdir().unwrap();
    let calendar = folder.path().join("berlin.toml");
    fs::write(&calendar, "time_zone = \"Europe/Berlin\"\n").unwrap();
    // 07:30 UTC is 09:30 now; until yesterday it was half past eight.
    let at = |options: &[&str]| {
        let line = made(&all, &[&["--horizon", "24h"], options].concat());
        let point =
            line["points"].as_array().unwrap().iter().find(|point| point["ts"].as_str().unwrap().contains("T07:30")).unwrap().clone();
        point["q"]["0.5"].as_f64().unwrap()
    };
    let (known, unknown) = (at(&["--calendar", calendar.to_str().unwrap()]), at(&[]));
    assert!(known > 300.0 && unknown < 200.0, "{known} and {unknown}");
}

#[test]
fn from_an_hour_on_there_is_a_forecast_that_says_what_it_rests_on() {
    for (hours, horizon, basis) in
        [(2, "24h", "persistence"), (2, "7d", "persistence"), (30, "7d", "day"), (72, "24h", "day"), (21 * 24, "24h", "week")]
    {
        let all: Vec<_> = usual(21).into_iter().take(hours * 4).collect();
        let line = made(&all, &["--horizon", horizon]);
        assert_eq!(line["basis"], basis, "{hours} h, {horizon}");
        let reach = line["points"].as_array().unwrap().len();
        assert_eq!(reach, if horizon == "7d" { 672 } else { 96 }, "also where the horizon is longer than the history");
    }
    let (status, stdout, stderr) = forecast(&usual(21)[..1], &["--horizon", "1h"]);
    assert!(status == 2 && stdout.is_empty() && stderr.contains("1 row(s): at least 2 are needed"), "{stderr}");
}

#[test]
fn a_million_rows_are_read_and_answered() {
    let all = rows(695, MINUTE_S, |ts_s| Some(format!("{:.1}", load(ts_s))));
    assert!(all.len() > 1_000_000);
    let line = made(&all, &["--horizon", "1h"]);
    assert_eq!(line["points"].as_array().unwrap().len(), 60);
    assert!(line["history_points"].as_u64().unwrap() <= 42 * 1_440 + 1, "older rows aren't looked at");
}

#[test]
fn steps_and_times_that_are_no_series_are_refused_and_odd_ones_are_taken() {
    // Every step from a second to an hour, also one that no day is a multiple of.
    for step_s in [37, 420, 3_600] {
        let line = made(&rows(6, step_s, |ts_s| Some(load(ts_s).to_string())), &["--horizon", "2h"]);
        assert_eq!(line["step_s"].as_f64().unwrap(), step_s as f64);
    }
    let same: Vec<(i64, String)> = (0..100).map(|i| (START_S, i.to_string())).collect();
    let daily = rows(60, DAY_S, |ts_s| Some(load(ts_s).to_string()));
    let uneven: Vec<(i64, String)> = (0..200).map(|i| (START_S + i * 60 + (i % 3) * 25, i.to_string())).collect();
    // 9999-05-31T00:00:00Z behind a usual month.
    let mut far = usual(21);
    far.push((253_383_724_800, "5".to_owned()));
    for (name, all, parts) in [
        ("a step of 0", &same, ["at least 2 are needed", ""]),
        ("a step of a day", &daily, ["step = 86400000 ms", "1 s to 1 h"]),
        ("no step", &uneven, ["a regular step is needed", "step ="]),
        ("one row in the year 9999", &far, ["mistyped", "4000000 are allowed"]),
    ] {
        let (status, stdout, stderr) = forecast(all, &["--horizon", "1h"]);
        assert!(status == 2 && stdout.is_empty() && parts.iter().all(|part| stderr.contains(part)), "{name}: {status} {stderr}");
    }
    let shift_s = 253_383_724_800 - START_S - 21 * DAY_S;
    let year_9999: Vec<_> = usual(21).into_iter().map(|(ts_s, value)| (ts_s + shift_s, value)).collect();
    let (status, _, stderr) = forecast(&year_9999, &["--horizon", "24h"]);
    assert!(status == 0 || (status == 2 && stderr.contains("9999")), "a year like any other, or refused by name: {status} {stderr}");
}

#[test]
fn options_that_cannot_be_meant_name_key_value_and_what_is_allowed() {
    let all = usual(3);
    for (options, parts) in [
        (&["--horizon", "0s"][..], ["--horizon", "0s"]),
        (&["--horizon", "8d"], ["horizon = 691200000 ms", "7 d"]),
        (&["--horizon=-1h"], ["--horizon", "-1h"]),
        (&["--quantiles", "0"], ["--quantiles", "between 0 and 1, both excluded"]),
        (&["--quantiles", "0.5,1.5"], ["1.5", "between 0 and 1, both excluded"]),
        (&["--quantiles", "NaN"], ["NaN", "between 0 and 1, both excluded"]),
        (&["--at", "every:0s"], ["--at", "0s"]),
        (&["--at", "9999-13-01T00:00:00Z"], ["--at", "9999-13-01"]),
        (&["--model", "prophet"], ["prophet", "seasonal_naive_day"]),
    ] {
        let (status, stdout, stderr) = forecast(&all, options);
        assert!(status == 2 && stdout.is_empty() && parts.iter().all(|part| stderr.contains(part)), "{options:?}: {status} {stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let calendar = folder.path().join("calendar.toml");
    fs::write(&calendar, "time_zone = \"UTC\"\nholidays = [\"DE\", \"Atlantis\"]\n").unwrap();
    let (status, stdout, stderr) = forecast(&all, &["--calendar", calendar.to_str().unwrap()]);
    assert!(status == 2 && stdout.is_empty(), "{stderr}");
    assert!(stderr.contains("holidays[1] = \"Atlantis\" is not allowed") && stderr.contains("\"US-CA\""), "{stderr}");
}
