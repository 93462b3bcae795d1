//! Replicas whose requests progress together: processor sharing and preemptive priority.

use super::{Phase, Request, World};
use crate::event::Kind;
use crate::station::Ticket;
use crate::tally::after_cut;

impl World<'_> {
    /// Brings such a replica up to now.
    pub(super) fn advance(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        let (from, busy) = replica.station.advance(self.now);
        replica.busy += u128::from(after_cut(self.cut, from, self.now)) * u128::from(busy);
    }

    /// Schedules the next departure from such a replica; the one scheduled before is void.
    pub(super) fn reschedule(&mut self, at: u32) {
        let Self { replicas, requests, agenda, .. } = self;
        let station = &mut replicas[at as usize].station;
        let due = station.next_departure(|ticket| is_current(requests, ticket));
        if let Some(next) = station.next() {
            *next = due.map(|due| agenda.schedule(due, Kind::Departure, at));
        }
    }
}

pub(super) fn is_current(requests: &[Request], ticket: Ticket) -> bool {
    let request = &requests[ticket.slot as usize];
    request.generation == ticket.generation && matches!(request.phase, Phase::Waiting | Phase::InService | Phase::Limbo)
}
