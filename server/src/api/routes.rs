//! The operations under `/api/v1`, each a thin hand-over: check the input, ask the control plane, answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::control::{Control, Operation};
use super::dto::{
    AuditList, DecisionList, EditBody, Forecast, ModeBody, Overview, PauseState, Paused, Plans, RejectBody, Series, ServiceDetail,
};
use super::gate::Who;
use super::input::{Fields, Segment};
use super::problem::{Done, Problem, ProblemBody};
use super::time::Time;

type Shared = State<Arc<dyn Control>>;
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// The operations, with their documentation.
pub fn operations() -> OpenApiRouter<Arc<dyn Control>> {
    OpenApiRouter::new()
        .routes(routes!(list_services))
        .routes(routes!(get_service))
        .routes(routes!(get_series))
        .routes(routes!(get_forecast))
        .routes(routes!(list_decisions))
        .routes(routes!(list_audit))
        .routes(routes!(super::events::events))
        .routes(routes!(list_plans))
        .routes(routes!(set_mode))
        .routes(routes!(pause_service, resume_service))
        .routes(routes!(pause_all, resume_all))
        .routes(routes!(release))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

/// All services, by name, with the domain clock and the global pause.
#[utoipa::path(get, path = "/api/v1/services", tag = "services", responses(
    (status = 200, body = Overview),
))]
async fn list_services(State(control): Shared) -> Answer<Overview> {
    Ok(Json(control.overview().await?))
}

/// One service.
#[utoipa::path(get, path = "/api/v1/services/{name}", tag = "services", params(("name" = String, Path, description = "The service")), responses(
    (status = 200, body = ServiceDetail),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
))]
async fn get_service(State(control): Shared, name: Segment) -> Answer<ServiceDetail> {
    Ok(Json(control.service(&name.0).await?))
}

/// A measured metric: one value per step, null where there is none.
#[utoipa::path(get, path = "/api/v1/services/{name}/series", tag = "services",
    params(
        ("name" = String, Path, description = "The service"),
        ("metric" = String, Query, description = "load, replicas_ready, replicas_desired, latency_p95_ms or error_ratio"),
        ("from" = Time, Query, description = "First instant"),
        ("to" = Time, Query, description = "First instant that is left out"),
        ("step" = Option<String>, Query, description = "A duration such as 60s (the default), 15m, 24h"),
    ),
    responses(
        (status = 200, body = Series),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Not available now; see Retry-After"),
    ))]
async fn get_series(State(control): Shared, name: Segment, RawQuery(query): RawQuery) -> Answer<Series> {
    let request = Fields::from_query(query.as_deref(), &["metric", "from", "to", "step"])?.series()?;
    Ok(Json(control.series(&name.0, request).await?))
}

/// The newest forecast and the plan that follows from it; with `at`, those of then. Of the past, the first forecast of each hour is kept for
/// a fortnight, a point every five minutes, with five quantiles.
#[utoipa::path(get, path = "/api/v1/services/{name}/forecast", tag = "services",
    params(
        ("name" = String, Path, description = "The service"),
        ("at" = Option<Time>, Query, description = "The newest that was issued at or before this instant, of those that are kept"),
    ),
    responses(
        (status = 200, body = Forecast),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "There is no such service, or no forecast (yet): then have_s and need_s say how much history there is and how much is needed"),
    ))]
async fn get_forecast(State(control): Shared, name: Segment, RawQuery(query): RawQuery) -> Answer<Forecast> {
    let at = Fields::from_query(query.as_deref(), &["at"])?.at()?;
    Ok(Json(control.forecast(&name.0, at).await?))
}

/// What is planned for each service, and what waits for a person.
#[utoipa::path(get, path = "/api/v1/plans", tag = "decisions", responses(
    (status = 200, body = Plans),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Not available now; see Retry-After"),
))]
async fn list_plans(State(control): Shared) -> Answer<Plans> {
    Ok(Json(control.plans().await?))
}

/// The decisions, newest first.
#[utoipa::path(get, path = "/api/v1/services/{name}/decisions", tag = "decisions",
    params(
        ("name" = String, Path, description = "The service"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 when absent"),
        ("before" = Option<u64>, Query, description = "Only decisions with a lower id"),
    ),
    responses(
        (status = 200, body = DecisionList),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Not available now; see Retry-After"),
    ))]
async fn list_decisions(State(control): Shared, name: Segment, RawQuery(query): RawQuery) -> Answer<DecisionList> {
    let fields = Fields::from_query(query.as_deref(), &["limit", "before"])?;
    Ok(Json(control.decisions(&name.0, fields.limit()?, fields.before()?).await?))
}

/// Who changed what, newest first: modes, pauses, approvals, orders, configuration, sign-ins, tokens and accounts.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 100 when absent"),
        ("before" = Option<u64>, Query, description = "Only entries with a lower seq"),
        ("service" = Option<String>, Query, description = "Only of this service"),
        ("who" = Option<String>, Query, description = "Only by this person or program"),
        ("kind" = Option<String>, Query, description = "Only of this kind"),
    ),
    responses(
        (status = 200, body = AuditList),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Not available now; see Retry-After"),
    ))]
async fn list_audit(State(control): Shared, RawQuery(query): RawQuery) -> Answer<AuditList> {
    let request = Fields::from_query(query.as_deref(), &["limit", "before", "service", "who", "kind"])?.audit()?;
    Ok(Json(control.audit(request).await?))
}

/// Sets how far Prescale may go by itself. Answered when it is in the journal.
#[utoipa::path(put, path = "/api/v1/services/{name}/mode", tag = "operate", params(("name" = String, Path, description = "The service")),
    request_body = ModeBody, responses(
        (status = 200, body = ModeBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Refused by the control loop"),
    ))]
async fn set_mode(State(control): Shared, who: Who, name: Segment, request: Request) -> Answer<ModeBody> {
    let mode = Fields::from_body(request, &["mode"]).await?.mode()?;
    control.operate(&who.0, Operation::SetMode { service: name.0, mode }).await?;
    Ok(Json(ModeBody { mode }))
}

/// Holds one service still.
#[utoipa::path(post, path = "/api/v1/services/{name}/pause", tag = "operate", params(("name" = String, Path, description = "The service")),
    request_body = Paused, responses(
        (status = 200, body = PauseState),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Refused by the control loop"),
    ))]
async fn pause_service(State(control): Shared, who: Who, name: Segment, request: Request) -> Answer<PauseState> {
    pause(control, &who.0, Some(name.0), request).await
}

/// Ends the pause of one service.
#[utoipa::path(delete, path = "/api/v1/services/{name}/pause", tag = "operate", params(("name" = String, Path, description = "The service")), responses(
    (status = 200, body = PauseState),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Refused by the control loop"),
))]
async fn resume_service(State(control): Shared, who: Who, name: Segment) -> Answer<PauseState> {
    resume(control, &who.0, Some(name.0)).await
}

/// Holds every service still.
#[utoipa::path(post, path = "/api/v1/pause", tag = "operate", request_body = Paused, responses(
    (status = 200, body = PauseState),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
))]
async fn pause_all(State(control): Shared, who: Who, request: Request) -> Answer<PauseState> {
    pause(control, &who.0, None, request).await
}

/// Ends the pause that holds for all services; a service's own pause stays.
#[utoipa::path(delete, path = "/api/v1/pause", tag = "operate", responses((status = 200, body = PauseState)))]
async fn resume_all(State(control): Shared, who: Who) -> Answer<PauseState> {
    resume(control, &who.0, None).await
}

async fn pause(control: Arc<dyn Control>, who: &str, service: Option<String>, request: Request) -> Answer<PauseState> {
    let pause = Fields::from_body(request, &["pause"]).await?.pause()?;
    control.operate(who, Operation::Pause { service, pause }).await?;
    Ok(Json(PauseState { pause: Some(pause) }))
}

async fn resume(control: Arc<dyn Control>, who: &str, service: Option<String>) -> Answer<PauseState> {
    control.operate(who, Operation::Resume { service }).await?;
    Ok(Json(PauseState { pause: None }))
}

/// Gives up what is held on behalf of a service, such as the floor of its autoscaler, and stops acting on it: a mode that acts becomes
/// `recommend`. Answered when it is in the journal; it is then tried until it is done.
#[utoipa::path(post, path = "/api/v1/services/{name}/release", tag = "operate", params(("name" = String, Path, description = "The service")), responses(
    (status = 204, description = "In the journal"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
))]
async fn release(State(control): Shared, who: Who, name: Segment) -> Result<Done, Problem> {
    control.operate(&who.0, Operation::Release { service: name.0 }).await?;
    Ok(Done)
}

/// Does what a decision proposes, or, with a body, another number of replicas instead.
#[utoipa::path(post, path = "/api/v1/decisions/{id}/approve", tag = "decisions", params(("id" = u64, Path, description = "The decision")),
    request_body = Option<EditBody>, responses(
        (status = 204, description = "In the journal"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such decision"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "It doesn't wait for approval, it expired, the fleet is another one by now, or the rails forbid it"),
    ))]
async fn approve(State(control): Shared, who: Who, id: Segment, request: Request) -> Result<Done, Problem> {
    let decision = id.decision()?;
    let operation = match Fields::from_body_if_any(request, &["replicas", "reason"]).await? {
        None => Operation::Approve { decision },
        Some(fields) => Operation::Edit { decision, replicas: fields.replicas()?, reason: fields.reason()? },
    };
    control.operate(&who.0, operation).await?;
    Ok(Done)
}

/// Turns a decision down, with a reason that is kept.
#[utoipa::path(post, path = "/api/v1/decisions/{id}/reject", tag = "decisions", params(("id" = u64, Path, description = "The decision")),
    request_body = RejectBody, responses(
        (status = 204, description = "In the journal"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such decision"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "It doesn't wait for approval, or it expired"),
    ))]
async fn reject(State(control): Shared, who: Who, id: Segment, request: Request) -> Result<Done, Problem> {
    let decision = id.decision()?;
    let reason = Fields::from_body(request, &["reason"]).await?.reason()?;
    control.operate(&who.0, Operation::Reject { decision, reason }).await?;
    Ok(Done)
}
