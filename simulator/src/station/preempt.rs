//! Preemptive-resume priority: whoever is more important takes the server of the least important, who goes on later where it stopped.

use std::collections::BTreeMap;

use super::{Admission, Ticket};
use crate::event::Event;

/// (priority, number of arrival): smaller is served first.
type Rank = (u8, u64);

#[derive(Debug, Default)]
pub(crate) struct Preempt {
    servers: usize,
    queue_limit: Option<u32>,
    /// In service: when it will be through.
    running: BTreeMap<Rank, (u64, Ticket)>,
    /// Waiting or put aside: what is left of its work.
    waiting: BTreeMap<Rank, (u64, Ticket)>,
    at: u64,
    /// The one departure event that is valid; all others are out of date.
    pub next: Option<Event>,
}

impl Preempt {
    pub fn new(servers: u32, queue_limit: Option<u32>) -> Self {
        Self { servers: servers as usize, queue_limit, ..Self::default() }
    }

    pub fn admission(&self) -> Admission {
        let limit = self.queue_limit.map_or(usize::MAX, |queue| self.servers + queue as usize);
        if self.running.len() + self.waiting.len() < limit { Admission::Serve } else { Admission::Full }
    }

    pub fn advance(&mut self, now: u64) -> (u64, u64) {
        let from = std::mem::replace(&mut self.at, now);
        (from, self.running.len() as u64)
    }

    /// Adds a request; call `advance` before.
    pub fn enter(&mut self, ticket: Ticket, number: u64, work: u64, priority: u8) {
        self.waiting.insert((priority, number), (work, ticket));
        if self.running.len() == self.servers
            && let Some((rank, (finish, ticket))) = self.running.pop_last()
        {
            self.waiting.insert(rank, (finish - self.at, ticket));
        }
        self.fill();
    }

    /// Takes the request that is through; call `advance` before.
    pub fn depart(&mut self) -> Option<Ticket> {
        let (rank, (_, ticket)) = self.first().map(|(rank, entry)| (*rank, *entry))?;
        self.running.remove(&rank);
        self.fill();
        Some(ticket)
    }

    /// A request was given up; call `advance` before.
    pub fn left(&mut self, ticket: Ticket) {
        self.running.retain(|_, (_, other)| *other != ticket);
        self.waiting.retain(|_, (_, other)| *other != ticket);
        self.fill();
    }

    pub fn next_departure(&self) -> Option<u64> {
        self.first().map(|(_, (finish, _))| *finish)
    }

    fn first(&self) -> Option<(&Rank, &(u64, Ticket))> {
        self.running.iter().min_by_key(|(rank, (finish, _))| (*finish, **rank))
    }

    fn fill(&mut self) {
        while self.running.len() < self.servers
            && let Some((rank, (left, ticket))) = self.waiting.pop_first()
        {
            self.running.insert(rank, (self.at.saturating_add(left), ticket));
        }
    }
}
