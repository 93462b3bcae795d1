//! Once a day: seals yesterday's history, thins and deletes what is old.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use crate::store::{Maintained, Retention};

/// Between two rounds [domain].
const EVERY_MS: i64 = 86_400_000;
/// After a round that failed [domain]: the rest of it can wait, but not a day.
const AGAIN_MS: i64 = 900_000;

/// Runs until stopped. A round that is interrupted is taken up by the next: each of its transactions stands by itself.
pub async fn run(shared: Arc<Shared>, retention: Retention, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = rounds(&shared, &retention) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn rounds(shared: &Shared, retention: &Retention) {
    loop {
        let now_ms = shared.clock.now_ms();
        let pause_ms = match shared.store.maintain(now_ms, retention).await {
            Ok(done) => {
                let Maintained { sealed, thinned, deleted, journal, forecasts } = done;
                tracing::info!(sealed, thinned, deleted, journal, forecasts, "history and journal are tidied up");
                EVERY_MS
            }
            Err(error) => {
                tracing::warn!(%error, "history and journal can't be tidied up now");
                AGAIN_MS
            }
        };
        shared.clock.sleep_until(now_ms + pause_ms).await;
    }
}
