//! Orders: journal before act, one id per order, retries, answers that are late, repeated or missing, restarts.

use super::*;

/// A desk that has just ordered 6 → 8.
fn ordered() -> (Desk, Order) {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|_| 750.0);
    let commands = desk.tick();
    let order = orders(&commands)[0].clone();
    assert_eq!((order.from, order.target, order.attempt), (6, 8, 1));
    let issued = commands.iter().position(|c| matches!(c, Command::Journal(Entry::OrderIssued(o)) if *o == order)).unwrap();
    let acted = commands.iter().position(|c| matches!(c, Command::Scale(_))).unwrap();
    assert!(issued < acted);
    (desk, order)
}

/// Fresh data, then a tick.
fn later(desk: &mut Desk, ms: i64, ready: u32, booting: u32) -> Vec<Command> {
    desk.wait(ms).load(400.0).fleet(ready, booting).forecast(|_| 750.0);
    desk.tick()
}

#[test]
fn the_fleet_settles_an_order_also_without_an_answer() {
    let (mut desk, _) = ordered();
    assert!(orders(&later(&mut desk, 15_000, 6, 2)).is_empty());
    assert!(desk.service().pending.is_none());
    assert_eq!(desk.service().desired, Some(8));
}

#[test]
fn without_an_answer_the_same_order_is_sent_again() {
    let (mut desk, order) = ordered();
    assert!(orders(&later(&mut desk, 15_000, 6, 0)).is_empty());
    let again = orders(&later(&mut desk, 15_000, 6, 0));
    assert_eq!(again, [Order { attempt: 2, ..order.clone() }]);
    desk.send(Event::Acknowledged { order: order.id, at_ms: 0 });
    assert!(desk.send(Event::Acknowledged { order: order.id, at_ms: 0 }).is_empty(), "a second answer changes nothing");
    assert!(desk.send(Event::Acknowledged { order: OrderId(9_999), at_ms: 0 }).is_empty(), "nor does a stranger");
    assert!(orders(&later(&mut desk, 60_000, 6, 0)).is_empty(), "acknowledged, so only the fleet is awaited");
}

#[test]
fn a_failed_order_is_tried_again_with_growing_delays_and_the_other_sides_wish() {
    let (mut desk, order) = ordered();
    let failed = |retry_after_ms| Event::ActFailed { order: order.id, at_ms: 0, error: "503".into(), retry: true, retry_after_ms };
    desk.send(failed(Some(100_000)));
    assert!(orders(&later(&mut desk, 90_000, 6, 0)).is_empty());
    let again = orders(&later(&mut desk, 15_000, 6, 0));
    assert_eq!(again.iter().map(|o| (o.id, o.attempt)).collect::<Vec<_>>(), [(order.id, 2)]);
    desk.send(failed(None));
    assert!(desk.send(failed(Some(9))).is_empty(), "told twice, counted once");
    let again = orders(&later(&mut desk, 15_000, 6, 0));
    assert_eq!(again[0].attempt, 3);
    assert_eq!(alerts(&desk.send(failed(None))), [AlertCode::OrderFailed]);
}

#[test]
fn an_order_that_failed_for_good_is_followed_by_a_pause_and_a_new_one() {
    let (mut desk, order) = ordered();
    let commands =
        desk.send(Event::ActFailed { order: order.id, at_ms: 0, error: "403".into(), retry: false, retry_after_ms: Some(60_000) });
    assert_eq!(alerts(&commands), [AlertCode::OrderFailed]);
    assert!(orders(&later(&mut desk, 30_000, 6, 0)).is_empty());
    let decision = desk.service().last_decision.clone().unwrap();
    assert_eq!(decision.reason, ReasonCode::BackingOff);
    assert!(decision.sentence.contains("403"), "{}", decision.sentence);
    let next = orders(&later(&mut desk, 30_000, 6, 0));
    assert_eq!(next.len(), 1);
    assert!(next[0].id > order.id);
}

#[test]
fn a_growing_climb_raises_the_order_once_somebody_has_looked() {
    let (mut desk, order) = ordered();
    desk.forecast(|_| 1_150.0).wait(15_000).load(400.0);
    assert!(orders(&desk.tick()).is_empty(), "unknown outcome, nobody has looked since");
    assert_eq!(desk.service().last_decision.as_ref().unwrap().reason, ReasonCode::OrderUnderWay);
    desk.fleet(6, 0);
    let raised = orders(&desk.tick());
    assert_eq!((raised[0].from, raised[0].target), (8, 12));
    let closed = |entry: &Entry| matches!(entry, Entry::OrderClosed { order: o, outcome: OrderOutcome::Superseded, .. } if *o == order.id);
    assert!(desk.journal.iter().any(closed));
    assert!(desk.send(Event::Acknowledged { order: order.id, at_ms: 0 }).is_empty(), "the old answer comes too late");
}

#[test]
fn an_order_under_way_blocks_a_step_down() {
    let (mut desk, order) = ordered();
    desk.send(Event::Acknowledged { order: order.id, at_ms: 0 });
    desk.wait(120_000).load(200.0).fleet(6, 1).forecast(|_| 200.0);
    let decision = desk.decide();
    assert_eq!((decision.action, decision.reason), (Action::Hold, ReasonCode::OrderUnderWay));
}

#[test]
fn more_than_was_ordered_is_enough_on_the_way_up() {
    let (mut desk, _) = ordered();
    later(&mut desk, 15_000, 6, 3);
    assert!(desk.service().pending.is_none());
    assert_eq!(desk.service().desired, Some(8));
}

#[test]
fn a_lowered_floor_is_done_when_it_is_set() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 200.0);
    let down = orders(&desk.tick())[0].clone();
    desk.send(Event::FloorSet { order: down.id, at_ms: 0 });
    assert!(desk.service().pending.is_none(), "the autoscaler takes its time");
    assert_eq!(desk.service().desired, Some(6));
    assert!(desk.send(Event::FloorSet { order: down.id, at_ms: 0 }).is_empty(), "told twice");
    let (mut desk, up) = ordered();
    desk.send(Event::FloorSet { order: up.id, at_ms: 0 });
    assert!(desk.service().pending.is_some(), "a raised floor must show");
}

#[test]
fn a_floor_that_is_set_is_not_ordered_again_while_the_autoscaler_above_it_holds() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 200.0);
    let down = orders(&desk.tick())[0].clone();
    assert_eq!((down.from, down.target), (8, 6));
    desk.send(Event::FloorSet { order: down.id, at_ms: 0 });
    for _ in 0..40 {
        desk.wait(60_000).load(200.0).fleet(8, 0).forecast(|_| 200.0);
        assert!(orders(&desk.tick()).is_empty(), "{}", desk.service().last_decision.as_ref().unwrap().sentence);
    }
    let decision = desk.service().last_decision.clone().unwrap();
    assert_eq!((decision.action, decision.reason), (Action::Hold, ReasonCode::FloorIsSet));
    let why = "the floor is at 6 replicas already, and when replicas leave is up to the autoscaler above it";
    assert!(decision.sentence.starts_with(&format!("Hold, although 8 → 6 is wanted: {why}")), "{}", decision.sentence);
    // It lets two of them go: the next step is a new one.
    desk.wait(60_000).load(200.0).fleet(6, 0).forecast(|_| 200.0);
    assert_eq!(orders(&desk.tick()).iter().map(|order| (order.from, order.target)).collect::<Vec<_>>(), [(6, 4)]);
}

#[test]
fn a_floor_whose_fate_is_unknown_is_ordered_again() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 200.0);
    let down = orders(&desk.tick())[0].clone();
    desk.send(Event::FloorSet { order: down.id, at_ms: 0 });
    desk.wait(60_000).load(550.0).fleet(8, 0).forecast(|_| 950.0);
    let up = orders(&desk.tick())[0].clone();
    let failed = Event::ActFailed { order: up.id, at_ms: 0, error: "it may have been done".into(), retry: true, retry_after_ms: None };
    desk.send(failed);
    assert_eq!(desk.service().floor, None, "it may be either");
    desk.send(Event::FloorSet { order: up.id, at_ms: 0 });
    assert_eq!(desk.service().floor, Some(up.target));
}

#[test]
fn an_order_that_the_fleet_never_shows_is_given_up_and_told() {
    let (mut desk, order) = ordered();
    desk.send(Event::Acknowledged { order: order.id, at_ms: 0 });
    assert!(later(&mut desk, 179_000, 6, 0).iter().all(|c| !matches!(c, Command::Alert { .. })));
    desk.wait(1_000).load(400.0).fleet(6, 0);
    let commands = desk.wait(1).tick();
    assert!(desk.journal.iter().any(|e| matches!(e, Entry::OrderClosed { outcome: OrderOutcome::NotVisible, .. })));
    assert_eq!(orders(&commands).len(), 1, "and a new one is tried");
}

#[test]
fn a_restart_sends_the_same_order_and_the_weights_again() {
    let (mut desk, order) = ordered();
    let written = serde_json::to_string(&desk.state).unwrap();
    desk.state = serde_json::from_str(&written).unwrap();
    assert!(desk.service().forecast.is_none(), "fed again, not written down");
    let at_ms = desk.now_ms;
    let commands = desk.send(Event::Restarted { at_ms });
    assert_eq!(orders(&commands), [Order { attempt: 2, ..order }]);
    assert!(commands.iter().any(|c| matches!(c, Command::PushWeights { snapshot, .. } if snapshot.backends.len() == 6)));
    assert!(commands.iter().any(|c| matches!(c, Command::RequestForecast { .. })));
}

#[test]
fn a_restart_without_data_takes_nothing_away() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 200.0);
    let down = orders(&desk.tick());
    assert_eq!((down[0].from, down[0].target), (8, 6));
    desk.wait(400_000);
    let at_ms = desk.now_ms;
    assert!(orders(&desk.send(Event::Restarted { at_ms })).is_empty());
    assert!(orders(&desk.tick()).is_empty());
    desk.load(200.0).fleet(8, 0).forecast(|_| 200.0);
    assert_eq!(orders(&desk.tick()), [Order { attempt: 2, ..down[0].clone() }]);
}

#[test]
fn those_that_leave_get_nothing_new_before_they_are_taken_away() {
    let mut desk = Desk::new(|_| {});
    desk.past(200.0).load(200.0).fleet(8, 0).forecast(|_| 200.0);
    let commands = desk.tick();
    let pushed = commands.iter().position(|c| matches!(c, Command::PushWeights { .. })).unwrap();
    let scaled = commands.iter().position(|c| matches!(c, Command::Scale(_))).unwrap();
    assert!(pushed < scaled);
    let Command::PushWeights { snapshot, .. } = &commands[pushed] else { unreachable!() };
    let weights: Vec<u32> = snapshot.backends.iter().map(|b| b.weight).collect();
    assert_eq!(weights, [100, 100, 100, 100, 100, 100, 0, 0], "the newest two");
}

#[test]
fn epochs_are_confirmed_repeated_and_overtaken() {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|_| 550.0);
    let pushes = |commands: &[Command]| -> Vec<u64> {
        commands.iter().filter_map(|c| if let Command::PushWeights { snapshot, .. } = c { Some(snapshot.epoch) } else { None }).collect()
    };
    assert!(pushes(&desk.tick()).is_empty(), "sent when the fleet was seen, moments ago");
    assert_eq!(pushes(&desk.wait(15_000).tick()), [1], "not confirmed");
    desk.send(Event::WeightsApplied { service: "shop".into(), epoch: 1 });
    assert!(pushes(&desk.wait(15_000).tick()).is_empty());
    let refused = |epoch, current_epoch| Event::WeightsRefused { service: "shop".into(), epoch, current_epoch };
    assert_eq!(pushes(&desk.send(refused(1, 41))), [42]);
    assert!(desk.send(refused(1, 50)).is_empty(), "an old refusal");
    assert_eq!(alerts(&desk.send(refused(42, u64::MAX))), [AlertCode::WeightsStuck]);
}

#[test]
fn a_clock_that_runs_backwards_lowers_nothing_and_stops_nothing() {
    for back in [5_000, 86_400_000] {
        let mut desk = Desk::new(|_| {});
        desk.load(550.0).fleet(8, 0).forecast(|_| 750.0);
        desk.decide();
        desk.wait(-back);
        assert!(orders(&desk.tick()).is_empty());
        desk.load(550.0).fleet(8, 0).forecast(|_| 750.0).wait(1);
        let decision = desk.load(550.0).decide();
        assert!(!matches!(decision.action, Action::Down), "{}", decision.sentence);
        let later = orders(&desk.wait(400_000).load(900.0).fleet(8, 0).forecast(|_| 950.0).tick());
        assert_eq!(later.len(), 1, "{back}: {}", desk.service().last_decision.as_ref().unwrap().sentence);
    }
}

#[test]
fn what_is_about_nobody_is_ignored() {
    let mut desk = Desk::new(|_| {});
    let nobody = || "nobody".to_owned();
    for event in [
        Event::Tick { service: nobody() },
        Event::Sample { service: nobody(), at_ms: 0, load_rps: Some(1.0), saturated: false },
        Event::Fleet { service: nobody(), at_ms: 0, replicas: Vec::new() },
        Event::WeightsRefused { service: nobody(), epoch: 1, current_epoch: 2 },
        Event::ActFailed { order: OrderId(3), at_ms: 0, error: String::new(), retry: false, retry_after_ms: None },
    ] {
        assert!(desk.send(event).is_empty());
    }
    let pause = OperatorAction::Pause { service: Some(nobody()), pause: Pause::Both };
    assert_eq!(refusals(&desk.operator(pause)), ["pause: there is no service \"nobody\""]);
}
