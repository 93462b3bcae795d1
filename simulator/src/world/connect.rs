//! Connections between the picks and the replicas: kept by a proxy for requests of anybody, or by clients through a layer-4 balancer.

use balancer::{BackendId, NoBackend, Outcome, OutcomeKind, PickRequest};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::request::UNKNOWN;
use super::{Nanos, Phase, Request, World};
use crate::autoscale::ReplicaState;
use crate::event::Kind;
use crate::rng::{Stream, child};
use crate::run::SimError;
use crate::scenario::{Connections, PickPer};

/// No connection.
pub(super) const NONE: u32 = u32::MAX;

/// A connection of a client through a layer-4 balancer.
#[derive(Debug, Clone, Copy)]
struct Link {
    backend: BackendId,
    /// Whose it is; `NONE` for one that was opened for a single retry.
    client: u32,
    opened: u64,
    /// The handshake is over.
    ready: u64,
    /// Requests it has carried, those on it now included.
    used: u32,
    /// Requests on it now.
    open: u32,
    /// Nothing new is sent over it.
    closing: bool,
}

/// Where a request is to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    pub backend: BackendId,
    client: u32,
    /// The connection that is there already, or `NONE`.
    link: u32,
}

#[derive(Debug)]
pub(super) struct Wires<'s> {
    spec: &'s Connections,
    rng: Pcg64Mcg,
    /// Layer 7, by replica and balancer: since when each idle connection is idle, and how many requests it has carried. The last one is used
    /// first.
    idle: Vec<Vec<(u64, u32)>>,
    /// Balancers, each with connections of its own.
    fronts: usize,
    /// Layer 4, by client.
    clients: Vec<u32>,
    links: Vec<Link>,
    free: Vec<u32>,
    /// Opened after the warm-up cut.
    pub opened: u64,
}

impl<'s> Wires<'s> {
    pub fn new(spec: &'s Connections, fronts: usize, seed: u64, replication: u32) -> Self {
        let clients = if let PickPer::Connection { clients, .. } = spec.pick { clients as usize } else { 0 };
        Self {
            spec,
            rng: child(seed, replication, Stream::Connections),
            idle: Vec::new(),
            fronts,
            clients: vec![NONE; clients],
            links: Vec::new(),
            free: Vec::new(),
            opened: 0,
        }
    }

    fn layer_4(&self) -> bool {
        !self.clients.is_empty()
    }

    /// The place of a region's connections to a replica.
    fn shelf(&self, at: u32, region: u8) -> usize {
        (at as usize).saturating_mul(self.fronts).saturating_add(usize::from(region))
    }

    /// An idle connection to a replica: how many requests it has carried.
    fn take_idle(&mut self, at: u32, region: u8, now: u64) -> Option<u32> {
        let PickPer::Request { idle_timeout, .. } = self.spec.pick else { return None };
        let shelf = self.shelf(at, region);
        let idle = self.idle.get_mut(shelf)?;
        let (since, used) = idle.pop()?;
        if idle_timeout.is_some_and(|timeout| now - since >= timeout.0) {
            // The others are idle for longer.
            idle.clear();
            return None;
        }
        Some(used)
    }

    fn keep(&mut self, at: u32, region: u8, used: u32, now: u64) {
        let PickPer::Request { idle, .. } = self.spec.pick else { return };
        let at = self.shelf(at, region);
        if self.idle.len() <= at {
            self.idle.resize_with(at + 1, Vec::new);
        }
        let room = idle.is_none_or(|most| self.idle[at].len() < most as usize);
        if room && self.spec.requests.is_none_or(|most| used < most) {
            self.idle[at].push((now, used));
        }
    }

    fn open(&mut self, link: Link) -> u32 {
        if let Some(place) = self.free.pop() {
            self.links[place as usize] = link;
            return place;
        }
        self.links.push(link);
        self.links.len() as u32 - 1
    }

    /// A connection is gone, for its client too.
    fn close(&mut self, place: u32) {
        let client = self.links[place as usize].client;
        if let Some(current) = self.clients.get_mut(client as usize).filter(|current| **current == place) {
            *current = NONE;
        }
        self.free.push(place);
    }
}

impl World<'_> {
    /// Picks a replica, or the connection that the request's client has.
    #[inline]
    pub(super) fn pick(&mut self, region: u8, asked: &PickRequest<'_>) -> Result<Picked, NoBackend> {
        let mut picked = Picked { backend: BackendId(0), client: NONE, link: NONE };
        // A retry goes elsewhere, over a connection of its own.
        if self.wires.as_ref().is_some_and(Wires::layer_4) && asked.exclude.is_empty() {
            self.look_for_link(&mut picked);
            if picked.link != NONE {
                return Ok(picked);
            }
        }
        picked.backend = self.fronts[usize::from(region)].pick(Nanos(self.now), asked, &mut self.policy_rng)?;
        Ok(picked)
    }

    /// The connection of the client that sends next, if that still carries requests.
    fn look_for_link(&mut self, picked: &mut Picked) {
        let Some(wires) = &mut self.wires else { return };
        let PickPer::Connection { lasts, .. } = wires.spec.pick else { return };
        picked.client = ((u128::from(wires.rng.next_u64()) * wires.clients.len() as u128) >> 64) as u32;
        let current = wires.clients[picked.client as usize];
        let Some(link) = wires.links.get_mut(current as usize) else { return };
        let there = self.replicas.get(link.backend.0.wrapping_sub(1) as usize);
        let well = there.is_some_and(|replica| replica.state == Some(ReplicaState::Ready));
        if well && !link.closing && lasts.is_none_or(|lasts| self.now - link.opened < lasts.0) {
            (picked.backend, picked.link) = (link.backend, current);
            return;
        }
        link.closing = true;
        if link.open == 0 {
            let backend = link.backend;
            wires.close(current);
            // Nothing is learnt from a connection that is closed without a request on it.
            self.fronts[0].finish(backend, Nanos(self.now), &Outcome::new(OutcomeKind::Cancelled, Nanos(0)));
        }
    }

    /// Tells the balancer what begins; gives the time until the request is at its replica. The way to another region and back passes before
    /// its service, so that the balancer counts it as long as it is really away, and learns of its end no sooner.
    #[inline]
    pub(super) fn begin(&mut self, request: &mut Request, picked: &Picked) -> u64 {
        self.begin_connection(request, picked).saturating_add(self.detour(request.region, picked.backend))
    }

    /// The way from a balancer to a replica of another region and back.
    #[inline]
    pub(super) fn detour(&self, region: u8, backend: BackendId) -> u64 {
        if self.detours.is_empty() {
            return 0;
        }
        let to = self.replicas.get(backend.0.wrapping_sub(1) as usize).map(|replica| self.specs[replica.pool as usize].region);
        to.map_or(0, |to| self.detours[usize::from(region)][to])
    }

    /// Gives the time until there is a connection.
    #[inline]
    fn begin_connection(&mut self, request: &mut Request, picked: &Picked) -> u64 {
        let now = self.now;
        let backend = picked.backend;
        let Some(wires) = &mut self.wires else {
            self.fronts[usize::from(request.region)].begin(backend, Nanos(now));
            return 0;
        };
        let (most, handshake) = (wires.spec.requests, wires.spec.handshake.0);
        if picked.link != NONE {
            let link = &mut wires.links[picked.link as usize];
            link.used += 1;
            link.open += 1;
            link.closing = most.is_some_and(|most| link.used >= most);
            request.link = picked.link;
            return link.ready.saturating_sub(now);
        }
        self.fronts[usize::from(request.region)].begin(backend, Nanos(now));
        if wires.layer_4() {
            let closing = picked.client == NONE || most == Some(1);
            let (client, ready) = (picked.client, now.saturating_add(handshake));
            request.link = wires.open(Link { backend, client, opened: now, ready, used: 1, open: 1, closing });
            if let Some(current) = wires.clients.get_mut(client as usize) {
                *current = request.link;
            }
        } else if let Some(used) = wires.take_idle(backend.0.wrapping_sub(1), request.region, now) {
            request.link = used;
            return 0;
        } else {
            request.link = 0;
        }
        wires.opened += u64::from(now >= self.cut);
        handshake
    }

    /// An attempt at a replica has ended: the balancer learns it, and the connection is free, or gone.
    #[inline]
    pub(super) fn conclude(&mut self, at: u32, (region, link): (u8, u32), outcome: &Outcome) {
        let now = Nanos(self.now);
        match &mut self.wires {
            None => {}
            Some(wires) if wires.layer_4() => {
                let known = &mut wires.links[link as usize];
                known.open -= 1;
                // A layer-4 balancer sees no answers, only that nobody is there.
                known.closing |= matches!(outcome.kind, OutcomeKind::ConnectFailed | OutcomeKind::Timeout);
                if !known.closing || known.open > 0 {
                    return;
                }
                wires.close(link);
            }
            // Over a connection on which an answer came, the next request can go.
            Some(wires) => {
                if matches!(outcome.kind, OutcomeKind::Success | OutcomeKind::ServerError | OutcomeKind::Overloaded) {
                    wires.keep(at, region, link + 1, now.0);
                }
            }
        }
        self.fronts[usize::from(region)].finish(BackendId(at.wrapping_add(1)), now, outcome);
    }

    /// A replica has died: so have the connections to it.
    pub(super) fn cut_wires(&mut self, at: u32) {
        let Some(wires) = &mut self.wires else { return };
        let shelf = wires.shelf(at, 0);
        wires.idle.iter_mut().skip(shelf).take(wires.fronts).for_each(Vec::clear);
    }

    /// The request waits for its connection.
    pub(super) fn connect(&mut self, mut request: Request, backend: BackendId, takes: u64) -> Result<(), SimError> {
        let at = backend.0.wrapping_sub(1);
        let pool_of = |at: u32| self.replicas.get(at as usize).map(|replica| replica.pool);
        if pool_of(request.replica).is_none() || pool_of(request.replica) != pool_of(at) {
            request.work = UNKNOWN;
        }
        (request.replica, request.phase) = (at, Phase::Away);
        if let Some(replica) = self.replicas.get_mut(at as usize) {
            replica.connecting += 1;
        }
        let ticket = self.take_slot(request)?;
        self.agenda.schedule(self.now.saturating_add(takes), Kind::Connected, ticket.slot);
        Ok(())
    }

    /// The handshake is over.
    pub(super) fn connected(&mut self, slot: u32) -> Result<(), SimError> {
        let request = self.take_back(slot);
        let at = request.replica;
        let backend = BackendId(at.wrapping_add(1));
        if let Some(replica) = self.replicas.get_mut(at as usize) {
            replica.connecting -= 1;
        }
        let (mut request, failure) = match self.place(request, backend)? {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        if let Some(replica) = self.replicas.get_mut(at as usize)
            && replica.state == Some(ReplicaState::Draining)
            && replica.idle()
        {
            replica.leave(self.now);
            self.note_replica(at, Some("draining"), "left", "empty");
        }
        let again = self.may_try_again(&mut request, &failure);
        if again { self.send(request, Some(failure.loss)) } else { self.lose(request, failure.loss, Some(backend)) }
    }
}
