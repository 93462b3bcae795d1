//! After a start nothing is taken away that might be needed.

use super::*;

#[test]
fn a_first_look_takes_nothing_away_before_the_load_was_watched_for_as_long_as_it_is_remembered() {
    let mut desk = Desk::new(|_| {});
    desk.load(200.0).fleet(8, 0).forecast(|_| 300.0);
    let decision = desk.decide();
    assert_eq!((decision.action, decision.reason), (Action::Hold, ReasonCode::ReactiveHolds));
    assert_eq!(decision.sentence, "Hold 8: the load now is 200 rps, which would allow fewer, but not yet for long enough.");
    for _ in 0..4 {
        desk.wait(60_000).load(200.0).fleet(8, 0);
        assert_eq!(desk.decide().action, Action::Hold);
    }
    desk.wait(60_000).load(200.0).fleet(8, 0);
    assert_eq!(desk.decide().action, Action::Down);
}

#[test]
fn upwards_nothing_has_to_be_waited_for() {
    let mut desk = Desk::new(|_| {});
    desk.load(700.0).fleet(6, 0).forecast(|_| 900.0);
    assert_eq!(desk.decide().action, Action::Up);
}

#[test]
fn what_the_history_tells_of_the_window_counts_as_watched() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 300.0);
    assert_eq!(desk.decide().action, Action::Down);
    // But not what it tells of one that was busy.
    let mut desk = Desk::new(|_| {});
    desk.past(200.0);
    let at_ms = START_MS - 200_000;
    desk.send(Event::Sample { service: "shop".into(), at_ms, load_rps: Some(620.0), saturated: false });
    desk.load(200.0).fleet(8, 0).forecast(|_| 300.0);
    assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
}

#[test]
fn a_history_with_a_hole_in_the_window_is_none() {
    let mut desk = Desk::new(|_| {});
    for minutes in [6, 5, 1] {
        let at_ms = START_MS - minutes * 60_000;
        desk.send(Event::Sample { service: "shop".into(), at_ms, load_rps: Some(200.0), saturated: false });
    }
    desk.load(200.0).fleet(8, 0).forecast(|_| 300.0);
    assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
}

#[test]
fn a_restart_after_a_long_time_is_a_start() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(3, 0).forecast(|_| 300.0);
    desk.decide();
    desk.wait(7_200_000);
    desk.send(Event::Restarted { at_ms: desk.now_ms });
    desk.load(200.0).fleet(8, 0).forecast(|_| 300.0);
    assert_eq!(desk.decide().action, Action::Hold);
}
