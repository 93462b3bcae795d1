//! What the end of a request means: for loads, health, latencies and membership.

use super::{NOBODY, Pool};
use crate::algorithm::Algorithm;
use crate::backend::{BackendId, Outcome, OutcomeKind};
use crate::health::Change;
use crate::time::Nanos;

/// How long a failed request keeps weighing on its backend where passive health doesn't say (nginx's default `fail_timeout`).
const PENALTY_LASTS: Nanos = Nanos::from_secs(10);

impl Pool {
    /// A request to `id` ended: one fewer in flight. A finish without a begin, or for an unknown id, changes no count.
    ///
    /// An instance that fails or refuses at once has few requests in flight, and "least connections" would send it all the traffic. So such
    /// a request goes on counting as load until a request succeeds there, or for `fail_timeout` (10 s without passive health) after the
    /// last one: failing never makes a backend more attractive.
    #[inline]
    pub fn finish(&mut self, id: BackendId, now: Nanos, outcome: &Outcome) {
        let Some(at) = self.index.get(id) else { return };
        if self.in_flight[at] == 0 {
            return;
        }
        self.in_flight[at] -= 1;
        self.lighten(at, 1);
        if self.algorithm.times() {
            self.time(at, now, outcome);
        }
        if outcome.is_failure() || outcome.kind == OutcomeKind::Overloaded {
            self.penalise(at, now);
        } else if self.penalised > 0 && outcome.kind == OutcomeKind::Success {
            self.forgive(at, 1);
        }
        if let Some(passive) = self.config.passive {
            let member = &mut self.members[at];
            let was_out = member.passive.ejected_until.is_some();
            let change = member.passive.finish(&passive, outcome.kind, now);
            let is_out = member.passive.ejected_until.is_some();
            self.ejected = self.ejected + u32::from(is_out) - u32::from(was_out);
            self.follow(at, change, now);
        }
        if let Some(rules) = &self.config.latency
            && self.members[at].latency.finish(rules, outcome.kind, outcome.latency, now)
        {
            self.refresh_at = Nanos::ZERO;
        }
        self.touch(at);
        if self.leaving > 0 && self.members[at].removed && self.in_flight[at] == 0 {
            self.leave(at);
        }
    }

    /// Takes load off a member.
    fn lighten(&mut self, at: usize, by: u32) {
        let by = by.min(self.load[at]);
        self.load[at] -= by;
        let (lane, rank) = self.seat[at];
        if rank != NOBODY {
            let lane = &mut self.lanes[lane as usize];
            lane.load = lane.load.saturating_sub(u64::from(by));
        }
    }

    /// Counts a latency. A failure counts at least as much as what is known of this backend and of all: failing fast isn't being fast.
    fn time(&mut self, at: usize, now: Nanos, outcome: &Outcome) {
        let decay = self.config.ewma.decay;
        let peak = self.algorithm == Algorithm::PeakEwma;
        match outcome.kind {
            OutcomeKind::Cancelled => {}
            OutcomeKind::Success => {
                self.mean_latency.observe(outcome.latency, now, decay, false);
                self.latency[at].observe(outcome.latency, now, decay, peak);
            }
            _ => {
                let known = self.latency[at].value().max(self.mean_latency.value());
                self.latency[at].observe(outcome.latency.max(Nanos(known as u64)), now, decay, peak);
            }
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
            let (lane, rank) = self.seat[at];
            if rank != NOBODY {
                self.lanes[lane as usize].load += 1;
            }
        }
        let member = &mut self.members[at];
        member.penalty_until = now + self.config.passive.map_or(PENALTY_LASTS, |passive| passive.fail_timeout);
        self.refresh_at = self.refresh_at.min(member.penalty_until);
    }

    /// Takes back up to `count` of a member's penalties.
    pub(super) fn forgive(&mut self, at: usize, count: u32) {
        let member = &mut self.members[at];
        let count = count.min(member.penalty);
        if count == 0 {
            return;
        }
        member.penalty -= count;
        if member.penalty == 0 {
            self.penalised -= 1;
        }
        self.lighten(at, count);
    }

    /// What a change of health means for the pool.
    pub(super) fn follow(&mut self, at: usize, change: Change, now: Nanos) {
        match change {
            Change::Nothing => {}
            Change::Eligibility => self.refresh_at = Nanos::ZERO,
            Change::Recovered => {
                // It was out for a while: its caches are as cold as a new one's, and its failures are history.
                self.members[at].warming_since = self.config.slow_start.map(|_| now);
                self.forgive(at, u32::MAX);
                self.refresh_at = Nanos::ZERO;
            }
        }
    }
}
