//! `prescale serve`: the control plane for real services, at the speed of the wall clock.
//!
//! The configuration is checked before anything is touched; then the database, the services with what connects them to the world
//! ([`assemble`]), the loop, and the API. A changed file is taken over while it runs ([`reload`]).
//!
//! **The end goes in order**: deciding stops first, so that load which drains away isn't taken for a reason to scale down; then the proxies
//! finish what they have; the API goes last, so that whoever watches sees it, and the database after it. Replicas and weights stay as they are.

pub mod access;
mod act;
mod assemble;
pub mod check;
mod front;
mod place;
mod reload;
mod source;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::api::{self, AllowedHosts, Gate};
use crate::auth::{Access, Tools};
use crate::cli::CliError;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::file::LogFormat;
use crate::jobs::{self, Board};
use crate::log;
use crate::runtime::{Begin, Runtime};
use assemble::Assembly;
use reload::Reload;

/// How often the configuration is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the proxies may take to finish what they have.
const DRAIN: Duration = Duration::from_secs(30);
/// How long the API may take to finish its answers.
const GOODBYE: Duration = Duration::from_secs(5);

/// Runs the control plane: collects load, forecasts, decides, acts, and serves the page and the API.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  prescale check --config prescale.toml\n  prescale serve --config prescale.toml\n\n\
                        SIGHUP, or a changed file, takes over a new configuration; SIGTERM and Ctrl-C end it in order.")]
pub struct Args {
    /// The configuration file
    #[arg(long, default_value = "prescale.toml")]
    config: PathBuf,
}

/// Serves until a signal ends it.
///
/// # Errors
/// A file that can't be used, and what the system refuses.
pub fn run(args: Args) -> Result<(), CliError> {
    let config = Config::load(&args.config).map_err(|problems| CliError::BadInput(problems.to_string()))?;
    let said = &config.file.log;
    let format = match said.format {
        LogFormat::Text => log::Format::Text,
        LogFormat::Json => log::Format::Json,
    };
    let format = log::init(Some(format), Some(&said.level)).map_err(|error| CliError::BadInput(error.to_string()))?;
    tokio_runtime()?.block_on(serve(config, format))
}

fn tokio_runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("the runtime can't start: {error}")))
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// A clock that shows the real time.
fn wall_clock() -> Result<Clock, CliError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| failed("the system's clock shows a time before 1970: set it"))?;
    Ok(Clock::start(i64::try_from(since.as_millis()).unwrap_or(i64::MAX), 1.0))
}

/// The signals that this process listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

async fn serve(config: Config, format: log::Format) -> Result<(), CliError> {
    // First of all: a signal that comes during the start must not be lost.
    let mut signals = Signals::new().map_err(failed)?;
    let listen = config.file.server.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        failed(format!(
            "can't listen on {listen} ({error}); stop what listens there, or choose another server.listen in {}",
            config.path.display()
        ))
    })?;
    let address = listener.local_addr().map_err(failed)?;
    let clock = wall_clock()?;
    let store = Arc::new(store::open(&config.file.server).await.map_err(failed)?);
    let gate = gate(&config, &store, address, &clock).await?;
    let assembly = Assembly::new(clock.clone(), store.clone());
    let parts = assembly.next(&config).await.map_err(failed)?;
    let begin = Begin::load(&store, config.services.clone(), clock.now_ms()).await.map_err(failed)?;
    let begin = begin.with_models(config.file.server.trees.clone());
    let retention = store::retention(&config.file.server);
    let runtime = Runtime::start(clock, store.clone(), begin, assemble::services(&parts), retention);
    let jobs = Board::start(runtime.shared(), jobs::Limits::default()).await.map_err(failed)?;
    let (goodbye, api) = serve_api(listener, &runtime, jobs.clone(), gate);
    let mut reload = Reload::new(config, assembly, parts, &runtime);
    match format {
        log::Format::Text => eprintln!("page: http://{address}/"),
        // A program reads this: every line is an object.
        log::Format::Json => tracing::info!("page: http://{address}/"),
    }

    let mut look = tokio::time::interval(LOOK_EVERY);
    let ended = loop {
        tokio::select! {
            _ = look.tick() => reload.look(&runtime, false).await,
            _ = signals.hang_up.recv() => reload.look(&runtime, true).await,
            _ = signals.terminate.recv() => break Ok(()),
            _ = signals.interrupt.recv() => break Err(CliError::Interrupted),
        }
    };
    let feed = runtime.shared().feed.clone();
    tracing::info!("ending: no more decisions, then the proxies, then the API");
    jobs.stop().await;
    runtime.shutdown().await;
    reload.drain(DRAIN).await;
    // A page that watches would keep its connection open for ever.
    feed.close();
    // The API may have ended by itself.
    let _ = goodbye.send(());
    let _ = tokio::time::timeout(GOODBYE, api).await;
    store.close().await;
    ended
}

/// Who may come in. On an address that others reach, an empty list of accounts is refused, unless it was said that sign-in is needed: then it
/// may be filled later.
async fn gate(config: &Config, store: &Arc<store::Store>, address: SocketAddr, clock: &Clock) -> Result<Gate, CliError> {
    let server = &config.file.server;
    let rows = store.access().await.map_err(failed)?;
    if rows.accounts.is_empty() && rows.tokens.is_empty() && access::must_not_be_empty(server) {
        return Err(CliError::BadInput(access::nobody(config)));
    }
    if !address.ip().is_loopback() && !server.public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        tracing::warn!(%address, "passwords and tokens come unencrypted: put a reverse proxy with TLS in front, and set server.public_url");
    }
    if server.public_url.is_some() && server.trusted_proxies.is_empty() {
        tracing::warn!("server.trusted_proxies is empty: whoever guesses a password makes everybody behind the same proxy wait");
    }
    let journal = clock.clone();
    let tools = Tools::system(Arc::new(move || journal.now_ms()));
    Ok(Gate {
        access: Arc::new(Access::new(store.clone(), server.sign_in_needed(), tools)),
        hosts: AllowedHosts::listening(address, server.public_url.as_deref()),
        tls: server.public_url.as_deref().is_some_and(|url| url.starts_with("https://")),
        open_metrics: server.open_metrics,
        // The check of the file let only networks through.
        trusted_proxies: server.trusted_proxies.iter().filter_map(|text| text.parse().ok()).collect(),
    })
}

fn serve_api(listener: TcpListener, runtime: &Runtime, jobs: Arc<Board>, gate: Gate) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let router = api::router(runtime.control(), jobs, gate).into_make_service_with_connect_info::<SocketAddr>();
    let (goodbye, told) = oneshot::channel();
    let api = tokio::spawn(async move {
        let until = async { _ = told.await };
        // Errors at accepting are waited out by axum itself.
        let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
    });
    (goodbye, api)
}
