//! From files to a scenario that the simulator takes, and everything that is refused.

use simulator::Scenario;

use super::observed::{Step, sort_out};
use super::*;

fn args(line: &str) -> Args {
    #[derive(clap::Parser)]
    struct Only {
        #[command(flatten)]
        args: Args,
    }
    <Only as clap::Parser>::try_parse_from(std::iter::once("calibrate").chain(line.split_whitespace())).unwrap().args
}

fn in_folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// An exponential service of 20 ms.
const BUCKETS: &str = "le,count\n0.01,39347\n0.02,63212\n0.05,91792\n0.1,99326\n+Inf,100000\n";

#[test]
fn files_become_a_scenario_that_is_accepted() {
    // USL with 50/s, sigma 0.1: the peak is at 500/s, which are ten at once at 20 ms.
    let rows = (1..40).map(|n| format!("{n},{}\n", 50.0 * f64::from(n) / (1.0 + 0.1 * f64::from(n - 1))));
    let points = format!("concurrency,throughput_rps\n{}", rows.collect::<String>());
    let folder = in_folder(&[("b.csv", BUCKETS), ("p.csv", &points)]);
    let observed = file::read(&folder.path().join("b.csv"), Some(&folder.path().join("p.csv")), Unit::S).unwrap();
    let found = found(observed, 1).unwrap();
    let text = draft::write(&found, false);
    let scenario = Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(scenario.pools[0].concurrency, 10);
    assert!((scenario.pools[0].service_time.mean_ms - 20.0).abs() < 0.3, "{text}");
    assert!(draft::write(&found, true).lines().any(|line| line == "[[pools]]"));
    let told = draft::told(&found).join("\n");
    assert!(told.contains("service time: exponential, mean 20.") && told.contains("concurrency: 10.00"), "{told}");
}

#[test]
fn without_points_the_concurrency_is_called_unknown() {
    let folder = in_folder(&[("b.csv", BUCKETS)]);
    let found = found(file::read(&folder.path().join("b.csv"), None, Unit::S).unwrap(), 1).unwrap();
    assert!(draft::told(&found).iter().any(|line| line.starts_with("concurrency: not known, 1 is assumed")));
    Scenario::parse(&draft::write(&found, false), &()).unwrap();
}

#[test]
fn bad_files_are_named_with_their_line() {
    let folder = in_folder(&[
        ("header.csv", "bound,count\n1,2\n"),
        ("word.csv", "le,count\n0.1,many\n"),
        ("open.csv", "le,count\n0.1,5\n0.2,6\n"),
        ("falls.csv", "le,count\n0.1,5\n0.2,4\n+Inf,9\n"),
    ]);
    for (name, part) in [
        ("header.csv", "header.csv:1: the header \"bound,count\"; allowed: le,count"),
        ("word.csv", "word.csv:2: \"0.1,many\""),
        ("open.csv", "must be +Inf"),
        ("falls.csv", "bucket 1: the count 4 after 5"),
        ("none.csv", "No such file"),
    ] {
        let error = run(args(&format!("--buckets {}", folder.path().join(name).display()))).unwrap_err();
        assert!(matches!(&error, CliError::BadInput(text) if text.contains(part)), "{name}: {error}");
    }
}

#[test]
fn options_that_cannot_be_are_refused_before_anybody_is_asked() {
    for (line, part) in [
        ("--prometheus http://127.0.0.1:1 --histogram {a=\"b\"}", "METRIC{label"),
        ("--prometheus http://127.0.0.1:1 --histogram a{b=\"c\"", "METRIC{label"),
        ("--prometheus http://127.0.0.1:1 --histogram a --range 1s", "0 steps"),
        ("--prometheus ftp://127.0.0.1:1 --histogram a", "url"),
    ] {
        let error = run(args(line)).unwrap_err();
        assert!(matches!(&error, CliError::BadInput(text) if text.contains(part)), "{line}: {error}");
    }
}

#[test]
fn the_service_time_is_that_of_the_quiet_steps() {
    let step = |in_system: f64, fast: f64| Step { cumulative: vec![fast, 100.0], rps: 10.0, in_system, replicas: 2.0 };
    let steps = [step(9.0, 1.0), step(1.0, 90.0), step(8.0, 2.0), step(7.0, 3.0)];
    let observed = sort_out("x".into(), &[10.0], &steps, 25).unwrap();
    assert_eq!(observed.buckets.intervals().next(), Some((0.0, 10.0, 90.0)));
    assert_eq!(observed.points.len(), 4);
    assert!((observed.points[0].concurrency - 4.5).abs() < 1e-12 && observed.replicas == 2);
}
