//! What a pool is told once, checked once.

use crate::algorithm::Algorithm;
use crate::backend::{BackendConfig, WEIGHT_MAX};
use crate::health::{ActiveHealth, PassiveHealth};
use crate::latency::LatencyEjection;
use crate::tuning::{EwmaRules, HashRules, LevelRules, PrequalRules, Split, choices_default, validate_choices, validate_splits};
use crate::warmup::SlowStart;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

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
    /// Weight 0 for who is too slow, and back by steps; absent = none.
    #[serde(default)]
    pub latency: Option<LatencyEjection>,
    /// Ramp for new and recovered backends; absent = none.
    #[serde(default)]
    pub slow_start: Option<SlowStart>,
    /// If passive health leaves less than this share (0 to 1) of the backends that could serve, ejection is ignored: it is then more
    /// likely that the requests or the network are bad than all those backends, and the few that are left would drown. A backend that
    /// probes call dead stays out, unless probes call every one dead. 0 switches this off: a pool can then be wholly out of service.
    #[serde(default = "default_panic_threshold")]
    pub panic_threshold: f64,
    /// With `d_choices`: how many are drawn, 1 to 16.
    #[serde(default = "choices_default")]
    pub choices: u32,
    /// How latencies are averaged, for the algorithms that look at them.
    #[serde(default)]
    pub ewma: EwmaRules,
    /// Tables and bounded load of the hashes.
    #[serde(default)]
    pub hash: HashRules,
    /// With `prequal`: probes.
    #[serde(default)]
    pub prequal: PrequalRules,
    /// When traffic spills from one level of backends to the next.
    #[serde(default)]
    pub levels: LevelRules,
    /// Shares of the groups (canary, A/B); empty = groups make no difference.
    #[serde(default)]
    pub splits: Vec<Split>,
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
            latency: None,
            choices: choices_default(),
            ewma: EwmaRules::default(),
            hash: HashRules::default(),
            prequal: PrequalRules::default(),
            levels: LevelRules::default(),
            splits: Vec::new(),
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
        self.latency.as_ref().map_or(Ok(()), LatencyEjection::validate)?;
        validate_choices(self.choices)?;
        self.ewma.validate()?;
        self.hash.validate()?;
        self.prequal.validate()?;
        self.levels.validate()?;
        validate_splits(&self.splits)?;
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
