//! What the mode makes of a plan: an order, a proposal, or only a line in the journal.

use super::Turn;
use super::plan::Plan;
use crate::command::{AlertCode, Command, DecisionId, Entry, Order, OrderOutcome, ReleaseOutcome};
use crate::config::Mode;
use crate::decision::{Action, Decision, ReasonCode};
use crate::explain;
use crate::hpa::Change;
use crate::order::{Pending, Phase};

impl Turn<'_> {
    /// Writes the decision down and acts on it; `true` if an order was issued.
    pub(super) fn act(&mut self, plan: Plan) -> bool {
        let Plan { mut decision, blocked, implausible, .. } = plan;
        let (from, target) = match (decision.current, decision.target) {
            (Some(from), Some(target)) if from != target => (from, target),
            _ => {
                // Without data a proposal stays (it can't be approved meanwhile); with data it is not needed any more.
                if blocked.is_none() {
                    self.withdraw("it is not needed any more");
                    self.service.told = decision.target.or(self.service.told);
                }
                self.write_down(decision);
                return false;
            }
        };
        self.review_proposal(from, target);
        self.tell(from, target, blocked, implausible);
        if let Some(reason) = blocked {
            decision.reason = reason;
            self.drop_failed_climb(target);
            self.write_down(decision);
            return false;
        }
        decision.action = match (self.service.mode, implausible) {
            (Mode::Observe, _) => Action::Observe,
            (Mode::Recommend, _) => Action::Propose,
            (Mode::Approve, _) => self.propose(&mut decision, Action::Propose, from, target),
            (Mode::Automatic, true) => self.propose(&mut decision, Action::Ask, from, target),
            (Mode::Automatic, false) if target > from => Action::Up,
            (Mode::Automatic, false) => Action::Down,
        };
        let acts = matches!(decision.action, Action::Up | Action::Down);
        let id = decision.id;
        self.write_down(decision);
        if acts {
            self.issue(id, from, target);
        }
        acts
    }

    /// What may happen without a person's word is told to whoever follows; what waits for one, or is paused, leaves the number as it was.
    fn tell(&mut self, from: u32, target: u32, blocked: Option<ReasonCode>, implausible: bool) {
        let free = match self.service.mode {
            // There is nobody who could be asked.
            Mode::Observe | Mode::Recommend => true,
            Mode::Approve => false,
            Mode::Automatic => !implausible,
        };
        let told = &mut self.service.told;
        *told = if free && blocked != Some(ReasonCode::Paused) { Some(target) } else { told.or(Some(from)) };
    }

    /// The decision gets its sentence and goes to the journal; a proposal that waits for an answer is remembered.
    fn write_down(&mut self, mut decision: Decision) {
        decision.sentence = explain::sentence(&decision, self.service, self.now_ms);
        self.service.last_decision = Some(decision.clone());
        if decision.expires_ms.is_some() {
            let code = if decision.action == Action::Ask { AlertCode::ImplausibleJump } else { AlertCode::ApprovalWanted };
            let (service, text) = (decision.service.clone(), decision.sentence.clone());
            self.service.proposal = Some(decision.clone());
            self.journal(Entry::Decision(Box::new(decision)));
            self.out.push(Command::Alert { service, code, text });
            return;
        }
        self.journal(Entry::Decision(Box::new(decision)));
    }

    /// A new proposal, unless one waits that covers it, or a person has just turned it down.
    fn propose(&mut self, decision: &mut Decision, action: Action, from: u32, target: u32) -> Action {
        if self.service.proposal.is_some() {
            decision.reason = ReasonCode::AwaitingApproval;
            return Action::Hold;
        }
        let now_ms = self.now_ms;
        self.service.rejected = self.service.rejected.take().filter(|rejected| rejected.current == from && now_ms < rejected.until_ms);
        let no_more = |rejected: &crate::state::Rejected| covers(from, rejected.target, target);
        if self.service.rejected.as_ref().is_some_and(no_more) {
            decision.reason = ReasonCode::Rejected;
            return Action::Hold;
        }
        if action == Action::Ask {
            decision.reason = ReasonCode::ImplausibleJump;
        }
        decision.expires_ms = Some(now_ms.saturating_add(self.service.config.approval_ttl_ms));
        action
    }

    /// Ends the proposal that waits if what is wanted now goes elsewhere.
    fn review_proposal(&mut self, from: u32, target: u32) {
        let Some(proposal) = &self.service.proposal else { return };
        let (Some(then), Some(proposed)) = (proposal.current, proposal.target) else { return };
        if then != from {
            self.withdraw("the fleet has changed since");
        } else if !covers(from, proposed, target) {
            self.withdraw("something else is needed now");
        }
    }

    /// An order up that keeps failing is given up when fewer are wanted meanwhile.
    fn drop_failed_climb(&mut self, target: u32) {
        let failing = |pending: &&Pending| matches!(pending.phase, Phase::Failed { .. }) && !pending.is_down();
        if self.service.pending.as_ref().filter(failing).is_some_and(|pending| target < pending.order.target) {
            self.cancel();
        }
    }

    /// Orders an absolute number; an order under way is replaced.
    pub(super) fn issue(&mut self, decision: DecisionId, from: u32, target: u32) {
        let now_ms = self.now_ms;
        self.service.close(OrderOutcome::Superseded, now_ms, &mut self.out);
        self.end_release(ReleaseOutcome::Superseded);
        self.service.proposal = None;
        self.service.rejected = None;
        // Until it is answered, nobody knows.
        self.service.floor = None;
        let (id, service) = (self.order_id(), self.service.config.name.clone());
        let order = Order { id, service, target, from, decision, issued_ms: now_ms, attempt: 1 };
        self.service.remember_change(Change { at_ms: now_ms, by: i64::from(target) - i64::from(from) });
        self.service.told = Some(target);
        self.service.pending = Some(Pending { order: order.clone(), phase: Phase::Sent, sent_ms: now_ms });
        self.journal(Entry::OrderIssued(order.clone()));
        // Those that leave get nothing new before they are taken away.
        self.push_weights();
        self.out.push(Command::Scale(order));
    }
}

/// Is a proposal from `from` to `proposed` still right when `wanted` is wanted? A higher one covers a lower wish up; on the way down it must
/// not go below the wish.
fn covers(from: u32, proposed: u32, wanted: u32) -> bool {
    if wanted > from { proposed >= wanted } else { proposed < from && proposed >= wanted }
}
