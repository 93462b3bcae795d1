//! From TOML to a checked scenario.

use balancer::Nanos;

use super::balancing::read_balancing;
use super::builder::{check, longest_timeline_s};
use super::series::{SeriesSource, read_series};
use super::{
    Arrivals, Discipline, History, Horizon, MAX_IN_FLIGHT, PoolSpec, Reader, Scenario, ScenarioError, ServiceDist, ServiceTime, Slo, Warmup,
};
use crate::event::MOST_INDEX;

pub(super) const POSITIVE: &str = "a number above 0";
const DISTS: &str = "\"exponential\", \"deterministic\", \"lognormal\", \"gamma\", \"hyperexponential\"";
const SLO_ALLOWED: &str = "a number above 0 and below 100";
/// 10^12 requests are two days at a moonshot's rate: more is a typing error.
const MOST_REQUESTS: u64 = 1_000_000_000_000;

const ROOT_KEYS: [&str; 16] = [
    "name",
    "seed",
    "replications",
    "requests",
    "duration",
    "warmup",
    "timeline",
    "max_in_flight",
    "workload",
    "slo",
    "timeouts",
    "cost",
    "balancer",
    "retries",
    "pools",
    "autoscaler",
];

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] names the key, the value and what is allowed; also for keys that don't exist.
    pub fn parse(text: &str, source: &dyn SeriesSource) -> Result<Self, ScenarioError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            ScenarioError::new(format!("line {line}"), error.message().replace('\n', ", "), "valid TOML")
        })?;
        let mut root = Reader::new("", &table);
        root.only(&ROOT_KEYS)?;
        let name = root.string("name", "a text")?.unwrap_or("scenario").to_owned();
        let seed = root.integer("seed", 0, i64::MAX as u64)?.unwrap_or(1);
        let replications = root.integer("replications", 1, 10_000)?.unwrap_or(10) as u32;
        let requests = root.integer("requests", 1, MOST_REQUESTS)?;
        let duration = root.duration("duration")?;
        let warmup = read_warmup(&mut root)?;
        let timeline = root.boolean("timeline")?;
        let max_in_flight = root.integer("max_in_flight", 1, u64::from(MOST_INDEX))?.map_or(MAX_IN_FLIGHT, |most| most as u32);
        let workload = root.table("workload")?;
        let mut workload = root.required(workload, "workload", "a table with the key arrivals")?;
        let (arrivals, history) = read_arrivals(&mut workload, source)?;
        workload.finish()?;
        let horizon = read_horizon(&root, requests, duration, &arrivals)?;
        let slo = root.table("slo")?.map(read_slo).transpose()?;
        let timeout = root.table("timeouts")?.map(read_timeout).transpose()?;
        let price_per_replica_hour = root.table("cost")?.map(read_price).transpose()?;
        let balancer = root.table("balancer")?;
        let retries = root.table("retries")?;
        let balancing = read_balancing(balancer, retries)?;
        let pools = root.tables("pools")?.into_iter().map(read_pool).collect::<Result<Vec<_>, _>>()?;
        let autoscaler = match root.value("autoscaler") {
            None => None,
            Some(toml::Value::Table(table)) => Some(table.clone()),
            Some(_) => return Err(root.error("autoscaler", "a table")),
        };
        root.finish()?;
        let steady = autoscaler.is_none() && !matches!(arrivals, Arrivals::Series { .. });
        let warmup = warmup.unwrap_or(if steady { Warmup::Auto } else { Warmup::Fixed(Nanos(0)) });
        let scenario = Self {
            name,
            seed,
            replications,
            horizon,
            warmup,
            arrivals,
            history,
            slo,
            balancing,
            pools,
            timeout,
            price_per_replica_hour,
            autoscaler,
            max_in_flight,
            timeline: false,
        };
        let timeline = timeline.unwrap_or(scenario.expected_s() <= longest_timeline_s());
        check(Self { timeline, ..scenario })
    }
}

fn read_warmup(root: &mut Reader) -> Result<Option<Warmup>, ScenarioError> {
    match root.value("warmup") {
        None => Ok(None),
        Some(toml::Value::String(text)) if text == "auto" => Ok(Some(Warmup::Auto)),
        Some(value) => match value.as_str().and_then(crate::units::parse_duration) {
            Some(cut) => Ok(Some(Warmup::Fixed(cut))),
            None => Err(root.error("warmup", format!("\"auto\" or {}", crate::units::DURATION_FORM))),
        },
    }
}

fn read_horizon(root: &Reader, requests: Option<u64>, duration: Option<Nanos>, arrivals: &Arrivals) -> Result<Horizon, ScenarioError> {
    match (requests, duration) {
        (Some(requests), None) => Ok(Horizon::Requests(requests)),
        (None, Some(duration)) if duration.0 > 0 => Ok(Horizon::Duration(duration)),
        (None, Some(_)) => Err(root.error("duration", "a duration above 0")),
        (Some(_), Some(_)) => Err(root.error("duration", "either requests or duration, not both")),
        (None, None) => match arrivals {
            Arrivals::Series { step, rates_rps } => Ok(Horizon::Duration(Nanos(step.0.saturating_mul(rates_rps.len() as u64)))),
            _ => Err(root.error("requests", "requests or duration must say when the run ends")),
        },
    }
}

fn read_arrivals(workload: &mut Reader, source: &dyn SeriesSource) -> Result<(Arrivals, Option<History>), ScenarioError> {
    const KINDS: &str = "\"poisson\", \"constant\", \"trace\" (a series file; also called \"series\")";
    let arrivals = workload.table("arrivals")?;
    let mut arrivals = workload.required(arrivals, "arrivals", "a table like { kind = \"poisson\", rate_rps = 6.4 }")?;
    let kind = arrivals.string("kind", KINDS)?;
    let kind = arrivals.required(kind, "kind", KINDS)?;
    let read = match kind {
        "poisson" | "constant" => {
            arrivals.only(&["kind", "rate_rps"])?;
            let rate = arrivals.number("rate_rps", POSITIVE, |rate| rate > 0.0)?;
            let rate_rps = arrivals.required(rate, "rate_rps", POSITIVE)?;
            (if kind == "poisson" { Arrivals::Poisson { rate_rps } } else { Arrivals::Constant { rate_rps } }, None)
        }
        "trace" | "series" => read_series(&mut arrivals, source)?,
        _ => return Err(arrivals.error("kind", KINDS)),
    };
    arrivals.finish()?;
    Ok(read)
}

fn read_slo(mut slo: Reader) -> Result<Slo, ScenarioError> {
    slo.only(&["latency_ms", "percentile"])?;
    let latency = slo.number("latency_ms", POSITIVE, |ms| ms > 0.0)?;
    let latency_ms = slo.required(latency, "latency_ms", POSITIVE)?;
    let percentile = slo.number("percentile", SLO_ALLOWED, |p| p > 0.0 && p < 100.0)?;
    let percentile = slo.required(percentile, "percentile", SLO_ALLOWED)?;
    let latency = crate::units::nanos_from_s(latency_ms / 1e3).ok_or_else(|| slo.error("latency_ms", POSITIVE))?;
    slo.finish()?;
    Ok(Slo { latency, percentile })
}

fn read_timeout(mut timeouts: Reader) -> Result<Nanos, ScenarioError> {
    let timeout = timeouts.duration("request")?.filter(|timeout| timeout.0 > 0);
    let timeout = timeouts.required(timeout, "request", "a duration above 0, like \"2s\"")?;
    timeouts.finish()?;
    Ok(timeout)
}

fn read_price(mut cost: Reader) -> Result<f64, ScenarioError> {
    const PRICE: &str = "a price per replica and hour, from 0 on";
    let price = cost.number("replica_hour", PRICE, |price| price >= 0.0)?;
    let price = cost.required(price, "replica_hour", PRICE)?;
    cost.finish()?;
    Ok(price)
}

const POOL_KEYS: [&str; 9] = ["name", "replicas", "weight", "concurrency", "queue", "discipline", "service_time", "speed", "boot_delay"];

fn read_pool(mut pool: Reader) -> Result<PoolSpec, ScenarioError> {
    const QUEUE: &str = "\"unbounded\" or a whole number from 0 to 4294967295";
    const DISCIPLINES: &str = "\"fifo\" or \"ps\"";
    const SERVICE: &str = "a table like { dist = \"exponential\", mean_ms = 100.0 }";
    pool.only(&POOL_KEYS)?;
    let name = pool.string("name", "a text")?.unwrap_or("pool").to_owned();
    let replicas = pool.integer("replicas", 0, u64::from(super::MOST_REPLICAS))?.unwrap_or(1) as u32;
    let weight = pool.integer("weight", 0, 1_000_000)?.unwrap_or(1) as u32;
    let concurrency = pool.integer("concurrency", 1, 1_000_000)?;
    let concurrency = pool.required(concurrency, "concurrency", "a whole number from 1 to 1000000")? as u32;
    let queue = match pool.value("queue") {
        None => None,
        Some(toml::Value::String(text)) if text == "unbounded" => None,
        Some(toml::Value::Integer(number)) => Some(u32::try_from(*number).map_err(|_| pool.error("queue", QUEUE))?),
        Some(_) => return Err(pool.error("queue", QUEUE)),
    };
    let discipline = match pool.string("discipline", DISCIPLINES)?.unwrap_or("fifo") {
        "fifo" => Discipline::Fifo,
        "ps" => Discipline::Ps,
        _ => return Err(pool.error("discipline", DISCIPLINES)),
    };
    let service = pool.table("service_time")?;
    let service_time = read_service(pool.required(service, "service_time", SERVICE)?)?;
    let speed = pool.number("speed", POSITIVE, |speed| speed > 0.0)?.unwrap_or(1.0);
    let boot_delay = pool.duration("boot_delay")?.unwrap_or(Nanos(0));
    pool.finish()?;
    Ok(PoolSpec { name, replicas, weight, concurrency, discipline, queue, service_time, speed, boot_delay })
}

fn read_service(mut service: Reader) -> Result<ServiceTime, ScenarioError> {
    service.only(&["dist", "mean_ms", "scv"])?;
    let dist = service.string("dist", DISTS)?;
    let dist = service.required(dist, "dist", DISTS)?;
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
        _ => return Err(service.error("dist", DISTS)),
    };
    service.finish()?;
    Ok(ServiceTime { dist, mean_ms })
}
