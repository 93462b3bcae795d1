//! The HTTP face, in process: requests in, answers out, no socket.

mod access;
mod doors;
pub(super) mod fake;
pub(super) mod jobs;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::control::{AuditRequest, ControlError, Metric, Operation};
use super::dto::{Mode, Pause};
use super::{Gate, page};
use fake::{Fake, shared};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// Asserts a problem of this status and kind that doesn't let itself be stored.
    fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.header("content-type")), (status, "application/problem+json"), "{}", self.text());
        let body = self.json();
        assert_eq!((&body["status"], &body["type"]), (&json!(status), &json!(format!("urn:prescale:problem:{kind}"))));
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty());
        assert_eq!(self.header("cache-control"), "no-store");
        body
    }
}

pub(super) async fn app(fake: &Arc<Fake>) -> Router {
    behind(fake, Gate::loopback(fake.access().await, 8080))
}

fn behind(fake: &Arc<Fake>, gate: Gate) -> Router {
    super::with_page(fake.clone(), Arc::new(jobs::FakeJobs::default()), gate, page_of_the_test)
}

fn page_of_the_test(path: &str) -> Option<page::File> {
    let (media_type, text) = match path {
        "index.html" => ("text/html", "<title>the page</title>"),
        "assets/app-1a2b.js" => ("text/javascript", "let a = 1;"),
        ".gitkeep" => ("text/plain", "hidden"),
        _ => return None,
    };
    Some(page::File { bytes: text.as_bytes().into(), media_type: media_type.to_owned() })
}

async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes().to_vec() }
}

pub(super) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080")
}

async fn get(fake: &Arc<Fake>, path: &str) -> Answer {
    send(app(fake).await, request("GET", path).body(Body::empty()).unwrap()).await
}

async fn with_json(fake: &Arc<Fake>, method: &str, path: &str, body: &str) -> Answer {
    let request = request(method, path).header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap();
    send(app(fake).await, request).await
}

fn ordered(fake: &Fake) -> Vec<Operation> {
    fake.ordered.lock().iter().map(|(_, operation)| operation.clone()).collect()
}

#[tokio::test]
async fn the_list_says_unknown_as_null() {
    let fake = shared(Fake::default());
    let body = get(&fake, "/api/v1/services").await.json();
    assert_eq!((&body["now"], &body["speed"], &body["paused"]), (&json!("1998-06-04T12:00:00Z"), &json!(60.0), &Value::Null));
    assert_eq!(body["services"][0]["load_rps"], Value::Null);
    assert_eq!(body["services"][1]["spark"]["past"], json!([1.0, null]));
    assert_eq!(body["services"][1]["forecast"]["state"], "ok");
}

#[tokio::test]
async fn a_service_has_the_fields_of_the_list_and_its_own() {
    let fake = shared(Fake::default());
    let body = get(&fake, "/api/v1/services/chat").await.json();
    assert_eq!((&body["name"], &body["rails"]["step_up"], &body["slo"]["percentile"]), (&json!("chat"), &json!(3), &json!(95.0)));
    get(&fake, "/api/v1/services/tchat").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_series_is_asked_for_once_checked() {
    let fake = shared(Fake::default());
    let path = "/api/v1/services/chat/series?metric=error_ratio&from=1998-06-04T12:00:00Z&to=1998-06-04T15:00:00%2B02:00&step=5m";
    let body = get(&fake, path).await.json();
    assert_eq!((&body["metric"], &body["unit"], &body["step_s"]), (&json!("error_ratio"), &json!("ratio"), &json!(300.0)));
    let asked = fake.asked.lock()[0];
    assert_eq!((asked.metric, asked.to.0 - asked.from.0, asked.step_ms), (Metric::ErrorRatio, 3_600_000, 300_000));
}

#[tokio::test]
async fn every_wrong_input_is_named_with_what_is_allowed() {
    let fake = shared(Fake::default());
    let span = "from=1998-06-04T00:00:00Z&to=1998-06-05T00:00:00Z";
    let series = "/api/v1/services/chat/series";
    let cases = [
        ("GET", format!("{series}?metric=load&from=noon&to=1998-06-05T00:00:00Z"), "", "from", "noon"),
        ("GET", format!("{series}?metric=cpu&{span}"), "", "metric", "cpu"),
        ("GET", format!("{series}?metric=load&{span}&step=1"), "", "step", "1"),
        ("GET", format!("{series}?metric=load&{span}&zone=CET"), "", "zone", "CET"),
        ("GET", "/api/v1/services/chat/decisions?limit=0".into(), "", "limit", "0"),
        ("GET", "/api/v1/services/chat/decisions?before=-1".into(), "", "before", "-1"),
        ("PUT", "/api/v1/services/chat/mode".into(), r#"{"mode":"auto"}"#, "mode", "auto"),
        ("PUT", "/api/v1/services/chat/mode".into(), r#"{"mode":7}"#, "mode", "7"),
        ("PUT", "/api/v1/services/chat/mode".into(), "{}", "mode", "absent"),
        ("PUT", "/api/v1/services/chat/mode".into(), r#"{"mode":"observe","force":true}"#, "force", "true"),
        ("PUT", "/api/v1/services/chat/mode".into(), "[]", "body", "[]"),
        ("PUT", "/api/v1/services/chat/mode".into(), "{\"mode\":", "body", "{\"mode\":"),
        ("POST", "/api/v1/pause".into(), r#"{"pause":"sideways"}"#, "pause", "sideways"),
        ("POST", "/api/v1/decisions/7/approve".into(), r#"{"replicas":-1,"reason":"no"}"#, "replicas", "-1"),
        ("POST", "/api/v1/decisions/7/approve".into(), r#"{"replicas":3}"#, "reason", "absent"),
        ("GET", "/api/v1/services/chat/forecast?at=noon".into(), "", "at", "noon"),
        ("POST", "/api/v1/decisions/seven/reject".into(), r#"{"reason":"no"}"#, "id", "seven"),
        ("POST", "/api/v1/decisions/7/reject".into(), r#"{"reason":"  "}"#, "reason", "  "),
    ];
    for (method, path, body, key, value) in cases {
        let problem = with_json(&fake, method, &path, body).await.problem(400, "bad-input");
        assert_eq!((&problem["key"], &problem["value"]), (&json!(key), &json!(value)), "{method} {path} {body}");
        assert!(!problem["allowed"].as_str().unwrap().is_empty());
    }
    assert!(ordered(&fake).is_empty() && fake.asked.lock().is_empty(), "nothing wrong may reach the control plane");
}

#[tokio::test]
async fn a_body_must_be_json_and_small() {
    let fake = shared(Fake::default());
    let plain = request("POST", "/api/v1/pause").header("content-type", "text/plain").body(Body::from(r#"{"pause":"up"}"#)).unwrap();
    send(app(&fake).await, plain).await.problem(415, "wrong-media-type");
    let long = format!(r#"{{"pause":"{}"}}"#, "x".repeat(20_000));
    with_json(&fake, "POST", "/api/v1/pause", &long).await.problem(413, "too-large");
    assert!(ordered(&fake).is_empty());
}

#[tokio::test]
async fn orders_reach_the_control_plane_as_they_were_given() {
    let fake = shared(Fake::default());
    let mode = with_json(&fake, "PUT", "/api/v1/services/chat/mode", r#"{"mode":"approve"}"#).await;
    assert_eq!((mode.status.as_u16(), mode.json()), (200, json!({"mode": "approve"})));
    let paused = with_json(&fake, "POST", "/api/v1/services/chat/pause", r#"{"pause":"down"}"#).await;
    assert_eq!(paused.json(), json!({"pause": "down"}));
    assert_eq!(with_json(&fake, "DELETE", "/api/v1/services/chat/pause", "").await.json(), json!({"pause": null}));
    with_json(&fake, "POST", "/api/v1/pause", r#"{"pause":"both"}"#).await;
    with_json(&fake, "DELETE", "/api/v1/pause", "").await;
    assert_eq!(with_json(&fake, "POST", "/api/v1/services/chat/release", "").await.status, 204);
    assert_eq!(with_json(&fake, "POST", "/api/v1/decisions/7/approve", "").await.status, 204);
    assert_eq!(with_json(&fake, "POST", "/api/v1/decisions/9/approve", r#"{"replicas":5,"reason":"match day"}"#).await.status, 204);
    assert_eq!(with_json(&fake, "POST", "/api/v1/decisions/8/reject", r#"{"reason":" sale tonight "}"#).await.status, 204);
    let chat = || "chat".to_owned();
    let expected = [
        Operation::SetMode { service: chat(), mode: Mode::Approve },
        Operation::Pause { service: Some(chat()), pause: Pause::Down },
        Operation::Resume { service: Some(chat()) },
        Operation::Pause { service: None, pause: Pause::Both },
        Operation::Resume { service: None },
        Operation::Release { service: chat() },
        Operation::Approve { decision: 7 },
        Operation::Edit { decision: 9, replicas: 5, reason: "match day".to_owned() },
        Operation::Reject { decision: 8, reason: "sale tonight".to_owned() },
    ];
    assert_eq!(ordered(&fake), expected);
    assert!(fake.ordered.lock().iter().all(|(who, _)| who == "local operator"));
}

#[tokio::test]
async fn a_refused_order_says_why_and_an_outage_says_when_to_retry() {
    let fake = shared(Fake::default());
    *fake.refusal.lock() = Some(ControlError::Conflict { reason: "decision 7 expired at 12:04".to_owned() });
    let problem = with_json(&fake, "POST", "/api/v1/decisions/7/approve", "").await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("expired at 12:04"));
    *fake.refusal.lock() = Some(ControlError::Unavailable { reason: "the store is locked".to_owned(), retry_after_s: 2 });
    let answer = with_json(&fake, "DELETE", "/api/v1/pause", "").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn too_little_history_says_how_much_is_there_and_how_much_is_needed() {
    let fake = shared(Fake { young: true, ..Fake::default() });
    let problem = get(&fake, "/api/v1/services/chat/forecast").await.problem(404, "not-enough-history");
    assert_eq!((&problem["have_s"], &problem["need_s"]), (&json!(1_200.0), &json!(3_600.0)));
    let forecast = get(&shared(Fake::default()), "/api/v1/services/chat/forecast").await.json();
    assert_eq!(forecast["points"][0]["q"]["0.5"], 118.0);
    assert_eq!(forecast["max"]["1h"]["at"], Value::Null);
}

#[tokio::test]
async fn a_forecast_of_an_earlier_time_and_all_plans_can_be_asked_for() {
    let fake = shared(Fake::default());
    let past = get(&fake, "/api/v1/services/chat/forecast?at=1998-06-04T11:30:00Z").await.json();
    assert_eq!((&past["origin"], &past["kept_since"]), (&json!("1998-06-04T11:30:00Z"), &json!("1998-06-04T11:00:00Z")));
    let plans = get(&fake, "/api/v1/plans").await.json();
    assert_eq!((&plans["plans"][0]["planned"][0]["replicas"], &plans["plans"][0]["waiting"]["id"]), (&json!(5), &json!(7)));
}

#[tokio::test]
async fn decisions_come_in_pages() {
    let fake = shared(Fake::default());
    let body = get(&fake, "/api/v1/services/chat/decisions?limit=2&before=40").await.json();
    let ids: Vec<_> = body["decisions"].as_array().unwrap().iter().map(|decision| decision["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [39, 38]);
    let body = get(&fake, "/api/v1/services/chat/decisions").await.json();
    assert_eq!(body["decisions"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn the_audit_is_asked_for_once_checked() {
    let fake = shared(Fake::default());
    let body = get(&fake, "/api/v1/audit").await.json();
    assert_eq!((&body["entries"][0]["before"], &body["entries"][0]["decision"]), (&json!("observe"), &Value::Null));
    get(&fake, "/api/v1/audit?limit=7&before=99&service=chat&who=local%20operator&kind=paused").await.json();
    let text = |text: &str| Some(text.to_owned());
    let filtered = AuditRequest { limit: 7, before: Some(99), service: text("chat"), who: text("local operator"), kind: text("paused") };
    assert_eq!(*fake.audited.lock(), [AuditRequest { limit: 100, ..AuditRequest::default() }, filtered]);
    for wrong in ["limit=501", "before=x", "service=", "to=3"] {
        get(&fake, &format!("/api/v1/audit?{wrong}")).await.problem(400, "bad-input");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let fake = shared(Fake::default());
    for path in ["/api", "/api/", "/api/v1", "/api/v1/service", "/api/v2/services", "/api/v1/services/chat/series/x"] {
        get(&fake, path).await.problem(404, "no-such-path");
    }
    let answer = with_json(&fake, "POST", "/api/v1/services/chat/mode", "{}").await;
    answer.problem(405, "wrong-method");
    assert_eq!(answer.header("allow"), "PUT");
    with_json(&fake, "PATCH", "/metrics", "").await.problem(405, "wrong-method");
    with_json(&fake, "POST", "/services/chat", "{}").await.problem(405, "wrong-method");
}

#[tokio::test]
async fn a_bug_is_a_problem_and_no_hang_up() {
    let fake = shared(Fake::default());
    let body = get(&fake, "/api/v1/services/broken").await.problem(500, "internal");
    assert!(!body["detail"].as_str().unwrap().contains("a bug"), "the reason belongs into the log");
}

#[test]
fn the_committed_document_is_the_one_the_server_serves() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/openapi.json");
    let text = super::openapi_text();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "web/openapi.json is out of date; refresh it: UPDATE_EXPECT=1 cargo test -p server --lib api:: && (cd web && npm run api)"
    );
}
