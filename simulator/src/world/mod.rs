//! The event loop: a state machine over three sorted streams (the agenda's heap, the ring of time-outs, the arrivals). At equal times the
//! agenda goes first, by sequence, then time-outs, then the arrival; so a server that gets free at the moment of an arrival is free for it.

mod begin;
mod broker;
mod call;
mod client;
mod connect;
mod door;
mod fault;
mod finish;
mod lose;
mod network;
mod note;
mod request;
mod scale;
mod send;
mod serve;
mod session;
mod share;

pub use broker::BrokerResult;
pub(crate) use finish::end_before_start;
use request::{Deadline, Phase, Request};

use std::collections::VecDeque;

use balancer::{Nanos, Pool, RetryBudget};
use rand_pcg::Pcg64Mcg;

use crate::autoscale::{Autoscaler, ReplicaState};
use crate::event::{Agenda, Kind};
use crate::fleet::Replica;
use crate::result::RunResult;

use crate::run::SimError;
use crate::sample::{ServiceSampler, open01};
use crate::scenario::{Horizon, PoolSpec, Scenario};
use crate::tally::{Counts, Tally};
use crate::trace::Recorder;
use crate::units::MINUTE;
use crate::watch::Watched;
use crate::workload::ArrivalStream;

/// Later than every event of any run, and still a time that can be subtracted from.
pub(crate) const NEVER: u64 = u64::MAX;

/// Requests of open arrivals have no session.
pub(crate) const NOBODY: u32 = u32::MAX;

pub(crate) struct World<'s> {
    scenario: &'s Scenario,
    now: u64,
    end: u64,
    agenda: Agenda,
    /// Those of the scenario's own time-out, then one ring for each class.
    deadlines: Vec<VecDeque<Deadline>>,
    /// By region; empty when everybody may pass.
    gates: Vec<door::Gate>,
    arrivals: ArrivalStream<'s>,
    next_arrival: u64,
    next_minute: u64,
    requests: Vec<Request>,
    free: Vec<u32>,
    replicas: Vec<Replica>,
    /// Pools, then dependencies.
    specs: Vec<&'s PoolSpec>,
    /// As `specs`.
    samplers: Vec<ServiceSampler>,
    /// By region.
    fronts: Vec<Pool>,
    names: Option<network::Names<'s>>,
    broker: Option<broker::Line<'s>>,
    wires: Option<connect::Wires<'s>>,
    /// Round trips from the balancer of a region to the replicas of another; empty when balancers have only those of their own.
    detours: Vec<Vec<u64>>,
    users: Option<session::Users>,
    store: Option<session::Store>,
    /// Empty when users don't stay.
    stuck: session::Stuck,
    /// The balancers of dependencies.
    tiers: Vec<Pool>,
    /// Something may happen to a request between the end of its service and its answer.
    intricate: bool,
    crowd: client::Crowd,
    /// Who was struck by each fault.
    struck: Vec<Vec<u32>>,
    failure_rng: Pcg64Mcg,
    tier_rng: Pcg64Mcg,
    budget: Option<RetryBudget>,
    service_rng: Pcg64Mcg,
    policy_rng: Pcg64Mcg,
    autoscaler: Box<dyn Autoscaler>,
    /// The autoscaler has sent weights, so they are its business from now on.
    weights_managed: bool,
    probes_at: u64,
    scaling_actions: u64,
    /// Cumulative from the start, for the autoscaler: the warm-up cut doesn't touch them.
    seen: Counts,
    tally: Tally,
    cut: u64,
    recorder: Option<&'s mut Recorder>,
}

impl<'s> World<'s> {
    /// Writes down what happens.
    pub fn recorded(mut self, recorder: Option<&'s mut Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Runs to the end.
    pub fn run(mut self, mut watched: Watched<'_>) -> Result<RunResult, SimError> {
        loop {
            let agenda_at = self.agenda.next_at();
            let deadline_at = self.next_deadline();
            let at = agenda_at.min(deadline_at).min(self.next_arrival);
            if at > self.end {
                break;
            }
            debug_assert!(at >= self.now, "time goes back from {} to {at}", self.now);
            if at >= self.next_minute {
                self.end_minutes(at);
            }
            self.now = at;
            if watched.stops(at, self.seen.arrived) {
                return Err(SimError::Stopped);
            }
            if agenda_at == at {
                if self.handle_event()? && watched.ask(at, self.seen.arrived) {
                    return Err(SimError::Stopped);
                }
            } else if deadline_at == at {
                self.expire()?;
            } else {
                self.arrive(NOBODY)?;
            }
            if self.broker.is_some() {
                self.pull()?;
            }
        }
        self.finish()
    }

    /// True when the autoscaler was asked, which may have taken long.
    fn handle_event(&mut self) -> Result<bool, SimError> {
        // The loop has just seen that there is one.
        let Some(event) = self.agenda.pop() else { return Ok(false) };
        let asked = event.kind() == Kind::Tick;
        match event.kind() {
            Kind::Done => self.done(event.index())?,
            Kind::Departure => self.departure(event)?,
            Kind::Booted => self.booted(event.index()),
            Kind::Tick => self.tick(),
            Kind::Probes => self.probe(),
            Kind::Resend => self.resend(event.index())?,
            Kind::Think => self.arrive(event.index())?,
            Kind::Abandon => self.abandon(event.index())?,
            Kind::Fault => self.fault(event.index())?,
            Kind::Killed => self.kill(event.index())?,
            Kind::Restarted => self.restarted(event.index()),
            Kind::Reach => self.reach(event.index())?,
            Kind::Names => self.check_names(),
            Kind::Connected => self.connected(event.index())?,
            Kind::Door => self.open_door(event.index())?,
        }
        Ok(asked)
    }

    /// When the next attempt is given up; `NEVER` when none is timed.
    #[inline]
    fn next_deadline(&self) -> u64 {
        self.deadlines.iter().filter_map(VecDeque::front).map(|deadline| deadline.at).min().unwrap_or(NEVER)
    }

    fn draw_arrival(&mut self) {
        self.next_arrival = match (self.arrivals.next_ns(), self.scenario.horizon) {
            (Some(at), Horizon::Duration(end)) if at < end.0 => at,
            (Some(at), Horizon::Requests(requests)) if self.seen.arrived < requests => at,
            _ => NEVER,
        };
    }

    /// Writes down the fleet for each minute that ends at or before `at`.
    fn end_minutes(&mut self, at: u64) {
        let (ready, booting) = self.fleet_now();
        while self.next_minute <= at {
            self.tally.fleet(self.next_minute / MINUTE - 1, ready, booting);
            self.next_minute += MINUTE;
        }
    }

    fn fleet_now(&self) -> (u32, u32) {
        let count =
            |state| self.replicas.iter().filter(|replica| replica.state == Some(state) && self.is_front(replica.pool)).count() as u32;
        (count(ReplicaState::Ready), count(ReplicaState::Booting))
    }

    /// The balancer of a replica's own region. (Somebody unknown, whom only weights can name, is with the first.)
    fn front_of(&mut self, at: u32) -> &mut Pool {
        if self.fronts.len() == 1 {
            return &mut self.fronts[0];
        }
        let region = self.replicas.get(at as usize).map_or(0, |replica| self.specs[replica.pool as usize].region);
        &mut self.fronts[region]
    }

    /// Whether a pool is one of those that the balancer sends requests to, not a dependency.
    fn is_front(&self, pool: u32) -> bool {
        (pool as usize) < self.scenario.pools.len()
    }

    fn now(&self) -> Nanos {
        Nanos(self.now)
    }
}
