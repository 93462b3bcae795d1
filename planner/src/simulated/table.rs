//! The `[autoscaler]` table, key by key.

use balancer::Nanos;
use simulator::scenario::Reader;
use simulator::{Discipline, Scenario, ScenarioError, ServiceDist};

use super::SERVICE;
use super::backlog::BacklogPolicy;
use super::extra::Extra;
use crate::calendar::Holidays;
use crate::config::{Capacity, HpaPolicy, Mode, Policy, PredictivePolicy, Rails, ServiceConfig, Slo};

/// What the table asks for.
pub(super) enum Choice {
    /// Always the same size.
    Static { replicas: u32, interval: Nanos },
    /// Sizes on a timetable.
    Scheduled { steps: Vec<(Nanos, u32)>, boot: Nanos, interval: Nanos },
    /// By the length of the broker's queue.
    Backlog(BacklogPolicy),
    /// The control loop.
    Planned { config: Box<ServiceConfig>, extra: Extra },
}

const SHARE: &str = "a number above 0, at most 1";
const POLICIES: &str = "\"predictive\", \"hpa\", \"static\", \"schedule\", \"backlog\"";
/// Those of all policies. Which of them a policy has is known only when it has been read.
const KEYS: [&str; 30] = [
    "policy",
    "interval",
    "min",
    "max",
    "step_up",
    "step_down",
    "stabilisation",
    "stabilisation_up",
    "scale_up",
    "scale_down",
    "cool_down",
    "target",
    "tolerance",
    "quantile",
    "fallback_target",
    "fallback_stabilisation",
    "lead_time",
    "ramp",
    "forecast_every",
    "forecast_update",
    "forecast_max_age",
    "time_zone",
    "holidays",
    "rps_per_replica",
    "service_time_ms",
    "more",
    "replicas",
    "steps",
    "per_replica",
    "in_service",
];
/// A fleet size as the simulator can hold it.
pub(super) const MOST: u64 = simulator::scenario::MOST_REPLICAS as u64;

/// Something for each key that some policy can't be without.
pub(super) fn stand_ins() -> toml::Table {
    let numbers = [("max", MOST as i64), ("replicas", 1), ("per_replica", 1), ("rps_per_replica", 1)];
    numbers.into_iter().map(|(key, value)| (key.to_owned(), toml::Value::Integer(value))).collect()
}

pub(super) fn read(table: &toml::Table, scenario: &Scenario) -> Result<Choice, ScenarioError> {
    let mut reader = Reader::new("autoscaler", table);
    reader.only(&KEYS)?;
    let interval = reader.duration("interval")?.unwrap_or(Nanos(15_000_000_000));
    if interval.0 < 1_000_000 {
        return Err(reader.error("interval", "1ms or more"));
    }
    let policy = reader.string("policy", POLICIES)?;
    let policy = reader.required(policy, "policy", POLICIES)?;
    // Of the way down: the HPA's window back, the predictive policy's window ahead.
    let fixed = matches!(policy, "static" | "schedule");
    let stabilisation_ms = if fixed { 0 } else { duration_ms(&mut reader, "stabilisation", 300_000)? };
    let choice = match policy {
        "static" => {
            let replicas = reader.integer("replicas", 1, MOST)?;
            let replicas = reader.required(replicas, "replicas", "a whole number from 1 on")?;
            Choice::Static { replicas: replicas as u32, interval }
        }
        "schedule" => {
            let boot = scenario.pools.first().map_or(Nanos(0), |pool| pool.boot_delay);
            Choice::Scheduled { steps: steps(&mut reader)?, boot, interval }
        }
        "backlog" => Choice::Backlog(super::backlog::read(&mut reader, scenario, interval, stabilisation_ms)?),
        "predictive" => {
            let policy = predictive(&mut reader)?;
            planned(&mut reader, scenario, Policy::Predictive(policy), interval, stabilisation_ms)?
        }
        "hpa" => {
            let policy = hpa(&mut reader, stabilisation_ms)?;
            planned(&mut reader, scenario, Policy::Hpa(policy), interval, stabilisation_ms)?
        }
        _ => return Err(reader.error("policy", POLICIES)),
    };
    reader.finish()?;
    Ok(choice)
}

/// The timetable: `steps = [{ at = "0s", replicas = 4 }, …]`.
fn steps(reader: &mut Reader) -> Result<Vec<(Nanos, u32)>, ScenarioError> {
    const STEPS: &str = "an array like [{ at = \"0s\", replicas = 4 }, { at = \"1h\", replicas = 9 }], times ascending";
    let mut steps: Vec<(Nanos, u32)> = Vec::new();
    for mut step in reader.tables("steps")? {
        let at = step.duration("at")?;
        let at = step.required(at, "at", "a duration from the start, like \"90m\"")?;
        let replicas = step.integer("replicas", 1, MOST)?;
        let replicas = step.required(replicas, "replicas", "a whole number from 1 on")?;
        if steps.last().is_some_and(|(before, _)| at <= *before) {
            return Err(step.error("at", "a later time than the step before"));
        }
        step.finish()?;
        steps.push((at, replicas as u32));
    }
    if steps.is_empty() { Err(reader.error("steps", STEPS)) } else { Ok(steps) }
}

fn share(reader: &mut Reader, key: &'static str, otherwise: f64) -> Result<f64, ScenarioError> {
    Ok(reader.number(key, SHARE, |x| x > 0.0 && x <= 1.0)?.unwrap_or(otherwise))
}

pub(super) fn duration_ms(reader: &mut Reader, key: &'static str, otherwise_ms: i64) -> Result<i64, ScenarioError> {
    Ok(reader.duration(key)?.map_or(otherwise_ms, ms))
}

pub(super) fn ms(span: Nanos) -> i64 {
    i64::try_from(span.0.div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

fn predictive(reader: &mut Reader) -> Result<PredictivePolicy, ScenarioError> {
    let known = PredictivePolicy::default();
    let quantile = reader.number("quantile", "0.5 to below 1", |x| (0.5..1.0).contains(&x))?.unwrap_or(known.quantile);
    Ok(PredictivePolicy {
        quantile,
        target: share(reader, "target", known.target)?,
        fallback_target: share(reader, "fallback_target", known.fallback_target)?,
        fallback_stabilisation_ms: duration_ms(reader, "fallback_stabilisation", known.fallback_stabilisation_ms)?,
    })
}

fn hpa(reader: &mut Reader, stabilisation_ms: i64) -> Result<HpaPolicy, ScenarioError> {
    let known = HpaPolicy::default();
    let policy = HpaPolicy {
        target: share(reader, "target", known.target)?,
        tolerance: reader.number("tolerance", "0 to below 1", |x| (0.0..1.0).contains(&x))?.unwrap_or(known.tolerance),
        stabilisation_ms,
        ..known
    };
    super::behaviour::read(reader, policy)
}

fn planned(
    reader: &mut Reader,
    scenario: &Scenario,
    policy: Policy,
    interval: Nanos,
    stabilisation_ms: i64,
) -> Result<Choice, ScenarioError> {
    let min = reader.integer("min", 1, MOST)?.unwrap_or(1) as u32;
    let max = reader.integer("max", 1, MOST)?;
    let max = reader.required(max, "max", "a whole number from 1 on")? as u32;
    let step_up = reader.integer("step_up", 1, MOST)?.unwrap_or(MOST) as u32;
    // HPA brings its own limit; the predictive policy goes down step by step.
    let gentle = if matches!(policy, Policy::Predictive(_)) { 1 } else { MOST };
    let step_down = reader.integer("step_down", 1, MOST)?.unwrap_or(gentle) as u32;
    let rails =
        Rails { min, max, step_up, step_down, stabilisation_ms, cool_down_ms: duration_ms(reader, "cool_down", 0)?, max_jump_factor: None };
    let tick_ms = ms(interval);
    let boot_ms = scenario.pools.first().map_or(0, |pool| ms(pool.boot_delay));
    let ramp_ms = duration_ms(reader, "ramp", 0)?;
    let more = reader.number("more", "a whole number, negative for fewer", |x| x == libm::trunc(x) && libm::fabs(x) <= MOST as f64)?;
    let extra = Extra { ramp: ramp_ms > 0, more: more.unwrap_or(0.0) as i32 };
    let forecast_every_ms = duration_ms(reader, "forecast_every", 600_000)?;
    let forecast_update_ms = duration_ms(reader, "forecast_update", 60_000)?;
    let config = ServiceConfig {
        name: SERVICE.to_owned(),
        slo: slo(scenario),
        capacity: capacity(reader, scenario)?,
        lead_time_ms: Some(duration_ms(reader, "lead_time", boot_ms)?),
        rails,
        mode: Mode::Automatic,
        policy,
        tick_ms,
        stale_after_ms: tick_ms.saturating_mul(4).max(180_000),
        forecast_every_ms,
        forecast_update_ms,
        forecast_max_age_ms: duration_ms(reader, "forecast_max_age", forecast_every_ms.saturating_mul(6))?,
        approval_ttl_ms: 900_000,
        drain_ms: 0,
        ramp_ms,
        holds_at: None,
        time_zone: time_zone(reader)?,
        events: Vec::new(),
        holidays: holidays(reader)?,
    };
    Ok(Choice::Planned { config: Box::new(config), extra })
}

/// The zone whose days and hours forecasts go by.
fn time_zone(reader: &mut Reader) -> Result<String, ScenarioError> {
    const ALLOWED: &str = "a name of the IANA time zone database, such as \"Europe/Berlin\" or \"UTC\"";
    let name = reader.string("time_zone", ALLOWED)?.unwrap_or("UTC").to_owned();
    if crate::calendar::zone(&name).is_some() { Ok(name) } else { Err(reader.error("time_zone", ALLOWED)) }
}

/// What isn't as its weekday there: one text or a list.
fn holidays(reader: &mut Reader) -> Result<Vec<Holidays>, ScenarioError> {
    let listed: Vec<&toml::Value> = match reader.value("holidays") {
        None => Vec::new(),
        Some(toml::Value::Array(listed)) => listed.iter().collect(),
        Some(one) => vec![one],
    };
    let read = |value: &toml::Value| match value.as_str().map(str::parse) {
        Some(Ok(holidays)) => Ok(holidays),
        Some(Err::<Holidays, String>(allowed)) => Err(reader.error("holidays", allowed)),
        None => Err(reader.error("holidays", Holidays::ALLOWED)),
    };
    listed.into_iter().map(read).collect()
}

fn slo(scenario: &Scenario) -> Slo {
    // Without an objective the capacity must be declared, and then these numbers are never looked at.
    let (latency_ms, percentile) = scenario.slo.map_or((1_000.0, 99.0), |slo| (slo.latency.as_millis_f64(), slo.percentile));
    Slo { latency_ms, percentile, errors: 1.0 - percentile / 100.0 }
}

/// Declared, or found in the simulator from the pool and the objective.
fn capacity(reader: &mut Reader, scenario: &Scenario) -> Result<Capacity, ScenarioError> {
    if let Some(rps_per_replica) = reader.number("rps_per_replica", "a number above 0", |x| x > 0.0)? {
        return Ok(Capacity::Declared { rps_per_replica });
    }
    let believed_ms = reader.number("service_time_ms", "a number above 0", |x| x > 0.0)?;
    let fits =
        scenario.pools.first().filter(|pool| pool.discipline == Discipline::Fifo && pool.service_time.dist == ServiceDist::Exponential);
    match (fits, scenario.slo) {
        (Some(pool), Some(_)) => Ok(Capacity::Modelled {
            concurrency: pool.concurrency,
            service_time_ms: believed_ms.unwrap_or(pool.service_time.mean_ms / pool.speed),
            queue: pool.queue.unwrap_or(1_000_000).min(1_000_000),
            algorithm: scenario.balancing.pool.algorithm,
        }),
        _ => Err(reader
            .error("rps_per_replica", "a number above 0; it can be left out only with an [slo], discipline fifo and exponential service")
            .across(&["slo", "pools", "balancer.algorithm"])),
    }
}
