use super::*;
use crate::control::tests::{Desk, START_MS};
use crate::*;

const MIN: i64 = 60_000;

/// What is planned from now on, in minutes since the start.
fn plan(desk: &Desk, needs: &Needs) -> Vec<(i64, u32)> {
    let plan = outlook(needs, desk.service(), desk.state.paused, desk.now_ms);
    assert!(plan.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{plan:?}");
    plan.into_iter().map(|(at_ms, replicas)| ((at_ms - START_MS) / MIN, replicas)).collect()
}

/// Six replicas hold what there is; in an hour eleven are needed, in two hours three again.
fn hill() -> (Desk, Needs) {
    let mut desk = Desk::new(|_| {});
    desk.load(500.0).fleet(6, 0).forecast(|ts| match (ts - START_MS) / MIN {
        ..=60 => 500.0,
        61..=120 => 1_050.0,
        _ => 250.0,
    });
    desk.decide();
    let needs = needs(&mut desk.state, "shop", desk.now_ms);
    (desk, needs)
}

#[test]
fn it_climbs_with_the_forecast_and_goes_down_step_by_step_within_the_rails() {
    let (desk, needs) = hill();
    let plan = plan(&desk, &needs);
    // Slots are a quarter of an hour from the first point on; two fewer at a time, a minute of cool-down between them. Four keep the reactive
    // rule's headroom.
    assert_eq!(plan, [(0, 6), (46, 11), (121, 9), (122, 7), (123, 5), (124, 4)]);
}

#[test]
fn it_never_begins_in_the_past() {
    let (mut desk, needs) = hill();
    desk.wait(49 * MIN + 7_000).load(500.0).fleet(6, 0);
    let plan = outlook(&needs, desk.service(), None, desk.now_ms);
    assert_eq!(plan[0], (desk.now_ms, 6));
    assert_eq!((plan[1].0 - desk.now_ms, plan[1].1), (1, 11), "what is due since two minutes is next");
    assert!(plan.iter().all(|(at_ms, _)| *at_ms >= desk.now_ms));
    let decision = desk.decide();
    assert_eq!(decision.target, Some(6), "it is not needed yet at lead time");
    let plan = outlook(&needs, desk.service(), None, desk.now_ms);
    assert_eq!(plan[1], (desk.now_ms + 15_000, 11), "not before the next decision");
}

#[test]
fn a_cool_down_and_what_the_load_asked_for_lately_put_a_step_down_off() {
    let mut desk = Desk::new(|config| config.rails.cool_down_ms = 20 * MIN);
    desk.past(300.0).load(300.0).fleet(6, 0).forecast(|_| 150.0);
    assert_eq!(desk.decide().target, Some(4));
    let needs = needs(&mut desk.state, "shop", desk.now_ms);
    // The order has just begun a cool-down.
    assert_eq!(plan(&desk, &needs), [(0, 4), (20, 2)]);
    let mut desk = Desk::new(|_| {});
    desk.past(590.0).load(590.0).fleet(8, 0).forecast(|_| 250.0);
    assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
    let needs = super::needs(&mut desk.state, "shop", desk.now_ms);
    assert_eq!(plan(&desk, &needs)[1].0, 5, "the load is remembered for five minutes");
}

#[test]
fn a_pause_stands_still_in_its_direction() {
    let (mut desk, needs) = hill();
    desk.operator(OperatorAction::Pause { service: None, pause: Pause::Up });
    assert_eq!(plan(&desk, &needs), [(0, 6), (121, 4)]);
    desk.operator(OperatorAction::Resume { service: None });
    desk.operator(OperatorAction::Pause { service: Some("shop".into()), pause: Pause::Down });
    assert_eq!(plan(&desk, &needs), [(0, 6), (46, 11)]);
    desk.operator(OperatorAction::Pause { service: None, pause: Pause::Both });
    assert_eq!(plan(&desk, &needs), [(0, 6)]);
}

#[test]
fn events_are_planned_also_without_a_forecast() {
    let event = |multiplier, floor| CalendarEvent {
        name: "sale".into(),
        at: "23:00 daily".parse().unwrap(),
        from: None,
        until: None,
        lasts_ms: 30 * MIN,
        multiplier,
        learn: false,
        floor,
        ceiling: None,
    };
    let mut desk = Desk::new(|config| config.events = vec![event(None, Some(12))]);
    desk.load(340.0).fleet(6, 0);
    desk.decide();
    // Asked for so early that it is warm at 23:00, an hour from now; afterwards nobody knows yet what will do.
    assert_eq!(plan(&desk, &Needs::default()), [(0, 6), (55, 12)]);
    let mut desk = Desk::new(|config| config.events = vec![event(Some(4.0), None)]);
    desk.load(400.0).fleet(6, 0).forecast(|_| 400.0);
    desk.decide();
    let needs = needs(&mut desk.state, "shop", desk.now_ms);
    let plan = plan(&desk, &needs);
    assert_eq!(plan[..3], [(0, 6), (60, 16), (90, 14)]);
    assert_eq!(plan.last(), Some(&(94, 6)));
}

#[test]
fn nobody_knows_nothing_is_planned() {
    let desk = Desk::new(|_| {});
    assert_eq!(plan(&desk, &Needs::default()), []);
}
