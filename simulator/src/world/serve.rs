//! A request's way: picked, sent, waiting, served, given up, tried again.

use balancer::{BackendId, Outcome, OutcomeKind, PickRequest, may_retry};

use super::share::is_current;
use super::{Deadline, NEVER, Nanos, Phase, Request, World};
use crate::event::{Event, Kind};
use crate::run::SimError;
use crate::scenario::Horizon;
use crate::station::{Admission, Station, Ticket};
use crate::tally::{Loss, after_cut};

/// Why an attempt came to nothing.
struct Failure {
    backend: BackendId,
    kind: OutcomeKind,
    /// What the request counts as if nobody tries again.
    loss: Loss,
}

impl World<'_> {
    pub(super) fn arrive(&mut self) -> Result<(), SimError> {
        let number = self.seen.arrived;
        self.seen.arrived += 1;
        self.tally.arrived(number, self.now);
        if let Some(budget) = &mut self.budget {
            budget.on_request(Nanos(self.now));
        }
        self.send(
            Request {
                arrived: self.now,
                number,
                sent: self.now,
                started: self.now,
                work: 0,
                replica: u32::MAX,
                generation: 0,
                attempts: 0,
                phase: Phase::Free,
                tried: None,
            },
            None,
        )?;
        if self.scenario.horizon == Horizon::Requests(self.seen.arrived) {
            self.end = self.now;
            self.next_arrival = NEVER;
        } else {
            self.draw_arrival();
        }
        Ok(())
    }

    /// Sends a request, and tries again at once as long as attempts fail at once and the retry rule allows. `last` is how the attempt before
    /// this one was lost; a request for which there is nobody at all is turned away, as the proxy does.
    fn send(&mut self, mut request: Request, mut last: Option<Loss>) -> Result<(), SimError> {
        loop {
            let tried: &[BackendId] = request.tried.as_deref().map_or(&[], Vec::as_slice);
            let Ok(backend) =
                self.pool.pick(Nanos(self.now), &PickRequest { exclude: tried, ..PickRequest::default() }, &mut self.policy_rng)
            else {
                self.lose(&request, last.unwrap_or(Loss::Rejected));
                return Ok(());
            };
            // A retry is paid for only when there is somebody to retry on.
            if let Some(loss) = last
                && !self.pay_for_retry(&request)
            {
                self.lose(&request, loss);
                return Ok(());
            }
            request.attempts += 1;
            request.sent = self.now;
            self.pool.begin(backend, Nanos(self.now));
            let failure = match self.place(request, backend)? {
                Ok(()) => return Ok(()),
                Err((returned, failure)) => {
                    request = returned;
                    failure
                }
            };
            if !self.may_try_again(&mut request, &failure) {
                self.lose(&request, failure.loss);
                return Ok(());
            }
            last = Some(failure.loss);
        }
    }

    /// Gives a request to a replica, or gives it back with the reason.
    fn place(&mut self, mut request: Request, backend: BackendId) -> Result<Result<(), (Request, Failure)>, SimError> {
        // Ids start at 1; 0 wraps to a place that nobody has.
        let at = backend.0.wrapping_sub(1);
        let counted = u64::from(request.arrived >= self.cut);
        let Some(replica) = self.replicas.get_mut(at as usize).filter(|replica| replica.serves()) else {
            return Ok(Err((request, Failure { backend, kind: OutcomeKind::ConnectFailed, loss: Loss::Failed })));
        };
        replica.attempts += counted;
        let pool = replica.pool;
        if request.replica == u32::MAX || self.replicas[request.replica as usize].pool != pool {
            request.work = self.samplers[pool as usize].draw(&mut self.service_rng);
        }
        request.replica = at;
        request.started = self.now;
        let replica = &mut self.replicas[at as usize];
        let admission = match &replica.station {
            Station::Fifo(station) => station.admission(),
            Station::Ps(station) => station.admission(),
        };
        request.phase = match admission {
            Admission::Serve => Phase::InService,
            Admission::Wait => Phase::Waiting,
            Admission::Full => {
                replica.errors += counted;
                return Ok(Err((request, Failure { backend, kind: OutcomeKind::Overloaded, loss: Loss::Rejected })));
            }
        };
        replica.in_flight += 1;
        let (number, work) = (request.number, request.work);
        let ticket = self.take_slot(request)?;
        match &mut self.replicas[at as usize].station {
            Station::Fifo(station) if admission == Admission::Serve => {
                station.busy += 1;
                self.agenda.schedule(self.now.saturating_add(work), Kind::Done, ticket.slot);
            }
            Station::Fifo(station) => {
                station.waiting += 1;
                station.queue.push_back(ticket);
            }
            Station::Ps(_) => {
                self.advance(at);
                if let Station::Ps(station) = &mut self.replicas[at as usize].station {
                    station.enter(ticket, number, work);
                }
                self.reschedule(at);
            }
        }
        if let Some(timeout) = self.scenario.timeout {
            self.deadlines.push_back(Deadline { at: self.now.saturating_add(timeout.0), ticket });
        }
        Ok(Ok(()))
    }

    fn take_slot(&mut self, mut request: Request) -> Result<Ticket, SimError> {
        if let Some(slot) = self.free.pop() {
            let place = &mut self.requests[slot as usize];
            request.generation = place.generation.wrapping_add(1);
            let ticket = Ticket { slot, generation: request.generation };
            *place = request;
            return Ok(ticket);
        }
        let slot = self.requests.len() as u32;
        if slot >= self.scenario.max_in_flight {
            return Err(SimError::TooManyInFlight { at_s: crate::units::as_s(self.now), most: slot });
        }
        request.generation = 0;
        self.requests.push(request);
        Ok(Ticket { slot, generation: 0 })
    }

    /// A FIFO server has finished.
    #[inline]
    pub(super) fn done(&mut self, slot: u32) {
        let request = &mut self.requests[slot as usize];
        let phase = std::mem::replace(&mut request.phase, Phase::Free);
        self.free.push(slot);
        if phase == Phase::Stale {
            return;
        }
        let (at, started) = (request.replica, request.started);
        self.replicas[at as usize].busy += u128::from(after_cut(self.cut, started, self.now));
        self.serve_next(at);
        self.served(slot);
    }

    /// The next departure from a processor-sharing replica, unless the event is out of date.
    pub(super) fn departure(&mut self, event: Event) {
        let at = event.index();
        let Station::Ps(station) = &self.replicas[at as usize].station else { return };
        if station.next != Some(event) {
            return;
        }
        self.advance(at);
        let Self { replicas, requests, .. } = self;
        let Station::Ps(station) = &mut replicas[at as usize].station else { return };
        station.next = None;
        let current = |ticket: Ticket| is_current(requests, ticket);
        if let Some(ticket) = station.depart(current) {
            self.requests[ticket.slot as usize].phase = Phase::Free;
            self.free.push(ticket.slot);
            self.served(ticket.slot);
        }
        self.reschedule(at);
    }

    /// Books a success. The slot is free already, its content still there.
    fn served(&mut self, slot: u32) {
        let request = &self.requests[slot as usize];
        let at = request.replica;
        let outcome = Outcome::new(OutcomeKind::Success, Nanos(self.now - request.sent));
        self.tally.served(request.number, request.arrived, request.started, self.now);
        self.replicas[at as usize].served += u64::from(request.arrived >= self.cut);
        self.seen.served += 1;
        self.pool.finish(BackendId(at + 1), Nanos(self.now), &outcome);
        self.one_less(at);
    }

    /// A FIFO server got free: the next in the queue, skipping those that were given up.
    fn serve_next(&mut self, at: u32) {
        let Station::Fifo(station) = &mut self.replicas[at as usize].station else { return };
        while let Some(ticket) = station.queue.pop_front() {
            if !is_current(&self.requests, ticket) {
                continue;
            }
            station.waiting -= 1;
            let request = &mut self.requests[ticket.slot as usize];
            request.phase = Phase::InService;
            request.started = self.now;
            self.agenda.schedule(self.now.saturating_add(request.work), Kind::Done, ticket.slot);
            return;
        }
        station.busy -= 1;
    }

    /// The oldest deadline has come.
    pub(super) fn expire(&mut self) -> Result<(), SimError> {
        let Some(Deadline { ticket, .. }) = self.deadlines.pop_front() else { return Ok(()) };
        if !is_current(&self.requests, ticket) {
            return Ok(());
        }
        let slot = ticket.slot as usize;
        let place = &mut self.requests[slot];
        let (at, phase, started) = (place.replica, place.phase, place.started);
        // The request goes on (or not) under another ticket; what is left here makes the old one void.
        let husk = Request { generation: place.generation.wrapping_add(1), phase: Phase::Free, tried: None, ..*place };
        let mut request = std::mem::replace(place, husk);
        request.phase = Phase::Free;
        self.replicas[at as usize].errors += u64::from(request.arrived >= self.cut);
        match (&mut self.replicas[at as usize].station, phase) {
            (Station::Fifo(station), Phase::Waiting) => {
                station.waiting -= 1;
                self.free.push(ticket.slot);
            }
            (Station::Fifo(_), _) => {
                self.requests[slot].phase = Phase::Stale;
                self.replicas[at as usize].busy += u128::from(after_cut(self.cut, started, self.now));
                self.serve_next(at);
            }
            (Station::Ps(_), _) => {
                self.free.push(ticket.slot);
                self.advance(at);
                if let Station::Ps(station) = &mut self.replicas[at as usize].station {
                    station.left();
                }
                self.reschedule(at);
            }
        }
        self.one_less(at);
        let failure = Failure { backend: BackendId(at + 1), kind: OutcomeKind::Timeout, loss: Loss::TimedOut };
        if self.may_try_again(&mut request, &failure) {
            return self.send(request, Some(failure.loss));
        }
        self.lose(&request, failure.loss);
        Ok(())
    }

    /// Tells the balancer, and says whether the rule allows the request to be tried elsewhere.
    fn may_try_again(&mut self, request: &mut Request, failure: &Failure) -> bool {
        let outcome = Outcome::new(failure.kind, Nanos(self.now - request.sent));
        self.pool.finish(failure.backend, Nanos(self.now), &outcome);
        let Some(rule) = self.scenario.balancing.retries else { return false };
        let bytes_sent = failure.kind != OutcomeKind::ConnectFailed;
        let again = may_retry(rule.idempotent, bytes_sent, &outcome, request.attempts, &rule.policy);
        if again {
            request.tried.get_or_insert_default().push(failure.backend);
        }
        again
    }

    fn pay_for_retry(&mut self, request: &Request) -> bool {
        let paid = self.budget.as_mut().is_some_and(|budget| budget.try_spend(Nanos(self.now)));
        if paid {
            self.tally.retried(request.arrived);
        }
        paid
    }

    fn lose(&mut self, request: &Request, loss: Loss) {
        match loss {
            Loss::Rejected => self.seen.rejected += 1,
            Loss::TimedOut => self.seen.timed_out += 1,
            Loss::Failed => self.seen.failed += 1,
        }
        self.tally.lost(loss, request.arrived, self.now);
    }
}
