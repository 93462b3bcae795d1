//! Steps of the series from range queries, on the grid, below the server's limit of points.
//!
//! **Which evaluation describes a step.** A step is named after its start, and holds the load of `[from, from + step)`. `rate(x[w])` evaluated
//! at `t` looks back over `(t − w, t]`, so the step is what is evaluated at its *end*, `t = from + step`: exactly it with `w = step`. A wider
//! window (`w` should be at least four scrapes) lags by `(w − step) / 2`; evaluating later would centre it, but would make the newest step wait
//! for as long. So `w` = the step, or little more, is best.

use std::collections::BTreeMap;

use super::client::{Answer, Ask, Client};
use super::{Problem, Queries, Skew, answer};
use crate::collect::Step;

/// Points of one range query: Prometheus refuses more than 11,000.
const POINTS_MAX: i64 = 10_000;

/// Values of a metric by the time of their evaluation [ms].
type Points = BTreeMap<i64, f64>;

/// What a stretch of time gave.
#[derive(Debug, Default)]
pub struct Stretch {
    /// Oldest first.
    pub steps: Vec<Step>,
    /// Of the newest answer for the load.
    pub skew: Option<Skew>,
    /// What was wrong beside the load, and the server's warnings.
    pub notes: Vec<String>,
}

/// Reads the steps that end from `first_end_ms` to `last_end_ms`, both on the grid.
///
/// Without the load there is nothing; without the others their columns are unknown, and a note says why.
pub async fn read(client: &Client, queries: &Queries, step_ms: i64, first_end_ms: i64, last_end_ms: i64) -> Result<Stretch, Problem> {
    let mut whole = Stretch::default();
    let mut first_ms = first_end_ms;
    while first_ms <= last_end_ms {
        let last_ms = last_end_ms.min(first_ms.saturating_add((POINTS_MAX - 1) * step_ms));
        let part = chunk(client, queries, step_ms, (first_ms, last_ms)).await?;
        whole.steps.extend(part.steps);
        whole.notes.extend(part.notes);
        whole.skew = part.skew.or(whole.skew);
        first_ms = last_ms + step_ms;
    }
    Ok(whole)
}

async fn chunk(client: &Client, queries: &Queries, step_ms: i64, (first_ms, last_ms): (i64, i64)) -> Result<Stretch, Problem> {
    let get = async |name, query: &str| -> Result<(Points, Answer<()>), Problem> {
        let Answer { data, warnings, skew } = client.range(Ask { name, query }, first_ms, last_ms, step_ms).await?;
        let mut points = answer::points(name, &data, step_ms)?;
        points.retain(|at, value| (first_ms..=last_ms).contains(at) && *value >= 0.0);
        Ok((points, Answer { data: (), warnings, skew }))
    };
    let maybe = async |name, query: &Option<String>| match query {
        Some(query) => get(name, query).await.map(|(points, beside)| (points, beside.warnings)),
        None => Ok((Points::new(), Vec::new())),
    };
    let (load, latency, errors, shed) = tokio::join!(
        get("load", &queries.load),
        maybe("latency", &queries.latency_ms),
        maybe("errors", &queries.errors),
        maybe("shed", &queries.shed)
    );
    let (load, beside) = load?;
    let mut notes = beside.warnings;
    let mut column = |found: Result<(Points, Vec<String>), Problem>| match found {
        Ok((points, warnings)) => {
            notes.extend(warnings);
            points
        }
        Err(problem) => {
            notes.push(problem.to_string());
            Points::new()
        }
    };
    let (latency, errors, shed) = (column(latency), column(errors), column(shed));
    let steps = load.into_iter().map(|(end_ms, load_rps)| Step {
        from_ms: end_ms - step_ms,
        load_rps,
        saturated: shed.get(&end_ms).is_some_and(|rate| *rate > 0.0),
        error_ratio: errors.get(&end_ms).copied().filter(|ratio| *ratio <= 1.0),
        latency_p95_ms: latency.get(&end_ms).copied(),
    });
    Ok(Stretch { steps: steps.collect(), skew: beside.skew, notes })
}
