//! How a replica serves: first in first out on several servers, or processor sharing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::event::Event;

/// A request's place, and which of its attempts is meant: a place that was given up and reused has moved on to another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub slot: u32,
    pub generation: u32,
}

#[derive(Debug)]
pub(crate) enum Station {
    Fifo(Fifo),
    Ps(Ps),
}

/// First in, first out on `servers` servers.
#[derive(Debug, Default)]
pub(crate) struct Fifo {
    pub servers: u32,
    pub busy: u32,
    /// Those in `queue` that haven't been given up.
    pub waiting: u32,
    pub queue: VecDeque<Ticket>,
    pub queue_limit: Option<u32>,
}

/// What becomes of a request that is sent to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Serve,
    Wait,
    Full,
}

impl Fifo {
    #[inline]
    pub fn admission(&self) -> Admission {
        if self.busy < self.servers {
            Admission::Serve
        } else if self.queue_limit.is_none_or(|limit| self.waiting < limit) {
            Admission::Wait
        } else {
            Admission::Full
        }
    }
}

/// Sub-nanosecond bits of virtual time.
const FRACTION: u32 = 8;
/// Longest work that virtual time can hold with room to spare (416 days at once).
const MOST_WORK: u64 = 1 << 55;

/// Processor sharing: each of n requests is served at the rate min(1, servers / n). In virtual time, which runs at that rate, every request
/// takes exactly its work, so that one heap by virtual finish suffices and an arrival or departure costs O(log n).
///
/// Virtual time is an integer in 1/256 ns: rounding shifts a departure by less than a nanosecond per event that it shares the server with,
/// and it starts again at zero whenever the replica is idle.
#[derive(Debug, Default)]
pub(crate) struct Ps {
    servers: u64,
    queue_limit: Option<u32>,
    /// By virtual finish, then by number of arrival.
    jobs: BinaryHeap<Reverse<(u64, u64, Ticket)>>,
    /// Jobs that haven't been given up.
    n: u64,
    virtual_now: u64,
    at: u64,
    /// The one departure event that is valid; all others are out of date.
    pub next: Option<Event>,
}

impl Ps {
    pub fn new(servers: u32, queue_limit: Option<u32>) -> Self {
        Self { servers: u64::from(servers), queue_limit, ..Self::default() }
    }

    pub fn admission(&self) -> Admission {
        let limit = self.queue_limit.map_or(u64::MAX, |queue| self.servers + u64::from(queue));
        if self.n < limit { Admission::Serve } else { Admission::Full }
    }

    /// Brings virtual time up to `now`. The busy servers over (from, now] are returned as (from, how many).
    pub fn advance(&mut self, now: u64) -> (u64, u64) {
        let (from, busy) = (self.at, self.n.min(self.servers));
        let passed = u128::from(now - from) << FRACTION;
        if self.n > self.servers {
            self.virtual_now += (passed * u128::from(self.servers) / u128::from(self.n)) as u64;
        } else if self.n > 0 {
            self.virtual_now += passed as u64;
        }
        self.at = now;
        (from, busy)
    }

    /// Adds a request; call `advance` before.
    pub fn enter(&mut self, ticket: Ticket, number: u64, work: u64) {
        let finish = self.virtual_now + (work.min(MOST_WORK) << FRACTION);
        self.jobs.push(Reverse((finish, number, ticket)));
        self.n += 1;
    }

    /// Takes the request whose departure is due; call `advance` before.
    pub fn depart(&mut self, current: impl Fn(Ticket) -> bool) -> Option<Ticket> {
        self.drop_given_up(&current);
        let Reverse((finish, _, ticket)) = self.jobs.pop()?;
        // Rounding down may have left virtual time a hair before the finish that the event stands for.
        self.virtual_now = self.virtual_now.max(finish);
        self.left();
        Some(ticket)
    }

    /// A request was given up; its entry is dropped when it comes up. Call `advance` before.
    pub fn left(&mut self) {
        self.n -= 1;
        if self.n == 0 {
            self.jobs.clear();
            self.virtual_now = 0;
        }
    }

    /// When the next departure is due, if anybody is there.
    pub fn next_departure(&mut self, current: impl Fn(Ticket) -> bool) -> Option<u64> {
        self.drop_given_up(&current);
        let Reverse((finish, ..)) = self.jobs.peek()?;
        let left = u128::from(finish.saturating_sub(self.virtual_now));
        let (sharing, servers) = if self.n > self.servers { (self.n, self.servers) } else { (1, 1) };
        let wait = (left * u128::from(sharing)).div_ceil(u128::from(servers) << FRACTION);
        Some(self.at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX)))
    }

    fn drop_given_up(&mut self, current: &impl Fn(Ticket) -> bool) {
        while self.jobs.peek().is_some_and(|Reverse((_, _, ticket))| !current(*ticket)) {
            self.jobs.pop();
        }
    }
}
