//! What the fleet looked like during the window, and what follows from it: replica-hours, and how early ordered replicas were ready.

use super::world::STEP_MS;

/// The fleet at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Domain time.
    pub at_ms: i64,
    /// Replicas that serve.
    pub ready: u32,
    /// All replicas that cost: booting, ready and draining.
    pub all: u32,
}

/// An order that added replicas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Climb {
    /// When it was issued, domain time.
    pub issued_ms: i64,
    /// Replicas wanted.
    pub target: u32,
    /// Load that the replicas before could hold under the SLO [rps].
    pub old_capacity_rps: f64,
}

/// How early the replicas of the orders were ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadStart {
    /// Orders that added replicas.
    pub orders: u32,
    /// Of those, orders after which the load passed the old capacity within the window.
    pub needed: u32,
    /// Of the needed, orders whose replicas were all ready at least a minute before.
    pub in_time: u32,
    /// The smallest head start of the needed ones [domain ms]; negative = late. `None` when none was needed.
    pub least_ms: Option<i64>,
}

/// Replica-hours over the observations, each held until the next.
#[must_use]
pub fn replica_hours(seen: &[Seen], until_ms: i64) -> f64 {
    let ends = seen.iter().skip(1).map(|next| next.at_ms).chain([until_ms]);
    seen.iter().zip(ends).map(|(now, end)| f64::from(now.all) * ((end - now.at_ms).max(0)) as f64 / 3_600_000.0).sum()
}

/// For each order that added replicas: when were all of them ready, and when did the load pass what was there before?
pub fn head_start(climbs: &[Climb], seen: &[Seen], until_ms: i64, rate: impl Fn(i64) -> f64) -> HeadStart {
    let mut result = HeadStart { orders: u32::try_from(climbs.len()).unwrap_or(u32::MAX), ..HeadStart::default() };
    for climb in climbs {
        let minute = climb.issued_ms.div_euclid(STEP_MS) * STEP_MS;
        let minutes = (0..).map(|at| minute + at * STEP_MS).take_while(|at| *at < until_ms);
        let Some(passed_ms) = minutes.into_iter().find(|at| rate(*at) > climb.old_capacity_rps) else { continue };
        let ready = seen.iter().find(|seen| seen.at_ms >= climb.issued_ms && seen.ready >= climb.target);
        let ready_ms = ready.map_or(until_ms, |seen| seen.at_ms);
        let ahead_ms = passed_ms - ready_ms;
        result.needed += 1;
        result.in_time += u32::from(ahead_ms >= 60_000);
        result.least_ms = Some(result.least_ms.map_or(ahead_ms, |least| least.min(ahead_ms)));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_count_every_replica_until_the_window_ends() {
        let seen = [Seen { at_ms: 0, ready: 1, all: 2 }, Seen { at_ms: 1_800_000, ready: 4, all: 4 }];
        assert!((replica_hours(&seen, 3_600_000) - 3.0).abs() < 1e-9);
        assert_eq!(replica_hours(&[], 3_600_000), 0.0);
    }

    #[test]
    fn a_head_start_is_measured_against_the_load_that_came() {
        let seen = [Seen { at_ms: 0, ready: 2, all: 4 }, Seen { at_ms: 180_000, ready: 4, all: 4 }];
        let climb = Climb { issued_ms: 0, target: 4, old_capacity_rps: 60.0 };
        let rate = |at: i64| if at >= 300_000 { 70.0 } else { 50.0 };
        let early = head_start(&[climb], &seen, 3_600_000, rate);
        assert_eq!((early.needed, early.in_time, early.least_ms), (1, 1, Some(120_000)));
        let late = head_start(&[climb], &seen, 3_600_000, |_| 70.0);
        assert_eq!((late.in_time, late.least_ms), (0, Some(-180_000)));
        let never = head_start(&[climb], &seen, 3_600_000, |_| 10.0);
        assert_eq!((never.orders, never.needed, never.least_ms), (1, 0, None));
    }
}
