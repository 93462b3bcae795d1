//! What breaks, and when.

use balancer::Nanos;
use serde::Serialize;

use super::{Dependency, PoolSpec, Reader, Region, ScenarioError};

/// Something breaks at a time, for a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fault {
    /// When.
    pub at: Nanos,
    /// How long.
    pub lasts: Nanos,
    /// Indices of the pools; those of dependencies follow those of pools.
    pub pools: Vec<usize>,
    /// How many of their replicas, the first ones first; `None` = all.
    pub replicas: Option<u32>,
    /// What happens to them.
    pub kind: FaultKind,
}

/// What happens to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Dies with all that it has; nobody is there while it lasts.
    Crash,
    /// Everything that begins while it lasts takes this many times as long.
    Slow {
        /// 10.0 turns 50 ms into 500 ms.
        factor: f64,
    },
    /// Cut off: requests reach nobody, answers get lost. Both end by time-out.
    Partition,
    /// The store of sessions doesn't answer while it lasts, and is empty afterwards; no replica is struck.
    Store,
    /// Crashes at the beginning of each period and is back after half of it.
    Flapping {
        /// From crash to crash.
        period: Nanos,
    },
}

/// More crashes of one flapping replica than this are a typing error.
const MOST_FLAPS: u64 = 100_000;

pub(super) fn read_fault(
    mut fault: Reader,
    pools: &[PoolSpec],
    dependencies: &[Dependency],
    regions: &[Region],
) -> Result<Fault, ScenarioError> {
    const KINDS: &str = "\"crash\", \"slow\", \"partition\", \"flapping\" or \"store\"";
    const FACTOR: &str = "a number above 0";
    fault.only(&["kind", "at", "lasts", "pool", "region", "replicas", "factor", "period"])?;
    let at = fault.duration("at")?;
    let at = fault.required(at, "at", crate::units::DURATION_FORM)?;
    let lasts = fault.duration("lasts")?.filter(|lasts| lasts.0 > 0);
    let lasts = fault.required(lasts, "lasts", "a duration above 0")?;
    let names: Vec<&str> =
        pools.iter().chain(dependencies.iter().map(|dependency| &dependency.pool)).map(|pool| pool.name.as_str()).collect();
    let wanted = fault.string("pool", "the name of a pool or dependency")?;
    let region = fault.string("region", "the name of a region")?;
    let struck: Vec<usize> = match (wanted, region) {
        (Some(_), Some(_)) => return Err(fault.error("region", "either a pool or a region")),
        (None, None) => vec![0],
        (Some(wanted), None) => names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(i, _)| i).collect(),
        (None, Some(wanted)) => {
            let here = |pool: &PoolSpec| regions.get(pool.region).is_some_and(|region| region.name == wanted);
            pools.iter().enumerate().filter(|(_, pool)| here(pool)).map(|(i, _)| i).collect()
        }
    };
    if struck.is_empty() {
        let names = if wanted.is_some() { names } else { regions.iter().map(|region| region.name.as_str()).collect() };
        let (key, what) = if wanted.is_some() { ("pool", "pools and dependencies") } else { ("region", "regions") };
        let error = fault.error(key, format!("one of the {what} {}", names.join(", ")));
        return Err(error.across(&["pools.name", "pools.region", "dependencies.name", "regions.name"]));
    }
    let replicas = fault.integer("replicas", 1, u64::from(super::MOST_REPLICAS))?.map(|replicas| replicas as u32);
    let factor = fault.number("factor", FACTOR, |factor| factor > 0.0 && factor <= 1e6)?;
    let period = fault.duration("period")?;
    let kind = fault.string("kind", KINDS)?;
    let kind = match fault.required(kind, "kind", KINDS)? {
        "crash" => FaultKind::Crash,
        "slow" => FaultKind::Slow { factor: fault.required(factor, "factor", FACTOR)? },
        "partition" => FaultKind::Partition,
        "store" => FaultKind::Store,
        "flapping" => {
            let period = fault.required(period.filter(|period| period.0 > 1), "period", "a duration above 0")?;
            if lasts.0 / period.0 > MOST_FLAPS {
                return Err(fault.error("period", format!("at most {MOST_FLAPS} periods while the fault lasts")));
            }
            FaultKind::Flapping { period }
        }
        _ => return Err(fault.error("kind", KINDS)),
    };
    if factor.is_some() && !matches!(kind, FaultKind::Slow { .. }) {
        return Err(fault.error("factor", "nothing: only \"slow\" has a factor"));
    }
    if period.is_some() && !matches!(kind, FaultKind::Flapping { .. }) {
        return Err(fault.error("period", "nothing: only \"flapping\" has a period"));
    }
    if kind == FaultKind::Store
        && let Some(key) =
            [("pool", wanted.is_some()), ("region", region.is_some()), ("replicas", replicas.is_some())].iter().find(|key| key.1)
    {
        return Err(fault.error(key.0, "nothing: a store is no replica"));
    }
    let struck = if kind == FaultKind::Store { Vec::new() } else { struck };
    fault.finish()?;
    Ok(Fault { at, lasts, pools: struck, replicas, kind })
}
