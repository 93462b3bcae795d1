//! Errors on the wire (RFC 9457, `application/problem+json`), and the only place in the workspace that chooses an HTTP status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::control::ControlError;
use crate::auth::Role;

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
    /// The role one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// The least role that may do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<&'static str>,
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
    /// Nobody is known to ask.
    NotSignedIn,
    /// The token doesn't count.
    BadToken,
    /// Account or password are wrong.
    WrongPassword,
    /// Too many failed sign-ins of late.
    TooManyAttempts {
        /// Seconds after which a retry makes sense.
        retry_after_s: u32,
    },
    /// Whoever asks may not do that.
    NotAllowed {
        /// The role that they have.
        role: Role,
        /// The least that it takes.
        needed: Role,
    },
    /// A browser's session without what our page sends along.
    NoCsrfToken,
    /// The body is not declared as JSON.
    WrongMediaType,
    /// The body is larger than any order can be.
    TooLarge {
        /// What it may have.
        bytes_max: usize,
    },
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
            Problem::Foreign { .. } | Problem::NotAllowed { .. } | Problem::NoCsrfToken => StatusCode::FORBIDDEN,
            Problem::NotSignedIn | Problem::BadToken | Problem::WrongPassword => StatusCode::UNAUTHORIZED,
            Problem::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::WrongMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
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
            Problem::NotSignedIn => ("not-signed-in", "Sign in first"),
            Problem::BadToken => ("bad-token", "The token doesn't count"),
            Problem::WrongPassword => ("wrong-password", "Account or password are wrong"),
            Problem::TooManyAttempts { .. } => ("too-many-attempts", "Too many attempts"),
            Problem::NotAllowed { .. } => ("not-allowed", "Your role may not do this"),
            Problem::NoCsrfToken => ("no-csrf-token", "Not from this page"),
            Problem::WrongMediaType => ("wrong-media-type", "The body must be JSON"),
            Problem::TooLarge { .. } => ("too-large", "The body is too large"),
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
            Problem::NotSignedIn => {
                "sign in on the page, or send a token: Authorization: Bearer TOKEN (prescale token create makes one)".to_owned()
            }
            Problem::BadToken => {
                "this token is not known, or it was revoked, or it has expired; prescale token create makes another".to_owned()
            }
            Problem::WrongPassword => "account or password are wrong".to_owned(),
            Problem::TooManyAttempts { retry_after_s } => format!("too many failed attempts; the next one counts in {retry_after_s} s"),
            Problem::NotAllowed { role, needed } => {
                format!("your role {role} may not do this, it takes {needed}; ask whoever administers Prescale for it")
            }
            Problem::NoCsrfToken => {
                "a browser's session changes something only with the header X-CSRF-Token, which GET /api/v1/session gives".to_owned()
            }
            Problem::WrongMediaType => "send the body with Content-Type: application/json".to_owned(),
            Problem::TooLarge { bytes_max } => format!("a body may have at most {bytes_max} bytes"),
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
            role: None,
            needed: None,
            have_s: None,
            need_s: None,
        };
        match self {
            Problem::Control(ControlError::BadInput { key, value, allowed }) => {
                body.key = Some(key.clone());
                body.value = Some(value.clone());
                body.allowed = Some(allowed.clone());
            }
            Problem::NotAllowed { role, needed } => {
                body.role = Some(role.name());
                body.needed = Some(needed.name());
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
        match self {
            Problem::Control(ControlError::Unavailable { retry_after_s, .. }) | Problem::TooManyAttempts { retry_after_s } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            }
            Problem::NotSignedIn | Problem::WrongPassword => _ = headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BEARER)),
            Problem::BadToken => _ = headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BEARER_INVALID)),
            _ => {}
        }
        response
    }
}

/// How a program shows who it is (RFC 6750). Browsers ask their user nothing for this scheme, which is right: the page does.
const BEARER: &str = "Bearer realm=\"prescale\"";
const BEARER_INVALID: &str = "Bearer realm=\"prescale\", error=\"invalid_token\"";

/// Answer of what made something: 201 with what it is.
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, axum::Json(self.0)).into_response()
    }
}

/// Answer of an order that has nothing to tell but that it is journalled: 204.
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// Answer of an order that is taken, and carried out later: 202, with where to look.
pub struct Accepted<T> {
    /// Where it can be looked at.
    pub location: String,
    /// How it is now.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::ACCEPTED, axum::Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Answer of `/readyz`: 200 when every check holds, 503 when not.
pub fn readiness_status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
