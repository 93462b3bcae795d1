//! A changed configuration is taken over whole or not at all.

use super::*;
use crate::capacity::Curves;

fn configured(desk: &mut Desk, services: Vec<ServiceConfig>) -> Vec<Command> {
    let change = Changed { key: "services.shop.rails.max".into(), before: Some("20".into()), after: Some("30".into()) };
    let event =
        Event::Configured { at_ms: desk.now_ms, who: "prescale.toml".into(), services, changes: vec![change], curves: Curves::default() };
    desk.send(event)
}

fn shop(change: impl FnOnce(&mut ServiceConfig)) -> ServiceConfig {
    let mut config = fixtures::service("shop");
    change(&mut config);
    config
}

#[test]
fn a_new_configuration_is_journalled_and_keeps_what_was_learnt() {
    let mut desk = Desk::new(|_| {});
    desk.load(500.0).fleet(6, 0).forecast(|_| 500.0);
    let commands = configured(&mut desk, vec![shop(|config| config.rails.max = 30), fixtures::service("cart")]);
    assert!(
        matches!(&commands[..], [Command::Journal(Entry::Configured { changes, .. })] if changes[0].to_string() == "services.shop.rails.max: 20 → 30"),
        "{commands:?}"
    );
    assert_eq!(desk.service().config.rails.max, 30);
    assert!(desk.service().forecast.is_some() && desk.service().fleet.is_some());
    assert!(desk.state.services.contains_key("cart"));
    configured(&mut desk, vec![fixtures::service("cart")]);
    assert!(!desk.state.services.contains_key("shop"));
}

#[test]
fn a_configuration_with_one_bad_value_changes_nothing() {
    let mut desk = Desk::new(|_| {});
    let before = desk.state.clone();
    let bad = ServiceConfig { name: "cart".into(), ..shop(|config| config.rails.max = 1) };
    for services in [vec![shop(|config| config.rails.max = 30), bad], vec![shop(|_| {}), shop(|_| {})]] {
        let commands = configured(&mut desk, services);
        assert_eq!(refusals(&commands).len(), 1, "{commands:?}");
        assert!(desk.journal.is_empty());
    }
    assert_eq!(desk.state.services, before.services);
}

#[test]
fn the_mode_is_what_was_said_last() {
    let mut desk = Desk::new(|_| {});
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
    // The file says what it said before: the operator's word stands.
    configured(&mut desk, vec![shop(|config| config.rails.max = 30)]);
    assert_eq!(desk.service().mode, Mode::Recommend);
    // The file says something new.
    let commands = configured(&mut desk, vec![shop(|config| config.mode = Mode::Approve)]);
    assert_eq!(desk.service().mode, Mode::Approve);
    assert!(
        matches!(&commands[1], Command::Journal(Entry::ModeChanged { who, from: Mode::Recommend, to: Mode::Approve, .. }) if who == "prescale.toml"),
        "{commands:?}"
    );
}

#[test]
fn without_a_capacity_a_service_is_observed_and_no_more() {
    let unknown = |mode| {
        move |config: &mut ServiceConfig| {
            config.capacity = Capacity::Unknown;
            config.mode = mode;
        }
    };
    let error = State::new(vec![shop(unknown(Mode::Recommend))]).unwrap_err();
    assert!(error.to_string().starts_with("shop: mode = recommend is not allowed: observe"), "{error}");

    let mut desk = Desk::new(unknown(Mode::Observe));
    desk.load(500.0).fleet(6, 0).forecast(|_| 500.0);
    let decision = desk.decide();
    assert_eq!((decision.action, decision.reason), (Action::Hold, ReasonCode::CapacityUnknown));
    assert_eq!(
        decision.sentence,
        "Hold 6: the load now is 500 rps, and nobody has said yet how much load a replica holds: give the service a capacity."
    );
    let refused = refusals(&desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Automatic }));
    assert_eq!(refused.len(), 1);

    // Who takes the capacity away takes the mode away, whatever the operator had set.
    let mut desk = Desk::new(|_| {});
    configured(&mut desk, vec![shop(unknown(Mode::Observe))]);
    assert_eq!(desk.service().mode, Mode::Observe);
}
