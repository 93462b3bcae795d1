//! A request on its way.

use crate::station::Ticket;

/// A request in flight: 96 bytes (a test counts), and 8 in a queue.
#[derive(Debug)]
pub(super) struct Request {
    /// Of the request, not of the attempt.
    pub arrived: u64,
    /// Number of arrival, from 0.
    pub number: u64,
    /// When it was let in; `NEVER` if it holds no place among the requests at once.
    pub admitted: u64,
    /// When this attempt was sent.
    pub sent: u64,
    /// When its service began.
    pub started: u64,
    /// At the replica's speed; `UNKNOWN` while it gets a connection to the first of a pool.
    pub work: u64,
    pub replica: u32,
    pub generation: u32,
    pub attempts: u32,
    /// Retries by its user.
    pub tries: u32,
    /// Who sent it: a user, or a closed session.
    pub user: u32,
    /// Its connection; with a pick for each request, how many that one has carried before.
    pub link: u32,
    pub class: u8,
    /// Region of its user, and the one that it is sent to.
    pub home: u8,
    pub region: u8,
    pub phase: Phase,
    /// Its attempt will end like this after all its work: its session is gone.
    pub doomed: Option<balancer::OutcomeKind>,
    /// Where it was tried before; only retries have any.
    #[expect(clippy::box_collection, reason = "one word per request in flight instead of three")]
    pub tried: Option<Box<Vec<balancer::BackendId>>>,
    /// Its calls; only in scenarios with dependencies.
    pub journey: Option<Box<super::call::Journey>>,
}

/// Work that is still to be drawn.
pub(super) const UNKNOWN: u64 = u64::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Free,
    Waiting,
    InService,
    /// Given up in service: the slot waits for its event to come up.
    Stale,
    /// The work of this visit is done, and what follows from that is being worked out.
    Finished,
    /// Cut off: nobody works on it, nobody answers.
    Limbo,
    /// Its user waits before trying again.
    Away,
    /// It waits at the broker.
    Queued,
    /// It waits at the balancer's door.
    AtDoor,
}

/// When an attempt is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub at: u64,
    pub ticket: Ticket,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_flight_is_as_small_as_the_documentation_says() {
        // With 16 more among the events or 8 in a queue, and 16 with a time-out: at most 128.
        assert_eq!(size_of::<Request>(), 96);
        assert_eq!(size_of::<Deadline>(), 16);
    }
}
