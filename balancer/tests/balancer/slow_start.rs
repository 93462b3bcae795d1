//! Ramps.

use crate::support::{Bench, assert_shares_follow, backends, secs, snapshot};
use balancer::{Algorithm, BackendConfig, BackendId, BackendState, Nanos, PoolConfig, SlowStart};

fn ramped(algorithm: Algorithm, weights: &[u32]) -> Bench {
    let slow_start = Some(SlowStart::new(secs(100)));
    Bench::new(PoolConfig { slow_start, ..PoolConfig::new(algorithm, backends(weights)) })
}

#[test]
fn a_new_backend_s_weight_rises_in_a_line_from_its_floor() {
    let mut bench = ramped(Algorithm::WeightedRoundRobin, &[4]);
    bench.pool.add(BackendConfig::new(2, 4), secs(1_000)).unwrap();
    let seen = [1_000, 1_005, 1_025, 1_050, 1_099, 1_100].map(|at| bench.view(2, secs(at)).effective_weight);
    assert_eq!(seen, [0.4, 0.4, 1.0, 2.0, 3.96, 4.0]);
    assert_eq!(bench.state(2, secs(1_099)), BackendState::Warming);
    assert_eq!(bench.state(2, secs(1_100)), BackendState::Up);
    assert_eq!(bench.state(1, secs(1_000)), BackendState::Up, "the configured ones are warm");
}

#[test]
fn every_algorithm_sends_a_warming_backend_its_share() {
    for algorithm in [Algorithm::RoundRobin, Algorithm::WeightedRoundRobin, Algorithm::LeastConnections] {
        let mut bench = ramped(algorithm, &[1]);
        bench.pool.add(BackendConfig::new(2, 1), secs(0)).unwrap();
        assert_eq!(bench.shares(secs(25), 2, 100), [80, 20], "{algorithm}");
        assert_eq!(bench.shares(secs(100), 2, 100), [50, 50], "{algorithm}");
    }
    for algorithm in [Algorithm::Random, Algorithm::WeightedRandom, Algorithm::P2c] {
        let mut bench = ramped(algorithm, &[1]);
        bench.pool.add(BackendConfig::new(2, 1), secs(0)).unwrap();
        assert_shares_follow(&bench.shares(secs(25), 2, 20_000), &[4, 1]);
        assert_shares_follow(&bench.shares(secs(100), 2, 20_000), &[1, 1]);
    }
}

#[test]
fn when_all_are_new_they_share_as_if_none_were() {
    let mut bench = ramped(Algorithm::WeightedRoundRobin, &[]);
    bench.pool.apply(&snapshot(1, &[(1, 1), (2, 3)]), secs(0)).unwrap();
    for at in [0, 1, 50, 99, 100] {
        assert_eq!(bench.shares(secs(at), 2, 40), [10, 30], "at {at} s");
    }
}

#[test]
fn all_new_but_of_different_age_share_by_age() {
    let mut bench = ramped(Algorithm::RoundRobin, &[]);
    bench.pool.add(BackendConfig::new(1, 1), secs(0)).unwrap();
    bench.pool.add(BackendConfig::new(2, 1), secs(40)).unwrap();
    assert_eq!(bench.shares(secs(60), 2, 80), [60, 20]);
}

#[test]
fn a_change_of_weight_does_not_start_the_ramp_again() {
    let mut bench = ramped(Algorithm::WeightedRoundRobin, &[]);
    bench.pool.apply(&snapshot(1, &[(1, 2), (2, 2)]), secs(0)).unwrap();
    bench.pool.apply(&snapshot(2, &[(1, 8), (2, 2)]), secs(50)).unwrap();
    bench.pool.set_weight(BackendId(2), 4).unwrap();
    assert_eq!((bench.view(1, secs(50)).effective_weight, bench.view(2, secs(50)).effective_weight), (4.0, 2.0));
    assert_eq!(bench.state(1, secs(100)), BackendState::Up);
}

#[test]
fn a_quiet_service_still_reaches_a_warming_backend() {
    // One request per two steps of the ramp: balances that started over at each step would give all of them to the warm one.
    let mut bench = ramped(Algorithm::WeightedRoundRobin, &[1]);
    bench.pool.add(BackendConfig::new(2, 1), secs(0)).unwrap();
    let picked: Vec<u32> = (0..50).map(|step| bench.pick(secs(2 * step))).collect();
    let to_new = picked.iter().filter(|id| **id == 2).count();
    // The share rises from 1/11 to 1/2; its mean over the ramp is 0.31.
    assert!((13..=18).contains(&to_new), "{to_new} of 50: {picked:?}");
}

#[test]
fn a_weight_that_falls_from_a_million_to_one_owes_no_turns() {
    let mut bench = Bench::plain(Algorithm::WeightedRoundRobin, &[1_000_000, 1_000_000, 1]);
    bench.picks(3);
    bench.pool.apply(&snapshot(1, &[(1, 1), (2, 2), (3, 1)]), Nanos::ZERO).unwrap();
    let shares = bench.shares(Nanos::ZERO, 3, 40);
    assert!(shares.iter().zip([10, 20, 10]).all(|(share, fair)| share.abs_diff(fair) <= 1), "{shares:?}");
}
