//! Who may be picked, and with what effective weight.

use super::{Member, Pool};
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
    pub(super) fn mode(&self) -> Mode {
        let (mut usable, mut down, mut ejected) = (0u32, 0u32, 0u32);
        for member in self.members.iter().filter(|member| member.usable()) {
            usable += 1;
            down += u32::from(member.active.down);
            ejected += u32::from(!member.active.down && member.passive.ejected_until.is_some());
        }
        let reachable = usable - down;
        if self.panic_threshold == 0.0 || usable == 0 {
            return Mode::Normal;
        }
        if reachable == 0 {
            return Mode::IgnoreAll;
        }
        let healthy = reachable - ejected;
        if ejected > 0 && f64::from(healthy) < self.panic_threshold * f64::from(reachable) { Mode::IgnoreEjection } else { Mode::Normal }
    }

    /// The effective weight of a member at `now`, in parts; 0 = not to be picked.
    pub(super) fn effective_parts(&self, member: &Member, mode: Mode, now: Nanos) -> u32 {
        if !member.usable() {
            return 0;
        }
        let out = match mode {
            Mode::Normal => member.active.down || member.passive.closed(now),
            Mode::IgnoreEjection => member.active.down,
            Mode::IgnoreAll => false,
        };
        if out {
            return 0;
        }
        let weight = if self.algorithm.weighted() { member.weight } else { 1 };
        // At most WEIGHT_MAX × PARTS = 10⁹, within u32.
        weight * self.warmth(member, now)
    }

    /// The slow-start factor of a member, in parts.
    pub(super) fn warmth(&self, member: &Member, now: Nanos) -> u32 {
        match (self.slow_start, member.warming_since) {
            (Some(slow_start), Some(since)) => slow_start.parts(now.since(since)),
            _ => PARTS,
        }
    }

    /// Brings everything that depends on time and health up to date.
    #[cold]
    pub(super) fn refresh(&mut self, now: Nanos) {
        let mut next = self.run_timers(now);
        let mode = self.mode();
        self.live.clear();
        self.cumulative.clear();
        let mut total = 0u64;
        self.uniform = true;
        for at in 0..self.members.len() {
            let parts = self.effective_parts(&self.members[at], mode, now);
            self.effective[at] = parts;
            if parts == 0 {
                self.current[at] = 0;
                continue;
            }
            self.uniform &= self.live.first().is_none_or(|first| self.effective[*first as usize] == parts);
            self.live.push(at as u32);
            total += u64::from(parts);
            self.cumulative.push(total);
        }
        self.rescale(self.total, total);
        self.total = total;
        if let Some(slow_start) = self.slow_start
            && self.members.iter().any(|member| member.warming_since.is_some())
        {
            next = next.min(now + slow_start.step());
        }
        self.refresh_at = next;
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
        }
        next
    }

    /// `current / total` is how many picks a member is owed. A new total must leave that as it is: without this, a backend whose weight
    /// falls from 1,000,000 to 1 could owe a million turns, and setting balances back to zero at each step of a ramp would give every
    /// turn to the heaviest.
    fn rescale(&mut self, before: u64, total: u64) {
        if self.uniform || before == 0 {
            self.current.fill(0);
        } else if before != total {
            for current in &mut self.current {
                // |current| ≤ before, so the result fits where `current` did.
                *current = (i128::from(*current) * i128::from(total) / i128::from(before)) as i64;
            }
        }
    }
}
