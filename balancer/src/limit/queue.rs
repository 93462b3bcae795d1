//! Requests that wait for room: by class, each with a deadline after which waiting has no point.

use crate::config::ConfigError;
use crate::time::{Nanos, span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who may wait, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Requests that wait at once, all classes together, 1 to 1000000.
    pub length: u32,
    /// How long each may wait; then it is refused. Wall time.
    #[serde(with = "span")]
    pub patience: Nanos,
}

impl QueueConfig {
    /// Says what is wrong, if anything.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=1_000_000).contains(&self.length) {
            return Err(ConfigError::new("queue.length", self.length, "1 to 1000000"));
        }
        if self.patience == Nanos::ZERO {
            return Err(ConfigError::new("queue.patience", self.patience, "longer than 0s"));
        }
        Ok(())
    }
}

/// What became of a request that asked to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// A waiting request of a lower class that had to make room for it, and must be refused.
    pub displaced: Option<u64>,
}

/// No room to wait, and nobody of a lower class to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct QueueFull;

/// A place in line: class (0 first), then order of arrival.
type Turn = (u8, u64);

/// A waiting line with priority classes and deadlines. Lower classes are served first; within a class, who came first. A full queue gives up
/// its last request of the highest class number for one of a lower number. The caller names requests by numbers of its own, each waiting
/// at most once.
#[derive(Debug, Clone)]
pub struct AdmissionQueue {
    config: QueueConfig,
    line: BTreeMap<Turn, (u64, Nanos)>,
    deadlines: BTreeSet<(Nanos, Turn)>,
    places: BTreeMap<u64, Turn>,
    arrivals: u64,
}

impl AdmissionQueue {
    /// An empty queue.
    pub fn try_new(config: QueueConfig) -> Result<AdmissionQueue, ConfigError> {
        config.validate()?;
        let (line, deadlines, places) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(AdmissionQueue { config, line, deadlines, places, arrivals: 0 })
    }

    /// A request waits from now on. Asking again for one that waits changes nothing.
    pub fn push(&mut self, request: u64, class: u8, now: Nanos) -> Result<Admitted, QueueFull> {
        if self.places.contains_key(&request) {
            return Ok(Admitted { displaced: None });
        }
        let mut displaced = None;
        if self.line.len() >= self.config.length as usize {
            let last = self.line.last_key_value().map(|(turn, (request, _))| (*turn, *request));
            match last {
                Some(((lowest, _), other)) if lowest > class => {
                    self.remove(other);
                    displaced = Some(other);
                }
                _ => return Err(QueueFull),
            }
        }
        let turn = (class, self.arrivals);
        self.arrivals += 1;
        let deadline = now + self.config.patience;
        self.line.insert(turn, (request, deadline));
        self.deadlines.insert((deadline, turn));
        self.places.insert(request, turn);
        Ok(Admitted { displaced })
    }

    /// There is room for one: who is next. Those whose time is over are skipped; ask [`expired`](AdmissionQueue::expired) for them.
    pub fn pop(&mut self, now: Nanos) -> Option<u64> {
        let next = self.line.values().find(|(_, deadline)| now < *deadline).map(|(request, _)| *request)?;
        self.remove(next);
        Some(next)
    }

    /// Takes out one whose time is over, the longest overdue first; it must be refused.
    pub fn expired(&mut self, now: Nanos) -> Option<u64> {
        let (_, turn) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        let request = self.line.get(turn).map(|(request, _)| *request)?;
        self.remove(request);
        Some(request)
    }

    /// When the next one's time is over.
    pub fn next_deadline(&self) -> Option<Nanos> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// A request doesn't want to wait any more; false if it didn't.
    pub fn remove(&mut self, request: u64) -> bool {
        let Some(turn) = self.places.remove(&request) else { return false };
        if let Some((_, deadline)) = self.line.remove(&turn) {
            self.deadlines.remove(&(deadline, turn));
        }
        true
    }

    /// Requests that wait.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}
