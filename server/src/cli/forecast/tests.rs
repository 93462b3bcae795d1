use std::path::Path;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    args: Args,
}

fn args(options: &str) -> Result<Args, String> {
    let words = std::iter::once("forecast").chain(options.split_whitespace());
    Alone::try_parse_from(words).map(|alone| alone.args).map_err(|error| error.to_string())
}

/// Six days at 15 minutes: 100 at night, 400 by day, and a bit of a pattern.
fn file(days: usize) -> SeriesFile {
    let load = |i: usize| if (32..72).contains(&(i % 96)) { 400.0 } else { 100.0 } + (i * 7 % 11) as f64;
    let points = (0..days * 96).map(|i| (1_772_409_600_000 + i as i64 * 900_000, load(i))).collect();
    SeriesFile { name: "load".to_owned(), points }
}

fn lines(file: &SeriesFile, options: &str) -> Result<Vec<Line>, CliError> {
    let args = args(&format!("--input load.csv {options}")).unwrap();
    let past = file.past().unwrap();
    let plan = args.calendar.as_deref().map(calendar::read).transpose()?.unwrap_or_default();
    let asked = Asked { args: &args, plan, trained: Trained::of(None)? };
    origins(&asked, past.whole())?.into_iter().map(|at| line(&past, at, &asked)).collect()
}

/// Without the timing, which is no part of the answer.
fn bytes(lines: &[Line]) -> String {
    let text = lines.iter().map(|line| json(line, false).unwrap()).collect::<String>();
    let mut parts = text.split("\"cpu_ms\":");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once(',').unwrap().1)
}

#[test]
fn a_line_has_the_keys_of_the_contract_and_no_others() {
    let lines = lines(&file(6), "--horizon 24h --quantiles 0.9,0.5").unwrap();
    let value: serde_json::Value = serde_json::from_str(&json(&lines[0], false).unwrap()).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let mut expected =
        ["series", "origin", "step_s", "model", "basis", "history_points", "cpu_ms", "points", "max", "members", "cleaning", "explanation"];
    expected.sort_unstable();
    let mut keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!((&value["origin"], &value["step_s"]), (&"2026-03-07T23:45:00Z".into(), &900.0.into()));
    assert_eq!(value["points"].as_array().unwrap().len(), 96);
    assert_eq!(value["points"][0]["ts"], "2026-03-08T00:00:00Z");
    assert!(value["points"][40]["q"]["0.5"].as_f64().unwrap() <= value["points"][40]["q"]["0.9"].as_f64().unwrap());
    assert!(value["max"]["24h"]["q"]["0.9"].as_f64().unwrap() >= value["max"]["1h"]["q"]["0.9"].as_f64().unwrap());
    assert!(value["max"]["24h"]["at"].as_str().unwrap().starts_with("2026-03-08T"));
}

#[test]
fn a_line_and_a_table_say_why() {
    let lines = lines(&file(10), "--horizon 24h").unwrap();
    let value: serde_json::Value = serde_json::from_str(&json(&lines[0], false).unwrap()).unwrap();
    let far = &value["explanation"]["far"];
    let best = far["members"].as_array().unwrap().iter().find(|member| member["loss"] == 1.0).unwrap();
    assert!(best["weight"].as_f64().unwrap() > 0.05 && best["origins"].as_u64().unwrap() > 10, "{far}");
    assert!(far["effective_residuals"].as_f64().unwrap() < far["residuals"].as_f64().unwrap());
    assert_eq!(value["explanation"]["crowd"], 0.0);
    let told = table(&lines[0]);
    let why: Vec<&str> = told.lines().filter(|line| line.starts_with("why, ")).collect();
    assert_eq!(why.len(), 2, "{told}");
    let rest = format!("judged at {} past origins; quantiles from {} past errors, worth ", best["origins"], far["residuals"]);
    assert!(why[0].starts_with("why, next hour: ") && why[1].contains("(loss 1.00)") && why[1].contains(&rest), "{told}");
}

#[test]
fn a_crowd_is_said_and_a_cold_start_gives_no_reasons() {
    let mut line = lines(&file(1), "--horizon 24h").unwrap().remove(0);
    assert!(!table(&line).contains("why"));
    line.explanation.crowd = 1.0;
    assert!(table(&line).contains("a flash crowd is followed"));
    line.explanation.crowd = 0.36;
    assert!(table(&line).contains("a flash crowd is possible (36 %)"));
}

#[test]
fn a_window_that_the_horizon_does_not_cover_is_absent() {
    let hour = lines(&file(6), "--horizon 1h").unwrap();
    assert_eq!(hour[0].max.keys().copied().collect::<Vec<_>>(), ["1h"]);
    let half = lines(&file(6), "--horizon 30m").unwrap();
    assert!(half[0].max.is_empty() && !json(&half[0], false).unwrap().contains("\"max\""));
}

#[test]
fn at_an_origin_the_whole_file_gives_the_bytes_of_the_file_cut_there() {
    let mut whole = file(6);
    // Rows that come late and twice, before the origin and after it.
    whole.points.swap(100, 110);
    whole.points.push(whole.points[50]);
    whole.points.push((whole.points[500].0, 9e9));
    let origin_ms = parse_time("2026-03-06T12:05:00Z").unwrap();
    let mut cut = whole.clone();
    cut.points.retain(|point| point.0 <= origin_ms);
    let at = "--at 2026-03-06T12:05:00Z --horizon 24h";
    let (one, other) = (lines(&whole, at).unwrap(), lines(&cut, at).unwrap());
    assert_eq!(bytes(&one), bytes(&other));
    assert_eq!(show_time(one[0].points.points[0].ts_ms), "2026-03-06T12:20:00Z", "T + step, also beside the series' grid");
    assert_eq!(one[0].cleaning.len(), 2);
}

#[test]
fn every_means_whole_multiples_that_have_enough_history() {
    let lines = lines(&file(6), "--at every:12h --horizon 24h").unwrap();
    let origins: Vec<&str> = lines.iter().map(|line| line.origin.as_str()).collect();
    assert_eq!(origins[..2], ["2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"]);
    assert_eq!(origins.len(), 11);
    let bases: Vec<&str> = lines.iter().map(|line| line.basis.unwrap().name()).collect();
    assert_eq!((bases[0], bases[2], bases[10]), ("persistence", "day", "day"));
}

/// Three quarters of an hour.
fn minutes() -> SeriesFile {
    let mut file = file(1);
    file.points.truncate(3);
    file
}

#[test]
fn too_little_history_is_bad_input_with_both_numbers_and_never_a_forecast() {
    for options in ["--horizon 24h", "--at every:1h", "--at 2026-03-01T00:00:00Z"] {
        let Err(CliError::BadInput(text)) = lines(&minutes(), options) else { panic!("{options}: a forecast of nothing") };
        assert!(text.contains("1 h needed") || text.contains("at least 1 are needed"), "{options}: {text}");
    }
}

#[test]
fn options_that_cannot_be_meant_name_the_value_and_what_is_allowed() {
    for (options, parts) in [
        ("--horizon 24", ["'--horizon <DURATION>'", "24h"]),
        ("--horizon 3parsecs", ["\"3parsecs\"", "15m"]),
        ("--quantiles 0.5,1.5", ["\"1.5\"", "between 0 and 1"]),
        ("--model prophet", ["prophet", "seasonal_naive_day"]),
        ("--at yesterday", ["\"yesterday\"", "RFC 3339"]),
        ("--at every:0h", ["\"0h\"", "15m"]),
        ("--format xml", ["xml", "jsonl"]),
        ("--qantiles 0.5", ["--qantiles", "--quantiles"]),
    ] {
        let error = args(&format!("--input load.csv {options}")).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{options}: {error}");
    }
    let args = args("--input no/such/file.csv").unwrap();
    assert_eq!(args.input, Path::new("no/such/file.csv"));
    assert!(matches!(run(args), Err(CliError::BadInput(text)) if text.contains("no/such/file.csv")));
}

#[test]
fn tables_and_csv_hold_what_was_forecast() {
    let lines = lines(&file(6), "--horizon 24h --at 2026-03-06T00:00:00Z,2026-03-07T00:00:00Z").unwrap();
    let csv = csv(&lines);
    assert!(csv.starts_with("series,origin,ts,mean,q0.5,q0.9,q0.95,q0.99\n\"load\",2026-03-06T00:00:00Z,2026-03-06T00:15:00Z,"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 2 * 96);
    let table = table(&lines[0]);
    assert!(table.contains("one in 4 of 96 points") && table.contains("highest of 24h") && table.contains("members: "), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("2026-03-0")).count(), 24);
}

#[test]
fn events_of_the_calendar_file_are_on_the_forecast() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calendar.toml");
    let with = |event: &str| {
        let text = format!(
            "time_zone = \"UTC\"\n[[events]]\nname = \"sale\"\nat = \"20:00 daily\"\nfrom = \"2026-03-07\"\nlasts = \"1h\"\n{event}\n"
        );
        std::fs::write(&path, text).unwrap();
        // From the 2nd to the 8th; on the last day there was four times the load in that hour.
        let mut file = file(6);
        file.points.iter_mut().skip(5 * 96 + 81).take(4).for_each(|point| point.1 *= 4.0);
        lines(&file, &format!("--horizon 24h --calendar {}", path.display())).unwrap().pop().unwrap()
    };
    let then_ms = parse_time("2026-03-08T20:30:00Z").unwrap();
    let at = |line: &Line| line.points.points.iter().find(|point| point.ts_ms == then_ms).unwrap().q[0];
    let (floor, multiplied, learnt) = (with("floor = 3"), with("multiplier = 4.0"), with("learn = true"));
    let usual = 105.0;
    assert!((3.5..4.6).contains(&(at(&multiplied) / usual)), "once, not twice: {}", at(&multiplied));
    assert!((2.2..4.6).contains(&(at(&learnt) / usual)), "1 + 3 · 1/2, and what the history keeps: {}", at(&learnt));
    assert!(multiplied.max["24h"].q.values[0] >= at(&multiplied) && floor.max["24h"].q.values[0] > 0.0);
    assert_eq!(learnt.learnt[0].occurrences, 1);
    assert!(
        table(&learnt).contains("event sale: up to ×2.") && table(&learnt).contains("learnt from 1 in the history"),
        "{}",
        table(&learnt)
    );
}

#[test]
fn a_holiday_of_the_calendar_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, calendar) = (folder.path().join("load.csv"), folder.path().join("calendar.toml"));
    // Four weeks up to Christmas Day 2026, weekends quiet.
    let end_ms = parse_time("2026-12-25T00:00:00Z").unwrap();
    let load = |ts_ms: i64| if predictor::calendar::is_weekend(ts_ms - 1) { 100 } else { 400 };
    let rows = (0..=28 * 24).rev().map(|back| end_ms - back * HOUR_MS).map(|ts_ms| format!("{},{}\n", show_time(ts_ms), load(ts_ms)));
    std::fs::write(&csv, "timestamp,value\n".to_owned() + &rows.collect::<String>()).unwrap();
    std::fs::write(&calendar, "time_zone = \"UTC\"\nholidays = \"US\"\n").unwrap();
    let told = |options: &str| {
        let args = args(&format!("--input {} --horizon 24h {options}", csv.display())).unwrap();
        let plan = args.calendar.as_deref().map(calendar::read).transpose().unwrap().unwrap_or_default();
        let file = read(&args.input).unwrap();
        let made = line(&file.past().unwrap(), end_ms, &Asked { args: &args, plan, trained: Trained::of(None).unwrap() }).unwrap();
        (table(&made), json(&made, false).unwrap())
    };
    let (text, data) = told(&format!("--calendar {}", calendar.display()));
    assert!(text.contains("why: 2026-12-25 is a holiday, Christmas Day: ×0."), "{text}");
    assert!(data.contains("\"holidays\":[{\"date\":\"2026-12-25\",\"name\":\"Christmas Day\",\"factor\":0."), "{data}");
    let (text, data) = told("");
    assert!(!text.contains("holiday") && !data.contains("holiday"));
}

#[test]
fn a_forecast_beyond_its_history_is_cut_off_in_every_format() {
    let load = |i: usize| if (i / 24).is_multiple_of(3) { 50.0 } else { 0.01 } + 0.001 * (i * 7 % 11) as f64;
    let points = (0..4 * 96).map(|i| (1_772_409_600_000 + i as i64 * 900_000, load(i))).collect();
    let made = lines(&SeriesFile { name: "jumps".to_owned(), points }, "").unwrap();
    let text = table(&made[0]);
    assert!(
        text.contains("beyond history: up to") && text.contains("cut off at 1000.20: 20 times the highest load of the history (50.01)"),
        "{text}"
    );
    assert!(
        json(&made[0], false).unwrap().contains("\"beyond_history\":{\"highest\":50.01,\"bound\":1000."),
        "{}",
        json(&made[0], true).unwrap()
    );
    let most = csv(&made)
        .lines()
        .skip(1)
        .flat_map(|row| row.split(',').skip(3).map(|value| value.parse::<f64>().unwrap()).collect::<Vec<_>>())
        .fold(0.0, f64::max);
    assert!((most - 1000.2).abs() < 1e-6, "{most}");
    let ordinary = lines(&file(6), "").unwrap();
    assert!(!table(&ordinary[0]).contains("beyond") && !json(&ordinary[0], false).unwrap().contains("beyond"));
}
