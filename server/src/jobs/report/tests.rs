use std::collections::BTreeMap;

use expect_test::expect_file;

use super::*;
use crate::api::dto::{CellPoint, Job, JobRequest, JobResult, LeadScore, ModelScore, ScenarioJob};
use crate::api::time::Time;
use crate::jobs::compare::compare;

fn cell(index: u32, name: &str, p99: f64, hours: f64) -> Cell {
    let figure =
        |value: f64| Figure { value, low: Some(value - 1.0), high: Some(value + 1.0), seeds: vec![value - 0.5, value + 0.5, value] };
    let figures = [("latency_p99_ms", p99), ("replica_hours", hours), ("error_ratio", 0.01)];
    let figures = figures.into_iter().map(|(name, value)| (name.to_owned(), figure(value))).collect();
    let point = |at: u32| CellPoint {
        t_s: f64::from(at) * 600.0,
        load_rps: 100.0 + f64::from(at),
        replicas: hours,
        p99_ms: (at != 2).then_some(p99),
        error_ratio: Some(0.0),
    };
    Cell { index, name: name.to_owned(), requests: 1_000, error: None, figures, timeline: (0..6).map(point).collect() }
}

fn detail() -> JobDetail {
    let job = Job {
        id: 7,
        kind: JobKind::WhatIf,
        title: "shop <b>& co</b>".to_owned(),
        who: "local operator".to_owned(),
        state: JobState::Failed,
        created: Time(896_961_600_000),
        ended: Some(Time(896_961_660_000)),
        wall_s: Some(12.34),
        progress: 0.5,
        now: None,
        error: Some("it took longer than 1800 s".to_owned()),
    };
    let mut broken = cell(2, "fixed", 0.0, 0.0);
    broken.error = Some("more than 10 requests are in flight".to_owned());
    let model = |model: &str, relative: Option<f64>, error: Option<&str>| ModelScore {
        model: model.to_owned(),
        loss: relative.map(|relative| relative / 10.0),
        relative,
        coverage: BTreeMap::from([("0.9".to_owned(), 0.91)]),
        peak_error: relative.map(|_| 0.083),
        peaks_below_q90: relative.map(|_| 0.9),
        lead: relative.map(|_| LeadScore {
            lead_s: 360.0,
            loss: Some(0.03),
            coverage: BTreeMap::from([("0.9".to_owned(), 0.905)]),
            against_persistence: Some(0.24),
            against_seasonal_naive: Some(-0.02),
        }),
        points: 96,
        error: error.map(str::to_owned),
    };
    let cells = vec![cell(0, "p2c, planner", 240.0, 12.0), cell(1, "least_connections, planner, 3 fewer", 310.0, 9.0), broken];
    JobDetail {
        job,
        request: JobRequest::Scenario(ScenarioJob { scenario: String::new() }),
        toml: "kind = \"what_if\"\n".to_owned(),
        comparison: compare(&cells, None),
        result: JobResult {
            notes: vec!["Simulated exactly: <everything>.".to_owned()],
            span: None,
            cells,
            models: vec![model("auto", Some(0.71), None), model("ridge", None, Some("not enough history"))],
        },
    }
}

#[test]
fn a_report_is_one_file_without_scripts_that_escapes_what_people_wrote() {
    let html = html(&detail()).unwrap();
    expect_file!["snapshot.html"].assert_eq(&html);
    for foreign in ["<script", "http://", "https://", "<b>", "<everything>", " style=\"", "url("] {
        let found = html.replace("http://www.w3.org/2000/svg", "").contains(foreign);
        assert!(!found, "{foreign} is in the report");
    }
    for part in
        ["shop &lt;b&gt;&amp; co", "it took longer than 1800 s", "more than 10 requests are in flight", "prefers-color-scheme: dark"]
    {
        assert!(html.contains(part), "{part} is missing");
    }
    // Load, replicas, p99, hours against p99, loss and skill of models.
    assert_eq!(html.matches("<svg role=\"img\"").count(), 6);
}

#[test]
fn numbers_have_three_digits_that_count() {
    for (value, text) in
        [(0.0, "0"), (1234.5, "1234"), (0.012_345, "0.0123"), (12.0, "12"), (99.95, "100"), (-0.5, "-0.5"), (f64::NAN, "–")]
    {
        assert_eq!(number(value), text);
    }
}
