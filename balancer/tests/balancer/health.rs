//! Ejection, probes, trials and panic.

use crate::support::{Bench, backends, secs};
use balancer::{ActiveHealth, Algorithm, BackendId, BackendState, Nanos, NoBackend, OutcomeKind, PassiveHealth, PoolConfig, SlowStart};

fn passive(weights: &[u32], health: PassiveHealth) -> PoolConfig {
    PoolConfig { passive: Some(health), ..PoolConfig::new(Algorithm::RoundRobin, backends(weights)) }
}

fn nginx() -> PassiveHealth {
    PassiveHealth::new(2, secs(10))
}

#[test]
fn max_fails_within_fail_timeout_eject_and_a_trial_brings_back() {
    let mut bench = Bench::new(passive(&[1, 1, 1], nginx()));
    bench.request(1, secs(0), OutcomeKind::ServerError);
    assert_eq!(bench.state(1, secs(0)), BackendState::Up);
    bench.request(1, secs(9), OutcomeKind::Timeout);
    assert_eq!(bench.state(1, secs(9)), BackendState::Ejected);
    assert_eq!(bench.view(1, secs(9)).ejected_until, Some(secs(19)));
    assert_eq!(bench.shares(secs(18), 3, 10), [0, 5, 5]);

    // One trial and no second beside it.
    while bench.pick(secs(19)) != 1 {}
    bench.begin(1, secs(19));
    assert_eq!(bench.shares(secs(20), 3, 10), [0, 5, 5]);
    bench.finish(1, secs(21), OutcomeKind::Success);
    assert_eq!(bench.state(1, secs(21)), BackendState::Up);
    assert_eq!(bench.shares(secs(21), 3, 9), [3, 3, 3]);
}

#[test]
fn a_failed_trial_ejects_again_and_a_cancelled_one_leaves_the_door_open() {
    let mut bench = Bench::new(passive(&[1, 1, 1], nginx()));
    bench.request(1, secs(0), OutcomeKind::ConnectFailed);
    bench.request(1, secs(0), OutcomeKind::ConnectFailed);
    bench.request(1, secs(10), OutcomeKind::Cancelled);
    assert_eq!(bench.state(1, secs(10)), BackendState::Ejected);
    assert!(bench.shares(secs(10), 3, 9)[0] > 0, "still open to a trial");
    bench.request(1, secs(11), OutcomeKind::ServerError);
    assert_eq!(bench.view(1, secs(11)).ejected_until, Some(secs(21)), "one failure is enough now");
    assert_eq!(bench.shares(secs(20), 3, 10), [0, 5, 5]);
}

#[test]
fn failures_further_apart_than_fail_timeout_are_forgotten() {
    let mut bench = Bench::new(passive(&[1, 1], nginx()));
    for failure in 0..20 {
        bench.request(1, secs(11 * failure), OutcomeKind::ServerError);
        assert_eq!(bench.state(1, secs(11 * failure)), BackendState::Up);
    }
}

#[test]
fn consecutive_failures_eject_however_far_apart_and_a_success_starts_over() {
    let health = PassiveHealth { max_fails: 0, consecutive_failures: Some(3), ..nginx() };
    let mut bench = Bench::new(passive(&[1, 1], health));
    for (minute, kind) in [OutcomeKind::Timeout, OutcomeKind::Timeout, OutcomeKind::Success, OutcomeKind::Timeout, OutcomeKind::Timeout]
        .into_iter()
        .enumerate()
    {
        bench.request(1, secs(60 * minute as u64), kind);
    }
    assert_eq!((bench.state(1, secs(300)), bench.view(1, secs(300)).consecutive_failures), (BackendState::Up, 2));
    bench.request(1, secs(300), OutcomeKind::Timeout);
    assert_eq!(bench.state(1, secs(300)), BackendState::Ejected);
}

#[test]
fn what_does_not_count_as_a_failure_neither_ejects_nor_heals() {
    let health = PassiveHealth { timeouts: false, server_errors: false, consecutive_failures: Some(2), ..nginx() };
    let mut bench = Bench::new(passive(&[1, 1], health));
    for _ in 0..10 {
        bench.request(1, secs(1), OutcomeKind::Timeout);
        bench.request(1, secs(1), OutcomeKind::ServerError);
        bench.request(1, secs(1), OutcomeKind::Cancelled);
    }
    assert_eq!(bench.state(1, secs(1)), BackendState::Up);
    bench.request(1, secs(1), OutcomeKind::ConnectFailed);
    bench.request(1, secs(1), OutcomeKind::ServerError);
    bench.request(1, secs(2), OutcomeKind::ConnectFailed);
    assert_eq!(bench.state(1, secs(2)), BackendState::Ejected);
}

#[test]
fn shedding_load_ejects_nobody_unless_asked_for() {
    for (overloads, state) in [(false, BackendState::Up), (true, BackendState::Ejected)] {
        let mut bench = Bench::new(passive(&[1, 1], PassiveHealth { overloads, ..nginx() }));
        bench.request(1, secs(1), OutcomeKind::Overloaded);
        bench.request(1, secs(1), OutcomeKind::Overloaded);
        assert_eq!(bench.state(1, secs(1)), state);
    }
}

#[test]
fn answers_to_requests_from_before_the_ejection_change_nothing() {
    let mut bench = Bench::new(passive(&[1, 1, 1], nginx()));
    for _ in 0..4 {
        bench.begin(1, secs(0));
    }
    bench.finish(1, secs(0), OutcomeKind::Timeout);
    bench.finish(1, secs(0), OutcomeKind::Timeout);
    bench.finish(1, secs(5), OutcomeKind::Success);
    bench.finish(1, secs(6), OutcomeKind::Timeout);
    assert_eq!((bench.state(1, secs(6)), bench.view(1, secs(6)).ejected_until), (BackendState::Ejected, Some(secs(10))));
}

#[test]
fn an_ejection_ends_by_itself() {
    let mut bench = Bench::new(passive(&[1, 1, 1], nginx()));
    for _ in 0..4 {
        bench.begin(1, secs(0));
    }
    for kind in [OutcomeKind::Timeout, OutcomeKind::Timeout, OutcomeKind::Success, OutcomeKind::Success] {
        bench.finish(1, secs(0), kind);
    }
    assert_eq!(bench.shares(Nanos(secs(10).0 - 1), 3, 10), [0, 5, 5]);
    assert!(bench.shares(secs(10), 3, 10)[0] > 0);
}

fn fail(bench: &mut Bench, ids: &[u32], now: Nanos) {
    for id in ids {
        bench.request(*id, now, OutcomeKind::ConnectFailed);
        bench.request(*id, now, OutcomeKind::ConnectFailed);
    }
}

#[test]
fn panic_ignores_ejection_but_not_weight_zero_nor_drain() {
    let mut bench = Bench::new(passive(&[1, 1, 1, 1, 0, 1], nginx()));
    bench.pool.drain(BackendId(6)).unwrap();
    fail(&mut bench, &[1, 2], secs(1));
    assert_eq!(bench.shares(secs(1), 6, 8), [0, 0, 4, 4, 0, 0], "half of them are well: no panic");
    fail(&mut bench, &[3], secs(1));
    assert_eq!(bench.shares(secs(1), 6, 8), [2, 2, 2, 2, 0, 0], "a quarter is well: panic");
    fail(&mut bench, &[4], secs(1));
    assert_eq!(bench.shares(secs(1), 6, 8), [2, 2, 2, 2, 0, 0]);
    assert_eq!(bench.state(1, secs(1)), BackendState::Ejected, "the view still tells the truth");
    assert_eq!(bench.view(1, secs(1)).effective_weight, 1.0);
}

#[test]
fn without_a_panic_threshold_everybody_may_be_down() {
    let mut bench = Bench::new(PoolConfig { panic_threshold: 0.0, ..passive(&[1, 1, 0], nginx()) });
    fail(&mut bench, &[1, 2], secs(1));
    assert_eq!(bench.try_pick(secs(1), &[]), Err(NoBackend::AllDown));
    assert!(bench.try_pick(secs(11), &[]).is_ok(), "a trial");
}

#[test]
fn a_lone_backend_is_never_ejected_in_effect() {
    let mut bench = Bench::new(passive(&[1], nginx()));
    fail(&mut bench, &[1], secs(1));
    assert_eq!(bench.pick(secs(1)), 1);
}

fn probed(weights: &[u32]) -> Bench {
    let active = ActiveHealth { interval: secs(10), timeout: secs(2), rise: 2, fall: 3 };
    Bench::new(PoolConfig { active: Some(active), ..PoolConfig::new(Algorithm::RoundRobin, backends(weights)) })
}

/// One round of probes at `now`, with the answers of those listed as well.
fn probe(bench: &mut Bench, now: Nanos, well: &[u32]) {
    for id in bench.pool.probes_due(now) {
        bench.pool.probe_result(id, now, well.contains(&id.0));
    }
}

#[test]
fn three_bad_probes_take_out_and_two_good_ones_bring_back() {
    let mut bench = probed(&[1, 1]);
    for round in 0..2 {
        probe(&mut bench, secs(10 * round), &[2]);
    }
    assert_eq!(bench.state(1, secs(10)), BackendState::Up);
    probe(&mut bench, secs(20), &[2]);
    assert_eq!(bench.state(1, secs(20)), BackendState::Down);
    assert_eq!(bench.shares(secs(20), 2, 10), [0, 10]);
    probe(&mut bench, secs(30), &[1, 2]);
    probe(&mut bench, secs(40), &[2]);
    probe(&mut bench, secs(50), &[1, 2]);
    assert_eq!(bench.state(1, secs(50)), BackendState::Down, "the good ones must be in a row");
    probe(&mut bench, secs(60), &[1, 2]);
    assert_eq!(bench.shares(secs(60), 2, 10), [5, 5]);
}

#[test]
fn each_backend_is_probed_once_per_interval() {
    let mut bench = probed(&[1, 0, 1]);
    bench.pool.drain(BackendId(3)).unwrap();
    assert_eq!(bench.pool.probes_due(secs(0)), [BackendId(1), BackendId(2)], "also at weight 0, which may change; not a draining one");
    assert_eq!(bench.pool.probes_due(secs(1)), []);
    assert_eq!(bench.pool.next_probe(), Some(secs(2)), "the time-out of the ones that are out");
    bench.pool.probe_result(BackendId(1), secs(1), true);
    bench.pool.probe_result(BackendId(2), secs(1), true);
    assert_eq!(bench.pool.next_probe(), Some(secs(10)));
    assert_eq!(bench.pool.probes_due(secs(9)), []);
    assert_eq!(bench.pool.probes_due(secs(10)).len(), 2);
}

#[test]
fn a_probe_without_an_answer_is_a_bad_one_and_its_late_answer_counts_for_nothing() {
    let mut bench = probed(&[1, 1]);
    for round in 0..3 {
        assert_eq!(bench.pool.probes_due(secs(10 * round)).len(), 2);
        bench.pool.probe_result(BackendId(2), secs(10 * round), true);
        assert_eq!(bench.pool.probes_due(secs(10 * round + 2)), []);
        for _ in 0..5 {
            bench.pool.probe_result(BackendId(1), secs(10 * round + 3), true);
        }
    }
    assert_eq!(bench.state(1, secs(23)), BackendState::Down);
    assert_eq!(bench.state(2, secs(23)), BackendState::Up);
}

#[test]
fn when_probes_call_everybody_dead_everybody_with_weight_is_used() {
    let mut bench = probed(&[1, 2, 0]);
    for round in 0..3 {
        probe(&mut bench, secs(10 * round), &[]);
    }
    assert_eq!(bench.state(1, secs(20)), BackendState::Down);
    assert_eq!(bench.shares(secs(20), 3, 10), [5, 5, 0]);
    let mut strict = Bench::new(PoolConfig {
        active: Some(ActiveHealth { fall: 1, ..ActiveHealth::default() }),
        panic_threshold: 0.0,
        ..PoolConfig::new(Algorithm::RoundRobin, backends(&[1, 1]))
    });
    probe(&mut strict, secs(0), &[]);
    assert_eq!(strict.try_pick(secs(0), &[]), Err(NoBackend::AllDown));
}

#[test]
fn panic_over_ejections_leaves_those_out_that_probes_call_dead() {
    let mut bench =
        Bench::new(PoolConfig { active: Some(ActiveHealth { fall: 1, ..ActiveHealth::default() }), ..passive(&[1, 1, 1], nginx()) });
    probe(&mut bench, secs(0), &[1, 2]);
    fail(&mut bench, &[1, 2], secs(1));
    assert_eq!(bench.shares(secs(1), 3, 10), [5, 5, 0]);
}

#[test]
fn who_comes_back_starts_slowly() {
    let mut bench = Bench::new(PoolConfig {
        slow_start: Some(SlowStart::new(secs(100))),
        active: Some(ActiveHealth { fall: 1, rise: 1, ..ActiveHealth::default() }),
        ..passive(&[1, 1, 1], nginx())
    });
    probe(&mut bench, secs(0), &[1, 3]);
    fail(&mut bench, &[1], secs(0));
    probe(&mut bench, secs(30), &[1, 2, 3]);
    bench.request(1, secs(30), OutcomeKind::Success);
    for id in [1, 2] {
        assert_eq!((bench.state(id, secs(80)), bench.view(id, secs(80)).effective_weight), (BackendState::Warming, 0.5));
    }
    assert_eq!(bench.state(3, secs(80)), BackendState::Up);
}
