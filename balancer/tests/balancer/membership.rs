//! Snapshots, drain, and what survives a change.

use crate::support::{Bench, backends, secs, snapshot};
use balancer::{
    Algorithm, BackendConfig, BackendId, BackendState, ChangeError, Nanos, NoBackend, OutcomeKind, PassiveHealth, PoolConfig, WEIGHT_MAX,
};

fn ids(list: &[u32]) -> Vec<BackendId> {
    list.iter().map(|id| BackendId(*id)).collect()
}

#[test]
fn a_snapshot_adds_removes_and_reweights() {
    let mut bench = Bench::plain(Algorithm::WeightedRoundRobin, &[1, 1, 1]);
    let applied = bench.pool.apply(&snapshot(7, &[(2, 1), (3, 2), (70_000, 3)]), secs(1)).unwrap();
    assert_eq!((applied.epoch, bench.pool.epoch()), (7, Some(7)));
    assert_eq!((applied.added, applied.removed, applied.reweighted), (ids(&[70_000]), ids(&[1]), ids(&[3])));
    assert!(!bench.pool.contains(BackendId(1)));
    assert_eq!(bench.picks(6).iter().filter(|id| **id == 70_000).count(), 3);
}

#[test]
fn a_lower_epoch_and_the_same_epoch_with_other_content_are_refused() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[]);
    bench.pool.apply(&snapshot(5, &[(1, 1)]), secs(0)).unwrap();
    let before = bench.pool.view(secs(1));
    for epoch in [0, 4, 5] {
        let refused = bench.pool.apply(&snapshot(epoch, &[(2, 1)]), secs(1));
        assert_eq!(refused, Err(ChangeError::StaleEpoch { current_epoch: 5, offered: epoch }));
    }
    assert_eq!(bench.pool.view(secs(1)), before);
    let again = bench.pool.apply(&snapshot(5, &[(1, 1)]), secs(1)).unwrap();
    assert!(again.added.is_empty() && again.removed.is_empty() && again.reweighted.is_empty());
}

#[test]
fn a_bad_snapshot_changes_nothing_not_even_the_epoch() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1]);
    let twice = bench.pool.apply(&snapshot(9, &[(4, 1), (4, 2)]), secs(0));
    assert_eq!(twice, Err(ChangeError::DuplicateBackend(BackendId(4))));
    let heavy = bench.pool.apply(&snapshot(9, &[(4, WEIGHT_MAX + 1)]), secs(0));
    assert_eq!(heavy, Err(ChangeError::WeightTooLarge { id: BackendId(4), weight: WEIGHT_MAX + 1 }));
    assert_eq!((bench.pool.epoch(), bench.pool.len()), (None, 1));
}

#[test]
fn the_removed_finish_what_they_have_and_then_leave() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1, 1]);
    bench.begin(1, secs(0));
    bench.begin(1, secs(0));
    bench.pool.apply(&snapshot(1, &[(2, 1)]), secs(1)).unwrap();
    assert_eq!((bench.state(1, secs(1)), bench.view(1, secs(1)).effective_weight), (BackendState::Draining, 0.0));
    assert_eq!(bench.picks(3), [2, 2, 2]);
    bench.finish(1, secs(2), OutcomeKind::Success);
    assert_eq!(bench.pool.in_flight(BackendId(1)), Some(1));
    bench.finish(1, secs(3), OutcomeKind::Timeout);
    assert_eq!(bench.pool.in_flight(BackendId(1)), None);
    assert_eq!(bench.pool.len(), 1);
}

#[test]
fn the_removed_can_come_back_before_they_have_left() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1, 1]);
    bench.begin(1, secs(0));
    assert!(bench.pool.remove(BackendId(1)));
    assert!(!bench.pool.remove(BackendId(1)));
    assert_eq!(bench.pool.set_weight(BackendId(1), 2), Err(ChangeError::UnknownBackend(BackendId(1))));
    bench.pool.add(BackendConfig::new(1, 3), secs(1)).unwrap();
    assert_eq!((bench.view(1, secs(1)).in_flight, bench.view(1, secs(1)).weight), (1, 3));
    bench.finish(1, secs(2), OutcomeKind::Success);
    assert!(bench.pool.contains(BackendId(1)));
}

#[test]
fn a_drain_mark_outlasts_changes_of_weight_and_emptiness() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1, 1]);
    bench.begin(2, secs(0));
    bench.pool.drain(BackendId(2)).unwrap();
    bench.pool.apply(&snapshot(1, &[(1, 1), (2, 9)]), secs(1)).unwrap();
    bench.finish(2, secs(2), OutcomeKind::Success);
    assert_eq!((bench.state(2, secs(2)), bench.view(2, secs(2)).in_flight), (BackendState::Draining, 0));
    assert_eq!(bench.picks(2), [1, 1]);
    bench.pool.undrain(BackendId(2)).unwrap();
    assert_eq!(bench.shares(secs(3), 2, 10), [5, 5]);
}

#[test]
fn a_change_of_weight_keeps_health_and_requests_in_flight() {
    let passive = Some(PassiveHealth::new(1, secs(10)));
    let mut bench = Bench::new(PoolConfig { passive, ..PoolConfig::new(Algorithm::WeightedRoundRobin, backends(&[1, 1, 1])) });
    bench.begin(1, secs(0));
    bench.request(1, secs(0), OutcomeKind::Timeout);
    bench.pool.apply(&snapshot(1, &[(1, 50), (2, 1), (3, 1)]), secs(1)).unwrap();
    let view = bench.view(1, secs(1));
    assert_eq!((view.state, view.in_flight, view.ejected_until), (BackendState::Ejected, 1, Some(secs(10))));
    assert_eq!(bench.shares(secs(1), 3, 10), [0, 5, 5]);
}

#[test]
fn weights_may_all_be_zero_and_come_back() {
    let mut bench = Bench::plain(Algorithm::WeightedRandom, &[1, 1]);
    bench.pool.apply(&snapshot(1, &[(1, 0), (2, 0)]), secs(0)).unwrap();
    assert_eq!(bench.try_pick(secs(0), &[]), Err(NoBackend::AllZeroWeight));
    bench.pool.apply(&snapshot(2, &[(1, 0), (2, 1)]), secs(0)).unwrap();
    assert_eq!(bench.pick(secs(0)), 2);
    bench.pool.apply(&snapshot(3, &[]), secs(0)).unwrap();
    assert_eq!(bench.try_pick(secs(0), &[]), Err(NoBackend::Empty));
    assert!(bench.pool.is_empty());
}

#[test]
fn adding_twice_and_reaching_for_strangers_are_errors() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1]);
    assert_eq!(bench.pool.add(BackendConfig::new(1, 1), secs(0)), Err(ChangeError::DuplicateBackend(BackendId(1))));
    assert_eq!(bench.pool.set_weight(BackendId(8), 1), Err(ChangeError::UnknownBackend(BackendId(8))));
    assert_eq!(bench.pool.drain(BackendId(8)), Err(ChangeError::UnknownBackend(BackendId(8))));
    assert!(!bench.pool.remove(BackendId(u32::MAX)));
    bench.begin(8, secs(0));
    bench.finish(8, secs(0), OutcomeKind::Success);
    assert_eq!(bench.pool.in_flight(BackendId(8)), None);
}

#[test]
fn a_finish_without_a_begin_changes_no_count() {
    let mut bench = Bench::plain(Algorithm::LeastConnections, &[1, 1]);
    bench.finish(1, Nanos::ZERO, OutcomeKind::Success);
    bench.begin(1, Nanos::ZERO);
    assert_eq!(bench.pool.in_flight(BackendId(1)), Some(1));
    assert_eq!(bench.pick(Nanos::ZERO), 2);
}
