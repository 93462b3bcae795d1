//! Connections to one backend: opened when needed, kept for the next request, closed when stale.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balancer::BackendId;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::body::RequestBody;
use crate::config::Limits;

/// A backend's address and its idle connections, the last used on top: the others grow old and are closed.
pub(crate) struct Upstream {
    pub(crate) id: BackendId,
    pub(crate) address: SocketAddr,
    idle: Mutex<Vec<Idle>>,
    limits: Arc<Limits>,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// Why a backend gave no answer's head.
pub(crate) enum SendError {
    /// No connection: nothing was sent.
    Connect,
    /// The connection ended before any of the request was written: here it is back.
    Unsent(Box<Request<RequestBody>>),
    /// The connection broke after some of it was written.
    Broken(hyper::Error),
}

impl Upstream {
    pub(crate) fn new(id: BackendId, address: SocketAddr, limits: Arc<Limits>) -> Self {
        Self { id, address, idle: Mutex::new(Vec::new()), limits }
    }

    /// The most recently used idle connection that still looks alive.
    pub(crate) async fn pooled(self: &Arc<Self>) -> Option<Lease> {
        loop {
            let Idle { mut sender, since } = self.idle.lock().pop()?;
            if sender.is_closed() || since.elapsed() > self.limits.upstream_idle_time {
                continue;
            }
            // Ready at once, but for a connection whose task has yet to notice that its last answer was read to the end.
            if sender.is_ready() || matches!(timeout(Duration::from_secs(1), sender.ready()).await, Ok(Ok(()))) {
                return Some(Lease { sender, upstream: Arc::clone(self), reused: true, streams: false });
            }
        }
    }

    /// A new connection.
    pub(crate) async fn connect(self: &Arc<Self>) -> Result<Lease, SendError> {
        let opening = async {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            http1::Builder::new().handshake(TokioIo::new(stream)).await.ok()
        };
        let Ok(Some((sender, connection))) = timeout(self.limits.connect_time, opening).await else { return Err(SendError::Connect) };
        tokio::spawn(async move {
            // Errors reach whoever waits for the answer; an idle connection may end as it likes.
            let _ = connection.await;
        });
        Ok(Lease { sender, upstream: Arc::clone(self), reused: false, streams: false })
    }

    /// Closes idle connections that are dead or have been idle for too long.
    pub(crate) fn prune(&self) {
        let keep = self.limits.upstream_idle_time;
        self.idle.lock().retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() <= keep);
    }

    fn put_back(&self, sender: SendRequest<RequestBody>) {
        let mut idle = self.idle.lock();
        if idle.len() < self.limits.upstream_idle {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }
}

/// A connection that is one request's alone. Dropping it in the middle of an exchange closes it.
pub(crate) struct Lease {
    sender: SendRequest<RequestBody>,
    upstream: Arc<Upstream>,
    /// Whether it has carried a request before: then its other end may just have closed it for idleness.
    pub(crate) reused: bool,
    /// Whether the request's body may still be on its way when the answer ends.
    streams: bool,
}

impl Lease {
    pub(crate) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, SendError> {
        self.streams = matches!(request.body(), RequestBody::Stream(_));
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(request) => SendError::Unsent(Box::new(request)),
            None => SendError::Broken(error.into_error()),
        })
    }

    /// The exchange is over to the last byte: somebody else may use the connection.
    pub(crate) fn give_back(mut self) {
        if self.sender.is_closed() {
            return;
        }
        // Ready or about to be: whoever takes it next waits for that moment.
        if !self.streams || self.sender.is_ready() {
            self.upstream.put_back(self.sender);
            return;
        }
        // A backend may answer before it has read the whole request.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if matches!(timeout(Duration::from_secs(1), self.sender.ready()).await, Ok(Ok(()))) {
                    self.upstream.put_back(self.sender);
                }
            });
        }
    }
}
