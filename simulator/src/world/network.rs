//! The way of a request to a region: resolvers that keep answers for a while, health checks of the name service, and the distance.

use balancer::{BackendId, Nanos};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::{Phase, Request, World, open01};
use crate::event::Kind;
use crate::fleet::Replica;
use crate::rng::{Stream, child};
use crate::run::SimError;
use crate::scenario::{Network, PoolSpec, Routing, Scenario};

/// What a resolver remembers.
#[derive(Debug, Clone, Copy)]
struct Answer {
    region: u8,
    until: u64,
}

#[derive(Debug)]
pub(super) struct Names<'s> {
    network: &'s Network,
    rng: Pcg64Mcg,
    /// Running sums of the users' shares, ending with 1.
    users: Vec<f64>,
    /// By region of the users, then by resolver.
    answers: Vec<Vec<Answer>>,
    /// What the name service believes: well or not, and how many checks in a row said otherwise.
    believed: Vec<(bool, u32)>,
}

impl<'s> Names<'s> {
    pub fn new(network: &'s Network, seed: u64, replication: u32) -> Self {
        let mut rng = child(seed, replication, Stream::Network);
        let total: f64 = network.regions.iter().map(|region| region.users).sum();
        let mut sum = 0.0;
        let users = network.regions.iter().map(|region| {
            sum += region.users / total;
            sum
        });
        let users = users.collect();
        let believed = vec![(true, 0); network.regions.len()];
        let mut names = Self { network, rng: child(seed, replication, Stream::Network), users, answers: Vec::new(), believed };
        // Answers that were given before the start run out evenly over the first TTL.
        for home in 0..network.regions.len() {
            let answer = |_| {
                let until = (open01(&mut rng) * network.dns.ttl.0 as f64) as u64;
                Answer { region: names.answer(home), until }
            };
            let answers = (0..network.dns.resolvers).map(answer).collect();
            names.answers.push(answers);
        }
        names
    }

    /// The region that a new user lives in.
    fn home(&mut self) -> u8 {
        let u = open01(&mut self.rng);
        let last = self.users.len() - 1;
        self.users.iter().position(|sum| u < *sum).unwrap_or(last) as u8
    }

    /// Where a request of a user goes now.
    fn route(&mut self, home: u8, now: u64) -> u8 {
        let home = usize::from(home);
        let resolvers = self.answers[home].len() as u128;
        let resolver = ((u128::from(self.rng.next_u64()) * resolvers) >> 64) as usize;
        if now >= self.answers[home][resolver].until {
            let region = self.answer(home);
            self.answers[home][resolver] = Answer { region, until: now.saturating_add(self.network.dns.ttl.0) };
        }
        self.answers[home][resolver].region
    }

    /// What the name service answers to a resolver.
    fn answer(&mut self, home: usize) -> u8 {
        let any = self.believed.iter().any(|(well, _)| *well);
        let well = |region: &usize| !any || self.believed[*region].0;
        let regions = 0..self.network.regions.len();
        let chosen = match self.network.dns.routing {
            Routing::Nearest => regions.filter(well).min_by_key(|region| self.network.one_way[home][*region]),
            Routing::Failover => regions.into_iter().find(well),
            Routing::Spread => {
                let choice: Vec<usize> = regions.filter(well).collect();
                let place = ((u128::from(self.rng.next_u64()) * choice.len() as u128) >> 64) as usize;
                choice.get(place).copied()
            }
        };
        chosen.unwrap_or(0) as u8
    }

    /// Looks at every region; says of which it thinks otherwise now.
    fn check(&mut self, replicas: &[Replica], pools: &[PoolSpec]) -> Vec<(usize, bool)> {
        let mut changed = Vec::new();
        for (region, (well, against)) in self.believed.iter_mut().enumerate() {
            let here = |replica: &&Replica| pools.get(replica.pool as usize).is_some_and(|pool| pool.region == region);
            let found = replicas.iter().filter(here).any(|replica| replica.serves() && replica.cut_off == 0);
            *against = if found == *well { 0 } else { *against + 1 };
            let needed = if *well { self.network.dns.fall } else { self.network.dns.rise };
            if *against >= needed {
                (*well, *against) = (found, 0);
                changed.push((region, found));
            }
        }
        changed
    }
}

/// Round trips between balancers and replicas, where a balancer has replicas of other regions. To those of its own it costs nothing: users
/// pay for the way to the region.
pub(super) fn detours(scenario: &Scenario) -> Vec<Vec<u64>> {
    let Some(network) = scenario.network.as_ref().filter(|_| scenario.balancing.by_distance) else { return Vec::new() };
    let round_trip = |from: usize, to: usize| if from == to { 0 } else { network.one_way[from][to].0.saturating_mul(2) };
    let regions = 0..network.regions.len();
    regions.clone().map(|from| regions.clone().map(|to| round_trip(from, to)).collect()).collect()
}

impl World<'_> {
    pub(super) fn draw_home(&mut self) -> u8 {
        self.names.as_mut().map_or(0, Names::home)
    }

    /// A user sends a request, to the region that their resolver names.
    pub(super) fn dispatch(&mut self, mut request: Request) -> Result<(), SimError> {
        let Some(names) = &mut self.names else {
            return self.enter(request);
        };
        request.region = names.route(request.home, self.now);
        let way = names.network.one_way[usize::from(request.home)][usize::from(request.region)];
        if way.0 == 0 {
            return self.enter(request);
        }
        request.phase = Phase::Away;
        let ticket = self.take_slot(request)?;
        self.agenda.schedule(self.now.saturating_add(way.0), Kind::Reach, ticket.slot);
        Ok(())
    }

    /// A request has come to its region.
    pub(super) fn reach(&mut self, slot: u32) -> Result<(), SimError> {
        let request = self.take_back(slot);
        self.enter(request)
    }

    /// The way of an answer back to the user.
    pub(super) fn way_back(&self, home: u8, region: u8) -> Nanos {
        self.names.as_ref().map_or(Nanos(0), |names| names.network.one_way[usize::from(home)][usize::from(region)])
    }

    /// When a service would have begun without the way to its region and, if the replica is in another, to that: who travels doesn't wait.
    #[inline]
    pub(super) fn without_way(&self, request: &Request, at: u32, started: u64) -> u64 {
        if self.names.is_none() {
            return started;
        }
        let detour = self.detour(request.region, BackendId(at.wrapping_add(1)));
        let way = self.way_back(request.home, request.region).0.saturating_add(detour);
        started.saturating_sub(way).max(request.arrived)
    }

    pub(super) fn schedule_name_checks(&mut self) {
        if let Some(names) = self.names.as_ref().filter(|names| names.network.regions.len() > 1) {
            let at = self.now.saturating_add(names.network.dns.check.0);
            self.agenda.schedule(at, Kind::Names, 0);
        }
    }

    /// The name service looks at every region.
    pub(super) fn check_names(&mut self) {
        let changed = self.names.as_mut().map(|names| names.check(&self.replicas, &self.scenario.pools));
        for (region, well) in changed.into_iter().flatten() {
            self.note_region(region, well);
        }
        self.schedule_name_checks();
    }
}
