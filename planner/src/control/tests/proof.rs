//! The simulator has the last word on a plan, within the rails.

use std::collections::BTreeMap;

use super::*;
use crate::capacity::{CapacityCurve, Fleet};

/// A service whose replicas really hold about 33 rps (four at once, 100 ms each, 95 % within 300 ms), with a curve that claims `claimed` for
/// each of them.
fn desk(claimed: Option<f64>, change: impl FnOnce(&mut ServiceConfig)) -> Desk {
    let mut desk = Desk::new(|config| {
        config.slo = Slo { latency_ms: 300.0, percentile: 95.0, errors: 0.001 };
        config.capacity =
            Capacity::Modelled { concurrency: 4, service_time_ms: 100.0, queue: 64, algorithm: balancer::Algorithm::LeastConnections };
        change(config);
    });
    let config = desk.service().config.clone();
    if let Some(rps) = claimed {
        let fleet = Fleet { concurrency: 4, service_time_ms: 100.0, queue: 64, algorithm: balancer::Algorithm::LeastConnections };
        let points: BTreeMap<u32, f64> = [1, 2, 3, 4, 6, 8, 12, 16, 24].map(|n| (n, f64::from(n) * rps)).into();
        desk.state.curves.claim(&config, CapacityCurve::claiming(fleet, config.slo, points));
    }
    desk
}

#[test]
fn a_plan_that_holds_is_taken_as_it_is_and_says_what_the_simulator_saw() {
    let mut desk = desk(None, |_| {});
    desk.load(100.0).fleet(4, 0).forecast(|_| 230.0);
    let decision = desk.decide();
    let check = decision.check.unwrap();
    assert_eq!((decision.action, check.source), (Action::Up, CheckSource::Simulated));
    assert!(check.holds && check.p_latency_ms.unwrap() <= 300.0 && check.error_ratio.unwrap() <= 0.001, "{check:?}");
    assert_eq!(Some(check.replicas), decision.target);
    assert!((7..=8).contains(&check.replicas), "{check:?}");
}

#[test]
fn where_the_simulator_objects_more_replicas_are_ordered() {
    let mut desk = desk(Some(60.0), |_| {});
    desk.load(150.0).fleet(5, 0).forecast(|_| 350.0);
    let decision = desk.decide();
    let check = decision.check.unwrap();
    assert!(check.holds, "{}", decision.sentence);
    assert!(decision.target > Some(6), "the curve said 6: {:?}", decision.target);
    assert!(decision.candidates.iter().any(|c| c.name == "check" && Some(c.replicas) == decision.target));
}

#[test]
fn the_rails_bind_the_simulator_too() {
    let mut desk = desk(Some(60.0), |config| config.rails.step_up = 2);
    desk.load(150.0).fleet(5, 0).forecast(|_| 350.0);
    let decision = desk.decide();
    assert_eq!(decision.target, Some(7));
    assert!(!decision.check.unwrap().holds);
}

#[test]
fn a_step_down_that_the_simulator_does_not_believe_in_is_not_taken() {
    let mut desk = desk(Some(60.0), |_| {});
    desk.past(150.0).load(150.0).fleet(6, 0).forecast(|_| 175.0);
    let decision = desk.decide();
    assert_eq!((decision.action, decision.reason), (Action::Hold, ReasonCode::CheckHolds), "{}", decision.sentence);
    expect_test::expect!["Hold 6: the simulator says that fewer would break the SLO at 175 rps."].assert_eq(&decision.sentence);
}

#[test]
fn the_curve_is_found_once_and_written_down() {
    let mut desk = desk(None, |_| {});
    desk.state.prepare();
    let written = |state: &State| serde_json::to_string(&state.curves).unwrap();
    let prepared = written(&desk.state);
    desk.load(100.0).fleet(6, 0).forecast(|_| 160.0);
    assert_eq!(desk.decide().action, Action::Hold);
    assert_eq!(written(&desk.state), prepared);
    let again: State = serde_json::from_str(&serde_json::to_string(&desk.state).unwrap()).unwrap();
    assert_eq!(written(&again), prepared);
}
