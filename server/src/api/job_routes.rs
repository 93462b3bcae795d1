//! The operations under `/api/v1/jobs`: what they change is work of this machine, never a service. Those that ask for work or end it (POST and
//! DELETE) are an operator's (`roles.rs`); the others only read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::job_request;
use super::dto::{JobBody, JobDetail, JobEstimate, JobList};
use super::gate::Who;
use super::input::{Fields, Segment};
use super::jobs::Jobs;
use super::problem::{Accepted, Done, Problem, ProblemBody};
use super::routes::Answer;

type Shared = State<Arc<dyn Jobs>>;

/// The operations, with their documentation.
pub fn operations() -> OpenApiRouter<Arc<dyn Jobs>> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs, submit_job))
        .routes(routes!(estimate_job))
        .routes(routes!(get_job, remove_job))
        .routes(routes!(job_html))
        .routes(routes!(job_json))
        .routes(routes!(job_load))
        .routes(routes!(job_scenario))
}

/// The jobs, newest first. The 50 newest are kept for 30 days.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(("limit" = Option<u32>, Query, description = "1 to 500; 50 when absent")), responses(
    (status = 200, body = JobList),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
))]
async fn list_jobs(State(jobs): Shared, RawQuery(query): RawQuery) -> Answer<JobList> {
    let limit = Fields::from_query(query.as_deref(), &["limit"])?.limit()?;
    Ok(Json(jobs.list(limit).await?))
}

/// Queues a simulation or a backtest. Operators only.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", request_body = JobBody, responses(
    (status = 202, body = JobDetail, description = "Queued"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Too many jobs wait already"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "The body is too large"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "The body isn't JSON"),
))]
async fn submit_job(State(jobs): Shared, who: Who, request: Request) -> Result<Accepted<JobDetail>, Problem> {
    let id = jobs.submit(&who.0, job_request(request).await?).await?;
    Ok(Accepted { location: format!("/api/v1/jobs/{id}"), body: jobs.get(id, None).await? })
}

/// What a request means with every default filled in, as JSON and as TOML, and what it would cost. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/jobs/estimate", tag = "jobs", request_body = JobBody, responses(
    (status = 200, body = JobEstimate),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such service"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "The body is too large"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "The body isn't JSON"),
))]
async fn estimate_job(State(jobs): Shared, request: Request) -> Answer<JobEstimate> {
    Ok(Json(jobs.estimate(job_request(request).await?).await?))
}

/// One job: how far it is, what came out so far, and how its cells compare.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = u64, Path, description = "The job"), ("baseline" = Option<u32>, Query, description = "The cell to compare with; the first when absent")),
    responses(
        (status = 200, body = JobDetail),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job"),
    ))]
async fn get_job(State(jobs): Shared, id: Segment, RawQuery(query): RawQuery) -> Answer<JobDetail> {
    Ok(Json(jobs.get(id.job()?, baseline(query.as_deref())?).await?))
}

/// Ends a job that waits or runs (within a second or so); deletes one that has ended. Operators only.
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path, description = "The job")), responses(
    (status = 204, description = "It ends, or it is deleted"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job"),
))]
async fn remove_job(State(jobs): Shared, id: Segment) -> Result<Done, Problem> {
    jobs.remove(id.job()?).await?;
    Ok(Done)
}

/// The result as one HTML file that needs nothing else.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/report.html", tag = "jobs",
    params(("id" = u64, Path, description = "The job"), ("baseline" = Option<u32>, Query, description = "The cell to compare with; the first when absent")),
    responses(
        (status = 200, content_type = "text/html", body = String),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Nothing has come out yet"),
    ))]
async fn job_html(State(jobs): Shared, id: Segment, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let id = id.job()?;
    let html = jobs.report(id, baseline(query.as_deref())?).await?;
    Ok(file(html, "text/html; charset=utf-8", &format!("prescale-job-{id}.html")))
}

/// The job and its result as a JSON file.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/report.json", tag = "jobs",
    params(("id" = u64, Path, description = "The job"), ("baseline" = Option<u32>, Query, description = "The cell to compare with; the first when absent")),
    responses(
        (status = 200, body = JobDetail),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job"),
    ))]
async fn job_json(State(jobs): Shared, id: Segment, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let id = id.job()?;
    let detail = jobs.get(id, baseline(query.as_deref())?).await?;
    // Numbers, texts and maps with string keys always serialise.
    let text = serde_json::to_string_pretty(&detail).unwrap_or_default() + "\n";
    Ok(file(text, "application/json", &format!("prescale-job-{id}.json")))
}

/// The load that was simulated: the series file of the cells' scenarios.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/load.csv", tag = "jobs", params(("id" = u64, Path, description = "The job")), responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job, or it has no load yet"),
))]
async fn job_load(State(jobs): Shared, id: Segment) -> Result<Response, Problem> {
    Ok(file(jobs.load(id.job()?).await?, "text/csv; charset=utf-8", "load.csv"))
}

/// The scenario of one cell: `prescale simulate` gives the same result with it and `load.csv` beside it.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/cells/{cell}/scenario.toml", tag = "jobs",
    params(("id" = u64, Path, description = "The job"), ("cell" = u32, Path, description = "The cell, from 0")),
    responses(
        (status = 200, content_type = "application/toml", body = String),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "An input is wrong"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "There is no such job or cell"),
    ))]
async fn job_scenario(
    State(jobs): Shared,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let Path((id, cell)) = path.map_err(|error| Problem::bad_input("path", error.body_text(), "UTF-8, percent-encoded"))?;
    let (id, cell) = (Segment(id).job()?, Segment(cell).cell()?);
    Ok(file(jobs.scenario(id, cell).await?, "application/toml; charset=utf-8", "scenario.toml"))
}

fn baseline(query: Option<&str>) -> Result<Option<u32>, Problem> {
    Fields::from_query(query, &["baseline"])?.baseline()
}

/// A file to be saved, never to be shown as one of our pages.
fn file(text: String, media_type: &'static str, name: &str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}
