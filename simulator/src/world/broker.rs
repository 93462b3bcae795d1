//! The queue in front: requests wait in one line, free consumers pull.

use std::collections::VecDeque;

use balancer::BackendId;

use super::{Nanos, Phase, Request, World};
use crate::autoscale::ReplicaState;
use crate::run::SimError;
use crate::scenario::Broker;
use crate::station::{Station, Ticket};
use crate::tally::{Loss, after_cut};

/// What a broker did in one replication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BrokerResult {
    /// Integral of the number of waiting requests from the cut to the end [request-ns].
    pub backlog: u128,
    /// The most that ever waited after the cut.
    pub longest: u64,
    /// Deliveries beyond each request's first, after the cut.
    pub redelivered: u64,
}

#[derive(Debug)]
pub(super) struct Line<'s> {
    spec: &'s Broker,
    /// Also entries of requests that have left.
    line: VecDeque<Ticket>,
    pub waiting: u64,
    /// Replicas that may have a free consumer, whoever has waited longest first.
    free: VecDeque<u32>,
    /// By replica: it is in `free`.
    listed: Vec<bool>,
    since: u64,
    pub result: BrokerResult,
}

impl<'s> Line<'s> {
    pub fn new(spec: &'s Broker) -> Self {
        let (line, free, listed) = (VecDeque::new(), VecDeque::new(), Vec::new());
        Self { spec, line, waiting: 0, free, listed, since: 0, result: BrokerResult::default() }
    }

    /// This replica may have a free consumer.
    fn offer(&mut self, at: u32) {
        let place = at as usize;
        if self.listed.len() <= place {
            self.listed.resize(place + 1, false);
        }
        if !std::mem::replace(&mut self.listed[place], true) {
            self.free.push_back(at);
        }
    }

    /// Counts how many wait, before that changes.
    pub fn count(&mut self, cut: u64, now: u64) {
        self.result.backlog += u128::from(after_cut(cut, self.since, now)) * u128::from(self.waiting);
        self.since = now;
    }
}

impl World<'_> {
    /// All replicas are there to pull.
    pub(super) fn open_broker(&mut self) {
        for at in 0..self.replicas.len() as u32 {
            self.offer(at);
        }
    }

    /// This replica may have a free consumer now.
    #[inline]
    pub(super) fn offer(&mut self, at: u32) {
        if let Some(line) = &mut self.broker {
            line.offer(at);
        }
    }

    /// A request comes to the broker, or comes back to it.
    pub(super) fn publish(&mut self, mut request: Request, again: bool) -> Result<(), SimError> {
        let Some(line) = &mut self.broker else { return Ok(()) };
        if !again && line.spec.queue.is_some_and(|most| line.waiting >= u64::from(most)) {
            return self.lose(request, Loss::Rejected, None);
        }
        line.count(self.cut, self.now);
        line.waiting += 1;
        request.phase = Phase::Queued;
        let ticket = self.take_slot(request)?;
        if let Some(line) = &mut self.broker {
            if again { line.line.push_front(ticket) } else { line.line.push_back(ticket) }
        }
        self.wait_impatiently(ticket);
        Ok(())
    }

    /// Whether this request is the one that waits at the broker.
    pub(super) fn is_queued(&self, ticket: Ticket) -> bool {
        let request = &self.requests[ticket.slot as usize];
        request.generation == ticket.generation && request.phase == Phase::Queued
    }

    /// A request that waited goes: delivered, or out of patience.
    pub(super) fn leave_broker(&mut self, slot: u32) -> Request {
        if let Some(line) = &mut self.broker {
            line.count(self.cut, self.now);
            line.waiting -= 1;
        }
        self.take_back(slot)
    }

    /// Free consumers pull what waits. To be called when everything else about an event is done.
    pub(super) fn pull(&mut self) -> Result<(), SimError> {
        while let Some(line) = &mut self.broker
            && line.waiting > 0
        {
            let Some(at) = line.free.pop_front() else { break };
            line.listed[at as usize] = false;
            if !self.may_pull(at) {
                continue;
            }
            let Some(ticket) = self.next_message() else { break };
            let request = self.leave_broker(ticket.slot);
            self.deliver(request, at)?;
            self.offer(at);
        }
        if let Some(line) = &mut self.broker
            && self.now >= self.cut
        {
            line.result.longest = line.result.longest.max(line.waiting);
        }
        Ok(())
    }

    fn may_pull(&self, at: u32) -> bool {
        let replica = &self.replicas[at as usize];
        let free = matches!(&replica.station, Station::Fifo(station) if station.busy < station.servers);
        let spec = self.specs[replica.pool as usize];
        free && replica.state == Some(ReplicaState::Ready) && replica.cut_off == 0 && self.is_front(replica.pool) && spec.weight > 0
    }

    fn next_message(&mut self) -> Option<Ticket> {
        loop {
            let ticket = self.broker.as_mut()?.line.pop_front()?;
            if self.is_queued(ticket) {
                return Some(ticket);
            }
        }
    }

    /// A request goes to a consumer that is free.
    fn deliver(&mut self, mut request: Request, at: u32) -> Result<(), SimError> {
        request.attempts += 1;
        request.sent = self.now;
        let backend = BackendId(at + 1);
        self.fronts[0].begin(backend, Nanos(self.now));
        match self.place(request, backend)? {
            Ok(()) => Ok(()),
            // Nobody is asked who can't take it.
            Err((request, failure)) => self.lose(request, failure.loss, Some(backend)),
        }
    }

    /// A consumer failed: the request goes back to the head of the line, or is given up (`Some`) when it was handed out often enough.
    pub(super) fn redeliver(&mut self, request: Request) -> Result<Option<Request>, SimError> {
        let Some(line) = self.broker.as_mut().filter(|line| request.attempts < line.spec.deliveries) else { return Ok(Some(request)) };
        line.result.redelivered += u64::from(request.arrived >= self.cut);
        self.tally.retried(request.arrived);
        self.publish(request, true)?;
        Ok(None)
    }
}
