//! Attempts that come to nothing: given up, tried again, lost.

use std::collections::VecDeque;

use balancer::{BackendId, Outcome, OutcomeKind, may_retry};

use super::share::is_current;
use super::{Deadline, NEVER, Nanos, Phase, Request, World};
use crate::run::SimError;
use crate::station::{Station, Ticket};
use crate::tally::{Loss, after_cut};

/// Why an attempt came to nothing.
pub(super) struct Failure {
    pub backend: BackendId,
    pub kind: OutcomeKind,
    /// What the request counts as if nobody tries again.
    pub loss: Loss,
}

impl World<'_> {
    /// The oldest deadline has come.
    pub(super) fn expire(&mut self) -> Result<(), SimError> {
        let oldest = self.deadlines.iter_mut().min_by_key(|ring| ring.front().map_or(NEVER, |deadline| deadline.at));
        let Some(Deadline { ticket, .. }) = oldest.and_then(VecDeque::pop_front) else { return Ok(()) };
        if !is_current(&self.requests, ticket) {
            return Ok(());
        }
        self.give_up(ticket.slot, OutcomeKind::Timeout, Loss::TimedOut)
    }

    /// The attempt in this slot comes to nothing: it leaves all that it holds, and is tried again or lost.
    pub(super) fn give_up(&mut self, slot: u32, kind: OutcomeKind, loss: Loss) -> Result<(), SimError> {
        let (front, mut request) = self.detach(slot);
        self.replicas[front as usize].errors += u64::from(request.arrived >= self.cut);
        let failure = Failure { backend: BackendId(front + 1), kind, loss };
        if self.may_try_again(&mut request, &failure) {
            return self.send(request, Some(loss));
        }
        // Who was told that their session is gone has an answer.
        let request = if kind == OutcomeKind::Success {
            request
        } else {
            let Some(request) = self.redeliver(request)? else { return Ok(()) };
            request
        };
        self.lose(request, loss, Some(failure.backend))
    }

    /// Takes a request out of its slot and away from every replica that it holds; returns the one that the balancer sent it to.
    pub(super) fn detach(&mut self, slot: u32) -> (u32, Request) {
        let place = &mut self.requests[slot as usize];
        let (at, phase, started) = (place.replica, place.phase, place.started);
        let ticket = Ticket { slot, generation: place.generation };
        // The request goes on (or not) under another ticket; what is left here makes the old one void.
        let generation = place.generation.wrapping_add(1);
        let husk = Request { generation, phase: Phase::Free, tried: None, journey: None, ..*place };
        let mut request = std::mem::replace(place, husk);
        request.phase = Phase::Free;
        let journey = request.journey.take();
        let released = journey.as_ref().is_some_and(|journey| journey.released);
        // A replica that has died is empty already.
        let alive = self.replicas[at as usize].serves();
        let fifo = matches!(self.replicas[at as usize].station, Station::Fifo(_));
        match phase {
            Phase::InService if fifo => self.requests[slot as usize].phase = Phase::Stale,
            _ => self.free.push(slot),
        }
        match (&mut self.replicas[at as usize].station, phase) {
            (Station::Fifo(_), Phase::InService | Phase::Finished) if !alive => {
                self.replicas[at as usize].busy += u128::from(after_cut(self.cut, started, self.now)) * u128::from(!released);
            }
            _ if !alive => {}
            (Station::Fifo(station), Phase::Waiting) => station.waiting -= 1,
            (Station::Fifo(_), Phase::InService | Phase::Finished) if !released => self.release(at, started),
            (Station::Ps(_) | Station::Preempt(_), Phase::InService) => {
                self.advance(at);
                self.replicas[at as usize].station.left(ticket);
                self.reschedule(at);
            }
            _ => {}
        }
        self.one_less(at);
        let front = journey.map_or(at, |journey| self.leave_parents(&journey, at));
        (front, request)
    }

    /// Tells the balancer, and says whether the rule allows the request to be tried elsewhere.
    pub(super) fn may_try_again(&mut self, request: &mut Request, failure: &Failure) -> bool {
        let outcome = Outcome::new(failure.kind, Nanos(self.now - request.sent));
        let at = failure.backend.0.wrapping_sub(1);
        self.conclude(at, (request.region, request.link), &outcome);
        self.note_health(at, request.region, failure.kind);
        let Some(rule) = self.scenario.balancing.retries else { return false };
        let bytes_sent = failure.kind != OutcomeKind::ConnectFailed;
        let again = may_retry(rule.idempotent, bytes_sent, &outcome, request.attempts, &rule.policy);
        if again {
            request.tried.get_or_insert_default().push(failure.backend);
        }
        again
    }

    pub(super) fn pay_for_retry(&mut self, request: &Request) -> bool {
        let paid = self.budget.as_mut().is_some_and(|budget| budget.try_spend(Nanos(self.now)));
        if paid {
            self.tally.retried(request.arrived);
        }
        paid
    }

    /// The balancer has given up; the user may not have. `backend` is where it was sent last.
    pub(super) fn lose(&mut self, mut request: Request, loss: Loss, backend: Option<BackendId>) -> Result<(), SimError> {
        self.step_out(request.region, request.admitted, super::door::kind_of(loss));
        request.admitted = NEVER;
        if let Some(rule) = self.scenario.clients.retries
            && request.tries + 1 < rule.max_attempts
        {
            return self.try_later(request, &rule.backoff);
        }
        match loss {
            Loss::Rejected => self.seen.rejected += 1,
            Loss::TimedOut => self.seen.timed_out += 1,
            Loss::Failed => self.seen.failed += 1,
        }
        self.note_lost(&request, backend, loss.into());
        self.tally.lost(loss, request.class, request.arrived, self.now);
        self.think(request.user);
        Ok(())
    }
}
