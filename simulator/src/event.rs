//! Events as 16-byte copies in a binary heap, ordered by (time, sequence).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens; fits four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A FIFO server has finished the request in this slot.
    Done = 0,
    /// The next departure from this processor-sharing replica.
    Departure = 1,
    /// This replica has booted.
    Booted = 2,
    /// The autoscaler is asked.
    Tick = 3,
    /// The balancer may have probes due.
    Probes = 4,
    /// The user of the request in this slot tries again.
    Resend = 5,
    /// The user of this session has thought.
    Think = 6,
    /// Patience has run out; an index into the list of those who wait impatiently.
    Abandon = 7,
    /// A fault begins (even index) or ends.
    Fault = 8,
    /// This replica needs more memory than it has.
    Killed = 9,
    /// This replica is back from a crash.
    Restarted = 10,
    /// The request in this slot has come to its region.
    Reach = 11,
    /// The name service looks at the regions.
    Names = 12,
    /// The request in this slot has its connection.
    Connected = 13,
    /// This region's balancer lets in who waits at its door.
    Door = 14,
}

const INDEX_BITS: u32 = 24;
const KIND_BITS: u32 = 4;
/// Slots and replicas are addressed with 24 bits: at most 16.7 million requests in flight.
pub(crate) const MOST_INDEX: u32 = (1 << INDEX_BITS) - 1;

/// 64 bits of time, 36 of sequence (6.9 · 10^10 events), 4 of kind, 24 of index. One integer comparison orders by (time, sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event(u128);

impl Event {
    pub fn new(at: u64, sequence: u64, kind: Kind, index: u32) -> Self {
        let tag = (sequence << (INDEX_BITS + KIND_BITS)) | ((kind as u64) << INDEX_BITS) | u64::from(index);
        Self((u128::from(at) << 64) | u128::from(tag))
    }

    /// When [ns].
    pub fn at(self) -> u64 {
        (self.0 >> 64) as u64
    }

    pub fn kind(self) -> Kind {
        match (self.0 as u64 >> INDEX_BITS) & 0xf {
            0 => Kind::Done,
            1 => Kind::Departure,
            2 => Kind::Booted,
            3 => Kind::Tick,
            4 => Kind::Probes,
            5 => Kind::Resend,
            6 => Kind::Think,
            7 => Kind::Abandon,
            8 => Kind::Fault,
            9 => Kind::Killed,
            10 => Kind::Restarted,
            11 => Kind::Reach,
            12 => Kind::Names,
            13 => Kind::Connected,
            _ => Kind::Door,
        }
    }

    pub fn index(self) -> u32 {
        self.0 as u32 & MOST_INDEX
    }
}

/// Everything that is scheduled, except arrivals and time-outs (those come sorted by themselves).
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<Event>>,
    sequence: u64,
}

impl Agenda {
    /// Schedules, and returns the event as it will come back.
    #[inline]
    pub fn schedule(&mut self, at: u64, kind: Kind, index: u32) -> Event {
        let event = Event::new(at, self.sequence, kind, index);
        self.sequence += 1;
        self.heap.push(Reverse(event));
        event
    }

    /// When the next one is due; `u64::MAX` when there is none.
    #[inline]
    pub fn next_at(&self) -> u64 {
        self.heap.peek().map_or(u64::MAX, |event| event.0.at())
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        self.heap.pop().map(|event| event.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_by_time_then_first_in_first_out() {
        let mut agenda = Agenda::default();
        agenda.schedule(7, Kind::Tick, 1);
        agenda.schedule(5, Kind::Probes, MOST_INDEX);
        agenda.schedule(5, Kind::Done, 3);
        agenda.schedule(u64::MAX - 1, Kind::Booted, 4);
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).map(|event| (event.at(), event.kind(), event.index())).collect();
        let expected = [(5, Kind::Probes, MOST_INDEX), (5, Kind::Done, 3), (7, Kind::Tick, 1), (u64::MAX - 1, Kind::Booted, 4)];
        assert_eq!(order, expected);
        assert_eq!(size_of::<Event>(), 16);
    }
}
