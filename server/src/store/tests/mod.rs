//! The store on real databases: a SQLite file, and a PostgreSQL that the test starts.

mod access;
mod aside;
mod codec;
mod faults;
mod jobs;
mod outage;
mod probes;
mod relay;
mod suite;

// The integration tests start the same server.
#[path = "../../../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres;

use super::{JournalRow, Location, Retention, SeriesKey, StateChange, Store, StoreError};

const LOAD: SeriesKey<'static> = SeriesKey { service: "api", metric: "load" };

fn row(kind: &str, reference: i64) -> JournalRow {
    JournalRow { at_ms: 5, service: "api".into(), kind: kind.into(), reference, entry: "{}".into() }
}

/// A state without services.
fn head(text: &str) -> StateChange {
    StateChange { head: text.into(), ..StateChange::default() }
}

/// References of the decisions that are written, oldest first.
async fn decisions(store: &Store) -> Vec<i64> {
    let mut rows: Vec<i64> = store.journal("api", "decision", None, 10_000).await.unwrap().iter().map(|row| row.reference).collect();
    rows.reverse();
    rows
}
