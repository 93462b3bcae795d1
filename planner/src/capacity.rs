//! How many requests per second a fleet holds under its SLO: declared by the user, or found in the simulator.
//!
//! For a modelled capacity the curve "replicas → rps" is found point by point, when first needed: bisection over the load, each step a run of
//! the simulator with a fixed seed and a bounded number of requests. Points lie on a coarse grid (1, 2, 3, 4, 6, 8, 12, …); between them
//! the curve is a straight line. It never falls: more replicas never hold less.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::config::{Capacity, ServiceConfig, Slo};
use crate::decision::{Check, CheckSource};
use crate::hpa;

mod probe;
pub use probe::{Fleet, Outcome, probe};

/// The curves of a control loop by shape of service, so that equal services share one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Curves {
    by_shape: BTreeMap<String, CapacityCurve>,
}

/// Replicas → rps that hold the SLO, for one shape of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityCurve {
    fleet: Fleet,
    slo: Slo,
    /// Grid points found so far.
    points: BTreeMap<u32, f64>,
    /// Answers of the simulator by (replicas, step of the load). Not written down: they are cheap to find again.
    #[serde(skip)]
    checks: BTreeMap<(u32, i32), Outcome>,
}

/// Halvings of the interval [0, saturation]: the answer is within 0.4 % of the saturation load.
const HALVINGS: u32 = 8;
/// A fleet holds a load if it would hold this much more: near saturation an error of a few per cent in the service time or the load is the
/// difference between a short queue and one that only grows, and a bounded run doesn't show the latter.
const MARGIN: f64 = 1.05;
/// Loads within 1 % share one check.
const LOAD_STEP: f64 = 0.01;
/// Checks kept; beyond this the cache starts anew.
const MOST_CHECKS: usize = 512;

impl CapacityCurve {
    /// An empty curve; points are found when they are asked for.
    pub fn new(fleet: Fleet, slo: Slo) -> CapacityCurve {
        CapacityCurve { fleet, slo, points: BTreeMap::new(), checks: BTreeMap::new() }
    }

    /// A curve that claims to know.
    #[cfg(test)]
    pub(crate) fn claiming(fleet: Fleet, slo: Slo, points: BTreeMap<u32, f64>) -> CapacityCurve {
        CapacityCurve { points, ..CapacityCurve::new(fleet, slo) }
    }

    /// Load that `replicas` hold under the SLO `[rps]`; 0 if even the lightest load breaks it.
    pub fn rps(&mut self, replicas: u32) -> f64 {
        let (below, above) = neighbours(replicas);
        let high = self.point(above);
        if below == above || replicas == above {
            return high;
        }
        let low = self.point(below);
        let share = f64::from(replicas - below) / f64::from(above - below);
        low + share * (high - low)
    }

    /// What the simulator says about so many replicas at this load (rounded to 1 %).
    pub fn check(&mut self, replicas: u32, load_rps: f64) -> Outcome {
        let step = libm::round(libm::log(load_rps.max(1e-6)) / LOAD_STEP) as i32;
        if let Some(known) = self.checks.get(&(replicas, step)) {
            return *known;
        }
        let rounded = libm::exp(f64::from(step) * LOAD_STEP);
        let outcome = probe(&self.fleet, &self.slo, replicas, rounded);
        if self.checks.len() >= MOST_CHECKS {
            self.checks.clear();
        }
        self.checks.insert((replicas, step), outcome);
        outcome
    }

    fn point(&mut self, replicas: u32) -> f64 {
        if replicas == 0 {
            return 0.0;
        }
        if let Some(&known) = self.points.get(&replicas) {
            return known;
        }
        // What fewer replicas hold, more of them hold too; noise of a run must not say otherwise.
        let least = self.point(neighbours(replicas - 1).0);
        let saturation = self.fleet.saturation_rps(replicas);
        let (mut holds, mut breaks) = (0.0, saturation);
        for _ in 0..HALVINGS {
            let middle = (holds + breaks) / 2.0;
            if probe(&self.fleet, &self.slo, replicas, middle * MARGIN).holds {
                holds = middle;
            } else {
                breaks = middle;
            }
        }
        let rps = f64::max(holds, least);
        self.points.insert(replicas, rps);
        rps
    }
}

/// The grid points around a number: powers of two and the halfway points between them.
fn neighbours(replicas: u32) -> (u32, u32) {
    if replicas <= 4 {
        return (replicas, replicas);
    }
    let power = 1u64 << (31 - replicas.leading_zeros());
    let grid = [power, power + power / 2, power * 2];
    let n = u64::from(replicas);
    let above = grid.into_iter().find(|&g| g >= n).unwrap_or(n);
    let below = grid.into_iter().rev().find(|&g| g <= n).unwrap_or(n);
    let narrow = |x: u64| u32::try_from(x).unwrap_or(u32::MAX);
    (narrow(below), narrow(above))
}

impl Curves {
    /// The capacities of a service; `None` when nobody has said them.
    pub(crate) fn of<'a>(&'a mut self, config: &ServiceConfig) -> Option<Capacities<'a>> {
        let source = match &config.capacity {
            Capacity::Unknown => return None,
            Capacity::Declared { rps_per_replica } => Source::PerReplica(*rps_per_replica),
            Capacity::Modelled { concurrency, service_time_ms, queue, algorithm } => {
                let new = || {
                    let fleet =
                        Fleet { concurrency: *concurrency, service_time_ms: *service_time_ms, queue: *queue, algorithm: *algorithm };
                    CapacityCurve::new(fleet, config.slo)
                };
                Source::Curve(self.by_shape.entry(shape(config)).or_insert_with(new))
            }
        };
        Some(Capacities { source, most: config.rails.max })
    }

    /// Finds the curve of a modelled service up to its maximum.
    pub(crate) fn prepare(&mut self, config: &ServiceConfig) {
        if let Some(mut capacities) = self.of(config) {
            capacities.of(config.rails.max);
        }
    }

    /// Takes over what somebody else has found; what is known here already stays.
    pub(crate) fn learn(&mut self, found: Curves) {
        for (shape, curve) in found.by_shape {
            self.by_shape.entry(shape).or_insert(curve);
        }
    }

    /// Puts a curve in place of what the simulator would say.
    #[cfg(test)]
    pub(crate) fn claim(&mut self, config: &ServiceConfig, curve: CapacityCurve) {
        self.by_shape.insert(shape(config), curve);
    }

    /// Forgets the curves of shapes that no service has any more.
    pub(crate) fn retain<'a>(&mut self, configs: impl Iterator<Item = &'a ServiceConfig>) {
        let keep: BTreeSet<String> = configs.map(shape).collect();
        self.by_shape.retain(|shape, _| keep.contains(shape));
    }
}

/// Services with equal capacity and SLO share a curve.
fn shape(config: &ServiceConfig) -> String {
    format!("{:?} {:?}", config.capacity, config.slo)
}

/// What a service's fleets hold, wherever that comes from.
pub(crate) struct Capacities<'a> {
    source: Source<'a>,
    /// `rails.max`: the curve isn't computed beyond it.
    most: u32,
}

enum Source<'a> {
    PerReplica(f64),
    Curve(&'a mut CapacityCurve),
}

/// Keeps divisions by a capacity finite when not even one replica holds the SLO.
const LEAST_RPS: f64 = 1e-9;

impl Capacities<'_> {
    /// Load that `replicas` hold `[rps]`; always above 0.
    pub fn of(&mut self, replicas: u32) -> f64 {
        let n = replicas.max(1);
        let rps = match &mut self.source {
            Source::PerReplica(rps) => *rps * f64::from(n),
            Source::Curve(curve) if n <= self.most => curve.rps(n),
            Source::Curve(curve) => curve.rps(self.most) * f64::from(n) / f64::from(self.most),
        };
        rps.max(LEAST_RPS)
    }

    /// Fewest replicas that hold the load; at least 1.
    pub fn needed(&mut self, load_rps: f64) -> u32 {
        let most = self.of(self.most);
        if matches!(self.source, Source::PerReplica(_)) || load_rps > most {
            return hpa::ceil(load_rps / (most / f64::from(self.most))).max(1);
        }
        let (mut fails, mut holds) = (0, self.most);
        while holds - fails > 1 {
            let middle = fails + (holds - fails) / 2;
            if self.of(middle) >= load_rps { holds = middle } else { fails = middle }
        }
        holds
    }

    /// Would so many replicas hold the SLO at this load?
    pub fn check(&mut self, replicas: u32, load_rps: f64) -> Check {
        match &mut self.source {
            Source::PerReplica(rps) => {
                let holds = load_rps <= *rps * f64::from(replicas) * (1.0 + 1e-9);
                Check { replicas, load_rps, p_latency_ms: None, error_ratio: None, holds, source: CheckSource::Declared }
            }
            Source::Curve(curve) => {
                let outcome = curve.check(replicas, load_rps);
                let Outcome { p_latency_ms, error_ratio, holds } = outcome;
                Check { replicas, load_rps, p_latency_ms, error_ratio: Some(error_ratio), holds, source: CheckSource::Simulated }
            }
        }
    }
}

#[cfg(test)]
mod tests;
