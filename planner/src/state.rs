//! Everything the loop remembers. Serialised on every step, so that a restart loses nothing; kept small for the same reason.

use std::collections::BTreeMap;

use predictor::Forecast;
use serde::{Deserialize, Serialize};

use crate::calendar::Uplift;
use crate::capacity::Curves;
use crate::command::{Command, Entry, Order, OrderOutcome};
use crate::config::{ConfigError, Mode, Pause, ServiceConfig};
use crate::decision::{Decision, ForecastMissing};
use crate::event::{Replica, ReplicaState};
use crate::hpa::Change;
use crate::lead::LeadTimes;
use crate::load::LoadWindow;
use crate::order::{Backoff, Pending};
use crate::release::{Leftover, Releasing};
use crate::weights::Weights;

mod memory;
pub use memory::{Alarms, Memory, Rejected};

/// What the control loop remembers of all services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Format of this structure; a newer one is refused by whoever loads it.
    pub version: u32,
    /// The latest `now` that was seen.
    pub clock_ms: i64,
    /// Next id of a decision or an order (they share the counter, so that ids sort by time).
    pub(crate) next_id: u64,
    /// A pause of all services.
    pub paused: Option<Pause>,
    /// By name.
    pub services: BTreeMap<String, ServiceState>,
    /// What services left behind where nobody acts any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// Replicas → rps that hold the SLO, for modelled capacities; shared by services of the same shape.
    #[serde(default)]
    pub curves: Curves,
}

/// What it remembers of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceState {
    /// As configured.
    pub config: ServiceConfig,
    /// As the operator left it.
    pub mode: Mode,
    /// A pause of this service.
    pub paused: Option<Pause>,
    /// The recent load.
    pub load: LoadWindow,
    /// The last observation of the fleet.
    pub fleet: Option<FleetSeen>,
    /// Set while the newest attempt to observe the fleet failed.
    pub fleet_problem: Option<FleetProblem>,
    /// The newest forecast. Not written down: whoever restarts the loop feeds it again.
    #[serde(skip)]
    pub forecast: Option<Forecast>,
    /// What was learnt of the events with it.
    #[serde(default)]
    pub learnt: Vec<Uplift>,
    /// Why there is no newer one.
    pub forecast_problem: Option<ForecastMissing>,
    /// When one was last asked for.
    pub forecast_asked_ms: Option<i64>,
    /// Set from then until one comes; after a failure too, so that what can't be made isn't asked for each minute.
    #[serde(default)]
    pub forecast_pending: bool,
    /// Measured start-up times.
    pub lead: LeadTimes,
    /// The order that is not settled.
    pub pending: Option<Pending>,
    /// The release that isn't answered for good.
    #[serde(default)]
    pub release: Option<Releasing>,
    /// The floor that was set last under somebody else's autoscaler, if that was the last order.
    #[serde(default)]
    pub floor: Option<u32>,
    /// The target of the last order that was reached; what the fleet loses by itself is restored to this.
    pub desired: Option<u32>,
    /// What was wanted last of what needs no person's word, see [`ServiceState::wanted`].
    #[serde(default)]
    pub told: Option<u32>,
    /// A person gave the service up: nobody is told a number until its mode is said anew.
    #[serde(default)]
    pub released: bool,
    /// Set after orders that failed for good.
    pub backoff: Option<Backoff>,
    /// Changes that were ordered, as far back as a limit looks.
    pub changes: Vec<Change>,
    /// What the rules recommended lately.
    pub memory: Memory,
    /// The proposal that waits for a person.
    pub proposal: Option<Decision>,
    /// The proposal that a person turned down.
    pub rejected: Option<Rejected>,
    /// What the balancer was told.
    pub weights: Weights,
    /// What people have been told.
    pub alarms: Alarms,
    /// The last decision.
    pub last_decision: Option<Decision>,
}

/// An observation of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSeen {
    /// When.
    pub at_ms: i64,
    /// Sorted by id, each id once.
    pub replicas: Vec<Replica>,
}

/// The fleet could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetProblem {
    /// When.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

impl FleetSeen {
    /// How many are in this state.
    pub fn count(&self, state: ReplicaState) -> u32 {
        self.replicas.iter().filter(|r| r.state == state).count() as u32
    }

    /// Ready or on their way: what an absolute target counts.
    pub fn counted(&self) -> u32 {
        self.replicas.iter().filter(|r| r.state != ReplicaState::Draining).count() as u32
    }
}

impl State {
    /// Format of [`State`] that this version writes.
    pub const VERSION: u32 = 1;

    /// A loop that has seen nothing yet.
    ///
    /// # Errors
    /// The first value that can't be used, or a name that occurs twice.
    pub fn new(configs: Vec<ServiceConfig>) -> Result<State, ConfigError> {
        let (services, leftovers, curves) = (BTreeMap::new(), Vec::new(), Curves::default());
        let mut state = State { version: State::VERSION, clock_ms: i64::MIN, next_id: 1, paused: None, services, leftovers, curves };
        state.reconfigure(configs)?;
        Ok(state)
    }

    /// Takes over a new configuration. What was learnt about a service that stays is kept, its mode too; services that aren't listed are
    /// forgotten (their replicas are left as they are). A running loop is given [`crate::Event::Configured`] instead, which journals it and
    /// lets a changed mode take effect.
    ///
    /// # Errors
    /// The first value that can't be used, or a name that occurs twice; the state is unchanged then.
    pub fn reconfigure(&mut self, configs: Vec<ServiceConfig>) -> Result<(), ConfigError> {
        ServiceConfig::validate_all(&configs)?;
        let mut known = std::mem::take(&mut self.services);
        for config in configs {
            let name = config.name.clone();
            let service = match known.remove(&name) {
                // A forecast is of the load between events: other events, another forecast.
                Some(known) if known.config.events != config.events => ServiceState { config, forecast_asked_ms: None, ..known },
                Some(known) => ServiceState { config, ..known },
                None => ServiceState::new(config),
            };
            self.services.insert(name, service);
        }
        self.curves.retain(self.services.values().map(|service| &service.config));
        Ok(())
    }

    /// Finds every service's capacity now, in the simulator where it is modelled, so that no decision has to wait for it. Takes seconds for a
    /// shape of service that was never seen; what is known already costs nothing.
    pub fn prepare(&mut self) {
        for service in self.services.values() {
            self.curves.prepare(&service.config);
        }
    }

    /// The loop's own time: never runs backwards by a little (a clock being corrected), and follows a clock that was set back for real, with
    /// everything that was remembered moved out of the future.
    pub(crate) fn advance(&mut self, now_ms: i64) -> i64 {
        const LARGE_MS: i64 = 600_000;
        if now_ms >= self.clock_ms || self.clock_ms.saturating_sub(now_ms) > LARGE_MS {
            if now_ms < self.clock_ms {
                self.services.values_mut().for_each(|service| service.clamp(now_ms));
                self.leftovers.iter_mut().for_each(|leftover| leftover.release.clamp(now_ms));
            }
            self.clock_ms = now_ms;
        }
        self.clock_ms
    }
}

impl ServiceState {
    fn new(config: ServiceConfig) -> ServiceState {
        ServiceState {
            mode: config.mode,
            config,
            paused: None,
            load: LoadWindow::default(),
            fleet: None,
            fleet_problem: None,
            forecast: None,
            learnt: Vec::new(),
            forecast_problem: None,
            forecast_asked_ms: None,
            forecast_pending: false,
            lead: LeadTimes::default(),
            pending: None,
            release: None,
            floor: None,
            desired: None,
            told: None,
            released: false,
            backoff: None,
            changes: Vec::new(),
            memory: Memory::default(),
            proposal: None,
            rejected: None,
            weights: Weights::default(),
            alarms: Alarms::default(),
            last_decision: None,
        }
    }

    /// Replicas that count now: the target of an order under way, else what was observed.
    pub fn current(&self) -> Option<u32> {
        match (&self.pending, &self.fleet) {
            (Some(pending), _) => Some(pending.order.target),
            (None, Some(fleet)) => Some(fleet.counted()),
            (None, None) => None,
        }
    }

    /// The number for whoever follows us without being ordered (a gauge, a page): the order under way, else what was wanted last and needs no
    /// person's word. It stays while load or fleet are unknown, while a direction is paused and when an order fails, because a follower that
    /// loses its number falls back to whatever it does without one. `None` in mode observe, after a release, and before anything was known.
    pub fn wanted(&self) -> Option<u32> {
        if self.mode < Mode::Recommend || self.released {
            return None;
        }
        let rails = &self.config.rails;
        // The rails may have changed since.
        let told = self.told.map(|told| told.clamp(rails.min, rails.max));
        self.pending.as_ref().map(|pending| pending.order.target).or(told)
    }

    /// Ends the pending order and writes down how.
    pub(crate) fn close(&mut self, outcome: OrderOutcome, now_ms: i64, out: &mut Vec<Command>) -> Option<Order> {
        let order = self.pending.take()?.order;
        self.desired = match outcome {
            OrderOutcome::Reached => Some(order.target),
            OrderOutcome::Superseded => self.desired,
            _ => None,
        };
        let entry = Entry::OrderClosed { order: order.id, service: order.service.clone(), at_ms: now_ms, outcome };
        out.push(Command::Journal(entry));
        Some(order)
    }

    /// Remembers a change for as long as any limit looks back.
    pub(crate) fn remember_change(&mut self, change: Change) {
        const KEEP: usize = 200;
        let keep_ms = self.config.longest_window_ms();
        self.changes.retain(|c| c.at_ms > change.at_ms.saturating_sub(keep_ms));
        self.changes.push(change);
        if self.changes.len() > KEEP {
            // The two oldest become one, as young as the younger: it counts longer, never shorter.
            let first = self.changes.remove(0);
            self.changes[0].by += first.by;
        }
    }

    fn clamp(&mut self, now_ms: i64) {
        self.load.clamp(now_ms);
        self.fleet = self.fleet.take().filter(|fleet| fleet.at_ms <= now_ms);
        self.fleet_problem = None;
        self.forecast = self.forecast.take().filter(|forecast| forecast.origin_ms <= now_ms);
        self.forecast_asked_ms = None;
        self.pending.iter_mut().for_each(|pending| pending.clamp(now_ms));
        self.release.iter_mut().for_each(|release| release.clamp(now_ms));
        if let Some(backoff) = &mut self.backoff {
            backoff.until_ms = backoff.until_ms.min(now_ms.saturating_add(600_000));
        }
        self.changes.iter_mut().for_each(|change| change.at_ms = change.at_ms.min(now_ms));
        for window in [&mut self.memory.fallback, &mut self.memory.reactive, &mut self.memory.hpa_down, &mut self.memory.hpa_up] {
            window.clamp(now_ms);
        }
        self.rejected = None;
        self.weights.sent_ms = self.weights.sent_ms.min(now_ms);
    }
}
