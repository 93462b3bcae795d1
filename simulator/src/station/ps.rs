//! Processor sharing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Admission, Ticket};
use crate::event::Event;
use crate::scenario::Contention;

/// Sub-nanosecond bits of virtual time.
const FRACTION: u32 = 8;
/// Bits of a rate under contention.
const RATE: u32 = 32;
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
    contention: Option<Contention>,
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
    pub fn new(servers: u32, queue_limit: Option<u32>, contention: Option<Contention>) -> Self {
        Self { servers: u64::from(servers), queue_limit, contention, ..Self::default() }
    }

    pub fn admission(&self) -> Admission {
        let limit = self.queue_limit.map_or(u64::MAX, |queue| self.servers + u64::from(queue));
        if self.n < limit { Admission::Serve } else { Admission::Full }
    }

    /// Brings virtual time up to `now`. The busy servers over (from, now] are returned as (from, how many).
    pub fn advance(&mut self, now: u64) -> (u64, u64) {
        let (from, busy) = (self.at, self.n.min(self.servers));
        let passed = u128::from(now - from) << FRACTION;
        if let Some(rate) = self.contended() {
            self.virtual_now += ((passed * u128::from(rate)) >> RATE) as u64;
        } else if self.n > self.servers {
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
        if let Some(rate) = self.contended() {
            let wait = (left << RATE).div_ceil(u128::from(rate.max(1)) << FRACTION);
            return Some(self.at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX)));
        }
        let (sharing, servers) = if self.n > self.servers { (self.n, self.servers) } else { (1, 1) };
        let wait = (left * u128::from(sharing)).div_ceil(u128::from(servers) << FRACTION);
        Some(self.at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX)))
    }

    /// The rate of each request in 2^-32, where requests get in each other's way.
    fn contended(&self) -> Option<u64> {
        let Contention { sigma, kappa } = self.contention?;
        let n = self.n.max(1) as f64;
        let alone = if self.n > self.servers { self.servers as f64 / n } else { 1.0 };
        Some((alone / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0)) * (1_u64 << RATE) as f64) as u64)
    }

    fn drop_given_up(&mut self, current: &impl Fn(Ticket) -> bool) {
        while self.jobs.peek().is_some_and(|Reverse((_, _, ticket))| !current(*ticket)) {
            self.jobs.pop();
        }
    }
}
