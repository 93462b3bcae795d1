//! The `[balancer]` and `[retries]` tables: the balancer's own configuration, so that a rule that is simulated is the rule that runs.

use balancer::{Algorithm, ConfigError, LevelRules, PoolConfig, RetryPolicy};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::door::read_door;
use super::{Door, Reader, Scenario, ScenarioError};

/// Who picks, and by which rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Balancing {
    /// Algorithm, health and slow start. Its `backends` are empty: they are the scenario's replicas.
    pub pool: PoolConfig,
    /// Each region's balancer has the replicas of all regions, on levels by their distance from it, instead of those of its region alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_distance: bool,
    /// Requests of one user have the same key, for the hashes.
    pub key_by_user: bool,
    /// Users stay with the replica that answered them last, while it can be picked.
    pub sticky: bool,
    /// Limits in front of the picks.
    pub door: Door,
    /// Retries; `None` = every request is tried once.
    pub retries: Option<RetryRule>,
}

impl Default for Balancing {
    fn default() -> Self {
        Self {
            pool: PoolConfig::new(Algorithm::default(), Vec::new()),
            by_distance: false,
            key_by_user: false,
            sticky: false,
            door: Door::default(),
            retries: None,
        }
    }
}

/// The balancer's retry policy, and what it can't know of simulated requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RetryRule {
    /// Which failures, how often, and the budget.
    pub policy: RetryPolicy,
    /// Whether requests may be carried out twice.
    pub idempotent: bool,
}

pub(super) fn read_balancing(balancer: Option<Reader>, retries: Option<Reader>) -> Result<Balancing, ScenarioError> {
    let mut balancing = Balancing::default();
    if let Some(mut table) = balancer {
        let names = Algorithm::NAMES.map(|name| format!("\"{name}\"")).join(", ");
        if let Some(name) = table.string("algorithm", &names)? {
            balancing.pool.algorithm = name.parse().map_err(|_: ConfigError| table.error("algorithm", names.as_str()))?;
        }
        balancing.pool.passive = nested(&mut table, "passive")?;
        balancing.pool.active = nested(&mut table, "active")?;
        balancing.pool.slow_start = nested(&mut table, "slow_start")?;
        balancing.pool.latency = nested(&mut table, "latency")?;
        balancing.pool.choices = table.integer("choices", 1, 16)?.map_or(balancing.pool.choices, |choices| choices as u32);
        balancing.pool.ewma = nested(&mut table, "ewma")?.unwrap_or(balancing.pool.ewma);
        balancing.pool.hash = nested(&mut table, "hash")?.unwrap_or(balancing.pool.hash);
        balancing.pool.prequal = nested(&mut table, "prequal")?.unwrap_or(balancing.pool.prequal);
        if let Some(levels) = table.table("levels")? {
            (balancing.pool.levels, balancing.by_distance) = read_levels(levels)?;
        }
        balancing.pool.splits = nested(&mut table, "splits")?.unwrap_or_default();
        balancing.door = read_door(&mut table)?;
        let share = table.number("panic_threshold", "a share from 0 to 1", |share| (0.0..=1.0).contains(&share))?;
        balancing.pool.panic_threshold = share.unwrap_or(balancing.pool.panic_threshold);
        balancing.key_by_user = match table.string("key", "\"user\"")? {
            None => false,
            Some("user") => true,
            Some(_) => return Err(table.error("key", "\"user\"")),
        };
        balancing.sticky = table.boolean("sticky")?.unwrap_or(false);
        table.finish()?;
    }
    if let Some(mut table) = retries {
        let idempotent = table.boolean("idempotent")?.unwrap_or(true);
        let mut policy = RetryPolicy::default();
        policy.max_attempts = table.integer("max_attempts", 1, 100)?.map_or(policy.max_attempts, |attempts| attempts as u32);
        policy.timeouts = table.boolean("timeouts")?.unwrap_or(policy.timeouts);
        policy.server_errors = table.boolean("server_errors")?.unwrap_or(policy.server_errors);
        policy.overloads = table.boolean("overloads")?.unwrap_or(policy.overloads);
        policy.budget = nested(&mut table, "budget")?.unwrap_or(policy.budget);
        table.finish()?;
        balancing.retries = Some(RetryRule { policy, idempotent });
    }
    Ok(balancing)
}

/// When traffic leaves a level, and whether levels are those of the pools or distances.
fn read_levels(mut levels: Reader) -> Result<(LevelRules, bool), ScenarioError> {
    const BY: &str = "\"pool\" (the level that each pool has) or \"distance\" (from the balancer of each region)";
    levels.only(&["by", "overprovisioning_percent", "full_at"])?;
    let by_distance = match levels.string("by", BY)?.unwrap_or("pool") {
        "pool" => false,
        "distance" => true,
        _ => return Err(levels.error("by", BY)),
    };
    let known = LevelRules::default();
    let percent = levels.integer("overprovisioning_percent", 100, 1_000)?;
    let overprovisioning_percent = percent.map_or(known.overprovisioning_percent, |percent| percent as u32);
    let full_at = levels.integer("full_at", 1, u64::from(u32::MAX))?.map(|full_at| full_at as u32);
    levels.finish()?;
    Ok((LevelRules { overprovisioning_percent, full_at }, by_distance))
}

/// Distances need regions, and leave no room for levels by hand.
pub(super) fn check_distance(scenario: &Scenario) -> Result<(), ScenarioError> {
    if !scenario.balancing.by_distance {
        return Ok(());
    }
    if scenario.network.is_none() {
        let error =
            ScenarioError::new("balancer.levels.by", "\"distance\"", "\"distance\" with [[regions]] only: without them all is near");
        return Err(error.across(&["regions"]));
    }
    match scenario.pools.iter().position(|pool| pool.place.level > 0) {
        Some(at) => {
            let value = scenario.pools[at].place.level.to_string();
            let allowed = "no level with balancer.levels.by = \"distance\": the distance is the level";
            Err(ScenarioError::new(format!("pools[{at}].level"), value, allowed).across(&["balancer.levels"]))
        }
        None => Ok(()),
    }
}

/// A table that one of the balancer's own types reads.
pub(super) fn nested<T: DeserializeOwned>(table: &mut Reader, key: &'static str) -> Result<Option<T>, ScenarioError> {
    let Some(value) = table.value(key) else { return Ok(None) };
    value.clone().try_into().map(Some).map_err(|error: toml::de::Error| from_serde(&table.name(key), &error))
}

/// serde's "what is wrong, expected what" in our three parts.
fn from_serde(key: &str, error: &toml::de::Error) -> ScenarioError {
    let message = error.message();
    match message.split_once(", expected ").or_else(|| message.split_once("; allowed is ")) {
        Some((wrong, allowed)) => ScenarioError::new(key, format!("wrong: {wrong}"), allowed),
        None => ScenarioError::new(key, format!("wrong: {message}"), "what the balancer's documentation lists"),
    }
}

pub(super) fn check_pool_config(balancing: &Balancing) -> Result<(), ScenarioError> {
    let place = |error: ConfigError| ScenarioError::new(format!("balancer.{}", error.key), error.value, error.allowed);
    balancing.pool.validate().map_err(place)?;
    if !balancing.pool.backends.is_empty() {
        return Err(ScenarioError::new("balancer.backends", "not empty", "nothing: the backends are the replicas of [[pools]]"));
    }
    if let Some(rule) = balancing.retries {
        rule.policy
            .validate()
            .map_err(|error| ScenarioError::new(error.key.replacen("retry", "retries", 1), error.value, error.allowed))?;
    }
    Ok(())
}
