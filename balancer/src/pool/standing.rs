//! Who may be picked, and with what effective weight.

use super::lane::Lane;
use super::{Member, Pool};
use crate::algorithm::Algorithm;
use crate::backend::{BackendId, Place};
use crate::time::Nanos;
use crate::warmup::PARTS;

/// What the pool as a whole is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Health counts.
    Normal,
    /// Too many are ejected: ejection doesn't count, probes do.
    IgnoreEjection,
    /// Probes call everybody dead: use whoever has weight.
    IgnoreAll,
}

impl Pool {
    /// Works out the mode from a census of the usable members.
    pub(super) fn mode(&self, now: Nanos) -> Mode {
        let (mut usable, mut down, mut ejected) = (0u32, 0u32, 0u32);
        for member in self.members.iter().filter(|member| member.usable()) {
            usable += 1;
            down += u32::from(member.active.down);
            ejected += u32::from(!member.active.down && (member.passive.ejected_until.is_some() || member.latency.closed(now)));
        }
        let reachable = usable - down;
        if self.config.panic_threshold == 0.0 || usable == 0 {
            return Mode::Normal;
        }
        if reachable == 0 {
            return Mode::IgnoreAll;
        }
        let healthy = reachable - ejected;
        if ejected > 0 && f64::from(healthy) < self.config.panic_threshold * f64::from(reachable) {
            Mode::IgnoreEjection
        } else {
            Mode::Normal
        }
    }

    /// The effective weight of a member at `now`, in parts; 0 = not to be picked.
    pub(super) fn effective_parts(&self, member: &Member, mode: Mode, now: Nanos) -> u32 {
        if !member.usable() {
            return 0;
        }
        let out = match mode {
            Mode::Normal => member.active.down || member.passive.closed(now) || member.latency.closed(now),
            Mode::IgnoreEjection => member.active.down,
            Mode::IgnoreAll => false,
        };
        if out {
            return 0;
        }
        let weight = if self.algorithm.weighted() { member.weight } else { 1 };
        // At most WEIGHT_MAX × PARTS = 10⁹, within u32.
        let parts = weight * self.warmth(member, now);
        match self.pace(member, now) {
            // In panic, slowness counts no more than failures do.
            PARTS | 0 => parts,
            pace => (u64::from(parts) * u64::from(pace) / u64::from(PARTS)).max(1) as u32,
        }
    }

    /// The factor of latency ejection, in parts.
    pub(super) fn pace(&self, member: &Member, now: Nanos) -> u32 {
        self.config.latency.as_ref().map_or(PARTS, |rules| member.latency.parts(rules, now))
    }

    /// The slow-start factor of a member, in parts.
    pub(super) fn warmth(&self, member: &Member, now: Nanos) -> u32 {
        match (self.config.slow_start, member.warming_since) {
            (Some(slow_start), Some(since)) => slow_start.parts(now.since(since)),
            _ => PARTS,
        }
    }

    /// Brings everything that depends on time and health up to date.
    #[cold]
    pub(super) fn refresh(&mut self, now: Nanos) {
        let mut next = self.run_timers(now);
        let mode = self.mode(now);
        self.untouched = None;
        self.lay_lanes();
        let keyed_before: Vec<_> = self.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.keyed)).collect();
        self.lanes.iter_mut().for_each(Lane::clear);
        for at in 0..self.members.len() {
            self.seat_member(at, mode, now);
        }
        for (lane, before) in keyed_before.iter().enumerate() {
            self.finish_lane(lane, before);
        }
        self.course.set(&self.lanes, &self.config.splits, self.config.levels.overprovisioning_percent);
        if let Some(slow_start) = self.config.slow_start
            && self.members.iter().any(|member| member.warming_since.is_some())
        {
            next = next.min(now + slow_start.step());
        }
        if self.algorithm == Algorithm::LeastResponseTime {
            next = next.min(now + self.age(now));
        }
        self.refresh_at = next;
    }

    /// One lane per place that somebody usable has, in order; known ones keep their turns and tables.
    fn lay_lanes(&mut self) {
        let split = !self.config.splits.is_empty();
        let place = |member: &Member| if split { member.place } else { Place { group: 0, ..member.place } };
        let mut places: Vec<Place> = Vec::new();
        for member in self.members.iter().filter(|member| member.usable()) {
            let place = place(member);
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        places.sort_unstable();
        places.dedup();
        if !self.lanes.iter().map(|lane| &lane.place).eq(&places) {
            let mut known = std::mem::take(&mut self.lanes);
            self.lanes = places
                .into_iter()
                .map(|place| known.iter().position(|lane| lane.place == place).map_or_else(|| Lane::of(place), |at| known.swap_remove(at)))
                .collect();
        }
    }

    /// Gives a member its effective weight and its seat.
    fn seat_member(&mut self, at: usize, mode: Mode, now: Nanos) {
        let parts = self.effective_parts(&self.members[at], mode, now);
        let before = std::mem::replace(&mut self.effective[at], parts);
        let member = &self.members[at];
        self.seat[at] = (0, super::NOBODY);
        if !member.usable() {
            self.current[at] = 0;
            return;
        }
        let place = if self.config.splits.is_empty() { Place { group: 0, ..member.place } } else { member.place };
        // `lay_lanes` made one for everybody usable.
        let Ok(seat) = self.lanes.binary_search_by(|lane| lane.place.cmp(&place)) else { return };
        let lane = &mut self.lanes[seat];
        let weight = if self.algorithm.weighted() { member.weight } else { 1 };
        let whole = u64::from(weight) * u64::from(PARTS);
        lane.whole += whole;
        if self.algorithm.hashes() {
            lane.keyed.push((self.ids[at], weight));
        }
        if parts == 0 {
            self.current[at] = 0;
            return;
        }
        // Who comes back, or changes weight, keeps its place in line as a part of its own stride.
        let owed = if before == 0 { 0.5 } else { (self.pass[at] - lane.pass) * f64::from(before) };
        if before != parts {
            self.pass[at] = lane.pass + owed.clamp(0.0, 1.0) / f64::from(parts);
        }
        lane.well += whole;
        lane.load += u64::from(self.load[at]);
        lane.uniform &= lane.live.first().is_none_or(|first| self.effective[*first as usize] == parts);
        self.seat[at] = (seat as u32, lane.live.len() as u32);
        lane.live.push(at as u32);
        lane.line.push(u64::from(parts));
    }

    fn finish_lane(&mut self, seat: usize, keyed_before: &[(BackendId, u32)]) {
        self.rescale(seat);
        let lane = &mut self.lanes[seat];
        lane.line.finish();
        lane.mean_weight = lane.total as f64 / lane.live.len().max(1) as f64;
        lane.hash.update(self.algorithm, &self.config.hash, keyed_before, &lane.keyed);
        let tree = self.grow_tree(seat);
        self.lanes[seat].tree = tree;
    }

    /// Ends ramps and penalties whose time is over. Returns when the next penalty or ejection ends.
    fn run_timers(&mut self, now: Nanos) -> Nanos {
        let mut next = Nanos::MAX;
        for at in 0..self.members.len() {
            if self.members[at].penalty > 0 && now >= self.members[at].penalty_until {
                self.forgive(at, u32::MAX);
            }
            let warm = self.warmth(&self.members[at], now) == PARTS;
            let member = &mut self.members[at];
            if warm {
                member.warming_since = None;
            }
            if member.penalty > 0 {
                next = next.min(member.penalty_until);
            }
            if let Some(until) = member.passive.ejected_until
                && now < until
            {
                next = next.min(until);
            }
            if let Some(rules) = &self.config.latency
                && let Some(step) = member.latency.tick(rules, now)
            {
                next = next.min(step);
            }
        }
        next
    }

    /// `current / total` is how many picks a member is owed. A new total must leave that as it is: without this, a backend whose weight
    /// falls from 1,000,000 to 1 could owe a million turns, and setting balances back to zero at each step of a ramp would give every
    /// turn to the heaviest.
    fn rescale(&mut self, seat: usize) {
        let lane = &mut self.lanes[seat];
        let (before, total) = (std::mem::replace(&mut lane.total, lane.line.total()), lane.line.total());
        if lane.uniform || before == 0 {
            lane.live.iter().for_each(|at| self.current[*at as usize] = 0);
        } else if before != total {
            for at in &lane.live {
                // |current| ≤ before, so the result fits where `current` did.
                let current = &mut self.current[*at as usize];
                *current = (i128::from(*current) * i128::from(total) / i128::from(before)) as i64;
            }
        }
    }

    /// Who wasn't asked for a while is believed to be like the others again. Says when to look next.
    fn age(&mut self, now: Nanos) -> Nanos {
        let (mean, decay) = (self.mean_latency.value(), self.config.ewma.decay);
        for at in 0..self.latency.len() {
            if self.in_flight[at] == 0 {
                self.latency[at] = self.latency[at].aged(mean, now, decay);
            }
        }
        Nanos((decay.0 / 4).max(1))
    }
}
