//! What single rules do, on scenarios small enough to know the answer.

use balancer::{Algorithm, Nanos, PassiveHealth, PoolConfig, RetryPolicy};
use expect_test::expect_file;
use simulator::{
    Arrivals, Discipline, NoAutoscaler, PoolSpec, RetryRule, RunResult, Scenario, ScenarioBuilder, ServiceDist, ServiceTime, Warmup,
    replicate, run,
};

fn second(s: f64) -> Nanos {
    Nanos::from_secs_f64(s)
}

/// One request a second from second 1 on, for ten and a half seconds, each 100 ms of work.
fn metronome() -> ScenarioBuilder {
    Scenario::builder("metronome")
        .arrivals(Arrivals::Constant { rate_rps: 1.0 })
        .service(ServiceDist::Deterministic, 100.0)
        .duration(second(10.5))
        .warmup(Warmup::Fixed(Nanos(0)))
}

fn result(builder: ScenarioBuilder) -> RunResult {
    run(&builder.build().expect("the scenario is right"), &NoAutoscaler, 1, 0).expect("the run works")
}

#[test]
fn a_report_looks_like_the_command_line_contract() {
    let scenario = Scenario::builder("snapshot")
        .poisson(30.0)
        .replicas(2)
        .concurrency(2)
        .queue(Some(4))
        .service(ServiceDist::Lognormal { scv: 2.0 }, 100.0)
        .slo(second(0.4), 95.0)
        .price_per_replica_hour(0.5)
        .duration(second(90.0))
        .warmup(Warmup::Fixed(second(10.0)))
        .timeline(true)
        .build()
        .unwrap();
    let report = replicate(&scenario, &NoAutoscaler, 1, 3, 1).unwrap();
    expect_file!["snapshot.json"].assert_eq(&(serde_json::to_string_pretty(&report).unwrap() + "\n"));
    let single = serde_json::to_value(replicate(&scenario, &NoAutoscaler, 1, 1, 1).unwrap()).unwrap();
    assert!(single.get("ci95").is_none(), "one replication has no interval");
}

#[test]
fn an_idle_server_serves_at_once() {
    let run = result(metronome());
    assert_eq!((run.counts.arrived, run.counts.served), (10, 10));
    assert_eq!((run.latency.max(), run.wait.max()), (Some(100_000_000), Some(0)));
    assert_eq!(run.in_system, 10 * 100_000_000);
    assert_eq!(run.backends[0].busy, 10 * 100_000_000);
}

#[test]
fn a_full_replica_rejects_and_a_rejected_request_has_no_latency() {
    // Each needs 2.5 s; one may wait.
    let run = result(metronome().service(ServiceDist::Deterministic, 2_500.0).queue(Some(1)));
    // 1 is served until 3.5, then 2 until 6, then 4 until 8.5, then 6; at the end 9 waits; 3, 5, 7, 8 and 10 found the place taken.
    assert_eq!((run.counts.served, run.counts.rejected, run.counts.in_flight_at_end), (3, 5, 2), "{:?}", run.counts);
    assert_eq!(run.latency.count(), 3);
}

#[test]
fn requests_share_the_processor_at_the_rate_concurrency_over_n() {
    // One server, three requests of 1 s that come at 0.5, 1.0 and 1.5 s.
    let run = result(
        metronome()
            .arrivals(Arrivals::Constant { rate_rps: 2.0 })
            .duration(second(1.75))
            .service(ServiceDist::Deterministic, 1_000.0)
            .discipline(Discipline::Ps)
            .concurrency(1),
    );
    // Rate 1 alone, 1/2 with two, 1/3 with three: at 1.75 they have done 0.5 + 0.25 + 0.083.., 0.25 + 0.083.., 0.083..: nobody is through.
    assert_eq!((run.counts.arrived, run.counts.in_flight_at_end), (3, 3));
    assert_eq!(run.in_system, 1_250_000_000 + 750_000_000 + 250_000_000);
    let longer = result(
        metronome()
            .arrivals(Arrivals::Series { step: second(0.25), rates_rps: vec![0.0, 400.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] })
            .duration(second(1_000.0))
            .service(ServiceDist::Deterministic, 1_000.0)
            .discipline(Discipline::Ps)
            .concurrency(4),
    );
    // n requests within a quarter of a second need n seconds of work from four servers: all end about n/4 s later, together.
    let n = longer.counts.served as f64;
    let (p50, max) = (longer.latency.quantile(0.5).unwrap() / 1e9, longer.latency.max().unwrap() as f64 / 1e9);
    assert!((max - n / 4.0).abs() < 0.3 && p50 > n / 4.0 - 0.3, "{n} requests: median {p50} s, max {max} s");
}

#[test]
fn a_request_that_waits_too_long_gives_up_and_frees_its_place() {
    let builder = metronome().service(ServiceDist::Deterministic, 2_500.0).timeout(Some(second(2.6)));
    let run = result(builder);
    // Served 1 to 3.5; the next (2) starts at 3.5 and is given up in service at 4.6; 3 starts at 4.6, is given up at 5.6; and so on.
    assert_eq!(run.counts.served, 1);
    assert_eq!(run.counts.timed_out, 6, "{:?}", run.counts);
    assert_eq!(run.counts.arrived, 10);
    // The server was never idle from the first arrival on.
    assert_eq!(run.backends[0].busy, 9_500_000_000);
}

#[test]
fn retries_go_elsewhere_and_stay_within_the_policy() {
    let pools = |weights: [u32; 2]| {
        let pool = |name: &str, weight, mean_ms| PoolSpec {
            name: name.to_owned(),
            replicas: 1,
            weight,
            concurrency: 1,
            discipline: Discipline::Fifo,
            queue: Some(0),
            service_time: ServiceTime { dist: ServiceDist::Deterministic, mean_ms },
            speed: 1.0,
            boot_delay: Nanos(0),
            ..PoolSpec::default()
        };
        vec![pool("stuck", weights[0], 1e9), pool("quick", weights[1], 1.0)]
    };
    let rule = RetryRule { policy: RetryPolicy { overloads: true, ..RetryPolicy::default() }, idempotent: true };
    let base = || metronome().algorithm(Algorithm::RoundRobin);
    let without = result(base().pools(pools([1, 1])));
    assert_eq!((without.counts.served, without.counts.rejected, without.counts.in_flight_at_end), (5, 4, 1), "{:?}", without.counts);
    let with = result(base().pools(pools([1, 1])).retries(Some(rule)));
    assert_eq!((with.counts.served, with.counts.rejected, with.counts.in_flight_at_end), (9, 0, 1), "{:?}", with.counts);
    assert!(with.counts.retried >= 3, "{:?}", with.counts);
    // Weight 0 is never picked, not even on a retry.
    let alone = result(base().pools(pools([1, 0])).retries(Some(rule)));
    assert_eq!((alone.counts.served, alone.backends[1].attempts), (0, 0), "{:?}", alone.counts);
    // Passive health learns from the failures: the stuck one is left alone for a while.
    let passive = PassiveHealth { overloads: true, ..PassiveHealth::new(1, second(60.0)) };
    let pool = PoolConfig { passive: Some(passive), ..PoolConfig::new(Algorithm::RoundRobin, Vec::new()) };
    let healthy = result(metronome().balancer(pool).pools(pools([1, 1])).retries(Some(rule)));
    assert!(healthy.backends[0].attempts <= 2, "{:?}", healthy.backends);
}

#[test]
fn a_warm_up_longer_than_the_run_is_an_error_not_a_report() {
    let scenario = Scenario::builder("short").requests(10).warmup(Warmup::Fixed(second(1_000.0))).build().unwrap();
    let error = run(&scenario, &NoAutoscaler, 1, 0).unwrap_err();
    assert!(error.to_string().contains("leaves nothing"), "{error}");
}

#[test]
fn hopeless_overload_ends_with_advice_not_with_all_of_the_memory() {
    let scenario = Scenario::builder("overload")
        .poisson(100.0)
        .max_in_flight(1_000)
        .algorithm(Algorithm::LeastConnections)
        .timeout(Some(second(1e6)))
        .warmup(Warmup::Fixed(Nanos(0)))
        .build()
        .unwrap();
    let error = run(&scenario, &NoAutoscaler, 1, 0).unwrap_err();
    assert!(error.to_string().contains("bound the queues"), "{error}");
}

#[test]
fn a_time_out_that_nobody_can_repeat_is_a_time_out_and_no_retry() {
    // One replica that is always too slow: there is no other to try.
    let rule = RetryRule { policy: RetryPolicy { timeouts: true, ..RetryPolicy::default() }, idempotent: true };
    let slow = || metronome().service(ServiceDist::Deterministic, 5_000.0).timeout(Some(second(0.5)));
    let (without, with) = (result(slow()), result(slow().retries(Some(rule))));
    assert_eq!(with.counts, without.counts);
    assert!(with.counts.timed_out >= 9 && with.counts.failed == 0 && with.counts.retried == 0, "{:?}", with.counts);
}
