//! The exact short cut: where nothing that happens to a request changes where a later one goes, waiting times follow from a recursion
//! (Lindley 1952 for one server, Kiefer and Wolfowitz 1955 for several), and no event needs to be scheduled at all. Chosen by itself;
//! gives the same result as the event loop, to the last bit (a test compares them).

use balancer::{Algorithm, BackendConfig, Nanos, PickRequest, Pool, PoolConfig};

use crate::fleet::{BackendResult, Replica};
use crate::result::RunResult;
use crate::rng::{Stream, child};
use crate::run::SimError;
use crate::sample::ServiceSampler;
use crate::scenario::{Arrivals, Discipline, Horizon, Scenario};
use crate::tally::{Tally, after_cut};
use crate::trace::{Recorder, RequestOutcome, RequestRow};
use crate::units::{MINUTE, as_s};
use crate::watch::Watched;
use crate::workload::ArrivalStream;
use crate::world::end_before_start;

/// First in first out, unbounded queues, nobody gives up, a fixed fleet, no probes, and picks that don't look at the load.
pub(crate) fn applies(scenario: &Scenario) -> bool {
    let pool = &scenario.balancing.pool;
    let replicas: u32 = scenario.pools.iter().map(|pool| pool.replicas).sum();
    let blind =
        matches!(pool.algorithm, Algorithm::RoundRobin | Algorithm::WeightedRoundRobin | Algorithm::Random | Algorithm::WeightedRandom);
    let open = |spec: &crate::scenario::PoolSpec| {
        spec.discipline == Discipline::Fifo
            && spec.queue.is_none()
            && spec.weight > 0
            && spec.failure == 0.0
            && spec.memory.is_none()
            && spec.place == balancer::Place::default()
            && spec.calls.is_empty()
    };
    scenario.autoscaler.is_none()
        && scenario.classes.is_empty()
        && scenario.network.is_none()
        && scenario.broker.is_none()
        && scenario.connections.is_none()
        && scenario.sessions.is_none()
        && !scenario.balancing.sticky
        && scenario.balancing.door.is_open()
        && scenario.clients.patience.is_none()
        && scenario.faults.is_empty()
        && !matches!(scenario.arrivals, Arrivals::Closed { .. })
        && scenario.timeout.is_none()
        && pool.active.is_none()
        && pool.latency.is_none()
        && scenario.pools.iter().all(open)
        && (replicas == 1 || (replicas > 1 && blind))
}

/// The times at which each server of a replica gets free, as a binary min-heap; all zero at the start.
struct Servers {
    free_at: Vec<u64>,
}

impl Servers {
    /// Gives the work to the server that is free first; returns (start, finish).
    #[inline]
    fn take(&mut self, arrived: u64, work: u64) -> (u64, u64) {
        let start = arrived.max(self.free_at[0]);
        let finish = start.saturating_add(work);
        // Sift the new finish down from the root.
        let heap = &mut self.free_at[..];
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= heap.len() {
                break;
            }
            // Which of the two is smaller is a coin toss: added, not branched on.
            if child + 1 < heap.len() {
                child += usize::from(heap[child + 1] < heap[child]);
            }
            if heap[child] >= finish {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = finish;
        (start, finish)
    }
}

/// When the run ends: a run by number of requests needs to know the time of its last arrival beforehand.
fn end_of(scenario: &Scenario, mut arrivals: ArrivalStream) -> u64 {
    let limit = end_before_start(scenario);
    let Horizon::Requests(requests) = scenario.horizon else { return limit };
    let mut last = 0;
    for _ in 0..requests {
        match arrivals.next_ns() {
            Some(at) => last = at,
            None => return limit,
        }
    }
    last
}

/// The row of a request.
fn row(number: u64, at: usize, (arrived, started, finished): (u64, u64, u64), done: bool) -> RequestRow {
    let answered = |at: u64| done.then_some(Nanos(at));
    RequestRow {
        number,
        arrived: Nanos(arrived),
        counted: false,
        class: 0,
        home: 0,
        region: 0,
        backend: Some(at as u32 + 1),
        attempts: 1,
        user_retries: 0,
        started: answered(started),
        served: answered(finished),
        ended: answered(finished),
        outcome: if done { RequestOutcome::Served } else { RequestOutcome::InFlight },
    }
}

/// Runs a scenario to which the recursion [`applies`].
pub(crate) fn run(
    scenario: &Scenario,
    (seed, replication): (u64, u32),
    mut tally: Tally,
    cut: u64,
    mut watched: Watched<'_>,
    mut recorder: Option<&mut Recorder>,
) -> Result<RunResult, SimError> {
    let stream = || ArrivalStream::new(&scenario.arrivals, child(seed, replication, Stream::Arrivals));
    let end = end_of(scenario, stream());
    if cut >= end {
        return Err(SimError::NothingLeft { warmup_s: as_s(cut), end_s: as_s(end) });
    }
    let mut replicas = Vec::new();
    let mut backends = Vec::new();
    let mut servers = Vec::new();
    for (pool, spec) in (0_u32..).zip(&scenario.pools) {
        for _ in 0..spec.replicas {
            replicas.push(Replica::new(pool, spec, 0, true));
            backends.push(BackendConfig::new(replicas.len() as u32, spec.weight).at(spec.place));
            servers.push(Servers { free_at: vec![0; spec.concurrency as usize] });
        }
    }
    let samplers: Vec<_> = scenario.pools.iter().map(|pool| ServiceSampler::new(&pool.service_time, pool.speed)).collect();
    let mut pool = Pool::try_new(PoolConfig { backends, ..scenario.balancing.pool.clone() }).map_err(SimError::balancer)?;
    let mut policy_rng = child(seed, replication, Stream::Policy);
    let mut service_rng = child(seed, replication, Stream::Service);
    let mut arrivals = stream();
    let most = if let Horizon::Requests(requests) = scenario.horizon { requests } else { u64::MAX };
    let mut number = 0;
    while number < most {
        let Some(now) = arrivals.next_ns() else { break };
        if matches!(scenario.horizon, Horizon::Duration(end) if now >= end.0) {
            break;
        }
        if watched.stops(now, number) {
            return Err(SimError::Stopped);
        }
        tally.arrived(number, 0, now);
        let at = if replicas.len() == 1 {
            0
        } else {
            // Everybody has a weight and nobody can fail, so somebody is always picked.
            let Ok(id) = pool.pick(Nanos(now), &PickRequest::default(), &mut policy_rng) else { break };
            id.0 as usize - 1
        };
        let replica = &mut replicas[at];
        let (started, finished) = servers[at].take(now, samplers[replica.pool as usize].draw(&mut service_rng));
        let counted = u64::from(now >= cut);
        replica.attempts += counted;
        replica.busy += u128::from(after_cut(cut, started, finished.min(end)));
        if finished <= end {
            replica.served += counted;
            tally.served(number, 0, now, started, finished);
        } else {
            tally.in_flight(now, started > now, end);
        }
        if let Some(recorder) = recorder.as_mut().filter(|recorder| recorder.wants(number)) {
            recorder.request(row(number, at, (now, started, finished), finished <= end));
        }
        number += 1;
    }
    if scenario.timeline {
        for minute in 0..end.div_ceil(MINUTE) {
            tally.fleet(minute, replicas.len() as u32, 0);
        }
    }
    let concurrency = |replica: &Replica| scenario.pools[replica.pool as usize].concurrency;
    let backends = (1_u32..).zip(&replicas).map(|(id, replica)| BackendResult::new(id, replica, concurrency(replica), cut, end)).collect();
    Ok(RunResult::new(tally, cut, end, backends, 0))
}
