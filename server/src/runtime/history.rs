//! Writes the history that came in, that of all services together, a moment later.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::metrics::StoreWork;
use crate::api::control::HealthCheck;
use crate::store::StoreError;

/// Two transactions a second at most, whatever the number of services [wall].
const EVERY: Duration = Duration::from_millis(500);

/// Runs until stopped; the last points are written by whoever stops it.
pub async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        // Only the pause is cut short: what is being written is written.
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        flush(&shared).await;
    }
}

/// Writes what waits. A database that refuses is shown on `/readyz`; the points go on waiting.
pub async fn flush(shared: &Shared) {
    if shared.history.is_empty() {
        return;
    }
    let given_up = |service: &str, error: StoreError| {
        tracing::error!(service, %error, "measured points can't be stored");
        let text = format!("what is measured now can't be stored ({error})");
        shared.note(HealthCheck { name: format!("history of {service}"), ok: false, text });
    };
    match shared.history.flush(&shared.store, given_up).await {
        Ok(()) => shared.troubles.works(StoreWork::History),
        Err(error) => {
            if shared.store_failed(StoreWork::History, &error) {
                tracing::error!(%error, "the history can't be written; it is kept in memory until it can");
            }
        }
    }
}
