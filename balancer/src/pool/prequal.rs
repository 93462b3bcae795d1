//! Prequal: probes of requests in flight and latency, kept for a moment, and the hot–cold lexicographic rule.

use super::{NOBODY, Pool};
use crate::backend::BackendId;
use crate::time::Nanos;
use crate::tuning::PrequalRules;
use crate::warmup::PARTS;
use rand::Rng;
use std::cmp::Ordering;

/// Requests in flight that were seen lately: enough to tell a quantile by.
const SEEN: usize = 64;
/// With fewer probes the pick is a random one (the paper's minimum).
const FEW: usize = 2;

/// A probe to be sent: whom to ask, and what the pool had sent there by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTarget {
    /// Whom to ask.
    pub id: BackendId,
    begun: u32,
}

/// What a backend says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// Requests that it has, from everybody.
    pub in_flight: u32,
    /// How long requests take there at about this number in flight.
    pub latency: Nanos,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    id: BackendId,
    in_flight: u32,
    latency: f64,
    at: Nanos,
    /// What this pool had sent there when it was measured.
    begun: u32,
    uses: u32,
}

/// A probe of a backend that may be picked.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    hot: bool,
    /// Latency of the cold, requests in flight of the hot.
    measure: f64,
    probe: usize,
    at: usize,
}

impl Candidate {
    /// Cold before hot; the cold by latency, the hot by requests in flight.
    fn order(&self, other: &Candidate) -> Ordering {
        self.hot.cmp(&other.hot).then(self.measure.total_cmp(&other.measure))
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Prequal {
    /// Oldest first.
    probes: Vec<Probe>,
    /// Requests in flight per weight as last seen, in order of time (a ring) and of size.
    ring: Vec<f64>,
    turn: usize,
    sorted: Vec<f64>,
    /// Whether the next one to be forgotten is the worst instead of the oldest.
    worst_next: bool,
}

impl Prequal {
    fn keep(&mut self, rules: &PrequalRules, probe: Probe, per_weight: f64) {
        if self.probes.len() >= rules.keep as usize {
            self.probes.remove(0);
        }
        self.probes.push(probe);
        if self.ring.len() < SEEN {
            self.ring.push(per_weight);
        } else {
            let old = std::mem::replace(&mut self.ring[self.turn], per_weight);
            self.turn = (self.turn + 1) % SEEN;
            let at = self.sorted.partition_point(|seen| *seen < old);
            self.sorted.remove(at.min(SEEN - 1));
        }
        let at = self.sorted.partition_point(|seen| *seen < per_weight);
        self.sorted.insert(at, per_weight);
    }

    /// Hot is who has more in flight than this.
    fn threshold(&self, rules: &PrequalRules) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let at = (last as f64 * rules.hot_quantile) as usize;
        self.sorted.get(at).copied().unwrap_or(f64::INFINITY)
    }
}

impl Pool {
    /// Whom to ask after a pick, with external probes: as many as the rules say, at random by weight. Whoever asks hands the answer to
    /// [`probe_answer`](Pool::probe_answer).
    pub fn probe_targets(&mut self, now: Nanos, rng: &mut dyn Rng) -> Vec<ProbeTarget> {
        if now >= self.refresh_at {
            self.refresh(now);
        }
        let seats: Vec<usize> = (0..self.lanes.len()).filter(|seat| !self.lanes[*seat].live.is_empty()).collect();
        let each = |seat: &usize| {
            let at = self.draw_from_all(*seat, rng);
            ProbeTarget { id: self.ids[at], begun: self.begun[at] }
        };
        seats.iter().cycle().take(if seats.is_empty() { 0 } else { self.config.prequal.probes as usize }).map(each).collect()
    }

    /// An answer to a probe, true at `measured`. Answers of strangers are ignored.
    pub fn probe_answer(&mut self, target: ProbeTarget, measured: Nanos, answer: ProbeAnswer) {
        let Some(at) = self.index.get(target.id) else { return };
        // Failed and refused requests weigh here too: who refuses everything has nothing in flight.
        let in_flight = answer.in_flight.saturating_add(self.members[at].penalty);
        self.note(at, target.begun, measured, in_flight, answer.latency.0 as f64);
    }

    fn note(&mut self, at: usize, begun: u32, measured: Nanos, in_flight: u32, latency: f64) {
        let probe = Probe { id: self.ids[at], in_flight, latency, at: measured, begun, uses: 0 };
        let per_weight = self.per_weight(at, &probe);
        self.prequal.keep(&self.config.prequal, probe, per_weight);
    }

    /// Requests in flight per weight: what was measured, and what this pool has sent there since. (The paper adds one for each use of a
    /// probe; counting all that was sent also holds when answers are older than many requests.)
    fn per_weight(&self, at: usize, probe: &Probe) -> f64 {
        f64::from(probe.in_flight.saturating_add(self.begun[at].wrapping_sub(probe.begun))) * f64::from(PARTS)
            / f64::from(self.effective[at].max(1))
    }

    pub(super) fn prequal(&mut self, seat: usize, now: Nanos, exclude: &[BackendId], rng: &mut dyn Rng) -> Option<usize> {
        let rules = self.config.prequal;
        if !rules.external {
            for _ in 0..rules.probes {
                let at = self.draw_from_all(seat, rng);
                let known = self.latency[at].value();
                let latency = if known == 0.0 { self.mean_latency.value() } else { known };
                self.note(at, self.begun[at], now, self.load[at], latency);
            }
        }
        self.prequal.probes.retain(|probe| now.since(probe.at) <= rules.max_age && probe.at <= now);
        let threshold = self.prequal.threshold(&rules);
        let (mut best, mut worst, mut count): (Option<Candidate>, Option<Candidate>, usize) = (None, None, 0);
        for (probe, seen) in self.prequal.probes.iter().enumerate() {
            let Some(at) = self.index.get(seen.id) else { continue };
            let (lane, place) = self.seat[at];
            if place == NOBODY || lane as usize != seat || !self.admits(at, exclude) {
                continue;
            }
            let per_weight = self.per_weight(at, seen);
            let hot = per_weight > threshold;
            let candidate = Candidate { hot, measure: if hot { per_weight } else { seen.latency }, probe, at };
            count += 1;
            // Of equal ones the newest is the best and the oldest the worst; probes are in the order of age.
            if best.is_none_or(|best| candidate.order(&best).is_le()) {
                best = Some(candidate);
            }
            if worst.is_none_or(|worst| candidate.order(&worst).is_gt()) {
                worst = Some(candidate);
            }
        }
        let (best, worst) = best.zip(worst).filter(|_| count >= FEW).unzip();
        let (Some(best), Some(worst)) = (best, worst) else {
            return self.draw(seat, exclude, None, rng);
        };
        self.spend(&rules, best.probe, worst.probe, seat);
        Some(best.at)
    }

    /// Accounts for a pick: its probe is forgotten when it was used often enough for new ones to keep up;
    /// besides, one probe is forgotten at each pick, by turns the oldest and the worst.
    fn spend(&mut self, rules: &PrequalRules, used: usize, worst: usize, seat: usize) {
        let backends = self.lanes[seat].live.len() as f64;
        let fresh = (1.0 - f64::from(rules.keep) / backends.max(f64::from(rules.keep) + 1.0)) * f64::from(rules.probes) - 1.0;
        // With δ = 1, as in the paper's evaluation; without fresh probes a probe must last.
        let reuse = if fresh > 0.0 { (2.0 / fresh).max(1.0) } else { 16.0 };
        let probes = &mut self.prequal.probes;
        probes[used].uses += 1;
        let used_up = f64::from(probes[used].uses) >= reuse;
        let forgotten = if self.prequal.worst_next { worst } else { 0 };
        self.prequal.worst_next = !self.prequal.worst_next;
        let (first, second) = (used.max(forgotten), used.min(forgotten));
        if used_up && first != second {
            probes.remove(first);
            probes.remove(second);
        } else if used_up {
            probes.remove(used);
        } else if probes.len() > FEW && forgotten != used {
            probes.remove(forgotten);
        }
    }
}
