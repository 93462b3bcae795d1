//! Feeds events into the planner's control step and executes the commands that come out. It owns the clock and decides nothing.
//!
//! One task (`control_loop`) owns the planner's state. A feeder task per service (`feed`) observes fleet and load and sends ticks; `execute`
//! carries out orders, weights and forecasts in tasks of their own, whose outcome comes back as events. What the API shows is published
//! into `shared` after each step.
//!
//! **Journal before act**: after each step that journals, entries and state are written in one transaction, and only then the other
//! commands run. A failed write counts as a crash of the loop: it goes on from the last written state, and nothing is executed.

mod control;
mod control_loop;
mod execute;
mod failpoint;
mod feed;
mod forecast;
mod health;
mod maintain;
mod metrics;
mod outcome;
mod shared;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use planner::{ServiceConfig, State};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::act::{Actuator, WeightSink};
use crate::api::control::Control;
use crate::clock::Clock;
use crate::collect::LoadSource;
use crate::store::{Retention, Store, StoreError};

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
    restarted: bool,
    forecasts: Vec<planner::Event>,
}

impl Begin {
    /// Loads the last written state, reconciles it with the configuration, finds the capacities and makes the forecasts as of `now_ms`: seconds
    /// of computing the first time, which no decision should have to wait for.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub async fn load(store: &Store, configs: Vec<ServiceConfig>, now_ms: i64) -> Result<Self, RuntimeError> {
        let config = |error: planner::ConfigError| RuntimeError::Config(error.to_string());
        let saved = store.saved().await?;
        let restarted = saved.is_some();
        let mut state = match saved {
            None => State::new(configs).map_err(config)?,
            Some(saved) => {
                let mut state = control_loop::decode(&saved.state).map_err(RuntimeError::State)?;
                state.reconfigure(configs).map_err(config)?;
                state
            }
        };
        tokio::task::block_in_place(|| state.prepare());
        let mut forecasts = Vec::new();
        for service in state.services.keys() {
            forecasts.push(forecast::event(store, service.clone(), now_ms).await);
        }
        Ok(Self { state, restarted, forecasts })
    }
}

/// The running control plane.
pub struct Runtime {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What goes to the loop: an event, and who waits for what becomes of it.
pub(crate) struct Message {
    pub event: planner::Event,
    pub reply: Option<tokio::sync::oneshot::Sender<control_loop::Outcome>>,
}

impl Runtime {
    /// Starts from a state that is ready; `services` are those that it was made for. What is older than `retention` says is thinned or deleted.
    pub async fn start(clock: Clock, store: Arc<Store>, begin: Begin, services: Vec<Service>, retention: Retention) -> Self {
        let Begin { state, restarted, forecasts } = begin;
        let (events, inbox) = mpsc::channel(1_024);
        let (stop, stopped) = watch::channel(false);
        let services: BTreeMap<String, Arc<Service>> =
            services.into_iter().map(|service| (service.config.name.clone(), Arc::new(service))).collect();
        let shared = Arc::new(Shared::new(clock, store, events, services, &state));
        let mut tasks = JoinSet::new();
        let executor = execute::Executor::new(shared.clone(), stopped.clone(), &mut tasks);
        let control_loop = control_loop::ControlLoop::new(shared.clone(), state, executor);
        tasks.spawn(control_loop.run(inbox, stopped.clone()));
        if restarted {
            shared.send(planner::Event::Restarted { at_ms: shared.clock.now_ms() }).await;
        }
        for forecast in forecasts {
            shared.send(forecast).await;
        }
        for service in shared.services.values() {
            tasks.spawn(feed::run(shared.clone(), service.clone(), stopped.clone()));
        }
        tasks.spawn(maintain::run(shared.clone(), retention, stopped));
        Self { shared, stop, tasks }
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
    }
}
