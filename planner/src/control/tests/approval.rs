//! Proposals: approved, rejected, expired, replaced, stale.

use super::*;

/// A service in mode approve that proposes 6 → 8.
fn proposed() -> (Desk, DecisionId) {
    let mut desk = Desk::new(|config| config.mode = Mode::Approve);
    desk.load(400.0).fleet(6, 0).forecast(|_| 750.0);
    let commands = desk.tick();
    assert_eq!(alerts(&commands), [AlertCode::ApprovalWanted]);
    assert!(orders(&commands).is_empty());
    let decision = desk.service().last_decision.clone().unwrap();
    assert_eq!((decision.action, decision.target), (Action::Propose, Some(8)));
    assert_eq!(decision.expires_ms, Some(START_MS + 900_000));
    (desk, decision.id)
}

fn ended(desk: &Desk, id: DecisionId) -> Option<String> {
    desk.journal.iter().find_map(|entry| match entry {
        Entry::Expired { decision, why, .. } if *decision == id => Some(why.clone()),
        _ => None,
    })
}

#[test]
fn an_approval_acts_and_names_who() {
    let (mut desk, id) = proposed();
    desk.wait(60_000).load(400.0).fleet(6, 0).forecast(|_| 720.0);
    let waiting = desk.decide();
    assert_eq!(waiting.reason, ReasonCode::AwaitingApproval, "a smaller wish is covered");
    let commands = desk.operator(OperatorAction::Approve { decision: id });
    let order = &orders(&commands)[0];
    assert_eq!((order.target, order.decision), (8, id));
    assert!(matches!(&commands[0], Command::Journal(Entry::Approved { who, .. }) if who == "ada"));
    let twice = desk.operator(OperatorAction::Approve { decision: id });
    assert_eq!(refusals(&twice).len(), 1);
}

#[test]
fn an_approval_expires() {
    let (mut desk, id) = proposed();
    desk.wait(900_000).load(400.0).fleet(6, 0);
    let commands = desk.operator(OperatorAction::Approve { decision: id });
    assert_eq!(refusals(&commands), [format!("approve decision {}: it expired at 22:15 UTC", id.0)]);
    assert_eq!(ended(&desk, id).as_deref(), Some("nobody approved it in time"));
    let (mut desk, id) = proposed();
    desk.wait(900_000).load(400.0).fleet(6, 0).forecast(|_| 750.0);
    assert_eq!(alerts(&desk.tick()), [AlertCode::ApprovalWanted], "and it is proposed again");
    assert!(ended(&desk, id).is_some());
}

#[test]
fn a_stale_approval_is_refused() {
    let (mut desk, id) = proposed();
    desk.wait(30_000).load(400.0).fleet(7, 0);
    let commands = desk.operator(OperatorAction::Approve { decision: id });
    assert_eq!(refusals(&commands), [format!("approve decision {}: it was made for 6 replicas, and now there are 7", id.0)]);
    let (mut desk, id) = proposed();
    desk.wait(200_000);
    let commands = desk.operator(OperatorAction::Approve { decision: id });
    assert_eq!(refusals(&commands), [format!("approve decision {}: load or fleet are unknown now", id.0)]);
    assert!(orders(&commands).is_empty());
}

#[test]
fn a_pause_beats_an_approval() {
    let (mut desk, id) = proposed();
    desk.operator(OperatorAction::Pause { service: Some("shop".into()), pause: Pause::Both });
    let commands = desk.operator(OperatorAction::Approve { decision: id });
    assert_eq!(refusals(&commands), [format!("approve decision {}: the service is paused", id.0)]);
}

#[test]
fn a_larger_need_replaces_the_proposal_and_none_ends_it() {
    let (mut desk, id) = proposed();
    desk.wait(30_000).load(400.0).fleet(6, 0).forecast(|_| 950.0);
    assert_eq!(desk.decide().target, Some(10));
    assert_eq!(ended(&desk, id).as_deref(), Some("something else is needed now"));
    let second = desk.service().proposal.clone().unwrap().id;
    desk.wait(30_000).load(400.0).fleet(6, 0).forecast(|_| 550.0);
    desk.decide();
    assert_eq!(ended(&desk, second).as_deref(), Some("it is not needed any more"));
    assert!(desk.service().proposal.is_none());
}

#[test]
fn a_rejected_proposal_is_not_repeated_while_nothing_changes() {
    let (mut desk, id) = proposed();
    desk.operator(OperatorAction::Reject { decision: id, reason: "sale is over".into() });
    desk.wait(15_000).load(400.0).fleet(6, 0).forecast(|_| 750.0);
    assert_eq!(desk.decide().reason, ReasonCode::Rejected);
    desk.forecast(|_| 850.0);
    assert_eq!(desk.decide().action, Action::Propose, "more than what was turned down");
}

#[test]
fn an_edited_proposal_orders_what_the_person_said_within_the_rails() {
    let edit = |id, replicas| OperatorAction::Edit { decision: id, replicas, reason: "a campaign starts".into() };
    let (mut desk, id) = proposed();
    let (min, max) = (desk.service().config.rails.min, desk.service().config.rails.max);
    for (replicas, why) in [(max + 1, "the rails allow"), (min - 1, "the rails allow"), (6, "there are 6 replicas already")] {
        let refused = refusals(&desk.operator(edit(id, replicas)));
        assert!(refused.len() == 1 && refused[0].starts_with(&format!("edit decision {}: {why}", id.0)), "{refused:?}");
    }
    let commands = desk.operator(edit(id, 9));
    assert_eq!((orders(&commands)[0].target, orders(&commands)[0].decision), (9, id));
    let Command::Journal(Entry::Approved { edit: Some(kept), .. }) = &commands[0] else { panic!("{commands:?}") };
    assert_eq!((kept.proposed, kept.replicas, kept.reason.as_str()), (8, 9, "a campaign starts"));
    assert_eq!(refusals(&desk.operator(edit(id, 9))).len(), 1, "it doesn't wait any more");
}

#[test]
fn an_implausible_jump_asks_instead_of_acting() {
    let mut desk = Desk::new(|config| config.rails.max_jump_factor = Some(2.0));
    desk.load(400.0).fleet(6, 0).forecast(|_| 1_900.0);
    let commands = desk.tick();
    assert_eq!(alerts(&commands), [AlertCode::ImplausibleJump]);
    assert!(orders(&commands).is_empty());
    let decision = desk.service().last_decision.clone().unwrap();
    assert_eq!((decision.action, decision.reason), (Action::Ask, ReasonCode::ImplausibleJump));
    expect_test::expect!["Asks to go 6 → 16 before 22:15 UTC: a change by more than the factor 2 is not made without a person; the load now is 400 rps, and p95 of the maximum load between 22:05 and 22:05:15 UTC is 1,900 rps; 16 replicas do not hold 1,900 rps within the SLO."].assert_eq(&decision.sentence);
    let commands = desk.operator(OperatorAction::Approve { decision: decision.id });
    assert_eq!(orders(&commands)[0].target, decision.target.unwrap());
}

#[test]
fn a_load_that_collapses_is_not_believed_at_once() {
    let mut desk = Desk::new(|config| {
        config.rails.max_jump_factor = Some(3.0);
        config.policy = Policy::Predictive(PredictivePolicy { fallback_stabilisation_ms: 60_000, ..PredictivePolicy::default() });
    });
    for _ in 0..12 {
        desk.load(700.0).wait(15_000);
    }
    for _ in 0..3 {
        desk.load(0.0).fleet(8, 0).forecast(|_| 100.0);
        assert_eq!(desk.decide().reason, ReasonCode::ReactiveHolds);
        desk.wait(15_000);
    }
    desk.load(0.0).fleet(8, 0);
    assert_eq!(desk.decide().action, Action::Ask);
}

#[test]
fn leaving_the_mode_ends_proposals_and_failing_orders() {
    let (mut desk, id) = proposed();
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Recommend });
    assert_eq!(ended(&desk, id).as_deref(), Some("the mode changed"));
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Automatic });
    let order = orders(&desk.tick())[0].clone();
    desk.send(Event::ActFailed { order: order.id, at_ms: 0, error: "503".into(), retry: true, retry_after_ms: None });
    desk.operator(OperatorAction::SetMode { service: "shop".into(), mode: Mode::Observe });
    assert!(desk.service().pending.is_none());
    desk.wait(60_000).load(400.0).fleet(6, 0);
    assert!(orders(&desk.tick()).is_empty());
}
