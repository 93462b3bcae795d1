//! What a pool is told once, checked once.

use crate::backend::{BackendConfig, WEIGHT_MAX};
use crate::health::{ActiveHealth, PassiveHealth};
use crate::warmup::SlowStart;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// How the next backend is chosen. Every algorithm respects health, drain, exclusion and slow start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// In turn, weights ignored (0 still means never).
    RoundRobin,
    /// nginx's smooth weighted round robin: 5, 1, 1 gives a a b a c a a, not a burst of five.
    WeightedRoundRobin,
    /// Fewest requests in flight (in service and waiting) per weight; ties in (smooth weighted) turn, as nginx's `least_conn`.
    #[default]
    LeastConnections,
    /// The less loaded of two drawn by weight (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
    P2c,
    /// Uniformly at random, weights ignored (0 still means never).
    Random,
    /// At random in proportion to the weights.
    WeightedRandom,
}

impl Algorithm {
    /// Every name that files and commands may use.
    pub const NAMES: [&'static str; 6] = ["round_robin", "weighted_round_robin", "least_connections", "p2c", "random", "weighted_random"];

    const ALL: [Algorithm; 6] = [
        Algorithm::RoundRobin,
        Algorithm::WeightedRoundRobin,
        Algorithm::LeastConnections,
        Algorithm::P2c,
        Algorithm::Random,
        Algorithm::WeightedRandom,
    ];

    /// The name in files, as in [`Algorithm::NAMES`].
    pub fn name(self) -> &'static str {
        // ALL and NAMES are in the order of the enum.
        Algorithm::NAMES[self as usize]
    }

    /// Whether weights above 0 make a difference.
    pub(crate) fn weighted(self) -> bool {
        !matches!(self, Algorithm::RoundRobin | Algorithm::Random)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ConfigError;
    fn from_str(name: &str) -> Result<Algorithm, ConfigError> {
        let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| ConfigError::new("algorithm", name, format!("one of {}", Algorithm::NAMES.join(", "))))
    }
}

/// A setting that can't be: names the key, its value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: allowed is {allowed}")]
pub struct ConfigError {
    /// Where, as a path within the pool's table (`passive.fail_timeout`).
    pub key: String,
    /// What was given.
    pub value: String,
    /// What would have been accepted.
    pub allowed: String,
}

impl ConfigError {
    pub(crate) fn new(key: &str, value: impl fmt::Display, allowed: impl Into<String>) -> ConfigError {
        ConfigError { key: key.to_owned(), value: value.to_string(), allowed: allowed.into() }
    }
}

fn default_panic_threshold() -> f64 {
    0.5
}

/// A pool: an algorithm, the rules around it, and the backends it starts with (they count as warm; more come by
/// [`Pool::apply`](crate::Pool::apply) or [`Pool::add`](crate::Pool::add)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// How the next backend is chosen.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Ejection after failed requests; absent = none.
    #[serde(default)]
    pub passive: Option<PassiveHealth>,
    /// Probes; absent = none.
    #[serde(default)]
    pub active: Option<ActiveHealth>,
    /// Ramp for new and recovered backends; absent = none.
    #[serde(default)]
    pub slow_start: Option<SlowStart>,
    /// If passive health leaves less than this share (0 to 1) of the backends that could serve, ejection is ignored: it is then more
    /// likely that the requests or the network are bad than all those backends, and the few that are left would drown. A backend that
    /// probes call dead stays out, unless probes call every one dead. 0 switches this off: a pool can then be wholly out of service.
    #[serde(default = "default_panic_threshold")]
    pub panic_threshold: f64,
    /// The backends at the start.
    #[serde(default)]
    pub backends: Vec<BackendConfig>,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig {
            algorithm: Algorithm::default(),
            passive: None,
            active: None,
            slow_start: None,
            panic_threshold: default_panic_threshold(),
            backends: Vec::new(),
        }
    }
}

impl PoolConfig {
    /// A pool with nothing but an algorithm and backends.
    pub fn new(algorithm: Algorithm, backends: Vec<BackendConfig>) -> PoolConfig {
        PoolConfig { algorithm, backends, ..PoolConfig::default() }
    }

    /// Says what is wrong, if anything; [`Pool::try_new`](crate::Pool::try_new) asks this.
    pub fn validate(&self) -> Result<(), ConfigError> {
        // Written so that NaN is refused as well.
        if !(0.0..=1.0).contains(&self.panic_threshold) {
            return Err(ConfigError::new("panic_threshold", self.panic_threshold, "a share from 0 to 1"));
        }
        self.passive.as_ref().map_or(Ok(()), PassiveHealth::validate)?;
        self.active.as_ref().map_or(Ok(()), ActiveHealth::validate)?;
        self.slow_start.as_ref().map_or(Ok(()), SlowStart::validate)?;
        let mut seen = BTreeSet::new();
        for backend in &self.backends {
            if !seen.insert(backend.id) {
                return Err(ConfigError::new("backends.id", backend.id, "each id once"));
            }
            if backend.weight > WEIGHT_MAX {
                return Err(ConfigError::new("backends.weight", backend.weight, format!("0 to {WEIGHT_MAX}")));
            }
        }
        Ok(())
    }
}
