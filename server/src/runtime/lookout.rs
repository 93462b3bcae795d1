//! Looks after the database, so that an outage is seen, and its end too, before the next decision needs to be written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;

/// A database that answered within this time isn't asked [wall].
const EVERY: Duration = Duration::from_secs(1);

/// Runs until stopped.
pub async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = probes(&shared) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn probes(shared: &Shared) {
    loop {
        tokio::time::sleep(EVERY).await;
        let troubles = &shared.troubles;
        if troubles.text().is_none() && shared.store.last_answer() < EVERY {
            continue;
        }
        match shared.store.probe(troubles.lacks_room()).await {
            Ok(()) if troubles.probe_works() => tracing::info!("the database can be written again"),
            Ok(()) => {}
            Err(error) => {
                if troubles.probe_failed(&error) {
                    tracing::error!(%error, "the database can't be written: nothing new is decided or executed, capacity holds");
                }
            }
        }
    }
}
