//! A pick: among whom, and by which algorithm.

use super::Pool;
use super::line::scale;
use crate::algorithm::Algorithm;
use crate::backend::BackendId;
use crate::time::Nanos;
use crate::warmup::PARTS;
use rand::Rng;

/// What a pick needs to know of the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct PickRequest<'a> {
    /// Backends that this request must not get: those that it was already tried on.
    pub exclude: &'a [BackendId],
    /// What the hashes go by ([`hash_key`](crate::hash_key) of a user, a session, an address). Without one they draw by weight.
    pub key: Option<u64>,
    /// The backend that this request's session is on (from a cookie, or from a [`SessionTable`](crate::SessionTable)). It is picked if it
    /// can be, whatever the algorithm; otherwise the algorithm picks, and the session moves.
    pub sticky: Option<BackendId>,
    /// The group that the request asks for (a header of a canary), for pools with splits.
    pub group: Option<u8>,
}

/// Nobody can take the request, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoBackend {
    /// No backend at all, or only draining ones.
    #[error("the pool has no backend in service")]
    Empty,
    /// Every backend in service has weight 0.
    #[error("every backend has weight 0")]
    AllZeroWeight,
    /// Every backend with weight is down or ejected, and the panic threshold is switched off.
    #[error("every backend is down or ejected")]
    AllDown,
    /// There are backends, but the request has been tried on each of them.
    #[error("every backend has been tried")]
    AllExcluded,
}

impl Pool {
    /// Chooses the backend for a request. Doesn't count it: say [`begin`](Pool::begin) when it is sent.
    ///
    /// `rng` is drawn from only by the random algorithms, by splits and by levels that share. Constant or nearly constant time: what a
    /// pick costs among ten thousand is in `docs/balancing.md`. Only what is rare looks at everybody: a retry of a random algorithm, and
    /// the first pick after a change of weights or health.
    #[inline]
    pub fn pick(&mut self, now: Nanos, request: &PickRequest<'_>, rng: &mut dyn Rng) -> Result<BackendId, NoBackend> {
        if now >= self.refresh_at {
            self.refresh(now);
        }
        if let Some(id) = request.sticky.filter(|id| self.holds(*id, request.exclude)) {
            return Ok(id);
        }
        let picked = if self.lanes.len() == 1 { self.pick_in(0, now, request, rng) } else { self.pick_lane(now, request, rng) };
        match picked {
            Some(at) => Ok(self.ids[at]),
            None => Err(self.why_nobody()),
        }
    }

    /// Whether a session may stay there.
    fn holds(&self, id: BackendId, exclude: &[BackendId]) -> bool {
        self.index.get(id).is_some_and(|at| self.effective[at] > 0 && self.admits(at, exclude))
    }

    #[cold]
    fn why_nobody(&self) -> NoBackend {
        if self.lanes.iter().any(|lane| !lane.live.is_empty()) {
            NoBackend::AllExcluded
        } else if self.members.iter().all(|member| member.draining()) {
            NoBackend::Empty
        } else if !self.members.iter().any(|member| member.usable()) {
            NoBackend::AllZeroWeight
        } else {
            NoBackend::AllDown
        }
    }

    /// Several places: by group, then by level; whoever is left stands in if nobody there can take it.
    fn pick_lane(&mut self, now: Nanos, request: &PickRequest<'_>, rng: &mut dyn Rng) -> Option<usize> {
        let group = self.group_for(request, rng);
        let first = self.level_for(group, rng);
        if let Some(picked) = first.and_then(|seat| self.pick_in(seat, now, request, rng)) {
            return Some(picked);
        }
        let in_group = |pool: &Pool, seat: usize| pool.lanes[seat].place.group == group;
        for own in [true, false] {
            for seat in 0..self.lanes.len() {
                if in_group(self, seat) != own || Some(seat) == first {
                    continue;
                }
                if let Some(picked) = self.pick_in(seat, now, request, rng) {
                    return Some(picked);
                }
            }
        }
        None
    }

    fn group_for(&self, request: &PickRequest<'_>, rng: &mut dyn Rng) -> u8 {
        if self.config.splits.is_empty() {
            return 0;
        }
        let has_live = |group: u8| self.lanes.iter().any(|lane| lane.place.group == group && !lane.live.is_empty());
        if let Some(group) = request.group.filter(|group| has_live(*group)) {
            return group;
        }
        let groups = &self.course.groups;
        if groups.len() < 2 {
            return groups.first().map_or(0, |(group, _)| *group);
        }
        // With a key, a user stays in the variant that it saw first.
        let draw = request.key.map_or_else(|| rng.next_u64(), |key| crate::hash::mix(key ^ 0x5eed));
        let mut point = scale(draw, self.course.total);
        for (group, weight) in groups {
            if point < *weight {
                return *group;
            }
            point -= weight;
        }
        groups[0].0
    }

    /// The lane of this group that gets the request first, by shares, and on from there while levels are full.
    fn level_for(&self, group: u8, rng: &mut dyn Rng) -> Option<usize> {
        let shares = &self.course.shares;
        let of_group = || (0..self.lanes.len()).filter(|seat| self.lanes[*seat].place.group == group && shares[*seat] > 0);
        let total: u64 = of_group().map(|seat| shares[seat]).sum();
        let largest = of_group().max_by_key(|seat| shares[*seat])?;
        let chosen = if shares[largest] == total {
            largest
        } else {
            let mut point = scale(rng.next_u64(), total);
            let mut seats = of_group();
            seats.find(|seat| point.checked_sub(shares[*seat]).map(|rest| point = rest).is_none())?
        };
        if !self.full(chosen) {
            return Some(chosen);
        }
        let spare = |seat: &usize| {
            let lane = &self.lanes[*seat];
            *seat > chosen && lane.place.group == group && !lane.place.backup && !lane.live.is_empty() && !self.full(*seat)
        };
        (0..self.lanes.len()).find(spare).or(Some(chosen))
    }

    fn full(&self, seat: usize) -> bool {
        let lane = &self.lanes[seat];
        let load = u128::from(lane.load) * u128::from(PARTS);
        self.config.levels.full_at.is_some_and(|limit| load >= u128::from(limit) * u128::from(lane.total))
    }

    #[inline]
    fn pick_in(&mut self, seat: usize, now: Nanos, request: &PickRequest<'_>, rng: &mut dyn Rng) -> Option<usize> {
        let lane = self.lanes.get(seat).filter(|lane| !lane.live.is_empty())?;
        let (uniform, small) = (lane.uniform, lane.small());
        let exclude = request.exclude;
        match self.algorithm {
            Algorithm::RoundRobin | Algorithm::WeightedRoundRobin if uniform => self.in_turn(seat, exclude),
            Algorithm::RoundRobin | Algorithm::WeightedRoundRobin if small => self.smooth(seat, exclude),
            Algorithm::RoundRobin | Algorithm::WeightedRoundRobin => self.best(seat, 0, exclude),
            Algorithm::LeastConnections if small && uniform && exclude.is_empty() => Some(self.least_uniform(seat)),
            Algorithm::LeastConnections if small => self.least(seat, exclude),
            Algorithm::LeastConnections => self.best(seat, self.turn_rank(seat), exclude),
            Algorithm::P2c => self.better_of_two(seat, exclude, rng, |a, b| self.compare_load(a, b)),
            Algorithm::Random | Algorithm::WeightedRandom if exclude.is_empty() => Some(self.draw_from_all(seat, rng)),
            Algorithm::Random | Algorithm::WeightedRandom => self.draw(seat, exclude, None, rng),
            Algorithm::DChoices => self.least_of(seat, self.config.choices as usize, exclude, rng),
            Algorithm::PeakEwma => {
                self.better_of_two(seat, exclude, rng, |a, b| self.faded_cost(a, now).total_cmp(&self.faded_cost(b, now)))
            }
            Algorithm::RandomTwoLeastTime => self.better_of_two(seat, exclude, rng, |a, b| self.cost(a).total_cmp(&self.cost(b))),
            Algorithm::LeastResponseTime if small => {
                self.least_by(seat, self.turn_rank(seat), exclude, |pool, a, b| pool.cost(a).total_cmp(&pool.cost(b)))
            }
            Algorithm::LeastResponseTime => self.best(seat, self.turn_rank(seat), exclude),
            Algorithm::JoinShortestQueue => {
                let start = scale(rng.next_u64(), self.lanes[seat].live.len() as u64) as usize;
                if small { self.least_by(seat, start, exclude, Pool::compare_load) } else { self.best(seat, start, exclude) }
            }
            Algorithm::Prequal => self.prequal(seat, now, exclude, rng),
            Algorithm::RingHash | Algorithm::Maglev | Algorithm::Rendezvous | Algorithm::IpHash => self.by_key(seat, request, rng),
        }
    }

    fn by_key(&mut self, seat: usize, request: &PickRequest<'_>, rng: &mut dyn Rng) -> Option<usize> {
        let Some(key) = request.key else {
            return if request.exclude.is_empty() {
                Some(self.draw_from_all(seat, rng))
            } else {
                self.draw(seat, request.exclude, None, rng)
            };
        };
        // The table is lent out while it asks about loads.
        let mut hash = std::mem::take(&mut self.lanes[seat].hash);
        let allowed = |id: BackendId| self.index.get(id).filter(|at| self.may_take(seat, *at, request.exclude));
        let picked = hash.pick(key, &self.lanes[seat].keyed, allowed);
        self.lanes[seat].hash = hash;
        picked.or_else(|| self.next_that_may(seat, key, request.exclude))
    }

    /// Whether this one may have another request: in service, not excluded, and within its bound if loads are bounded.
    fn may_take(&self, seat: usize, at: usize, exclude: &[BackendId]) -> bool {
        if self.effective[at] == 0 || !self.admits(at, exclude) {
            return false;
        }
        let Some(percent) = self.config.hash.bound_percent else { return true };
        let lane = &self.lanes[seat];
        // load < ⌈percent/100 × (all + 1) × own share⌉, without a division.
        let fair = u128::from(percent) * u128::from(lane.load + 1) * u128::from(self.effective[at]);
        u128::from(self.load[at]) * 100 * u128::from(lane.total) < fair
    }

    /// Somebody who may, looked for from a place that depends on the key; the least loaded if exclusions leave nobody within its bound.
    #[cold]
    fn next_that_may(&self, seat: usize, key: u64, exclude: &[BackendId]) -> Option<usize> {
        let live = &self.lanes[seat].live;
        let start = scale(key, live.len() as u64) as usize;
        let around = || (start..live.len()).chain(0..start).map(|rank| live[rank] as usize);
        let within = around().find(|at| self.may_take(seat, *at, exclude));
        let least = |best: usize, at: usize| if self.compare_load(at, best).is_lt() { at } else { best };
        within.or_else(|| around().filter(|at| self.admits(*at, exclude)).reduce(least))
    }
}
