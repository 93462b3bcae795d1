//! Everything that holds across keys or that code can get wrong as well as a file.

use super::balancing::{check_distance, check_pool_config};
use super::broker::check_broker;
use super::connections::check_connections;
use super::door::check_door;
use super::network::check_network;
use super::sessions::check_sessions;
use super::{Arrivals, Discipline, FaultKind, Horizon, MOST_REPLICAS, PoolSpec, Scenario, ScenarioError, ServiceDist, ServiceTime, Warmup};

/// Runs longer than this keep no per-minute timeline unless told so: 31 days.
pub(super) fn longest_timeline_s() -> f64 {
    31.0 * 86_400.0
}

/// Longest timeline that can be asked for, in seconds: ten years of minutes.
const MOST_TIMELINE_S: f64 = 3_650.0 * 86_400.0;

pub(super) fn check(scenario: Scenario) -> Result<Scenario, ScenarioError> {
    let rate = scenario.arrivals.mean_rps();
    if !(rate > 0.0 && rate <= 1e9) {
        return Err(ScenarioError::new(
            "workload.arrivals",
            format!("{rate} requests/s on average"),
            "above 0 and at most 10^9 requests/s",
        ));
    }
    if crate::units::nanos_from_s(scenario.expected_s()).is_none() {
        return Err(ScenarioError::new("requests", format!("{} s at the mean rate", scenario.expected_s()), "a run of at most 100 years"));
    }
    if scenario.timeline && scenario.expected_s() > MOST_TIMELINE_S {
        return Err(ScenarioError::new("timeline", "true", "false for a run of more than ten years"));
    }
    if let (Horizon::Duration(end), Warmup::Fixed(cut)) = (scenario.horizon, scenario.warmup)
        && cut >= end
    {
        return Err(ScenarioError::new("warmup", cut.to_string(), format!("less than the duration, {end}")));
    }
    if scenario.pools.is_empty() {
        return Err(ScenarioError::new("pools", "missing", "at least one [[pools]]"));
    }
    if scenario.autoscaler.is_some() && scenario.pools.len() != 1 {
        return Err(ScenarioError::new("pools", format!("{} pools", scenario.pools.len()), "exactly one with an [autoscaler]"));
    }
    if !(1..=crate::event::MOST_INDEX).contains(&scenario.max_in_flight) {
        let allowed = format!("1 to {}", crate::event::MOST_INDEX);
        return Err(ScenarioError::new("max_in_flight", scenario.max_in_flight.to_string(), allowed));
    }
    let replicas: u64 = scenario.pools.iter().map(|pool| u64::from(pool.replicas)).sum();
    if replicas > u64::from(MOST_REPLICAS) || (replicas == 0 && scenario.autoscaler.is_none()) {
        return Err(ScenarioError::new(
            "pools[0].replicas",
            format!("{replicas} in all pools"),
            format!("1 to {MOST_REPLICAS} in all pools"),
        ));
    }
    for (i, pool) in scenario.pools.iter().enumerate() {
        check_pool(&format!("pools[{i}]"), pool, scenario.dependencies.len())?;
    }
    check_dependencies(&scenario)?;
    check_network(scenario.network.as_ref(), &scenario.pools)?;
    check_faults(&scenario)?;
    check_clients(&scenario)?;
    check_pool_config(&scenario.balancing)?;
    check_distance(&scenario)?;
    check_broker(&scenario)?;
    check_connections(&scenario)?;
    check_sessions(&scenario)?;
    check_door(&scenario)?;
    Ok(scenario)
}

/// Replicas are there, and nobody calls in a circle.
fn check_dependencies(scenario: &Scenario) -> Result<(), ScenarioError> {
    let dependencies = &scenario.dependencies;
    for (i, dependency) in dependencies.iter().enumerate() {
        let name = format!("dependencies[{i}]");
        check_pool(&name, &dependency.pool, dependencies.len())?;
        if dependency.pool.replicas == 0 || dependency.pool.replicas > MOST_REPLICAS {
            let allowed = format!("1 to {MOST_REPLICAS}");
            return Err(ScenarioError::new(format!("{name}.replicas"), dependency.pool.replicas.to_string(), allowed));
        }
    }
    // Take away whoever calls nobody that is left; a circle is what can't be taken away.
    let mut left: Vec<usize> = (0..dependencies.len()).collect();
    loop {
        let free = left.iter().position(|i| dependencies[*i].pool.calls.iter().all(|call| !left.contains(&call.to)));
        let Some(free) = free else { break };
        left.remove(free);
    }
    match left.first() {
        None => Ok(()),
        Some(first) => {
            let names: Vec<&str> = left.iter().map(|i| dependencies[*i].pool.name.as_str()).collect();
            let value = format!("part of a circle: {} call each other", names.join(", "));
            Err(ScenarioError::new(format!("dependencies[{first}].calls"), value, "calls that never come back to who called"))
        }
    }
}

fn check_faults(scenario: &Scenario) -> Result<(), ScenarioError> {
    let all_timed = !scenario.classes.is_empty() && scenario.classes.iter().all(|class| class.timeout.is_some());
    for (i, fault) in scenario.faults.iter().enumerate() {
        let error = |key: &str, value: String, allowed: &str| Err(ScenarioError::new(format!("faults[{i}].{key}"), value, allowed));
        if fault.pools.iter().any(|pool| *pool >= scenario.pools.len() + scenario.dependencies.len()) {
            return error("pool", format!("{:?}", fault.pools), "the index of a pool or dependency");
        }
        if let FaultKind::Slow { factor } = fault.kind
            && !(factor > 0.0 && factor.is_finite())
        {
            return error("factor", factor.to_string(), "a number above 0");
        }
        if matches!(fault.kind, FaultKind::Flapping { period } if period.0 < 2) {
            return error("period", "0".to_owned(), "a duration above 0");
        }
        if fault.kind == FaultKind::Partition && scenario.timeout.is_none() && !all_timed {
            return error("kind", "\"partition\"".to_owned(), "a partition with timeouts.request: without one nobody would ever give up");
        }
    }
    Ok(())
}

fn check_clients(scenario: &Scenario) -> Result<(), ScenarioError> {
    if let Some(patience) = &scenario.clients.patience {
        check_time("clients.patience", patience)?;
    }
    if let Arrivals::Closed { sessions, think } = &scenario.arrivals {
        check_time("workload.arrivals.think", think)?;
        if *sessions == 0 || *sessions > 1_000_000 {
            return Err(ScenarioError::new("workload.arrivals.sessions", sessions.to_string(), "a whole number from 1 to 1000000"));
        }
    }
    for (i, class) in scenario.classes.iter().enumerate() {
        if !(class.share > 0.0 && class.share.is_finite() && class.work > 0.0 && class.work.is_finite()) {
            let value = format!("{} with work {}", class.share, class.work);
            return Err(ScenarioError::new(format!("workload.classes[{i}].share"), value, "numbers above 0"));
        }
    }
    Ok(())
}

fn check_pool(name: &str, pool: &PoolSpec, dependencies: usize) -> Result<(), ScenarioError> {
    let error = |key: &str, value: String, allowed: &str| Err(ScenarioError::new(format!("{name}.{key}"), value, allowed));
    if pool.concurrency == 0 {
        return error("concurrency", "0".to_owned(), "a whole number from 1 on");
    }
    if pool.weight > balancer::WEIGHT_MAX {
        return error("weight", pool.weight.to_string(), "a whole number from 0 to 1000000");
    }
    check_time(&format!("{name}.service_time"), &pool.service_time)?;
    if !(pool.speed > 0.0 && pool.speed.is_finite()) {
        return error("speed", pool.speed.to_string(), "a number above 0");
    }
    if !(0.0..=1.0).contains(&pool.failure) {
        return error("failure", pool.failure.to_string(), "a share from 0 to 1");
    }
    if pool.contention.is_some() && pool.discipline != Discipline::Ps {
        return error("contention", "there".to_owned(), "a pool with discipline = \"ps\"");
    }
    if let Some(call) = pool.calls.iter().find(|call| call.to >= dependencies || !(0.0..=1.0).contains(&call.probability)) {
        return error("calls", format!("{call:?}"), "calls to dependencies that exist, with a probability from 0 to 1");
    }
    Ok(())
}

fn check_time(name: &str, time: &ServiceTime) -> Result<(), ScenarioError> {
    let error = |key: &str, value: String, allowed: &str| Err(ScenarioError::new(format!("{name}.{key}"), value, allowed));
    if !(time.mean_ms > 0.0 && time.mean_ms <= 1e12) {
        return error("mean_ms", time.mean_ms.to_string(), "a number above 0, at most 10^12");
    }
    match &time.dist {
        ServiceDist::Deterministic | ServiceDist::Exponential => Ok(()),
        ServiceDist::Lognormal { scv } | ServiceDist::Gamma { scv } if *scv > 0.0 && *scv <= 1e4 => Ok(()),
        ServiceDist::Hyperexponential { scv } if (1.0..=1e4).contains(scv) => Ok(()),
        ServiceDist::Pareto { alpha } if *alpha > 1.0 && *alpha <= 1e3 => Ok(()),
        ServiceDist::Pareto { alpha } => error("alpha", alpha.to_string(), "a number above 1, at most 1000"),
        ServiceDist::Empirical { shape } if !shape.is_empty() && shape.iter().all(|x| x.is_finite() && *x >= 0.0) => Ok(()),
        ServiceDist::Empirical { .. } => error("values_ms", "empty or not finite".to_owned(), "a list of numbers from 0 on"),
        dist => error("scv", dist.scv().to_string(), "above 0 (hyperexponential: from 1 on), at most 10000"),
    }
}
