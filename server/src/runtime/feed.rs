//! Feeds one service's events: what its fleet looks like, what its load is, and that it is time to decide.

use std::sync::Arc;

use planner::{Event, Policy, ReplicaState, ServiceConfig};

use super::metrics::{Call, Failure};
use super::past::Past;
use super::{Service, Shared, backfill, forecast};
use crate::collect::Step;
use crate::store::{Batch, SeriesKey, Store, StoreError};

/// After the last day couldn't be read [domain].
const PAST_AGAIN_MS: i64 = 60_000;

/// Fills the history, then beats for ever; whoever runs it drops it. Ticks have a beat of their own, so that neither a slow source nor a
/// slow fleet holds up a decision.
pub async fn run(shared: Arc<Shared>, service: Arc<Service>) {
    let filled = backfill::first(&shared, &service).await;
    recall(&shared, &service).await;
    let mut feeder = Feeder::new(shared.clone(), service.clone());
    // What can be known is known before the first decision.
    feeder.beat().await;
    tokio::join!(look(feeder), tick(&shared, &service), backfill::until_done(&shared, &service, filled));
}

/// Tells the loop the load of the last minutes as the history has it: after a start it shouldn't take a quiet moment for a quiet hour, nor wait for
/// what is known.
async fn recall(shared: &Shared, service: &Service) {
    match remembered(&shared.store, &service.config, service.step_ms, shared.clock.now_ms()).await {
        Ok(samples) => {
            for sample in samples {
                shared.send(sample).await;
            }
        }
        Err(error) => {
            tracing::warn!(service = service.config.name, %error, "the last minutes can't be read from the history; capacity holds for as long");
        }
    }
}

/// Samples of as long as the planner's rules look back.
async fn remembered(store: &Store, config: &ServiceConfig, step_ms: i64, now_ms: i64) -> Result<Vec<Event>, StoreError> {
    let window_ms = match &config.policy {
        Policy::Predictive(policy) => policy.fallback_stabilisation_ms,
        Policy::Hpa(policy) => policy.stabilisation_ms,
    };
    // One sample from before the window says that the window is whole.
    let from_ms = now_ms - window_ms - config.stale_after_ms - step_ms;
    let read = async |metric| store.read(SeriesKey { service: &config.name, metric }, from_ms, now_ms).await;
    let Some(load) = read("load").await? else { return Ok(Vec::new()) };
    let shed = read("saturated").await?;
    let sample = |slot: usize| {
        let begin_ms = load.timestamp_ms(slot);
        let at_ms = begin_ms + load.step_ms();
        let saturated = shed.as_ref().is_some_and(|shed| forecast::marked(shed, begin_ms));
        let load_rps = load.value(slot).filter(|_| at_ms <= now_ms)?;
        Some(Event::Sample { service: config.name.clone(), at_ms, load_rps: Some(load_rps), saturated })
    };
    Ok((0..load.len()).filter_map(sample).collect())
}

/// The fleet is looked at on each beat, four times a scrape: a replica that became ready should get requests soon.
async fn look(mut feeder: Feeder) {
    let beat_ms = (feeder.service.scrape_every_ms / 4).max(1);
    let clock = feeder.shared.clock.clone();
    let mut next_ms = clock.now_ms() + beat_ms;
    loop {
        clock.sleep_until(next_ms).await;
        feeder.beat().await;
        // Beats that were missed (a suspended machine) are not made up for: they would all see the same.
        next_ms = (next_ms + beat_ms).max(clock.now_ms());
    }
}

async fn tick(shared: &Shared, service: &Service) {
    let mut next_ms = shared.clock.now_ms();
    loop {
        shared.clock.sleep_until(next_ms).await;
        shared.send(Event::Tick { service: service.config.name.clone() }).await;
        next_ms = (next_ms + service.config.tick_ms).max(shared.clock.now_ms());
    }
}

struct Feeder {
    shared: Arc<Shared>,
    service: Arc<Service>,
    scrape_due_ms: i64,
    past_due_ms: i64,
}

impl Feeder {
    fn new(shared: Arc<Shared>, service: Arc<Service>) -> Self {
        let now_ms = shared.clock.now_ms();
        Self { shared, service, scrape_due_ms: now_ms, past_due_ms: now_ms }
    }

    fn name(&self) -> &str {
        &self.service.config.name
    }

    async fn beat(&mut self) {
        let ready = self.observe_fleet().await;
        let now_ms = self.shared.clock.now_ms();
        if now_ms >= self.scrape_due_ms {
            self.scrape_due_ms = now_ms.max(self.scrape_due_ms + self.service.scrape_every_ms);
            self.read_load(ready).await;
        }
        if now_ms >= self.past_due_ms {
            self.look_back(now_ms).await;
        }
    }

    /// Shows the load of the last day, as it is stored. Without a database that of before stays.
    async fn look_back(&mut self, now_ms: i64) {
        let key = SeriesKey { service: self.name(), metric: "load" };
        match self.shared.store.read(key, Past::from_ms(now_ms), now_ms).await {
            Ok(series) => {
                let past = Past::of(series.as_ref(), now_ms);
                self.past_due_ms = past.until_ms();
                self.shared.publish_past(self.name(), past);
            }
            Err(error) => {
                tracing::debug!(service = self.name(), %error, "the load of the last day can't be read");
                self.past_due_ms = now_ms + PAST_AGAIN_MS;
            }
        }
    }

    /// Returns how many replicas are ready; `None` when nobody knows.
    async fn observe_fleet(&self) -> Option<usize> {
        let answer = tokio::time::timeout(self.service.observe_timeout, self.service.actuator.observe()).await;
        let at_ms = self.shared.clock.now_ms();
        let service = self.name().to_owned();
        let (event, ready) = match answer {
            Ok(Ok(replicas)) => {
                let ready = replicas.iter().filter(|replica| replica.state == ReplicaState::Ready).count();
                (Event::Fleet { service, at_ms, replicas }, Some(ready))
            }
            Ok(Err(error)) => {
                self.shared.counts.actuator_failed(self.name(), Call::Observe, Failure::of(&error));
                (Event::FleetUnknown { service, at_ms, reason: error.to_string() }, None)
            }
            Err(_) => {
                self.shared.counts.actuator_failed(self.name(), Call::Observe, Failure::Timeout);
                (Event::FleetUnknown { service, at_ms, reason: format!("no answer within {:?}", self.service.observe_timeout) }, None)
            }
        };
        self.shared.send(event).await;
        ready
    }

    async fn read_load(&mut self, ready: Option<usize>) {
        let patience = self.service.source.patience();
        let answer = tokio::time::timeout(patience, self.service.source.read())
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {patience:?}")));
        let reading = match answer {
            Ok(reading) => reading,
            Err(why) => {
                tracing::warn!(service = self.name(), why, "the load can't be read");
                self.shared.publish_load(self.name(), Err(why));
                return;
            }
        };
        self.remember(&reading.steps, ready);
        self.shared.publish_load(self.name(), Ok(reading.now));
        let Some((at_ms, Step { load_rps, saturated, .. })) = reading.now else { return };
        let service = self.name().to_owned();
        self.shared.send(Event::Sample { service, at_ms, load_rps: Some(load_rps), saturated }).await;
    }

    /// Hands finished steps over to the history.
    fn remember(&self, steps: &[Step], ready: Option<usize>) {
        let Some(newest) = steps.last() else { return };
        self.shared.counts.of(self.name(), |counts| counts.accuracy.judge(steps));
        let desired = self.shared.view(self.name()).and_then(|view| view.state.wanted());
        // How many replicas there are is known of now, not of steps that come late.
        let of_now = |value: Option<f64>| value.map(|value| (newest.from_ms, value)).into_iter().collect::<Vec<_>>();
        let mut metrics = series(steps);
        metrics.push(("replicas_ready", of_now(ready.map(|count| count as f64))));
        metrics.push(("replicas_desired", of_now(desired.map(f64::from))));
        for (metric, points) in metrics {
            self.shared.history.put(self.name(), metric, self.service.step_ms, &points);
        }
    }
}

/// Points by metric.
type Points = Vec<(&'static str, Vec<(i64, f64)>)>;

/// What steps say, as the series that are kept of it.
pub fn series(steps: &[Step]) -> Points {
    let of = |value: fn(&Step) -> Option<f64>| steps.iter().filter_map(|step| Some((step.from_ms, value(step)?))).collect::<Vec<_>>();
    vec![
        ("load", of(|step| Some(step.load_rps))),
        ("saturated", of(|step| Some(f64::from(u8::from(step.saturated))))),
        ("error_ratio", of(|step| step.error_ratio)),
        ("latency_p95_ms", of(|step| step.latency_p95_ms)),
    ]
}

/// Writes points into a service's series, now: a piece of the past has its own transaction, and the next forecast waits for it.
pub async fn append(shared: &Shared, service: &Service, metrics: Points) -> Result<(), StoreError> {
    let batches: Vec<Batch<'_>> = metrics
        .iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(metric, points)| Batch { key: SeriesKey { service: &service.config.name, metric }, step_ms: service.step_ms, points })
        .collect();
    shared.store.append_many(&batches).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    #[tokio::test]
    async fn the_last_minutes_are_recalled_from_the_history_with_what_was_shed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap();
        let now_ms = 1_000_000_020_000;
        let minute = |back: i64| (1_000_000_000_000_i64.div_euclid(60_000) - back) * 60_000;
        let points: Vec<(i64, f64)> = (1..60).map(|back| (minute(back), back as f64)).collect();
        store.append(SeriesKey { service: "shop", metric: "load" }, 60_000, &points).await.unwrap();
        store.append(SeriesKey { service: "shop", metric: "saturated" }, 60_000, &[(minute(2), 1.0)]).await.unwrap();
        let config = planner::ServiceConfig { name: "shop".into(), ..crate::demo::world::config(false, 0.9, 0.95) };
        let events = remembered(&store, &config, 60_000, now_ms).await.unwrap();
        let samples: Vec<(i64, Option<f64>, bool)> = events
            .into_iter()
            .map(|event| match event {
                Event::Sample { at_ms, load_rps, saturated, .. } => (at_ms, load_rps, saturated),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(samples[samples.len() - 2..], [(minute(1), Some(2.0), true), (minute(0), Some(1.0), false)], "each at its end");
        // Five minutes are remembered, and the sample before them says that they are all there.
        assert!(samples[0].0 <= now_ms - 300_000 && samples.len() < 12, "{samples:?}");
        let nothing = planner::ServiceConfig { name: "cart".into(), ..config };
        assert!(remembered(&store, &nothing, 60_000, now_ms).await.unwrap().is_empty());
    }
}
