//! What one cell's runs say: the figures with their intervals over seeds, and a coarse timeline.

use std::collections::BTreeMap;

use simulator::stats::{Histogram, t_interval};
use simulator::units::{HOUR, as_ms};
use simulator::{Report, RunResult, Scenario};

use crate::api::dto::{Cell, CellPoint, Figure};

/// Points of a timeline: as many as a small chart can show.
const POINTS: usize = 96;
const MINUTE_S: f64 = 60.0;

/// The figures of a cell by their names on the wire, in the order in which they are shown, and what they are in words.
pub const NAMES: [(&str, &str); 10] = [
    ("violation_minutes", "SLO violation minutes"),
    ("latency_p50_ms", "p50 [ms]"),
    ("latency_p95_ms", "p95 [ms]"),
    ("latency_p99_ms", "p99 [ms]"),
    ("queue_wait_p99_ms", "queue wait p99 [ms]"),
    ("queue_wait_p999_ms", "queue wait p99.9 [ms]"),
    ("error_ratio", "errors"),
    ("replica_hours", "replica-hours"),
    ("cost", "cost"),
    ("utilisation", "utilisation"),
];

/// A cell that has run: `runs` in the order of their seeds.
pub fn cell(index: u32, name: &str, scenario: &Scenario, seed: u64, runs: &[RunResult]) -> Cell {
    let report = Report::new(scenario, seed, runs);
    let mut figures = BTreeMap::new();
    let mut put = |name: &str, value: Option<f64>, of_run: &dyn Fn(&RunResult) -> Option<f64>| {
        let seeds: Option<Vec<f64>> = runs.iter().map(of_run).collect();
        // A figure that a run doesn't have is none of the cell.
        if let (Some(value), Some(seeds)) = (value, seeds) {
            figures.insert(name.to_owned(), figure(value, seeds));
        }
    };
    let hours = |run: &RunResult| run.backends.iter().map(|backend| backend.lifetime as f64).sum::<f64>() / HOUR as f64;
    let latency = |q: f64| move |run: &RunResult| run.latency.quantile(q).map(as_ms);
    put("latency_p50_ms", report.latency_ms.map(|latency| latency.p50), &latency(0.5));
    put("latency_p95_ms", report.latency_ms.map(|latency| latency.p95), &latency(0.95));
    put("latency_p99_ms", report.latency_ms.map(|latency| latency.p99), &latency(0.99));
    put("queue_wait_p99_ms", report.queue_wait_ms.map(|wait| wait.p99), &|run| run.wait.quantile(0.99).map(as_ms));
    put("queue_wait_p999_ms", report.queue_wait_ms.map(|wait| wait.p999), &|run| run.wait.quantile(0.999).map(as_ms));
    put("error_ratio", report.error_ratio, &RunResult::error_ratio);
    put("violation_minutes", report.slo.and_then(|slo| slo.violation_minutes), &|run| run.violation_minutes.map(|minutes| minutes as f64));
    put("replica_hours", Some(report.replica_hours), &|run| Some(hours(run)));
    put("cost", report.cost, &|run| {
        // As the report has it, to the last digit.
        let own = scenario.pools.iter().any(|pool| pool.replica_hour.is_some());
        if own { run.cost(scenario) } else { scenario.price_per_replica_hour.map(|price| price * hours(run)) }
    });
    put("utilisation", report.utilisation, &RunResult::utilisation);
    Cell { index, name: name.to_owned(), requests: report.requests.arrived, error: None, figures, timeline: timeline(runs) }
}

fn figure(value: f64, seeds: Vec<f64>) -> Figure {
    let interval = t_interval(&seeds, 0.95);
    Figure { value, low: interval.map(|interval| interval.0), high: interval.map(|interval| interval.1), seeds }
}

/// A cell that came to nothing.
pub fn failed(index: u32, name: &str, error: String) -> Cell {
    Cell { index, name: name.to_owned(), requests: 0, error: Some(error), figures: BTreeMap::new(), timeline: Vec::new() }
}

/// All runs together, by stretches of whole minutes.
fn timeline(runs: &[RunResult]) -> Vec<CellPoint> {
    let longest = runs.iter().map(|run| run.minutes.len()).max().unwrap_or(0);
    let width = longest.div_ceil(POINTS).max(1);
    let point = |first: usize| {
        let (mut latency, mut seconds) = (Histogram::<6>::default(), 0.0);
        let (mut arrived, mut errors, mut ready, mut minutes) = (0, 0, 0, 0);
        for run in runs {
            let end_s = simulator::units::as_s(run.end.0);
            for (at, minute) in run.minutes.iter().enumerate().skip(first).take(width) {
                seconds += (end_s - at as f64 * MINUTE_S).min(MINUTE_S);
                latency.merge(&minute.latency);
                arrived += minute.arrived;
                errors += minute.errors;
                ready += u64::from(minute.ready);
                minutes += 1;
            }
        }
        CellPoint {
            t_s: first as f64 * MINUTE_S,
            load_rps: arrived as f64 / f64::max(seconds, 1.0),
            replicas: ready as f64 / f64::from(minutes.max(1)),
            p99_ms: latency.quantile(0.99).map(as_ms),
            error_ratio: (arrived > 0).then(|| errors as f64 / arrived as f64),
        }
    };
    (0..longest).step_by(width).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::{NoAutoscaler, run_all};

    fn runs(scenario: &Scenario, seeds: u32) -> Vec<RunResult> {
        run_all(scenario, &NoAutoscaler, 1, seeds, 1).unwrap()
    }

    #[test]
    fn figures_are_the_report_s_and_intervals_are_over_seeds() {
        let builder = Scenario::builder("cell").poisson(30.0).replicas(2).concurrency(2).queue(Some(4)).timeline(true);
        let builder = builder.slo(balancer::Nanos::from_millis(400), 95.0).duration(balancer::Nanos::from_secs(450));
        let scenario = builder.warmup(simulator::Warmup::Fixed(balancer::Nanos(0))).price_per_replica_hour(2.0).build().unwrap();
        let runs = runs(&scenario, 4);
        let cell = cell(3, "two", &scenario, 1, &runs);
        let report = Report::new(&scenario, 1, &runs);
        assert_eq!((cell.index, cell.requests), (3, report.requests.arrived));
        for (name, _) in NAMES {
            let figure = &cell.figures[name];
            assert_eq!(figure.seeds.len(), 4, "{name}");
            assert!(figure.low.unwrap() <= figure.high.unwrap(), "{name}");
        }
        assert_eq!(cell.figures["latency_p99_ms"].value, report.latency_ms.unwrap().p99);
        assert_eq!(cell.figures["error_ratio"].low, report.ci95.unwrap().error_ratio.map(|interval| interval.0));
        assert_eq!(cell.figures["cost"].value, 2.0 * report.replica_hours);
        // Seven minutes and a half.
        assert_eq!(cell.timeline.len(), 8);
        assert!(cell.timeline.iter().all(|point| point.replicas == 2.0 && (point.load_rps - 30.0).abs() < 4.0), "{:?}", cell.timeline);
    }

    #[test]
    fn one_seed_has_no_interval() {
        let scenario = Scenario::builder("cell").requests(2_000).build().unwrap();
        let cell = cell(0, "one", &scenario, 1, &runs(&scenario, 1));
        assert!(cell.figures["latency_p99_ms"].low.is_none() && !cell.figures.contains_key("cost"));
    }
}
