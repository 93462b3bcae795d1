//! Regions, the way between them, and the name service that sends users to one.

use balancer::{Nanos, Site, levels_by_distance};
use serde::Serialize;

use super::{PoolSpec, Reader, ScenarioError};

/// Where users and pools are, and how users find a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// At least one.
    pub regions: Vec<Region>,
    /// One way from users of the row's region to replicas of the column's; the answer takes as long.
    pub one_way: Vec<Vec<Nanos>>,
    /// How users find a region.
    pub dns: Dns,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Region {
    /// How pools and faults call it.
    pub name: String,
    /// Part of the users that live here, relative to the other regions'.
    pub users: f64,
    /// What it is a zone of, together with others that say the same; `None` = a region by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

/// A name service with health checks, and resolvers that keep its answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dns {
    /// How long a resolver keeps an answer; 0 = asks for each request (as anycast or a global balancer would).
    pub ttl: Nanos,
    /// What is answered.
    pub routing: Routing,
    /// Resolvers in each region; users are spread evenly over those of their region.
    pub resolvers: u32,
    /// Time between two checks of a region.
    pub check: Nanos,
    /// Checks that must fail before a region is left out.
    pub fall: u32,
    /// Checks that must succeed before it is back.
    pub rise: u32,
}

/// What a name service answers, among the regions that it believes to be well (all, when none is).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// The region with the shortest way; the first one of equals.
    Nearest,
    /// The first region in the file's order.
    Failover,
    /// Any, with equal chances: several A records.
    Spread,
}

impl Network {
    /// The level of each region's replicas for the balancer that stands in `here`: its own, those that are part of the same, then the others
    /// by ascending round trip.
    pub fn levels_from(&self, here: usize) -> Vec<u8> {
        let region_of = |at: usize| match &self.regions[at].part_of {
            None => at,
            part_of => self.regions.iter().position(|other| other.part_of == *part_of).unwrap_or(at),
        };
        // At most 32. The whole is called by its first part.
        let sites: Vec<Site> = (0..self.regions.len()).map(|at| Site { region: region_of(at) as u16, zone: at as u16 }).collect();
        let nearest = |region: u16| {
            let parts = sites.iter().filter(|site| site.region == region).map(|site| self.one_way[here][usize::from(site.zone)]);
            parts.min().unwrap_or(Nanos(0))
        };
        levels_by_distance(sites[here], &sites, nearest)
    }
}

/// Reads `[[regions]]`, `[network]` and `[dns]`, and the regions of pools by name.
pub(super) fn read_network(regions: Vec<Reader>, network: Option<Reader>, dns: Option<Reader>) -> Result<Option<Network>, ScenarioError> {
    const SHARE: &str = "a number from 0 on";
    let mut found: Vec<Region> = Vec::new();
    for mut region in regions {
        region.only(&["name", "users", "part_of"])?;
        let name = region.string("name", "a text")?;
        let name = region.required(name, "name", "a text")?.to_owned();
        if found.iter().any(|other| other.name == name) {
            return Err(region.error("name", "a name that no other region has"));
        }
        let users = region.number("users", SHARE, |users| users >= 0.0)?.unwrap_or(1.0);
        let part_of = region.string("part_of", "a text")?.map(str::to_owned);
        region.finish()?;
        found.push(Region { name, users, part_of });
    }
    if found.is_empty() {
        return match (network, dns) {
            (None, None) => Ok(None),
            (Some(table), _) | (None, Some(table)) => Err(table.whole("nothing without [[regions]]")),
        };
    }
    if found.len() > 32 || found.iter().all(|region| region.users == 0.0) {
        return Err(ScenarioError::new("regions", format!("{} regions", found.len()), "1 to 32 regions, one of them with users above 0"));
    }
    let one_way = match network {
        None => vec![vec![Nanos(0); found.len()]; found.len()],
        Some(network) => read_matrix(network, found.len())?,
    };
    let dns = dns.map_or(Ok(Dns { ttl: Nanos(0), ..DNS }), read_dns)?;
    Ok(Some(Network { regions: found, one_way, dns }))
}

const DNS: Dns =
    Dns { ttl: Nanos::from_secs(60), routing: Routing::Nearest, resolvers: 1_000, check: Nanos::from_secs(10), fall: 3, rise: 2 };

fn read_dns(mut dns: Reader) -> Result<Dns, ScenarioError> {
    const ROUTINGS: &str = "\"nearest\", \"failover\" or \"spread\"";
    dns.only(&["ttl", "routing", "resolvers", "check", "fall", "rise"])?;
    let ttl = dns.duration("ttl")?.unwrap_or(DNS.ttl);
    let routing = match dns.string("routing", ROUTINGS)?.unwrap_or("nearest") {
        "nearest" => Routing::Nearest,
        "failover" => Routing::Failover,
        "spread" => Routing::Spread,
        _ => return Err(dns.error("routing", ROUTINGS)),
    };
    let resolvers = dns.integer("resolvers", 1, 100_000)?.map_or(DNS.resolvers, |n| n as u32);
    let check = dns.duration("check")?.unwrap_or(DNS.check);
    if check.0 == 0 {
        return Err(dns.error("check", "a duration above 0"));
    }
    let fall = dns.integer("fall", 1, 1_000)?.map_or(DNS.fall, |n| n as u32);
    let rise = dns.integer("rise", 1, 1_000)?.map_or(DNS.rise, |n| n as u32);
    dns.finish()?;
    Ok(Dns { ttl, routing, resolvers, check, fall, rise })
}

/// Round trips in milliseconds, a row per region of users.
fn read_matrix(mut network: Reader, regions: usize) -> Result<Vec<Vec<Nanos>>, ScenarioError> {
    let allowed = format!("{regions} lists of {regions} round trips from 0 to 60000, in milliseconds");
    network.only(&["round_trip_ms"])?;
    let entry = |value: &toml::Value| {
        let ms = value.as_float().or_else(|| value.as_integer().map(|ms| ms as f64))?;
        (0.0..=60_000.0).contains(&ms).then(|| Nanos(libm::round(ms * 1e6 / 2.0) as u64))
    };
    let row = |value: &toml::Value| value.as_array().filter(|row| row.len() == regions)?.iter().map(entry).collect::<Option<Vec<_>>>();
    let rows = network.value("round_trip_ms").and_then(toml::Value::as_array).filter(|rows| rows.len() == regions);
    let matrix = rows.and_then(|rows| rows.iter().map(row).collect::<Option<Vec<_>>>());
    let matrix = matrix.ok_or_else(|| network.error("round_trip_ms", allowed.as_str()))?;
    network.finish()?;
    Ok(matrix)
}

/// Holds across keys: every pool is in a region that exists, and every region has a pool.
pub(super) fn check_network(network: Option<&Network>, pools: &[PoolSpec]) -> Result<(), ScenarioError> {
    let regions = network.map_or(1, |network| network.regions.len());
    for (i, pool) in pools.iter().enumerate() {
        if pool.region >= regions {
            return Err(ScenarioError::new(format!("pools[{i}].region"), pool.region.to_string(), format!("below {regions}")));
        }
    }
    let empty = (0..regions).find(|region| network.is_some() && pools.iter().all(|pool| pool.region != *region));
    match empty {
        Some(region) => Err(ScenarioError::new(format!("regions[{region}].name"), "a region without a pool", "a region that pools name")),
        None => Ok(()),
    }
}
