//! One request: admitted, sent to a backend, sent to another if that can do no harm, answered.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use balancer::{BackendId, NoBackend, OutcomeKind, may_retry};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::body::{AnswerBody, Carried, RequestBody, collect};
use crate::flight::{Flight, Visit};
use crate::gate::Wire;
use crate::headers::{forward_for, strip_hop_by_hop};
use crate::refuse::Refusal;
use crate::shared::Shared;
use crate::strict::check_target;
use crate::traffic::{Seen, Selection};
use crate::upstream::{Lease, SendError, Upstream};

/// Answers one request of a client. Never fails: every failure is an answer.
pub(crate) async fn forward(shared: Arc<Shared>, wire: Arc<Wire>, peer: IpAddr, request: Request<Incoming>) -> Response<AnswerBody> {
    if let Err(refusal) = admit(&request) {
        shared.metrics.refused(refusal);
        return refusal.answer();
    }
    let mut flight = Flight::begin(Arc::clone(&shared));
    shared.count_for_budget();
    let deadline = Instant::from_std(flight.started()) + shared.limits.request_time;
    let answer = match enter(&shared, &mut flight, &request, peer).await {
        Ok(selection) => match Outgoing::prepare(&shared, &wire, peer, request, deadline).await {
            Ok(outgoing) => Errand { shared: &shared, wire: &wire, deadline, outgoing, selection }.run().await,
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    let mut answer = answer.unwrap_or_else(Refusal::answer);
    flight.answer(answer.status());
    answer.body_mut().attach(flight);
    answer
}

/// Rules and limits: whether the request may go on, and by what its backend is chosen. What is refused here was offered all the same.
async fn enter(shared: &Arc<Shared>, flight: &mut Flight, request: &Request<Incoming>, peer: IpAddr) -> Result<Selection, Refusal> {
    let seen = shared.door.ruled().then(|| Seen::of(request.uri().path(), request.headers()));
    let entered = match shared.door.judge(seen.as_ref()) {
        Ok(ruling) => shared.door.enter(ruling).await.map(|permit| (permit, ruling)),
        Err(refusal) => Err(refusal),
    };
    let (permit, ruling) = entered.inspect_err(|_| {
        shared.metrics.shed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })?;
    flight.admitted(permit, seen);
    Ok(shared.selection(request.headers(), peer, ruling.group))
}

/// What isn't offered to the service at all.
fn admit(request: &Request<Incoming>) -> Result<(), Refusal> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Refusal::Method);
    }
    check_target(request.uri(), request.headers().get(header::HOST).map(HeaderValue::as_bytes))?;
    match request.headers().get(header::EXPECT) {
        Some(expectation) if !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Refusal::Expectation),
        _ => Ok(()),
    }
}

/// RFC 9110, 9.2.2.
fn idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

enum Load {
    /// Can be sent again.
    Whole(Bytes),
    /// Can be sent once.
    Stream(Incoming),
    /// Was sent.
    Gone,
}

/// A request as the backends get it.
struct Outgoing {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    load: Load,
    idempotent: bool,
}

impl Outgoing {
    async fn prepare(shared: &Shared, wire: &Wire, peer: IpAddr, request: Request<Incoming>, deadline: Instant) -> Result<Self, Refusal> {
        let (head, incoming) = request.into_parts();
        let idempotent = idempotent(&head.method);
        let mut headers = head.headers;
        if let (None, Some(authority)) = (headers.get(header::HOST), head.uri.authority())
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            headers.insert(header::HOST, host);
        }
        strip_hop_by_hop(&mut headers);
        headers.remove(header::EXPECT);
        forward_for(&mut headers, peer, shared.trusted.iter().any(|network| network.contains(peer)));
        let short = incoming.size_hint().exact().is_some_and(|length| length <= shared.limits.replay_bytes);
        let load = if incoming.is_end_stream() {
            Load::Whole(Bytes::new())
        } else if idempotent && short {
            let collected = timeout_at(deadline, collect(incoming)).await.map_err(|_| Refusal::BodyTimeout)?;
            Load::Whole(collected.map_err(|_| body_refusal(wire))?)
        } else {
            Load::Stream(incoming)
        };
        Ok(Self { method: head.method, uri: origin_form(head.uri), headers, load, idempotent })
    }

    /// Whether it could be sent again after it was sent.
    fn repeatable(&self) -> bool {
        matches!(self.load, Load::Whole(_))
    }

    /// The request for this backend. Unless it can be sent again, this takes it away.
    fn take(&mut self, address: SocketAddr) -> Request<RequestBody> {
        let body = match std::mem::replace(&mut self.load, Load::Gone) {
            Load::Whole(bytes) => {
                self.load = Load::Whole(bytes.clone());
                RequestBody::whole(bytes)
            }
            Load::Stream(incoming) => RequestBody::Stream(incoming),
            Load::Gone => RequestBody::whole(Bytes::new()),
        };
        let headers = if self.repeatable() { self.headers.clone() } else { std::mem::take(&mut self.headers) };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        // Only HTTP/1.0 comes without.
        if !request.headers().contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(&address.to_string())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        request
    }

    /// Takes back what was never sent.
    fn restore(&mut self, request: Request<RequestBody>) {
        let (head, body) = request.into_parts();
        self.headers = head.headers;
        if let RequestBody::Stream(incoming) = body {
            self.load = Load::Stream(incoming);
        }
    }
}

fn origin_form(uri: Uri) -> Uri {
    if uri.authority().is_none() {
        return uri;
    }
    Uri::from(uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

fn body_refusal(wire: &Wire) -> Refusal {
    wire.body_fault().unwrap_or(Refusal::Malformed("the request's body broke off"))
}

/// Why one attempt gave no answer that may be passed on.
struct Failure {
    visit: Visit,
    /// Whether some of the request may have reached the backend.
    sent: bool,
    refusal: Refusal,
}

struct Errand<'a> {
    shared: &'a Arc<Shared>,
    wire: &'a Wire,
    deadline: Instant,
    outgoing: Outgoing,
    selection: Selection,
}

impl Errand<'_> {
    async fn run(mut self) -> Result<Response<AnswerBody>, Refusal> {
        let mut tried: Vec<BackendId> = Vec::new();
        let mut last: Option<Result<Response<AnswerBody>, Refusal>> = None;
        loop {
            let (upstream, visit) = match self.shared.pick(&tried, &self.selection) {
                Ok(picked) => picked,
                Err(why) => return last.unwrap_or_else(|| Err(self.shed(why))),
            };
            // A second pick is a retry, and is paid for only when there is somebody to retry on.
            if last.is_some() && !self.shared.spend_retry() {
                return last.unwrap_or(Err(Refusal::NoBackend(NoBackend::AllExcluded)));
            }
            tried.push(upstream.id);
            let attempts = u32::try_from(tried.len()).unwrap_or(u32::MAX);
            match self.attempt(&upstream, visit).await {
                Ok((response, mut visit, lease)) => {
                    visit.answered(response.status());
                    let broken = response.status().is_server_error() && response.status() != StatusCode::SERVICE_UNAVAILABLE;
                    let again = broken && self.may_repeat(OutcomeKind::ServerError, true, attempts);
                    let answer = self.answer(response, visit, lease);
                    if !again {
                        return answer;
                    }
                    last = Some(answer);
                }
                Err(Failure { visit, sent, refusal }) => {
                    let again = self.may_repeat(visit.outcome().kind, sent, attempts);
                    drop(visit);
                    if !again {
                        return Err(refusal);
                    }
                    last = Some(Err(refusal));
                }
            }
        }
    }

    fn shed(&self, why: NoBackend) -> Refusal {
        self.shared.metrics.shed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Refusal::NoBackend(why)
    }

    fn may_repeat(&self, kind: OutcomeKind, sent: bool, attempts: u32) -> bool {
        let outcome = balancer::Outcome::new(kind, balancer::Nanos::ZERO);
        let still_there = !sent || self.outgoing.repeatable();
        still_there && Instant::now() < self.deadline && may_retry(self.outgoing.idempotent, sent, &outcome, attempts, &self.shared.retry)
    }

    /// Sends the request to one backend and waits for the head of its answer.
    async fn attempt(&mut self, upstream: &Arc<Upstream>, mut visit: Visit) -> Result<(Response<Incoming>, Visit, Lease), Failure> {
        let mut fresh = false;
        loop {
            let leased = timeout_at(self.deadline, async {
                match if fresh { None } else { upstream.pooled().await } {
                    Some(lease) => Ok(lease),
                    None => upstream.connect().await,
                }
            });
            let Ok(Ok(mut lease)) = leased.await else {
                visit.failed(OutcomeKind::ConnectFailed);
                return Err(Failure { visit, sent: false, refusal: Refusal::Upstream("the backend can't be reached") });
            };
            let request = self.outgoing.take(upstream.address);
            let error = match timeout_at(self.deadline, lease.send(request)).await {
                Ok(Ok(response)) => return Ok((response, visit, lease)),
                Ok(Err(error)) => error,
                Err(_) => {
                    visit.failed(OutcomeKind::Timeout);
                    return Err(Failure { visit, sent: true, refusal: Refusal::UpstreamTimeout });
                }
            };
            match error {
                // A kept connection had been closed by its other end: nobody's fault, and nothing was sent.
                SendError::Unsent(request) if lease.reused => self.outgoing.restore(*request),
                SendError::Unsent(_) | SendError::Connect => {
                    visit.failed(OutcomeKind::ConnectFailed);
                    return Err(Failure { visit, sent: false, refusal: Refusal::Upstream("the backend can't be reached") });
                }
                SendError::Broken(error) => {
                    if self.wire.body_fault().is_some() || error.is_user() {
                        // The client's doing: the visit counts as cancelled.
                        return Err(Failure { visit, sent: true, refusal: body_refusal(self.wire) });
                    }
                    // The same, noticed too late to know whether it was read: once more on a new connection if that does no harm.
                    if !(lease.reused && self.outgoing.idempotent && self.outgoing.repeatable()) {
                        visit.failed(OutcomeKind::ServerError);
                        return Err(Failure { visit, sent: true, refusal: Refusal::Upstream("the backend broke off") });
                    }
                    fresh = true;
                }
            }
        }
    }

    /// Makes a backend's answer the client's.
    fn answer(&self, response: Response<Incoming>, mut visit: Visit, lease: Lease) -> Result<Response<AnswerBody>, Refusal> {
        let (mut head, incoming) = response.into_parts();
        let codings = head.headers.get(header::TRANSFER_ENCODING);
        let strange = codings.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if strange || head.status == StatusCode::SWITCHING_PROTOCOLS {
            visit.failed(OutcomeKind::ServerError);
            return Err(Refusal::Upstream("the backend's answer can't be passed on"));
        }
        strip_hop_by_hop(&mut head.headers);
        head.version = Version::HTTP_11;
        if let Some(cookie) = self.shared.cookie_for(&self.selection, visit.backend) {
            head.headers.append(header::SET_COOKIE, cookie);
        }
        Ok(Response::from_parts(head, AnswerBody::stream(Carried::new(incoming, visit, lease, self.shared.limits.stall_time))))
    }
}
