//! Errors on the wire (RFC 9457, `application/problem+json`), and the only place in the workspace that chooses an HTTP status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::control::ControlError;

/// Body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// What kind of problem: a stable name, meant for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// The input that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// Seconds of history there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have_s: Option<f64>,
    /// Seconds of history needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_s: Option<f64>,
}

/// Why a request gets no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The control plane said so.
    Control(ControlError),
    /// No such path under `/api`, or no such file of the page.
    NoSuchPath {
        /// The path asked for.
        path: String,
    },
    /// The path exists, the method doesn't.
    WrongMethod {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// The request came under a name that isn't ours, or from another site.
    Foreign {
        /// What is foreign, and what isn't.
        detail: String,
    },
    /// The body is not declared as JSON.
    WrongMediaType,
    /// The body is larger than any order can be.
    TooLarge,
    /// The body didn't arrive in full.
    BodyLost,
    /// Our own bug.
    Internal,
}

impl Problem {
    /// An input that is wrong.
    pub fn bad_input(key: impl Into<String>, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Problem::Control(ControlError::BadInput { key: key.into(), value: value.into(), allowed: allowed.into() })
    }

    fn status(&self) -> StatusCode {
        match self {
            Problem::Control(ControlError::NotFound { .. } | ControlError::NotEnoughHistory { .. }) | Problem::NoSuchPath { .. } => {
                StatusCode::NOT_FOUND
            }
            Problem::Control(ControlError::Conflict { .. }) => StatusCode::CONFLICT,
            Problem::Control(ControlError::BadInput { .. }) | Problem::BodyLost => StatusCode::BAD_REQUEST,
            Problem::Control(ControlError::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Problem::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Foreign { .. } => StatusCode::FORBIDDEN,
            Problem::WrongMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn name(&self) -> (&'static str, &'static str) {
        match self {
            Problem::Control(ControlError::NotFound { .. }) => ("not-found", "There is no such thing"),
            Problem::Control(ControlError::NotEnoughHistory { .. }) => ("not-enough-history", "Not enough history yet"),
            Problem::Control(ControlError::Conflict { .. }) => ("conflict", "Doesn't fit the present state"),
            Problem::Control(ControlError::BadInput { .. }) => ("bad-input", "An input is wrong"),
            Problem::Control(ControlError::Unavailable { .. }) => ("unavailable", "Not available now"),
            Problem::NoSuchPath { .. } => ("no-such-path", "There is no such path"),
            Problem::WrongMethod { .. } => ("wrong-method", "The path doesn't take this method"),
            Problem::Foreign { .. } => ("foreign", "Not from this page"),
            Problem::WrongMediaType => ("wrong-media-type", "The body must be JSON"),
            Problem::TooLarge => ("too-large", "The body is too large"),
            Problem::BodyLost => ("body-lost", "The body is incomplete"),
            Problem::Internal => ("internal", "A bug in Prescale"),
        }
    }

    fn detail(&self) -> String {
        match self {
            Problem::Control(error) => error.to_string(),
            Problem::NoSuchPath { path } => format!("there is no {path}; /openapi.json lists the paths of the API"),
            Problem::WrongMethod { method, path } => format!("{path} doesn't take {method}; the Allow header lists what it takes"),
            Problem::Foreign { detail } => detail.clone(),
            Problem::WrongMediaType => "send the body with Content-Type: application/json".to_owned(),
            Problem::TooLarge => format!("a body may have at most {} bytes", super::input::BODY_BYTES_MAX),
            Problem::BodyLost => "the body ended before its announced length; send it again".to_owned(),
            Problem::Internal => "the request failed inside; the log has the reason".to_owned(),
        }
    }

    /// The body that is sent.
    pub fn body(&self) -> ProblemBody {
        let (name, title) = self.name();
        let mut body = ProblemBody {
            kind: format!("urn:prescale:problem:{name}"),
            title,
            status: self.status().as_u16(),
            detail: self.detail(),
            key: None,
            value: None,
            allowed: None,
            have_s: None,
            need_s: None,
        };
        match self {
            Problem::Control(ControlError::BadInput { key, value, allowed }) => {
                body.key = Some(key.clone());
                body.value = Some(value.clone());
                body.allowed = Some(allowed.clone());
            }
            Problem::Control(ControlError::NotEnoughHistory { have_s, need_s, .. }) => {
                body.have_s = Some(*have_s);
                body.need_s = Some(*need_s);
            }
            _ => {}
        }
        body
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        Problem::Control(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A body of plain strings and numbers always serialises; the fallback keeps the status in any case.
        let text = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.status(), text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Problem::Control(ControlError::Unavailable { retry_after_s, .. }) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

/// Answer of an order that has nothing to tell but that it is journalled: 204.
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// Answer of `/readyz`: 200 when every check holds, 503 when not.
pub fn readiness_status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
