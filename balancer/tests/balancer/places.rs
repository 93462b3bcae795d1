//! Backups, levels, splits, sessions.

use crate::support::{Bench, assert_shares_follow, secs};
use balancer::{
    ActiveHealth, Algorithm, BackendConfig, BackendId, LevelRules, Nanos, NoBackend, PickRequest, Place, PoolConfig, SessionTable, Split,
};

fn level(level: u8) -> Place {
    Place { level, ..Place::default() }
}

fn backup() -> Place {
    Place { backup: true, ..Place::default() }
}

fn group(group: u8) -> Place {
    Place { group, ..Place::default() }
}

/// Backends 1, 2, 3 … at these places, each probed, with a probe that takes out at its first failure.
fn placed(algorithm: Algorithm, places: &[Place]) -> PoolConfig {
    let active = Some(ActiveHealth { interval: secs(1_000), timeout: secs(5), rise: 1, fall: 1 });
    let backends = places.iter().zip(1..).map(|(place, id)| BackendConfig::new(id, 1).at(*place)).collect();
    PoolConfig { active, ..PoolConfig::new(algorithm, backends) }
}

fn take_down(bench: &mut Bench, ids: &[u32]) {
    for id in bench.pool.probes_due(Nanos::ZERO) {
        bench.pool.probe_result(id, Nanos::ZERO, !ids.contains(&id.0));
    }
}

#[test]
fn a_backup_gets_requests_only_while_nobody_else_can() {
    for algorithm in Algorithm::ALL {
        let config = placed(algorithm, &[Place::default(), Place::default(), backup()]);
        let mut bench = Bench::new(config.clone());
        assert_eq!(bench.shares(Nanos::ZERO, 3, 200)[2], 0, "{algorithm}");
        assert_eq!(bench.try_pick(Nanos::ZERO, &[1, 2]), Ok(3), "{algorithm}: a retry may");
        let mut one_down = Bench::new(config.clone());
        take_down(&mut one_down, &[1]);
        assert_eq!(one_down.shares(Nanos::ZERO, 3, 50), [0, 50, 0], "{algorithm}");
        let mut both_down = Bench::new(config);
        take_down(&mut both_down, &[1, 2]);
        assert_eq!(both_down.shares(Nanos::ZERO, 3, 50), [0, 0, 50], "{algorithm}");
    }
}

#[test]
fn traffic_spills_to_the_next_level_as_the_first_fails() {
    // Ten near, ten far. With 140 % overprovisioning, the near ones carry everything down to 71 % of their weight.
    let places: Vec<Place> = (0..20).map(|at| level(u8::from(at >= 10))).collect();
    for (down, far_share) in [(0, 0.0), (2, 0.0), (5, 0.3), (8, 0.72), (10, 1.0)] {
        let mut bench = Bench::new(placed(Algorithm::WeightedRandom, &places));
        take_down(&mut bench, &(1..=down).collect::<Vec<u32>>());
        let far: usize = bench.shares(Nanos::ZERO, 20, 20_000)[10..].iter().sum();
        let share = far as f64 / 20_000.0;
        assert!((share - far_share).abs() < 0.015, "with {down} of 10 down the far level has {share}");
    }
}

#[test]
fn a_full_level_spills_to_the_next() {
    let levels = LevelRules { full_at: Some(2), ..LevelRules::default() };
    let mut bench = Bench::new(PoolConfig { levels, ..placed(Algorithm::LeastConnections, &[level(0), level(0), level(1)]) });
    let mut picked = Vec::new();
    for _ in 0..8 {
        let id = bench.pick(Nanos::ZERO);
        bench.begin(id, Nanos::ZERO);
        picked.push(id);
    }
    assert_eq!(picked[..4].iter().filter(|id| **id == 3).count(), 0);
    assert_eq!(picked[4..6], [3, 3]);
    assert!(picked[6..].iter().all(|id| *id != 3), "when all are full the first level has them: {picked:?}");
}

#[test]
fn splits_share_by_weight_and_by_header() {
    let splits = vec![Split { group: 0, weight: 90 }, Split { group: 1, weight: 10 }, Split { group: 2, weight: 0 }];
    for algorithm in [Algorithm::LeastConnections, Algorithm::P2c, Algorithm::RoundRobin] {
        let config = placed(algorithm, &[group(0), group(0), group(1), group(2)]);
        let mut bench = Bench::new(PoolConfig { splits: splits.clone(), ..config });
        let shares = bench.shares(Nanos::ZERO, 4, 20_000);
        assert_shares_follow(&[shares[0] + shares[1], shares[2], shares[3]], &[90, 10, 0]);
        let asked = PickRequest { group: Some(2), ..PickRequest::default() };
        assert_eq!(bench.pool.pick(Nanos::ZERO, &asked, &mut bench.rng), Ok(BackendId(4)));
    }
}

#[test]
fn a_canary_that_is_down_loses_no_requests() {
    let splits = vec![Split { group: 0, weight: 1 }, Split { group: 1, weight: 99 }];
    let mut bench = Bench::new(PoolConfig { splits, ..placed(Algorithm::P2c, &[group(0), group(1)]) });
    take_down(&mut bench, &[2]);
    assert_eq!(bench.shares(Nanos::ZERO, 2, 100), [100, 0]);
    let asked = PickRequest { group: Some(1), ..PickRequest::default() };
    assert_eq!(bench.pool.pick(Nanos::ZERO, &asked, &mut bench.rng), Ok(BackendId(1)));
}

#[test]
fn a_key_stays_in_its_variant() {
    let splits = vec![Split { group: 0, weight: 1 }, Split { group: 1, weight: 1 }];
    let mut bench = Bench::new(PoolConfig { splits, ..placed(Algorithm::LeastConnections, &[group(0), group(0), group(1), group(1)]) });
    for key in 0..50u64 {
        let request = PickRequest { key: Some(balancer::hash_key(&key.to_le_bytes())), ..PickRequest::default() };
        let mut seen = (0..20).map(|_| bench.pool.pick(Nanos::ZERO, &request, &mut bench.rng).unwrap().0 > 2);
        let first = seen.next().unwrap();
        assert!(seen.all(|second| second == first));
    }
}

#[test]
fn a_session_stays_while_its_backend_can_serve() {
    for algorithm in Algorithm::ALL {
        let mut bench = Bench::plain(algorithm, &[1, 1, 1]);
        let stick = |bench: &mut Bench, exclude: &[BackendId]| {
            let request = PickRequest { sticky: Some(BackendId(2)), exclude, ..PickRequest::default() };
            bench.pool.pick(Nanos::ZERO, &request, &mut bench.rng)
        };
        assert!((0..50).all(|_| stick(&mut bench, &[]) == Ok(BackendId(2))), "{algorithm}");
        assert_ne!(stick(&mut bench, &[BackendId(2)]), Ok(BackendId(2)), "{algorithm}: not on a retry after it failed");
        bench.pool.set_weight(BackendId(2), 0).unwrap();
        assert_ne!(stick(&mut bench, &[]), Ok(BackendId(2)), "{algorithm}: weight 0 is never picked");
        bench.pool.set_weight(BackendId(2), 1).unwrap();
        bench.pool.drain(BackendId(2)).unwrap();
        assert_ne!(stick(&mut bench, &[]), Ok(BackendId(2)), "{algorithm}: draining");
    }
}

#[test]
fn sessions_are_remembered_for_a_while_and_not_too_many_of_them() {
    let mut table = SessionTable::new(2, secs(10));
    table.set(1, BackendId(7), secs(0));
    table.set(2, BackendId(8), secs(1));
    assert_eq!((table.get(1, secs(10)), table.get(1, secs(11))), (Some(BackendId(7)), None));
    table.set(1, BackendId(7), secs(2));
    table.set(3, BackendId(9), secs(3));
    assert_eq!((table.len(), table.get(2, secs(3)), table.get(1, secs(3))), (2, None, Some(BackendId(7))));
    table.set(4, BackendId(9), secs(60));
    assert_eq!(table.len(), 1);
}

#[test]
fn weight_zero_everywhere_is_nobody_at_every_place() {
    for algorithm in Algorithm::ALL {
        let backends = vec![BackendConfig::new(1, 0), BackendConfig::new(2, 0).at(backup()), BackendConfig::new(3, 0).at(level(4))];
        let mut bench = Bench::new(PoolConfig::new(algorithm, backends));
        assert_eq!(bench.try_pick(Nanos::ZERO, &[]), Err(NoBackend::AllZeroWeight));
    }
}
