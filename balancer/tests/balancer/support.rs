//! A pool with a seeded generator and short words for what tests do to it.

use balancer::{
    Algorithm, BackendConfig, BackendId, BackendState, BackendView, BackendWeight, Nanos, NoBackend, Outcome, OutcomeKind, PickRequest,
    Pool, PoolConfig, WeightSnapshot,
};
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

pub fn secs(seconds: u64) -> Nanos {
    Nanos::from_secs(seconds)
}

pub fn backends(weights: &[u32]) -> Vec<BackendConfig> {
    weights.iter().zip(1..).map(|(weight, id)| BackendConfig::new(id, *weight)).collect()
}

pub fn snapshot(epoch: u64, weights: &[(u32, u32)]) -> WeightSnapshot {
    let weights = weights.iter().map(|(id, weight)| BackendWeight { id: BackendId(*id), weight: *weight }).collect();
    WeightSnapshot { epoch, weights }
}

pub struct Bench {
    pub pool: Pool,
    pub rng: Pcg64Mcg,
}

impl Bench {
    pub fn new(config: PoolConfig) -> Bench {
        Bench { pool: Pool::try_new(config).unwrap(), rng: Pcg64Mcg::seed_from_u64(2026) }
    }

    /// Backends 1, 2, 3 … with these weights and no rules.
    pub fn plain(algorithm: Algorithm, weights: &[u32]) -> Bench {
        Bench::new(PoolConfig::new(algorithm, backends(weights)))
    }

    pub fn try_pick(&mut self, now: Nanos, exclude: &[u32]) -> Result<u32, NoBackend> {
        let exclude: Vec<BackendId> = exclude.iter().map(|id| BackendId(*id)).collect();
        self.pool.pick(now, &PickRequest { exclude: &exclude, ..PickRequest::default() }, &mut self.rng).map(|id| id.0)
    }

    pub fn pick(&mut self, now: Nanos) -> u32 {
        self.try_pick(now, &[]).unwrap()
    }

    /// Picks that are never sent.
    pub fn picks(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.pick(Nanos::ZERO)).collect()
    }

    /// How often each of the backends 1 to `backends` is picked at `now`, the requests never sent.
    pub fn shares(&mut self, now: Nanos, backends: usize, count: usize) -> Vec<usize> {
        let mut shares = vec![0; backends];
        for _ in 0..count {
            shares[self.pick(now) as usize - 1] += 1;
        }
        shares
    }

    pub fn begin(&mut self, id: u32, now: Nanos) {
        self.pool.begin(BackendId(id), now);
    }

    pub fn finish(&mut self, id: u32, now: Nanos, kind: OutcomeKind) {
        self.pool.finish(BackendId(id), now, &Outcome::new(kind, Nanos::from_millis(5)));
    }

    /// One request that begins and ends at `now`.
    pub fn request(&mut self, id: u32, now: Nanos, kind: OutcomeKind) {
        self.begin(id, now);
        self.finish(id, now, kind);
    }

    /// A trial request, which succeeds.
    pub fn finish_trial(&mut self, id: u32, now: Nanos) {
        let _ = self.try_pick(now, &[]);
        self.request(id, now, OutcomeKind::Success);
    }

    pub fn view(&self, id: u32, now: Nanos) -> BackendView {
        self.pool.view(now).into_iter().find(|view| view.id == BackendId(id)).unwrap()
    }

    pub fn state(&self, id: u32, now: Nanos) -> BackendState {
        self.view(id, now).state
    }
}

/// Asserts that counts follow weights: each within five standard deviations of a binomial.
pub fn assert_shares_follow(counts: &[usize], weights: &[u32]) {
    let picks: usize = counts.iter().sum();
    let total: u32 = weights.iter().sum();
    for (count, weight) in counts.iter().zip(weights) {
        let share = f64::from(*weight) / f64::from(total);
        let expected = picks as f64 * share;
        let allowed = 5.0 * (expected * (1.0 - share)).sqrt();
        assert!((*count as f64 - expected).abs() <= allowed, "{counts:?} for weights {weights:?}: {count} is not {expected} ± {allowed}");
    }
}
