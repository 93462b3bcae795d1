//! A job that runs: how far it is, what came out so far, and whether it is to end.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::api::dto::{JobNow, JobResult};

/// Why a job ends before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// It took longer than a job may.
    TooLong,
    /// The process ends.
    Ending,
}

/// Seen by the worker, who writes, and by the API, which reads and cancels.
#[derive(Debug)]
pub struct Live {
    pub id: i64,
    begun: Instant,
    most: Duration,
    asked: AtomicU8,
    seen: Mutex<Seen>,
}

/// What the API shows of it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// 0 to 1.
    pub progress: f64,
    pub now: JobNow,
    pub result: JobResult,
    /// The cells' scenarios.
    pub scenarios: Vec<String>,
    /// The series file that they name.
    pub load: String,
}

impl Live {
    pub fn new(id: i64, most: Duration) -> Self {
        Self { id, begun: Instant::now(), most, asked: AtomicU8::new(0), seen: Mutex::default() }
    }

    /// Asks it to end; the first reason counts.
    pub fn stop(&self, why: Stop) {
        // A failed exchange means that somebody was first.
        let _ = self.asked.compare_exchange(0, why as u8 + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub fn stops(&self) -> Option<Stop> {
        if self.begun.elapsed() > self.most {
            self.stop(Stop::TooLong);
        }
        match self.asked.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::TooLong),
            _ => Some(Stop::Ending),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Looks at what is known.
    pub fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    /// Changes what is known.
    pub fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_to_end_counts() {
        let live = Live::new(1, Duration::from_secs(3_600));
        assert_eq!(live.stops(), None);
        live.stop(Stop::Ending);
        live.stop(Stop::Cancelled);
        assert_eq!(live.stops(), Some(Stop::Ending));
        assert_eq!(Live::new(2, Duration::ZERO).stops(), Some(Stop::TooLong));
    }
}
