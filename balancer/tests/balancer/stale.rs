//! Data that is 100 ms old, at a load of 0.8: nobody may end up with more than twice the mean.
//!
//! A fleet of 20 backends with 100 workers each, service times exponential with a mean of 100 ms, Poisson arrivals at 0.8 of what they can
//! do. The balancer hears of each end 100 ms late; of what it sends itself it knows at once.

use balancer::{
    Algorithm, BackendConfig, BackendId, Nanos, Outcome, OutcomeKind, PickRequest, Pool, PoolConfig, PrequalRules, ProbeAnswer,
};
use rand::RngExt;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

const BACKENDS: usize = 20;
const WORKERS: usize = 100;
const MEAN_S: f64 = 0.1;
const OLD: u64 = 100_000_000;
const LOAD: f64 = 0.8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Arrive,
    Done { backend: usize, sent: u64 },
    HearEnd { backend: usize, sent: u64, ended: u64 },
    HearProbe { probe: usize, in_flight: u32, latency: u64, asked: u64 },
}

struct Fleet {
    busy: [usize; BACKENDS],
    waiting: Vec<VecDeque<u64>>,
    latency: [u64; BACKENDS],
    agenda: BinaryHeap<Reverse<(u64, u64, What)>>,
    sequence: u64,
    rng: Pcg64Mcg,
}

impl Fleet {
    fn at(&mut self, time: u64, what: What) {
        self.sequence += 1;
        self.agenda.push(Reverse((time, self.sequence, what)));
    }

    fn exponential(&mut self, mean_s: f64) -> u64 {
        let uniform: f64 = self.rng.random();
        (-libm::log(1.0 - uniform) * mean_s * 1e9) as u64
    }

    fn in_flight(&self, backend: usize) -> usize {
        self.busy[backend] + self.waiting[backend].len()
    }

    fn serve(&mut self, backend: usize, sent: u64, now: u64) {
        let time = self.exponential(MEAN_S);
        self.at(now + time, What::Done { backend, sent });
    }
}

/// The largest ratio of anybody's requests in flight to the mean after a warm-up of 2 s, in a run of 30 s.
fn worst_ratio(algorithm: Algorithm, seed: u64) -> f64 {
    let backends = (0..BACKENDS as u32).map(|id| BackendConfig::new(id, 1)).collect();
    let prequal = PrequalRules { external: true, ..PrequalRules::default() };
    let mut pool = Pool::try_new(PoolConfig { prequal, ..PoolConfig::new(algorithm, backends) }).unwrap();
    let mut policy = Pcg64Mcg::seed_from_u64(seed);
    let mut fleet = Fleet {
        busy: [0; BACKENDS],
        waiting: vec![VecDeque::new(); BACKENDS],
        latency: [(MEAN_S * 1e9) as u64; BACKENDS],
        agenda: BinaryHeap::new(),
        sequence: 0,
        rng: Pcg64Mcg::seed_from_u64(seed + 1),
    };
    let between_s = MEAN_S / (LOAD * (BACKENDS * WORKERS) as f64);
    fleet.at(0, What::Arrive);
    let mut worst: f64 = 0.0;
    let mut probes = Vec::new();
    while let Some(Reverse((now, _, what))) = fleet.agenda.pop().filter(|Reverse((now, ..))| *now < 30_000_000_000) {
        match what {
            What::Arrive => {
                let next = now + fleet.exponential(between_s);
                fleet.at(next, What::Arrive);
                let id = pool.pick(Nanos(now), &PickRequest::default(), &mut policy).unwrap();
                pool.begin(id, Nanos(now));
                let backend = id.0 as usize;
                if fleet.busy[backend] < WORKERS {
                    fleet.busy[backend] += 1;
                    fleet.serve(backend, now, now);
                } else {
                    fleet.waiting[backend].push_back(now);
                }
                if algorithm == Algorithm::Prequal {
                    for target in pool.probe_targets(Nanos(now), &mut policy) {
                        let backend = target.id.0 as usize;
                        let (in_flight, latency) = (fleet.in_flight(backend) as u32, fleet.latency[backend]);
                        fleet.at(now + OLD, What::HearProbe { probe: probes.len(), in_flight, latency, asked: now });
                        probes.push(target);
                    }
                }
                if now > 2_000_000_000 {
                    let total: usize = (0..BACKENDS).map(|backend| fleet.in_flight(backend)).sum();
                    worst = worst.max(fleet.in_flight(backend) as f64 * BACKENDS as f64 / total as f64);
                }
            }
            What::Done { backend, sent } => {
                fleet.busy[backend] -= 1;
                fleet.latency[backend] = (fleet.latency[backend] * 9 + (now - sent)) / 10;
                fleet.at(now + OLD, What::HearEnd { backend, sent, ended: now });
                if let Some(next) = fleet.waiting[backend].pop_front() {
                    fleet.busy[backend] += 1;
                    fleet.serve(backend, next, now);
                }
            }
            What::HearEnd { backend, sent, ended } => {
                pool.finish(BackendId(backend as u32), Nanos(now), &Outcome::new(OutcomeKind::Success, Nanos(ended - sent)));
            }
            What::HearProbe { probe, in_flight, latency, asked } => {
                let answer = ProbeAnswer { in_flight, latency: Nanos(latency) };
                pool.probe_answer(probes[probe], Nanos(asked), answer);
            }
        }
    }
    worst
}

#[test]
fn with_data_100_ms_old_at_load_0_8_nobody_holds_twice_the_mean() {
    for algorithm in [Algorithm::P2c, Algorithm::Prequal] {
        for seed in [11, 12, 13] {
            let worst = worst_ratio(algorithm, seed);
            assert!(worst > 1.0 && worst <= 2.0, "{algorithm}, seed {seed}: {worst} times the mean");
        }
    }
}
