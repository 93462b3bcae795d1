//! The end of a service, and the beginning of the next.

use balancer::{Outcome, OutcomeKind};

use super::share::is_current;
use super::{Nanos, Phase, World};
use crate::event::{Event, Kind};
use crate::run::SimError;
use crate::station::{Station, Ticket};
use crate::tally::after_cut;

impl World<'_> {
    /// A FIFO server has finished.
    #[inline]
    pub(super) fn done(&mut self, slot: u32) -> Result<(), SimError> {
        let request = &mut self.requests[slot as usize];
        if self.intricate && request.phase != Phase::Stale {
            return self.work_done(slot);
        }
        let phase = std::mem::replace(&mut request.phase, Phase::Free);
        self.free.push(slot);
        if phase == Phase::Stale {
            return Ok(());
        }
        let (at, started) = (request.replica, request.started);
        self.release(at, started);
        self.served(slot);
        Ok(())
    }

    /// A FIFO server that was in use since `started` gets free.
    #[inline]
    pub(super) fn release(&mut self, at: u32, started: u64) {
        self.replicas[at as usize].busy += u128::from(after_cut(self.cut, started, self.now));
        self.serve_next(at);
    }

    /// The next departure from a replica whose requests progress together, unless the event is out of date.
    pub(super) fn departure(&mut self, event: Event) -> Result<(), SimError> {
        let at = event.index();
        if self.replicas[at as usize].station.next().is_none_or(|next| *next != Some(event)) {
            return Ok(());
        }
        self.advance(at);
        let Self { replicas, requests, .. } = self;
        let station = &mut replicas[at as usize].station;
        let current = |ticket: Ticket| is_current(requests, ticket);
        let departed = station.depart(current);
        self.reschedule(at);
        let Some(Ticket { slot, .. }) = departed else { return Ok(()) };
        if self.intricate {
            return self.work_done(slot);
        }
        self.requests[slot as usize].phase = Phase::Free;
        self.free.push(slot);
        self.served(slot);
        Ok(())
    }

    /// Books a success. The slot is free already, its content still there.
    pub(super) fn served(&mut self, slot: u32) {
        let request = &self.requests[slot as usize];
        let at = request.replica;
        let outcome = Outcome::new(OutcomeKind::Success, Nanos(self.now - request.sent));
        let (link, user) = (request.link, request.user);
        let (region, admitted) = (request.region, request.admitted);
        let ended = self.now + self.way_back(request.home, request.region).0;
        let began = self.without_way(request, at, request.started);
        self.tally.served(request.number, request.class, request.arrived, began, ended);
        self.replicas[at as usize].served += u64::from(request.arrived >= self.cut);
        self.seen.served += 1;
        self.conclude(at, (region, link), &outcome);
        self.step_out(region, admitted, OutcomeKind::Success);
        self.stick(user, at);
        self.note_served(slot, ended);
        self.note_health(at, region, OutcomeKind::Success);
        self.one_less(at);
        self.think(user);
    }

    /// A FIFO server got free: the next in the queue, skipping those that were given up.
    fn serve_next(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        let Station::Fifo(station) = &mut replica.station else { return };
        while let Some(ticket) = station.pop() {
            if !is_current(&self.requests, ticket) {
                continue;
            }
            station.waiting -= 1;
            let request = &mut self.requests[ticket.slot as usize];
            request.phase = Phase::InService;
            request.started = self.now;
            let work = request.work;
            let takes = replica.takes(work, self.now);
            self.agenda.schedule(self.now.saturating_add(takes), Kind::Done, ticket.slot);
            return;
        }
        station.busy -= 1;
        self.offer(at);
    }
}
