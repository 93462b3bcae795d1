//! Consistent hashes: shares, few moves, bounded load, exclusion.

use crate::support::{Bench, backends, secs};
use balancer::{
    Algorithm, BackendConfig, BackendId, HashRules, Nanos, NoBackend, OutcomeKind, PassiveHealth, PickRequest, PoolConfig, hash_client,
    hash_key,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;

const CONSISTENT: [Algorithm; 3] = [Algorithm::RingHash, Algorithm::Maglev, Algorithm::Rendezvous];

fn by_key(bench: &mut Bench, key: u64, exclude: &[u32]) -> Result<u32, NoBackend> {
    let exclude: Vec<BackendId> = exclude.iter().map(|id| BackendId(*id)).collect();
    let request = PickRequest { exclude: &exclude, key: Some(hash_key(&key.to_le_bytes())), ..PickRequest::default() };
    bench.pool.pick(secs(1), &request, &mut bench.rng).map(|id| id.0)
}

fn owners(bench: &mut Bench, keys: u64) -> Vec<u32> {
    (0..keys).map(|key| by_key(bench, key, &[]).unwrap()).collect()
}

fn moved(before: &[u32], after: &[u32]) -> usize {
    before.iter().zip(after).filter(|(before, after)| before != after).count()
}

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn a_key_stays_where_it_is() {
    for algorithm in [CONSISTENT.as_slice(), &[Algorithm::IpHash]].concat() {
        let mut bench = Bench::plain(algorithm, &[1, 2, 3, 4]);
        let first = owners(&mut bench, 500);
        assert_eq!(owners(&mut bench, 500), first, "{algorithm}");
        assert_eq!(owners(&mut Bench::plain(algorithm, &[1, 2, 3, 4]), 500), first, "{algorithm}: another process");
    }
}

#[test]
fn keys_are_shared_by_weight() {
    for (algorithm, tolerance) in
        [(Algorithm::RingHash, 0.15), (Algorithm::Maglev, 0.06), (Algorithm::Rendezvous, 0.06), (Algorithm::IpHash, 0.06)]
    {
        let weights = [1, 0, 2, 5, 8];
        let hash = HashRules { points: 1_000, ..HashRules::default() };
        let mut bench = Bench::new(PoolConfig { hash, ..PoolConfig::new(algorithm, backends(&weights)) });
        let owners = owners(&mut bench, 40_000);
        for (weight, id) in weights.iter().zip(1u32..) {
            let share = owners.iter().filter(|owner| **owner == id).count() as f64 / 40_000.0;
            let fair = f64::from(*weight) / 16.0;
            assert!((share - fair).abs() <= fair * tolerance, "{algorithm}: {id} of weight {weight} has {share}, not {fair}");
        }
    }
}

#[test]
fn an_ejected_backend_s_keys_come_back_to_it_and_nobody_else_s_move() {
    for algorithm in CONSISTENT {
        let passive = Some(PassiveHealth::new(1, secs(10)));
        let mut bench = Bench::new(PoolConfig { passive, ..PoolConfig::new(algorithm, backends(&[1; 6])) });
        let before = owners(&mut bench, 3_000);
        bench.request(3, secs(1), OutcomeKind::ServerError);
        let during = owners(&mut bench, 3_000);
        assert!(
            before.iter().zip(&during).all(|(before, during)| if *before == 3 { *during != 3 } else { before == during }),
            "{algorithm}"
        );
        bench.finish_trial(3, secs(11));
        let request = |key: u64| PickRequest { key: Some(hash_key(&key.to_le_bytes())), ..PickRequest::default() };
        let after: Vec<u32> = (0..3_000).map(|key| bench.pool.pick(secs(12), &request(key), &mut bench.rng).unwrap().0).collect();
        assert_eq!(after, before, "{algorithm}");
    }
}

#[test]
fn a_request_without_a_key_is_drawn_by_weight() {
    let shares = Bench::plain(Algorithm::Maglev, &[1, 3]).shares(Nanos::ZERO, 2, 20_000);
    crate::support::assert_shares_follow(&shares, &[1, 3]);
}

#[test]
fn ip_hash_goes_by_the_network_of_an_ipv4_client() {
    assert_eq!(hash_client(&[10, 1, 2, 3]), hash_client(&[10, 1, 2, 200]));
    assert_ne!(hash_client(&[10, 1, 2, 3]), hash_client(&[10, 1, 3, 3]));
    assert_ne!(hash_client(&[1; 16]), hash_client(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]));
}

proptest! {
    #![proptest_config(settings(24))]

    #[test]
    fn few_keys_move_when_a_backend_leaves(
        which in prop::sample::select(CONSISTENT.to_vec()),
        weights in prop::collection::vec(1..5u32, 3..40),
        leaver in any::<prop::sample::Index>(),
    ) {
        let leaver = leaver.index(weights.len()) as u32 + 1;
        let mut bench = Bench::plain(which, &weights);
        let before = owners(&mut bench, 4_000);
        let had = before.iter().filter(|owner| **owner == leaver).count();
        bench.pool.remove(BackendId(leaver));
        let after = owners(&mut bench, 4_000);
        prop_assert!(after.iter().all(|owner| *owner != leaver));
        // A change of the heaviest weight changes the scale of the ring and of Maglev's turns: more moves then, by design.
        let heaviest = |skip: Option<u32>| (1..).zip(&weights).filter(|(id, _)| Some(*id) != skip).map(|(_, weight)| *weight).max().unwrap();
        let same_scale = heaviest(None).next_power_of_two() == heaviest(Some(leaver)).next_power_of_two();
        let extra = moved(&before, &after) - had;
        match which {
            Algorithm::Rendezvous => prop_assert_eq!(extra, 0),
            Algorithm::RingHash if same_scale => prop_assert_eq!(extra, 0),
            Algorithm::Maglev if heaviest(None) == heaviest(Some(leaver)) => prop_assert!(extra <= 400, "{extra} of 4000 moved besides {had}"),
            _ => {}
        }
        // And when it comes back, everything is as it was.
        bench.pool.add(BackendConfig::new(leaver, weights[leaver as usize - 1]), secs(1)).unwrap();
        prop_assert_eq!(owners(&mut bench, 4_000), before);
    }

    #[test]
    fn a_newcomer_takes_only_what_it_gets(which in prop::sample::select(vec![Algorithm::RingHash, Algorithm::Rendezvous]), count in 2..30usize) {
        let mut bench = Bench::plain(which, &vec![1; count]);
        let before = owners(&mut bench, 3_000);
        bench.pool.add(BackendConfig::new(900, 1), secs(1)).unwrap();
        let after = owners(&mut bench, 3_000);
        prop_assert!(before.iter().zip(&after).all(|(before, after)| before == after || *after == 900));
    }

    #[test]
    fn bounded_load_holds_whatever_the_keys(
        which in prop::sample::select(CONSISTENT.to_vec()),
        weights in prop::collection::vec(1..5u32, 2..20),
        percent in 101..300u32,
        keys in prop::collection::vec(0..5u64, 400),
        excluded in prop::collection::vec(0..20u32, 0..2),
    ) {
        let hash = HashRules { bound_percent: Some(percent), ..HashRules::default() };
        let mut bench = Bench::new(PoolConfig { hash, ..PoolConfig::new(which, backends(&weights)) });
        let total: u32 = weights.iter().sum();
        let mut loads: BTreeMap<u32, u32> = BTreeMap::new();
        for (sent, key) in (0u32..).zip(keys) {
            let id = by_key(&mut bench, key, &[]).unwrap();
            bench.begin(id, secs(1));
            *loads.entry(id).or_default() += 1;
            let fair = f64::from(percent) / 100.0 * f64::from(sent + 1) * f64::from(weights[id as usize - 1]) / f64::from(total);
            prop_assert!(f64::from(loads[&id]) <= fair.ceil(), "{id} has {} of {}, allowed are {fair}", loads[&id], sent + 1);
        }
        let retried = by_key(&mut bench, 1, &excluded);
        prop_assert!(retried.is_err() || !excluded.contains(&retried.unwrap()));
    }
}
