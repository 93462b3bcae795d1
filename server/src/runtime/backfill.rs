//! Fills a service's history from what its source remembers, so that the first forecast doesn't have to wait for weeks.
//!
//! Before that it makes sure that the stored history is of what the source measures ([`crate::store::Store::measure`]).
//!
//! A source that fails keeps nobody from starting: capacity holds on what is known, `/readyz` says why, and it is tried again.

use std::sync::Arc;
use std::time::Duration;

use super::{Service, Shared, feed, forecast};
use crate::api::control::HealthCheck;
use crate::cli::show_time;
use crate::store::{Aside, Measured, SeriesKey, StoreError};

/// Asked for at once: small enough for every source, and a measure of progress.
const PIECE_MS: i64 = 86_400_000;
/// A piece that takes longer than this [wall] has failed.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pauses [wall] between attempts, doubling.
const AGAIN_FIRST: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(300);

fn name(service: &Service) -> String {
    format!("history of {}", service.config.name)
}

/// The first attempt, and the forecast that follows from it. Returns whether the history is as complete as the source can make it.
pub async fn first(shared: &Arc<Shared>, service: &Arc<Service>) -> bool {
    own(shared, service).await;
    let filled = attempt(shared, service).await;
    let known = shared.view(&service.config.name).is_some_and(|view| view.forecast.is_some());
    if filled.is_some_and(|steps| steps > 0) || !known {
        forecast::make(shared.clone(), service.config.name.clone()).await;
    }
    filled.is_some()
}

/// Further attempts, until one succeeds.
pub async fn until_done(shared: &Arc<Shared>, service: &Arc<Service>, mut done: bool) {
    let mut pause = AGAIN_FIRST;
    while !done {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_MAX);
        done = attempt(shared, service).await.is_some();
        if done {
            forecast::make(shared.clone(), service.config.name.clone()).await;
        }
    }
}

/// How many steps were filled in; `None` after saying why it failed.
async fn attempt(shared: &Shared, service: &Service) -> Option<usize> {
    let (name, service_name) = (name(service), &service.config.name);
    match fill(shared, service).await {
        Ok(0) => {
            shared.forget_note(&name);
            Some(0)
        }
        Ok(steps) => {
            tracing::info!(service = service_name, steps, "the history is filled");
            shared.note(HealthCheck { name, ok: true, text: format!("{steps} steps were filled in from the source") });
            Some(steps)
        }
        Err(why) => {
            tracing::warn!(service = service_name, why, "the history can't be filled; it is tried again");
            let text = format!("what is missing can't be filled in ({why}); it is tried again, and capacity holds on what is known");
            shared.note(HealthCheck { name, ok: false, text });
            None
        }
    }
}

/// How many steps are known now that weren't before.
async fn fill(shared: &Shared, service: &Service) -> Result<usize, String> {
    let to_ms = shared.clock.now_ms();
    let oldest_ms = to_ms - forecast::HISTORY_MS;
    let key = SeriesKey { service: &service.config.name, metric: "load" };
    let stored = shared.store.read(key, oldest_ms, to_ms).await.map_err(|error| error.to_string())?;
    // From the newest stored step on: it may have been written before it was final.
    let newest_ms = stored.map(|series| series.timestamp_ms(series.len().saturating_sub(1)));
    let from_ms = newest_ms.unwrap_or(oldest_ms);
    let mut steps = 0;
    let mut piece_ms = from_ms;
    while piece_ms < to_ms {
        let until_ms = (piece_ms + PIECE_MS).min(to_ms);
        let found = tokio::time::timeout(PIECE_TIMEOUT, service.source.backfill(piece_ms, until_ms))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {PIECE_TIMEOUT:?}")))?;
        if !found.is_empty() {
            steps += found.iter().filter(|step| newest_ms.is_none_or(|newest_ms| step.from_ms > newest_ms)).count();
            feed::append(shared, service, feed::series(&found)).await.map_err(|error| error.to_string())?;
            let text = format!("being filled in from the source, up to {} so far", show_time(until_ms));
            tracing::debug!(service = service.config.name, until = show_time(until_ms), steps, "filling the history");
            shared.note(HealthCheck { name: name(service), ok: false, text });
        }
        piece_ms = until_ms;
    }
    Ok(steps)
}

/// Makes the stored history one of what the source measures, however long the database takes: whatever was written before that would be mixed
/// with something else.
async fn own(shared: &Shared, service: &Service) {
    while let Err(why) = set_aside(shared, service).await {
        tracing::warn!(service = service.config.name, why, "the stored history can't be looked at; it is tried again");
        let text = format!("whether it is of this query and step can't be told ({why}); it is tried again, and capacity holds");
        shared.note(HealthCheck { name: name(service), ok: false, text });
        tokio::time::sleep(AGAIN_FIRST).await;
    }
}

async fn set_aside(shared: &Shared, service: &Service) -> Result<(), String> {
    let failed = |error: StoreError| error.to_string();
    // What still waits is of the former query.
    let given_up = |service: &str, error: StoreError| tracing::warn!(service, %error, "points can't be kept");
    shared.history.flush(&shared.store, given_up).await.map_err(failed)?;
    let measured = Measured { load: service.source.measures(), step_ms: service.step_ms };
    for one in shared.store.measure(&service.config.name, measured).await.map_err(failed)? {
        carry_over(shared, service, &one).await.map_err(failed)?;
    }
    Ok(())
}

/// A series that only has another step goes on at the new one, as means, where whole old steps make a new one. Where they don't, the source
/// has to fill it in: cutting a mean in pieces would invent what happened within it.
async fn carry_over(shared: &Shared, service: &Service, aside: &Aside) -> Result<(), StoreError> {
    let Aside { metric, step_ms, stored_as, of_the_same_load } = aside;
    let name = &service.config.name;
    tracing::warn!(
        service = name,
        metric,
        stored_as,
        "the stored history is of another query or step: it is set aside, and a new one begins"
    );
    if !of_the_same_load || service.step_ms % step_ms != 0 {
        return Ok(());
    }
    let to_ms = shared.clock.now_ms();
    let old = shared.store.read(SeriesKey { service: name, metric: stored_as }, to_ms - forecast::HISTORY_MS, to_ms).await?;
    // The last step may not be over: the source says it better.
    let Some(new) = old.and_then(|series| series.resample(service.step_ms).ok()) else { return Ok(()) };
    let points: Vec<(i64, f64)> = (0..new.len()).filter_map(|at| Some((new.timestamp_ms(at), new.value(at)?))).collect();
    shared.store.append(SeriesKey { service: name, metric }, service.step_ms, &points).await
}
