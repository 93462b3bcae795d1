//! What came of orders and weights.

use super::Turn;
use crate::command::{AlertCode, Command, Entry, OrderId, OrderOutcome};
use crate::order::{Backoff, Phase, backoff_ms};
use crate::text;

/// So many attempts in vain are worth telling a person.
const TELL_AFTER: u32 = 3;

impl Turn<'_> {
    pub(super) fn acknowledged(&mut self, order: OrderId) {
        let at_ms = self.now_ms;
        let Some(pending) = self.service.pending.as_mut().filter(|pending| pending.order.id == order) else { return };
        if matches!(pending.phase, Phase::Acknowledged { .. }) {
            return;
        }
        pending.phase = Phase::Acknowledged { at_ms };
        self.service.floor = None;
        self.service.backoff = None;
        let service = self.service.config.name.clone();
        self.journal(Entry::OrderAcknowledged { order, service, at_ms });
        self.settle();
    }

    /// A lowered floor is all that was ordered: when replicas leave is up to the autoscaler above it, which may have reasons not to.
    pub(super) fn floor_set(&mut self, order: OrderId) {
        let target = self.service.pending.as_ref().filter(|pending| pending.order.id == order).map(|pending| pending.order.target);
        self.acknowledged(order);
        self.service.floor = target.or(self.service.floor);
        if self.service.pending.as_ref().is_some_and(|pending| pending.order.id == order && pending.is_down()) {
            self.service.close(OrderOutcome::Reached, self.now_ms, &mut self.out);
        }
    }

    pub(super) fn act_failed(&mut self, order: OrderId, error: String, retry: bool, retry_after_ms: Option<i64>) {
        let at_ms = self.now_ms;
        let Some(pending) = self.service.pending.as_mut().filter(|pending| pending.order.id == order) else { return };
        // An acknowledgement is final, and a failure that is told twice doesn't move the next attempt.
        if pending.phase != Phase::Sent {
            return;
        }
        let service = self.service.config.name.clone();
        let attempt = pending.order.attempt;
        let target = text::replicas(pending.order.target);
        if retry {
            let next_attempt_ms = at_ms.saturating_add(backoff_ms(order, attempt, retry_after_ms));
            pending.phase = Phase::Failed { next_attempt_ms };
            let text = format!("the order for {target} failed {attempt} times, and is tried again: {error}");
            self.journal(Entry::OrderFailed { order, service: service.clone(), at_ms, error, next_attempt_ms: Some(next_attempt_ms) });
            if attempt == TELL_AFTER {
                self.out.push(Command::Alert { service, code: AlertCode::OrderFailed, text });
            }
            return;
        }
        let failures = self.service.backoff.as_ref().map_or(0, |backoff| backoff.failures).saturating_add(1);
        let until_ms = at_ms.saturating_add(backoff_ms(order, failures, retry_after_ms));
        let text = format!("the order for {target} failed for good: {error}");
        self.service.backoff = Some(Backoff { failures, until_ms, error: error.clone() });
        self.journal(Entry::OrderFailed { order, service: service.clone(), at_ms, error, next_attempt_ms: None });
        self.service.close(OrderOutcome::Failed, at_ms, &mut self.out);
        if failures == 1 || failures == TELL_AFTER {
            self.out.push(Command::Alert { service, code: AlertCode::OrderFailed, text });
        }
    }

    pub(super) fn weights_applied(&mut self, epoch: u64) {
        if epoch == self.service.weights.plan.epoch {
            self.service.weights.applied_epoch = Some(epoch);
        }
    }

    /// The balancer is ahead of us (we lost a state, or somebody else wrote): pass its epoch and send ours again.
    pub(super) fn weights_refused(&mut self, epoch: u64, current_epoch: u64) {
        let weights = &mut self.service.weights;
        if epoch != weights.plan.epoch || current_epoch < epoch {
            return;
        }
        match current_epoch.checked_add(1) {
            Some(next) => {
                weights.plan.epoch = next;
                self.send_weights();
            }
            None => {
                let (service, text) = (self.service.config.name.clone(), format!("the balancer's epoch {current_epoch} can't be passed"));
                self.out.push(Command::Alert { service, code: AlertCode::WeightsStuck, text });
            }
        }
    }
}
