//! The algorithms. Each has one form for every case (weights, slow start, exclusions) and, where it pays, a short cut for the usual one:
//! equal effective weights and nothing excluded.

use super::Pool;
use crate::backend::BackendId;
use crate::config::Algorithm;
use crate::time::Nanos;
use rand::Rng;

/// What a pick needs to know of the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct PickRequest<'a> {
    /// Backends that this request must not get: those that it was already tried on.
    pub exclude: &'a [BackendId],
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
    /// `rng` is drawn from only by the random algorithms. No allocation; constant time for round robin, random and two choices with equal
    /// weights, linear in the number of backends otherwise.
    #[inline]
    pub fn pick(&mut self, now: Nanos, request: &PickRequest<'_>, rng: &mut dyn Rng) -> Result<BackendId, NoBackend> {
        if now >= self.refresh_at {
            self.refresh(now);
        }
        let picked = if self.live.is_empty() {
            None
        } else if !request.exclude.is_empty() {
            let exclude = request.exclude;
            match self.algorithm {
                Algorithm::RoundRobin | Algorithm::WeightedRoundRobin if self.uniform => self.in_turn(exclude),
                Algorithm::RoundRobin | Algorithm::WeightedRoundRobin => self.smooth(exclude),
                Algorithm::LeastConnections => self.least(exclude),
                Algorithm::P2c => self.two_choices(exclude, rng),
                Algorithm::Random | Algorithm::WeightedRandom => self.draw(exclude, None, rng),
            }
        } else {
            match self.algorithm {
                Algorithm::RoundRobin | Algorithm::WeightedRoundRobin if self.uniform => Some(self.next_in_turn()),
                Algorithm::RoundRobin | Algorithm::WeightedRoundRobin => self.smooth(&[]),
                Algorithm::LeastConnections if self.uniform => Some(self.least_uniform()),
                Algorithm::LeastConnections => self.least(&[]),
                Algorithm::P2c => self.two_choices_of_all(rng),
                Algorithm::Random | Algorithm::WeightedRandom => Some(self.draw_from_all(rng)),
            }
        };
        match picked {
            Some(at) => Ok(self.ids[at]),
            None => Err(self.why_nobody()),
        }
    }

    #[cold]
    fn why_nobody(&self) -> NoBackend {
        if !self.live.is_empty() {
            NoBackend::AllExcluded
        } else if self.members.iter().all(|member| member.draining()) {
            NoBackend::Empty
        } else if !self.members.iter().any(|member| member.usable()) {
            NoBackend::AllZeroWeight
        } else {
            NoBackend::AllDown
        }
    }

    fn admits(&self, at: usize, exclude: &[BackendId]) -> bool {
        !exclude.contains(&self.ids[at])
    }

    /// The first rank in `live` whose position is at or after the turn.
    fn turn_rank(&self) -> usize {
        if self.live.len() == self.ids.len() {
            return if self.turn < self.live.len() { self.turn } else { 0 };
        }
        let rank = self.live.partition_point(|at| (*at as usize) < self.turn);
        if rank < self.live.len() { rank } else { 0 }
    }

    fn next_in_turn(&mut self) -> usize {
        let at = self.live[self.turn_rank()] as usize;
        self.turn = at + 1;
        at
    }

    fn in_turn(&mut self, exclude: &[BackendId]) -> Option<usize> {
        let start = self.turn_rank();
        let ranks = (start..self.live.len()).chain(0..start);
        let at = ranks.map(|rank| self.live[rank] as usize).find(|at| self.admits(*at, exclude))?;
        self.turn = at + 1;
        Some(at)
    }

    /// nginx's smooth weighted round robin (`ngx_http_upstream_get_peer`): everybody earns its weight, the richest is picked and pays the
    /// sum. Ties go to the first.
    fn smooth(&mut self, exclude: &[BackendId]) -> Option<usize> {
        self.smooth_among(|pool, at| pool.admits(at, exclude))
    }

    fn smooth_among(&mut self, admit: impl Fn(&Pool, usize) -> bool) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut total = 0i64;
        for rank in 0..self.live.len() {
            let at = self.live[rank] as usize;
            if !admit(self, at) {
                continue;
            }
            let weight = i64::from(self.effective[at]);
            total += weight;
            self.current[at] += weight;
            if best.is_none_or(|best| self.current[at] > self.current[best]) {
                best = Some(at);
            }
        }
        self.current[best?] -= total;
        best
    }

    /// Least load among equals, ties in turn: nobody is favoured for being listed first.
    fn least_uniform(&mut self) -> usize {
        let at = if self.live.len() == self.load.len() {
            // Everybody is live: two passes over a flat array, which the compiler turns into wide instructions.
            let least = self.load.iter().copied().min().unwrap_or(0);
            let start = if self.turn < self.load.len() { self.turn } else { 0 };
            let is_least = |load: &u32| *load == least;
            match self.load[start..].iter().position(is_least) {
                Some(offset) => start + offset,
                None => self.load.iter().position(is_least).unwrap_or(0),
            }
        } else {
            let start = self.turn_rank();
            let mut best = self.live[start] as usize;
            for rank in (start + 1..self.live.len()).chain(0..start) {
                let at = self.live[rank] as usize;
                if self.load[at] < self.load[best] {
                    best = at;
                }
            }
            best
        };
        self.turn = at + 1;
        at
    }

    /// Least load per weight; ties by smooth weighted round robin among the tied, so that weights also count when everybody is idle.
    fn least(&mut self, exclude: &[BackendId]) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut tied = false;
        for at in self.live.iter().map(|at| *at as usize).filter(|at| self.admits(*at, exclude)) {
            match best.map(|best| self.compare_load(at, best)) {
                None | Some(std::cmp::Ordering::Less) => (best, tied) = (Some(at), false),
                Some(std::cmp::Ordering::Equal) => tied = true,
                Some(std::cmp::Ordering::Greater) => {}
            }
        }
        let best = best?;
        if !tied {
            return Some(best);
        }
        // `current` changes in this pass, loads and weights don't.
        self.smooth_among(|pool, at| pool.admits(at, exclude) && pool.compare_load(at, best).is_eq())
    }

    /// Compares load per effective weight, exactly: both products fit into 64 bits.
    fn compare_load(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let (load_a, load_b) = (u64::from(self.load[a]), u64::from(self.load[b]));
        (load_a * u64::from(self.effective[b])).cmp(&(load_b * u64::from(self.effective[a])))
    }

    fn less_loaded(&self, first: usize, second: usize) -> usize {
        // A tie goes to the first drawn, which was drawn by weight: an idle pool shares by weight.
        if self.compare_load(second, first).is_lt() { second } else { first }
    }

    /// Two different ones by weight, nothing excluded. Draws twice, also when there is only one.
    fn two_choices_of_all(&self, rng: &mut dyn Rng) -> Option<usize> {
        let (first_draw, second_draw) = (rng.next_u64(), rng.next_u64());
        let count = self.live.len();
        if count == 1 {
            return Some(self.live[0] as usize);
        }
        let (first, second) = if self.uniform {
            let first = scale(first_draw, count as u64);
            let second = scale(second_draw, count as u64 - 1);
            (first as usize, (second + u64::from(second >= first)) as usize)
        } else {
            let total = self.cumulative[count - 1];
            let first = self.rank_of(scale(first_draw, total));
            let weight = u64::from(self.effective[self.live[first] as usize]);
            let start = self.cumulative[first] - weight;
            // A point on the line of weights with the first one's stretch cut out.
            let point = scale(second_draw, total - weight);
            (first, self.rank_of(if point >= start { point + weight } else { point }))
        };
        Some(self.less_loaded(self.live[first] as usize, self.live[second] as usize))
    }

    fn two_choices(&self, exclude: &[BackendId], rng: &mut dyn Rng) -> Option<usize> {
        let first = self.draw(exclude, None, rng)?;
        let second = self.draw(exclude, Some(first), rng);
        Some(second.map_or(first, |second| self.less_loaded(first, second)))
    }

    /// The rank in `live` whose stretch of the line of weights holds `point`.
    fn rank_of(&self, point: u64) -> usize {
        self.cumulative.partition_point(|sum| *sum <= point)
    }

    fn draw_from_all(&self, rng: &mut dyn Rng) -> usize {
        let draw = rng.next_u64();
        let count = self.live.len();
        let rank = if self.uniform { scale(draw, count as u64) as usize } else { self.rank_of(scale(draw, self.cumulative[count - 1])) };
        self.live[rank] as usize
    }

    /// One at random by effective weight, with exclusions. Draws once, also if there is nobody.
    fn draw(&self, exclude: &[BackendId], but: Option<usize>, rng: &mut dyn Rng) -> Option<usize> {
        let draw = rng.next_u64();
        let admitted = || self.live.iter().map(|at| *at as usize).filter(|at| Some(*at) != but && self.admits(*at, exclude));
        let total: u64 = admitted().map(|at| u64::from(self.effective[at])).sum();
        let mut point = scale(draw, total);
        for at in admitted() {
            let weight = u64::from(self.effective[at]);
            if point < weight {
                return Some(at);
            }
            point -= weight;
        }
        None
    }
}

/// A whole number below `below` from 64 random bits (multiply and shift). Its bias is `below / 2⁶⁴`, which for the largest sum of weights
/// would take some 10¹⁵ picks to notice; in return every pick draws the same number of times.
fn scale(draw: u64, below: u64) -> u64 {
    ((u128::from(draw) * u128::from(below)) >> 64) as u64
}
