//! Feeds events into the planner's control step and executes the commands that come out. It owns the clock and decides nothing.
//!
//! One task (`control_loop`) owns the planner's state. A feeder task per service (`feed`) fills the history (`backfill`), observes fleet and
//! load and sends ticks; `execute` carries out orders, weights and forecasts in tasks of their own, whose outcome comes back as events. What
//! the API shows is published into `shared` after each step, and what changed goes from there to whoever watches (`news`).
//!
//! **Services come and go while it runs**: a new configuration is an event like any other, so that it takes effect between two others and
//! nothing races with it. Once it is journalled, the tasks of services that are gone or changed end, and those of the new ones begin.
//!
//! **Journal before act**: after each step that journals, entries and state are written in one transaction, and only then the other
//! commands run. A failed write counts as a crash of the loop: it goes on from the last written state, and nothing is executed.

mod audit;
mod backfill;
mod control;
mod control_loop;
mod execute;
mod failpoint;
mod feed;
mod forecast;
mod forecasters;
mod health;
mod history;
mod issued;
mod lookout;
mod maintain;
mod memory;
mod metrics;
mod news;
mod outcome;
mod past;
mod shared;
mod troubles;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use planner::capacity::Curves;
use planner::{Changed, Command, Event, ServiceConfig, State};
use predictor::boosted::Models;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::act::{Actuator, WeightSink};
use crate::api::control::Control;
use crate::clock::Clock;
use crate::collect::LoadSource;
use crate::config::difference;
use crate::store::{Retention, Store, StoreError};

use forecasters::Forecasters;
use memory::Memory;
pub use shared::Shared;

/// One service with everything that connects it to the world.
pub struct Service {
    /// What the user says about it.
    pub config: ServiceConfig,
    /// Runs its replicas.
    pub actuator: Arc<dyn Actuator>,
    /// Balances over them, if we have a say in that.
    pub balancer: Option<Arc<dyn WeightSink>>,
    /// Measures its load.
    pub source: Arc<dyn LoadSource>,
    /// Step of its stored series [domain ms].
    pub step_ms: i64,
    /// Time between two readings [domain ms].
    pub scrape_every_ms: i64,
    /// An actuator that takes longer to show its fleet [wall] has failed for now.
    pub observe_timeout: Duration,
}

/// Why the control plane can't start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A service's configuration.
    #[error("{0}")]
    Config(String),
    /// The stored state is of another format.
    #[error("the control state in the data folder is unreadable: {0}; use the version that wrote it, or another data folder")]
    State(String),
}

/// The state that a control plane begins with.
pub struct Begin {
    state: State,
    memory: Memory,
    /// What the loop is told before anything else.
    first: Vec<Event>,
    /// Trained models in the place of those in the binary.
    models: Option<Arc<Models>>,
}

impl Begin {
    /// Loads the last written state, reconciles it with the configuration, and finds the capacities: seconds of computing the first time,
    /// which no decision should have to wait for.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub async fn load(store: &Store, configs: Vec<ServiceConfig>, now_ms: i64) -> Result<Self, RuntimeError> {
        let config = |error: planner::ConfigError| RuntimeError::Config(error.to_string());
        let Some(saved) = store.saved().await? else {
            let mut state = State::new(configs).map_err(config)?;
            tokio::task::block_in_place(|| state.prepare());
            let memory = Memory::new(&mut state, None);
            return Ok(Self { state, memory, first: Vec::new(), models: None });
        };
        let mut state = memory::decode(&saved).map_err(RuntimeError::State)?;
        let mut memory = Memory::new(&mut state, Some(&saved));
        reconcile(store, &mut state, &mut memory, configs, now_ms).await?;
        tokio::task::block_in_place(|| state.prepare());
        Ok(Self { state, memory, first: vec![Event::Restarted { at_ms: now_ms }], models: None })
    }

    /// Forecasts with trained models of one's own.
    #[must_use]
    pub fn with_models(self, models: Option<Arc<Models>>) -> Self {
        Self { models, ..self }
    }

    /// Makes the forecasts as of `now_ms` too, for a clock that mustn't run while they are made.
    pub async fn with_forecasts(mut self, store: &Store, now_ms: i64) -> Self {
        let mut forecasters = Forecasters::with(self.models.clone());
        for service in self.state.services.values() {
            self.first.push(forecast::event(store, &mut forecasters, &service.config, now_ms).await);
        }
        self
    }
}

/// Brings a stored state to the configuration of now, as a running loop would be: what differs is journalled, before anything else happens.
async fn reconcile(
    store: &Store,
    state: &mut State,
    memory: &mut Memory,
    configs: Vec<ServiceConfig>,
    now_ms: i64,
) -> Result<(), RuntimeError> {
    let before = state.services.values().map(|service| service.config.clone()).collect::<Vec<_>>();
    let changes = difference::of_services(&before, &configs);
    let who = "the configuration at the start".to_owned();
    let event = Event::Configured { at_ms: now_ms, who, services: configs, changes, curves: Curves::default() };
    let mut rows = Vec::new();
    for command in planner::step(state, event, now_ms) {
        match command {
            Command::Refused { reason, .. } => return Err(RuntimeError::Config(reason)),
            Command::Journal(entry) => rows.push(control_loop::row(&entry)?),
            // Taking over a configuration orders nothing.
            _ => {}
        }
    }
    if !rows.is_empty() {
        memory.touch(state, None);
        let change = memory.change(state);
        store.commit(&rows, &change, now_ms).await?;
        memory.written(change);
    }
    Ok(())
}

/// The running control plane.
pub struct Runtime {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What goes to the loop: an event, and who waits for what becomes of it.
pub(crate) struct Message {
    pub event: Event,
    /// With [`Event::Configured`]: those that take the place of the services that run.
    pub services: Option<BTreeMap<String, Arc<Service>>>,
    pub reply: Option<tokio::sync::oneshot::Sender<control_loop::Outcome>>,
}

fn by_name(services: Vec<Arc<Service>>) -> BTreeMap<String, Arc<Service>> {
    services.into_iter().map(|service| (service.config.name.clone(), service)).collect()
}

impl Runtime {
    /// Starts from a state that is ready; `services` are those that it was made for. What is older than `retention` says is thinned or deleted.
    #[must_use]
    pub fn start(clock: Clock, store: Arc<Store>, begin: Begin, services: Vec<Arc<Service>>, retention: Retention) -> Self {
        let Begin { state, memory, first, models } = begin;
        let (events, inbox) = mpsc::channel(1_024);
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared::new(clock, store, events, by_name(services), &state, models));
        let mut tasks = JoinSet::new();
        let executor = execute::Executor::new(shared.clone(), stopped.clone());
        let control_loop = control_loop::ControlLoop::new(shared.clone(), state, memory, executor);
        tasks.spawn(control_loop.run(first, inbox, stopped.clone()));
        tasks.spawn(history::run(shared.clone(), stopped.clone()));
        tasks.spawn(lookout::run(shared.clone(), stopped.clone()));
        tasks.spawn(maintain::run(shared.clone(), retention, stopped.clone()));
        tasks.spawn(news::run(shared.clone(), stopped));
        Self { shared, stop, tasks }
    }

    /// Puts these services in the place of those that run: all of them, or none and the reason why. A service that is the very one that runs
    /// goes on undisturbed.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn reconfigure(&self, services: Vec<Arc<Service>>, who: &str, changes: Vec<Changed>) -> Result<(), String> {
        let configs: Vec<ServiceConfig> = services.iter().map(|service| service.config.clone()).collect();
        let curves = self.capacities(&configs).await?;
        let at_ms = self.shared.clock.now_ms();
        let event = Event::Configured { at_ms, who: who.to_owned(), services: configs, changes, curves };
        match self.shared.ask_with(event, Some(by_name(services))).await {
            Some(control_loop::Outcome::Done) => Ok(()),
            Some(control_loop::Outcome::Refused(reason) | control_loop::Outcome::NotWritten(reason)) => Err(reason),
            None => Err("the control loop is stopping".into()),
        }
    }

    /// The capacities of what has a new shape, found while the loop goes on.
    async fn capacities(&self, configs: &[ServiceConfig]) -> Result<Curves, String> {
        let known: Vec<ServiceConfig> = self.shared.views().into_iter().map(|view| view.state.config).collect();
        let alike = |left: &ServiceConfig, right: &ServiceConfig| {
            left.capacity == right.capacity && left.slo == right.slo && left.rails.max <= right.rails.max
        };
        let new = configs.iter().filter(|config| !known.iter().any(|known| alike(config, known))).cloned().collect();
        let mut scratch = State::new(new).map_err(|error| error.to_string())?;
        let found = tokio::task::spawn_blocking(move || {
            scratch.prepare();
            scratch.curves
        });
        found.await.map_err(|error| error.to_string())
    }

    /// What the API talks to.
    #[must_use]
    pub fn control(&self) -> Arc<dyn Control> {
        Arc::new(control::RuntimeControl::new(self.shared.clone()))
    }

    /// What is known now, for reports.
    #[must_use]
    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Stops feeding and deciding; the fleet and the proxy stay as they are.
    pub async fn shutdown(mut self) {
        // No receiver left means that every task has ended already.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
        // What came in last.
        history::flush(&self.shared).await;
    }
}
