//! The admin port: the weights API and the metrics. Everything but `/healthz` needs the token.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::body::AnswerBody;
use crate::shared::Shared;
use crate::weights::{WeightError, WeightUpdate};

/// Ten thousand backends fit twice.
pub(crate) const BODY_MAX: u64 = 2 * 1024 * 1024;

pub(crate) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<AnswerBody> {
    let path = request.uri().path();
    let get = request.method() == Method::GET;
    if path == "/healthz" && get {
        return text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned());
    }
    if !authorised(shared, &request) {
        let mut answer = problem(StatusCode::UNAUTHORIZED, "a bearer token is needed");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    match path {
        "/v1/weights" if get => listed(shared),
        "/v1/weights" if request.method() == Method::PUT => put(shared, request).await,
        "/v1/weights" => not_allowed("GET, PUT"),
        "/metrics" if get => {
            let metrics = shared.metrics.render(&shared.view(), shared.listed().0);
            text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics)
        }
        "/metrics" | "/healthz" => not_allowed("GET"),
        _ => problem(StatusCode::NOT_FOUND, "there is /v1/weights, /metrics and /healthz"),
    }
}

fn authorised(shared: &Shared, request: &Request<Incoming>) -> bool {
    let Some(given) = request.headers().get(header::AUTHORIZATION) else { return false };
    let Some((scheme, token)) = given.as_bytes().split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && same(token.trim_ascii(), shared.admin_token.as_bytes())
}

/// Compares in a time that depends on the length of what was offered, not on how much of it is right.
fn same(offered: &[u8], token: &[u8]) -> bool {
    let mut different = u8::from(offered.len() != token.len());
    for (at, byte) in offered.iter().enumerate() {
        // An empty token never gets here: it is refused at the start.
        different = std::hint::black_box(different | (byte ^ token[at % token.len().max(1)]));
    }
    different == 0
}

fn listed(shared: &Shared) -> Response<AnswerBody> {
    let (epoch, backends) = shared.listed();
    json_answer(StatusCode::OK, &json!({ "epoch": epoch, "backends": backends, "state": shared.view() }))
}

async fn put(shared: &Shared, request: Request<Incoming>) -> Response<AnswerBody> {
    // The gate limits its length.
    let Ok(body) = request.into_body().collect().await else { return problem(StatusCode::BAD_REQUEST, "the body broke off") };
    let applied = WeightUpdate::parse(&body.to_bytes()).map_err(WeightError::from).and_then(|update| shared.apply(&update));
    match applied {
        Ok(applied) => json_answer(StatusCode::OK, &json!({ "epoch": applied.epoch })),
        Err(WeightError::StaleEpoch { current_epoch }) => {
            json_answer(StatusCode::CONFLICT, &json!({ "error": "stale epoch", "current_epoch": current_epoch }))
        }
        Err(WeightError::Invalid(wrong)) => {
            let details = json!({ "error": wrong.to_string(), "key": wrong.key, "value": wrong.value, "allowed": wrong.allowed });
            json_answer(StatusCode::BAD_REQUEST, &details)
        }
    }
}

fn not_allowed(allowed: &'static str) -> Response<AnswerBody> {
    let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("allowed is {allowed}"));
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn problem(status: StatusCode, error: &str) -> Response<AnswerBody> {
    json_answer(status, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, value: &Value) -> Response<AnswerBody> {
    text(status, "application/json", value.to_string())
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::full(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = b"0123456789abcdef";
        assert!(same(token, token));
        for wrong in [&b""[..], b"0", b"0123456789abcdeg", b"0123456789abcdef0", b"0123456789abcdef0123456789abcdef"] {
            assert!(!same(wrong, token), "{wrong:?}");
        }
    }
}
