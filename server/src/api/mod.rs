//! The HTTP face of the control plane: JSON under `/api/v1`, health, metrics, and the embedded page.
//!
//! It asks everything of a [`control::Control`] and decides nothing itself. It is the only place in the workspace that knows HTTP status
//! codes (in `problem.rs`). Before an operation comes two questions: is the request addressed to us ([`AllowedHosts`]), and may whoever asks
//! do that ([`Gate`], with `roles.rs` as the one list of what takes which role)?

mod body;
pub mod control;
pub mod dto;
mod entry;
mod events;
mod gate;
mod guard;
mod input;
mod job_routes;
pub mod jobs;
mod page;
mod problem;
mod roles;
mod routes;
pub mod time;

use std::any::Any;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router, middleware};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi};

use control::Control;
use gate::Caller;
pub use gate::Gate;
pub use guard::AllowedHosts;
use jobs::Jobs;
pub use problem::{Problem, ProblemBody};

/// Everything that is served, ready for `axum::serve`.
pub fn router(control: Arc<dyn Control>, jobs: Arc<dyn Jobs>, gate: Gate) -> Router {
    with_page(control, jobs, gate, page::embedded)
}

/// The API's OpenAPI document; `web/openapi.json` is a copy of it.
pub fn openapi() -> OpenApi {
    let mut document = routes::operations().merge(entry::operations()).into_openapi();
    document.merge(job_routes::operations().into_openapi());
    roles::document(&mut document);
    document.info = InfoBuilder::new()
        .title("Prescale")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Times are RFC 3339, UTC. null means \"not known\", never zero. Errors are application/problem+json (RFC 9457). \
             Outside of it: /healthz, /readyz, /metrics, /openapi.json.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    document
}

/// [`openapi`] as it is written to `web/openapi.json`: indented, with a line end.
pub fn openapi_text() -> String {
    // The document is plain strings and maps with string keys, which always serialise.
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap_or_default();
    text.push('\n');
    text
}

fn with_page(control: Arc<dyn Control>, jobs: Arc<dyn Jobs>, gate: Gate, source: page::Source) -> Router {
    let (operations, _) = routes::operations().merge(entry::operations()).split_for_parts();
    let (job_operations, _) = job_routes::operations().split_for_parts();
    let (allowed_hosts, gate) = (gate.hosts.clone(), Arc::new(gate));
    operations
        .merge(job_operations.with_state(jobs))
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], openapi_text())))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(prometheus))
        .fallback(async move |method: Method, uri: Uri| page::serve(source, &method, &uri))
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(gate.clone()))
        .layer(middleware::from_fn_with_state(gate, gate::known_callers_only))
        .layer(middleware::from_fn_with_state(allowed_hosts, guard::own_names_only))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(guard::with_security_headers))
        .with_state(control)
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::WrongMethod { method: method.to_string(), path: uri.path().to_owned() }
}

fn panicked(reason: Box<dyn Any + Send + 'static>) -> Response {
    let text = reason.downcast_ref::<String>().map(String::as_str).or_else(|| reason.downcast_ref::<&str>().copied());
    tracing::error!(reason = text.unwrap_or("unknown"), "a request panicked");
    Problem::Internal.into_response()
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Only for those who are known: a check names services and addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<NamedCheck>>,
}

#[derive(Serialize)]
struct NamedCheck {
    name: String,
    ok: bool,
    text: String,
}

async fn readyz(State(control): State<Arc<dyn Control>>, caller: Caller) -> Response {
    let health = control.health().await;
    let ready = health.ready();
    let named = |check: control::HealthCheck| NamedCheck { name: check.name, ok: check.ok, text: check.text };
    let checks = caller.principal.is_some().then(|| health.checks.into_iter().map(named).collect());
    (problem::readiness_status(ready), Json(Readiness { ready, checks })).into_response()
}

/// Answered from what was published, so also while the database doesn't answer: that is when somebody looks.
async fn prometheus(State(control): State<Arc<dyn Control>>) -> Response {
    let text = control.metrics().await;
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"))], text).into_response()
}

#[cfg(test)]
mod tests;
