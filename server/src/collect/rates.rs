//! Rates from counters: resets, repeated readings and readings out of order are recognised here, once.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Bounds, Reading, Scrape};

/// What one stretch of time (a step of the series, or the trailing window) looked like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Start of the stretch in domain time, epoch milliseconds.
    pub from_ms: i64,
    /// Offered load [requests per wall second].
    pub load_rps: f64,
    /// Whether requests were turned away: the load that was served says nothing about demand then.
    pub saturated: bool,
    /// Share of requests that failed, 0 to 1; `None` without requests.
    pub error_ratio: Option<f64>,
    /// 95th percentile of the latency [ms], interpolated within its bucket; `None` without answers.
    pub latency_p95_ms: Option<f64>,
}

/// Turns scrapes into steps.
#[derive(Debug)]
pub struct Rates {
    step_ms: i64,
    bounds: Bounds,
    recent: VecDeque<Scrape>,
    step_start: Option<Scrape>,
}

impl Rates {
    /// For a series with a step of `step_ms`, and counters whose latency buckets end at `bounds` [ms].
    #[must_use]
    pub fn new(step_ms: i64, bounds: Bounds) -> Self {
        Self { step_ms: step_ms.max(1), bounds, recent: VecDeque::new(), step_start: None }
    }

    /// Takes a scrape and says what is known now.
    pub fn read(&mut self, scrape: Scrape) -> Reading {
        let at_ms = scrape.at_ms;
        let steps = self.observe(scrape).into_iter().collect();
        Reading { steps, now: self.trailing().map(|step| (at_ms, step)) }
    }

    /// Takes a scrape; returns the step that it completes, if it does.
    ///
    /// A step is complete at the first scrape past its end. When scrapes were missing for more than a step, the steps between stay unknown:
    /// what is spread over several steps is no value of any of them.
    pub fn observe(&mut self, scrape: Scrape) -> Option<Step> {
        if self.recent.back().is_some_and(|last| scrape.at_ms <= last.at_ms || scrape.wall <= last.wall) {
            return None;
        }
        while self.recent.len() > 1 && self.recent[1].at_ms <= scrape.at_ms - self.step_ms {
            self.recent.pop_front();
        }
        self.recent.push_back(scrape.clone());
        let slot = |at_ms: i64| at_ms.div_euclid(self.step_ms);
        let Some(start) = &self.step_start else {
            self.step_start = Some(scrape);
            return None;
        };
        let passed = slot(scrape.at_ms) - slot(start.at_ms);
        if passed == 0 {
            return None;
        }
        let step = if passed == 1 { self.between(start, &scrape) } else { None };
        let from_ms = slot(start.at_ms) * self.step_ms;
        // The first scrape of the loop may fall late into its step; less than half a step says too little about the whole.
        let whole = scrape.at_ms - start.at_ms >= self.step_ms / 2;
        self.step_start = Some(scrape);
        step.filter(|_| whole).map(|step| Step { from_ms, ..step })
    }

    /// The trailing window of about one step: what the reactive rule looks at. `None` until two scrapes are there.
    #[must_use]
    pub fn trailing(&self) -> Option<Step> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        if last.at_ms - first.at_ms > 2 * self.step_ms {
            return None;
        }
        self.between(first, last)
    }

    fn between(&self, first: &Scrape, last: &Scrape) -> Option<Step> {
        let wall = last.wall.saturating_sub(first.wall);
        if wall == Duration::ZERO {
            return None;
        }
        let offered = since(first.offered, last.offered);
        let failed = since(first.failed, last.failed);
        let latency: Vec<u64> =
            last.latency.iter().enumerate().map(|(at, now)| since(first.latency.get(at).copied().unwrap_or(0), *now)).collect();
        Some(Step {
            from_ms: first.at_ms,
            load_rps: offered as f64 / wall.as_secs_f64(),
            saturated: since(first.shed, last.shed) > 0,
            error_ratio: (offered > 0).then(|| (failed as f64 / offered as f64).min(1.0)),
            latency_p95_ms: percentile(&latency, self.bounds, 0.95),
        })
    }
}

/// What a counter grew by; a counter that fell was reset, and has counted from zero since.
fn since(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// A percentile of bucketed values, linear within the bucket; values above the last bound count as the last bound.
fn percentile(counts: &[u64], bounds: Bounds, share: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let wanted = share * total as f64;
    let mut below = 0.0;
    for (at, count) in counts.iter().enumerate() {
        let count = *count as f64;
        let low = if at == 0 { 0.0 } else { *bounds.get(at - 1)? };
        if below + count >= wanted && count > 0.0 {
            let high = bounds.get(at).copied().unwrap_or(low);
            return Some(low + (high - low) * (wanted - below) / count);
        }
        below += count;
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = &[100.0, 200.0];

    fn scrape(at_s: i64, offered: u64) -> Scrape {
        let wall = Duration::from_millis(u64::try_from(at_s).unwrap() * 1_000 / 60);
        Scrape { at_ms: at_s * 1_000, wall, offered, shed: 0, failed: 0, latency: vec![offered, 0, 0] }
    }

    #[test]
    fn load_is_counted_per_wall_second_and_stamped_in_domain_time() {
        let mut rates = Rates::new(60_000, BOUNDS);
        let steps: Vec<Step> = (0..=8).filter_map(|at| rates.observe(scrape(at * 15, 30 * at as u64))).collect();
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].from_ms, steps[1].from_ms), (0, 60_000));
        // 120 requests in a domain minute, which is a wall second.
        assert!((steps[0].load_rps - 120.0).abs() < 1e-6, "{}", steps[0].load_rps);
        assert!((rates.trailing().unwrap().load_rps - 120.0).abs() < 1e-6);
        assert_eq!(steps[0].latency_p95_ms, Some(95.0));
    }

    #[test]
    fn a_reset_counts_from_zero_and_never_goes_negative() {
        let mut rates = Rates::new(60_000, BOUNDS);
        assert!(rates.observe(scrape(0, 1_000)).is_none());
        let step = rates.observe(scrape(60, 90)).unwrap();
        assert!((step.load_rps - 90.0).abs() < 1e-6);
    }

    #[test]
    fn repeated_and_old_scrapes_change_nothing() {
        let mut rates = Rates::new(60_000, BOUNDS);
        rates.observe(scrape(0, 0));
        rates.observe(scrape(30, 60));
        let before = rates.trailing();
        assert!(rates.observe(scrape(30, 900)).is_none());
        assert!(rates.observe(scrape(10, 900)).is_none());
        assert_eq!(rates.trailing(), before);
    }

    #[test]
    fn a_hole_longer_than_a_step_leaves_its_steps_unknown() {
        let mut rates = Rates::new(60_000, BOUNDS);
        rates.observe(scrape(0, 0));
        assert!(rates.observe(scrape(200, 400)).is_none());
        assert!(rates.observe(scrape(245, 500)).is_some());
    }

    #[test]
    fn shedding_is_marked() {
        let mut rates = Rates::new(60_000, BOUNDS);
        rates.observe(scrape(0, 0));
        let step = rates.observe(Scrape { shed: 3, failed: 3, ..scrape(60, 30) }).unwrap();
        assert!(step.saturated);
        assert_eq!(step.error_ratio, Some(0.1));
    }
}
