//! Jobs as a user has them: through the API of the real binary, on the demo's two weeks of history.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Demo, http, run};

/// Slow, so that nothing much happens to the demo's own service while the jobs run.
const ARGS: [&str; 2] = ["--speed", "60"];

fn submit(demo: &Demo, body: &Value) -> u64 {
    let (status, answer) = post(demo, "/api/v1/jobs", body);
    assert_eq!(status, 202, "{answer}");
    // It may have been taken up already.
    assert!(["queued", "running"].contains(&answer["job"]["state"].as_str().unwrap()), "{answer}");
    answer["job"]["id"].as_u64().unwrap()
}

fn post(demo: &Demo, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = http(&demo.address, "POST", path, &[("content-type", "application/json")], &body.to_string());
    (status, serde_json::from_str(&text).unwrap())
}

fn job(demo: &Demo, id: u64) -> Value {
    demo.get(&format!("/api/v1/jobs/{id}"))
}

/// A job gets what nobody else wants, and the other tests want a lot.
const PATIENCE: Duration = Duration::from_secs(900);

fn patiently<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ended(demo: &Demo, id: u64) -> Value {
    patiently(&format!("job {id} to end"), || {
        let job = job(demo, id);
        (!["queued", "running"].contains(&job["job"]["state"].as_str().unwrap())).then_some(job)
    })
}

fn text(demo: &Demo, path: &str) -> String {
    let (status, text) = demo.request_text("GET", path, "");
    assert_eq!(status, 200, "{path}: {text}");
    text
}

fn what_if(requests: u64, more: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "kind": "what_if", "service": "worldcup", "traffic": 1.2, "algorithms": ["least_connections", "p2c"],
        "plans": ["planner", "planner:-3"], "seeds": 2, "requests": requests, "replica_hour": 0.2,
        "source": { "kind": "recorded", "last": "7d" },
    });
    more.iter().for_each(|(key, value)| body[key] = value.clone());
    body
}

/// Far more than is done before it is cancelled or killed.
fn endless() -> Value {
    json!({ "kind": "scenario", "scenario": "requests = 400_000_000\nreplications = 1\nwarmup = \"1s\"\ntimeline = false\n[workload]\n\
        arrivals = { kind = \"poisson\", rate_rps = 500.0 }\n[[pools]]\nreplicas = 8\nconcurrency = 8\n\
        service_time = { dist = \"exponential\", mean_ms = 100.0 }\n" })
}

#[test]
fn a_what_if_runs_compares_and_is_the_same_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"), &ARGS, None);
    let (status, estimate) = post(&demo, "/api/v1/jobs/estimate", &what_if(8_000_000, &[]));
    assert_eq!(status, 200, "{estimate}");
    assert_eq!((&estimate["size"]["runs"], estimate["cells"].as_array().unwrap().len()), (&json!(8), 4));
    let requests = estimate["size"]["requests"].as_u64().unwrap();
    assert!((6_000_000..=8_000_000).contains(&requests), "{requests}");
    // The TOML is the request.
    let (status, again) = post(&demo, "/api/v1/jobs/estimate", &json!({ "toml": estimate["toml"] }));
    assert_eq!((status, &again["request"]), (200, &estimate["request"]));
    assert_eq!(again["request"]["source"], json!({ "kind": "recorded", "last": "7d" }));

    let id = submit(&demo, &what_if(8_000_000, &[]));
    let done = ended(&demo, id);
    assert_eq!(done["job"]["state"], "done", "{done}");
    assert_eq!(done["job"]["progress"], 1.0);
    let notes = done["result"]["notes"].to_string();
    assert!(notes.contains("Simulated exactly") && notes.contains("the busiest") && notes.contains("as configured"), "{notes}");
    assert!(done["request"]["source"]["from"].is_string(), "times are fixed: {}", done["request"]);
    let cells = done["result"]["cells"].as_array().unwrap();
    let figure = |cell: usize, name: &str| cells[cell]["figures"][name]["value"].as_f64().unwrap();
    assert_eq!(cells.len(), 4);
    for (cell, found) in cells.iter().enumerate() {
        assert!(figure(cell, "latency_p50_ms") > 0.0 && figure(cell, "latency_p50_ms") < figure(cell, "latency_p99_ms"));
        assert!((figure(cell, "cost") - 0.2 * figure(cell, "replica_hours")).abs() < 1e-9);
        assert!(found["timeline"].as_array().unwrap().len() > 5);
    }
    // Three fewer, for less and with more errors: the busiest stretch holds more than the rails allow, and a full queue waits no longer.
    assert!(figure(1, "replica_hours") < figure(0, "replica_hours") && figure(1, "error_ratio") > figure(0, "error_ratio"));
    assert_eq!(done["comparison"]["baseline"], 0);
    assert_eq!(done["comparison"]["rows"][0]["differences"]["replica_hours"]["real"], true);
    assert!(done["comparison"]["sentence"].as_str().unwrap().len() > 20);
    let pinned = demo.get(&format!("/api/v1/jobs/{id}?baseline=3"));
    assert_eq!(pinned["comparison"]["baseline"], 3);

    command_line_agrees(&demo, id, &cells[1], folder.path());
    let html = text(&demo, &format!("/api/v1/jobs/{id}/report.html"));
    assert!(html.starts_with("<!doctype html>") && html.contains("least_connections, planner, 3 fewer") && html.contains("<svg"));
}

/// Its second cell, saved as two files and simulated by the command.
fn command_line_agrees(demo: &Demo, id: u64, cell: &Value, folder: &Path) {
    let scenario = folder.join("scenario.toml");
    std::fs::write(&scenario, text(demo, &format!("/api/v1/jobs/{id}/cells/1/scenario.toml"))).unwrap();
    std::fs::write(folder.join("load.csv"), text(demo, &format!("/api/v1/jobs/{id}/load.csv"))).unwrap();
    let (code, out, err) = run(&["simulate", &scenario.display().to_string(), "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let figure = |name: &str| &cell["figures"][name];
    assert_eq!(report["requests"]["arrived"], cell["requests"]);
    assert_eq!(report["latency_ms"]["p99"], figure("latency_p99_ms")["value"]);
    assert_eq!(report["replica_hours"], figure("replica_hours")["value"]);
    assert_eq!(report["slo"]["violation_minutes"], figure("violation_minutes")["value"]);
    assert_eq!(report["ci95"]["latency_ms.p99"], json!([figure("latency_p99_ms")["low"], figure("latency_p99_ms")["high"]]));
}

#[test]
fn jobs_wait_are_cancelled_and_deleted_and_no_more_wait_than_may() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"), &ARGS, None);
    let running = submit(&demo, &endless());
    let seen = patiently("the first to run", || Some(job(&demo, running)).filter(|job| job["job"]["progress"].as_f64().unwrap() > 0.0));
    assert_eq!((&seen["job"]["state"], &seen["job"]["now"]["seeds"]), (&json!("running"), &json!(1)));
    let waiting: Vec<u64> = (0..8).map(|_| submit(&demo, &endless())).collect();
    let (status, problem) = post(&demo, "/api/v1/jobs", &endless());
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("8 jobs wait already"), "{problem}");
    let delete = |id: u64| demo.request("DELETE", &format!("/api/v1/jobs/{id}"), "").0;
    for id in &waiting {
        assert_eq!(delete(*id), 204);
        assert_eq!(job(&demo, *id)["job"]["state"], "cancelled");
    }
    assert_eq!(delete(running), 204);
    assert_eq!(ended(&demo, running)["job"]["state"], "cancelled");
    assert_eq!(demo.get("/api/v1/jobs?limit=3")["jobs"].as_array().unwrap().len(), 3);
    assert_eq!((delete(running), delete(running)), (204, 404));
    // The demo goes on meanwhile, if only just: its first load is known after two minutes of its own time.
    patiently("the demo to be ready", || (demo.request("GET", "/readyz", "").0 == 200).then_some(()));
}

#[test]
fn a_job_that_ran_when_the_process_died_is_failed_and_one_that_waited_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut demo = Demo::start(&data, &ARGS, None);
    let running = submit(&demo, &endless());
    patiently("it to run", || (job(&demo, running)["job"]["progress"].as_f64().unwrap() > 0.0).then_some(()));
    let source = json!({ "kind": "synthetic", "shape": "spike", "rps": 40, "peak_rps": 120, "lasts": "30m" });
    let waiting = submit(&demo, &what_if(2_000_000, &[("source", source), ("plans", json!(["fixed:12", "hpa:0.7"]))]));
    demo.kill();
    let demo = Demo::start(&data, &ARGS, None);
    let failed = job(&demo, running);
    assert_eq!(failed["job"]["state"], "failed");
    assert!(failed["job"]["error"].as_str().unwrap().contains("prescale ended while it ran"), "{failed}");
    let done = ended(&demo, waiting);
    assert_eq!(done["job"]["state"], "done", "{done}");
    assert_eq!(done["result"]["cells"].as_array().unwrap().len(), 4);
}

#[test]
fn the_forecast_what_was_and_a_backtest_are_worked_out_too() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"), &ARGS, None);
    let source = json!({ "kind": "forecast", "quantile": 0.9, "lasts": "1h" });
    let forecast = submit(&demo, &what_if(4_000_000, &[("source", source), ("seeds", json!(1)), ("plans", json!(["planner"]))]));
    let backtest = submit(
        &demo,
        &json!({ "kind": "backtest", "service": "worldcup", "origins": 2, "horizon": "6h", "models": ["seasonal_naive_week", "calendar"] }),
    );
    let done = ended(&demo, forecast);
    assert_eq!(done["job"]["state"], "done", "{done}");
    assert!(done["comparison"]["sentence"].as_str().unwrap().contains("one seed"), "{}", done["comparison"]);
    let scored = ended(&demo, backtest);
    assert_eq!(scored["job"]["state"], "done", "{scored}");
    let models = scored["result"]["models"].as_array().unwrap();
    assert!(models.len() == 2 && models.iter().all(|model| model["relative"].as_f64().unwrap() > 0.0), "{models:?}");
    assert!(text(&demo, &format!("/api/v1/jobs/{backtest}/report.html")).contains("seasonal_naive_week"));
    // Before the demo began nobody counted replicas.
    let (status, problem) = post(&demo, "/api/v1/jobs/estimate", &what_if(4_000_000, &[("plans", json!(["recorded:-1"]))]));
    assert_eq!((status, problem["key"].as_str()), (400, Some("plans[0]")), "{problem}");
}

#[test]
fn a_request_that_can_t_be_worked_out_is_refused_by_key_value_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"), &ARGS, None);
    for (body, status, key) in [
        (json!({ "kind": "guess" }), 400, "kind"),
        (what_if(4_000_000, &[("service", json!("nobody"))]), 404, ""),
        (what_if(4_000_000, &[("algorithms", json!(["fastest"]))]), 400, "algorithms[0]"),
        (what_if(10_000, &[]), 400, "requests"),
        (what_if(4_000_000, &[("source", json!({ "kind": "forecast", "quantile": 0.123 }))]), 400, "source.quantile"),
        (
            what_if(4_000_000, &[("source", json!({ "kind": "recorded", "from": "1999-01-01T00:00:00Z", "to": "1999-01-02T00:00:00Z" }))]),
            400,
            "source",
        ),
        (json!({ "kind": "scenario", "scenario": "[[pools]]\nconcurrency = 0" }), 400, "workload"),
        (json!({ "kind": "backtest", "service": "worldcup", "last": 0.001 }), 400, "last"),
    ] {
        for path in ["/api/v1/jobs", "/api/v1/jobs/estimate"] {
            let (found, problem) = post(&demo, path, &body);
            assert_eq!((found, problem["key"].as_str().unwrap_or("")), (status, key), "{body}: {problem}");
            assert!(status == 404 || !problem["allowed"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(demo.get("/api/v1/jobs")["jobs"], json!([]));
}
