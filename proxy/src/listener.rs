//! Accepting connections, serving them, and taking leave without dropping a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::admin;
use crate::body::{AnswerBody, Busy};
use crate::config::Limits;
use crate::error::StartError;
use crate::forward::forward;
use crate::gate::{Gate, Wire};
use crate::shared::{Phase, Shared};

/// Which of the two ports a connection came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Data,
    Admin,
}

/// One listening socket and its connections.
pub(crate) struct Listener {
    port: Port,
    socket: TcpListener,
    shared: Arc<Shared>,
    limits: Arc<Limits>,
    slots: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
}

impl Listener {
    pub(crate) async fn bind(
        port: Port,
        address: SocketAddr,
        shared: Arc<Shared>,
        limits: Arc<Limits>,
        phase: watch::Receiver<Phase>,
    ) -> Result<Self, StartError> {
        let socket = TcpListener::bind(address).await.map_err(|error| StartError::listen(address, error))?;
        let slots = Arc::new(Semaphore::new(limits.connections));
        Ok(Self { port, socket, shared, limits, slots, phase })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, StartError> {
        self.socket.local_addr().map_err(|source| StartError::Listen { address: SocketAddr::from(([0, 0, 0, 0], 0)), source })
    }

    /// One per open connection is taken; when all are back, everybody has left.
    pub(crate) fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.slots)
    }

    /// Accepts until the phase changes, then once more whatever the operating system has accepted already: those clients believe that
    /// they are connected.
    /// Dropping `done` tells that every connection that will ever be has a slot.
    pub(crate) async fn run(self, done: watch::Sender<()>) {
        let mut phase = self.phase.clone();
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
            tokio::select! {
                biased;
                _ = reached(&mut phase, Phase::Draining) => break,
                accepted = self.socket.accept() => self.admit(accepted, slot).await,
            }
        }
        while let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            let Ok(accepted) = tokio::time::timeout(Duration::ZERO, self.socket.accept()).await else { break };
            self.admit(accepted, slot).await;
        }
        drop(done);
    }

    async fn admit(&self, accepted: std::io::Result<(TcpStream, SocketAddr)>, slot: OwnedSemaphorePermit) {
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    port: self.port,
                    shared: Arc::clone(&self.shared),
                    limits: Arc::clone(&self.limits),
                    phase: self.phase.clone(),
                };
                tokio::spawn(connection.serve(stream, peer, slot));
            }
            Err(error) => {
                // Out of file descriptors, mostly: the reason passes when connections end, and accepting in a loop would only burn.
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Waits until the phase is at least this, and says which it is. An owner who is gone has cut everything off.
async fn reached(phase: &mut watch::Receiver<Phase>, least: Phase) -> Phase {
    phase.wait_for(|phase| *phase >= least).await.map_or(Phase::Cut, |phase| *phase)
}

struct Connection {
    port: Port,
    shared: Arc<Shared>,
    limits: Arc<Limits>,
    phase: watch::Receiver<Phase>,
}

struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connections.fetch_sub(1, Relaxed);
    }
}

impl Connection {
    async fn serve(self, stream: TcpStream, peer: SocketAddr, _slot: OwnedSemaphorePermit) {
        let Self { port, shared, limits, mut phase } = self;
        shared.metrics.connections.fetch_add(u64::from(port == Port::Data), Relaxed);
        let _open = (port == Port::Data).then(|| Open(&shared));
        // Small answers shouldn't wait for more; without it they still arrive.
        let _ = stream.set_nodelay(true);
        let wire = Arc::new(Wire::default());
        let gate = Gate::new(stream, Arc::clone(&wire), Arc::clone(&limits));
        let service = service_fn(|request| answer(port, Arc::clone(&shared), Arc::clone(&wire), peer, request));
        let buffer = (limits.head_bytes * 2).max(16 * 1024);
        let connection = http1::Builder::new().header_read_timeout(None).max_buf_size(buffer).serve_connection(TokioIo::new(gate), service);
        tokio::pin!(connection);
        let mut closing = false;
        loop {
            tokio::select! {
                // Errors are the client's disconnects and refusals that have been answered.
                _ = connection.as_mut() => return,
                now = reached(&mut phase, if closing { Phase::Cut } else { Phase::Closing }) => {
                    if now == Phase::Cut {
                        return;
                    }
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// What hyper calls per request. The verdict is taken at the call, not in the future, so that it meets the right request.
fn answer(
    port: Port,
    shared: Arc<Shared>,
    wire: Arc<Wire>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, std::convert::Infallible>> {
    let verdict = wire.verdict();
    let busy = Busy(Arc::clone(&wire));
    async move {
        let mut answer = match (verdict, port) {
            (Some(refusal), _) => {
                if port == Port::Data {
                    shared.metrics.refused(refusal);
                }
                refusal.answer()
            }
            (None, Port::Admin) => admin::answer(&shared, request).await,
            (None, Port::Data) => forward(Arc::clone(&shared), wire, peer.ip(), request).await,
        };
        if shared.draining() {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer.body_mut().attach_busy(busy);
        Ok(answer)
    }
}
