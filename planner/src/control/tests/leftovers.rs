//! What is held for a service is given up where it was held, also when the service is gone or acts elsewhere.

use super::*;
use crate::capacity::Curves;

/// A service that may hold something there.
fn at(name: &str, holds_at: Option<&str>, mode: Mode) -> ServiceConfig {
    ServiceConfig { holds_at: holds_at.map(str::to_owned), mode, ..fixtures::service(name) }
}

/// A desk whose only service has acted on `web`.
fn acting() -> Desk {
    let mut desk = Desk::new(|config| config.holds_at = Some("web".into()));
    desk.load(400.0).fleet(6, 0).forecast(|_| 750.0).tick();
    assert!(desk.service().pending.is_some());
    desk
}

fn configured(desk: &mut Desk, services: Vec<ServiceConfig>) -> Vec<Command> {
    let event = Event::Configured { at_ms: desk.now_ms, who: "ada".into(), services, changes: Vec::new(), curves: Curves::default() };
    desk.send(event)
}

/// Which, and where.
fn releases(commands: &[Command]) -> Vec<(OrderId, Option<String>)> {
    commands.iter().filter_map(|c| if let Command::Release { id, at, .. } = c { Some((*id, at.clone())) } else { None }).collect()
}

fn ended(desk: &Desk) -> Vec<ReleaseOutcome> {
    desk.journal.iter().filter_map(|e| if let Entry::ReleaseEnded { outcome, .. } = e { Some(outcome.clone()) } else { None }).collect()
}

#[test]
fn a_service_that_goes_away_is_released_where_it_was_until_that_is_done() {
    let mut desk = acting();
    let commands = configured(&mut desk, vec![at("cart", None, Mode::Observe)]);
    let ordered = commands.iter().position(|c| matches!(c, Command::Journal(Entry::ReleaseOrdered { service, .. }) if service == "shop"));
    let sent = commands.iter().position(|c| matches!(c, Command::Release { .. }));
    assert!(ordered.unwrap() < sent.unwrap(), "{commands:?}");
    let id = releases(&commands)[0].0;
    assert_eq!(releases(&commands), [(id, Some("web".into()))]);
    let cart = |desk: &mut Desk| desk.send(Event::Tick { service: "cart".into() });
    assert!(releases(&cart(&mut desk)).is_empty());
    assert_eq!(releases(&cart(desk.wait(30_000))), [(id, Some("web".into()))], "no answer for half a minute");
    let failed = |retry| Event::ReleaseFailed { id, at_ms: 0, error: "503".into(), retry, retry_after_ms: None };
    assert!(alerts(&desk.send(failed(true))).is_empty());
    assert_eq!(releases(&cart(desk.wait(15_000))).len(), 1);
    assert_eq!(alerts(&desk.send(failed(true))), [AlertCode::ReleaseFailed], "three times in vain");
    // A restart in between.
    desk.state = serde_json::from_str(&serde_json::to_string(&desk.state).unwrap()).unwrap();
    assert_eq!(releases(&desk.send(Event::Restarted { at_ms: 0 })), [(id, Some("web".into()))]);
    desk.send(Event::Released { id, at_ms: 0 });
    assert_eq!(ended(&desk), [ReleaseOutcome::Released]);
    assert!(releases(&cart(desk.wait(600_000))).is_empty() && desk.state.leftovers.is_empty());

    let mut desk = acting();
    let id = releases(&configured(&mut desk, vec![at("cart", None, Mode::Observe)]))[0].0;
    let failed = Event::ReleaseFailed { id, at_ms: 0, error: "403".into(), retry: false, retry_after_ms: None };
    assert_eq!(alerts(&desk.send(failed)), [AlertCode::ReleaseFailed]);
    assert_eq!(ended(&desk), [ReleaseOutcome::Failed { error: "403".into() }]);
}

#[test]
fn a_service_that_acts_elsewhere_is_released_where_it_acted_and_nowhere_else() {
    for (elsewhere, mode) in [(Some("api"), Mode::Automatic), (Some("api"), Mode::Recommend), (None, Mode::Observe)] {
        let mut desk = acting();
        let commands = configured(&mut desk, vec![at("shop", elsewhere, mode)]);
        assert_eq!(releases(&commands).into_iter().map(|(_, at)| at).collect::<Vec<_>>(), [Some("web".to_owned())], "{commands:?}");
        let shop = desk.service();
        assert_eq!((shop.mode, &shop.pending, &shop.fleet, shop.desired), (mode, &None, &None, None), "of there, nothing is known");
    }
    // A release that is under way goes on where it was begun.
    let mut desk = acting();
    let first = releases(&desk.operator(OperatorAction::Release { service: "shop".into() }))[0].0;
    let commands = configured(&mut desk, vec![at("shop", Some("api"), Mode::Recommend)]);
    assert_eq!(releases(&commands), [(first, Some("web".into()))]);
    assert!(desk.service().release.is_none());
}

#[test]
fn where_somebody_acts_again_nothing_is_given_up() {
    // Another name, the same place.
    let mut desk = acting();
    assert!(releases(&configured(&mut desk, vec![at("store", Some("web"), Mode::Automatic)])).is_empty());
    // Two that change places begin anew where the other has been.
    let mut desk = acting();
    let order = desk.service().pending.as_ref().unwrap().order.id;
    desk.send(Event::FloorSet { order, at_ms: 0 });
    configured(&mut desk, vec![at("shop", Some("web"), Mode::Automatic), at("cart", Some("api"), Mode::Automatic)]);
    let commands = configured(&mut desk, vec![at("shop", Some("api"), Mode::Automatic), at("cart", Some("web"), Mode::Automatic)]);
    assert!(releases(&commands).is_empty(), "{commands:?}");
    assert_eq!((&desk.service().fleet, desk.service().floor), (&None, None));
    // It only looks on: nobody holds it any more.
    let mut desk = acting();
    assert_eq!(releases(&configured(&mut desk, vec![at("store", Some("web"), Mode::Recommend)])).len(), 1);
    // It is put back before the release is done.
    configured(&mut desk, vec![at("shop", Some("web"), Mode::Automatic)]);
    assert_eq!((ended(&desk), desk.state.leftovers.len()), (vec![ReleaseOutcome::Superseded], 0));
}

#[test]
fn nothing_is_released_that_cannot_be_held() {
    for (holds_at, mode) in [(None, Mode::Automatic), (Some("web"), Mode::Recommend)] {
        let mut desk = Desk::new(|config| (config.holds_at, config.mode) = (holds_at.map(str::to_owned), mode));
        assert!(releases(&configured(&mut desk, vec![at("cart", None, Mode::Observe)])).is_empty());
    }
    // The same place and a lower mode: the service itself gives it up.
    let mut desk = acting();
    let commands = configured(&mut desk, vec![at("shop", Some("web"), Mode::Recommend)]);
    assert_eq!(releases(&commands).into_iter().map(|(_, at)| at).collect::<Vec<_>>(), [None]);
}
