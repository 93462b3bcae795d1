//! SQLite locked, full, read-only: a clear error, nothing lost, and it works again afterwards.

use sqlx::{Connection, Executor};

use super::super::{backup, file_in};
use super::{LOAD, Location, Store, StoreError, decisions, head, row};

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&Location::Folder(folder.path().to_path_buf())).await.unwrap()
}

/// A statement on the connection that writes.
async fn on_writer(store: &Store, sql: &'static str) {
    store.writer.lock().await.connection.as_mut().unwrap().execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_database_locked_by_another_process_is_waited_for_and_then_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();
    let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file_in(folder.path()).display())).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = store.commit(&[row("decision", 2)], &head("two"), 2).await.unwrap_err().to_string();
    assert!(error.contains("locked") && error.contains("another process writes"), "{error}");
    assert_eq!(store.saved().await.unwrap().unwrap().head, "one", "reading goes on");
    other.execute("ROLLBACK").await.unwrap();
    store.commit(&[row("decision", 3)], &head("three"), 3).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3]);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_written_again_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    // As many pages as there are: SQLite raises a lower number to that.
    on_writer(&store, "PRAGMA max_page_count = 1").await;
    let large = "x".repeat(100_000);
    let error = store.commit(&[row("decision", 2), row("decision", 3)], &head(&large), 2).await.unwrap_err().to_string();
    assert!(error.contains("full") && error.contains("free some space"), "{error}");
    assert_eq!((decisions(&store).await, store.saved().await.unwrap().unwrap().head), (vec![1], "one".into()));
    store.commit(&[row("decision", 4)], &head(&large), 4).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 4]);
    on_writer(&store, "PRAGMA max_page_count = 1").await;
    let points: Vec<(i64, f64)> = (0..20_000).map(|minute| (minute * 60_000, 2.0)).collect();
    assert!(store.append(LOAD, 60_000, &points).await.unwrap_err().to_string().contains("full"));
    assert_eq!(store.read(LOAD, 0, i64::MAX).await.unwrap().unwrap().len(), 1);
    store.append(LOAD, 60_000, &points).await.unwrap();
    assert_eq!(store.read(LOAD, 0, i64::MAX).await.unwrap().unwrap().len(), 20_000);
}

#[tokio::test]
async fn what_may_not_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();
    // What a file without the right to write answers; as root there is no such file.
    let mut reader = sqlx::AnyConnection::connect(&format!("sqlite://{}?mode=ro", file_in(folder.path()).display())).await.unwrap();
    let error = StoreError::from(reader.execute("DELETE FROM journal").await.unwrap_err()).to_string();
    assert!(error.contains("readonly") && error.contains("can't be written by this user"), "{error}");
    // The connection turns bad in the middle of a transaction: nothing of it stays, and the next write has a new one.
    on_writer(&store, "CREATE TEMP TRIGGER refuse BEFORE INSERT ON control_state BEGIN SELECT RAISE(ABORT, 'refused'); END").await;
    assert!(store.commit(&[row("decision", 2)], &head("two"), 2).await.unwrap_err().to_string().contains("refused"));
    store.commit(&[row("decision", 3)], &head("three"), 3).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3]);
    // Nobody, root neither, can make a folder there.
    let error = Store::open(&Location::Folder("/proc/prescale".into())).await.unwrap_err();
    assert!(matches!(&error, StoreError::Folder { .. }) && error.to_string().contains("/proc/prescale"), "{error}");
    // A file in whose place a folder lies can't be opened, whoever tries.
    let blocked = tempfile::tempdir().unwrap();
    std::fs::create_dir(file_in(blocked.path())).unwrap();
    let error = Store::open(&Location::Folder(blocked.path().into())).await.unwrap_err().to_string();
    assert!(error.contains("unable to open") && error.contains("readable and writable"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_of_a_live_store_is_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(&folder).await);
    for number in 0..50 {
        store.commit(&[row("decision", number)], &head("{}"), number).await.unwrap();
    }
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 50.. {
                store.commit(&[row("decision", number)], &head("{}"), number).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy.db");
    backup(folder.path(), &copy).await.unwrap();
    writing.abort();
    let error = backup(folder.path(), &copy).await.unwrap_err().to_string();
    assert!(error.contains("copy.db") && error.contains("exists already"), "{error}");
    let error = backup(copies.path(), &copies.path().join("x")).await.unwrap_err().to_string();
    assert!(error.contains("no database to copy"), "{error}");
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 1, "no leftovers");

    let restored = tempfile::tempdir().unwrap();
    std::fs::copy(&copy, file_in(restored.path())).unwrap();
    let again = open(&restored).await;
    let found = decisions(&again).await;
    assert!(found.len() >= 50 && found.iter().enumerate().all(|(at, number)| at as i64 == *number), "{found:?}");
    assert_eq!(again.saved().await.unwrap().unwrap().written_ms, *found.last().unwrap(), "entries and state of the same moment");
    again.commit(&[row("decision", 10_000)], &head("{}"), 10_000).await.unwrap();
}
