//! Why a request failed, whose fault it is, and whether asking again can help.

use http::{HeaderMap, StatusCode, header};
use kube::core::Status;

use super::api::Asked;
use crate::act::ActError;

/// A failed request. The status is kept for those who know what it means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// `None` = no answer, or one that can't be read.
    pub status: Option<u16>,
    pub error: ActError,
}

/// So much of an answer that isn't a `Status` is quoted.
const QUOTE_MAX: usize = 200;

impl Failure {
    pub fn passing(text: impl Into<String>) -> Self {
        Self { status: None, error: ActError::passing(text) }
    }
}

impl From<Failure> for ActError {
    fn from(failure: Failure) -> ActError {
        failure.error
    }
}

/// The connection failed, or time ran out. A write may have happened: the next attempt reads first.
pub(super) fn no_answer(asked: &Asked, why: &str) -> Failure {
    let unknown = if asked.writes { "; it may have been done all the same" } else { "" };
    Failure::passing(format!("no answer from the Kubernetes API to {} {}: {why}{unknown}", asked.verb, asked.resource))
}

/// An answer that says success in a way that nobody can read.
pub(super) fn garbage(asked: &Asked, error: &serde_json::Error) -> Failure {
    let unknown = if asked.writes { "; it may have been done all the same" } else { "" };
    Failure::passing(format!("the Kubernetes API answered {} {} with something unreadable: {error}{unknown}", asked.verb, asked.resource))
}

/// An answer that says no.
pub(super) fn refused(asked: &Asked, status: StatusCode, headers: &HeaderMap, body: &[u8], now_ms: i64) -> Failure {
    let told: Option<Status> = serde_json::from_slice(body).ok();
    let quoted = || String::from_utf8_lossy(body).trim().chars().take(QUOTE_MAX).collect::<String>();
    let message = told.as_ref().map(|status| status.message.clone()).filter(|message| !message.is_empty()).unwrap_or_else(quoted);
    let Asked { verb, resource, group, namespace, .. } = asked;
    let code = status.as_u16();
    let text = match code {
        401 => format!("the Kubernetes API does not accept the credentials (401): {message}"),
        403 => format!(
            "the right to {verb} {resource} (API group {group:?}) in namespace {namespace:?} is missing, see deploy/kubernetes/rbac.yaml: {message}"
        ),
        404 if namespace.is_empty() => format!("not found: {message}"),
        404 => format!("not found in namespace {namespace:?}: {message}"),
        409 => format!("somebody else wrote {resource} in the same moment, so it is read and judged again: {message}"),
        _ => format!("the Kubernetes API refused to {verb} {resource} ({code}): {message}"),
    };
    // 410 = a list that expired on its way; whatever the server says of itself passes too.
    let passes = matches!(code, 408 | 409 | 410 | 425 | 429) || status.is_server_error();
    let mut error = if passes { ActError::passing(text) } else { ActError::lasting(text) };
    if passes {
        let seconds = told.and_then(|status| status.details).map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
        error.retry_after_ms = retry_after_ms(headers, now_ms).or(seconds.map(|seconds| i64::from(seconds) * 1_000));
    }
    Failure { status: Some(code), error }
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after_ms(headers: &HeaderMap, now_ms: i64) -> Option<i64> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<u32>() {
        Ok(seconds) => Some(i64::from(seconds) * 1_000),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            Some(date.as_millisecond().saturating_sub(now_ms).max(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked { verb: "patch", resource: "deployments/scale".into(), group: "apps".into(), namespace: "prod".into(), writes: true }
    }

    #[test]
    fn the_other_side_may_say_when_to_come_back_in_three_ways() {
        let after = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            refused(&asked(), StatusCode::TOO_MANY_REQUESTS, &headers, b"Too many requests", 1_700_000_000_000).error
        };
        assert_eq!(after("7").retry_after_ms, Some(7_000));
        assert_eq!(after("Tue, 14 Nov 2023 22:14:20 GMT").retry_after_ms, Some(60_000));
        assert_eq!(after("Mon, 13 Nov 2023 22:14:20 GMT").retry_after_ms, Some(0), "that was yesterday");
        for odd in ["", "-5", "soon", "1e9"] {
            assert_eq!(after(odd).retry_after_ms, None, "{odd:?}");
        }
        assert!(after("7").retry && after("7").text.contains("Too many requests"));
        let body = br#"{"kind":"Status","details":{"retryAfterSeconds":3},"message":"slow down","code":503}"#;
        let error = refused(&asked(), StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), body, 0).error;
        assert_eq!((error.retry, error.retry_after_ms), (true, Some(3_000)));
    }

    #[test]
    fn what_lasts_and_what_passes() {
        let retry = |code: u16| refused(&asked(), StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), b"<html>", 0).error.retry;
        assert!([408, 409, 410, 429, 500, 502, 503, 504].into_iter().all(retry));
        assert!(![400, 401, 403, 404, 405, 415, 422].into_iter().any(retry));
    }
}
