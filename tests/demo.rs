//! The demo as its user sees it: the loop closes, operators are obeyed, and nothing that is known is forgotten.

use std::path::Path;

use serde_json::Value;

use crate::support::{Demo, prescale, run, wait_for};

const FROM: [&str; 2] = ["--from", "1998-05-26T06:00:00Z"];
const SERVICE: &str = "/api/v1/services/worldcup";

fn demo(folder: &Path, extra: &[&str]) -> Demo {
    Demo::start(folder, &[&FROM, extra].concat(), None)
}

/// Deletes the load's history as somebody with a database tool would.
fn delete_history(folder: &Path) {
    let url = format!("sqlite://{}", folder.join("prescale.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        for layer in ["DELETE FROM tail", "DELETE FROM chunk", "DELETE FROM hourly"] {
            sqlx::query(layer).execute(&pool).await.unwrap();
        }
        pool.close().await;
    });
}

#[test]
fn a_window_is_served_measured_and_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let args = ["demo", "--listen", "127.0.0.1:0", "--no-open", "--data-dir", dir, "--for", "12m", "--exit", "--format", "json"];
    let (code, stdout, stderr) = run(&[&args[..], &FROM].concat());
    assert_eq!(code, 0, "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    // The trace has 21,000 requests in these twelve minutes, times 4.9, replayed at a sixtieth of the time.
    let requests = summary["requests"].as_u64().unwrap();
    assert!((1_000..4_000).contains(&requests), "{summary}");
    assert!(summary["errors"].as_u64().unwrap() * 100 <= requests, "{summary}");
    assert!(summary["p95_ms"].as_f64().unwrap() > 100.0, "served by real backends with a real service time: {summary}");
    assert!(summary["replica_hours"].as_f64().unwrap() > 0.4, "{summary}");
    assert!(summary["decisions"].as_u64().unwrap() >= 10, "{summary}");
}

#[test]
fn the_api_shows_load_forecast_plan_and_decisions_and_obeys_operators() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = demo(folder.path(), &[]);
    let service = wait_for("a measured load", || {
        let service = demo.get(SERVICE);
        service["load_rps"].as_f64().is_some_and(|load| load > 50.0).then_some(service)
    });
    assert_eq!(service["mode"], "automatic");
    assert_eq!(service["forecast"]["state"], "ok", "{service}");
    assert!(service["proxy"]["backends"].as_array().unwrap().len() >= 2, "{service}");

    let forecast = demo.get(&format!("{SERVICE}/forecast"));
    assert_eq!(forecast["points"].as_array().unwrap().len(), 1_440);
    let quantiles = &forecast["points"][60]["q"];
    assert!(quantiles["0.5"].as_f64().unwrap() < quantiles["0.95"].as_f64().unwrap(), "{quantiles}");
    assert!(!forecast["planned"].as_array().unwrap().is_empty());

    let decision = wait_for("a decision with its forecast", || {
        let decisions = demo.get(&format!("{SERVICE}/decisions?limit=1"));
        let newest = decisions["decisions"][0].clone();
        newest["inputs"]["window_max_rps"].is_number().then_some(newest)
    });
    assert!(decision["sentence"].as_str().unwrap().len() > 20, "{decision}");

    let (status, body) = demo.request("PUT", &format!("{SERVICE}/mode"), r#"{"mode":"observe"}"#);
    assert_eq!(status, 200, "{body}");
    assert_eq!(demo.get(SERVICE)["mode"], "observe");
    let (status, problem) = demo.request("PUT", &format!("{SERVICE}/mode"), r#"{"mode":"turbo"}"#);
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("turbo"), "{problem}");

    let server = format!("http://{}", demo.address);
    let operate = |args: &[&str]| prescale().args(args).args(["--server", &server]).output().unwrap();
    assert!(operate(&["mode", "worldcup", "automatic"]).status.success());
    assert!(operate(&["pause"]).status.success());
    let overview = demo.get("/api/v1/services");
    assert_eq!(overview["paused"], "both");
    let paused = wait_for("a decision made while all is paused", || {
        let decisions = demo.get(&format!("{SERVICE}/decisions?limit=1"));
        Some(decisions["decisions"][0].clone()).filter(|newest| newest["at"].as_str() > overview["now"].as_str())
    });
    assert_eq!(paused["action"], "hold", "{paused}");
    assert!(operate(&["resume"]).status.success());
    assert_eq!(demo.get(SERVICE)["mode"], "automatic");
    let unknown = operate(&["mode", "nobody", "observe"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", String::from_utf8_lossy(&unknown.stderr));

    let (status, text) = demo.request_text("GET", "/metrics", "");
    assert_eq!(status, 200);
    // Not the desired ones: nothing may have been ordered yet.
    assert!(text.contains("prescale_ready_replicas{service=\"worldcup\"}"), "{text}");
    assert!(text.contains("prescale_decisions_total{service=\"worldcup\""), "{text}");
    assert!(operate(&["release", "worldcup"]).status.success());
    assert_eq!(demo.get(SERVICE)["mode"], "recommend", "what is released isn't acted on any more");
    assert_eq!(demo.get("/readyz")["ready"], true);
    assert_eq!(demo.interrupt().code(), Some(130));
}

#[test]
fn a_restart_goes_on_where_the_run_stopped_and_without_history_it_falls_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = demo(folder.path(), &[]);
    wait_for("a stored load of the replay", || first.get(SERVICE)["load_rps"].as_f64().filter(|load| *load > 0.0));
    let before = first.get("/api/v1/services")["now"].as_str().unwrap().to_owned();
    assert_eq!(first.interrupt().code(), Some(130));

    // Another replay must not be mixed in, and a running one not be joined.
    let dir = folder.path().to_str().unwrap();
    let (code, _, stderr) = run(&["demo", "--no-open", "--listen", "127.0.0.1:0", "--data-dir", dir, "--from", "1998-05-27T06:00:00Z"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("1998-05-26T06:00:00Z") && stderr.contains("1998-05-27T06:00:00Z"), "{stderr}");

    delete_history(folder.path());
    let second = demo(folder.path(), &[]);
    assert!(second.log().contains("going on"), "{}", second.log());
    let (code, _, stderr) = run(&[&["demo", "--no-open", "--listen", "127.0.0.1:0", "--data-dir", dir], &FROM[..]].concat());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("in use"), "{stderr}");

    let overview = second.get("/api/v1/services");
    assert!(overview["now"].as_str().unwrap() >= before.as_str(), "{overview}, before: {before}");
    let health = wait_for("the missing forecast", || {
        let service = second.get(SERVICE);
        (service["forecast"]["state"] == "not_enough_history").then_some(service)
    });
    assert!(health["forecast"]["need_s"].as_f64() >= Some(3_600.0), "{health}");
    let (status, problem) = second.request("GET", &format!("{SERVICE}/forecast"), "");
    assert_eq!(status, 404, "{problem}");
    let fallback = wait_for("a decision of the fallback", || {
        let decisions = second.get(&format!("{SERVICE}/decisions?limit=1"));
        let newest = decisions["decisions"][0].clone();
        newest["candidates"].as_array().unwrap().iter().any(|one| one["name"] == "fallback").then_some(newest)
    });
    let why = fallback["candidates"][0]["why"].as_str().unwrap();
    assert!(why.contains("60 %"), "the conservative setting aims at 60 %: {fallback}");
}
