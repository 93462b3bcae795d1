//! Every answer that the proxy gives by itself, and the only place with status codes for them.

use balancer::NoBackend;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::body::AnswerBody;

/// Why a request wasn't passed on, or its answer not passed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request isn't strict HTTP/1: what and why.
    Malformed(&'static str),
    /// Not HTTP/1.0 or 1.1.
    Version,
    HeadTooLarge,
    HeadTimeout,
    BodyTooLarge,
    BodyTimeout,
    /// CONNECT and TRACE.
    Method,
    Expectation,
    NoBackend(NoBackend),
    /// More requests per second than are allowed: when to come again.
    TooMany {
        seconds: u64,
    },
    /// No room among the requests at once, nor in the queue; or a rule sheds it.
    Busy,
    /// A backend failed: how.
    Upstream(&'static str),
    UpstreamTimeout,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::HeadTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::NoBackend(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// One line for the client. Says nothing about addresses or versions.
    fn reason(self) -> String {
        match self {
            Self::Malformed(what) => what.to_owned(),
            Self::Version => "only HTTP/1.1 and HTTP/1.0 are spoken here".to_owned(),
            Self::HeadTooLarge => "the request's head is too large".to_owned(),
            Self::HeadTimeout => "the request's head took too long".to_owned(),
            Self::BodyTooLarge => "the request's body is too large".to_owned(),
            Self::BodyTimeout => "the request's body took too long".to_owned(),
            Self::Method => "this method isn't passed on".to_owned(),
            Self::Expectation => "this expectation can't be met".to_owned(),
            Self::NoBackend(why) => why.to_string(),
            Self::TooMany { .. } => "too many requests per second".to_owned(),
            Self::Busy => "too many requests at once".to_owned(),
            Self::Upstream(what) => what.to_owned(),
            Self::UpstreamTimeout => "the backend took too long".to_owned(),
        }
    }

    /// The label in `prescale_proxy_refused_total`, for requests that never were offered to the service.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Version => "version",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadTimeout => "head_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::Method => "method",
            Self::Expectation => "expectation",
            Self::NoBackend(_) => "no_backend",
            Self::TooMany { .. } => "rate",
            Self::Busy => "busy",
            Self::Upstream(_) => "upstream",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// Whether the connection can't go on: its framing isn't trusted any more, or bytes are left that nobody will read.
    fn closes(self) -> bool {
        !matches!(self, Self::NoBackend(_) | Self::TooMany { .. } | Self::Busy | Self::Upstream(_) | Self::UpstreamTimeout)
    }

    pub(crate) fn answer(self) -> Response<AnswerBody> {
        let text = Bytes::from(self.reason() + "\n");
        let mut answer = Response::new(AnswerBody::full(text));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if self.closes() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        match self {
            // New replicas take seconds to boot; a second keeps clients from hammering and recovers soon.
            Self::NoBackend(_) | Self::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Self::TooMany { seconds } => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds))),
            _ => {}
        }
        if matches!(self, Self::Method) {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        answer
    }
}
