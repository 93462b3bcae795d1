//! Holds reports to `testdata/queueing_oracle.csv`: exact results of queueing theory, computed independently to 40 digits.
//!
//! The rule: all intervals together are 99 % (Bonferroni over every check of both test programs, Student's t over replications), every one
//! must contain the exact value, and be no wider than ± 0.5 % of it; where a plan says otherwise, it says by how much. Seeds and sizes were
//! fixed before the results were looked at (a pilot on another seed gave the variances).
//!
//! The method: each queue runs as 64 independent replications of fixed length behind a fixed cut. What a report says of each is regressed
//! on how many requests happened to arrive and how much work they happened to bring, whose means are known exactly ([`control`]); the
//! interval is the one for the intercept. That halves the variance of means near saturation; high percentiles gain little and get the
//! requests that they need.

pub mod control;
pub mod plan;
pub mod queue;

use std::time::Instant;

use balancer::Nanos;
use simulator::stats::Histogram;
use simulator::{NoAutoscaler, RunResult, Warmup, run_all};

use plan::Plan;

/// Family-wise error rate of all checks together.
const FAMILY: f64 = 0.01;
/// Replications per queue.
const REPLICATIONS: u32 = 64;
/// Half-width that a row must reach, relative to its value.
pub const HALF_WIDTH: f64 = 0.005;
const SEED: u64 = 1;

/// One line of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub model: String,
    pub params: String,
    pub quantity: String,
    pub exact: f64,
}

/// Every line that a report can express, repeated lines once.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in include_str!("../../testdata/queueing_oracle.csv").lines().skip(1) {
        let row = parse(line);
        let expressible = QUANTITIES.contains(&row.quantity.as_str()) && queue::scenario(&row.model, &row.params).is_some();
        if expressible && !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

fn parse(line: &str) -> Row {
    let (model, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",").expect("a quoted model ends with a quote"),
        None => line.split_once(',').expect("a model"),
    };
    let (rest, exact) = rest.rsplit_once(',').expect("a value");
    let (params, quantity) = rest.rsplit_once(',').expect("a quantity");
    Row { model: model.to_owned(), params: params.to_owned(), quantity: quantity.to_owned(), exact: exact.parse().expect("a number") }
}

/// What a report has. (Not: distributions of the number in the system.)
const QUANTITIES: [&str; 33] = [
    "T_mean",
    "T_mean_accepted",
    "Wq_mean",
    "Wq_mean_accepted",
    "T_p50",
    "T_p95",
    "T_p99",
    "T_p99.9",
    "Wq_p50",
    "Wq_p95",
    "Wq_p99",
    "Wq_p99.9",
    "T(x=2)",
    "L",
    "Lq",
    "P_block",
    "goodput",
    "P(N=0)",
    "P_wait",
    "P_wait(ErlangC)",
    "P_abandon",
    "Wq_mean_all",
    "L_orbit",
    "load_amplification",
    "P_fail_final",
    "L_total",
    "T_mean_total",
    "Wq_class1",
    "Wq_class2",
    "T_class1",
    "T_class2",
    "X",
    "X(32)",
];

/// What a replication says about a quantity, in the file's unit (the mean service time is one second).
fn measured(run: &RunResult, quantity: &str) -> Option<f64> {
    let quantile = |histogram: &Histogram, q| histogram.quantile(q).map(|nanos| nanos / 1e9);
    let mean = |histogram: &Histogram| histogram.mean().map(|nanos| nanos / 1e9);
    let busy: u128 = run.backends.iter().map(|backend| backend.busy).sum();
    match quantity {
        "T_mean" | "T_mean_accepted" | "T_mean_total" => mean(&run.latency),
        "Wq_mean" | "Wq_mean_accepted" => mean(&run.wait),
        "T_p50" => quantile(&run.latency, 0.5),
        "T_p95" => quantile(&run.latency, 0.95),
        "T_p99" => quantile(&run.latency, 0.99),
        "T_p99.9" => quantile(&run.latency, 0.999),
        "Wq_p50" => quantile(&run.wait, 0.5),
        "Wq_p95" => quantile(&run.wait, 0.95),
        "Wq_p99" => quantile(&run.wait, 0.99),
        "Wq_p99.9" => quantile(&run.wait, 0.999),
        // Jobs of size two are a class of their own.
        "T(x=2)" => mean(&run.classes.get(1)?.latency),
        "L" | "L_total" => Some(run.mean_in_system()),
        // Those in the system without those in service: mean_in_system - utilisation × servers.
        "Lq" | "L_orbit" => Some((run.in_system - busy) as f64 / (run.end.0 - run.cut.0) as f64),
        "P_block" | "P_abandon" | "P_fail_final" => run.error_ratio(),
        "P_wait" | "P_wait(ErlangC)" => Some(run.waited as f64 / run.counts.arrived as f64),
        // Little's law: those who gave up waiting have waited too.
        "Wq_mean_all" => Some((run.in_system - busy) as f64 / 1e9 / run.counts.arrived as f64),
        "load_amplification" => Some(1.0 + run.counts.retried as f64 / run.counts.arrived as f64),
        "Wq_class1" => mean(&run.classes.first()?.wait),
        "Wq_class2" => mean(&run.classes.get(1)?.wait),
        "T_class1" => mean(&run.classes.first()?.latency),
        "T_class2" => mean(&run.classes.get(1)?.latency),
        "goodput" | "X" | "X(32)" => Some(run.throughput_rps()),
        // One processor that all share is idle exactly when nobody is there.
        "P(N=0)" => run.utilisation().map(|utilisation| 1.0 - utilisation),
        _ => None,
    }
}

/// Runs the plans' queues and returns what is wrong, row by row; tells what was found as soon as it is known.
pub fn violations(plans: &[Plan], checks: usize, tell: impl Fn(&str)) -> Vec<String> {
    let all = rows();
    let confidence = 1.0 - FAMILY / checks as f64;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut wrong = Vec::new();
    for plan in plans {
        let began = Instant::now();
        let builder = queue::scenario(plan.model, plan.params).expect("plans name queues of the file");
        let rate = builder.clone().build().expect("the queue is right").arrivals.mean_rps();
        let length_s = plan.requests / f64::from(REPLICATIONS) / rate;
        let (cut, end) = (Nanos::from_secs_f64(0.05 * length_s), Nanos::from_secs_f64(1.05 * length_s));
        let scenario = builder.duration(end).warmup(Warmup::Fixed(cut)).build().expect("the queue is right");
        let runs = run_all(&scenario, &NoAutoscaler, SEED, REPLICATIONS, threads).expect("the queue is stable");
        let controls = control::controls(&scenario, &runs);
        for row in all.iter().filter(|row| row.model == plan.model && row.params == plan.params) {
            let values: Option<Vec<f64>> = runs.iter().map(|run| measured(run, &row.quantity)).collect();
            let values = values.expect("the report has this quantity");
            let (told, holds) = judge(row, &values, &controls, plan.half_width(&row.quantity), confidence);
            let name = format!("{} {} {}", row.model, row.params, row.quantity);
            let told = format!("{name}, {:.1e} requests, {:.0} s: {told}", plan.requests, began.elapsed().as_secs_f64());
            tell(&told);
            if !holds {
                wrong.push(told);
            }
        }
    }
    wrong
}

/// What was found, and whether that is right.
fn judge(row: &Row, values: &[f64], controls: &[Vec<f64>], allowed: f64, confidence: f64) -> (String, bool) {
    if row.exact == 0.0 {
        // Nothing is a per cent of nothing: at most half a per cent of the mean service time.
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        return (format!("{mean:.3e}, exact 0"), mean <= HALF_WIDTH);
    }
    let mut interval = control::interval(values, controls, confidence).expect("there are many replications");
    if interval.half_width() < 1e-9 * row.exact {
        // Latency without waiting is the work itself: taking the control out would leave nothing to look at.
        interval = control::interval(values, &[], confidence).expect("there are many replications");
    }
    let reached = interval.half_width() / row.exact;
    let holds = interval.contains(row.exact);
    let told = format!(
        "{:.6} ± {:.3} % (at most {:.1} %), exact {}{}",
        (interval.0 + interval.1) / 2.0,
        reached * 100.0,
        allowed * 100.0,
        row.exact,
        if holds { "" } else { " is OUTSIDE" }
    );
    (told, holds && reached <= allowed)
}
