//! A request's way out: picked, sent, waiting or served.

use balancer::{BackendId, OutcomeKind, PickRequest};

use super::lose::Failure;
use super::request::UNKNOWN;
use super::{Deadline, NEVER, NOBODY, Nanos, Phase, Request, World};
use crate::event::Kind;
use crate::run::SimError;
use crate::scenario::Horizon;
use crate::station::{Admission, Station, Ticket};
use crate::tally::Loss;

impl World<'_> {
    /// A request comes, of a session or of nobody that waits for its answer.
    pub(super) fn arrive(&mut self, session: u32) -> Result<(), SimError> {
        if session != NOBODY && matches!(self.scenario.horizon, Horizon::Requests(most) if self.seen.arrived >= most) {
            return Ok(());
        }
        let class = self.draw_class();
        let number = self.seen.arrived;
        self.seen.arrived += 1;
        self.tally.arrived(number, class, self.now);
        if let Some(budget) = &mut self.budget {
            budget.on_request(Nanos(self.now));
        }
        let home = self.draw_home();
        let user = self.draw_user(session);
        let request = Request {
            arrived: self.now,
            number,
            admitted: NEVER,
            sent: self.now,
            started: self.now,
            work: 0,
            replica: u32::MAX,
            generation: 0,
            attempts: 0,
            tries: 0,
            user,
            link: super::connect::NONE,
            class,
            home,
            region: 0,
            phase: Phase::Free,
            doomed: None,
            tried: None,
            journey: None,
        };
        self.dispatch(request)?;
        if self.scenario.horizon == Horizon::Requests(self.seen.arrived) {
            self.end = self.now;
            self.next_arrival = NEVER;
        } else if session == NOBODY {
            self.draw_arrival();
        }
        Ok(())
    }

    /// Sends a request, and tries again at once as long as attempts fail at once and the retry rule allows. `last` is how the attempt before
    /// this one was lost; a request for which there is nobody at all is turned away, as the proxy does.
    pub(super) fn send(&mut self, mut request: Request, mut last: Option<Loss>) -> Result<(), SimError> {
        let mut asked_last = request.tried.as_ref().and_then(|tried| tried.last().copied());
        loop {
            let tried: &[BackendId] = request.tried.as_deref().map_or(&[], Vec::as_slice);
            let key = self.scenario.balancing.key_by_user.then(|| balancer::hash_key(&request.user.to_le_bytes()));
            let group = self.scenario.classes.get(usize::from(request.class)).and_then(|class| class.group);
            let asked = PickRequest { exclude: tried, key, sticky: self.last_of(request.user), group };
            let Ok(picked) = self.pick(request.region, &asked) else {
                return self.lose(request, last.unwrap_or(Loss::Rejected), asked_last);
            };
            // A retry is paid for only when there is somebody to retry on.
            if let Some(loss) = last
                && !self.pay_for_retry(&request)
            {
                return self.lose(request, loss, asked_last);
            }
            request.attempts += 1;
            request.sent = self.now;
            let takes = self.begin(&mut request, &picked);
            if takes > 0 {
                return self.connect(request, picked.backend, takes);
            }
            let failure = match self.place(request, picked.backend)? {
                Ok(()) => return Ok(()),
                Err((returned, failure)) => {
                    request = returned;
                    failure
                }
            };
            if !self.may_try_again(&mut request, &failure) {
                return self.lose(request, failure.loss, Some(failure.backend));
            }
            (last, asked_last) = (Some(failure.loss), Some(failure.backend));
        }
    }

    /// Gives a request to a replica, or gives it back with the reason.
    pub(super) fn place(&mut self, mut request: Request, backend: BackendId) -> Result<Result<(), (Request, Failure)>, SimError> {
        // Ids start at 1; 0 wraps to a place that nobody has.
        let at = backend.0.wrapping_sub(1);
        let counted = u64::from(request.arrived >= self.cut);
        let Some(replica) = self.replicas.get_mut(at as usize).filter(|replica| replica.serves()) else {
            return Ok(Err((request, Failure { backend, kind: OutcomeKind::ConnectFailed, loss: Loss::Failed })));
        };
        replica.attempts += counted;
        let pool = replica.pool;
        let before = self.replicas.get(request.replica as usize);
        let first = before.is_none_or(|before| before.pool != pool) || request.work == UNKNOWN;
        if first {
            request.work = self.samplers[pool as usize].draw(&mut self.service_rng);
            if let Some(class) = self.scenario.classes.get(usize::from(request.class)) {
                request.work = libm::round(request.work as f64 * class.work) as u64;
            }
        }
        self.ask_store(&mut request, first);
        request.replica = at;
        request.started = self.now;
        let replica = &mut self.replicas[at as usize];
        let admission = replica.station.admission();
        request.phase = match admission {
            _ if replica.cut_off > 0 => Phase::Limbo,
            Admission::Serve => Phase::InService,
            Admission::Wait => Phase::Waiting,
            Admission::Full => {
                replica.errors += counted;
                return Ok(Err((request, Failure { backend, kind: OutcomeKind::Overloaded, loss: Loss::Rejected })));
            }
        };
        let ticket = self.take_slot(request)?;
        self.occupy(ticket);
        self.set_deadline(ticket);
        Ok(Ok(()))
    }

    /// From now on the attempt is timed. All of a class have the same time, so each ring of deadlines is sorted.
    fn set_deadline(&mut self, ticket: Ticket) {
        let class = usize::from(self.requests[ticket.slot as usize].class);
        let own = self.scenario.classes.get(class).and_then(|class| class.timeout);
        let (ring, timeout) = if own.is_some() { (class + 1, own) } else { (0, self.scenario.timeout) };
        if let Some(timeout) = timeout {
            self.deadlines[ring].push_back(Deadline { at: self.now.saturating_add(timeout.0), ticket });
        }
    }

    /// The request in a slot takes its place at its replica, as its phase says.
    pub(super) fn occupy(&mut self, ticket: Ticket) {
        let Request { replica: at, phase, number, work, class, .. } = self.requests[ticket.slot as usize];
        let priority = self.scenario.classes.get(usize::from(class)).map_or(0, |class| class.priority);
        let replica = &mut self.replicas[at as usize];
        replica.in_flight += 1;
        if replica.bursts() {
            // Not at once: whoever sends must be done with it first.
            self.agenda.schedule(self.now, Kind::Killed, at);
        }
        if phase == Phase::Limbo {
            return;
        }
        match &mut replica.station {
            Station::Fifo(station) if phase == Phase::InService => {
                station.busy += 1;
                let takes = replica.takes(work, self.now);
                self.agenda.schedule(self.now.saturating_add(takes), Kind::Done, ticket.slot);
            }
            Station::Fifo(station) => {
                station.push(ticket, priority);
                self.wait_impatiently(ticket);
            }
            Station::Ps(_) | Station::Preempt(_) => {
                let takes = replica.takes(work, self.now);
                self.advance(at);
                match &mut self.replicas[at as usize].station {
                    Station::Ps(station) => station.enter(ticket, number, takes),
                    Station::Preempt(station) => station.enter(ticket, number, takes, priority),
                    Station::Fifo(_) => {}
                }
                self.reschedule(at);
            }
        }
    }

    pub(super) fn take_slot(&mut self, mut request: Request) -> Result<Ticket, SimError> {
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
}
