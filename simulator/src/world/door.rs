//! The door of a balancer: requests a second, requests at once, and who waits.

use std::collections::BTreeMap;

use balancer::{AdmissionQueue, ConcurrencyLimit, ConfigError, Nanos, OutcomeKind, TokenBucket};

use super::{NEVER, Phase, Request, World};
use crate::event::Kind;
use crate::run::SimError;
use crate::scenario::Door;
use crate::tally::Loss;

/// The limits of one balancer.
#[derive(Debug)]
pub(super) struct Gate {
    bucket: Option<TokenBucket>,
    limit: Option<ConcurrencyLimit>,
    queue: Option<AdmissionQueue>,
    /// Slots of those who wait, by their numbers.
    waiting: BTreeMap<u64, u32>,
    /// The event that lets the next ones in is scheduled already.
    called: bool,
}

impl Gate {
    pub fn try_new(door: &Door) -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: door.rate_limit.map(TokenBucket::try_new).transpose()?,
            limit: door.concurrency.map(ConcurrencyLimit::try_new).transpose()?,
            queue: door.queue.map(AdmissionQueue::try_new).transpose()?,
            waiting: BTreeMap::new(),
            called: false,
        })
    }
}

impl World<'_> {
    /// A request has come to its balancer.
    #[inline]
    pub(super) fn enter(&mut self, request: Request) -> Result<(), SimError> {
        if !self.gates.is_empty() {
            return self.knock(request);
        }
        if self.broker.is_some() { self.publish(request, false) } else { self.send(request, None) }
    }

    fn knock(&mut self, mut request: Request) -> Result<(), SimError> {
        let now = Nanos(self.now);
        let gate = &mut self.gates[usize::from(request.region)];
        if gate.bucket.as_mut().is_some_and(|bucket| bucket.take(now).is_err()) {
            return self.lose(request, Loss::Rejected, None);
        }
        if self.broker.is_some() {
            return self.publish(request, false);
        }
        let Some(limit) = &mut gate.limit else { return self.send(request, None) };
        if limit.try_begin() {
            request.admitted = self.now;
            return self.send(request, None);
        }
        let class = self.scenario.classes.get(usize::from(request.class)).map_or(0, |class| class.priority);
        let Some(Ok(admitted)) = gate.queue.as_mut().map(|queue| queue.push(request.number, class, now)) else {
            return self.lose(request, Loss::Rejected, None);
        };
        let displaced = admitted.displaced.and_then(|number| gate.waiting.remove(&number));
        let (number, region) = (request.number, request.region);
        request.phase = Phase::AtDoor;
        let ticket = self.take_slot(request)?;
        self.gates[usize::from(region)].waiting.insert(number, ticket.slot);
        let patience = self.scenario.balancing.door.queue.map_or(0, |queue| queue.patience.0);
        self.agenda.schedule(self.now.saturating_add(patience), Kind::Door, u32::from(region));
        if let Some(slot) = displaced {
            let request = self.take_back(slot);
            return self.lose(request, Loss::Rejected, None);
        }
        Ok(())
    }

    /// A request is done with its balancer: its place is free.
    #[inline]
    pub(super) fn step_out(&mut self, region: u8, admitted: u64, kind: OutcomeKind) {
        if admitted == NEVER {
            return;
        }
        let Some(gate) = self.gates.get_mut(usize::from(region)) else { return };
        let Some(limit) = &mut gate.limit else { return };
        limit.finish(kind, Nanos(self.now - admitted));
        // Not at once: whoever is let in may be lost at once, and so on.
        if !gate.waiting.is_empty() && !std::mem::replace(&mut gate.called, true) {
            self.agenda.schedule(self.now, Kind::Door, u32::from(region));
        }
    }

    /// Lets in whom there is room for, and turns away who has waited too long.
    pub(super) fn open_door(&mut self, region: u32) -> Result<(), SimError> {
        let now = Nanos(self.now);
        let place = region as usize;
        self.gates[place].called = false;
        loop {
            let gate = &mut self.gates[place];
            let Some(number) = gate.queue.as_mut().and_then(|queue| queue.expired(now)) else { break };
            if let Some(slot) = gate.waiting.remove(&number) {
                let request = self.take_back(slot);
                self.lose(request, Loss::Rejected, None)?;
            }
        }
        loop {
            let gate = &mut self.gates[place];
            let (Some(limit), Some(queue)) = (&mut gate.limit, &mut gate.queue) else { break };
            if queue.is_empty() || !limit.try_begin() {
                break;
            }
            // Those whose time is over are gone, so there is one.
            let Some(slot) = queue.pop(now).and_then(|number| gate.waiting.remove(&number)) else { break };
            let mut request = self.take_back(slot);
            request.admitted = self.now;
            self.send(request, None)?;
        }
        Ok(())
    }
}

/// What a limit learns from how a request was lost.
pub(super) fn kind_of(loss: Loss) -> OutcomeKind {
    match loss {
        Loss::Rejected => OutcomeKind::Overloaded,
        Loss::TimedOut => OutcomeKind::Timeout,
        Loss::Failed => OutcomeKind::ServerError,
    }
}
