//! The beginning of a run.

use std::collections::VecDeque;

use balancer::{BackendConfig, Place, Pool, PoolConfig, RetryBudget};

use super::{NEVER, World, broker, client, connect, door, end_before_start, network, session};
use crate::autoscale::Autoscaler;
use crate::event::Agenda;
use crate::fleet::Replica;
use crate::rng::{Stream, child};
use crate::run::SimError;
use crate::sample::ServiceSampler;
use crate::scenario::{Dependency, PoolSpec, Scenario};
use crate::tally::{Counts, Tally};
use crate::units::MINUTE;
use crate::workload::ArrivalStream;

/// Who belongs to each balancer: those of the regions, then those of the dependencies.
type Members = Vec<Vec<BackendConfig>>;

/// All pools and dependencies, the replicas that are there at the start, and who belongs to which balancer.
fn populate(scenario: &Scenario) -> (Vec<&PoolSpec>, Vec<Replica>, Members) {
    let specs: Vec<&PoolSpec> = scenario.pools.iter().chain(scenario.dependencies.iter().map(|dependency| &dependency.pool)).collect();
    let mut replicas = Vec::new();
    let regions = scenario.network.as_ref().map_or(1, |network| network.regions.len());
    // The balancers of regions, then those of dependencies.
    let mut members: Vec<Vec<BackendConfig>> = vec![Vec::new(); regions + scenario.dependencies.len()];
    for (pool, spec) in (0_u32..).zip(&specs) {
        let tier = (pool as usize).checked_sub(scenario.pools.len());
        let lists = homes(scenario, spec, tier.map(|tier| regions + tier));
        for _ in 0..spec.replicas {
            replicas.push(Replica::new(pool, spec, 0, true));
            let backend = BackendConfig::new(replicas.len() as u32, spec.weight);
            lists.iter().for_each(|(list, place)| members[*list].push(backend.at(*place)));
        }
    }
    (specs, replicas, members)
}

/// Which balancers have the replicas of a pool, and where these stand with each. `tier` is the balancer of a dependency.
fn homes(scenario: &Scenario, spec: &PoolSpec, tier: Option<usize>) -> Vec<(usize, Place)> {
    match (tier, &scenario.network) {
        (None, Some(network)) if scenario.balancing.by_distance => {
            let level = |region| network.levels_from(region)[spec.region];
            (0..network.regions.len()).map(|region| (region, Place { level: level(region), ..spec.place })).collect()
        }
        _ => vec![(tier.unwrap_or(spec.region), spec.place)],
    }
}

impl<'s> World<'s> {
    pub fn new(
        scenario: &'s Scenario,
        autoscaler: Box<dyn Autoscaler>,
        seed: u64,
        replication: u32,
        tally: Tally,
        cut: u64,
    ) -> Result<Self, SimError> {
        let (specs, replicas, mut members) = populate(scenario);
        let regions = members.len() - scenario.dependencies.len();
        let front = |backends| Pool::try_new(PoolConfig { backends, ..scenario.balancing.pool.clone() });
        let fronts = members.drain(..regions).map(front).collect::<Result<Vec<_>, _>>();
        let tier =
            |(dependency, backends): (&Dependency, Vec<BackendConfig>)| Pool::try_new(PoolConfig::new(dependency.algorithm, backends));
        let tiers = scenario.dependencies.iter().zip(members).map(tier).collect::<Result<Vec<_>, _>>();
        let door = &scenario.balancing.door;
        let doors = if door.is_open() { 0 } else { regions };
        let gates = (0..doors).map(|_| door::Gate::try_new(door)).collect::<Result<Vec<_>, _>>();
        let budget = scenario.balancing.retries.map(|rule| RetryBudget::try_new(rule.policy.budget)).transpose();
        let mut world = Self {
            scenario,
            now: 0,
            end: end_before_start(scenario),
            agenda: Agenda::default(),
            deadlines: vec![VecDeque::new(); 1 + scenario.classes.len()],
            gates: gates.map_err(SimError::balancer)?,
            arrivals: ArrivalStream::new(&scenario.arrivals, child(seed, replication, Stream::Arrivals)),
            next_arrival: NEVER,
            next_minute: if scenario.timeline { MINUTE } else { NEVER },
            requests: Vec::new(),
            free: Vec::new(),
            replicas,
            samplers: specs.iter().map(|pool| ServiceSampler::new(&pool.service_time, pool.speed)).collect(),
            users: session::Users::new(scenario, seed, replication),
            store: session::Store::new(scenario, seed, replication),
            stuck: session::stuck(scenario),
            intricate: !scenario.faults.is_empty()
                || scenario.sessions.is_some()
                || specs.iter().any(|spec| spec.failure > 0.0 || !spec.calls.is_empty()),
            specs,
            fronts: fronts.map_err(SimError::balancer)?,
            names: scenario.network.as_ref().map(|network| network::Names::new(network, seed, replication)),
            broker: scenario.broker.as_ref().map(broker::Line::new),
            wires: scenario.connections.as_ref().map(|spec| connect::Wires::new(spec, regions, seed, replication)),
            detours: network::detours(scenario),
            tiers: tiers.map_err(SimError::balancer)?,
            crowd: client::Crowd::new(scenario, seed, replication),
            struck: vec![Vec::new(); scenario.faults.len()],
            failure_rng: child(seed, replication, Stream::Failures),
            tier_rng: child(seed, replication, Stream::Dependencies),
            budget: budget.map_err(SimError::balancer)?,
            service_rng: child(seed, replication, Stream::Service),
            policy_rng: child(seed, replication, Stream::Policy),
            autoscaler,
            weights_managed: false,
            probes_at: NEVER,
            scaling_actions: 0,
            seen: Counts::default(),
            tally,
            cut,
            recorder: None,
        };
        world.schedule_tick();
        world.schedule_probes();
        world.schedule_faults();
        world.schedule_name_checks();
        world.open_broker();
        world.open_sessions();
        world.draw_arrival();
        Ok(world)
    }
}
