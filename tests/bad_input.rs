//! Bad input at the command line: exit code 2, one clear message with key, value and what is allowed, nothing on standard output.

use std::fs;
use std::net::TcpListener;

use crate::support::run;

#[track_caller]
fn refused(args: &[&str], code: i32, words: &[&str]) {
    let (status, stdout, stderr) = run(args);
    assert_eq!(status, code, "{args:?}\n{stdout}\n{stderr}");
    assert_eq!(stdout, "", "{args:?}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: {word:?} is missing in\n{stderr}");
    }
}

fn scenario(change: impl Fn(&str) -> String) -> (tempfile::TempDir, String) {
    let text = "name = \"t\"\nseed = 1\nrequests = 2_000\nwarmup = \"0s\"\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 4.0 }\n\
                [balancer]\nalgorithm = \"least_connections\"\n[[pools]]\nname = \"app\"\nreplicas = 1\nconcurrency = 8\n\
                queue = \"unbounded\"\nservice_time = { dist = \"exponential\", mean_ms = 1000.0 }\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.toml");
    fs::write(&path, change(text)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_scenario_with_an_unknown_key_names_it() {
    let (_folder, path) = scenario(|text| text.replace("concurrency = 8", "concurency = 8"));
    refused(&["simulate", &path], 2, &["concurency", "concurrency"]);
}

#[test]
fn a_scenario_with_a_wrong_unit_names_key_value_and_what_is_allowed() {
    let (_folder, path) = scenario(|text| text.replace("warmup = \"0s\"", "warmup = \"10 parsecs\""));
    refused(&["simulate", &path], 2, &["warmup", "10 parsecs", "90s"]);
    let (_folder, path) = scenario(|text| text.replace("rate_rps = 4.0", "rate_rps = -4.0"));
    refused(&["simulate", &path], 2, &["rate_rps", "-4"]);
    let (_folder, path) = scenario(|text| text.replace("least_connections", "least_conections"));
    refused(&["simulate", &path], 2, &["least_conections", "least_connections", "p2c"]);
}

#[test]
fn a_good_scenario_gives_the_same_bytes_with_one_and_two_threads() {
    let (_folder, path) = scenario(str::to_owned);
    let one = run(&["simulate", &path, "--format", "json", "--jobs", "1", "--seed", "7"]);
    let two = run(&["simulate", &path, "--format", "json", "--jobs", "2", "--seed", "7"]);
    assert_eq!(one.0, 0, "{}", one.2);
    assert_eq!(one.1, two.1);
    let report: serde_json::Value = serde_json::from_str(&one.1).unwrap();
    let requests = &report["requests"];
    let count = |name: &str| requests[name].as_u64().unwrap();
    assert!(count("arrived") > 10_000);
    let outcomes = ["served", "rejected", "timed_out", "failed", "in_flight_at_end"].map(count).iter().sum::<u64>();
    assert_eq!(count("arrived"), outcomes);
}

#[test]
fn a_trace_with_an_impossible_share_or_nowhere_to_go_is_refused() {
    let (folder, path) = scenario(str::to_owned);
    let out = folder.path().join("trace");
    let out = out.to_str().unwrap();
    for share in ["1.5", "-0.5", "NaN", "some"] {
        let share = format!("--trace-sample={share}");
        refused(&["simulate", &path, "--trace-out", out, &share], 2, &["--trace-sample", "a share of the requests from 0 to 1"]);
    }
    refused(&["simulate", &path, "--trace-sample", "0.5"], 2, &["--trace-out"]);
    refused(&["simulate", &path, "--trace-out", &format!("{path}/trace")], 2, &["--trace-out", "scenario.toml/trace", "a folder"]);
    let (code, _, stderr) = run(&["simulate", &path, "--trace-out", out, "--trace-sample", "1"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(folder.path().join("trace/requests.parquet").is_file() && folder.path().join("trace/decisions.parquet").is_file());
}

#[test]
fn every_mistake_of_a_scenario_is_named_at_once() {
    let (_folder, path) = scenario(|text| {
        text.replace("rate_rps = 4.0", "rate_rps = nan")
            .replace("least_connections", "fastest")
            .replace("concurrency = 8", "concurency = 8")
    });
    let (code, stdout, stderr) = run(&["simulate", &path]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    for (line, words) in lines.iter().zip([
        ["line 6: `workload.arrivals.rate_rps` is nan", "a number above 0"],
        ["line 8: `balancer.algorithm` is \"fastest\"", "\"round_robin\""],
        ["line 12: `pools[0].concurency`", "concurrency"],
    ]) {
        words.iter().for_each(|word| assert!(line.contains(word), "{word} is missing in {line}"));
    }
}

#[test]
fn what_cannot_be_simulated_is_refused_with_its_key() {
    let check = |change: &dyn Fn(&str) -> String, words: &[&str]| {
        let (_folder, path) = scenario(change);
        refused(&["simulate", &path], 2, words);
    };
    check(&|text| text.replace("replicas = 1", "replicas = 0"), &["pools[0].replicas", "0 in all pools", "1 to 100000"]);
    check(&|text| text.replace("rate_rps = 4.0", "rate_rps = inf"), &["workload.arrivals.rate_rps", "inf", "a number above 0"]);
    check(&|text| text.replace("mean_ms = 1000.0", "mean_ms = nan"), &["pools[0].service_time.mean_ms", "nan"]);
    check(
        &|text| text.replace("requests = 2_000", "requests = 1_000_000_000_000").replace("rate_rps = 4.0", "rate_rps = 1e6"),
        &["1.0e13 requests", "hours on one core", "--yes"],
    );
    check(
        &|text| text.replace("requests = 2_000", "requests = 2_000_000_000_000"),
        &["requests", "a whole number from 1 to 1000000000000"],
    );
    let tier = |name: &str, to: &str| {
        format!(
            "[[dependencies]]\nname = \"{name}\"\nconcurrency = 1\ncalls = [{{ to = \"{to}\" }}]\n\
             service_time = {{ dist = \"exponential\", mean_ms = 1.0 }}\n"
        )
    };
    let circle = format!("{}{}", tier("cart", "stock"), tier("stock", "cart"));
    check(&|text| format!("{text}{circle}"), &["dependencies[0].calls", "a circle: cart, stock call each other"]);
    check(&|text| format!("{text}{}", tier("cart", "cart")), &["dependencies[0].calls", "a circle"]);
    for (rows, words) in [
        ("timestamp,value\n", "empty.csv"),
        ("timestamp,value\n2024-01-01T00:00:00Z,0\n2024-01-01T00:01:00Z,0\n", "some load left in it"),
        ("", "empty.csv"),
    ] {
        let (folder, path) = scenario(|text| text.replace("kind = \"poisson\", rate_rps = 4.0", "kind = \"trace\", file = \"empty.csv\""));
        fs::write(folder.path().join("empty.csv"), rows).unwrap();
        refused(&["simulate", &path], 2, &["workload.arrivals", words]);
    }
    let (folder, path) = scenario(|text| text.replace("kind = \"poisson\", rate_rps = 4.0", "kind = \"log\", file = \"empty.csv\""));
    fs::write(folder.path().join("empty.csv"), "seconds\n").unwrap();
    refused(&["simulate", &path], 2, &["workload.arrivals.file", "\"empty.csv\" with no requests"]);
}

fn series(rows: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.csv");
    fs::write(&path, rows.join("\n")).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_forecast_of_too_little_history_says_how_much_there_is_and_how_much_is_needed() {
    let rows: Vec<String> = (0..50).map(|minute| format!("2024-01-01T00:{minute:02}:00Z,5")).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    rows.insert(0, "timestamp,value");
    let (_folder, path) = series(&rows);
    refused(
        &["forecast", "--input", &path, "--horizon", "24h", "--format", "jsonl"],
        2,
        &["not enough history", "50 min observed", "1 h needed"],
    );
}

#[test]
fn a_series_with_a_broken_row_names_its_line() {
    let (_folder, path) = series(&["timestamp,value", "2024-01-01T00:00:00Z,5", "yesterday,5"]);
    refused(&["forecast", "--input", &path, "--horizon", "24h"], 2, &["3", "yesterday"]);
    let (_folder, path) = series(&["time,load", "2024-01-01T00:00:00Z,5"]);
    refused(&["forecast", "--input", &path, "--horizon", "24h"], 2, &["timestamp,value"]);
    refused(&["forecast", "--input", &path, "--horizon", "24 fortnights"], 2, &["24 fortnights", "24h"]);
    refused(&["forecast", "--input", "/nowhere/at/all.csv", "--horizon", "24h"], 2, &["/nowhere/at/all.csv"]);
}

#[test]
fn the_demo_refuses_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let refused_demo = |args: &[&str], words: &[&str]| refused(&[&["demo", "--data-dir", dir, "--no-open"], args].concat(), 2, words);
    refused_demo(&["--speed", "0"], &["--speed 0", "1 to 120"]);
    refused_demo(&["--speed", "NaN"], &["--speed NaN", "1 to 120"]);
    refused_demo(&["--for", "90"], &["--for", "90", "15m"]);
    refused_demo(&["--from", "1997-05-26T06:00:00Z"], &["--from 1997-05-26T06:00:00Z", "1998-05-01T00:00:00Z"]);
    refused_demo(&["--listen", "0.0.0.0:8080"], &["--listen 0.0.0.0:8080", "loopback"]);
    refused_demo(&["--target", "1.5"], &["--target 1.5", "up to 1"]);
    refused_demo(&["--unknown"], &["--unknown"]);
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    refused(&["demo", "--data-dir", dir, "--no-open", "--listen", &address], 1, &[&address, "in use", "--listen"]);
}

#[test]
fn a_decision_is_named_by_its_number() {
    for command in [&["approve", "abc"][..], &["reject", "1e3", "--reason", "no"], &["approve", "-1"]] {
        let (code, _, error) = run(command);
        assert!(code == 2 && !error.contains("digit found"), "{error}");
    }
    refused(&["approve", "abc"], 2, &["'abc' for '<DECISION>'", "allowed: the whole number", "1042"]);
}
