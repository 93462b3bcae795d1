//! History on its way into the database: what was measured a moment ago, of all services, written together.
//!
//! Each transaction costs a write to disk that must have arrived. One a service would be hundreds a second for thousands of services; one
//! for what came in within a moment is a few, whatever the number of services. Points stay here until they are written, so an outage of the
//! database leaves no hole, as far as memory allows; a process that ends before loses what its source can't tell it again.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{Batch, SeriesKey, Store, StoreError};

/// Series in one transaction, and points after which no further one is added: some hundredths of a second, so that a decision never waits long
/// for its commit.
const SERIES: usize = 500;
const ENOUGH: usize = 20_000;
/// Points that are kept while they can't be written: some tens of megabytes. 1,000 services by the minute fill it in half a day.
const POINTS: usize = 2_000_000;

/// Points that wait, by service and metric.
type Waiting = BTreeMap<(String, &'static str), Points>;

/// The points of one series by time, newer ones over older ones.
#[derive(Debug, Default)]
struct Points {
    step_ms: i64,
    values: BTreeMap<i64, f64>,
}

/// Points that wait for being written.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    most: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self::of(POINTS)
    }
}

impl Queue {
    /// One that keeps at most so many points.
    pub(super) fn of(most: usize) -> Self {
        Self { waiting: Mutex::default(), most }
    }

    /// Puts points of one series in. Where too many wait, the oldest of each series give way.
    pub fn put(&self, service: &str, metric: &'static str, step_ms: i64, points: &[(i64, f64)]) {
        if points.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock();
        let share = (self.most / (waiting.len() + 1)).max(1);
        let series = waiting.entry((service.to_owned(), metric)).or_default();
        series.step_ms = step_ms;
        series.values.extend(points.iter().copied());
        while series.values.len() > share {
            series.values.pop_first();
        }
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().is_empty()
    }

    /// Writes what waits. What the database doesn't take for now goes on waiting; of a series that it will never take (its step has changed)
    /// `given_up` is told the service and why.
    ///
    /// # Errors
    /// Why something still waits; what could be written has been.
    pub async fn flush(&self, store: &Store, mut given_up: impl FnMut(&str, StoreError)) -> Result<(), StoreError> {
        let mut parts = parts(std::mem::take(&mut *self.waiting.lock()));
        while let Some(part) = parts.pop() {
            match write(store, &part).await {
                Ok(()) => {}
                // One of them is at fault: each by itself, then.
                Err(StoreError::Corrupt { .. }) if part.len() > 1 => parts.extend(part.into_iter().map(|one| Waiting::from([one]))),
                Err(error @ StoreError::Corrupt { .. }) => {
                    if let Some(((service, _), _)) = part.first_key_value() {
                        given_up(service, error);
                    }
                }
                Err(error) => {
                    parts.push(part);
                    self.put_back(parts);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What came in meanwhile is newer.
    fn put_back(&self, parts: Vec<Waiting>) {
        let mut waiting = self.waiting.lock();
        for (name, older) in parts.into_iter().flatten() {
            let series = waiting.entry(name).or_default();
            series.step_ms = older.step_ms;
            for (at_ms, value) in older.values {
                series.values.entry(at_ms).or_insert(value);
            }
        }
    }
}

/// Cut into transactions.
fn parts(mut rest: Waiting) -> Vec<Waiting> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (mut part, mut points) = (Waiting::new(), 0);
        while part.len() < SERIES
            && points < ENOUGH
            && let Some((name, series)) = rest.pop_first()
        {
            points += series.values.len();
            part.insert(name, series);
        }
        parts.push(part);
    }
    parts
}

async fn write(store: &Store, part: &Waiting) -> Result<(), StoreError> {
    let points: Vec<Vec<(i64, f64)>> =
        part.values().map(|series| series.values.iter().map(|(at, value)| (*at, *value)).collect()).collect();
    let batches: Vec<Batch<'_>> = part
        .iter()
        .zip(&points)
        .map(|(((service, metric), series), points)| Batch { key: SeriesKey { service, metric }, step_ms: series.step_ms, points })
        .collect();
    store.append_many(&batches).await
}
