//! The users, and the store of their sessions.

use balancer::{BackendId, OutcomeKind};
use rand_pcg::Pcg64Mcg;

use super::{NOBODY, Request, World, open01};
use crate::rng::{Stream, child};
use crate::sample::ServiceSampler;
use crate::scenario::{Arrivals, LostSession, Scenario};

/// Who sends what.
#[derive(Debug)]
pub(super) struct Users {
    rng: Pcg64Mcg,
    count: u32,
    /// Running sums of the users' shares, ending with 1; empty when all are alike.
    shares: Vec<f64>,
}

impl Users {
    pub fn new(scenario: &Scenario, seed: u64, replication: u32) -> Option<Self> {
        let users = scenario.users?;
        let mut sum = 0.0;
        let mut shares: Vec<f64> = Vec::new();
        if users.skew > 0.0 {
            shares.extend((1..=users.count).map(|k| {
                sum += libm::pow(f64::from(k), -users.skew);
                sum
            }));
            shares.iter_mut().for_each(|share| *share /= sum);
        }
        Some(Self { rng: child(seed, replication, Stream::Users), count: users.count, shares })
    }

    fn draw(&mut self) -> u32 {
        let u = open01(&mut self.rng);
        let place =
            if self.shares.is_empty() { (u * f64::from(self.count)) as usize } else { self.shares.partition_point(|sum| *sum <= u) };
        place.min(self.count as usize - 1) as u32
    }
}

/// Which replica each user was answered by last, by user.
pub(super) type Stuck = Vec<Option<BackendId>>;

#[derive(Debug)]
pub(super) struct Store {
    rng: Pcg64Mcg,
    look_up: ServiceSampler,
    login: Option<ServiceSampler>,
    /// By user: the life of the store in which their session was made.
    made: Vec<u32>,
    /// How often the store has lost everything.
    life: u32,
    /// It doesn't answer until then.
    down_until: u64,
}

/// Users there are; none if nobody has a name.
fn how_many(scenario: &Scenario) -> usize {
    match (&scenario.users, &scenario.arrivals) {
        (Some(users), _) => users.count as usize,
        (None, Arrivals::Closed { sessions, .. }) => *sessions as usize,
        (None, _) => 0,
    }
}

/// Nobody is known yet.
pub(super) fn stuck(scenario: &Scenario) -> Stuck {
    if scenario.balancing.sticky { vec![None; how_many(scenario)] } else { Vec::new() }
}

impl Store {
    pub fn new(scenario: &Scenario, seed: u64, replication: u32) -> Option<Self> {
        let sessions = scenario.sessions.as_ref()?;
        let login = if let LostSession::Login(login) = &sessions.lost { Some(ServiceSampler::new(login, 1.0)) } else { None };
        Some(Self {
            rng: child(seed, replication, Stream::Sessions),
            look_up: ServiceSampler::new(&sessions.store, 1.0),
            login,
            made: vec![0; how_many(scenario)],
            life: 0,
            down_until: 0,
        })
    }
}

impl World<'_> {
    /// Who sends the next request.
    #[inline]
    pub(super) fn draw_user(&mut self, session: u32) -> u32 {
        match &mut self.users {
            Some(users) => users.draw(),
            None => session,
        }
    }

    /// The replica that a user stays with, if users do.
    #[inline]
    pub(super) fn last_of(&self, user: u32) -> Option<BackendId> {
        self.stuck.get(user as usize).copied().flatten()
    }

    /// A user was answered.
    #[inline]
    pub(super) fn stick(&mut self, user: u32, at: u32) {
        if let Some(last) = self.stuck.get_mut(user as usize) {
            *last = Some(BackendId(at + 1));
        }
    }

    /// The store is gone until a time, and with it every session.
    pub(super) fn lose_store(&mut self, until: u64) {
        if let Some(store) = &mut self.store {
            store.life += 1;
            store.down_until = store.down_until.max(until);
        }
    }

    /// An attempt asks the store for its session: what that adds to its work, and whether it will end in an error. `first` is the first
    /// visit to a pool.
    #[inline]
    pub(super) fn ask_store(&mut self, request: &mut Request, first: bool) {
        let Some(store) = &mut self.store else { return };
        request.doomed = None;
        if first {
            request.work = request.work.saturating_add(store.look_up.draw(&mut store.rng));
        }
        if self.now < store.down_until {
            request.doomed = Some(OutcomeKind::ServerError);
            return;
        }
        debug_assert!(request.user != NOBODY, "a request of nobody asks for its session");
        let Some(made) = store.made.get_mut(request.user as usize).filter(|made| **made != store.life) else { return };
        *made = store.life;
        match &store.login {
            Some(login) => request.work = request.work.saturating_add(login.draw(&mut store.rng)),
            // An answer like any other, as far as the replica's health goes.
            None => request.doomed = Some(OutcomeKind::Success),
        }
    }
}
