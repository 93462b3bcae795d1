//! The jobs' operations: what is taken from a request, and what an answer looks like.

use axum::body::Body;
use axum::http::Request;
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;

use super::fake::{Fake, NOON, shared};
use super::{Gate, page_of_the_test, request, send};
use crate::api::control::{BoxFuture, ControlError};
use crate::api::dto::{Job, JobDetail, JobEstimate, JobKind, JobList, JobRequest, JobResult, JobSize, JobState, ScenarioJob};
use crate::api::jobs::Jobs;

/// Job 7 exists, and what is asked is written down.
#[derive(Default)]
pub struct FakeJobs {
    asked: Mutex<Vec<String>>,
}

impl FakeJobs {
    fn note<T: Send + 'static>(&self, what: String, answer: T) -> BoxFuture<'_, Result<T, ControlError>> {
        self.asked.lock().push(what);
        Box::pin(async move { Ok(answer) })
    }
}

fn asked() -> JobRequest {
    JobRequest::Scenario(ScenarioJob { scenario: "[[pools]]".to_owned() })
}

fn job() -> Job {
    Job {
        id: 7,
        kind: JobKind::Scenario,
        title: "seven".to_owned(),
        who: "local operator".to_owned(),
        state: JobState::Queued,
        created: NOON,
        ended: None,
        wall_s: None,
        progress: 0.0,
        now: None,
        error: None,
    }
}

impl Jobs for FakeJobs {
    fn estimate(&self, request: toml::Table) -> BoxFuture<'_, Result<JobEstimate, ControlError>> {
        let answer = JobEstimate { request: asked(), toml: String::new(), size: JobSize::default(), cells: vec![], notes: vec![] };
        self.note(format!("estimate {request}"), answer)
    }

    fn submit<'a>(&'a self, who: &'a str, request: toml::Table) -> BoxFuture<'a, Result<u64, ControlError>> {
        self.note(format!("submit by {who} {request}"), 7)
    }

    fn list(&self, limit: u32) -> BoxFuture<'_, Result<JobList, ControlError>> {
        self.note(format!("list {limit}"), JobList { jobs: vec![job()] })
    }

    fn get(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<JobDetail, ControlError>> {
        if id != 7 {
            return Box::pin(async move { Err(ControlError::NotFound { what: "job", name: id.to_string() }) });
        }
        let (request, toml, result) = (asked(), String::new(), JobResult::default());
        self.note(format!("get {id} against {baseline:?}"), JobDetail { job: job(), request, toml, result, comparison: None })
    }

    fn remove(&self, id: u64) -> BoxFuture<'_, Result<(), ControlError>> {
        self.note(format!("remove {id}"), ())
    }

    fn report(&self, id: u64, baseline: Option<u32>) -> BoxFuture<'_, Result<String, ControlError>> {
        self.note(format!("report {id} against {baseline:?}"), "<!doctype html>".to_owned())
    }

    fn load(&self, id: u64) -> BoxFuture<'_, Result<String, ControlError>> {
        self.note(format!("load {id}"), "timestamp,value\n".to_owned())
    }

    fn scenario(&self, id: u64, cell: u32) -> BoxFuture<'_, Result<String, ControlError>> {
        self.note(format!("scenario {id} {cell}"), "[[pools]]\n".to_owned())
    }
}

fn post(path: &str, body: &str) -> Request<Body> {
    request("POST", path).header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
}

async fn answer(jobs: &Arc<FakeJobs>, request: Request<Body>) -> super::Answer {
    let fake = shared(Fake::default());
    let gate = Gate::loopback(fake.access().await, 8080);
    let router = crate::api::with_page(fake, jobs.clone(), gate, page_of_the_test);
    send(router, request).await
}

async fn get(jobs: &Arc<FakeJobs>, path: &str) -> super::Answer {
    answer(jobs, request("GET", path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_is_the_same_as_json_and_as_toml() {
    let jobs = Arc::new(FakeJobs::default());
    let accepted =
        answer(&jobs, post("/api/v1/jobs", r#"{"kind":"what_if","traffic":2,"replica_hour":null,"source":{"last":"7d"}}"#)).await;
    assert_eq!((accepted.status.as_u16(), accepted.header("location")), (202, "/api/v1/jobs/7"));
    assert_eq!(accepted.json()["job"]["state"], "queued");
    let text = json!({ "toml": "kind = \"what_if\"\ntraffic = 2\n[source]\nlast = \"7d\"\n" }).to_string();
    assert_eq!(answer(&jobs, post("/api/v1/jobs/estimate", &text)).await.status, 200);
    let asked = jobs.asked.lock().clone();
    assert_eq!(asked[0].strip_prefix("submit by local operator "), asked[2].strip_prefix("estimate "));
    assert!(asked[0].contains("traffic = 2") && !asked[0].contains("replica_hour"), "{asked:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let jobs = Arc::new(FakeJobs::default());
    for (body, key) in [
        ("[]", "body"),
        ("{", "body"),
        (r#"{"toml":3}"#, "toml"),
        (r#"{"toml":"a = 1","kind":"x"}"#, "toml"),
        (r#"{"toml":"a\nb"}"#, "toml, line 1"),
    ] {
        let problem = answer(&jobs, post("/api/v1/jobs", body)).await.problem(400, "bad-input");
        assert_eq!(problem["key"], key, "{body}: {problem}");
    }
    let long = format!("{{\"toml\":\"{}\"}}", "#".repeat(300 * 1024));
    answer(&jobs, post("/api/v1/jobs", &long)).await.problem(413, "too-large");
    answer(&jobs, request("POST", "/api/v1/jobs").body(Body::from("{}")).unwrap()).await.problem(415, "wrong-media-type");
    for path in [
        "/api/v1/jobs/x",
        "/api/v1/jobs/7?baseline=x",
        "/api/v1/jobs?limit=0",
        "/api/v1/jobs/7/cells/x/scenario.toml",
        "/api/v1/jobs/7?base=1",
    ] {
        get(&jobs, path).await.problem(400, "bad-input");
    }
    get(&jobs, "/api/v1/jobs/8").await.problem(404, "not-found");
    assert!(jobs.asked.lock().is_empty());
}

#[tokio::test]
async fn results_are_files_to_be_saved() {
    let jobs = Arc::new(FakeJobs::default());
    for (path, media_type, name) in [
        ("report.html?baseline=1", "text/html; charset=utf-8", "prescale-job-7.html"),
        ("report.json", "application/json", "prescale-job-7.json"),
        ("load.csv", "text/csv; charset=utf-8", "load.csv"),
        ("cells/3/scenario.toml", "application/toml; charset=utf-8", "scenario.toml"),
    ] {
        let file = get(&jobs, &format!("/api/v1/jobs/7/{path}")).await;
        assert_eq!((file.status.as_u16(), file.header("content-type")), (200, media_type), "{path}");
        assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    }
    assert_eq!(answer(&jobs, request("DELETE", "/api/v1/jobs/7").body(Body::empty()).unwrap()).await.status, 204);
    assert_eq!(get(&jobs, "/api/v1/jobs").await.json()["jobs"][0]["id"], 7);
    let asked = jobs.asked.lock().clone();
    assert_eq!(asked, ["report 7 against Some(1)", "get 7 against None", "load 7", "scenario 7 3", "remove 7", "list 50"]);
}
