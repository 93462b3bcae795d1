//! What a request does between the end of its work at a replica and the answer: calls to dependencies, failures, lost answers.

use balancer::{BackendId, Outcome, OutcomeKind, PickRequest};

use super::{Nanos, Phase, World, open01};
use crate::run::SimError;
use crate::station::{Admission, Station, Ticket};
use crate::tally::Loss;

/// Where a request is among its calls.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// Who waits for the answer of whom, the replica that the balancer picked first.
    pub parents: Vec<Visit>,
    /// The current visit's next call.
    next_call: usize,
    /// The current visit's worker is free already.
    pub released: bool,
    /// When the current call was made.
    sent: u64,
}

/// A visit that waits for the answer to its call.
#[derive(Debug)]
pub(super) struct Visit {
    pub replica: u32,
    pub started: u64,
    pub released: bool,
    next_call: usize,
    sent: u64,
}

impl World<'_> {
    /// The work of a visit is done: what it calls next, or its answer.
    pub(super) fn work_done(&mut self, slot: u32) -> Result<(), SimError> {
        let request = &mut self.requests[slot as usize];
        request.phase = Phase::Finished;
        let (mut at, mut started) = (request.replica, request.started);
        // A station whose requests progress together has let it go already.
        let mut released = !matches!(self.replicas[at as usize].station, Station::Fifo(_));
        loop {
            let spec = self.specs[self.replicas[at as usize].pool as usize];
            let refused = self.requests[slot as usize].doomed.is_some() && self.is_front(self.replicas[at as usize].pool);
            if !spec.calls.is_empty() && !refused {
                let journey = self.requests[slot as usize].journey.get_or_insert_default();
                journey.released |= released;
                if let Some(call) = self.next_call(slot) {
                    return self.call(slot, call.to, call.hold);
                }
                released = self.requests[slot as usize].journey.as_ref().is_some_and(|journey| journey.released);
            }
            let doomed = self.doom(slot, at);
            if let Some(kind) = doomed {
                if let Some(journey) = &mut self.requests[slot as usize].journey {
                    journey.released = released;
                }
                return self.give_up(slot, kind, Loss::Failed);
            }
            if !released {
                self.release(at, started);
            }
            if self.replicas[at as usize].cut_off > 0 {
                self.requests[slot as usize].phase = Phase::Limbo;
                return Ok(());
            }
            let Some((parent, sent)) = self.return_to_parent(slot) else {
                self.requests[slot as usize].phase = Phase::Free;
                self.requests[slot as usize].journey = None;
                self.free.push(slot);
                self.served(slot);
                return Ok(());
            };
            self.answered(at, sent, slot);
            (at, started, released) = parent;
        }
    }

    /// How a visit to a replica ends, if not well: by chance, or for want of a session, which the replica that was picked first asks for.
    fn doom(&mut self, slot: u32, at: u32) -> Option<OutcomeKind> {
        let pool = self.replicas[at as usize].pool;
        let failure = self.specs[pool as usize].failure;
        if failure > 0.0 && open01(&mut self.failure_rng) < failure {
            return Some(OutcomeKind::ServerError);
        }
        self.requests[slot as usize].doomed.filter(|_| self.is_front(pool))
    }

    /// The next call that this request makes, if any.
    fn next_call(&mut self, slot: u32) -> Option<crate::scenario::Call> {
        let request = &mut self.requests[slot as usize];
        let spec = self.specs[self.replicas[request.replica as usize].pool as usize];
        let journey = request.journey.as_mut()?;
        while let Some(call) = spec.calls.get(journey.next_call) {
            journey.next_call += 1;
            if call.probability >= 1.0 || open01(&mut self.tier_rng) < call.probability {
                return Some(*call);
            }
        }
        None
    }

    /// Asks a dependency. Without `hold` the worker is free at once.
    fn call(&mut self, slot: u32, to: usize, hold: bool) -> Result<(), SimError> {
        let now = Nanos(self.now);
        if !hold {
            let request = &mut self.requests[slot as usize];
            let (at, started) = (request.replica, request.started);
            let free = request.journey.as_mut().is_none_or(|journey| std::mem::replace(&mut journey.released, true));
            if !free {
                self.release(at, started);
            }
        }
        let Ok(backend) = self.tiers[to].pick(now, &PickRequest::default(), &mut self.tier_rng) else {
            return self.give_up(slot, OutcomeKind::ServerError, Loss::Failed);
        };
        let at = backend.0 - 1;
        let counted = u64::from(self.requests[slot as usize].arrived >= self.cut);
        let replica = &mut self.replicas[at as usize];
        replica.attempts += counted;
        let admission = if replica.serves() { replica.station.admission() } else { Admission::Full };
        if admission == Admission::Full {
            replica.errors += counted;
            let kind = if replica.serves() { OutcomeKind::Overloaded } else { OutcomeKind::ConnectFailed };
            self.tiers[to].begin(backend, now);
            self.tiers[to].finish(backend, now, &Outcome::new(kind, Nanos(0)));
            return self.give_up(slot, OutcomeKind::ServerError, Loss::Failed);
        }
        self.tiers[to].begin(backend, now);
        let pool = self.replicas[at as usize].pool as usize;
        let work = self.samplers[pool].draw(&mut self.tier_rng);
        let cut_off = self.replicas[at as usize].cut_off > 0;
        let request = &mut self.requests[slot as usize];
        let mut journey = request.journey.take().unwrap_or_default();
        journey.parents.push(Visit {
            replica: request.replica,
            started: request.started,
            released: journey.released,
            next_call: journey.next_call,
            sent: journey.sent,
        });
        (journey.next_call, journey.released, journey.sent) = (0, false, self.now);
        request.journey = Some(journey);
        (request.replica, request.started, request.work) = (at, self.now, work);
        request.phase = match admission {
            _ if cut_off => Phase::Limbo,
            Admission::Wait => Phase::Waiting,
            _ => Phase::InService,
        };
        self.occupy(Ticket { slot, generation: self.requests[slot as usize].generation });
        Ok(())
    }

    /// The current visit is over: the one that made the call goes on. (replica, started, released) of it, and when the call was made.
    fn return_to_parent(&mut self, slot: u32) -> Option<((u32, u64, bool), u64)> {
        let request = &mut self.requests[slot as usize];
        let journey = request.journey.as_mut()?;
        let parent = journey.parents.pop()?;
        let sent = journey.sent;
        (journey.next_call, journey.released, journey.sent) = (parent.next_call, parent.released, parent.sent);
        (request.replica, request.started) = (parent.replica, parent.started);
        Some(((parent.replica, parent.started, parent.released), sent))
    }

    /// A dependency's replica has answered well.
    fn answered(&mut self, at: u32, sent: u64, slot: u32) {
        let replica = &mut self.replicas[at as usize];
        replica.served += u64::from(self.requests[slot as usize].arrived >= self.cut);
        let tier = replica.pool as usize - self.scenario.pools.len();
        let outcome = Outcome::new(OutcomeKind::Success, Nanos(self.now - sent));
        self.tiers[tier].finish(BackendId(at + 1), Nanos(self.now), &outcome);
        self.one_less(at);
    }

    /// A request that was at `at` is gone: so are the calls that led there. Returns the replica that the balancer had picked.
    pub(super) fn leave_parents(&mut self, journey: &Journey, at: u32) -> u32 {
        let mut current = (at, journey.sent);
        for parent in journey.parents.iter().rev() {
            let (callee, sent) = current;
            let tier = self.replicas[callee as usize].pool as usize - self.scenario.pools.len();
            let outcome = Outcome::new(OutcomeKind::Cancelled, Nanos(self.now - sent));
            self.tiers[tier].finish(BackendId(callee + 1), Nanos(self.now), &outcome);
            let replica = &mut self.replicas[parent.replica as usize];
            if !parent.released && replica.serves() {
                self.release(parent.replica, parent.started);
            } else if !parent.released {
                replica.busy += u128::from(crate::tally::after_cut(self.cut, parent.started, self.now));
            }
            self.one_less(parent.replica);
            current = (parent.replica, parent.sent);
        }
        current.0
    }
}
