//! The store on a real SQLite file.

use super::chunk::{DAY_MS, Day};
use super::{JournalRow, SeriesKey, Store, StoreError};

const LOAD: SeriesKey<'static> = SeriesKey { service: "api", metric: "load" };

fn row(kind: &str, reference: i64) -> JournalRow {
    JournalRow { at_ms: 5, service: "api".into(), kind: kind.into(), reference, entry: "{}".into() }
}

#[tokio::test]
async fn history_survives_a_restart_and_keeps_its_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let start = 20_000 * DAY_MS - 2 * 60_000;
    {
        let store = Store::open(folder.path()).await.unwrap();
        store.append(LOAD, 60_000, &[(start, 1.0), (start + 60_000, 2.0), (start + 180_000, 4.0)]).await.unwrap();
        store.append(LOAD, 60_000, &[(start + 60_000, 2.5)]).await.unwrap();
        store.close().await;
    }
    let store = Store::open(folder.path()).await.unwrap();
    let series = store.read(LOAD, start, start + DAY_MS).await.unwrap().unwrap();
    assert_eq!(series.start_ms(), start);
    let values: Vec<Option<f64>> = (0..series.len()).map(|at| series.value(at)).collect();
    assert_eq!(values, [Some(1.0), Some(2.5), None, Some(4.0)]);
    store.forget("api").await.unwrap();
    assert!(store.read(LOAD, start, start + DAY_MS).await.unwrap().is_none());
}

#[tokio::test]
async fn a_step_that_differs_from_the_stored_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    let error = store.append(LOAD, 300_000, &[(0, 1.0)]).await.unwrap_err().to_string();
    assert!(error.contains("60000 ms") && error.contains("300000 ms"), "{error}");
    assert!(store.append(LOAD, 7_000_001, &[]).await.is_err());
}

#[tokio::test]
async fn entries_and_state_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    assert!(store.saved().await.unwrap().is_none());
    store.commit(&[row("decision", 1), row("order_issued", 1), row("decision", 2)], "{\"a\":1}", 7).await.unwrap();
    store.commit(&[row("decision", 3)], "{\"a\":2}", 8).await.unwrap();
    assert_eq!(store.saved().await.unwrap().unwrap().state, "{\"a\":2}");
    let newest: Vec<i64> = store.journal("api", "decision", None, 2).await.unwrap().iter().map(|row| row.reference).collect();
    assert_eq!(newest, [3, 2]);
    let older: Vec<i64> = store.journal("api", "decision", Some(2), 9).await.unwrap().iter().map(|row| row.reference).collect();
    assert_eq!(older, [1]);
}

#[tokio::test]
async fn a_second_instance_on_the_same_folder_is_told_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Store::open(folder.path()).await.unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::InUse { pid, .. } if *pid == std::process::id().to_string()), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Store::open(folder.path()).await.unwrap();
        sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, $1, 0)")
            .bind(vec![0_u8])
            .execute(&store.pool)
            .await
            .unwrap();
        store.close().await;
    }
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 9999, known: 1, .. }), "{error}");
}

#[test]
fn broken_chunks_are_refused() {
    let day = Day::empty(60_000);
    assert_eq!(Day::decode(&day.encode()).unwrap().values.len(), 1440);
    for bytes in [vec![], vec![9; 9], day.encode()[..100].to_vec(), { vec![2; day.encode().len()] }] {
        assert!(Day::decode(&bytes).is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_and_readers_at_once_never_meet_a_locked_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(Store::open(folder.path()).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..25_i64 {
                store.append(LOAD, 60_000, &[(round * 60_000, worker as f64)]).await.unwrap();
                store.commit(&[row("decision", worker * 100 + round)], "{}", round).await.unwrap();
                store.read(LOAD, 0, DAY_MS).await.unwrap();
                store.journal("api", "decision", None, 50).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.journal("api", "decision", None, 500).await.unwrap().len(), 100);
}
