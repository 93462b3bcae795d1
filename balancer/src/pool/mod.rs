//! The pool: members, their standing, and the calls around a request.
//!
//! What a pick reads (ids, loads, effective weights) lies in flat arrays beside the members; what a pick seldom needs (health, slow start)
//! lies in the members. Effective weights are worked out by [`Pool::refresh`] only when something changed or a timer ran out, so the usual
//! pick is one comparison and the algorithm itself.

mod change;
mod index;
mod pick;
mod probe;
mod standing;
mod view;

pub use change::{Applied, BackendWeight, ChangeError, WeightSnapshot};
pub use pick::{NoBackend, PickRequest};

use crate::backend::{BackendConfig, BackendId, Outcome, OutcomeKind};
use crate::config::{Algorithm, ConfigError, PoolConfig};
use crate::health::{ActiveHealth, ActiveState, Change, PassiveHealth, PassiveState};
use crate::time::Nanos;
use crate::warmup::SlowStart;
use index::Index;

/// How long a failed request keeps weighing on its backend where passive health doesn't say (nginx's default `fail_timeout`).
const PENALTY_LASTS: Nanos = Nanos::from_secs(10);

/// What a pick seldom reads.
#[derive(Debug, Clone)]
struct Member {
    weight: u32,
    in_flight: u32,
    /// Marked by [`Pool::drain`]; stays listed when empty.
    drained: bool,
    /// No longer listed; leaves the pool when empty.
    removed: bool,
    /// Failed and refused requests that still count as load (see [`Pool::finish`]), and until when.
    penalty: u32,
    penalty_until: Nanos,
    warming_since: Option<Nanos>,
    passive: PassiveState,
    active: ActiveState,
}

impl Member {
    fn new(weight: u32, now: Nanos) -> Member {
        Member {
            weight,
            in_flight: 0,
            drained: false,
            removed: false,
            penalty: 0,
            penalty_until: Nanos::ZERO,
            warming_since: None,
            passive: PassiveState::default(),
            active: ActiveState::new(now),
        }
    }

    fn draining(&self) -> bool {
        self.drained || self.removed
    }

    /// Weight above 0, not draining, not removed: while there is one of these, effective weights add up to more than zero.
    fn usable(&self) -> bool {
        self.weight > 0 && !self.draining()
    }
}

/// The backends of one service. See the crate's documentation for what it promises.
#[derive(Debug, Clone)]
pub struct Pool {
    algorithm: Algorithm,
    passive: Option<PassiveHealth>,
    active: Option<ActiveHealth>,
    slow_start: Option<SlowStart>,
    panic_threshold: f64,
    applied: Option<WeightSnapshot>,

    // Parallel arrays, one entry per member, in the order of joining.
    ids: Vec<BackendId>,
    /// Requests in flight plus penalties: what "least" compares.
    load: Vec<u32>,
    /// In parts of a weight (`warmup::PARTS`); 0 = not to be picked.
    effective: Vec<u32>,
    /// Smooth weighted round robin's running balance, in the unit of `effective`.
    current: Vec<i64>,
    members: Vec<Member>,
    index: Index,

    // Derived by `refresh`.
    /// Positions with an effective weight above 0, ascending.
    live: Vec<u32>,
    /// Running sums of `effective` over `live`.
    cumulative: Vec<u64>,
    /// Their total at the last refresh.
    total: u64,
    /// All live members have the same effective weight.
    uniform: bool,
    /// When `refresh` must run next; zero = before the next pick.
    refresh_at: Nanos,

    /// Where the next turn starts (round robin and ties).
    turn: usize,
    /// Members with a penalty, and members ejected or on trial: lets the usual request skip both subjects.
    penalised: u32,
    ejected: u32,
}

impl Pool {
    /// A pool as configured. The configured backends are warm: they count as having served for ever.
    pub fn try_new(config: PoolConfig) -> Result<Pool, ConfigError> {
        config.validate()?;
        let mut pool = Pool {
            algorithm: config.algorithm,
            passive: config.passive,
            active: config.active,
            slow_start: config.slow_start,
            panic_threshold: config.panic_threshold,
            applied: None,
            ids: Vec::new(),
            load: Vec::new(),
            effective: Vec::new(),
            current: Vec::new(),
            members: Vec::new(),
            index: Index::default(),
            live: Vec::new(),
            cumulative: Vec::new(),
            total: 0,
            uniform: true,
            refresh_at: Nanos::ZERO,
            turn: 0,
            penalised: 0,
            ejected: 0,
        };
        for BackendConfig { id, weight } in config.backends {
            pool.join(id, Member::new(weight, Nanos::ZERO));
        }
        Ok(pool)
    }

    /// A request is being sent to `id`: one more in flight. Call it right after the pick that chose `id`, before the next pick, or two
    /// requests take the same place. Unknown ids are ignored.
    #[inline]
    pub fn begin(&mut self, id: BackendId, now: Nanos) {
        let Some(at) = self.index.get(id) else { return };
        self.load[at] = self.load[at].saturating_add(1);
        let member = &mut self.members[at];
        member.in_flight = member.in_flight.saturating_add(1);
        if self.ejected > 0 && member.passive.begin(now) {
            self.refresh_at = Nanos::ZERO;
        }
    }

    /// A request to `id` ended: one fewer in flight. A finish without a begin, or for an unknown id, changes no count.
    ///
    /// An instance that fails or refuses at once has few requests in flight, and "least connections" would send it all the traffic. So such
    /// a request goes on counting as load until a request succeeds there, or for `fail_timeout` (10 s without passive health) after the
    /// last one: failing never makes a backend more attractive.
    #[inline]
    pub fn finish(&mut self, id: BackendId, now: Nanos, outcome: &Outcome) {
        let Some(at) = self.index.get(id) else { return };
        let member = &mut self.members[at];
        if member.in_flight == 0 {
            return;
        }
        member.in_flight -= 1;
        self.load[at] = self.load[at].saturating_sub(1);
        if outcome.is_failure() || outcome.kind == OutcomeKind::Overloaded {
            self.penalise(at, now);
        } else if self.penalised > 0 && outcome.kind == OutcomeKind::Success {
            self.forgive(at, 1);
        }
        if let Some(passive) = self.passive {
            let member = &mut self.members[at];
            let was_out = member.passive.ejected_until.is_some();
            let change = member.passive.finish(&passive, outcome.kind, now);
            let is_out = member.passive.ejected_until.is_some();
            self.ejected = self.ejected + u32::from(is_out) - u32::from(was_out);
            self.follow(at, change, now);
        }
        let member = &self.members[at];
        if member.removed && member.in_flight == 0 {
            self.leave(at);
        }
    }

    fn penalise(&mut self, at: usize, now: Nanos) {
        let member = &mut self.members[at];
        if member.penalty == 0 {
            self.penalised += 1;
        }
        if self.load[at] < u32::MAX {
            member.penalty += 1;
            self.load[at] += 1;
        }
        member.penalty_until = now + self.passive.map_or(PENALTY_LASTS, |passive| passive.fail_timeout);
        self.refresh_at = self.refresh_at.min(member.penalty_until);
    }

    /// Takes back up to `count` of a member's penalties.
    fn forgive(&mut self, at: usize, count: u32) {
        let member = &mut self.members[at];
        let count = count.min(member.penalty);
        if count == 0 {
            return;
        }
        member.penalty -= count;
        self.load[at] = self.load[at].saturating_sub(count);
        if member.penalty == 0 {
            self.penalised -= 1;
        }
    }

    /// What a change of health means for the pool.
    fn follow(&mut self, at: usize, change: Change, now: Nanos) {
        match change {
            Change::Nothing => {}
            Change::Eligibility => self.refresh_at = Nanos::ZERO,
            Change::Recovered => {
                // It was out for a while: its caches are as cold as a new one's, and its failures are history.
                self.members[at].warming_since = self.slow_start.map(|_| now);
                self.forgive(at, u32::MAX);
                self.refresh_at = Nanos::ZERO;
            }
        }
    }

    fn join(&mut self, id: BackendId, member: Member) {
        self.index.set(id, self.ids.len());
        self.ids.push(id);
        self.load.push(0);
        self.effective.push(0);
        self.current.push(0);
        self.members.push(member);
        self.refresh_at = Nanos::ZERO;
    }

    /// Takes a member out; those behind it move up, so that turns keep their order.
    fn leave(&mut self, at: usize) {
        self.forgive(at, u32::MAX);
        self.ejected -= u32::from(self.members[at].passive.ejected_until.is_some());
        self.index.clear(self.ids[at]);
        self.ids.remove(at);
        self.load.remove(at);
        self.effective.remove(at);
        self.current.remove(at);
        self.members.remove(at);
        for (position, id) in self.ids.iter().enumerate().skip(at) {
            self.index.set(*id, position);
        }
        if at < self.turn {
            self.turn -= 1;
        }
        // Positions moved: what was derived from them is void until the next refresh.
        self.refresh_at = Nanos::ZERO;
    }
}
