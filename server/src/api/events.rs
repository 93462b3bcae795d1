//! `GET /api/v1/events`: the feed as `text/event-stream`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, select};
use futures_util::stream;

use super::control::Control;
use super::dto::EventData;
use super::gate::Gate;
use super::problem::{Problem, ProblemBody};
use crate::events::Subscription;

/// What happens, as it happens: server-sent events `reset`, `change` and `beat`.
///
/// The first event is a `reset` with everything, and so is the next one whenever events were missed. With the id of the last event that was
/// seen in `Last-Event-ID` the stream goes on after it, if it still can. A `beat` comes each second in which nothing happened. The stream
/// ends when the server does, or the right to read it.
#[utoipa::path(get, path = "/api/v1/events", tag = "services",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses(
        (status = 200, body = EventData, content_type = "text/event-stream", description = "Events without end; the schema is that of their data"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Too many streams are open; see Retry-After"),
    ))]
pub async fn events(
    State(control): State<Arc<dyn Control>>,
    Extension(gate): Extension<Arc<Gate>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // An id that isn't one of ours is answered with everything: whoever sends it can't do anything about it.
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let subscription = control.events(after)?;
    Ok(respond(subscription, gate.forgets(headers)))
}

/// The answer that lasts until the feed closes, the reader goes away, or `until` is ready: the end of the right to read.
fn respond(subscription: Subscription, until: impl Future<Output = ()> + Send + 'static) -> Response {
    let frames = stream::unfold((subscription, Box::pin(until)), |(mut subscription, mut until)| async move {
        let next = match select(pin!(subscription.next()), &mut until).await {
            Either::Left((frame, _)) => frame?,
            Either::Right(((), _)) => return None,
        };
        Some((Ok::<_, Infallible>(next), (subscription, until)))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // nginx would collect events until its buffer is full.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

#[cfg(test)]
mod tests;
