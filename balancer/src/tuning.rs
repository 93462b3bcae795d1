//! The settings of single algorithms, of levels and of splits.

use crate::config::ConfigError;
use crate::time::{Nanos, span};
use serde::{Deserialize, Serialize};

/// More draws than this gain nothing: the gain from 2 to 3 is already small.
pub(crate) const CHOICES_MAX: usize = 16;

pub(crate) fn choices_default() -> u32 {
    3
}

pub(crate) fn validate_choices(choices: u32) -> Result<(), ConfigError> {
    let allowed = 1..=CHOICES_MAX as u32;
    if allowed.contains(&choices) { Ok(()) } else { Err(ConfigError::new("choices", choices, format!("1 to {CHOICES_MAX}"))) }
}

/// How latencies are averaged: exponentially, by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EwmaRules {
    /// After this long an observation counts 1/e of what it did (linkerd's default: 10 s). Domain time.
    #[serde(with = "span")]
    pub decay: Nanos,
}

impl Default for EwmaRules {
    fn default() -> EwmaRules {
        EwmaRules { decay: Nanos::from_secs(10) }
    }
}

impl EwmaRules {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.decay == Nanos::ZERO { Err(ConfigError::new("ewma.decay", self.decay, "longer than 0s")) } else { Ok(()) }
    }
}

/// The hashes' tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashRules {
    /// With `ring_hash`: points on the ring of a backend with the largest weight (somewhat fewer: see the algorithm), 1 to 1000. More
    /// points share more evenly and cost memory.
    pub points: u32,
    /// With `maglev`: entries of the table, a prime from 11 to 5000011, best a hundred times the backends.
    pub table_size: u32,
    /// Bounded load: nobody gets more than this percentage of its fair share of the requests in flight (125: a quarter more); the key's
    /// next choice gets them instead. 101 to 1000; absent = no bound.
    pub bound_percent: Option<u32>,
}

impl Default for HashRules {
    fn default() -> HashRules {
        HashRules { points: 100, table_size: 65_537, bound_percent: None }
    }
}

fn is_prime(number: u32) -> bool {
    number >= 2 && (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}

impl HashRules {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=1_000).contains(&self.points) {
            return Err(ConfigError::new("hash.points", self.points, "1 to 1000"));
        }
        if !(11..=5_000_011).contains(&self.table_size) || !is_prime(self.table_size) {
            return Err(ConfigError::new("hash.table_size", self.table_size, "a prime from 11 to 5000011, such as 65537"));
        }
        match self.bound_percent {
            Some(percent) if !(101..=1_000).contains(&percent) => {
                Err(ConfigError::new("hash.bound_percent", percent, "101 to 1000, or absent"))
            }
            _ => Ok(()),
        }
    }
}

/// Prequal's probes, in the words of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrequalRules {
    /// Probes per request (r_probe), 1 to 8.
    pub probes: u32,
    /// Probes that are kept (m), 2 to 64.
    pub keep: u32,
    /// How long a probe is believed. Domain time.
    #[serde(with = "span")]
    pub max_age: Nanos,
    /// A backend is hot above this quantile of the requests in flight that were seen lately, 0 to 1 (the paper: 2^−0.25).
    pub hot_quantile: f64,
    /// Whether the answers come from outside, by [`Pool::probe_answer`](crate::Pool::probe_answer). Otherwise the pool's own counts and
    /// latencies answer, which are never old and see only this pool's requests.
    pub external: bool,
}

impl Default for PrequalRules {
    fn default() -> PrequalRules {
        PrequalRules { probes: 3, keep: 16, max_age: Nanos::from_secs(1), hot_quantile: 0.84, external: false }
    }
}

impl PrequalRules {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=8).contains(&self.probes) {
            return Err(ConfigError::new("prequal.probes", self.probes, "1 to 8"));
        }
        if !(2..=64).contains(&self.keep) {
            return Err(ConfigError::new("prequal.keep", self.keep, "2 to 64"));
        }
        if self.max_age == Nanos::ZERO {
            return Err(ConfigError::new("prequal.max_age", self.max_age, "longer than 0s"));
        }
        // Written so that NaN is refused as well.
        if !(0.0..=1.0).contains(&self.hot_quantile) {
            return Err(ConfigError::new("prequal.hot_quantile", self.hot_quantile, "0 to 1"));
        }
        Ok(())
    }
}

/// When traffic leaves a level for the next one (Envoy's priority levels with their overprovisioning factor, and a limit by load).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevelRules {
    /// A level takes all traffic while its weight in service times this percentage is at least its whole weight (140: while 71 % of it
    /// is in service); below that, the rest goes on to the next level in proportion. 100 to 1000.
    pub overprovisioning_percent: u32,
    /// Requests in flight per unit of effective weight at which a level is full, and further requests go to the next; absent = never.
    pub full_at: Option<u32>,
}

impl Default for LevelRules {
    fn default() -> LevelRules {
        LevelRules { overprovisioning_percent: 140, full_at: None }
    }
}

impl LevelRules {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !(100..=1_000).contains(&self.overprovisioning_percent) {
            return Err(ConfigError::new("levels.overprovisioning_percent", self.overprovisioning_percent, "100 to 1000"));
        }
        if self.full_at == Some(0) {
            return Err(ConfigError::new("levels.full_at", 0, "1 or more, or absent"));
        }
        Ok(())
    }
}

/// The share of one group of backends: canary and A/B splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Which ([`Place::group`](crate::Place::group)).
    pub group: u8,
    /// Its share relative to the other groups, 0 to 1000000; with 0 it gets only the requests that ask for it
    /// ([`PickRequest::group`](crate::PickRequest::group)).
    pub weight: u32,
}

pub(crate) fn validate_splits(splits: &[Split]) -> Result<(), ConfigError> {
    for (at, split) in splits.iter().enumerate() {
        if splits[..at].iter().any(|other| other.group == split.group) {
            return Err(ConfigError::new("splits.group", split.group, "each group once"));
        }
        if split.weight > 1_000_000 {
            return Err(ConfigError::new("splits.weight", split.weight, "0 to 1000000"));
        }
    }
    if !splits.is_empty() && splits.iter().all(|split| split.weight == 0) {
        return Err(ConfigError::new("splits.weight", 0, "at least one group with a weight above 0"));
    }
    Ok(())
}
