//! Everything the loop remembers. Serialised on every step, so that a restart loses nothing; kept small for the same reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::DecisionId;
use crate::config::{ConfigError, Mode, Pause, ServiceConfig};
use crate::decision::Decision;
use crate::event::Replica;

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
    /// The last observation of the fleet.
    pub fleet: Option<FleetSeen>,
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

impl State {
    /// Format of [`State`] that this version writes.
    pub const VERSION: u32 = 1;

    /// A loop that has seen nothing yet.
    ///
    /// # Errors
    /// The first value that can't be used, or a name that occurs twice.
    pub fn new(configs: Vec<ServiceConfig>) -> Result<State, ConfigError> {
        let mut state = State { version: State::VERSION, clock_ms: i64::MIN, next_id: 1, paused: None, services: BTreeMap::new() };
        state.reconfigure(configs)?;
        Ok(state)
    }

    /// Takes over a new configuration. What was learnt about a service that stays is kept, its mode too; services that aren't listed are
    /// forgotten (their replicas are left as they are).
    ///
    /// # Errors
    /// The first value that can't be used, or a name that occurs twice; the state is unchanged then.
    pub fn reconfigure(&mut self, configs: Vec<ServiceConfig>) -> Result<(), ConfigError> {
        let mut services = BTreeMap::new();
        for config in configs {
            config.validate()?;
            let name = config.name.clone();
            let service = match self.services.get(&name) {
                Some(known) => ServiceState { config, ..known.clone() },
                None => ServiceState::new(config),
            };
            if services.insert(name.clone(), service).is_some() {
                let allowed = "each name once".to_owned();
                return Err(ConfigError { service: "services".to_owned(), key: "name".to_owned(), value: name, allowed });
            }
        }
        self.services = services;
        Ok(())
    }

    pub(crate) fn next_decision(&mut self) -> DecisionId {
        DecisionId(self.next_number())
    }

    fn next_number(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

impl ServiceState {
    fn new(config: ServiceConfig) -> ServiceState {
        ServiceState { mode: config.mode, config, paused: None, fleet: None, last_decision: None }
    }
}
