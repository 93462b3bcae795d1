//! What is decided, and the sentence that says so.

use expect_test::{Expect, expect};

use super::*;

/// Action, reason and sentence of the next tick.
#[track_caller]
fn check(desk: &mut Desk, expected: Expect) {
    let decision = desk.decide();
    expected.assert_eq(&format!("{:?} {:?}\n{}", decision.action, decision.reason, decision.sentence));
}

#[test]
fn the_forecast_orders_ahead_of_the_load() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|ts| if ts > START_MS + 300_000 { 1_050.0 } else { 400.0 });
    check(
        &mut desk,
        expect![[r#"
        Up ForecastUp
        6 → 11 now: p95 of the maximum load between 22:05 and 22:05:15 UTC is 1,050 rps; one replica holds 100 rps and takes 5 min to start (configured)."#]],
    );
    let decision = desk.service().last_decision.clone().unwrap();
    assert_eq!((decision.current, decision.target), (Some(6), Some(11)));
    assert_eq!(decision.inputs.window_max_rps, Some(1_050.0));
    assert!(decision.check.is_some_and(|check| check.holds && check.replicas == 11));
}

#[test]
fn what_fits_is_left_alone() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|_| 550.0);
    check(
        &mut desk,
        expect![[r#"
            Hold Steady
            Hold 6: the load now is 400 rps, p95 of the maximum load between 22:05 and 22:05:15 UTC is 550 rps, and 6 ready replicas hold 600 rps."#]],
    );
}

#[test]
fn the_reactive_rule_covers_what_the_forecast_missed() {
    let mut desk = Desk::new(|_| {});
    desk.load(700.0).fleet(6, 0).forecast(|_| 400.0);
    check(
        &mut desk,
        expect![[r#"
            Up ReactiveUp
            6 → 9 now: the load now is 700 rps, 117 % of what 6 ready replicas hold (the aim is 78 %), which needs 9 replicas."#]],
    );
}

#[test]
fn down_needs_the_whole_window_ahead_and_the_load_now() {
    let mut desk = Desk::new(|_| {});
    desk.load(200.0).fleet(8, 0).forecast(|ts| if ts > START_MS + 840_000 { 750.0 } else { 200.0 });
    check(
        &mut desk,
        expect![[r#"
            Hold ForecastHolds
            Hold 8: the load now is 200 rps, which would allow fewer, but p95 of the maximum of the next 15 min 15 s is 750 rps, which needs 8 replicas."#]],
    );
    let mut desk = Desk::new(|_| {});
    desk.load(590.0).fleet(8, 0).forecast(|_| 200.0);
    check(
        &mut desk,
        expect![[r#"
            Hold ReactiveHolds
            Hold 8: fewer would do for what is forecast, but the load now is 590 rps, 74 % of what 8 ready replicas hold (the aim is 78 %), which needs 8 replicas."#]],
    );
    let mut desk = Desk::new(|_| {});
    desk.load(200.0).fleet(8, 0).forecast(|_| 300.0);
    check(
        &mut desk,
        expect![[r#"
        Down EnoughAhead
        8 → 6 now: fewer suffice: p95 of the maximum of the next 15 min 15 s is 300 rps, which needs 3 replicas, and the load now is 200 rps; 3 replicas in the end, step by step."#]],
    );
}

#[test]
fn a_forecast_that_ends_too_early_allows_no_step_down() {
    let mut desk = Desk::new(|_| {});
    let forecast = fixtures::forecast(START_MS, 8, |_| 200.0);
    desk.load(200.0).fleet(8, 0).send(Event::Forecast { service: "shop".into(), forecast });
    check(
        &mut desk,
        expect![[r#"
            Hold ForecastHolds
            Hold 8: the load now is 200 rps, which would allow fewer, but the forecast ends too early to tell."#]],
    );
    let forecast = fixtures::forecast(START_MS, 3, |_| 200.0);
    desk.send(Event::Forecast { service: "shop".into(), forecast });
    check(
        &mut desk,
        expect![[r#"
            Hold ReactiveHolds
            Hold 8: the forecast reaches only 3 min ahead; fewer were not enough lately, and the load now is 200 rps."#]],
    );
}

#[test]
fn without_a_forecast_the_cautious_rule_decides() {
    let mut desk = Desk::new(|_| {});
    desk.load(500.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Up FallbackUp
            6 → 9 now: there is no forecast yet, so the cautious reactive rule decides: the load now is 500 rps, 83 % of what 6 ready replicas hold (the aim is 60 %), which needs 9 replicas."#]],
    );
    let mut desk = Desk::new(|_| {});
    let not_enough_history = Some(HistoryNeed { have_ms: 32_400_000, need_ms: 172_800_000 });
    let at_ms = desk.now_ms;
    desk.send(Event::ForecastFailed { service: "shop".into(), at_ms, error: "too short".into(), not_enough_history });
    desk.load(340.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold Steady
            Hold 6: the load now is 340 rps, and 6 ready replicas hold 600 rps; there is too little history for a forecast (9 h of 2 days), so the cautious reactive rule decides."#]],
    );
}

#[test]
fn a_stale_forecast_is_not_trusted_and_the_way_down_waits_for_its_window() {
    let mut desk = Desk::new(|config| config.rails.cool_down_ms = 0);
    desk.load(200.0).fleet(6, 0).forecast(|_| 550.0);
    desk.decide();
    desk.wait(3_600_001).load(200.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Hold ReactiveHolds
            Hold 6: the forecast is 1 h old; fewer were not enough lately, and the load now is 200 rps."#]],
    );
    // A busy minute is remembered for five.
    let mut desk = Desk::new(|_| {});
    desk.load(350.0).fleet(6, 0);
    desk.decide();
    desk.wait(60_000).load(200.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
        Hold ReactiveHolds
        Hold 6: there is no forecast yet; fewer were not enough lately, and the load now is 200 rps."#]],
    );
    desk.wait(240_000).load(200.0).fleet(6, 0);
    check(
        &mut desk,
        expect![[r#"
            Down FallbackDown
            6 → 4 now: there is no forecast yet, so the cautious reactive rule decides: the load now is 200 rps, 33 % of what 6 ready replicas hold (the aim is 60 %), which needs 4 replicas."#]],
    );
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
fn rails_bind_and_say_so() {
    let mut desk = Desk::new(|config| config.rails.step_up = 3);
    desk.load(500.0).fleet(6, 0).forecast(|_| 2_450.0);
    let commands = desk.tick();
    assert_eq!(alerts(&commands), [AlertCode::Breach]);
    expect!["6 → 9 now: p95 of the maximum load between 22:05 and 22:05:15 UTC is 2,450 rps; one replica holds 100 rps and takes 5 min to start (configured); 25 replicas in the end, step by step."].assert_eq(&desk.service().last_decision.clone().unwrap().sentence);
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
            Hold 4: the load now is 100 rps, which would allow fewer, but not yet for the whole stabilisation window."#]],
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
