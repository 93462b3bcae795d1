//! Releases: what is held for somebody else is given up when Prescale stops acting, once it is written down, until it is done.

use super::*;

fn releases(commands: &[Command]) -> Vec<OrderId> {
    commands.iter().filter_map(|c| if let Command::Release { id, .. } = c { Some(*id) } else { None }).collect()
}

fn mode(mode: Mode) -> OperatorAction {
    OperatorAction::SetMode { service: "shop".into(), mode }
}

fn release() -> OperatorAction {
    OperatorAction::Release { service: "shop".into() }
}

fn ended(desk: &Desk) -> Vec<ReleaseOutcome> {
    desk.journal.iter().filter_map(|e| if let Entry::ReleaseEnded { outcome, .. } = e { Some(outcome.clone()) } else { None }).collect()
}

/// A desk that has acted and has just been told to stop.
fn leaving() -> (Desk, OrderId) {
    let mut desk = Desk::new(|_| {});
    desk.load(400.0).fleet(6, 0).forecast(|_| 750.0).tick();
    let commands = desk.operator(mode(Mode::Recommend));
    let ordered = commands.iter().position(|c| matches!(c, Command::Journal(Entry::ReleaseOrdered { who, .. }) if who == "ada")).unwrap();
    let sent = commands.iter().position(|c| matches!(c, Command::Release { .. })).unwrap();
    assert!(ordered < sent);
    let id = releases(&commands)[0];
    (desk, id)
}

#[test]
fn leaving_a_mode_that_acts_releases_and_going_up_does_not() {
    let (desk, _) = leaving();
    assert!(desk.service().pending.is_none(), "nothing is sent again from here on");
    for (from, to, expected) in [
        (Mode::Automatic, Mode::Approve, 1),
        (Mode::Approve, Mode::Observe, 1),
        (Mode::Approve, Mode::Automatic, 0),
        (Mode::Recommend, Mode::Observe, 0),
        (Mode::Observe, Mode::Automatic, 0),
        (Mode::Automatic, Mode::Automatic, 0),
    ] {
        let mut desk = Desk::new(|config| config.mode = from);
        assert_eq!(releases(&desk.operator(mode(to))).len(), expected, "{from:?} → {to:?}");
    }
}

#[test]
fn a_release_by_command_stops_acting_too() {
    let mut desk = Desk::new(|_| {});
    let commands = desk.operator(release());
    assert_eq!(releases(&commands).len(), 1);
    assert_eq!(desk.service().mode, Mode::Recommend);
    let again = desk.operator(release());
    assert_eq!(releases(&again), releases(&commands), "the same release, once more");
    desk.send(Event::Released { id: releases(&commands)[0], at_ms: 0 });
    assert_ne!(releases(&desk.operator(release())), releases(&commands), "a new one, also when nothing acts any more");
    let nobody = OperatorAction::Release { service: "nobody".into() };
    assert_eq!(refusals(&desk.operator(nobody)), ["release: there is no service \"nobody\""]);
}

#[test]
fn a_release_is_sent_until_it_is_answered() {
    let (mut desk, id) = leaving();
    assert!(releases(&desk.wait(15_000).tick()).is_empty());
    assert_eq!(releases(&desk.wait(15_000).tick()), [id], "no answer for half a minute");
    let failed = |retry, retry_after_ms| Event::ReleaseFailed { id, at_ms: 0, error: "503".into(), retry, retry_after_ms };
    assert!(alerts(&desk.send(failed(true, Some(100_000)))).is_empty());
    assert!(releases(&desk.wait(90_000).tick()).is_empty());
    assert_eq!(releases(&desk.wait(15_000).tick()), [id]);
    assert_eq!(alerts(&desk.send(failed(true, None))), [AlertCode::ReleaseFailed], "three times in vain");
    desk.send(Event::Released { id, at_ms: 0 });
    assert_eq!(ended(&desk), [ReleaseOutcome::Released]);
    assert!(desk.send(Event::Released { id, at_ms: 0 }).is_empty(), "an answer that comes twice");
    assert!(releases(&desk.wait(600_000).tick()).is_empty());
    let (mut desk, id) = leaving();
    let failed = Event::ReleaseFailed { id, at_ms: 0, error: "403".into(), retry: false, retry_after_ms: None };
    assert_eq!(alerts(&desk.send(failed)), [AlertCode::ReleaseFailed]);
    assert_eq!(ended(&desk), [ReleaseOutcome::Failed { error: "403".into() }]);
    assert!(releases(&desk.wait(600_000).tick()).is_empty());
}

#[test]
fn a_restart_sends_an_open_release_again() {
    let (mut desk, id) = leaving();
    let written = serde_json::to_string(&desk.state).unwrap();
    desk.state = serde_json::from_str(&written).unwrap();
    assert_eq!(releases(&desk.send(Event::Restarted { at_ms: 0 })), [id]);
}

#[test]
fn a_newer_order_replaces_a_release() {
    let (mut desk, id) = leaving();
    desk.operator(mode(Mode::Automatic));
    desk.wait(60_000).load(400.0).fleet(6, 0).forecast(|_| 750.0);
    let commands = desk.tick();
    assert_eq!((orders(&commands).len(), releases(&commands).len()), (1, 0));
    assert_eq!(ended(&desk), [ReleaseOutcome::Superseded]);
    assert!(desk.send(Event::Released { id, at_ms: 0 }).is_empty(), "its answer comes too late");
}

#[test]
fn a_state_of_before_there_were_releases_is_read() {
    let desk = Desk::new(|_| {});
    let mut old = serde_json::to_value(&desk.state).unwrap();
    old["services"]["shop"].as_object_mut().unwrap().remove("release").unwrap();
    assert_eq!(serde_json::from_value::<State>(old).unwrap(), desk.state);
}
