//! The number for whoever follows us without being ordered.

use super::*;

fn desk(mode: Mode) -> Desk {
    let mut desk = Desk::new(|config| config.mode = mode);
    desk.past(400.0).load(400.0).fleet(6, 0).forecast(|_| 750.0);
    desk
}

/// Nobody has followed: the fleet is as it was.
fn later(desk: &mut Desk, ms: i64) {
    desk.wait(ms).load(400.0).fleet(6, 0);
}

#[test]
fn who_recommends_always_says_how_many() {
    let mut desk = desk(Mode::Recommend);
    assert_eq!(desk.service().wanted(), None, "nothing is known yet");
    desk.tick();
    assert_eq!(desk.service().wanted(), Some(8));
    desk.forecast(|_| 550.0);
    assert_eq!(desk.decide().reason, ReasonCode::Steady);
    assert_eq!(desk.service().wanted(), Some(6), "holding is wanting what there is");
    // Rails bind it as they bind an order.
    desk.forecast(|_| 9_000.0).tick();
    assert_eq!(desk.service().wanted(), Some(16), "ten more at a time");
    desk.wait(60_000).load(9_000.0).fleet(16, 0).tick();
    assert_eq!(desk.service().wanted(), Some(20), "and never more than the maximum");
}

#[test]
fn who_observes_says_nothing_and_says_it_as_soon_as_the_mode_is_raised() {
    let mut desk = desk(Mode::Observe);
    desk.tick();
    assert_eq!(desk.service().wanted(), None);
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
    assert_eq!(desk.service().wanted(), Some(8));
}

#[test]
fn the_number_stays_while_nothing_is_known_and_over_a_restart() {
    let mut desk = desk(Mode::Recommend);
    desk.tick();
    for _ in 0..10 {
        desk.wait(3_600_000);
        assert_eq!(desk.decide().reason, ReasonCode::FleetUnknown);
        assert_eq!(desk.service().wanted(), Some(8));
    }
    let text = serde_json::to_string(&desk.state).unwrap();
    desk.state = serde_json::from_str(&text).unwrap();
    desk.send(Event::Restarted { at_ms: desk.now_ms });
    desk.tick();
    assert_eq!(desk.service().wanted(), Some(8));
}

#[test]
fn an_order_that_the_fleet_never_followed_leaves_its_number() {
    let mut desk = desk(Mode::Automatic);
    let order = orders(&desk.tick())[0].clone();
    desk.send(Event::Acknowledged { order: order.id, at_ms: START_MS });
    assert_eq!(desk.service().wanted(), Some(8));
    desk.wait(180_000);
    let at_ms = desk.now_ms;
    let event = Event::Fleet { service: "shop".into(), at_ms, replicas: fixtures::fleet(6, 0, 0) };
    assert_eq!(alerts(&desk.send(event)), [AlertCode::OrderNotVisible]);
    assert!(desk.service().pending.is_none());
    assert_eq!(desk.service().wanted(), Some(8));
    // It is wanted still, so it is ordered again.
    desk.load(400.0);
    assert_eq!(orders(&desk.tick())[0].target, 8);
    assert_eq!(desk.service().wanted(), Some(8));
}

#[test]
fn an_order_that_failed_for_good_leaves_the_newest_number() {
    let mut desk = desk(Mode::Automatic);
    let order = orders(&desk.tick())[0].clone();
    desk.send(Event::ActFailed { order: order.id, at_ms: START_MS, error: "forbidden".into(), retry: false, retry_after_ms: None });
    assert_eq!(desk.service().wanted(), Some(8));
    later(&mut desk, 1_000);
    desk.forecast(|_| 950.0);
    assert_eq!(desk.decide().reason, ReasonCode::BackingOff);
    assert_eq!(desk.service().wanted(), Some(10));
}

#[test]
fn a_pause_freezes_the_number() {
    let mut desk = desk(Mode::Recommend);
    desk.tick();
    desk.operator(OperatorAction::Pause { service: None, pause: Pause::Up });
    later(&mut desk, 15_000);
    desk.forecast(|_| 1_500.0);
    assert_eq!(desk.decide().reason, ReasonCode::Paused);
    assert_eq!(desk.service().wanted(), Some(8));
    desk.operator(OperatorAction::Resume { service: None });
    desk.tick();
    assert_eq!(desk.service().wanted(), Some(15));
}

#[test]
fn what_waits_for_a_person_is_not_said_before_it_is_approved() {
    for before in [Mode::Approve, Mode::Observe] {
        let mut desk = desk(before);
        if before == Mode::Observe {
            desk.tick();
            desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Approve });
        }
        let proposal = desk.decide();
        assert_eq!((proposal.action, proposal.target), (Action::Propose, Some(8)));
        assert_eq!(desk.service().wanted(), Some(6), "what there is");
        let commands = desk.operator(OperatorAction::Approve { decision: proposal.id });
        assert_eq!(orders(&commands).len(), 1);
        assert_eq!(desk.service().wanted(), Some(8));
    }
    let mut desk = Desk::new(|config| config.rails.max_jump_factor = Some(1.2));
    desk.load(400.0).fleet(6, 0).forecast(|_| 1_500.0);
    assert_eq!(desk.decide().action, Action::Ask);
    assert_eq!(desk.service().wanted(), Some(6));
}

#[test]
fn a_release_takes_the_number_away_until_a_mode_is_said_again() {
    for mode in [Mode::Automatic, Mode::Recommend] {
        let mut desk = desk(mode);
        desk.tick();
        desk.operator(OperatorAction::Release { service: "shop".into() });
        later(&mut desk, 15_000);
        desk.tick();
        assert_eq!((desk.service().mode, desk.service().wanted()), (Mode::Recommend, None));
        desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
        assert_eq!(desk.service().wanted(), Some(8));
        assert!(matches!(desk.journal.last(), Some(Entry::ModeChanged { to: Mode::Recommend, .. })));
    }
}

#[test]
fn a_lower_mode_that_recommends_goes_on_saying_it() {
    let mut desk = desk(Mode::Automatic);
    desk.tick();
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
    assert_eq!(desk.service().wanted(), Some(8));
}
