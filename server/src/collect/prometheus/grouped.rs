//! Range queries that give a series for each value of a label, such as the buckets of a histogram.

use std::collections::BTreeMap;

use super::answer::by_label;
use super::client::{Ask, Client};
use super::{Options, Problem};
use crate::clock::Clock;

/// Points of one series, by time [ms].
pub type Points = BTreeMap<i64, f64>;

/// Most values of all series in one answer, so that it stays within the size that is read (some 30 bytes each).
const VALUES_MAX: i64 = 100_000;
/// Most points of a series in one answer: Prometheus' own limit is 11,000.
const POINTS_MAX: i64 = 10_000;

/// What is asked over a range of time, both ends included.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// First time [ms]; on the grid of the step.
    pub from_ms: i64,
    /// Last time [ms]; on the grid of the step.
    pub to_ms: i64,
    /// Between two points [ms].
    pub step_ms: i64,
}

/// Asks queries over one range.
#[derive(Debug)]
pub struct Grouped {
    client: Client,
    range: Range,
}

impl Grouped {
    /// # Errors
    /// An option that can't be.
    pub fn new(options: &Options, clock: Clock, range: Range) -> Result<Self, Problem> {
        Ok(Self { client: Client::new(options, clock)?, range })
    }

    /// The series by the value of `label`; one that lacks the label has the empty text. Asked in as many pieces as `series` of them need.
    ///
    /// # Errors
    /// The server can't be asked, refuses the query, or gives two series with the same value of the label.
    pub async fn ask(&self, name: &'static str, query: &str, label: &str, series: i64) -> Result<BTreeMap<String, Points>, Problem> {
        let mut all: BTreeMap<String, Points> = BTreeMap::new();
        let Range { from_ms, to_ms, step_ms } = self.range;
        let most = (VALUES_MAX / series.max(1)).clamp(1, POINTS_MAX);
        let mut first = from_ms;
        while first <= to_ms {
            let last = to_ms.min(first.saturating_add((most - 1).saturating_mul(step_ms)));
            let answer = self.client.range(Ask { name, query }, first, last, step_ms).await?;
            for (value, points) in by_label(name, &answer.data, label, step_ms)? {
                all.entry(value).or_default().extend(points);
            }
            first = last.saturating_add(step_ms);
        }
        Ok(all)
    }
}
