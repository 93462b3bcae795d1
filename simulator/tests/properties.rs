//! What holds for every scenario: nobody is lost, time goes forward, the same seed gives the same result, both engines agree.

use balancer::{ActiveHealth, Algorithm, BackendId, BackendWeight, Nanos, PassiveHealth, PoolConfig, SlowStart, WeightSnapshot};
use proptest::{prelude::*, test_runner::RngSeed};
use simulator::{
    Arrivals, Autoscaler, AutoscalerFactory, Backoff, Call, ClassSpec, ClientRetries, Dependency, Discipline, Engine, Fault, FaultKind,
    Horizon, Jitter, Memory, NoAutoscaler, Observation, Orders, PoolSpec, ReplicaState, RetryRule, RunResult, Scenario, ScenarioError,
    ServiceDist, ServiceTime, Warmup, replicate, run_on,
};

/// Orders what a fixed hash of the tick says, and checks what it sees.
struct Restless {
    tick: u64,
    last: Option<Observation>,
    weights: bool,
}

struct RestlessFactory {
    weights: bool,
}

impl AutoscalerFactory for RestlessFactory {
    fn build(&self, _: Option<&toml::Table>, _: &Scenario, seed: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        Ok(Box::new(Restless { tick: seed, last: None, weights: self.weights }))
    }
}

impl Autoscaler for Restless {
    fn interval(&self) -> Nanos {
        Nanos::from_millis(700)
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        let ended = seen.served + seen.rejected + seen.timed_out + seen.failed;
        let in_flight: u64 = seen.replicas.iter().map(|replica| u64::from(replica.in_flight)).sum();
        assert_eq!(seen.arrived, ended + in_flight, "a request is lost or counted twice: {seen:?}");
        if let Some(last) = &self.last {
            assert!(seen.now > last.now && seen.arrived >= last.arrived && seen.served >= last.served, "{seen:?} after {last:?}");
        }
        for replica in &seen.replicas {
            assert!(replica.state != ReplicaState::Booting || replica.in_flight == 0, "{replica:?}");
            assert!(replica.since <= seen.now);
        }
        self.last = Some(seen.clone());
        self.tick = self.tick.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let weights = self.weights.then(|| WeightSnapshot {
            epoch: seen.now.0,
            weights: seen.replicas.iter().map(|replica| BackendWeight { id: BackendId(replica.id), weight: replica.id % 3 }).collect(),
        });
        Some(Orders { replicas: Some((self.tick >> 60) as u32 % 7), weights })
    }
}

fn any_service() -> impl Strategy<Value = ServiceTime> {
    let dist = prop_oneof![
        Just(ServiceDist::Exponential),
        Just(ServiceDist::Deterministic),
        Just(ServiceDist::Lognormal { scv: 2.0 }),
        Just(ServiceDist::Gamma { scv: 0.5 }),
        Just(ServiceDist::Hyperexponential { scv: 5.0 }),
    ];
    (dist, 1.0..200.0_f64).prop_map(|(dist, mean_ms)| ServiceTime { dist, mean_ms })
}

fn any_pool() -> impl Strategy<Value = PoolSpec> {
    let queue = prop_oneof![Just(None), (0_u32..5).prop_map(Some)];
    let discipline = prop_oneof![Just(Discipline::Fifo), Just(Discipline::Ps)];
    (1_u32..4, 0_u32..4, 1_u32..5, discipline, queue, any_service(), 0.5..2.0_f64, 0_u64..3_000).prop_map(
        |(replicas, weight, concurrency, discipline, queue, service_time, speed, boot_ms)| PoolSpec {
            name: "p".to_owned(),
            replicas,
            weight,
            concurrency,
            discipline,
            queue,
            service_time,
            speed,
            boot_delay: Nanos::from_millis(boot_ms),
            ..PoolSpec::default()
        },
    )
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![
        Just(Algorithm::RoundRobin),
        Just(Algorithm::WeightedRoundRobin),
        Just(Algorithm::LeastConnections),
        Just(Algorithm::P2c),
        Just(Algorithm::Random),
        Just(Algorithm::WeightedRandom),
    ]
}

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    let rate = 1.0..150.0_f64;
    prop_oneof![
        rate.clone().prop_map(|rate_rps| Arrivals::Poisson { rate_rps }),
        rate.prop_map(|rate_rps| Arrivals::Constant { rate_rps }),
        prop::collection::vec(0.0..120.0_f64, 3..9)
            .prop_filter("some load", |rates| rates.iter().sum::<f64>() > 30.0)
            .prop_map(|rates_rps| Arrivals::Series { step: Nanos::from_secs(2), rates_rps }),
    ]
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let health = (any::<bool>(), any::<bool>(), any::<bool>());
    let timeout = prop_oneof![Just(None), (1_u64..300).prop_map(|ms| Some(Nanos::from_millis(ms)))];
    let warmup = prop_oneof![Just(Warmup::Auto), Just(Warmup::Fixed(Nanos(0))), Just(Warmup::Fixed(Nanos::from_millis(900)))];
    let pools = prop::collection::vec(any_pool(), 1..3);
    let by_requests = prop_oneof![Just(None), (200_u64..1500).prop_map(Some)];
    let rules = (any_algorithm(), health, any::<bool>(), timeout);
    (pools, rules, any_arrivals(), warmup, by_requests, any::<bool>()).prop_map(
        |(pools, (algorithm, (passive, active, slow), retries, timeout), arrivals, warmup, requests, timeline)| {
            let pool = PoolConfig {
                passive: passive.then(|| PassiveHealth::new(2, Nanos::from_secs(1))),
                active: active.then(ActiveHealth::default),
                slow_start: slow.then(|| SlowStart::new(Nanos::from_secs(2))),
                ..PoolConfig::new(algorithm, Vec::new())
            };
            let retries = retries.then(|| RetryRule {
                policy: balancer::RetryPolicy { overloads: true, ..balancer::RetryPolicy::default() },
                idempotent: true,
            });
            let builder = Scenario::builder("any").pools(pools).balancer(pool).retries(retries).timeout(timeout).arrivals(arrivals);
            let builder = builder.warmup(warmup).timeline(timeline).slo(Nanos::from_millis(80), 95.0);
            let builder = match requests {
                Some(requests) => builder.requests(requests),
                None => builder.duration(Nanos::from_millis(9_500)),
            };
            builder.build().expect("the strategies make valid scenarios only")
        },
    )
}

/// Everything that can happen to a request, in small doses.
fn any_trouble() -> impl Strategy<Value = Scenario> {
    let kind = prop_oneof![
        Just(FaultKind::Crash),
        (2.0..9.0_f64).prop_map(|factor| FaultKind::Slow { factor }),
        Just(FaultKind::Partition),
        (200_u64..1_500).prop_map(|ms| FaultKind::Flapping { period: Nanos::from_millis(ms) }),
    ];
    let fault = (0_u64..9_000, 1_u64..4_000, 0_usize..3, prop::option::of(1_u32..3), kind).prop_map(|(at, lasts, pool, replicas, kind)| {
        Fault { at: Nanos::from_millis(at), lasts: Nanos::from_millis(lasts), pools: vec![pool], replicas, kind }
    });
    let call = |to: std::ops::Range<usize>| {
        (to, 0.2..1.2_f64, any::<bool>()).prop_map(|(to, probability, hold)| Call { to, probability: probability.min(1.0), hold })
    };
    let memory = (2.0..9.0_f64, 0_u64..2_000).prop_map(|(limit_mib, ms)| Memory {
        limit_mib,
        base_mib: 1.0,
        per_request_mib: 1.0,
        restart: Nanos::from_millis(ms),
    });
    let extras = (prop::option::of(memory), 0.0..0.3_f64, any::<bool>(), 0_u8..4);
    let clients = (any::<bool>(), prop::option::of((1_u32..5, 0_u64..900)), any::<bool>(), any::<bool>());
    let calls = (prop::collection::vec(call(0..2), 0..3), prop::collection::vec(call(1..2), 0..2));
    (any_scenario(), prop::collection::vec(fault, 0..4), calls, (any_pool(), any_pool()), extras, clients).prop_map(
        |(mut scenario, faults, (calls, deeper), (first, second), (memory, failure, preempt, discipline), clients)| {
            let dependency = |pool: PoolSpec, calls| Dependency { pool: PoolSpec { weight: 1, calls, ..pool }, algorithm: Algorithm::P2c };
            scenario.dependencies = vec![dependency(first, deeper), dependency(second, Vec::new())];
            let disciplines = [Discipline::Fifo, Discipline::Ps, Discipline::Priority, Discipline::PreemptivePriority];
            scenario.pools[0] =
                PoolSpec { memory, failure, calls, discipline: disciplines[usize::from(discipline)], ..scenario.pools[0].clone() };
            scenario.faults =
                faults.into_iter().map(|fault| Fault { pools: vec![fault.pools[0].min(scenario.pools.len() + 1)], ..fault }).collect();
            scenario.timeout = Some(scenario.timeout.unwrap_or(Nanos::from_millis(400)));
            let (patient, retries, closed, classes) = clients;
            let exponential = |mean_ms| ServiceTime { dist: ServiceDist::Exponential, mean_ms };
            scenario.clients.patience = (!patient).then(|| exponential(60.0));
            scenario.clients.retries = retries.map(|(max_attempts, ms)| ClientRetries {
                max_attempts,
                backoff: Backoff { delay: Nanos::from_millis(ms), factor: 2.0, max: Nanos::from_secs(5), jitter: Jitter::Full },
            });
            if closed && matches!(scenario.horizon, Horizon::Duration(_)) {
                scenario.arrivals = Arrivals::Closed { sessions: 20, think: exponential(300.0) };
            }
            if classes || preempt {
                let class = |share, priority| ClassSpec { share, priority, work: 1.0 + f64::from(priority), ..ClassSpec::default() };
                scenario.classes = vec![class(1.0, 1), class(3.0, 0), class(0.5, 2)];
            }
            scenario
        },
    )
}

fn assert_conserved(run: &RunResult) {
    let counts = run.counts;
    assert_eq!(counts.arrived, counts.served + counts.errors() + counts.in_flight_at_end, "{counts:?}");
    assert_eq!(run.latency.count(), counts.served);
    assert_eq!(run.wait.count(), counts.served);
    assert!(run.bad <= counts.arrived);
    for backend in &run.backends {
        assert!(backend.busy <= backend.capacity, "{backend:?}");
    }
    if let (Some(latency), Some(wait)) = (run.latency.mean(), run.wait.mean()) {
        assert!(wait <= latency);
    }
    if run.cut.0 == 0 && !run.minutes.is_empty() {
        assert_eq!(run.minutes.iter().map(|minute| minute.arrived).sum::<u64>(), counts.arrived);
        assert_eq!(run.minutes.iter().map(|minute| minute.errors).sum::<u64>(), counts.errors());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, rng_seed: RngSeed::Fixed(20_261_125), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_accounted_for_and_the_same_seed_gives_the_same_result(scenario in any_scenario(), seed in 0_u64..1000) {
        let run = run_on(Engine::Events, &scenario, &NoAutoscaler, seed, 0);
        prop_assert_eq!(&run, &run_on(Engine::Events, &scenario, &NoAutoscaler, seed, 0));
        // A warm-up longer than a short run is an error, not a report.
        if let Ok(run) = run {
            assert_conserved(&run);
        }
    }

    #[test]
    fn crashes_calls_and_impatient_users_lose_nobody(scenario in any_trouble(), seed in 0_u64..1000) {
        let run = run_on(Engine::Auto, &scenario, &NoAutoscaler, seed, 0);
        prop_assert_eq!(&run, &run_on(Engine::Auto, &scenario, &NoAutoscaler, seed, 0));
        if let Ok(run) = run {
            assert_conserved(&run);
            for dependency in &run.dependencies {
                prop_assert!(dependency.busy <= dependency.capacity, "{:?}", dependency);
                prop_assert!(dependency.served + dependency.errors <= dependency.attempts, "{:?}", dependency);
            }
            if !scenario.classes.is_empty() {
                prop_assert_eq!(run.classes.iter().map(|class| class.arrived).sum::<u64>(), run.counts.arrived);
                prop_assert_eq!(run.classes.iter().map(|class| class.errors).sum::<u64>(), run.counts.errors());
                prop_assert_eq!(run.classes.iter().map(|class| class.latency.count()).sum::<u64>(), run.counts.served);
            }
        }
    }

    #[test]
    fn the_recursion_and_the_event_loop_agree_to_the_last_bit(
        scenario in any_scenario(),
        specs in prop::collection::vec(any_pool(), 1..3),
        seed in 0_u64..1000,
    ) {
        let mut scenario = scenario;
        for spec in &specs {
            scenario.pools[0] = PoolSpec { discipline: Discipline::Fifo, queue: None, weight: spec.weight.max(1), ..spec.clone() };
            scenario.pools.truncate(1);
            scenario.timeout = None;
            scenario.balancing.pool.active = None;
            prop_assert_eq!(run_on(Engine::Events, &scenario, &NoAutoscaler, seed, 3), run_on(Engine::Auto, &scenario, &NoAutoscaler, seed, 3));
        }
    }

    #[test]
    fn a_restless_autoscaler_loses_nobody(scenario in any_scenario(), seed in 0_u64..1000, weights in any::<bool>()) {
        let mut scenario = scenario;
        scenario.pools.truncate(1);
        scenario.autoscaler = Some(toml::Table::new());
        let factory = RestlessFactory { weights };
        let run = run_on(Engine::Auto, &scenario, &factory, seed, 0);
        prop_assert_eq!(&run, &run_on(Engine::Auto, &scenario, &factory, seed, 0));
        if let Ok(run) = run {
            assert_conserved(&run);
        }
    }
}

#[test]
fn two_threads_give_the_same_bytes_as_one() {
    let scenario = Scenario::builder("threads")
        .poisson(150.0)
        .replicas(3)
        .concurrency(4)
        .queue(Some(6))
        .service(ServiceDist::Lognormal { scv: 2.0 }, 70.0)
        .algorithm(Algorithm::P2c)
        .slo(Nanos::from_millis(300), 99.0)
        .timeline(true)
        .requests(30_000)
        .build()
        .unwrap();
    let bytes = |jobs| serde_json::to_string(&replicate(&scenario, &NoAutoscaler, 7, 12, jobs).unwrap()).unwrap();
    let one = bytes(1);
    assert_eq!(one, bytes(2));
    assert_eq!(one, bytes(5));
    let other_seed = serde_json::to_string(&replicate(&scenario, &NoAutoscaler, 8, 12, 1).unwrap()).unwrap();
    assert_ne!(one, other_seed);
}

#[test]
fn replications_are_independent_of_how_many_there_are() {
    let scenario = Scenario::builder("prefix").poisson(8.0).requests(2_000).build().unwrap();
    let three = simulator::run_all(&scenario, &NoAutoscaler, 5, 3, 1).unwrap();
    let five = simulator::run_all(&scenario, &NoAutoscaler, 5, 5, 2).unwrap();
    assert_eq!(three[..], five[..3]);
    assert_ne!(five[0].latency, five[1].latency);
}
