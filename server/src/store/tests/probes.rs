//! A database that can't be used is found out before somebody needs it, and so is its end.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor};

use super::super::{Queue, file_in};
use super::postgres::Postgres;
use super::{LOAD, Location, Store, StoreError, decisions, head, row};

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap()
}

#[tokio::test]
async fn a_probe_sees_a_lock_and_sees_it_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.probe(false).await.unwrap();
    let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file_in(folder.path()).display())).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let error = store.probe(false).await.unwrap_err().to_string();
    assert!(error.contains("locked") && error.contains("another process writes"), "{error}");
    assert!(store.read(LOAD, 0, 1).await.unwrap().is_none(), "reading goes on");
    other.execute("ROLLBACK").await.unwrap();
    store.probe(false).await.unwrap();
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_into_a_file_that_was_removed_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();
    let (file, aside) = (file_in(folder.path()), folder.path().join("aside.db"));
    std::fs::rename(&file, &aside).unwrap();
    for error in [store.probe(false).await.unwrap_err(), store.commit(&[row("decision", 2)], &head("two"), 2).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Moved { what: "removed", .. }), "{error}");
    }
    assert!(!file.exists(), "no new one is made");
    std::fs::copy(&aside, &file).unwrap();
    assert!(matches!(store.probe(false).await.unwrap_err(), StoreError::Moved { what: "replaced", .. }));
    std::fs::rename(&aside, &file).unwrap();
    store.probe(false).await.unwrap();
    store.commit(&[row("decision", 3)], &head("three"), 3).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3]);
}

#[tokio::test]
async fn a_probe_with_room_sees_that_nothing_fits_in_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let limit = |pages: u32| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    // As many pages as there are: SQLite raises a lower number to that. What is replaced takes the limit with it.
    store.writer.lock().await.connection.as_mut().unwrap().execute(limit(1)).await.unwrap();
    store.probe(false).await.unwrap();
    let error = store.probe(true).await.unwrap_err();
    assert!(error.is_of_writing() && error.to_string().contains("free some space"), "{error}");
    store.probe(true).await.unwrap();
    store.probe(true).await.unwrap();
    assert!(store.meta("store.probe").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_known_to_be_away_is_not_waited_for_and_what_was_measured_waits_for_it() {
    let mut server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::try_new(folder.path().into(), Some(server.database("away"))).unwrap()).await.unwrap();
    let queue = Queue::of(1_000);
    let put = |minute: i64| queue.put("api", "load", 60_000, &[(minute * 60_000, minute as f64)]);
    let given_up = |service: &str, error: StoreError| panic!("{service}: {error}");
    put(0);
    queue.flush(&store, given_up).await.unwrap();
    assert!(queue.is_empty());
    server.kill();
    let error = store.probe(false).await.unwrap_err().to_string();
    assert!(error.contains("is it running") && !error.contains("canary"), "{error}");
    let began = Instant::now();
    put(1);
    assert!(matches!(store.read(LOAD, 0, 1).await.unwrap_err(), StoreError::Away { .. }));
    assert!(matches!(store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap_err(), StoreError::Away { .. }));
    assert!(matches!(queue.flush(&store, given_up).await.unwrap_err(), StoreError::Away { .. }));
    put(2);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    tokio::task::block_in_place(|| server.run());
    store.probe(false).await.unwrap();
    store.commit(&[row("decision", 2)], &head("two"), 2).await.unwrap();
    queue.flush(&store, given_up).await.unwrap();
    assert_eq!(store.read(LOAD, 0, 1_000_000).await.unwrap().unwrap().len(), 3, "no hole");
    assert_eq!(decisions(&store).await, [2]);
}

#[tokio::test]
async fn a_series_that_cannot_be_stored_does_not_hold_up_the_others_and_a_full_queue_forgets_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    let queue = Queue::of(20);
    queue.put("api", "load", 30_000, &[(0, 2.0)]);
    let points: Vec<(i64, f64)> = (0..50).map(|minute| (minute * 60_000, minute as f64)).collect();
    queue.put("other", "load", 60_000, &points);
    let mut refused = Vec::new();
    queue.flush(&store, |service, error| refused.push(format!("{service}: {error}"))).await.unwrap();
    assert!(refused.len() == 1 && refused[0].starts_with("api: ") && refused[0].contains("30000 ms"), "{refused:?}");
    assert!(queue.is_empty());
    let other = super::SeriesKey { service: "other", metric: "load" };
    let kept = store.read(other, 0, i64::MAX).await.unwrap().unwrap();
    assert_eq!((kept.start_ms(), kept.len()), (40 * 60_000, 10));
}
