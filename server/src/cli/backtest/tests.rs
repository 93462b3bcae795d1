use clap::Parser;

use predictor::boosted::Models;

use super::*;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    args: Args,
}

fn args(options: &str) -> Result<Args, String> {
    let words = std::iter::once("backtest").chain(options.split_whitespace());
    Alone::try_parse_from(words).map(|alone| alone.args).map_err(|error| error.to_string())
}

fn scored(series: &str, model: &str, relative: Option<f64>) -> Row {
    let coverage = [("0.9".to_owned(), 0.9), ("0.95".to_owned(), 0.95), ("0.99".to_owned(), 1.0)].into();
    Row { series: series.to_owned(), model: model.to_owned(), loss: Some(0.1), relative, coverage, points: 96, ..Row::default() }
}

#[test]
fn several_files_and_models_are_taken_and_shares_are_percentages() {
    let args = args("--input a.csv b.csv --horizon 1h --last 25% --models auto,ridge --step 15m").unwrap();
    assert_eq!((args.input.len(), args.last, args.step), (2, 0.25, Some(900_000)));
    assert_eq!(models(&args.models).unwrap(), [ModelChoice::Auto, ModelChoice::Named(Member::Ridge)]);
    assert_eq!(models(&["all".to_owned()]).unwrap().len(), Member::ALL.len() + 1);
}

#[test]
fn options_that_cannot_be_meant_name_the_value_and_what_is_allowed() {
    for (options, part) in [("--last 0.3", "30%"), ("--last 95%", "90 %"), ("--origins 0", "1..=10000"), ("--horizon day", "15m")] {
        let error = args(&format!("--input a.csv {options}")).unwrap_err();
        assert!(error.contains(part), "{options}: {error}");
    }
    let error = models(&["prophet".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("--models") && error.contains("prophet") && error.contains("ridge") && error.contains("all"), "{error}");
}

#[test]
fn a_file_of_two_weeks_is_scored_and_one_of_a_day_is_refused_with_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, days: usize| {
        let load = |i: usize| if (8..18).contains(&(i % 24)) { 400.0 } else { 100.0 } + (i * 7 % 11) as f64;
        let rows = (0..days * 24).map(|i| format!("{},{}\n", show_time(1_772_409_600_000 + i as i64 * 3_600_000), load(i)));
        let path = folder.path().join(name);
        std::fs::write(&path, "timestamp,value\n".to_owned() + &rows.collect::<String>()).unwrap();
        path
    };
    let (name, series) = read(&write("load.csv", 14), None).unwrap();
    let setup = Setup { horizon_ms: DAY_MS, origins: 3, last: 0.3, history_ms: 21 * DAY_MS, ..Setup::default() };
    let row = row(&name, ModelChoice::Auto, &backtest::run(&series, &setup, ModelChoice::Auto).unwrap());
    assert_eq!((row.series.as_str(), row.points), ("load", 72));
    assert!(row.relative.unwrap() < 1.0, "{row:?}");

    assert!(row.peak_error.unwrap() < 0.1 && (0.0..=1.0).contains(&row.peaks_below_q90.unwrap()), "{row:?}");
    // The day is a square: a step ahead, yesterday knows its edges, the last value doesn't.
    let watch = || ControlFlow::Continue(());
    let lead = AtLead::new(&series, &setup, 600_000, Models::shipped(), &watch).unwrap().score(ModelChoice::Auto).unwrap();
    assert_eq!(lead.lead_s, 3_600.0, "a step where that is longer than the lead");
    assert!(lead.against_persistence.unwrap() > 0.3 && lead.coverage.len() == 3, "{lead:?}");
    let out = folder.path().join("report.html");
    let reported = args(&format!("--input {} --origins 3 --models auto,ridge --report {}", write("two.csv", 14).display(), out.display()));
    run(reported.unwrap()).unwrap();
    let nowhere = folder.path().join("nowhere/report.html");
    let refused = run(args(&format!("--input {} --report {}", write("two.csv", 14).display(), nowhere.display())).unwrap()).unwrap_err();
    assert!(matches!(&refused, CliError::BadInput(text) if text.contains("nowhere/report.html")), "{refused}");
    assert!(std::fs::read_to_string(&out).unwrap().contains("<th scope=\"row\">ridge</th>"));

    let short = args(&format!("--input {} --horizon 24h", write("short.csv", 1).display())).unwrap();
    let Err(CliError::BadInput(text)) = run(short) else { panic!("a day was scored") };
    assert!(text.contains("short") && text.contains("one horizon is 24"), "{text}");
    let odd = read(&write("odd.csv", 3), Some(5_400_000)).unwrap_err().to_string();
    assert!(odd.contains("--step"), "{odd}");
}

#[test]
fn origins_at_holidays_are_those_of_the_calendar_and_of_its_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let calendar = folder.path().join("calendar.toml");
    std::fs::write(&calendar, "time_zone = \"America/New_York\"\nholidays = [\"US\", \"2026-11-03 election\"]").unwrap();
    let plan = forecast::calendar::read(&calendar).unwrap();
    // From 2026-11-01 to 2026-12-02, UTC.
    let series = Series::try_new(1_793_491_200_000, 3_600_000, (0..31 * 24).map(|i| Some(f64::from(i % 24))).collect()).unwrap();
    let origins = |at: &str| {
        let setup = Setup { horizon_ms: DAY_MS, origins: 1, last: 0.3, history_ms: 21 * DAY_MS, ..Setup::default() };
        let setup = place::at_place(setup, &series, &plan, Some(&place::parse_at(at).unwrap())).map_err(|error| error.to_string())?;
        Ok::<_, String>(setup.at_ms.iter().map(|at_ms| show_time(*at_ms)).collect::<Vec<_>>())
    };
    // The third is too early for a week before it.
    assert_eq!(origins("holidays").unwrap(), ["2026-11-11T05:00:00Z", "2026-11-26T05:00:00Z"]);
    assert_eq!(origins("after-holidays").unwrap(), ["2026-11-12T05:00:00Z", "2026-11-27T05:00:00Z"]);
    assert_eq!(origins("2026-11-20T00:00:00Z").unwrap(), ["2026-11-20T00:00:00Z"]);
    let error = args("--input a.csv --at christmas").unwrap_err();
    assert!(error.contains("after-holidays"), "{error}");
    let none = place::at_place(Setup::default(), &series, &forecast::calendar::Plan::default(), Some(&place::At::Holidays));
    assert!(none.unwrap_err().to_string().contains("--calendar FILE with `holidays`"));
    let scored = |options: &str| {
        let path = folder.path().join("load.csv");
        let rows = (0..31 * 24).map(|i| format!("{},{}\n", show_time(1_793_491_200_000 + i * 3_600_000), 100 + i % 24));
        std::fs::write(&path, "timestamp,value\n".to_owned() + &rows.collect::<String>()).unwrap();
        run(args(&format!("--input {} --calendar {} {options}", path.display(), calendar.display())).unwrap())
    };
    scored("--at holidays --format json").unwrap();
    let outside = scored("--at 2030-01-01T00:00:00Z").unwrap_err().to_string();
    assert!(outside.contains("load"), "{outside}");
}

#[test]
fn the_table_ends_with_geometric_means_over_the_series() {
    let rows = [scored("a", "auto", Some(0.5)), scored("b", "auto", Some(0.8)), scored("a", "ridge", None)];
    let text = table(&rows);
    assert!(text.contains("0.6325"), "{text}");
    assert_eq!(geometric_means(&rows).len(), 1, "a model without two scores has no mean");
    assert!(text.lines().any(|line| line.contains("ridge") && line.contains('–')), "{text}");
    assert!(csv(&rows).contains("\"a\",ridge,0.1,,0.9,0.95,1,96,,,,,\n"), "{}", csv(&rows));
}
