use super::*;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

fn picks(pool: &mut Pool, count: usize) -> Vec<u32> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    (0..count).map(|_| pool.pick(Nanos::ZERO, &PickRequest::default(), &mut rng).unwrap().0).collect()
}

fn pool(algorithm: Algorithm, weights: &[u32]) -> Pool {
    let backends = weights.iter().zip(1..).map(|(weight, id)| BackendConfig::new(id, *weight)).collect();
    Pool::try_new(PoolConfig::new(algorithm, backends)).unwrap()
}

#[test]
fn smooth_weighted_round_robin_gives_nginx_s_sequence() {
    let mut pool = pool(Algorithm::WeightedRoundRobin, &[5, 1, 1]);
    assert_eq!(picks(&mut pool, 14), [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
}

#[test]
fn round_robin_ignores_weights_but_never_picks_weight_zero() {
    let mut pool = pool(Algorithm::RoundRobin, &[5, 0, 1, 1]);
    assert_eq!(picks(&mut pool, 6), [1, 3, 4, 1, 3, 4]);
}
