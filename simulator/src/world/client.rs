//! The users behind the requests: what kind of request they send, how long they wait, whether they try again, and what they do after.

use rand_pcg::Pcg64Mcg;

use super::share::is_current;
use super::{NOBODY, Phase, Request, World, open01};
use crate::event::Kind;
use crate::rng::{Stream, child};
use crate::run::SimError;
use crate::sample::{Exponential, ServiceSampler};
use crate::scenario::{Arrivals, Backoff, Jitter, Scenario};
use crate::station::Ticket;
use crate::tally::Loss;

/// What users draw from.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Running sums of the classes' shares, ending with 1.
    classes: Vec<f64>,
    class_rng: Pcg64Mcg,
    rng: Pcg64Mcg,
    think: Option<ServiceSampler>,
    sessions: u32,
    patience: Option<ServiceSampler>,
    /// Who waits impatiently, by the index of the event.
    impatient: Vec<Ticket>,
    free: Vec<u32>,
}

impl Crowd {
    pub fn new(scenario: &Scenario, seed: u64, replication: u32) -> Self {
        let total: f64 = scenario.classes.iter().map(|class| class.share).sum();
        let mut sum = 0.0;
        let classes = scenario.classes.iter().map(|class| {
            sum += class.share / total;
            sum
        });
        let (think, sessions) = match &scenario.arrivals {
            Arrivals::Closed { sessions, think } => (Some(ServiceSampler::new(think, 1.0)), *sessions),
            _ => (None, 0),
        };
        Self {
            classes: classes.collect(),
            class_rng: child(seed, replication, Stream::Classes),
            rng: child(seed, replication, Stream::Clients),
            think,
            sessions,
            patience: scenario.clients.patience.as_ref().map(|patience| ServiceSampler::new(patience, 1.0)),
            impatient: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl World<'_> {
    /// The class of the next request.
    pub(super) fn draw_class(&mut self) -> u8 {
        if self.crowd.classes.len() < 2 {
            return 0;
        }
        let u = open01(&mut self.crowd.class_rng);
        let last = self.crowd.classes.len() - 1;
        self.crowd.classes.iter().position(|sum| u < *sum).unwrap_or(last) as u8
    }

    /// Everybody begins by thinking.
    pub(super) fn open_sessions(&mut self) {
        for session in 0..self.crowd.sessions {
            self.think(session);
        }
    }

    /// A session has its answer, or its final failure. Users of open arrivals don't wait for theirs.
    #[inline]
    pub(super) fn think(&mut self, session: u32) {
        if session != NOBODY
            && let Some(think) = &self.crowd.think
        {
            let thinks = think.draw(&mut self.crowd.rng);
            self.agenda.schedule(self.now.saturating_add(thinks), Kind::Think, session);
        }
    }

    /// A request has begun to wait.
    #[inline]
    pub(super) fn wait_impatiently(&mut self, ticket: Ticket) {
        let Some(patience) = &self.crowd.patience else { return };
        let waits = patience.draw(&mut self.crowd.rng);
        let place = self.crowd.free.pop().unwrap_or(self.crowd.impatient.len() as u32);
        match self.crowd.impatient.get_mut(place as usize) {
            Some(entry) => *entry = ticket,
            None => self.crowd.impatient.push(ticket),
        }
        self.agenda.schedule(self.now.saturating_add(waits), Kind::Abandon, place);
    }

    /// Patience has run out, if the request still waits.
    pub(super) fn abandon(&mut self, place: u32) -> Result<(), SimError> {
        let ticket = self.crowd.impatient[place as usize];
        self.crowd.free.push(place);
        if self.is_queued(ticket) {
            let request = self.leave_broker(ticket.slot);
            self.tally.abandoned(request.arrived);
            return self.lose(request, Loss::TimedOut, None);
        }
        if !is_current(&self.requests, ticket) || self.requests[ticket.slot as usize].phase != Phase::Waiting {
            return Ok(());
        }
        let (front, request) = self.detach(ticket.slot);
        self.replicas[front as usize].errors += u64::from(request.arrived >= self.cut);
        // The user went away: that says nothing about the backend, and nobody tries it elsewhere.
        let outcome = balancer::Outcome::new(balancer::OutcomeKind::Cancelled, super::Nanos(self.now - request.sent));
        self.conclude(front, (request.region, request.link), &outcome);
        self.tally.abandoned(request.arrived);
        self.note_health(front, request.region, balancer::OutcomeKind::Cancelled);
        self.lose(request, Loss::TimedOut, Some(balancer::BackendId(front + 1)))
    }

    /// The user tries again after a while, with a new attempt: other work, any backend.
    pub(super) fn try_later(&mut self, mut request: Request, backoff: &Backoff) -> Result<(), SimError> {
        let exponent = f64::from(request.tries);
        let delay = (backoff.delay.0 as f64 * libm::pow(backoff.factor, exponent)).min(backoff.max.0 as f64);
        let rng = &mut self.crowd.rng;
        let delay = match backoff.jitter {
            Jitter::None => delay,
            Jitter::Full => delay * open01(rng),
            Jitter::Exponential => delay * Exponential::new().draw(rng),
        };
        self.tally.retried(request.arrived);
        request.tries += 1;
        (request.attempts, request.replica, request.tried, request.phase) = (0, u32::MAX, None, Phase::Away);
        let ticket = self.take_slot(request)?;
        self.agenda.schedule(self.now.saturating_add(delay as u64), Kind::Resend, ticket.slot);
        Ok(())
    }

    /// The back-off is over.
    pub(super) fn resend(&mut self, slot: u32) -> Result<(), SimError> {
        let request = self.take_back(slot);
        self.dispatch(request)
    }

    /// Takes a request out of the slot in which it was on its way.
    pub(super) fn take_back(&mut self, slot: u32) -> Request {
        let place = &mut self.requests[slot as usize];
        let husk = Request { phase: Phase::Free, tried: None, journey: None, ..*place };
        let mut request = std::mem::replace(place, husk);
        request.phase = Phase::Free;
        self.free.push(slot);
        request
    }
}
