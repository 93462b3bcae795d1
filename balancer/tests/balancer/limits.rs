//! Limits, queues, rules, latency ejection and ramp shapes.

use crate::support::{Bench, backends, secs, snapshot};
use balancer::{
    Action, AdmissionQueue, Admitted, Algorithm, BackendId, BackendState, ConcurrencyConfig, ConcurrencyLimit, Facts, GradientConfig,
    HeaderMatch, LatencyEjection, Nanos, Outcome, OutcomeKind, PoolConfig, QueueConfig, QueueFull, RampShape, Rule, Rules, SlowStart,
    TokenBucket, TokenBucketConfig,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

fn answer(bench: &mut Bench, id: u32, now: Nanos, kind: OutcomeKind, latency: Nanos) {
    bench.begin(id, now);
    bench.pool.finish(BackendId(id), now, &Outcome::new(kind, latency));
}

#[test]
fn who_is_too_slow_gets_weight_0_and_comes_back_by_steps() {
    let latency = Some(LatencyEjection { requests: 5, ..LatencyEjection::new(secs(1)) });
    let mut bench = Bench::new(PoolConfig { latency, ..PoolConfig::new(Algorithm::WeightedRoundRobin, backends(&[4, 4, 4])) });
    for _ in 0..5 {
        answer(&mut bench, 1, secs(0), OutcomeKind::Success, ms(1_200));
        answer(&mut bench, 2, secs(0), OutcomeKind::Success, ms(900));
        answer(&mut bench, 3, secs(0), OutcomeKind::ServerError, ms(5_000));
    }
    assert_eq!((bench.state(1, secs(9)), bench.shares(secs(9), 3, 20)), (BackendState::Ejected, vec![0, 10, 10]));
    let weights = [10, 20, 30, 40].map(|at| bench.view(1, secs(at)).effective_weight);
    assert_eq!(weights, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(bench.shares(secs(10), 3, 90), [10, 40, 40]);
    for _ in 0..5 {
        answer(&mut bench, 1, secs(25), OutcomeKind::Timeout, secs(5));
    }
    assert_eq!(bench.shares(secs(26), 3, 20), [0, 10, 10], "still slow: out again");
}

#[test]
fn when_all_are_slow_slowness_does_not_count() {
    let latency = Some(LatencyEjection { requests: 1, ..LatencyEjection::new(ms(10)) });
    let mut bench = Bench::new(PoolConfig { latency, ..PoolConfig::new(Algorithm::RoundRobin, backends(&[1, 1, 1])) });
    for id in 1..=3 {
        answer(&mut bench, id, secs(0), OutcomeKind::Success, secs(1));
    }
    assert_eq!(bench.shares(secs(1), 3, 30), [10, 10, 10]);
}

#[test]
fn every_ramp_shape_rises_from_its_floor_to_the_whole() {
    for (shape, half) in [(RampShape::Linear, 0.5), (RampShape::Quadratic, 0.25), (RampShape::SquareRoot, 0.707), (RampShape::Steps, 0.5)] {
        let slow_start = Some(SlowStart { shape, ..SlowStart::new(secs(100)) });
        let mut bench = Bench::new(PoolConfig { slow_start, ..PoolConfig::new(Algorithm::RoundRobin, Vec::new()) });
        bench.pool.apply(&snapshot(1, &[(1, 1), (2, 1)]), secs(0)).unwrap();
        let at = |second| bench.view(1, secs(second)).effective_weight;
        assert_eq!((at(0), at(50), at(100)), (0.1, half, 1.0), "{shape:?}");
        assert!((1..100).all(|second| at(second) <= at(second + 1)));
        assert_eq!(bench.shares(secs(50), 2, 10), [5, 5], "when all are new they share as if none were");
    }
}

#[test]
fn a_token_bucket_lets_a_burst_through_and_then_its_rate() {
    let mut bucket = TokenBucket::try_new(TokenBucketConfig { rate: 1_000, burst: Some(50) }).unwrap();
    let taken = |bucket: &mut TokenBucket, now| (0..10_000).take_while(|_| bucket.take(now).is_ok()).count();
    assert_eq!(taken(&mut bucket, secs(5)), 50);
    assert_eq!(bucket.take(secs(5)), Err(ms(1)));
    assert_eq!(taken(&mut bucket, secs(5) + ms(20)), 20);
    assert_eq!(taken(&mut bucket, secs(3_600)), 50, "a quiet hour is worth no more than the burst");
    assert_eq!(TokenBucket::try_new(TokenBucketConfig { rate: 0, burst: None }).unwrap_err().key, "rate_limit.rate");
}

#[test]
fn a_fixed_limit_is_never_passed() {
    let mut limit = ConcurrencyLimit::try_new(ConcurrencyConfig::Fixed(3)).unwrap();
    assert_eq!((0..10).filter(|_| limit.try_begin()).count(), 3);
    limit.finish(OutcomeKind::Success, secs(9));
    assert!(limit.try_begin() && !limit.try_begin());
}

/// A server with 50 workers of 20 ms under a client that always wants more: answers take longer by as much as is queued.
fn settled(config: GradientConfig) -> u32 {
    let mut limit = ConcurrencyLimit::try_new(ConcurrencyConfig::Gradient(config)).unwrap();
    for _ in 0..20_000 {
        while limit.try_begin() {}
        let queued = f64::from(limit.in_flight()) / 50.0;
        limit.finish(OutcomeKind::Success, Nanos::from_secs_f64(0.02 * queued.max(1.0)));
    }
    limit.limit()
}

#[test]
fn a_gradient_limit_finds_room_and_does_not_run_away() {
    let low = settled(GradientConfig { initial: 5, max: 100_000, ..GradientConfig::default() });
    assert!((50..=150).contains(&low), "{low}");
    let mut limit = ConcurrencyLimit::try_new(ConcurrencyConfig::Gradient(GradientConfig::default())).unwrap();
    for _ in 0..100 {
        assert!(limit.try_begin());
        limit.finish(OutcomeKind::Success, ms(10));
    }
    assert_eq!(limit.limit(), 20, "a limit that isn't used doesn't grow");
    for _ in 0..100 {
        limit.try_begin();
        limit.finish(OutcomeKind::ServerError, ms(0));
    }
    assert_eq!(limit.limit(), 20, "failures aren't fast answers");
    for _ in 0..100 {
        limit.try_begin();
        limit.finish(OutcomeKind::Overloaded, ms(0));
    }
    assert_eq!(limit.limit(), 1);
}

#[test]
fn latency_that_rises_shrinks_the_gradient_limit() {
    let config = GradientConfig { initial: 100, ..GradientConfig::default() };
    let mut limit = ConcurrencyLimit::try_new(ConcurrencyConfig::Gradient(config)).unwrap();
    let mut answers = |count, latency: Nanos| {
        for _ in 0..count {
            while limit.try_begin() {}
            limit.finish(OutcomeKind::Success, latency);
        }
        limit.limit()
    };
    let well = answers(500, ms(20));
    let slow = answers(100, ms(200));
    assert!(slow < well / 2, "{well} → {slow}");
    let used_to_it = answers(20_000, ms(200));
    assert!(used_to_it > slow, "a service that is slow by itself isn't throttled for ever: {slow} → {used_to_it}");
}

#[test]
fn the_queue_serves_by_class_then_by_arrival_and_not_too_late() {
    let mut queue = AdmissionQueue::try_new(QueueConfig { length: 3, patience: ms(100) }).unwrap();
    assert_eq!(queue.push(1, 1, ms(0)), Ok(Admitted { displaced: None }));
    queue.push(2, 1, ms(10)).unwrap();
    queue.push(3, 0, ms(20)).unwrap();
    assert_eq!(queue.push(4, 1, ms(30)), Err(QueueFull));
    assert_eq!(queue.push(5, 0, ms(30)), Ok(Admitted { displaced: Some(2) }), "the last of the lowest class makes room");
    assert_eq!((queue.pop(ms(50)), queue.pop(ms(50))), (Some(3), Some(5)));
    assert_eq!((queue.next_deadline(), queue.pop(ms(100))), (Some(ms(100)), None), "it waited too long");
    assert_eq!((queue.expired(ms(100)), queue.len()), (Some(1), 0));
}

struct Request(&'static str, Option<&'static str>);

impl Facts for Request {
    fn path(&self) -> &str {
        self.0
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.1.filter(|_| name == "x-tier")
    }
}

fn rules(json: &str) -> Rules {
    Rules::try_new(serde_json::from_str::<Vec<Rule>>(json).unwrap()).unwrap()
}

#[test]
fn the_first_rule_by_priority_decides() {
    let rules = rules(
        r#"[{"name": "reports", "priority": 5, "path_prefix": "/reports", "then": {"class": 2}},
            {"name": "gold", "priority": 1, "header": {"name": "x-tier", "value": "gold"}, "then": {"group": 3}}]"#,
    );
    let decide = |path, tier| rules.decide(&Request(path, tier), ms(0)).map(|(rule, then)| (rules.name(rule).to_owned(), then));
    assert_eq!(decide("/reports/7", None), Some(("reports".to_owned(), Action::Class(2))));
    assert_eq!(decide("/reports/7", Some("gold")), Some(("gold".to_owned(), Action::Group(3))));
    assert_eq!(decide("/other", Some("silver")), None);
    let any = HeaderMatch { name: "x-tier".to_owned(), value: None };
    assert!(serde_json::from_str::<HeaderMatch>(r#"{"name": "x-tier"}"#).is_ok_and(|read| read == any));
}

#[test]
fn a_condition_holds_while_it_is_true_and_believed() {
    let mut rules = rules(r#"[{"name": "slow", "path_prefix": "/a", "latency_above": "500ms", "errors_above": 0.1, "then": "shed"}]"#);
    let request = Request("/a", None);
    for _ in 0..50 {
        rules.finish(&request, OutcomeKind::Success, ms(900), secs(1));
    }
    assert_eq!(rules.decide(&request, secs(1)), None, "slow, but without errors");
    for _ in 0..20 {
        rules.finish(&request, OutcomeKind::ServerError, ms(1), secs(2));
    }
    assert_eq!(rules.decide(&request, secs(2)), Some((0, Action::Shed)), "failing fast isn't fast");
    assert_eq!(rules.decide(&request, secs(13)), None, "it sheds everything, so it must try again");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_never_lets_more_through_than_burst_and_rate(
        rate in 1..5_000u64,
        burst in 1..100u64,
        gaps in prop::collection::vec(0..3_000_000u64, 1..600),
    ) {
        let mut bucket = TokenBucket::try_new(TokenBucketConfig { rate, burst: Some(burst) }).unwrap();
        let (mut now, mut through) = (0u64, 0u64);
        for gap in gaps {
            now += gap;
            match bucket.take(Nanos(now)) {
                Ok(()) => through += 1,
                Err(wait) => {
                    prop_assert!(wait.0 > 0 && wait.0 <= 1_000_000_000u64.div_ceil(rate));
                    let mut later = bucket.clone();
                    prop_assert!(later.take(Nanos(now + wait.0)).is_ok(), "who comes back then gets one");
                    prop_assert!(bucket.take(Nanos(now + wait.0 - 1)).is_err());
                }
            }
            prop_assert!(u128::from(through) <= u128::from(burst) + u128::from(now) * u128::from(rate) / 1_000_000_000);
        }
    }

    #[test]
    fn a_queue_is_a_queue(steps in prop::collection::vec((0..4u8, 0..40u64, 0..4u8), 1..200)) {
        let mut queue = AdmissionQueue::try_new(QueueConfig { length: 8, patience: ms(50) }).unwrap();
        let mut model: Vec<(u8, u64, u64)> = Vec::new(); // class, request, deadline
        let mut now = 0;
        for (request, (what, wait, class)) in (0u64..).zip(steps) {
            now += wait;
            match what {
                0 | 1 => {
                    let lowest = model.iter().enumerate().max_by_key(|(at, (class, ..))| (*class, *at)).map(|(at, (class, ..))| (at, *class));
                    let expected = match lowest {
                        Some((at, lowest)) if model.len() == 8 => (lowest > class).then(|| Some(model.remove(at).1)),
                        _ => Some(None),
                    };
                    if expected.is_some() {
                        model.push((class, request, now + 50));
                    }
                    prop_assert_eq!(queue.push(request, class, ms(now)).ok().map(|admitted| admitted.displaced), expected);
                }
                2 => {
                    let next = model.iter().enumerate().filter(|(_, (.., deadline))| *deadline > now).min_by_key(|(at, (class, ..))| (*class, *at));
                    let next = next.map(|(at, _)| at).map(|at| model.remove(at).1);
                    prop_assert_eq!(queue.pop(ms(now)), next);
                }
                _ => {
                    let mut over: Vec<u64> = std::iter::from_fn(|| queue.expired(ms(now))).collect();
                    over.sort_unstable();
                    let (gone, kept): (Vec<_>, Vec<_>) = model.iter().copied().partition(|(.., deadline)| *deadline <= now);
                    prop_assert_eq!(over, gone.iter().map(|(_, request, _)| *request).collect::<Vec<_>>());
                    model = kept;
                }
            }
            prop_assert_eq!(queue.len(), model.len());
        }
    }
}
