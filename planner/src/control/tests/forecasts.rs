//! Decisions with a forecast, and with one that is missing, stale or too short.

use expect_test::expect;

use super::decisions::check;
use super::*;

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

/// Whether a tick so many seconds later asks for a forecast.
fn asks(desk: &mut Desk, later_s: i64) -> bool {
    desk.wait(later_s * 1_000).tick().iter().any(|command| matches!(command, Command::RequestForecast { .. }))
}

#[test]
fn a_forecast_is_updated_each_minute_once_the_last_one_has_come() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0);
    assert!(asks(&mut desk, 0));
    assert!(!asks(&mut desk, 90), "nobody is asked twice at once");
    desk.forecast(|_| 400.0);
    assert!(asks(&mut desk, 0), "a minute is over, and the answer is there");
    desk.forecast(|_| 400.0);
    assert!(!asks(&mut desk, 45));
    assert!(asks(&mut desk, 15));
    let (service, at_ms) = (desk.service().config.name.clone(), desk.now_ms);
    desk.send(Event::ForecastFailed { service, at_ms, error: "no".into(), not_enough_history: None });
    assert!(!asks(&mut desk, 585), "what can't be made isn't asked for each minute");
    assert!(asks(&mut desk, 15));
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
fn where_nobody_is_ready_the_demand_says_how_many_are_needed() {
    let mut desk = Desk::new(|_| {});
    desk.load(700.0).fleet(0, 4).forecast(|_| 400.0);
    check(
        &mut desk,
        expect![[r#"
        Up ReactiveUp
        4 → 9 now: the load now is 700 rps and no replica is ready (the aim is 78 % of what they hold), which needs 9 replicas."#]],
    );
}

#[test]
fn a_hold_below_what_will_be_needed_says_when_the_rest_is_ordered() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|ts| if ts > START_MS + 840_000 { 950.0 } else { 200.0 });
    check(
        &mut desk,
        expect![[r#"
        Hold ForecastHolds
        Hold 8: the load now is 200 rps, which would allow fewer, but p95 of the maximum of the next 15 min 15 s is 950 rps, which needs 10 replicas; more are ordered 5 min before they are needed."#]],
    );
}

#[test]
fn down_needs_the_whole_window_ahead_and_the_load_now() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|ts| if ts > START_MS + 840_000 { 750.0 } else { 200.0 });
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
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 300.0);
    check(
        &mut desk,
        expect![[r#"
            Down EnoughAhead
            8 → 6 now: fewer suffice: p95 of the maximum of the next 15 min 15 s is 300 rps, which needs 3 replicas, and the load now is 200 rps; 3 replicas in the end, at most 2 fewer at a time."#]],
    );
}

#[test]
fn a_forecast_that_ends_too_early_allows_no_step_down() {
    let mut desk = Desk::new(|_| {});
    let forecast = fixtures::forecast(START_MS, 8, |_| 200.0);
    desk.past(200.0).load(200.0).fleet(8, 0).send(Event::Forecast { service: "shop".into(), forecast, learnt: Vec::new() });
    check(
        &mut desk,
        expect![[r#"
            Hold ForecastHolds
            Hold 8: the load now is 200 rps, which would allow fewer, but the forecast ends too early to tell."#]],
    );
    let forecast = fixtures::forecast(START_MS, 3, |_| 200.0);
    desk.send(Event::Forecast { service: "shop".into(), forecast, learnt: Vec::new() });
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
fn one_quiet_sample_takes_nothing_away() {
    let mut desk = Desk::new(|_| {});
    desk.load(620.0).fleet(8, 0).forecast(|_| 500.0);
    assert_eq!(desk.decide().action, Action::Hold);
    for _ in 0..4 {
        desk.wait(60_000).load(400.0).fleet(8, 0);
        assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
    }
    let sentence = desk.service().last_decision.clone().unwrap().sentence;
    assert_eq!(sentence, "Hold 8: the load now is 400 rps, which would allow fewer, but not yet for long enough.");
    desk.wait(60_000).load(400.0).fleet(8, 0);
    assert_eq!(desk.decide().action, Action::Down, "it was quiet for five minutes");
}

#[test]
fn a_forecast_beyond_what_its_history_supports_is_cut_off_and_the_decision_says_so() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0);
    let forecast = crate::fixtures::forecast(desk.now_ms, 240, |_| 30_000.0).bounded(50.0);
    desk.send(Event::Forecast { service: "shop".into(), forecast, learnt: Vec::new() });
    let decision = desk.decide();
    assert!(decision.inputs.beyond_history && decision.inputs.window_max_rps == Some(1_000.0), "{:?}", decision.inputs);
    let told = "1,000 rps (the forecast went beyond 20 times the highest load of its history and was cut off there)";
    assert!(decision.sentence.contains(told), "{}", decision.sentence);
    let forecast = crate::fixtures::forecast(desk.now_ms, 240, |_| 900.0).bounded(50.0);
    desk.send(Event::Forecast { service: "shop".into(), forecast, learnt: Vec::new() });
    let decision = desk.decide();
    assert!(!decision.inputs.beyond_history && !decision.sentence.contains("beyond"), "{}", decision.sentence);
}
