//! How a replica serves: first in first out on several servers (also by priority), processor sharing, or preemptive priority.

mod preempt;
mod ps;

use std::collections::VecDeque;

pub(crate) use preempt::Preempt;
pub(crate) use ps::Ps;

use crate::event::Event;
use crate::scenario::{Discipline, PoolSpec};

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
    Preempt(Preempt),
}

impl Station {
    pub fn new(spec: &PoolSpec) -> Self {
        match spec.discipline {
            Discipline::Fifo | Discipline::Priority => Self::Fifo(Fifo {
                servers: spec.concurrency,
                queue_limit: spec.queue,
                by_priority: spec.discipline == Discipline::Priority,
                ..Fifo::default()
            }),
            Discipline::Ps => Self::Ps(Ps::new(spec.concurrency, spec.queue, spec.contention)),
            Discipline::PreemptivePriority => Self::Preempt(Preempt::new(spec.concurrency, spec.queue)),
        }
    }

    #[inline]
    pub fn admission(&self) -> Admission {
        match self {
            Self::Fifo(station) => station.admission(),
            Self::Ps(station) => station.admission(),
            Self::Preempt(station) => station.admission(),
        }
    }

    /// Brings a station whose requests progress together up to `now`; the busy servers over (from, now] as (from, how many). First in
    /// first out keeps its own books.
    pub fn advance(&mut self, now: u64) -> (u64, u64) {
        match self {
            Self::Fifo(_) => (now, 0),
            Self::Ps(station) => station.advance(now),
            Self::Preempt(station) => station.advance(now),
        }
    }

    /// The one departure event that is valid; all others are out of date.
    pub fn next(&mut self) -> Option<&mut Option<Event>> {
        match self {
            Self::Fifo(_) => None,
            Self::Ps(station) => Some(&mut station.next),
            Self::Preempt(station) => Some(&mut station.next),
        }
    }

    /// When the next departure is due, if anybody is there.
    pub fn next_departure(&mut self, current: impl Fn(Ticket) -> bool) -> Option<u64> {
        match self {
            Self::Fifo(_) => None,
            Self::Ps(station) => station.next_departure(current),
            Self::Preempt(station) => station.next_departure(),
        }
    }

    /// Takes the request whose departure is due; call `advance` before.
    pub fn depart(&mut self, current: impl Fn(Ticket) -> bool) -> Option<Ticket> {
        match self {
            Self::Fifo(_) => None,
            Self::Ps(station) => station.depart(current),
            Self::Preempt(station) => station.depart(),
        }
    }

    /// A request was given up; call `advance` before.
    pub fn left(&mut self, ticket: Ticket) {
        match self {
            Self::Fifo(_) => {}
            Self::Ps(station) => station.left(),
            Self::Preempt(station) => station.left(ticket),
        }
    }
}

/// First in, first out on `servers` servers.
#[derive(Debug, Default)]
pub(crate) struct Fifo {
    pub servers: u32,
    pub busy: u32,
    /// Those in `queue` that haven't been given up.
    pub waiting: u32,
    /// Who waits; by priority, the most important.
    queue: VecDeque<Ticket>,
    /// The less important, from priority 1 on.
    others: Vec<VecDeque<Ticket>>,
    by_priority: bool,
    queue_limit: Option<u32>,
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
    pub fn push(&mut self, ticket: Ticket, priority: u8) {
        self.waiting += 1;
        if priority == 0 || !self.by_priority {
            return self.queue.push_back(ticket);
        }
        let place = usize::from(priority) - 1;
        if self.others.len() <= place {
            self.others.resize_with(place + 1, VecDeque::new);
        }
        self.others[place].push_back(ticket);
    }

    /// The next entry, also of requests that were given up.
    #[inline]
    pub fn pop(&mut self) -> Option<Ticket> {
        self.queue.pop_front().or_else(|| self.others.iter_mut().find_map(VecDeque::pop_front))
    }

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
