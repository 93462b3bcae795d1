//! The load generator: an open loop of real HTTP/1.1 requests on kept connections.
//!
//! It sends when a request is due and never waits for answers, as a crowd of users does. Latency counts from when the request was *due*,
//! not from when it was sent, so that a generator or a service that falls behind can't hide it (coordinated omission; G. Tene). Rates are
//! requests per wall second at a domain time: traffic follows the trace's clock, while the service is measured on the wall's.

pub mod arrivals;
pub mod record;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::Clock;
use crate::demo::backend::told;
use arrivals::{Arrivals, MINUTE_MS, Rate};
use record::{Ending, LoadSummary, MinuteSummary, Recorder, SloLimits};

/// What to send, and how to judge it.
#[derive(Clone)]
pub struct LoadConfig {
    /// Where requests go: the proxy's data port.
    pub target: SocketAddr,
    /// What they ask for.
    pub path: String,
    /// Requests per wall second, by domain minute.
    pub rate: Arc<Rate>,
    /// Ends there (domain, epoch milliseconds); `None` = until it is stopped.
    pub until_ms: Option<i64>,
    /// Seeds the arrival times.
    pub seed: u64,
    /// Requests under way at once. One more isn't sent and counts as an error, for it means that nobody answers any more.
    pub in_flight_max: u64,
    /// From when a request is due until it counts as timed out. Wall time.
    pub timeout: Duration,
    /// What the users were promised.
    pub slo: SloLimits,
}

/// A running generator. Dropping it stops it.
pub struct LoadHandle {
    recorder: Arc<Recorder>,
    in_flight: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts to send, from the clock's now on.
#[must_use]
pub fn start(config: LoadConfig, clock: &Clock) -> LoadHandle {
    let recorder = Arc::new(Recorder::new(config.slo));
    let in_flight = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = watch::channel(false);
    let sender = Sender { recorder: Arc::clone(&recorder), in_flight: Arc::clone(&in_flight), client: client(), config };
    let task = tokio::spawn(sender.run(clock.clone(), stopped));
    LoadHandle { recorder, in_flight, stop, task }
}

impl LoadHandle {
    /// The whole run until now.
    #[must_use]
    pub fn summary(&self) -> LoadSummary {
        self.recorder.summary()
    }

    /// Every domain minute until now.
    #[must_use]
    pub fn minutes(&self) -> Vec<MinuteSummary> {
        self.recorder.minutes()
    }

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// Sends nothing more; what is under way is still counted.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until everything is sent and has ended. Needs an end or a [`stop`](Self::stop).
    pub async fn finished(&mut self) {
        // It never panics, and nobody else can abort it.
        let _ = (&mut self.task).await;
    }
}

impl Drop for LoadHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(30)).build(connector)
}

struct Sender {
    config: LoadConfig,
    recorder: Arc<Recorder>,
    in_flight: Arc<AtomicU64>,
    client: HttpClient,
}

/// A request under way, until it is dropped.
struct Flying(Arc<AtomicU64>);

impl Drop for Flying {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Sender {
    async fn run(self, clock: Clock, mut stopped: watch::Receiver<bool>) {
        let (start, start_ms, speed) = (Instant::now(), clock.now_ms(), clock.speed());
        let on_the_wall = |domain_ns: u64| start + Duration::from_nanos(domain_ns).div_f64(speed);
        let Ok(uri) = format!("http://{}{}", self.config.target, self.config.path).parse::<Uri>() else {
            tracing::error!(path = %self.config.path, "the load generator's path isn't one");
            return;
        };
        let mut arrivals = Arrivals::new(start_ms, speed, self.config.seed);
        // Looked at minute by minute: the schedule of a quiet trace isn't searched to its end at once.
        let mut horizon = start_ms;
        loop {
            let end = self.config.until_ms.unwrap_or(i64::MAX);
            if horizon >= end {
                break;
            }
            horizon = (horizon + MINUTE_MS).min(end);
            while let Some(due) = arrivals.next_before(horizon, self.config.rate.as_ref()) {
                let at = on_the_wall(due);
                if at > Instant::now() {
                    tokio::select! {
                        () = sleep_until(at) => {}
                        () = told(&mut stopped) => return self.rest().await,
                    }
                }
                self.send(uri.clone(), at, start_ms + (due / 1_000_000) as i64);
            }
            tokio::select! {
                () = sleep_until(on_the_wall((horizon - start_ms) as u64 * 1_000_000)) => {}
                () = told(&mut stopped) => break,
            }
        }
        self.rest().await;
    }

    fn send(&self, uri: Uri, due: Instant, due_ms: i64) {
        let line = self.recorder.due(due_ms);
        if self.in_flight.load(Relaxed) >= self.config.in_flight_max {
            self.recorder.ended(&line, Ending::Limited, Duration::ZERO);
            return;
        }
        self.in_flight.fetch_add(1, Relaxed);
        let flying = Flying(Arc::clone(&self.in_flight));
        let (client, recorder, timeout) = (self.client.clone(), Arc::clone(&self.recorder), self.config.timeout);
        tokio::spawn(async move {
            let ending = timeout_at(due + timeout, ask(client, uri)).await.unwrap_or(Ending::TimedOut);
            recorder.ended(&line, ending, due.elapsed());
            drop(flying);
        });
    }

    /// Waits for what is under way: at most the time-out.
    async fn rest(&self) {
        while self.in_flight.load(Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn ask(client: HttpClient, uri: Uri) -> Ending {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri;
    let Ok(response) = client.request(request).await else { return Ending::Failed };
    let status = response.status();
    // A user has an answer when its last byte has come.
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return Ending::Failed;
        }
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ending::Rejected,
        status if status.is_success() || status.is_redirection() => Ending::Ok,
        _ => Ending::Failed,
    }
}

#[cfg(test)]
mod tests;
