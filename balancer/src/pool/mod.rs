//! The pool: members, their standing, and the calls around a request.
//!
//! What a pick reads (ids, loads, effective weights) lies in flat arrays beside the members; what a pick seldom needs (health, slow start)
//! lies in the members. Effective weights are worked out by [`Pool::refresh`] only when something changed or a timer ran out, so the usual
//! pick is one comparison and the algorithm itself.

mod buckets;
mod change;
mod finish;
mod hashing;
mod index;
mod lane;
mod line;
mod order;
mod pick;
mod prequal;
mod probe;
mod sample;
mod scan;
mod standing;
mod tree;
mod view;

pub use change::{Applied, BackendWeight, ChangeError, WeightSnapshot};
pub use pick::{NoBackend, PickRequest};
pub use prequal::{ProbeAnswer, ProbeTarget};

use crate::algorithm::Algorithm;
use crate::backend::{BackendConfig, BackendId, Place};
use crate::config::{ConfigError, PoolConfig};
use crate::health::{ActiveState, PassiveState};
use crate::latency::{Average, LatencyState};
use crate::time::Nanos;
use index::Index;
use lane::{Course, Lane};
use prequal::Prequal;

/// What a pick seldom reads.
#[derive(Debug, Clone)]
struct Member {
    weight: u32,
    place: Place,
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
    latency: LatencyState,
}

impl Member {
    fn new(weight: u32, now: Nanos) -> Member {
        Member {
            weight,
            place: Place::default(),
            drained: false,
            removed: false,
            penalty: 0,
            penalty_until: Nanos::ZERO,
            warming_since: None,
            passive: PassiveState::default(),
            active: ActiveState::new(now),
            latency: LatencyState::default(),
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

/// In no lane.
const NOBODY: u32 = u32::MAX;

/// The backends of one service. See the crate's documentation for what it promises.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Without its backends.
    config: PoolConfig,
    algorithm: Algorithm,
    applied: Option<WeightSnapshot>,

    // Parallel arrays, one entry per member, in the order of joining.
    ids: Vec<BackendId>,
    /// Requests begun and not finished.
    in_flight: Vec<u32>,
    /// Requests in flight plus penalties: what "least" compares.
    load: Vec<u32>,
    /// In parts of a weight (`warmup::PARTS`); 0 = not to be picked.
    effective: Vec<u32>,
    /// Smooth weighted round robin's running balance, in the unit of `effective`.
    current: Vec<i64>,
    /// Stride scheduling's place in line, in picks per part.
    pass: Vec<f64>,
    latency: Vec<Average>,
    /// With `prequal`: requests ever begun, wrapping.
    begun: Vec<u32>,
    /// Lane, and rank among those who live there.
    seat: Vec<(u32, u32)>,
    members: Vec<Member>,
    index: Index,

    // Derived by `refresh`.
    /// One per place, in the order of places. Usually one.
    lanes: Vec<Lane>,
    course: Course,
    /// Whose turn has changed without a [`touch`](Pool::touch) yet.
    untouched: Option<usize>,
    /// When `refresh` must run next; zero = before the next pick.
    refresh_at: Nanos,

    /// Over all backends, successes only.
    mean_latency: Average,
    prequal: Prequal,
    /// Members with a penalty, members ejected or on trial, members on their way out: lets the usual request skip the subject.
    penalised: u32,
    ejected: u32,
    leaving: u32,
}

impl Pool {
    /// A pool as configured. The configured backends are warm: they count as having served for ever.
    pub fn try_new(mut config: PoolConfig) -> Result<Pool, ConfigError> {
        config.validate()?;
        let backends = std::mem::take(&mut config.backends);
        let mut pool = Pool {
            algorithm: config.algorithm,
            config,
            applied: None,
            ids: Vec::new(),
            in_flight: Vec::new(),
            load: Vec::new(),
            effective: Vec::new(),
            current: Vec::new(),
            pass: Vec::new(),
            latency: Vec::new(),
            begun: Vec::new(),
            seat: Vec::new(),
            members: Vec::new(),
            index: Index::default(),
            lanes: Vec::new(),
            course: Course::default(),
            untouched: None,
            refresh_at: Nanos::ZERO,
            mean_latency: Average::default(),
            prequal: Prequal::default(),
            penalised: 0,
            ejected: 0,
            leaving: 0,
        };
        for BackendConfig { id, weight, place } in backends {
            pool.join(id, Member { place, ..Member::new(weight, Nanos::ZERO) });
        }
        Ok(pool)
    }

    /// A request is being sent to `id`: one more in flight. Call it right after the pick that chose `id`, before the next pick, or two
    /// requests take the same place. Unknown ids are ignored.
    #[inline]
    pub fn begin(&mut self, id: BackendId, now: Nanos) {
        let Some(at) = self.index.get(id) else { return };
        self.in_flight[at] = self.in_flight[at].saturating_add(1);
        self.load[at] = self.load[at].saturating_add(1);
        if self.algorithm == Algorithm::Prequal {
            self.begun[at] = self.begun[at].wrapping_add(1);
        }
        let seat = self.seat[at];
        if seat.1 != NOBODY {
            self.lanes[seat.0 as usize].load += 1;
            self.touch(at);
        }
        if self.ejected > 0 && self.members[at].passive.begin(now) {
            self.refresh_at = Nanos::ZERO;
        }
    }

    fn join(&mut self, id: BackendId, member: Member) {
        self.index.set(id, self.ids.len());
        self.ids.push(id);
        self.in_flight.push(0);
        self.load.push(0);
        self.effective.push(0);
        self.current.push(0);
        self.pass.push(0.0);
        self.latency.push(Average::default());
        self.begun.push(0);
        self.seat.push((0, NOBODY));
        self.members.push(member);
        self.refresh_at = Nanos::ZERO;
    }

    /// Takes a member out; those behind it move up, so that turns keep their order.
    fn leave(&mut self, at: usize) {
        self.forgive(at, u32::MAX);
        self.ejected -= u32::from(self.members[at].passive.ejected_until.is_some());
        self.leaving -= u32::from(self.members[at].removed);
        self.index.clear(self.ids[at]);
        self.ids.remove(at);
        self.in_flight.remove(at);
        self.load.remove(at);
        self.effective.remove(at);
        self.current.remove(at);
        self.pass.remove(at);
        self.latency.remove(at);
        self.begun.remove(at);
        self.seat.remove(at);
        self.members.remove(at);
        for (position, id) in self.ids.iter().enumerate().skip(at) {
            self.index.set(*id, position);
        }
        for lane in &mut self.lanes {
            lane.turn -= usize::from(at < lane.turn);
        }
        // Positions moved: what was derived from them is void until the next refresh.
        self.refresh_at = Nanos::ZERO;
        self.untouched = None;
        self.seat.iter_mut().for_each(|seat| seat.1 = NOBODY);
    }
}
