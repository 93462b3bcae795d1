//! From TOML to a checked scenario.

use balancer::Nanos;

use super::balancing::read_balancing;
use super::broker::read_broker;
use super::check::{check, longest_timeline_s};
use super::clients::{read_classes, read_clients};
use super::connections::read_connections;
use super::faults::read_fault;
use super::network::read_network;
use super::read_arrivals::read_arrivals;
use super::read_pool::read_pools;
use super::series::SeriesSource;
use super::sessions::{read_sessions, read_users};
use super::{Arrivals, Broker, Connections, Horizon, MAX_IN_FLIGHT, Reader, Scenario, ScenarioError, Sessions, Slo, Users, Warmup, lines};
use crate::event::MOST_INDEX;

pub(super) const POSITIVE: &str = "a number above 0";
const SLO_ALLOWED: &str = "a number above 0 and below 100";
/// 10^12 requests are two days at a moonshot's rate: more is a typing error.
const MOST_REQUESTS: u64 = 1_000_000_000_000;

const ROOT_KEYS: [&str; 26] = [
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
    "dependencies",
    "clients",
    "faults",
    "regions",
    "network",
    "dns",
    "broker",
    "connections",
    "users",
    "sessions",
];

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] names the key, the value and what is allowed; also for keys that don't exist.
    pub fn parse(text: &str, source: &dyn SeriesSource) -> Result<Self, ScenarioError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let value = format!("no TOML ({})", error.message().replace('\n', ", "));
            ScenarioError { line, ..ScenarioError::new("the text", value, "valid TOML") }
        })?;
        Self::from_table(&table, source).map_err(|error| lines::locate(error, text))
    }

    /// [`Scenario::parse`] of a table that was put together in code: errors have no line.
    ///
    /// # Errors
    /// As [`Scenario::parse`].
    pub fn from_table(table: &toml::Table, source: &dyn SeriesSource) -> Result<Self, ScenarioError> {
        let mut root = Reader::new("", table);
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
        workload.only(&["arrivals", "classes"])?;
        let (arrivals, history) = read_arrivals(&mut workload, source)?;
        let classes = read_classes(workload.tables("classes")?)?;
        workload.finish()?;
        let horizon = read_horizon(&root, requests, duration, &arrivals)?;
        let slo = root.table("slo")?.map(read_slo).transpose()?;
        let timeout = root.table("timeouts")?.map(read_timeout).transpose()?;
        let price_per_replica_hour = root.table("cost")?.map(read_price).transpose()?;
        let balancer = root.table("balancer")?;
        let retries = root.table("retries")?;
        let balancing = read_balancing(balancer, retries)?;
        let network = read_network(root.tables("regions")?, root.table("network")?, root.table("dns")?)?;
        let Surroundings { broker, connections, users, sessions } = read_surroundings(&mut root)?;
        let regions = network.as_ref().map_or(&[][..], |network| &network.regions);
        let (pools, dependencies) = read_pools(root.tables("pools")?, root.tables("dependencies")?, regions)?;
        let clients = root.table("clients")?.map(read_clients).transpose()?.unwrap_or_default();
        let faults = root
            .tables("faults")?
            .into_iter()
            .map(|fault| read_fault(fault, &pools, &dependencies, regions))
            .collect::<Result<Vec<_>, _>>()?;
        let autoscaler = match root.value("autoscaler") {
            None => None,
            Some(toml::Value::Table(table)) => Some(table.clone()),
            Some(_) => return Err(root.error("autoscaler", "a table")),
        };
        root.finish()?;
        let steady = autoscaler.is_none() && faults.is_empty() && arrivals.steady();
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
            dependencies,
            classes,
            clients,
            network,
            broker,
            connections,
            users,
            sessions,
            faults,
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

/// What lies between users and replicas, besides the balancer and the network.
struct Surroundings {
    broker: Option<Broker>,
    connections: Option<Connections>,
    users: Option<Users>,
    sessions: Option<Sessions>,
}

fn read_surroundings(root: &mut Reader) -> Result<Surroundings, ScenarioError> {
    Ok(Surroundings {
        broker: root.table("broker")?.map(read_broker).transpose()?,
        connections: root.table("connections")?.map(read_connections).transpose()?,
        users: root.table("users")?.map(read_users).transpose()?,
        sessions: root.table("sessions")?.map(read_sessions).transpose()?,
    })
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
        (None, None) => match arrivals.ends() {
            Some(end) => Ok(Horizon::Duration(Nanos(end))),
            None => Err(root.error("requests", "requests or duration must say when the run ends")),
        },
    }
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
