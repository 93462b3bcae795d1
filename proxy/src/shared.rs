//! What all connections of a proxy share. The pool sits behind one short lock that is never held across an await.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use balancer::{
    Applied, BackendId, BackendView, Nanos, NoBackend, Outcome, PickRequest, Pool, RetryBudget, RetryPolicy, SessionTable, hash_key,
};
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

use crate::admission::Door;
use crate::config::{DomainClock, Limits, ProxyConfig};
use crate::error::InvalidConfig;
use crate::flight::Visit;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::traffic::{HashBy, Selection, Sticky, key_of, stick, stuck_to};
use crate::upstream::Upstream;
use crate::weights::{Backend, WeightError, WeightUpdate};

/// How far the proxy is on its way out. Only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Serving.
    Open,
    /// No new connections; each answer closes its connection.
    Draining,
    /// Idle connections are closed too.
    Closing,
    /// Whatever is left is cut off.
    Cut,
}

struct Core {
    pool: Pool,
    rng: Pcg64Mcg,
    upstreams: BTreeMap<BackendId, Arc<Upstream>>,
    /// As last applied, for whoever asks.
    listed: Vec<Backend>,
    budget: RetryBudget,
    sessions: Option<SessionTable>,
}

pub(crate) struct Shared {
    core: Mutex<Core>,
    pub(crate) door: Arc<Door>,
    hash_by: Option<HashBy>,
    sticky: Option<Sticky>,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Arc<Limits>,
    pub(crate) retry: RetryPolicy,
    pub(crate) trusted: Vec<Network>,
    pub(crate) probe_path: String,
    /// How long a probe may take, wall time: what the balancer waits in domain time, so that no late answer passes as the next probe's.
    pub(crate) probe_time: Duration,
    pub(crate) speed: f64,
    pub(crate) admin_token: String,
    clock: DomainClock,
    started: Instant,
    phase: AtomicU8,
}

impl Shared {
    pub(crate) fn try_new(config: ProxyConfig) -> Result<Self, InvalidConfig> {
        config.validate()?;
        let listed = WeightUpdate { epoch: 0, backends: config.backends.clone() };
        listed.validate()?;
        let limits = Arc::new(config.limits);
        let door = Arc::new(Door::try_new(&config.traffic)?);
        let mut pool = config.pool;
        let hashes = pool.algorithm.hashes();
        let patience = pool.active.as_ref().map_or(Nanos::ZERO, |active| active.timeout);
        let probe_time = Duration::from_secs_f64(patience.as_secs_f64() / config.speed);
        pool.backends =
            listed.backends.iter().map(|backend| balancer::BackendConfig::new(backend.id, backend.weight).at(backend.place)).collect();
        let upstreams = listed.backends.iter().map(|backend| {
            let id = BackendId(backend.id);
            (id, Arc::new(Upstream::new(id, backend.address, Arc::clone(&limits))))
        });
        let core = Core {
            pool: Pool::try_new(pool)?,
            rng: Pcg64Mcg::seed_from_u64(config.seed),
            upstreams: upstreams.collect(),
            listed: listed.backends,
            budget: RetryBudget::try_new(config.retry.budget)?,
            sessions: match &config.traffic.sticky {
                Some(Sticky::Header { ttl, capacity, .. }) => Some(SessionTable::new(*capacity, *ttl)),
                _ => None,
            },
        };
        // A hash without a key would draw by chance.
        let hash_by = config.traffic.hash_by.clone().or_else(|| hashes.then_some(HashBy::Client));
        Ok(Self {
            core: Mutex::new(core),
            door,
            hash_by,
            sticky: config.traffic.sticky,
            metrics: Metrics::default(),
            limits,
            retry: config.retry,
            trusted: config.trusted,
            probe_path: config.probe_path,
            probe_time,
            speed: config.speed,
            admin_token: config.admin_token,
            clock: config.clock,
            started: Instant::now(),
            phase: AtomicU8::new(0),
        })
    }

    pub(crate) fn now(&self) -> Nanos {
        (self.clock)()
    }

    /// Wall time since the start, for the retry budget.
    fn wall(&self) -> Nanos {
        Nanos(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn draining(&self) -> bool {
        self.phase.load(Relaxed) > 0
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Relaxed);
    }

    /// What a request's pick goes by.
    pub(crate) fn selection(&self, headers: &HeaderMap, peer: IpAddr, group: Option<u8>) -> Selection {
        let key = self.hash_by.as_ref().and_then(|by| {
            let trusted = self.trusted.iter().any(|network| network.contains(peer));
            key_of(by, headers, peer, trusted)
        });
        let (mut sticky, mut session) = (None, None);
        match &self.sticky {
            None => {}
            Some(Sticky::Cookie { name }) => sticky = stuck_to(headers, name),
            Some(Sticky::Header { name, .. }) => session = headers.get(name).map(|value| hash_key(value.as_bytes())),
        }
        Selection { key, sticky, session, group }
    }

    /// The cookie for a session that isn't on this backend yet.
    pub(crate) fn cookie_for(&self, selection: &Selection, backend: BackendId) -> Option<HeaderValue> {
        match &self.sticky {
            Some(Sticky::Cookie { name }) if selection.sticky != Some(backend) => stick(name, backend),
            _ => None,
        }
    }

    /// Chooses a backend and counts the request there, in one step, so that two requests never see the same least-loaded one.
    pub(crate) fn pick(self: &Arc<Self>, exclude: &[BackendId], selection: &Selection) -> Result<(Arc<Upstream>, Visit), NoBackend> {
        let now = self.now();
        let mut core = self.core.lock();
        let core = &mut *core;
        let remembered = selection.session.and_then(|session| core.sessions.as_ref()?.get(session, now));
        let sticky = selection.sticky.or(remembered);
        let request = PickRequest { exclude, key: selection.key, sticky, group: selection.group };
        let id = core.pool.pick(now, &request, &mut core.rng)?;
        // Every member has an upstream: both change only in `apply`, together.
        let upstream = core.upstreams.get(&id).map(Arc::clone).ok_or(NoBackend::Empty)?;
        core.pool.begin(id, now);
        if let (Some(session), Some(sessions)) = (selection.session, &mut core.sessions) {
            sessions.set(session, id, now);
        }
        Ok((upstream, Visit::begun(Arc::clone(self), id)))
    }

    pub(crate) fn finish(&self, id: BackendId, outcome: &Outcome) {
        if outcome.is_failure() {
            self.metrics.upstream_failures.fetch_add(1, Relaxed);
        }
        let now = self.now();
        self.core.lock().pool.finish(id, now, outcome);
    }

    pub(crate) fn count_for_budget(&self) {
        let now = self.wall();
        self.core.lock().budget.on_request(now);
    }

    /// Takes a retry from the budget, if there is one left, and counts it.
    pub(crate) fn spend_retry(&self) -> bool {
        let now = self.wall();
        let granted = self.core.lock().budget.try_spend(now);
        if granted {
            self.metrics.retries.fetch_add(1, Relaxed);
        }
        granted
    }

    pub(crate) fn apply(&self, update: &WeightUpdate) -> Result<Applied, WeightError> {
        update.validate()?;
        let now = self.now();
        let mut core = self.core.lock();
        let current = core.pool.epoch();
        if current.is_some_and(|current| update.epoch < current) {
            // Before anything else: a stale sender learns that it is stale, whatever else is wrong with its idea of the world.
            return Err(WeightError::StaleEpoch { current_epoch: current.unwrap_or(0) });
        }
        for (at, backend) in update.backends.iter().enumerate() {
            let id = BackendId(backend.id);
            let known = core.upstreams.get(&id).filter(|_| core.pool.contains(id));
            if let Some(known) = known.filter(|known| known.address != backend.address) {
                let allowed = format!("{}, where this id is; a backend that moved needs a new id", known.address);
                return Err(InvalidConfig::new(format!("backends[{at}].address"), backend.address, allowed).into());
            }
        }
        let applied = core.pool.apply(&update.snapshot(), now)?;
        for backend in &update.backends {
            let id = BackendId(backend.id);
            let limits = &self.limits;
            let moved = core.upstreams.get(&id).is_none_or(|known| known.address != backend.address);
            if moved {
                core.upstreams.insert(id, Arc::new(Upstream::new(id, backend.address, Arc::clone(limits))));
            }
        }
        for backend in &update.backends {
            // `apply` has just listed it.
            let _ = core.pool.place(BackendId(backend.id), backend.place);
        }
        core.listed.clone_from(&update.backends);
        Self::forget_gone(&mut core);
        Ok(applied)
    }

    fn forget_gone(core: &mut Core) {
        let pool = &core.pool;
        core.upstreams.retain(|id, _| pool.contains(*id));
    }

    /// What is in force: the epoch (none before the first update) and the list.
    pub(crate) fn listed(&self) -> (Option<u64>, Vec<Backend>) {
        let core = self.core.lock();
        (core.pool.epoch(), core.listed.clone())
    }

    pub(crate) fn view(&self) -> Vec<BackendView> {
        let now = self.now();
        self.core.lock().pool.view(now)
    }

    /// Whom to probe now.
    pub(crate) fn probes_due(&self) -> Vec<Arc<Upstream>> {
        let now = self.now();
        let mut core = self.core.lock();
        let due = core.pool.probes_due(now);
        due.iter().filter_map(|id| core.upstreams.get(id).map(Arc::clone)).collect()
    }

    /// Domain time of the next probe, if there is active health.
    pub(crate) fn next_probe(&self) -> Option<Nanos> {
        self.core.lock().pool.next_probe()
    }

    pub(crate) fn probe_result(&self, id: BackendId, ok: bool) {
        let now = self.now();
        self.core.lock().pool.probe_result(id, now, ok);
    }

    /// Forgets backends that have left and closes connections that nobody needs.
    pub(crate) fn tidy(&self) {
        let upstreams: Vec<_> = {
            let mut core = self.core.lock();
            Self::forget_gone(&mut core);
            core.upstreams.values().map(Arc::clone).collect()
        };
        for upstream in upstreams {
            upstream.prune();
        }
    }
}
