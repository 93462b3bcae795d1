//! How fast the page is, measured in headless Chromium: 500 services that are read each second, from the sample to the pixel; and the first
//! chart. `cargo bench -p server --bench page -- 500` (or `make bench-page`) starts the control plane itself, with its loop, database, API
//! and event stream; only where the load comes from and what scales are made up, so that no Prometheus is measured. Then it lets
//! `web/bench/page.mjs` look. Needs the built page (`make web`) and Chromium.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use planner::{Capacity, Mode, Order, Replica, ReplicaState, ServiceConfig};
use server::BoxFuture;
use server::act::{ActError, Actuator};
use server::api;
use server::auth::{Access, Tools, wall_ms};
use server::clock::Clock;
use server::collect::{LoadSource, Reading, Step};
use server::demo::world;
use server::jobs::{Board, Limits};
use server::runtime::{Begin, Runtime, Service};
use server::store::{Batch, Location, Retention, SeriesKey, Store};

const MINUTE_MS: i64 = 60_000;
/// What is in the database at the start: enough for a forecast.
const HISTORY_MS: i64 = 3 * 86_400_000;
/// Making 500 forecasts, one after the other, takes this long at most.
const PATIENCE: Duration = Duration::from_secs(900);

/// A service nobody calls: its load has a daily shape, and noise so that no two readings look the same.
struct Shape {
    clock: Clock,
    number: usize,
    /// The minute that was stored last.
    stored_ms: AtomicI64,
}

impl Shape {
    fn load(&self, at_ms: i64) -> f64 {
        let hour = (at_ms as f64 / 3_600_000.0 + self.number as f64) / 24.0 * std::f64::consts::TAU;
        let noise = (at_ms as f64 * 0.618_034 + self.number as f64 * 12.9898).sin().abs();
        (self.number + 100) as f64 * (1.0 + 0.5 * hour.sin()) * (0.95 + 0.1 * noise)
    }

    fn step(&self, from_ms: i64) -> Step {
        Step { from_ms, load_rps: self.load(from_ms), saturated: false, error_ratio: Some(0.0), latency_p95_ms: Some(120.0) }
    }
}

impl LoadSource for Shape {
    fn read(&self) -> BoxFuture<'_, Result<Reading, String>> {
        let now_ms = self.clock.now_ms();
        let minute_ms = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS - MINUTE_MS;
        let new = self.stored_ms.swap(minute_ms, Ordering::Relaxed) < minute_ms;
        let steps = if new { vec![self.step(minute_ms)] } else { Vec::new() };
        Box::pin(async move { Ok(Reading { steps, now: Some((now_ms, self.step(now_ms))) }) })
    }
}

/// A fleet that is always as it should be.
struct Steady(u32);

impl Actuator for Steady {
    fn scale<'a>(&'a self, _order: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async { Ok(()) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        let one = |id| Replica { id, address: format!("10.0.0.{id}:80"), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None };
        Box::pin(async move { Ok((1..=self.0).map(one).collect()) })
    }
}

fn service(number: usize, clock: &Clock) -> Arc<Service> {
    let config = ServiceConfig {
        name: format!("service-{number:03}"),
        capacity: Capacity::Declared { rps_per_replica: 100.0 },
        mode: Mode::Observe,
        tick_ms: 15_000,
        forecast_every_ms: 3_600_000,
        forecast_update_ms: 60_000,
        ..world::config(false, world::TARGET, world::QUANTILE)
    };
    let replicas = (number as u32 + 150) / 60;
    Arc::new(Service {
        config,
        actuator: Arc::new(Steady(replicas)),
        balancer: None,
        source: Arc::new(Shape { clock: clock.clone(), number, stored_ms: AtomicI64::new(0) }),
        step_ms: MINUTE_MS,
        scrape_every_ms: 1_000,
        observe_timeout: Duration::from_secs(2),
    })
}

async fn remember(store: &Store, services: &[Arc<Service>], clock: &Clock) {
    let end_ms = clock.now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
    for (number, one) in services.iter().enumerate() {
        let shape = Shape { clock: clock.clone(), number, stored_ms: AtomicI64::new(0) };
        let minutes = (end_ms - HISTORY_MS..end_ms).step_by(MINUTE_MS as usize);
        let points: Vec<(i64, f64)> = minutes.map(|at_ms| (at_ms, shape.load(at_ms))).collect();
        let key = SeriesKey { service: &one.config.name, metric: "load" };
        store.append_many(&[Batch { key, step_ms: MINUTE_MS, points: &points }]).await.unwrap();
    }
}

#[tokio::main]
async fn main() {
    let count = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(500);
    let clock = Clock::start(wall_ms(), 1.0);
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&Location::Folder(folder.path().into())).await.unwrap());
    let services: Vec<Arc<Service>> = (0..count).map(|number| service(number, &clock)).collect();
    remember(&store, &services, &clock).await;
    let configs = services.iter().map(|one| one.config.clone()).collect();
    let begin = Begin::load(&store, configs, clock.now_ms()).await.unwrap();
    let access = Arc::new(Access::new(store.clone(), false, Tools::system(Arc::new(wall_ms))));
    let runtime = Runtime::start(clock, store, begin, services, Retention::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let jobs = Board::start(runtime.shared(), Limits::default()).await.unwrap();
    let router = api::router(runtime.control(), jobs, api::Gate::loopback(access, address.port()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let begun = Instant::now();
    while runtime.shared().views().iter().any(|view| view.forecast.is_none()) {
        assert!(begun.elapsed() < PATIENCE, "the forecasts aren't made within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("{count} services on http://{address}/, each read once a second; forecasts made in {:.0?}", begun.elapsed());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/bench/page.mjs");
    let look = tokio::task::spawn_blocking(move || Command::new("node").arg(script).arg(format!("http://{address}")).status());
    let status = look.await.unwrap().expect("node starts");
    let steps = runtime.control().metrics().await;
    for line in steps.lines().filter(|line| line.starts_with("prescale_loop_step_duration_seconds") && !line.contains("bucket")) {
        println!("{line}");
    }
    std::process::exit(status.code().unwrap_or(1));
}
