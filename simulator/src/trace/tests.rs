use std::collections::BTreeSet;

use balancer::{ActiveHealth, Algorithm, PassiveHealth};

use super::*;
use crate::{
    Autoscaler, AutoscalerFactory, Engine, Fault, FaultKind, NoAutoscaler, Observation, Orders, ScenarioBuilder, ScenarioError, run_all,
    run_all_traced, run_on, run_traced,
};

fn spec(sample: f64) -> TraceSpec {
    TraceSpec { sample, most_requests: 1_000_000, most_decisions: 10_000 }
}

fn blind() -> ScenarioBuilder {
    Scenario::builder("blind").poisson(50.0).replicas(4).concurrency(2).requests(20_000).algorithm(Algorithm::RoundRobin)
}

fn numbers(trace: &Trace) -> BTreeSet<u64> {
    trace.requests.iter().map(|row| row.number).collect()
}

#[test]
fn both_engines_record_the_same_and_neither_changes_its_result_by_it() {
    let scenario = blind().build().unwrap();
    let (result, fast) = run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, 1, &spec(1.0)).unwrap();
    let (events, slow) = run_traced(Engine::Events, &scenario, &NoAutoscaler, 3, 1, &spec(1.0)).unwrap();
    assert_eq!(fast, slow);
    assert_eq!(result, events);
    assert_eq!(Ok(result), run_on(Engine::Auto, &scenario, &NoAutoscaler, 3, 1));
    assert_eq!(fast.requests.len(), 20_000);
    assert_eq!(fast.sample, 1.0);
}

#[test]
fn the_rows_add_up_to_what_the_result_counts() {
    let scenario = blind().algorithm(Algorithm::LeastConnections).queue(Some(1)).poisson(90.0).build().unwrap();
    let (result, trace) = run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, 0, &spec(1.0)).unwrap();
    let counted: Vec<&RequestRow> = trace.requests.iter().filter(|row| row.counted).collect();
    let how_many = |outcome| counted.iter().filter(|row| row.outcome == outcome).count() as u64;
    assert!(result.counts.rejected > 100 && result.counts.in_flight_at_end > 0, "{:?}", result.counts);
    assert_eq!(counted.len() as u64, result.counts.arrived);
    assert_eq!(how_many(RequestOutcome::Served), result.counts.served);
    assert_eq!(how_many(RequestOutcome::Rejected), result.counts.rejected);
    assert_eq!(how_many(RequestOutcome::InFlight), result.counts.in_flight_at_end);
    let latencies = counted.iter().filter_map(|row| Some(u128::from(row.served?.0 - row.arrived.0)));
    let mean = latencies.sum::<u128>() as f64 / result.counts.served as f64;
    assert!((mean / result.latency.mean().unwrap() - 1.0).abs() < 1e-12, "{mean}");
}

#[test]
fn a_sample_holds_the_same_requests_whatever_the_fleet_and_a_smaller_share_is_a_part_of_it() {
    let of = |replicas: u32, share: f64, replication: u32| {
        let scenario = blind().replicas(replicas).build().unwrap();
        numbers(&run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, replication, &spec(share)).unwrap().1)
    };
    let (tenth, fifth) = (of(4, 0.1, 0), of(4, 0.2, 0));
    // Five standard deviations of a binomial.
    assert!(tenth.len().abs_diff(2_000) < 215, "{}", tenth.len());
    assert_eq!(tenth, of(9, 0.1, 0));
    assert!(tenth.is_subset(&fifth) && fifth.len() > tenth.len());
    assert_ne!(tenth, of(4, 0.1, 1));
    assert!(of(4, 0.0, 0).is_empty());
}

#[test]
fn too_many_requests_halve_the_share_and_leave_the_sample_of_that_share() {
    let scenario = blind().build().unwrap();
    let traced = |spec: TraceSpec| run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, 0, &spec).unwrap().1;
    let bounded = traced(TraceSpec { most_requests: 1_500, ..spec(1.0) });
    assert!(bounded.requests.len() <= 1_500 && bounded.requests.len() > 600, "{}", bounded.requests.len());
    assert_eq!(bounded.sample, 0.0625);
    assert_eq!(bounded, traced(spec(0.0625)));
}

#[test]
fn threads_make_no_difference_to_the_record() {
    let scenario = blind().build().unwrap();
    let one = run_all_traced(&scenario, &NoAutoscaler, 3, 4, 1, &spec(0.2)).unwrap();
    assert_eq!(one, run_all_traced(&scenario, &NoAutoscaler, 3, 4, 2, &spec(0.2)).unwrap());
    let results: Vec<_> = one.into_iter().map(|(result, _)| result).collect();
    assert_eq!(results, run_all(&scenario, &NoAutoscaler, 3, 4, 2).unwrap());
}

fn decisions(trace: &Trace, kind: DecisionKind) -> Vec<(u64, Option<u32>, &str, &str, &str)> {
    let text = |text: &'static str| text;
    let rows = trace.decisions.iter().filter(|row| row.kind == kind);
    rows.map(|row| {
        let from = row.from.as_deref().unwrap_or(text("-"));
        (row.at.0 / 1_000_000_000, row.backend, from, row.to.as_str(), row.reason.as_deref().unwrap_or("-"))
    })
    .collect()
}

#[test]
fn a_crash_is_followed_from_the_fault_to_the_probes_that_see_it_and_back() {
    let fault = Fault { at: Nanos::from_secs(20), lasts: Nanos::from_secs(30), pools: vec![0], replicas: Some(1), kind: FaultKind::Crash };
    let mut scenario = blind().algorithm(Algorithm::LeastConnections).faults(vec![fault]).duration(Nanos::from_secs(100)).build().unwrap();
    scenario.balancing.pool.passive = Some(PassiveHealth::new(3, Nanos::from_secs(300)));
    scenario.balancing.pool.active = Some(ActiveHealth { interval: Nanos::from_secs(5), timeout: Nanos::from_secs(1), rise: 2, fall: 2 });
    let (_, trace) = run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, 0, &spec(0.0)).unwrap();
    assert_eq!(decisions(&trace, DecisionKind::Fault), [(20, None, "well", "broken", "crash: 1 replicas of app")]);
    let life = [(20, Some(1), "ready", "dead", "fault"), (50, Some(1), "dead", "ready", "restarted")];
    assert_eq!(decisions(&trace, DecisionKind::Replica), life);
    let health = decisions(&trace, DecisionKind::Health);
    assert!(health.iter().all(|(_, backend, ..)| *backend == Some(1)), "{health:?}");
    let words: Vec<_> = health.iter().map(|(_, _, from, to, why)| (*from, *to, *why)).collect();
    assert_eq!(words[0], ("up", "ejected", "no connection"));
    assert_eq!(words[1], ("ejected", "down", "a probe failed"));
    assert!(words[2..].contains(&("down", "ejected", "a probe was answered")), "{words:?}");
    let (_, bounded) = run_traced(Engine::Auto, &scenario, &NoAutoscaler, 3, 0, &TraceSpec { most_decisions: 2, ..spec(0.0) }).unwrap();
    assert_eq!(bounded.decisions, trace.decisions[..2]);
    assert_eq!(bounded.decisions_left_out, trace.decisions.len() as u64 - 2);
}

/// Wants another size at each tick, and says why.
struct Restless(u32);

impl Autoscaler for Restless {
    fn interval(&self) -> Nanos {
        Nanos::from_secs(30)
    }

    fn tick(&mut self, _: &Observation) -> Option<Orders> {
        self.0 += 1;
        (self.0 % 2 == 1).then(|| Orders { replicas: Some(if self.0 == 1 { 5 } else { 3 }), ..Orders::default() })
    }

    fn reason(&mut self) -> Option<String> {
        Some(format!("tick {}", self.0))
    }
}

impl AutoscalerFactory for Restless {
    fn build(&self, _: Option<&toml::Table>, _: &Scenario, _: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        Ok(Box::new(Restless(0)))
    }
}

#[test]
fn each_decision_of_the_autoscaler_is_there_with_its_reason_and_what_came_of_it() {
    let scenario = blind().boot_delay(Nanos::from_secs(7)).autoscaler(toml::Table::new()).duration(Nanos::from_secs(95)).build().unwrap();
    let (_, trace) = run_traced(Engine::Auto, &scenario, &Restless(0), 3, 0, &spec(0.0)).unwrap();
    let expected = [(30, None, "4", "5", "tick 1"), (60, None, "5", "5", "tick 2"), (90, None, "5", "3", "tick 3")];
    assert_eq!(decisions(&trace, DecisionKind::Autoscaler), expected);
    let life = decisions(&trace, DecisionKind::Replica);
    assert_eq!(life[..2], [(30, Some(5), "-", "booting", "ordered"), (37, Some(5), "booting", "ready", "booted")]);
    let gone: BTreeSet<_> = life[2..].iter().filter(|row| row.3 == "left").map(|row| row.1).collect();
    assert!(life[2..].iter().all(|row| row.0 >= 90) && gone.is_subset(&[Some(4), Some(5)].into()), "{life:?}");
    assert_eq!(life[2..].iter().filter(|row| row.4 == "fewer are wanted").count(), 2);
}
