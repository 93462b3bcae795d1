//! Levels by distance: whose requests go where first, seen from where a balancer stands.
//!
//! The own zone comes first, then the rest of the own region, then the other regions by ascending latency. That is the order of Istio's
//! locality failover (`localityLbSetting`, which hands Envoy a priority for each distance) with latencies in the place of a list of regions;
//! Linkerd's HAZL prefers the own zone in the same way. What spills from level to level, and when, is for [`LevelRules`](crate::LevelRules).
//!
//! ```
//! use balancer::{Nanos, Site, levels_by_distance};
//!
//! let site = |region, zone| Site { region, zone };
//! let backends = [site(0, 0), site(0, 1), site(1, 2), site(2, 3)];
//! // From the zone 1 of region 0, region 2 is nearer than region 1.
//! let latency = |region| Nanos::from_millis(if region == 2 { 20 } else { 90 });
//! assert_eq!(levels_by_distance(site(0, 1), &backends, latency), [1, 0, 3, 2]);
//! ```

use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// Where somebody stands. Both are numbers of the caller's; a zone belongs to its region, so zones of two regions are never the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Which region.
    pub region: u16,
    /// Which zone of it.
    pub zone: u16,
}

/// How far it is, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    SameZone,
    SameRegion,
    OtherRegion(Nanos),
}

/// The level ([`Place::level`](crate::Place::level)) of each site for a balancer that stands `here`, in the order of `sites`.
///
/// `latency` is that from here to a region; it isn't asked for the own one. Equal distances share a level. Levels have no gaps: 0 is the
/// nearest that there is, also where nobody stands in the own zone. Beyond the 255th distance all share the last level.
pub fn levels_by_distance(here: Site, sites: &[Site], latency: impl Fn(u16) -> Nanos) -> Vec<u8> {
    let distance = |site: &Site| match (site.region == here.region, site.zone == here.zone) {
        (true, true) => Distance::SameZone,
        (true, false) => Distance::SameRegion,
        (false, _) => Distance::OtherRegion(latency(site.region)),
    };
    let distances: Vec<Distance> = sites.iter().map(distance).collect();
    let mut ranked = distances.clone();
    ranked.sort_unstable();
    ranked.dedup();
    let level = |distance: &Distance| ranked.partition_point(|nearer| nearer < distance).min(usize::from(u8::MAX)) as u8;
    distances.iter().map(level).collect()
}
