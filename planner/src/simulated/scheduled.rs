//! Fleets that nobody decides about: one size for ever, or sizes on a timetable.

use balancer::Nanos;
use simulator::{Autoscaler, Observation, Orders};

/// From when on how many replicas are to be ready, ascending; the first holds from the start.
pub(super) struct Scheduled {
    steps: Vec<(Nanos, u32)>,
    /// How long before its time a larger fleet is ordered.
    boot: Nanos,
    /// The next step that isn't ordered yet.
    next: usize,
    now: Nanos,
    /// To the first tick, and between ticks where nothing is to be ordered.
    interval: Nanos,
}

impl Scheduled {
    /// `steps` on a timetable.
    pub fn new(steps: Vec<(Nanos, u32)>, boot: Nanos, interval: Nanos) -> Scheduled {
        Scheduled { steps, boot, next: 0, now: Nanos(0), interval }
    }

    /// Always this size.
    pub fn fixed(replicas: Option<u32>, interval: Nanos) -> Scheduled {
        Scheduled::new(replicas.map(|replicas| (Nanos(0), replicas)).into_iter().collect(), Nanos(0), interval)
    }

    /// When a step is ordered: a larger fleet so early that it is ready in time, a smaller one at its time.
    fn order_at(&self, step: usize) -> Option<Nanos> {
        let (at, replicas) = *self.steps.get(step)?;
        let grows = step.checked_sub(1).and_then(|before| self.steps.get(before)).is_some_and(|(_, before)| replicas > *before);
        Some(if grows { Nanos(at.0.saturating_sub(self.boot.0)) } else { at })
    }
}

impl Autoscaler for Scheduled {
    fn interval(&self) -> Nanos {
        match self.order_at(self.next) {
            None => Nanos(0),
            // Zero would be "never again".
            Some(at) => Nanos(at.0.saturating_sub(self.now.0).max(if self.now.0 == 0 { self.interval.0 } else { 1 })),
        }
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        self.now = seen.now.max(Nanos(1));
        let mut replicas = None;
        while self.order_at(self.next).is_some_and(|at| at <= seen.now) {
            replicas = self.steps.get(self.next).map(|(_, replicas)| *replicas);
            self.next += 1;
        }
        replicas.map(|replicas| Orders { replicas: Some(replicas), weights: None })
    }
}
