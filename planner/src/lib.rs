//! Forecast, SLO and rails in; replicas and weights over time out, with reasons; and the control loop itself as a state machine.
//!
//! It decides how many replicas a service needs when an order placed now has become warm, proves the plan in the simulator, keeps it within
//! the rails, and says in one sentence why. It refuses to do anything itself: no clock, no I/O, no randomness, no threads. Events go in,
//! commands come out:
//!
//! ```
//! use planner::{step, Capacity, Command, Entry, Event, Mode, Policy, PredictivePolicy, Rails, ServiceConfig, Slo, State};
//!
//! let config = ServiceConfig {
//!     name: "shop".into(),
//!     slo: Slo { latency_ms: 500.0, percentile: 99.0, errors: 0.001 },
//!     capacity: Capacity::Declared { rps_per_replica: 400.0 },
//!     lead_time_ms: Some(360_000),
//!     rails: Rails { min: 2, max: 20, step_up: 10, step_down: 2, stabilisation_ms: 600_000, cool_down_ms: 120_000, max_jump_factor: None },
//!     mode: Mode::Automatic,
//!     policy: Policy::Predictive(PredictivePolicy::default()),
//!     tick_ms: 15_000,
//!     stale_after_ms: 180_000,
//!     forecast_every_ms: 600_000,
//!     forecast_update_ms: 60_000,
//!     forecast_max_age_ms: 3_600_000,
//!     approval_ttl_ms: 900_000,
//!     drain_ms: 30_000,
//!     ramp_ms: 0,
//!     holds_at: None,
//!     time_zone: "UTC".into(),
//!     events: Vec::new(),
//!     holidays: Vec::new(),
//! };
//! let mut state = State::new(vec![config])?;
//! let commands = step(&mut state, Event::Tick { service: "shop".into() }, 1_700_000_000_000);
//! // Nothing is known yet, so nothing is done; and that is written down.
//! assert!(matches!(&commands[0], Command::Journal(Entry::Decision(d)) if d.sentence.starts_with("Hold")));
//! # Ok::<(), planner::ConfigError>(())
//! ```
//!
//! # How to execute commands
//! After each [`step`], write all [`Command::Journal`] entries and the serialised [`State`] in one transaction; only then execute the other
//! commands, in their order. After a crash, load the last written state and feed [`Event::Restarted`]. An executor ignores an order whose id
//! it has executed, or that is lower than one it has executed for the same service.

pub mod calendar;
pub mod capacity;
pub mod command;
pub mod config;
mod control;
pub mod decision;
pub mod event;
mod explain;
#[cfg(test)]
mod fixtures;
pub mod forecaster;
pub mod hpa;
pub mod journal;
pub mod lead;
pub mod load;
pub mod order;
mod outlook;
mod policy;
pub mod rails;
pub mod release;
pub mod simulated;
pub mod state;
mod text;
pub mod weights;
pub mod window;

pub use calendar::{At, CalendarEvent, Day, Holidays};
pub use command::{
    AlertCode, Changed, Command, DecisionId, Edit, Entry, Order, OrderId, OrderOutcome, Ramp, ReleaseOutcome, WeightPlan, WeightedBackend,
};
pub use config::{
    Behaviour, Capacity, ConfigError, HpaPolicy, Mode, Pause, Policy, PredictivePolicy, Rails, RateKind, RatePolicy, Select, ServiceConfig,
    Slo,
};
pub use control::{service_of, step};
pub use decision::{Action, Candidate, Check, CheckSource, Decision, ForecastMissing, Inputs, LeadSource, Rail, RailHit, ReasonCode};
pub use event::{Event, HistoryNeed, OperatorAction, Replica, ReplicaState};
pub use outlook::{Needs, needs, outlook};
pub use state::{FleetSeen, ServiceState, State};
