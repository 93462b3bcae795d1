//! Lets whoever started a run see how far it is, and end it early. The watcher is an argument and its answer changes nothing but whether the
//! run goes on, so a run that is watched gives the same report as one that isn't.

use std::ops::ControlFlow;

use balancer::Nanos;

/// How far a replication is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which one, from 0.
    pub replication: u32,
    /// Simulated time.
    pub now: Nanos,
    /// Requests that have arrived.
    pub arrived: u64,
}

/// Asked every few thousand events, and after each decision of an autoscaler, which may take long; `Break` ends the run.
pub type Watch<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// Events from one question to the next: a millisecond or two of computing.
const EVENTS: u32 = 8_192;

/// Lets a run go on to its end.
pub(crate) fn nobody(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Counts the events of one run, and asks.
pub(crate) struct Watched<'a> {
    watch: Watch<'a>,
    replication: u32,
    left: u32,
}

impl<'a> Watched<'a> {
    pub fn new(watch: Watch<'a>, replication: u32) -> Self {
        Self { watch, replication, left: EVENTS }
    }

    /// One more event; true when the run is to end.
    #[inline]
    pub fn stops(&mut self, now: u64, arrived: u64) -> bool {
        self.left -= 1;
        self.left == 0 && self.ask(now, arrived)
    }

    /// Asks now.
    #[cold]
    pub fn ask(&mut self, now: u64, arrived: u64) -> bool {
        self.left = EVENTS;
        (self.watch)(Progress { replication: self.replication, now: Nanos(now), arrived }).is_break()
    }
}
