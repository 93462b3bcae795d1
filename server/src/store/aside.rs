//! A stored history is the answer to one question: the load query, at one step. Whoever asks another question gets another history.
//!
//! When a service's load query or the step changes, what is stored is *set aside* under a name that says what it is, and a history of its own
//! begins, which the source fills as far back as it remembers. So nothing is lost, a forecast never learns from two different things, and
//! a service that goes back to its former query and step has its former history back. Nobody compares the two: whether a query is only
//! worded otherwise can't be told from its text, and two loads that agree for a week may part in the next; what a mistake here costs (a
//! forecast from the wrong numbers) is more than what it saves (the part of the history that lies beyond the source's own memory).
//!
//! `load` and `saturated` belong to the query; the other series only have a step that must fit.

use sqlx::Row;

use super::writer::in_time;
use super::{Store, StoreError};

/// What a history is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured<'a> {
    /// The query for the load, or what takes its place.
    pub load: &'a str,
    /// The step of the series [ms].
    pub step_ms: i64,
}

/// A series that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// What it was: `load`, …
    pub metric: String,
    /// Its step [ms].
    pub step_ms: i64,
    /// The metric that it is stored as from now on.
    pub stored_as: String,
    /// Whether it is of the same load as what follows, and only its step is another.
    pub of_the_same_load: bool,
}

/// Separates a metric's name from what its set-aside series is of; no metric has it in its name.
const OF: &str = " of ";
const LOADS: [&str; 2] = ["load", "saturated"];

fn meta_key(service: &str) -> String {
    format!("measured.{service}")
}

/// The name of a metric's series that was made from something else.
fn named(metric: &str, measured: Measured<'_>) -> String {
    let Measured { load, step_ms } = measured;
    if LOADS.contains(&metric) { format!("{metric}{OF}{step_ms} ms{OF}{load}") } else { format!("{metric}{OF}{step_ms} ms") }
}

impl Store {
    /// Makes the stored history of a service one of what is `measured` from now on; gives what had to be set aside for that. What was set aside
    /// before and is asked for again comes back. A history of which nobody wrote down what it is of is taken for the right one.
    ///
    /// # Errors
    /// What the database says; nothing has changed then.
    pub async fn measure(&self, service: &str, measured: Measured<'_>) -> Result<Vec<Aside>, StoreError> {
        let known = self.meta(&meta_key(service)).await?;
        let stored = sqlx::query("SELECT metric, step_ms FROM series WHERE service = $1").bind(service).fetch_all(self.reader()?).await?;
        let stored =
            stored.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<(String, i64)>, sqlx::Error>>()?;
        let before = known.as_deref().unwrap_or(measured.load);
        let aside: Vec<Aside> = stored.iter().filter_map(|(metric, step_ms)| apart(metric, *step_ms, before, measured)).collect();
        let leaves = |metric: &str| aside.iter().any(|one| one.metric == metric);
        let back: Vec<(&String, &str)> = stored
            .iter()
            .filter_map(|(stored_as, _)| {
                let (metric, _) = stored_as.split_once(OF)?;
                let free = leaves(metric) || stored.iter().all(|(other, _)| other != metric);
                (free && *stored_as == named(metric, measured)).then_some((stored_as, metric))
            })
            .collect();
        if aside.is_empty() && back.is_empty() && known.as_deref() == Some(measured.load) {
            return Ok(aside);
        }
        in_time(async {
            let mut write = self.begin().await?;
            let moves = aside.iter().map(|one| (one.metric.as_str(), one.stored_as.as_str()));
            for (from, to) in moves.chain(back.iter().map(|(stored_as, metric)| (stored_as.as_str(), *metric))) {
                sqlx::query("UPDATE series SET metric = $1 WHERE service = $2 AND metric = $3")
                    .bind(to)
                    .bind(service)
                    .bind(from)
                    .execute(&mut write.connection)
                    .await?;
            }
            sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
                .bind(meta_key(service))
                .bind(measured.load)
                .execute(&mut write.connection)
                .await?;
            // What forecasts rested on was learnt from the history of before.
            sqlx::query("DELETE FROM forecaster WHERE service = $1").bind(service).execute(&mut write.connection).await?;
            // The ids that it remembers are by the names of before.
            write.commit().await?.series.clear();
            Ok(())
        })
        .await?;
        Ok(aside)
    }
}

/// How a series has to be set aside, if it has to.
fn apart(metric: &str, step_ms: i64, before: &str, measured: Measured<'_>) -> Option<Aside> {
    let same_load = !LOADS.contains(&metric) || before == measured.load;
    if metric.contains(OF) || (same_load && step_ms == measured.step_ms) {
        return None;
    }
    let stored_as = named(metric, Measured { load: before, step_ms });
    Some(Aside { metric: metric.to_owned(), step_ms, stored_as, of_the_same_load: same_load })
}

/// What would be set aside, asked of a database that this process doesn't own; `None` if nothing would.
pub(super) async fn would_part(
    connection: &mut sqlx::AnyConnection,
    service: &str,
    measured: Measured<'_>,
) -> Result<Option<Aside>, StoreError> {
    let known: Option<String> =
        sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(meta_key(service)).fetch_optional(&mut *connection).await?;
    let step_ms: Option<i64> = sqlx::query_scalar("SELECT step_ms FROM series WHERE service = $1 AND metric = 'load'")
        .bind(service)
        .fetch_optional(connection)
        .await?;
    Ok(step_ms.and_then(|step_ms| apart("load", step_ms, known.as_deref().unwrap_or(measured.load), measured)))
}
