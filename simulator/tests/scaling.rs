//! The autoscaler in the loop: boots, drains, and what they cost.

use balancer::{Algorithm, Nanos};
use simulator::{
    Arrivals, Autoscaler, AutoscalerFactory, Observation, Orders, ReplicaState, RunResult, Scenario, ScenarioError, ServiceDist, Warmup,
    run,
};

fn second(s: f64) -> Nanos {
    Nanos::from_secs_f64(s)
}

/// Orders by a timetable: (second, replicas).
struct Timetable(Vec<(u64, u32)>, Vec<Observation>);

struct TimetableFactory(Vec<(u64, u32)>);

impl AutoscalerFactory for TimetableFactory {
    fn build(&self, _: Option<&toml::Table>, _: &Scenario, _: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        Ok(Box::new(Timetable(self.0.clone(), Vec::new())))
    }
}

impl Autoscaler for Timetable {
    fn interval(&self) -> Nanos {
        Nanos::from_secs(1)
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        let now_s = seen.now.0 / 1_000_000_000;
        for replica in &seen.replicas {
            let age_s = (seen.now.0 - replica.since.0) / 1_000_000_000;
            assert!(replica.state != ReplicaState::Booting || age_s <= 30, "boots for {age_s} s");
        }
        self.1.push(seen.clone());
        let due = self.0.iter().find(|(at, _)| *at == now_s)?;
        Some(Orders { replicas: Some(due.1), weights: None })
    }
}

fn scaled(timetable: &[(u64, u32)]) -> RunResult {
    let scenario = Scenario::builder("scaled")
        .arrivals(Arrivals::Constant { rate_rps: 10.0 })
        .service(ServiceDist::Deterministic, 4_900.0)
        .concurrency(100)
        .boot_delay(second(30.0))
        .algorithm(Algorithm::RoundRobin)
        .duration(second(200.0))
        .warmup(Warmup::Fixed(Nanos(0)))
        .timeline(true)
        .autoscaler(toml::Table::new())
        .build()
        .expect("the scenario is right");
    run(&scenario, &TimetableFactory(timetable.to_vec()), 1, 0).expect("the run works")
}

#[test]
fn ordered_replicas_boot_before_they_serve_and_cost_from_the_order() {
    let run = scaled(&[(10, 3)]);
    assert_eq!(run.scaling_actions, 1);
    assert_eq!(run.backends.len(), 3);
    assert_eq!(run.backends[1].lifetime, 190_000_000_000);
    assert_eq!(run.backends[1].capacity, 100 * 160_000_000_000);
    assert_eq!(run.minutes.iter().map(|minute| (minute.ready, minute.booting)).collect::<Vec<_>>(), [(3, 0), (3, 0), (3, 0), (3, 0)]);
    // From 40 s on each of three gets a third of ten a second.
    assert!(run.backends[2].attempts.abs_diff(1_600 / 3) <= 1, "{:?}", run.backends[2]);
}

#[test]
fn scaling_down_drains_the_newest_first_and_loses_nobody() {
    let run = scaled(&[(10, 3), (100, 1)]);
    assert_eq!(run.counts.errors(), 0);
    assert_eq!(run.scaling_actions, 2);
    // Replicas 2 and 3 finish what they have: up to 4.9 s longer.
    for backend in &run.backends[1..] {
        let left_s = backend.lifetime as f64 / 1e9 + 10.0;
        assert!(left_s > 100.0 && left_s <= 104.9, "{left_s}");
        assert_eq!(backend.attempts, backend.served);
    }
    assert_eq!(run.minutes.iter().map(|minute| minute.ready).collect::<Vec<_>>(), [3, 1, 1, 1]);
}

#[test]
fn a_replica_that_is_no_longer_wanted_while_it_boots_leaves_at_once() {
    let run = scaled(&[(10, 3), (20, 2)]);
    assert_eq!(run.backends[2].lifetime, 10_000_000_000);
    assert_eq!((run.backends[2].attempts, run.backends[2].capacity), (0, 0));
    assert!(run.backends[1].attempts > 0);
}

#[test]
fn with_no_replicas_requests_are_turned_away_and_come_back_with_the_fleet() {
    let run = scaled(&[(50, 0), (60, 1)]);
    // Nobody from 50 to 90 (order at 60, 30 s of boot).
    assert_eq!((run.counts.rejected, run.counts.failed), (400, 0));
    assert_eq!(run.counts.arrived, run.counts.served + run.counts.rejected + run.counts.in_flight_at_end);
}
