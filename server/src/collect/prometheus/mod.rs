//! A Prometheus (or VictoriaMetrics) as a source of load.
//!
//! Each reading asks for the newest values and, with some overlap, for the steps since the last reading ([`reading`]): samples that come late correct
//! steps that were told already, and steps that were missed while the server was down are caught up with. The newest value carries the time
//! of its *samples* ([`fresh`]), by our clock ([`skew`]); what a step is, is argued in [`steps`].
//!
//! It refuses to guess: two series, a string, a counter without a rate, clocks that differ by minutes are errors that say what to do
//! ([`Problem`]); nothing, NaN and infinities are unknown, never zero.

mod answer;
mod check;
mod client;
mod credentials;
mod fresh;
pub mod grouped;
mod options;
mod problem;
mod reading;
mod selector;
mod skew;
mod steps;

use std::time::Duration;

use parking_lot::Mutex;

pub use check::Checked;
pub use credentials::Credentials;
pub use fresh::Freshness;
pub use options::{Options, Queries};
pub use problem::Problem;
pub use skew::Skew;

use super::{LoadSource, Reading, Step};
use crate::BoxFuture;
use crate::clock::Clock;
use client::{Ask, Client};
use reading::Memory;
use tokio::sync::OnceCell;

/// Distinct notes that are remembered as logged.
const NOTES_MAX: usize = 64;

/// Reads one service.
#[derive(Debug)]
pub struct PrometheusSource {
    client: Client,
    clock: Clock,
    step_ms: i64,
    timeout: Duration,
    queries: Queries,
    freshness: Freshness,
    memory: Mutex<Memory>,
    /// Set once it is known that the load is no raw counter.
    no_counter: OnceCell<()>,
}

impl PrometheusSource {
    /// A source that stamps its readings with this clock, which must show the real time (its speed is 1).
    ///
    /// # Errors
    /// [`Problem::Option`] for a value that isn't allowed, with its key.
    pub fn new(options: Options, clock: Clock) -> Result<Self, Problem> {
        let client = Client::new(&options, clock.clone())?;
        let Options { step_ms, timeout, queries, .. } = options;
        let freshness = Freshness::of(&queries.load, queries.fresh.as_ref());
        Ok(Self { client, clock, step_ms, timeout, queries, freshness, memory: Mutex::default(), no_counter: OnceCell::new() })
    }

    /// Asks everything once, and says what was found or what is wrong: for `prescale check`.
    ///
    /// # Errors
    /// The first [`Problem`] that would keep this service from being read.
    pub async fn test(&self) -> Result<Checked, Problem> {
        check::run(self).await
    }

    /// How many replicas are ready, with the time of the newest sample by our clock [epoch ms], or of the answer where nobody tells the
    /// sample's; `None` without a query, or if the answer is unknown.
    ///
    /// # Errors
    /// What is wrong, as for the load.
    pub async fn replicas(&self) -> Result<Option<(i64, f64)>, String> {
        let Some(query) = &self.queries.replicas else { return Ok(None) };
        let freshness = Freshness::of(query, None);
        let (answer, sample_ms) = tokio::join!(self.client.instant(Ask { name: "replicas", query }), freshness.newest(&self.client));
        let now_ms = self.clock.now_ms();
        let counted = answer.and_then(|answer| {
            let ahead_ms = answer.skew.map_or(0, Skew::ahead_ms);
            let count = answer::number("replicas", &answer.data)?.filter(|count| *count >= 0.0);
            let at_ms = sample_ms?.map_or(now_ms, |sample_ms| (sample_ms - ahead_ms).min(now_ms));
            Ok(count.map(|count| (at_ms, count)))
        });
        counted.map_err(|problem| problem.to_string())
    }

    /// Once, before anything becomes history: a counter would be learnt as a load that rises for ever.
    async fn refuse_counter(&self) -> Result<(), Problem> {
        self.no_counter.get_or_try_init(|| check::refuse_counter(self)).await.map(|_| ())
    }

    async fn value(&self, name: &'static str, query: &str) -> Result<Option<f64>, Problem> {
        let answer = self.client.instant(Ask { name, query }).await?;
        self.note(&answer.warnings);
        Ok(answer::number(name, &answer.data)?.filter(|value| *value >= 0.0))
    }

    /// The value of a query that we can do without: what is wrong with it is logged.
    async fn optional(&self, name: &'static str, query: &Option<String>) -> Option<f64> {
        match self.value(name, query.as_ref()?).await {
            Ok(value) => value,
            Err(problem) => {
                self.note(&[problem.to_string()]);
                None
            }
        }
    }

    /// Logs what wasn't logged yet: the same warning comes with every reading.
    fn note(&self, notes: &[String]) {
        let mut memory = self.memory.lock();
        for note in notes {
            if memory.noted.len() >= NOTES_MAX {
                memory.noted.clear();
            }
            if memory.noted.insert(note.clone()) {
                tracing::warn!(url = self.client.url(), note, "Prometheus");
            }
        }
    }
}

impl LoadSource for PrometheusSource {
    fn measures(&self) -> &str {
        &self.queries.load
    }

    fn read(&self) -> BoxFuture<'_, Result<Reading, String>> {
        Box::pin(async {
            self.refuse_counter().await.map_err(|problem| problem.to_string())?;
            self.reading().await.map_err(|problem| problem.to_string())
        })
    }

    /// Steps that haven't ended yet are left out.
    fn backfill(&self, from_ms: i64, to_ms: i64) -> BoxFuture<'_, Result<Vec<Step>, String>> {
        Box::pin(async move {
            self.refuse_counter().await.map_err(|problem| problem.to_string())?;
            self.history(from_ms, to_ms).await.map_err(|problem| problem.to_string())
        })
    }

    /// A reading makes one round of requests at the same time, and a second one for series that ended.
    fn patience(&self) -> Duration {
        self.timeout * 2 + Duration::from_millis(500)
    }
}

#[cfg(test)]
mod tests;
