//! What is decided, and the sentence that says so.

use expect_test::{Expect, expect};

use super::*;

/// Action, reason and sentence of the next tick.
#[track_caller]
pub(super) fn check(desk: &mut Desk, expected: Expect) {
    let decision = desk.decide();
    expected.assert_eq(&format!("{:?} {:?}\n{}", decision.action, decision.reason, decision.sentence));
}

#[test]
fn unknown_is_not_zero() {
    let mut desk = Desk::new(|_| {});
    check(
        &mut desk,
        expect![[r#"
        Hold FleetUnknown
        Hold: the fleet has not been observed yet."#]],
    );
    desk.fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
        Hold LoadUnknown
        Hold 6: no load has been measured yet, and unknown is not zero."#]],
    );
    desk.load(500.0).forecast(|_| 500.0);
    desk.decide();
    desk.wait(240_000).fleet(6, 0);
    desk.send(Event::Sample { service: "shop".into(), at_ms: START_MS + 239_000, load_rps: None, saturated: false });
    desk.send(Event::Sample { service: "shop".into(), at_ms: START_MS + 239_500, load_rps: Some(f64::NAN), saturated: false });
    assert_eq!(alerts(&desk.tick()), [AlertCode::DataLost]);
    check(
        &mut desk,
        expect![[r#"
        Hold LoadUnknown
        Hold 6: the load is unknown since 22:00 UTC (4 min ago, the limit is 3 min), and unknown is not zero."#]],
    );
    desk.load(500.0);
    assert_eq!(alerts(&desk.tick()), [AlertCode::DataBack]);
    let at_ms = desk.now_ms + 1;
    desk.send(Event::FleetUnknown { service: "shop".into(), at_ms, reason: "503 from the API server".into() });
    check(
        &mut desk,
        expect![[r#"
        Hold FleetUnknown
        Hold 6: the fleet can't be observed (503 from the API server)."#]],
    );
    desk.wait(10).fleet(6, 0);
    assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
}

#[test]
fn a_service_that_is_only_watched_needs_no_fleet() {
    let mut desk = Desk::new(|config| (config.mode, config.capacity) = (Mode::Observe, Capacity::Unknown));
    let at_ms = desk.now_ms;
    desk.send(Event::FleetUnknown { service: "shop".into(), at_ms, reason: "nobody counts it".into() });
    check(
        &mut desk,
        expect![[r#"
            Hold LoadUnknown
            Hold: no load has been measured yet, and unknown is not zero."#]],
    );
    desk.load(500.0);
    check(
        &mut desk,
        expect![[r#"
            Hold CapacityUnknown
            Hold: the load now is 500 rps, and nobody has said yet how much load a replica holds: give the service a capacity."#]],
    );
}

#[test]
fn rails_bind_and_say_so() {
    let mut desk = Desk::new(|config| config.rails.step_up = 3);
    desk.load(500.0).fleet(6, 0).forecast(|_| 2_450.0);
    let commands = desk.tick();
    assert_eq!(alerts(&commands), [AlertCode::Breach]);
    expect!["6 → 9 now: p95 of the maximum load between 22:05 and 22:05:15 UTC is 2,450 rps; one replica holds 100 rps and takes 5 min to start (configured); 20 replicas in the end, the maximum (25 are needed), at most 3 more at a time."].assert_eq(&desk.service().last_decision.clone().unwrap().sentence);
    let mut desk = Desk::new(|_| {});
    desk.load(1_900.0).fleet(20, 0).forecast(|_| 2_450.0);
    check(
        &mut desk,
        expect![[r#"
            Hold AtLimit
            Hold 20: 20 replicas already are the limit, and the load now is 1,900 rps; 25 replicas are needed, the maximum is 20."#]],
    );
    desk.forecast(|_| 1_900.0).load(1_500.0);
    assert_eq!(alerts(&desk.tick()), [AlertCode::BreachOver]);
}

#[test]
fn the_number_that_will_be_there_is_named_with_the_limit_that_makes_it_so() {
    let mut desk = Desk::new(|config| config.rails.min = 3);
    desk.past(100.0).load(100.0).fleet(6, 0).forecast(|_| 150.0);
    check(
        &mut desk,
        expect![[r#"
        Down EnoughAhead
        6 → 4 now: fewer suffice: p95 of the maximum of the next 15 min 15 s is 150 rps, which needs 2 replicas, and the load now is 100 rps; 3 replicas in the end, the minimum (2 would do), at most 2 fewer at a time."#]],
    );
    desk.wait(15_000).load(100.0).fleet(4, 0);
    check(
        &mut desk,
        expect![[r#"
        Hold CoolDown
        Hold 4: too soon after the last change, and the load now is 100 rps; 3 replicas in the end, the minimum (2 would do), after the cool-down of 1 min."#]],
    );
    let mut desk = Desk::new(|config| config.rails.min = 3);
    desk.past(100.0).load(100.0).fleet(3, 0).forecast(|_| 150.0);
    check(
        &mut desk,
        expect![[r#"
            Hold AtLimit
            Hold 3: 3 replicas already are the limit, and the load now is 100 rps; 2 replicas would do, the minimum is 3."#]],
    );
    let mut desk = Desk::new(|config| config.rails.min = 3);
    desk.load(100.0).fleet(2, 0).forecast(|_| 150.0);
    check(
        &mut desk,
        expect![[r#"
        Up BelowMinimum
        2 → 3 now: the minimum is 3."#]],
    );
    let mut desk = Desk::new(|config| config.rails.max = 5);
    desk.load(900.0).fleet(4, 0).forecast(|_| 950.0);
    check(
        &mut desk,
        expect![[r#"
        Up ReactiveUp
        4 → 5 now: the load now is 900 rps, 225 % of what 4 ready replicas hold (the aim is 78 %), which needs 12 replicas; 12 replicas are needed, the maximum is 5; 5 replicas do not hold 950 rps within the SLO."#]],
    );
}

#[test]
fn a_service_that_sheds_never_gets_smaller() {
    let mut desk = Desk::new(|_| {});
    desk.fleet(6, 0).forecast(|_| 200.0);
    let at_ms = desk.now_ms;
    desk.send(Event::Sample { service: "shop".into(), at_ms, load_rps: Some(200.0), saturated: true });
    check(
        &mut desk,
        expect![[r#"
        Up Saturated
        6 → 7 now: requests were shed or every place was taken, so the true demand may be higher than measured."#]],
    );
}

#[test]
fn a_lost_replica_is_restored() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|_| 750.0);
    let order = orders(&desk.tick())[0].clone();
    desk.send(Event::Acknowledged { order: order.id, at_ms: START_MS });
    desk.wait(15_000).load(400.0).fleet(6, 2);
    assert!(desk.service().pending.is_none());
    desk.forecast(|_| 300.0).wait(15_000).load(500.0).fleet(7, 0);
    check(
        &mut desk,
        expect![[r#"
            Up Restore
            7 → 8 now: the fleet had 8 replicas and has 7, and nobody ordered that."#]],
    );
}

#[test]
fn hpa_is_a_policy_like_any_other() {
    let hpa = |config: &mut ServiceConfig| {
        config.policy = Policy::Hpa(HpaPolicy { target: 0.5, ..HpaPolicy::default() });
        config.rails.cool_down_ms = 0;
    };
    let mut desk = Desk::new(hpa);
    desk.load(400.0).fleet(4, 0);
    check(
        &mut desk,
        expect![[r#"
            Up ReactiveUp
            4 → 8 now: the load now is 400 rps, 100 % of what 4 ready replicas hold (the aim is 50 %), which needs 8 replicas."#]],
    );
    let mut desk = Desk::new(hpa);
    desk.load(200.0).fleet(4, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold Steady
            Hold 4: the load now is 200 rps, and 4 ready replicas hold 400 rps."#]],
    );
    desk.wait(60_000).load(100.0).fleet(4, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold ReactiveHolds
            Hold 4: the load now is 100 rps, which would allow fewer, but not yet for long enough."#]],
    );
    desk.wait(240_000).load(100.0).fleet(4, 0);
    check(
        &mut desk,
        expect![[r#"
            Down HpaDown
            4 → 2 now: the load now is 100 rps, 25 % of what 4 ready replicas hold (the aim is 50 %), which needs 2 replicas."#]],
    );
}

#[test]
fn modes_and_pauses_hold_the_hand_but_not_the_pen() {
    let ahead = |desk: &mut Desk| {
        desk.load(400.0).fleet(6, 0).forecast(|_| 750.0);
    };
    let mut desk = Desk::new(|config| config.mode = Mode::Observe);
    ahead(&mut desk);
    check(
        &mut desk,
        expect![[r#"
        Observe ForecastUp
        Would go 6 → 8: p95 of the maximum load between 22:05 and 22:05:15 UTC is 750 rps; one replica holds 100 rps and takes 5 min to start (configured)."#]],
    );
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
    check(
        &mut desk,
        expect![[r#"
        Propose ForecastUp
        Recommends 6 → 8: p95 of the maximum load between 22:05 and 22:05:15 UTC is 750 rps; one replica holds 100 rps and takes 5 min to start (configured)."#]],
    );
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Automatic });
    desk.operator(OperatorAction::Pause { service: None, pause: Pause::Up });
    check(
        &mut desk,
        expect![[r#"
        Hold Paused
        Hold, although 6 → 8 is wanted: an operator paused this direction."#]],
    );
    assert_eq!(desk.operator(OperatorAction::Resume { service: None }).len(), 1);
    assert_eq!(orders(&desk.tick()).len(), 1);
}
