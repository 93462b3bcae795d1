//! Everything that runs during the demo, put up in order and taken down in the opposite one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use balancer::{Nanos, PassiveHealth, PoolConfig};
use parking_lot::Mutex;
use proxy::{Limits, ProxyConfig, ProxyHandle};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};

use super::args::Options;
use super::backend::{BackendConfig, ServiceTime};
use super::begin::{Begin, begin};
use super::load::record::SloLimits;
use super::load::{self, LoadConfig, LoadHandle};
use super::timeline::Seen;
use super::trace::Trace;
use super::{report, world};
use crate::act::local::{LocalConfig, LocalFleet};
use crate::act::weights::ProxyWeights;
use crate::api;
use crate::auth::{Access, Tools};
use crate::cli::CliError;
use crate::clock::Clock;
use crate::collect::proxy::ProxySource;
use crate::jobs::{self, Board};
use crate::runtime::{self, Runtime, Service};
use crate::secret::Secret;
use crate::store::{Location, Retention, Store};

/// How long the proxy may take to get its first backends [wall], on top of the boot delay that replicas have after a restart.
const CURTAIN: Duration = Duration::from_secs(20);
/// Requests under way at once in the generator; more means that nobody answers any more.
const IN_FLIGHT_MAX: u64 = 10_000;
const SEED: u64 = 1;
/// The fleet is in this process: what takes longer is stuck.
const OBSERVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The variable with a token for the proxy's weights API and metrics.
pub const ADMIN_TOKEN: &str = "PRESCALE_ADMIN_TOKEN";

/// The running demo.
pub struct Stage {
    pub clock: Clock,
    pub trace: Trace,
    pub resumed: bool,
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub proxy: Arc<ProxyHandle>,
    pub load: LoadHandle,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    runtime: Runtime,
    jobs: Arc<Board>,
    api: JoinHandle<()>,
    watcher: AbortHandle,
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

fn wall_ms() -> i64 {
    // A clock before 1970 shifts the trace to 1970: a label, nothing more.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

impl Stage {
    /// Puts everything up; traffic flows when this returns.
    pub async fn build(options: &Options, listener: TcpListener) -> Result<Self, CliError> {
        let address = listener.local_addr().map_err(failed)?;
        // Before the data folder is touched: it may be refused.
        let token = token()?;
        let store = Arc::new(Store::open(&Location::Folder(options.data_dir.clone())).await.map_err(failed)?);
        let Begin { trace, start_ms, resumed } = begin(&store, options, wall_ms()).await?;
        let config = world::config(options.reactive, options.target, options.quantile);
        let state = runtime::Begin::load(&store, vec![config.clone()], start_ms).await.map_err(failed)?;
        // On a fast clock the forecast would be minutes old when it is made.
        let state = state.with_forecasts(&store, start_ms).await;
        let clock = Clock::start(start_ms, options.speed);
        let proxy = Arc::new(proxy::start(proxy_config(&clock, &token)).await.map_err(failed)?);
        let fleet = Arc::new(LocalFleet::open(fleet_config(options, trace.rate(start_ms)), clock.clone()).await.map_err(failed)?);
        let admin = proxy.admin_addr().ok_or_else(|| failed("the proxy has no weights API"))?;
        let service = Service {
            config,
            actuator: fleet.clone(),
            balancer: Some(Arc::new(ProxyWeights::new(admin, token))),
            source: Arc::new(ProxySource::new(proxy.clone(), clock.clone(), world::STEP_MS)),
            step_ms: world::STEP_MS,
            scrape_every_ms: world::SCRAPE_EVERY_MS,
            observe_timeout: OBSERVE_TIMEOUT,
        };
        let runtime = Runtime::start(clock.clone(), store.clone(), state, vec![Arc::new(service)], Retention::default());
        let jobs = Board::start(runtime.shared(), jobs::Limits::default()).await.map_err(failed)?;
        let journal = clock.clone();
        let access = Arc::new(Access::new(store.clone(), false, Tools::system(Arc::new(move || journal.now_ms()))));
        let router = api::router(runtime.control(), jobs.clone(), api::Gate::loopback(access, address.port()));
        let api = tokio::spawn(async move {
            // It ends when the task is aborted; accepting errors are waited out by axum itself.
            let _ = axum::serve(listener, router).await;
        });
        wait_for_backends(&proxy, CURTAIN + clock.wall_of(domain(world::BOOT_MS))).await?;
        let load = load::start(load_config(&proxy, &trace), &clock);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watcher = tokio::spawn(report::watch(fleet, clock.clone(), seen.clone())).abort_handle();
        Ok(Self { clock, trace, resumed, address, store, proxy, load, seen, runtime, jobs, api, watcher })
    }

    /// Takes everything down: the load first, then what serves it, the database last.
    pub async fn take_down(self) {
        self.load.stop();
        self.watcher.abort();
        self.proxy.drain(Duration::from_secs(2)).await;
        self.jobs.stop().await;
        self.runtime.shutdown().await;
        self.api.abort();
        self.store.close().await;
    }
}

/// The token of the proxy's weights API: the environment's, so that its owner can look there too, or else one that only this process knows.
fn token() -> Result<Secret, CliError> {
    if let Some(given) = Secret::from_env(ADMIN_TOKEN).map_err(CliError::BadInput)? {
        let long = given.expose().len() >= 16 && given.expose().bytes().all(|byte| byte.is_ascii_graphic());
        let allowed = || CliError::BadInput(format!("{ADMIN_TOKEN}; allowed: 16 or more printable ASCII characters, no spaces"));
        return long.then_some(given).ok_or_else(allowed);
    }
    let mut secret = [0_u8; 16];
    getrandom::fill(&mut secret).map_err(|error| failed(format!("the system gives no random numbers: {error}")))?;
    Ok(Secret::new(format!("{:032x}", u128::from_le_bytes(secret))))
}

fn proxy_config(clock: &Clock, token: &Secret) -> ProxyConfig {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut passive = PassiveHealth::new(0, Nanos::from_secs(30));
    // Counting failures whatever succeeds between them would eject everybody at hundreds of requests per second.
    passive.consecutive_failures = Some(3);
    let domain = clock.clone();
    ProxyConfig {
        admin_listen: Some(local),
        admin_token: token.expose().to_owned(),
        pool: PoolConfig { passive: Some(passive), ..PoolConfig::new(world::ALGORITHM, Vec::new()) },
        limits: Limits { request_time: Duration::from_millis(world::REQUEST_TIMEOUT_MS), ..Limits::default() },
        clock: Arc::new(move || domain.nanos()),
        speed: clock.speed(),
        seed: SEED,
        ..ProxyConfig::new(local)
    }
}

fn domain(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

fn fleet_config(options: &Options, rate: f64) -> LocalConfig {
    let most = f64::from(world::CONCURRENCY) * 1_000.0 / world::SERVICE_TIME_MS;
    let rails = world::config(options.reactive, options.target, options.quantile).rails;
    let initial = (rate / (most * world::INITIAL_UTILISATION)).ceil() as u32;
    LocalConfig {
        dir: options.data_dir.clone(),
        backend: BackendConfig {
            concurrency: world::CONCURRENCY,
            queue: world::QUEUE,
            service_time: ServiceTime::Exponential { mean_ms: world::SERVICE_TIME_MS },
            boot: domain(world::BOOT_MS),
            seed: SEED,
        },
        initial: initial.clamp(rails.min, rails.max),
        drain: domain(world::DRAIN_MS),
        drain_deadline: domain(world::DRAIN_DEADLINE_MS),
    }
}

fn load_config(proxy: &ProxyHandle, trace: &Trace) -> LoadConfig {
    let rate = trace.clone();
    LoadConfig {
        target: proxy.data_addr(),
        path: "/".into(),
        rate: Arc::new(move |domain_ms| rate.rate(domain_ms)),
        until_ms: Some(trace.end_ms()),
        seed: SEED,
        in_flight_max: IN_FLIGHT_MAX,
        timeout: Duration::from_millis(world::REQUEST_TIMEOUT_MS),
        slo: SloLimits { latency_ms: world::SLO.latency_ms, percentile: world::SLO.percentile, errors: world::SLO.errors },
    }
}

async fn wait_for_backends(proxy: &ProxyHandle, patience: Duration) -> Result<(), CliError> {
    let usable = async {
        while !proxy.pool_view().iter().any(|backend| backend.effective_weight > 0.0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(patience, usable)
        .await
        .map_err(|_| failed(format!("no backend was ready within {patience:?}; PRESCALE_LOG=info shows why")))
}
