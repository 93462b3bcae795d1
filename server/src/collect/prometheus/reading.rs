//! One reading: the newest value with its samples' time, and the steps since the last reading; and the history before it.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Ask;
use super::{Freshness, Problem, PrometheusSource, Reading, Skew, Step, answer, steps};

/// How far back each reading looks again [ms], and in steps: samples that come later than this correct nothing.
const OVERLAP_MS: i64 = 300_000;
const OVERLAP_STEPS: i64 = 3;
/// The most steps that a reading catches up with after an outage: one range query.
pub(super) const CATCH_UP_STEPS: i64 = 10_000;
/// How far in the future a time from `fresh` may lie [ms] before it is taken for milliseconds.
const FUTURE_MS_MAX: i64 = 60_000;

/// What earlier readings told.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Recent steps as they were last told, by their start.
    pub told: BTreeMap<i64, Step>,
    /// End of the newest step that was asked for.
    pub asked_to_ms: Option<i64>,
    /// Notes that were logged already.
    pub noted: BTreeSet<String>,
}

/// Nobody tells the samples' time.
#[derive(Debug, Clone, Copy)]
struct Untold;

/// The newest values.
pub(super) struct Newest {
    load: Option<f64>,
    latency: Option<f64>,
    errors: Option<f64>,
    shed: Option<f64>,
    skew: Option<Skew>,
    /// Time of the newest sample by the server's clock; `Err` = nobody can tell, and the newest step stands for it.
    sample_ms: Result<Option<i64>, Untold>,
}

impl PrometheusSource {
    pub(super) async fn newest(&self) -> Result<Newest, Problem> {
        let load = async {
            let answer = self.client.instant(Ask { name: "load", query: &self.queries.load }).await?;
            self.note(&answer.warnings);
            Ok::<_, Problem>((answer::number("load", &answer.data)?.filter(|load| *load >= 0.0), answer.skew))
        };
        let (load, sample_ms, latency, errors, shed) = tokio::join!(
            load,
            self.freshness.newest(&self.client),
            self.optional("latency", &self.queries.latency_ms),
            self.optional("errors", &self.queries.errors),
            self.optional("shed", &self.queries.shed)
        );
        let (load, skew) = load?;
        let sample_ms = match sample_ms {
            _ if self.freshness == Freshness::Points => Err(Untold),
            // Our own query, made from a selector that we misread.
            Err(problem @ Problem::Refused { .. }) if matches!(self.freshness, Freshness::Selectors(_)) => {
                self.note(&[format!("{problem}; give `fresh` for the samples' time")]);
                Err(Untold)
            }
            Ok(None) if load.is_some() => Ok(self.freshness.newest_before_the_end(&self.client).await?),
            other => Ok(other?),
        };
        Ok(Newest { load, latency, errors: errors.filter(|ratio| *ratio <= 1.0), shed, skew, sample_ms })
    }

    pub(super) async fn reading(&self) -> Result<Reading, Problem> {
        let (first_ms, last_ms) = self.window(self.clock.now_ms());
        let (newest, stretch) = tokio::join!(self.newest(), steps::read(&self.client, &self.queries, self.step_ms, first_ms, last_ms));
        let (newest, stretch) = (newest?, stretch?);
        self.note(&stretch.notes);
        let skew = newest.skew.or(stretch.skew);
        if let Some(skew) = skew {
            skew.check(&self.client.url())?;
        }
        let ahead_ms = skew.map_or(0, Skew::ahead_ms);
        let now_ms = self.clock.now_ms();
        let steps = self.news(stretch.steps, last_ms.min(now_ms + ahead_ms));
        let now = self.stamped(&newest, now_ms, ahead_ms)?;
        Ok(Reading { steps, now })
    }

    /// Ends of the first and the last step to ask for: from where the last reading ended, less the overlap.
    fn window(&self, now_ms: i64) -> (i64, i64) {
        let last_ms = now_ms.div_euclid(self.step_ms) * self.step_ms;
        let overlap = OVERLAP_STEPS.max(OVERLAP_MS / self.step_ms);
        let known_ms = self.memory.lock().asked_to_ms.unwrap_or(last_ms).min(last_ms);
        let first_ms = known_ms - (overlap - 1) * self.step_ms;
        (first_ms.max(last_ms - (CATCH_UP_STEPS - 1) * self.step_ms), last_ms)
    }

    /// Of the steps that have ended, by both clocks, those that are new or were corrected.
    fn news(&self, steps: Vec<Step>, ended_ms: i64) -> Vec<Step> {
        let mut memory = self.memory.lock();
        let ended_ms = ended_ms.div_euclid(self.step_ms) * self.step_ms;
        memory.asked_to_ms = Some(ended_ms.max(memory.asked_to_ms.unwrap_or(ended_ms)));
        let ended = steps.into_iter().filter(|step| step.from_ms + self.step_ms <= ended_ms);
        let news = ended.filter_map(|mut step| {
            let told = memory.told.get(&step.from_ms).copied();
            if let Some(told) = told {
                // A query that fails now unsays nothing: late samples can only add to what was turned away.
                step.saturated |= told.saturated;
                step.error_ratio = step.error_ratio.or(told.error_ratio);
                step.latency_p95_ms = step.latency_p95_ms.or(told.latency_p95_ms);
            }
            memory.told.insert(step.from_ms, step);
            (told != Some(step)).then_some(step)
        });
        let news = news.collect();
        // Twice the overlap: what can't be asked for again needs no memory.
        let keep_ms = ended_ms - 2 * OVERLAP_MS.max(OVERLAP_STEPS * self.step_ms);
        memory.told = memory.told.split_off(&keep_ms);
        news
    }

    /// The newest value with its samples' time, by our clock and never in the future.
    pub(super) fn stamped(&self, newest: &Newest, now_ms: i64, ahead_ms: i64) -> Result<Option<(i64, Step)>, Problem> {
        let newest_step = || self.memory.lock().told.last_key_value().map(|(from_ms, _)| from_ms + self.step_ms);
        let sample_ms = newest.sample_ms.unwrap_or_else(|Untold| newest_step());
        let (Some(load_rps), Some(sample_ms)) = (newest.load, sample_ms) else { return Ok(None) };
        let at_ms = sample_ms - ahead_ms;
        if at_ms > now_ms + FUTURE_MS_MAX {
            let value = format!("{} s", sample_ms / 1_000);
            return Err(Problem::Implausible {
                name: "fresh",
                value,
                allowed: "the newest sample's time is needed, in seconds since 1970",
            });
        }
        let at_ms = at_ms.min(now_ms);
        let step = Step {
            from_ms: at_ms - self.step_ms,
            load_rps,
            saturated: newest.shed.is_some_and(|rate| rate > 0.0),
            error_ratio: newest.errors,
            latency_p95_ms: newest.latency,
        };
        Ok(Some((at_ms, step)))
    }

    /// [`LoadSource::backfill`], with the [`Problem`] itself.
    pub(crate) async fn history(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Step>, Problem> {
        // Evaluated in the future, a query would answer from the samples of now.
        let to_ms = to_ms.min(self.clock.now_ms());
        let first_ms = -(-from_ms).div_euclid(self.step_ms) * self.step_ms + self.step_ms;
        let last_ms = to_ms.div_euclid(self.step_ms) * self.step_ms;
        let stretch = steps::read(&self.client, &self.queries, self.step_ms, first_ms, last_ms).await?;
        self.note(&stretch.notes);
        if let Some(skew) = stretch.skew {
            skew.check(&self.client.url())?;
        }
        Ok(stretch.steps)
    }
}
