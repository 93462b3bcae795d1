//! A local backend: a small HTTP server that behaves like a replica with limits.
//!
//! It serves `concurrency` requests at once, lets `queue` more wait in turn and answers 503 at once beyond that. A request takes a
//! random, seeded service time. Until its boot delay is over its port is taken but refuses connections, as a process that isn't up yet.
//!
//! Service time is wall time, boot delay is domain time. tokio's timer ticks in milliseconds and rounds up, by half a tick on average;
//! that half is taken off again, so that the mean is kept. Single service times are still whole ticks: means below about 3 ms are not
//! worth configuring.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;

mod service_time;

pub use service_time::ServiceTime;

/// Half a tick of tokio's timer.
const HALF_TICK: Duration = Duration::from_micros(500);
/// Connections that wait to be accepted: more than any proxy opens at once.
const BACKLOG: u32 = 1024;

/// What a local backend can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackendConfig {
    /// Requests served at once, 1 or more.
    pub concurrency: u32,
    /// Requests that may wait; one more is answered 503.
    pub queue: u32,
    /// How long a request is served.
    pub service_time: ServiceTime,
    /// From the start until it accepts connections. Domain time.
    pub boot: Duration,
    /// Seeds the service times; each backend mixes its id in.
    pub seed: u64,
}

/// What a backend has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackendCounts {
    /// Answered 200.
    pub served: u64,
    /// Answered 503 because the queue was full.
    pub rejected: u64,
    /// In service or waiting, now.
    pub in_flight: u32,
}

struct Inside {
    id: u32,
    config: BackendConfig,
    slots: Semaphore,
    in_flight: AtomicU32,
    served: AtomicU64,
    rejected: AtomicU64,
    ready_ms: OnceLock<i64>,
    rng: Mutex<Pcg64Mcg>,
}

/// A running backend. Dropping it kills it.
pub struct LocalBackend {
    inside: Arc<Inside>,
    address: SocketAddr,
    leaving: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl LocalBackend {
    /// Takes a free port on loopback and starts to boot.
    ///
    /// # Errors
    /// What the operating system says when there is no port or no socket left.
    pub fn start(id: u32, config: BackendConfig, clock: Clock) -> io::Result<Self> {
        // Bound, but not listening: the port is ours and refuses connections until the boot delay is over.
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = socket.local_addr()?;
        let inside = Arc::new(Inside {
            id,
            config,
            slots: Semaphore::new(config.concurrency.max(1) as usize),
            in_flight: AtomicU32::new(0),
            served: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            ready_ms: OnceLock::new(),
            rng: Mutex::new(Pcg64Mcg::seed_from_u64(config.seed ^ (u64::from(id) << 32))),
        });
        let (leaving, left) = watch::channel(false);
        let task = tokio::spawn(live(Arc::clone(&inside), socket, clock, left));
        Ok(Self { inside, address, leaving, task })
    }

    /// Where it listens, or will.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its boot delay is over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready_ms().is_some()
    }

    /// When its boot delay was over: domain time, epoch milliseconds.
    #[must_use]
    pub fn ready_ms(&self) -> Option<i64> {
        self.inside.ready_ms.get().copied()
    }

    /// Whether it has ended, by itself or because it was told to.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// What it has counted.
    #[must_use]
    pub fn counts(&self) -> BackendCounts {
        let inside = &self.inside;
        BackendCounts {
            served: inside.served.load(Relaxed),
            rejected: inside.rejected.load(Relaxed),
            in_flight: inside.in_flight.load(Relaxed),
        }
    }

    /// Accepts nothing more, finishes what it has, then ends ([`has_ended`](Self::has_ended)).
    pub fn leave(&self) {
        self.leaving.send_replace(true);
    }

    /// Dies at once: every connection is cut.
    pub fn kill(&self) {
        self.task.abort();
    }
}

impl Drop for LocalBackend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until a signal is given, or its sender is gone.
pub(super) async fn told(signal: &mut watch::Receiver<bool>) {
    let _ = signal.wait_for(|given| *given).await;
}

async fn live(inside: Arc<Inside>, socket: TcpSocket, clock: Clock, mut leaving: watch::Receiver<bool>) {
    tokio::select! {
        () = clock.sleep_domain(inside.config.boot) => {}
        () = told(&mut leaving) => return,
    }
    let listener = match socket.listen(BACKLOG) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(id = inside.id, %error, "a local backend can't listen");
            return;
        }
    };
    let _ = inside.ready_ms.set(clock.now_ms());
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    let signal = leaving.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => accept(&inside, accepted, &signal, &mut connections).await,
            () = told(&mut leaving) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    // Whoever was connected by the operating system meanwhile still gets an answer.
    while let Ok(accepted) = tokio::time::timeout(Duration::ZERO, listener.accept()).await {
        accept(&inside, accepted, &signal, &mut connections).await;
    }
    drop::<TcpListener>(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(
    inside: &Arc<Inside>,
    accepted: io::Result<(TcpStream, SocketAddr)>,
    leaving: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    match accepted {
        Ok((stream, _)) => {
            connections.spawn(serve(Arc::clone(inside), stream, leaving.clone()));
        }
        // Out of file descriptors: passes when connections end.
        Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
    }
}

async fn serve(inside: Arc<Inside>, stream: TcpStream, mut leaving: watch::Receiver<bool>) {
    // Without it small answers wait for more, and still arrive.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(Arc::clone(&inside), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = told(&mut leaving) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Counts a request as inside until it is dropped, also when its client disappears.
struct Place<'a>(&'a Inside);

impl<'a> Place<'a> {
    fn take(inside: &'a Inside) -> Option<Self> {
        let room = inside.config.concurrency.max(1).saturating_add(inside.config.queue);
        let taken = inside.in_flight.fetch_update(Relaxed, Relaxed, |now| (now < room).then_some(now + 1));
        // Lazily: a place that is made is also given back.
        taken.is_ok().then(|| Self(inside))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

async fn respond(inside: Arc<Inside>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    if request.uri().path() == "/healthz" && request.method() == Method::GET {
        return Ok(answer(StatusCode::OK, "ok\n"));
    }
    let Some(_place) = Place::take(&inside) else {
        inside.rejected.fetch_add(1, Relaxed);
        let mut full = answer(StatusCode::SERVICE_UNAVAILABLE, "the queue is full\n");
        full.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return Ok(full);
    };
    // Never closed: the semaphore lives as long as the backend.
    let _slot = inside.slots.acquire().await;
    let time = inside.config.service_time.draw(&mut inside.rng.lock());
    tokio::time::sleep(time.saturating_sub(HALF_TICK)).await;
    inside.served.fetch_add(1, Relaxed);
    Ok(answer(StatusCode::OK, "served\n"))
}

fn answer(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

#[cfg(test)]
mod tests;
