//! `[[pools]]` and `[[dependencies]]`.

use std::sync::Arc;

use balancer::{Algorithm, ConfigError, Nanos, Place};

use super::parse::POSITIVE;
use super::{Call, Contention, Dependency, Discipline, Memory, PoolSpec, Reader, Region, ScenarioError, ServiceDist, ServiceTime, WarmUp};

const POOL_KEYS: [&str; 20] = [
    "name",
    "replicas",
    "weight",
    "concurrency",
    "queue",
    "discipline",
    "service_time",
    "speed",
    "boot_delay",
    "warm_up",
    "failure",
    "memory",
    "contention",
    "calls",
    "replica_hour",
    "level",
    "backup",
    "group",
    "region",
    "algorithm",
];

/// A pool whose calls still go by name.
pub(super) struct Named {
    pub spec: PoolSpec,
    pub algorithm: Algorithm,
    pub calls: Vec<(String, f64, bool, ScenarioError)>,
}

/// Reads all pools and dependencies, and finds whom each calls.
pub(super) fn read_pools(
    pools: Vec<Reader>,
    dependencies: Vec<Reader>,
    regions: &[Region],
) -> Result<(Vec<PoolSpec>, Vec<Dependency>), ScenarioError> {
    let dependency_keys: Vec<&str> =
        POOL_KEYS.into_iter().filter(|key| !matches!(*key, "region" | "level" | "backup" | "group" | "replica_hour")).collect();
    let mut pools = pools.into_iter().map(|pool| read_pool(pool, "pool", &POOL_KEYS[..19], regions)).collect::<Result<Vec<_>, _>>()?;
    let mut dependencies = dependencies
        .into_iter()
        .map(|dependency| read_pool(dependency, "dependency", &dependency_keys, &[]))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = dependencies.iter().map(|named| named.spec.name.clone()).collect();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(ScenarioError::new(format!("dependencies[{i}].name"), format!("\"{name}\""), "a name that no other has"));
        }
    }
    for named in pools.iter_mut().chain(&mut dependencies) {
        for (to, probability, hold, unknown) in std::mem::take(&mut named.calls) {
            let to = names.iter().position(|name| *name == to).ok_or_else(|| {
                let known = if names.is_empty() { "a name from [[dependencies]]; there are none".to_owned() } else { names.join(", ") };
                ScenarioError { allowed: known, ..unknown }.across(&["dependencies.name"])
            })?;
            named.spec.calls.push(Call { to, probability, hold });
        }
    }
    let dependencies = dependencies.into_iter().map(|named| Dependency { pool: named.spec, algorithm: named.algorithm }).collect();
    Ok((pools.into_iter().map(|named| named.spec).collect(), dependencies))
}

fn read_pool(mut pool: Reader, default_name: &str, keys: &[&str], regions: &[Region]) -> Result<Named, ScenarioError> {
    const QUEUE: &str = "\"unbounded\" or a whole number from 0 to 4294967295";
    const SERVICE: &str = "a table like { dist = \"exponential\", mean_ms = 100.0 }";
    const SHARE: &str = "a share from 0 to 1";
    pool.only(keys)?;
    let name = pool.string("name", "a text")?.unwrap_or(default_name).to_owned();
    let replicas = pool.integer("replicas", 0, u64::from(super::MOST_REPLICAS))?.unwrap_or(1) as u32;
    let region = read_region(&mut pool, regions)?;
    let weight = pool.integer("weight", 0, 1_000_000)?.unwrap_or(1) as u32;
    let place = read_place(&mut pool)?;
    let replica_hour = pool.number("replica_hour", "a price per replica and hour, from 0 on", |price| price >= 0.0)?;
    let concurrency = pool.integer("concurrency", 1, 1_000_000)?;
    let concurrency = pool.required(concurrency, "concurrency", "a whole number from 1 to 1000000")? as u32;
    let queue = match pool.value("queue") {
        None => None,
        Some(toml::Value::String(text)) if text == "unbounded" => None,
        Some(toml::Value::Integer(number)) => Some(u32::try_from(*number).map_err(|_| pool.error("queue", QUEUE))?),
        Some(_) => return Err(pool.error("queue", QUEUE)),
    };
    let discipline = read_discipline(&mut pool)?;
    let service = pool.table("service_time")?;
    let service_time = read_service(pool.required(service, "service_time", SERVICE)?)?;
    let speed = pool.number("speed", POSITIVE, |speed| speed > 0.0)?.unwrap_or(1.0);
    let boot_delay = pool.duration("boot_delay")?.unwrap_or(Nanos(0));
    let warm_up = pool.table("warm_up")?.map(read_warm_up).transpose()?;
    let failure = pool.number("failure", SHARE, |share| (0.0..=1.0).contains(&share))?.unwrap_or(0.0);
    let memory = pool.table("memory")?.map(|memory| read_memory(memory, boot_delay)).transpose()?;
    let contention = pool.table("contention")?.map(read_contention).transpose()?;
    let calls = read_calls(&mut pool)?;
    let names = Algorithm::NAMES.map(|name| format!("\"{name}\"")).join(", ");
    let algorithm = match pool.string("algorithm", &names)? {
        None => Algorithm::default(),
        Some(name) => name.parse().map_err(|_: ConfigError| pool.error("algorithm", names.as_str()))?,
    };
    pool.finish()?;
    let spec = PoolSpec {
        name,
        replicas,
        region,
        weight,
        place,
        replica_hour,
        concurrency,
        discipline,
        queue,
        service_time,
        speed,
        boot_delay,
        warm_up,
        failure,
        memory,
        contention,
        calls: Vec::new(),
    };
    Ok(Named { spec, algorithm, calls })
}

/// The index of the region, 0 when there are none; with regions every pool must say where it is.
fn read_region(pool: &mut Reader, regions: &[Region]) -> Result<usize, ScenarioError> {
    let names = || regions.iter().map(|region| format!("\"{}\"", region.name)).collect::<Vec<_>>().join(", ");
    match pool.string("region", "the name of a region")? {
        None if regions.is_empty() => Ok(0),
        found => regions
            .iter()
            .position(|region| Some(region.name.as_str()) == found)
            .ok_or_else(|| pool.error("region", if regions.is_empty() { "nothing: there are no [[regions]]".to_owned() } else { names() }))
            .map_err(|error| error.across(&["regions.name"])),
    }
}

fn read_place(pool: &mut Reader) -> Result<Place, ScenarioError> {
    let byte = |pool: &mut Reader, key| pool.integer(key, 0, 255).map(|found| found.unwrap_or(0) as u8);
    Ok(Place { level: byte(pool, "level")?, group: byte(pool, "group")?, backup: pool.boolean("backup")?.unwrap_or(false) })
}

fn read_discipline(pool: &mut Reader) -> Result<Discipline, ScenarioError> {
    const DISCIPLINES: &str = "\"fifo\", \"ps\", \"priority\" or \"preemptive_priority\"";
    match pool.string("discipline", DISCIPLINES)?.unwrap_or("fifo") {
        "fifo" => Ok(Discipline::Fifo),
        "ps" => Ok(Discipline::Ps),
        "priority" => Ok(Discipline::Priority),
        "preemptive_priority" => Ok(Discipline::PreemptivePriority),
        _ => Err(pool.error("discipline", DISCIPLINES)),
    }
}

fn read_calls(pool: &mut Reader) -> Result<Vec<(String, f64, bool, ScenarioError)>, ScenarioError> {
    const NAME: &str = "the name of a dependency";
    let mut calls = Vec::new();
    for mut call in pool.tables("calls")? {
        call.only(&["to", "probability", "hold"])?;
        let to = call.string("to", NAME)?;
        let to = call.required(to, "to", NAME)?.to_owned();
        let probability = call.number("probability", "a share from 0 to 1", |p| (0.0..=1.0).contains(&p))?.unwrap_or(1.0);
        let hold = call.boolean("hold")?.unwrap_or(true);
        let unknown = call.error("to", NAME);
        call.finish()?;
        calls.push((to, probability, hold, unknown));
    }
    Ok(calls)
}

fn read_warm_up(mut warm_up: Reader) -> Result<WarmUp, ScenarioError> {
    const SPEED: &str = "a share of the full speed, above 0, at most 1";
    warm_up.only(&["lasts", "speed"])?;
    let lasts = warm_up.duration("lasts")?;
    let lasts = warm_up.required(lasts, "lasts", crate::units::DURATION_FORM)?;
    let speed = warm_up.number("speed", SPEED, |speed| speed > 0.0 && speed <= 1.0)?;
    let speed = warm_up.required(speed, "speed", SPEED)?;
    warm_up.finish()?;
    Ok(WarmUp { lasts, speed })
}

fn read_memory(mut memory: Reader, boot_delay: Nanos) -> Result<Memory, ScenarioError> {
    const MIB: &str = "a number above 0, in MiB";
    memory.only(&["limit_mib", "base_mib", "per_request_mib", "restart"])?;
    let limit = memory.number("limit_mib", MIB, |mib| mib > 0.0)?;
    let limit_mib = memory.required(limit, "limit_mib", MIB)?;
    let base_mib = memory.number("base_mib", "a number from 0 on, below limit_mib", |mib| (0.0..limit_mib).contains(&mib))?.unwrap_or(0.0);
    let per_request = memory.number("per_request_mib", MIB, |mib| mib > 0.0)?;
    let per_request_mib = memory.required(per_request, "per_request_mib", MIB)?;
    let restart = memory.duration("restart")?.unwrap_or(boot_delay);
    memory.finish()?;
    Ok(Memory { limit_mib, base_mib, per_request_mib, restart })
}

fn read_contention(mut contention: Reader) -> Result<Contention, ScenarioError> {
    const SHARE: &str = "a number from 0 to 1";
    contention.only(&["sigma", "kappa"])?;
    let sigma = contention.number("sigma", SHARE, |x| (0.0..=1.0).contains(&x))?.unwrap_or(0.0);
    let kappa = contention.number("kappa", SHARE, |x| (0.0..=1.0).contains(&x))?.unwrap_or(0.0);
    contention.finish()?;
    Ok(Contention { sigma, kappa })
}

const DISTS: &str =
    "\"exponential\", \"deterministic\", \"lognormal\", \"gamma\", \"hyperexponential\", \"erlang\", \"pareto\", \"empirical\"";

/// A table `{ dist, … }`, for service, think and patience times.
pub(super) fn read_service(mut service: Reader) -> Result<ServiceTime, ScenarioError> {
    service.only(&["dist", "mean_ms", "scv", "k", "alpha", "values_ms"])?;
    let dist = service.string("dist", DISTS)?;
    let dist = service.required(dist, "dist", DISTS)?;
    if dist == "empirical" {
        return read_empirical(service);
    }
    let mean = service.number("mean_ms", POSITIVE, |mean| mean > 0.0)?;
    let mean_ms = service.required(mean, "mean_ms", POSITIVE)?;
    let mut scv = |least: f64, allowed: &str| -> Result<f64, ScenarioError> {
        let scv = service.number("scv", allowed, |scv| scv > 0.0 && scv >= least && scv <= 1e4)?;
        service.required(scv, "scv", allowed)
    };
    const SCV: &str = "a squared coefficient of variation above 0, at most 10000";
    let dist = match dist {
        "exponential" => ServiceDist::Exponential,
        "deterministic" => ServiceDist::Deterministic,
        "lognormal" => ServiceDist::Lognormal { scv: scv(0.0, SCV)? },
        "gamma" => ServiceDist::Gamma { scv: scv(0.0, SCV)? },
        "hyperexponential" => ServiceDist::Hyperexponential { scv: scv(1.0, "a squared coefficient of variation from 1 to 10000")? },
        "erlang" => {
            let k = service.integer("k", 1, 10_000)?;
            ServiceDist::Gamma { scv: 1.0 / service.required(k, "k", "a number of stages from 1 to 10000")? as f64 }
        }
        "pareto" => {
            const ALPHA: &str = "a number above 1, at most 1000";
            let alpha = service.number("alpha", ALPHA, |alpha| alpha > 1.0 && alpha <= 1e3)?;
            ServiceDist::Pareto { alpha: service.required(alpha, "alpha", ALPHA)? }
        }
        _ => return Err(service.error("dist", DISTS)),
    };
    service.finish()?;
    Ok(ServiceTime { dist, mean_ms })
}

fn read_empirical(mut service: Reader) -> Result<ServiceTime, ScenarioError> {
    const VALUES: &str = "a list of numbers from 0 on, not all 0";
    let numbers = |value: &toml::Value| match value {
        toml::Value::Float(x) => Some(*x),
        toml::Value::Integer(x) => Some(*x as f64),
        _ => None,
    };
    let values: Option<Vec<f64>> = match service.value("values_ms") {
        Some(toml::Value::Array(values)) => values.iter().map(numbers).collect(),
        _ => None,
    };
    let valid = |values: &Vec<f64>| values.iter().all(|x| x.is_finite() && *x >= 0.0) && values.iter().sum::<f64>() > 0.0;
    let Some(mut values) = values.filter(valid) else { return Err(service.error("values_ms", VALUES)) };
    service.finish()?;
    values.sort_by(f64::total_cmp);
    let mean_ms = values.iter().sum::<f64>() / values.len() as f64;
    let shape: Arc<[f64]> = values.iter().map(|x| x / mean_ms).collect();
    Ok(ServiceTime { dist: ServiceDist::Empirical { shape }, mean_ms })
}
