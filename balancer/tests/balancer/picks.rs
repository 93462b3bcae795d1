//! Which backend each algorithm picks.

use crate::support::{Bench, assert_shares_follow, secs};
use balancer::{Algorithm, BackendId, Nanos, NoBackend, OutcomeKind};

const ALL: [Algorithm; 16] = Algorithm::ALL;

#[test]
fn smooth_weighted_round_robin_gives_nginx_s_sequence() {
    let mut bench = Bench::plain(Algorithm::WeightedRoundRobin, &[5, 1, 1]);
    assert_eq!(bench.picks(14), [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
}

#[test]
fn smooth_weighted_round_robin_at_one_to_three_is_not_bursty() {
    let mut bench = Bench::plain(Algorithm::WeightedRoundRobin, &[1, 3]);
    assert_eq!(bench.picks(8), [2, 1, 2, 2, 2, 1, 2, 2]);
}

#[test]
fn round_robin_ignores_weights_but_never_picks_weight_zero() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[5, 0, 1, 1]);
    assert_eq!(bench.picks(6), [1, 3, 4, 1, 3, 4]);
}

#[test]
fn round_robin_keeps_its_turn_when_a_backend_leaves_and_another_joins() {
    let mut bench = Bench::plain(Algorithm::RoundRobin, &[1, 1, 1, 1]);
    assert_eq!(bench.picks(3), [1, 2, 3]);
    assert!(bench.pool.remove(BackendId(2)));
    bench.pool.add(balancer::BackendConfig::new(9, 1), Nanos::ZERO).unwrap();
    assert_eq!(bench.picks(5), [4, 9, 1, 3, 4]);
}

#[test]
fn least_connections_counts_requests_in_flight() {
    let mut bench = Bench::plain(Algorithm::LeastConnections, &[1, 1, 1]);
    for id in [1, 1, 2, 3, 3] {
        bench.begin(id, Nanos::ZERO);
    }
    assert_eq!(bench.pick(Nanos::ZERO), 2);
    bench.begin(2, Nanos::ZERO);
    bench.begin(2, Nanos::ZERO);
    bench.finish(3, Nanos::ZERO, OutcomeKind::Success);
    assert_eq!(bench.pick(Nanos::ZERO), 3);
}

#[test]
fn least_connections_weighs_the_load_by_weight() {
    let mut bench = Bench::plain(Algorithm::LeastConnections, &[2, 1]);
    for _ in 0..300 {
        let id = bench.pick(Nanos::ZERO);
        bench.begin(id, Nanos::ZERO);
    }
    assert_eq!((bench.pool.in_flight(BackendId(1)), bench.pool.in_flight(BackendId(2))), (Some(200), Some(100)));
}

#[test]
fn an_idle_least_connections_pool_takes_turns_and_respects_weights() {
    assert_eq!(Bench::plain(Algorithm::LeastConnections, &[1, 1, 1]).picks(6), [1, 2, 3, 1, 2, 3]);
    assert_eq!(Bench::plain(Algorithm::LeastConnections, &[5, 1, 1]).picks(7), [1, 1, 2, 1, 3, 1, 1]);
}

/// Among more than 32 the least is found by an index, up to 255 requests in flight by another than above.
#[test]
fn among_many_the_least_loaded_is_found_whatever_the_loads() {
    for algorithm in [Algorithm::LeastConnections, Algorithm::JoinShortestQueue] {
        let mut bench = Bench::plain(algorithm, &[1; 100]);
        let (mut loads, mut turn, mut busy) = ([0u32; 100], 0, Vec::new());
        for step in 0..40_000usize {
            let excluded = if step % 7 == 0 { vec![step as u32 * 31 % 100 + 1, step as u32 * 17 % 100 + 1] } else { Vec::new() };
            let may = |at: &usize| !excluded.contains(&(*at as u32 + 1));
            let least = (0..100).filter(may).map(|at| loads[at]).min().unwrap();
            let expected = (turn..100).chain(0..turn).filter(may).find(|at| loads[*at] == least).unwrap();
            let id = bench.try_pick(Nanos::ZERO, &excluded).unwrap();
            let at = id as usize - 1;
            if algorithm == Algorithm::LeastConnections {
                assert_eq!(at, expected, "step {step}");
            }
            assert!(may(&at) && loads[at] == least, "step {step}: {at} has {}, the least is {least}", loads[at]);
            turn = (at + 1) % 100;
            bench.begin(id, Nanos::ZERO);
            loads[at] += 1;
            busy.push(id);
            // Loads rise beyond 256 each, then fall again; somebody who isn't the longest busy ends.
            let ends = if step < 32_000 { usize::from(step % 6 == 0) } else { 4 };
            for _ in 0..ends.min(busy.len()) {
                let done = busy.swap_remove(step * 7_919 % busy.len());
                bench.finish(done, Nanos::ZERO, OutcomeKind::Success);
                loads[done as usize - 1] -= 1;
            }
            if step == 20_000 {
                assert!(least < 256);
            }
            if step == 32_000 {
                assert!(least > 256);
            }
        }
        assert!(loads.iter().all(|load| *load < 256));
    }
}

#[test]
fn two_choices_never_take_the_most_loaded() {
    for weights in [[1, 1, 1], [3, 2, 1]] {
        let mut bench = Bench::plain(Algorithm::P2c, &weights);
        for _ in 0..50 {
            bench.begin(2, Nanos::ZERO);
        }
        assert_eq!(bench.shares(Nanos::ZERO, 3, 1_000)[1], 0, "two different ones are drawn, so a free one is always among them");
    }
}

#[test]
fn two_choices_hold_the_longest_line_far_below_random_s() {
    let longest = |algorithm| {
        let mut bench = Bench::plain(algorithm, &[1; 100]);
        for _ in 0..10_000 {
            let id = bench.pick(Nanos::ZERO);
            bench.begin(id, Nanos::ZERO);
        }
        bench.pool.view(Nanos::ZERO).iter().map(|view| view.in_flight).max().unwrap()
    };
    // 10,000 balls into 100 bins: the mean is 100; random's largest bin lies some 25 above, two choices' at most log log n ≈ 3.
    assert!(longest(Algorithm::P2c) <= 104, "{}", longest(Algorithm::P2c));
    assert!(longest(Algorithm::Random) >= 115, "{}", longest(Algorithm::Random));
    assert_eq!(longest(Algorithm::LeastConnections), 100);
}

#[test]
fn random_picks_follow_the_weights() {
    let weights = [1, 0, 7, 40, 2];
    let shares = Bench::plain(Algorithm::WeightedRandom, &weights).shares(Nanos::ZERO, 5, 100_000);
    assert_shares_follow(&shares, &weights);
    let shares = Bench::plain(Algorithm::Random, &weights).shares(Nanos::ZERO, 5, 100_000);
    assert_shares_follow(&shares, &[1, 0, 1, 1, 1]);
    let excluding: Vec<u32> = {
        let mut bench = Bench::plain(Algorithm::WeightedRandom, &weights);
        (0..100_000).map(|_| bench.try_pick(Nanos::ZERO, &[4]).unwrap()).collect()
    };
    let shares: Vec<usize> = (1..=5).map(|id| excluding.iter().filter(|picked| **picked == id).count()).collect();
    assert_shares_follow(&shares, &[1, 0, 7, 0, 2]);
}

#[test]
fn an_idle_pool_of_two_choices_shares_by_weight() {
    let weights = [1, 3, 6];
    assert_shares_follow(&Bench::plain(Algorithm::P2c, &weights).shares(Nanos::ZERO, 3, 100_000), &weights);
}

#[test]
fn nobody_is_a_reason_and_never_a_panic() {
    for algorithm in ALL {
        let reason = |bench: &mut Bench, exclude: &[u32]| bench.try_pick(Nanos::ZERO, exclude).unwrap_err();
        assert_eq!(reason(&mut Bench::plain(algorithm, &[]), &[]), NoBackend::Empty);
        assert_eq!(reason(&mut Bench::plain(algorithm, &[0, 0, 0]), &[]), NoBackend::AllZeroWeight);
        assert_eq!(reason(&mut Bench::plain(algorithm, &[0, 1, 2]), &[3, 2]), NoBackend::AllExcluded);
        let mut draining = Bench::plain(algorithm, &[1]);
        draining.pool.drain(BackendId(1)).unwrap();
        assert_eq!(reason(&mut draining, &[]), NoBackend::Empty);
    }
}

#[test]
fn the_excluded_are_never_picked_and_the_rest_still_share() {
    for algorithm in ALL {
        let mut bench = Bench::plain(algorithm, &[5, 1, 0, 2]);
        let picked: Vec<u32> = (0..200).map(|_| bench.try_pick(Nanos::ZERO, &[1]).unwrap()).collect();
        assert!(picked.iter().all(|id| [2, 4].contains(id)), "{algorithm}: {picked:?}");
        assert!([2, 4].iter().all(|id| picked.contains(id)), "{algorithm}: {picked:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_picks() {
    for algorithm in ALL {
        let run = || {
            let mut bench = Bench::plain(algorithm, &[3, 1, 4, 1, 5]);
            let mut picked = Vec::new();
            for step in 0..2_000u64 {
                let id = bench.pick(secs(step));
                bench.begin(id, secs(step));
                if step % 3 != 0 {
                    bench.finish(id, secs(step), OutcomeKind::Success);
                }
                picked.push(id);
            }
            picked
        };
        assert_eq!(run(), run(), "{algorithm}");
    }
}

#[test]
fn failing_fast_attracts_no_traffic() {
    // Backend 1 refuses within no time and so never has anything in flight; the others hold each request for eight arrivals.
    for (algorithm, kind) in [
        (Algorithm::LeastConnections, OutcomeKind::ConnectFailed),
        (Algorithm::LeastConnections, OutcomeKind::Overloaded),
        (Algorithm::P2c, OutcomeKind::ServerError),
        (Algorithm::P2c, OutcomeKind::Overloaded),
    ] {
        let mut bench = Bench::plain(algorithm, &[1, 1, 1]);
        let mut busy = std::collections::VecDeque::new();
        let mut failed = 0;
        for step in 0..3_000u64 {
            let now = Nanos::from_millis(step);
            if busy.len() >= 8 {
                let id = busy.pop_front().unwrap();
                bench.finish(id, now, OutcomeKind::Success);
            }
            let id = bench.pick(now);
            bench.begin(id, now);
            if id == 1 {
                failed += 1;
                bench.finish(id, now, kind);
            } else {
                busy.push_back(id);
            }
        }
        assert!(failed <= 10, "{algorithm}, {kind:?}: {failed} of 3000 requests went to the backend that only fails");
    }
}

#[test]
fn a_backend_that_failed_for_a_while_gets_its_share_back() {
    let mut bench = Bench::plain(Algorithm::LeastConnections, &[1, 1]);
    for _ in 0..500 {
        bench.request(1, secs(1), OutcomeKind::ServerError);
    }
    assert_eq!(bench.shares(secs(10), 2, 100), [0, 100]);
    assert_eq!(bench.shares(secs(12), 2, 100), [50, 50], "ten seconds after its last failure");
}
