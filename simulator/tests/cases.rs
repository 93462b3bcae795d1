//! The bundled cases: each report is the golden one, and says what its README paragraph says.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use expect_test::expect_file;
use simulator::{MinuteReport, NoAutoscaler, Report, Scenario, replicate};

const NAMES: [&str; 10] = [
    "flash-load",
    "local-bottleneck",
    "dependency-avalanche",
    "exchange-before",
    "exchange-after",
    "exchange-saturated",
    "retry-storm",
    "retry-storm-tamed",
    "region-loss",
    "dns-failover",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../cases")
}

fn report(name: &str) -> Report {
    let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
    let scenario = Scenario::parse(&text, &()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let report = replicate(&scenario, &NoAutoscaler, scenario.seed, scenario.replications, 2).unwrap();
    expect_file![folder().join(format!("golden/{name}.json"))].assert_eq(&(serde_json::to_string_pretty(&report).unwrap() + "\n"));
    report
}

fn mean_ms(report: &Report) -> f64 {
    report.latency_ms.unwrap().mean
}

/// Served per second in the minutes from..to.
fn served_rps(report: &Report, from: usize, to: usize) -> f64 {
    report.timeline[from..to].iter().map(|minute| minute.served).sum::<f64>() / 60.0 / (to - from) as f64
}

fn error_share(minute: &MinuteReport) -> f64 {
    minute.errors / minute.arrived
}

#[test]
fn every_case_of_the_folder_has_a_golden_report_and_a_paragraph() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let mut found = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(NAMES.contains(&name.as_str()) && readme.contains(&format!("{name}.toml")), "{name}");
            found += 1;
        }
    }
    assert_eq!(found, NAMES.len());
}

#[test]
fn a_flash_load_takes_latency_from_200_ms_to_many_seconds() {
    let report = report("flash-load");
    assert!(report.timeline[0].p95_ms.unwrap() < 500.0, "{:?}", report.timeline[0]);
    let worst = report.timeline.iter().filter_map(|minute| minute.p95_ms).fold(0.0, f64::max);
    assert!((10_000.0..14_000.0).contains(&worst), "{worst}");
}

#[test]
fn the_slow_node_dies_of_its_memory_while_others_idle() {
    let report = report("local-bottleneck");
    let (fast, slow) = (&report.per_backend[0], &report.per_backend[3]);
    assert!(slow.crashes > 0 && fast.crashes == 0 && fast.utilisation.unwrap() < 0.6, "{slow:?} {fast:?}");
}

#[test]
fn a_slow_dependency_takes_sixty_per_cent_of_the_throughput() {
    let report = report("dependency-avalanche");
    let (before, during) = (served_rps(&report, 0, 2), served_rps(&report, 3, 6));
    assert!((during / before - 0.4).abs() < 0.03, "{before} {during}");
}

#[test]
fn the_exchange_before_is_as_calibrated_and_after_is_what_it_is() {
    let (before, after, saturated) = (report("exchange-before"), report("exchange-after"), report("exchange-saturated"));
    assert!((mean_ms(&before) / 3_200.0 - 1.0).abs() < 0.03, "{}", mean_ms(&before));
    assert!((before.error_ratio.unwrap() - 0.12).abs() < 0.005, "{:?}", before.error_ratio);
    assert!(after.error_ratio.unwrap() < 0.003 && mean_ms(&after) < 480.0, "{}", mean_ms(&after));
    assert!(saturated.throughput_rps > 7_200.0, "{}", saturated.throughput_rps);
}

#[test]
fn a_retry_storm_outlives_its_cause_unless_it_is_tamed() {
    let (storm, tamed) = (report("retry-storm"), report("retry-storm-tamed"));
    assert!(error_share(&storm.timeline[0]) < 0.01 && error_share(&storm.timeline[5]) > 0.5, "{:?}", storm.timeline[5]);
    assert!(error_share(&tamed.timeline[1]) > 0.05 && error_share(&tamed.timeline[5]) < 0.01, "{:?}", tamed.timeline);
}

#[test]
fn users_of_a_lost_region_are_served_by_the_other() {
    let report = report("region-loss");
    // Lost from minute 3 on: known after 20 s, and 30 s later every resolver has asked again.
    assert!(error_share(&report.timeline[3]) > 0.2 && error_share(&report.timeline[5]) < 0.001, "{:?}", report.timeline);
    assert!(report.timeline[5].p95_ms.unwrap() > report.timeline[1].p95_ms.unwrap() + 50.0);
    assert_eq!(report.per_backend[0].crashes, 2);
}

#[test]
fn dns_moves_users_over_as_slowly_as_its_ttl() {
    let report = report("dns-failover");
    // Down at 180 s, known at 200 s, over at 500 s. From 240 s to 300 s: 1 - (70 / 300) on average.
    assert!((error_share(&report.timeline[4]) - (1.0 - 70.0 / 300.0)).abs() < 0.04, "{:?}", report.timeline[4]);
    assert!((error_share(&report.timeline[6]) - (1.0 - 190.0 / 300.0)).abs() < 0.04, "{:?}", report.timeline[6]);
    assert!(error_share(&report.timeline[9]) < 0.001, "{:?}", report.timeline[9]);
}
