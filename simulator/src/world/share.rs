//! Processor sharing: replicas whose requests all progress at once.

use super::{Phase, Request, World};
use crate::event::Kind;
use crate::station::{Station, Ticket};
use crate::tally::after_cut;

impl World<'_> {
    /// Brings a processor-sharing replica up to now.
    pub(super) fn advance(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        if let Station::Ps(station) = &mut replica.station {
            let (from, busy) = station.advance(self.now);
            replica.busy += u128::from(after_cut(self.cut, from, self.now)) * u128::from(busy);
        }
    }

    /// Schedules the next departure from a processor-sharing replica; the one scheduled before is void.
    pub(super) fn reschedule(&mut self, at: u32) {
        let Self { replicas, requests, agenda, .. } = self;
        let Station::Ps(station) = &mut replicas[at as usize].station else { return };
        let current = |ticket: Ticket| is_current(requests, ticket);
        station.next = station.next_departure(current).map(|due| agenda.schedule(due, Kind::Departure, at));
    }
}

pub(super) fn is_current(requests: &[Request], ticket: Ticket) -> bool {
    let request = &requests[ticket.slot as usize];
    request.generation == ticket.generation && matches!(request.phase, Phase::Waiting | Phase::InService)
}
