//! What is counted between two scrapes.
//!
//! Labels are bounded by construction: there is an entry for each configured service and for no other, and everything else is the code of an
//! enum.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::accuracy::Accuracy;
use crate::act::ActError;
use crate::exposition::Histogram;

/// A step is microseconds of deciding and a write of the journal; a new plan asks the simulator, for milliseconds [s].
const STEP_BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A forecast computes for tenths of a second to a few seconds [s].
const FORECAST_BOUNDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// What an actuator or balancer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Scale,
    Observe,
    Weights,
    Release,
}

impl Call {
    pub fn name(self) -> &'static str {
        match self {
            Self::Scale => "scale",
            Self::Observe => "observe",
            Self::Weights => "weights",
            Self::Release => "release",
        }
    }
}

/// How it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// It may pass.
    Passing,
    /// The other side said when to come back.
    Throttled,
    /// The same again would fail again.
    Lasting,
    /// No answer in time.
    Timeout,
}

impl Failure {
    pub fn of(error: &ActError) -> Self {
        match error {
            ActError { retry: false, .. } => Self::Lasting,
            ActError { retry_after_ms: Some(_), .. } => Self::Throttled,
            _ => Self::Passing,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Throttled => "throttled",
            Self::Lasting => "lasting",
            Self::Timeout => "timeout",
        }
    }
}

/// What was asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreWork {
    Journal,
    History,
}

/// The counts of one service.
#[derive(Debug, Default)]
pub struct ServiceCounts {
    /// By reason code.
    pub decisions: BTreeMap<String, u64>,
    pub orders: u64,
    pub order_failures: u64,
    /// By alert code.
    pub alerts: BTreeMap<String, u64>,
    pub load_read_failures: u64,
    pub forecast_failures: u64,
    pub actuator_errors: BTreeMap<(Call, Failure), u64>,
    pub accuracy: Accuracy,
}

/// All counts of this process.
#[derive(Debug)]
pub struct Counts {
    /// Steps of the control loop.
    pub steps: AtomicU64,
    /// How long they took, journal included [wall].
    pub loop_step: Histogram,
    /// How long forecasts took [wall].
    pub forecast: Histogram,
    journal_errors: AtomicU64,
    history_errors: AtomicU64,
    services: Mutex<BTreeMap<String, ServiceCounts>>,
}

impl Counts {
    /// Zeros for these services.
    pub fn new(services: impl Iterator<Item = String>) -> Self {
        let services = services.map(|name| (name, ServiceCounts::default())).collect();
        Self {
            steps: AtomicU64::new(0),
            loop_step: Histogram::new(STEP_BOUNDS),
            forecast: Histogram::new(FORECAST_BOUNDS),
            journal_errors: AtomicU64::new(0),
            history_errors: AtomicU64::new(0),
            services: Mutex::new(services),
        }
    }

    /// Changes the counts of a service; one that isn't configured has none.
    pub fn of(&self, service: &str, change: impl FnOnce(&mut ServiceCounts)) {
        if let Some(counts) = self.services.lock().get_mut(service) {
            change(counts);
        }
    }

    /// Counts a failure of whoever runs the replicas or balances over them.
    pub fn actuator_failed(&self, service: &str, call: Call, failure: Failure) {
        self.of(service, |counts| *counts.actuator_errors.entry((call, failure)).or_default() += 1);
    }

    /// Counts a failure of the database.
    pub fn store_failed(&self, work: StoreWork) {
        match work {
            StoreWork::Journal => self.journal_errors.fetch_add(1, Ordering::Relaxed),
            StoreWork::History => self.history_errors.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// Failures of the database by what was asked of it.
    pub fn store_errors(&self) -> [(&'static str, u64); 2] {
        [("journal", self.journal_errors.load(Ordering::Relaxed)), ("history", self.history_errors.load(Ordering::Relaxed))]
    }

    /// Counts these services from now on; who stays keeps what it has.
    pub fn follow<'a>(&self, names: impl Iterator<Item = &'a String>) {
        let mut services = self.services.lock();
        let mut before = std::mem::take(&mut *services);
        services.extend(names.map(|name| (name.clone(), before.remove(name).unwrap_or_default())));
    }

    /// Looks at all services, sorted by name.
    pub fn each(&self, mut look: impl FnMut(&str, &ServiceCounts)) {
        for (name, counts) in self.services.lock().iter() {
            look(name, counts);
        }
    }
}
