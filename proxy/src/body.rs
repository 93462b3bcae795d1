//! The two bodies: a request's on its way to a backend, an answer's on its way to the client. Both stream; neither is collected.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::flight::{Flight, Visit};
use crate::gate::Wire;
use crate::upstream::Lease;

/// What a body can fail with; hyper takes anything.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body as sent to a backend.
pub(crate) enum RequestBody {
    /// Known whole: empty, or short and kept for another try.
    Whole(Full<Bytes>),
    /// Streamed from the client.
    Stream(Incoming),
}

impl RequestBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

/// Trailers aren't passed on: nobody behind us may mistake them for headers.
fn without_trailers<E>(frame: Poll<Option<Result<Frame<Bytes>, E>>>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
    match frame {
        Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => Poll::Ready(None),
        other => other,
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never| match never {}),
            Self::Stream(incoming) => without_trailers(Pin::new(incoming).poll_frame(cx)).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(incoming) => incoming.size_hint(),
        }
    }
}

/// Collects a body that is known to be short.
pub(crate) async fn collect(incoming: Incoming) -> Result<Bytes, BodyError> {
    Ok(incoming.collect().await?.to_bytes())
}

/// Tells the gate that an exchange is over when the last part of it is dropped.
pub(crate) struct Busy(pub(crate) Arc<Wire>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// What a streamed answer holds on to until its last byte: dropping it early is a broken answer.
pub(crate) struct Carried {
    incoming: Incoming,
    visit: Visit,
    lease: Option<Lease>,
    stall_time: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// The end was read. (A chunked body doesn't say so by `is_end_stream`.)
    ended: bool,
}

impl Carried {
    pub(crate) fn new(incoming: Incoming, visit: Visit, lease: Lease, stall_time: Duration) -> Self {
        Self { incoming, visit, lease: Some(lease), stall_time, stalled: None, ended: false }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = without_trailers(Pin::new(&mut self.incoming).poll_frame(cx)).map_err(BodyError::from);
        match &frame {
            Poll::Pending => {
                let time = self.stall_time;
                let sleep = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + time)));
                if sleep.as_mut().poll(cx).is_ready() {
                    self.visit.failed(balancer::OutcomeKind::Timeout);
                    return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the backend's answer stalled").into())));
                }
            }
            Poll::Ready(Some(Err(_))) => self.visit.failed(balancer::OutcomeKind::ServerError),
            Poll::Ready(Some(Ok(_))) => self.stalled = None,
            Poll::Ready(None) => self.ended = true,
        }
        frame
    }
}

impl Drop for Carried {
    /// The connection goes back only if the whole answer was read; otherwise dropping the lease closes it, and the client is what gave up.
    fn drop(&mut self) {
        if self.ended || self.incoming.is_end_stream() {
            self.visit.completed();
            if let Some(lease) = self.lease.take() {
                lease.give_back();
            }
        }
    }
}

enum Answer {
    Whole(Full<Bytes>),
    Stream(Box<Carried>),
}

/// An answer's body as sent to the client, with everything that must end when it ends.
pub(crate) struct AnswerBody {
    // Dropped in this order: the backend's visit ends before the request's account is closed.
    answer: Answer,
    flight: Option<Flight>,
    busy: Option<Busy>,
}

impl AnswerBody {
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self { answer: Answer::Whole(Full::new(bytes)), flight: None, busy: None }
    }

    pub(crate) fn stream(carried: Carried) -> Self {
        Self { answer: Answer::Stream(Box::new(carried)), flight: None, busy: None }
    }

    pub(crate) fn attach(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    pub(crate) fn attach_busy(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().answer {
            Answer::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never| match never {}),
            Answer::Stream(carried) => carried.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.answer {
            Answer::Whole(whole) => whole.is_end_stream(),
            Answer::Stream(carried) => carried.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.answer {
            Answer::Whole(whole) => whole.size_hint(),
            Answer::Stream(carried) => carried.incoming.size_hint(),
        }
    }
}
