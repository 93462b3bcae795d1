//! PostgreSQL goes away, in the middle of a commit too, and comes back.

use std::time::{Duration, Instant};

use super::postgres::Postgres;
use super::relay::{Fate, Relay};
use super::{LOAD, Location, Store, StoreError, decisions, head, row};

/// Nothing here takes longer, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn location(folder: &tempfile::TempDir, url: String) -> Location {
    Location::try_new(folder.path().to_path_buf(), Some(url)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgresql_loses_nothing_that_was_acknowledged_and_is_found_again() {
    let mut server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&location(&folder, server.database("killed"))).await.unwrap();
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..3_i64 {
        // Commits go on while the server is killed, which begins after some of them.
        let (begin, begun) = tokio::sync::oneshot::channel::<()>();
        let mut begin = Some(begin);
        let killing = tokio::task::spawn_blocking(move || {
            let _ = begun.blocking_recv();
            server.kill();
            server
        });
        for number in 0.. {
            if killing.is_finished() {
                break;
            }
            let reference = round * 1_000_000 + number;
            if store.commit(&[row("decision", reference)], &head("{}"), reference).await.is_ok() {
                acknowledged.push(reference);
            }
            if number == 20 + round {
                begin.take().map(|begin| begin.send(()));
            }
        }
        server = killing.await.unwrap();
        let error = store.commit(&[row("decision", -1)], &head("{}"), -1).await.unwrap_err().to_string();
        assert!(error.contains("is it running") && !error.contains("canary"), "{error}");
        assert!(store.append(LOAD, 60_000, &[(60_000, 2.0)]).await.is_err());
        tokio::task::block_in_place(|| server.run());
        // By itself, with the next write.
        let reference = round * 1_000_000 + 999_999;
        store.commit(&[row("decision", reference)], &head("{}"), reference).await.unwrap();
        acknowledged.push(reference);
        assert_eq!(decisions(&store).await, acknowledged, "what was acknowledged, and nothing else");
        assert_eq!(store.saved().await.unwrap().unwrap().written_ms, reference);
    }
    store.append(LOAD, 60_000, &[(60_000, 2.0)]).await.unwrap();
    assert_eq!(store.read(LOAD, 0, 60_000).await.unwrap().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_taken_back_by_the_next_one() {
    let server = Postgres::start();
    server.database("doubt");
    let relay = Relay::to(server.socket());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://prescale@localhost/doubt?host={}&sslmode=disable", relay.folder().display());
    let store = Store::open(&location(&folder, url.clone())).await.unwrap();
    store.commit(&[row("decision", 1)], &head("one"), 1).await.unwrap();

    relay.next(Fate::Lost);
    store.commit(&[row("decision", 2)], &head("two"), 2).await.unwrap_err();
    assert_eq!(server.query("doubt", "SELECT ref FROM journal ORDER BY seq"), "1");
    store.commit(&[row("decision", 3)], &head("three"), 3).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3]);

    relay.next(Fate::Unanswered);
    store.commit(&[row("decision", 4), row("order_issued", 4)], &head("four"), 4).await.unwrap_err();
    assert_eq!(server.query("doubt", "SELECT state FROM control_state"), "four", "it was written, though nobody heard");
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    store.commit(&[row("decision", 5)], &head("five"), 5).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3, 5]);
    assert!(store.journal("api", "order_issued", None, 9).await.unwrap().is_empty());
    assert_eq!(store.saved().await.unwrap().unwrap().head, "five");

    // A process that ends in doubt begins anew with what is written, entries and state alike.
    relay.next(Fate::Unanswered);
    store.commit(&[row("decision", 6)], &head("six"), 6).await.unwrap_err();
    store.close().await;
    drop(store);
    let store = Store::open(&location(&folder, url)).await.unwrap();
    assert_eq!((decisions(&store).await, store.saved().await.unwrap().unwrap().head), (vec![1, 3, 5, 6], "six".into()));
    store.commit(&[row("decision", 7)], &head("seven"), 7).await.unwrap();
    assert_eq!(decisions(&store).await, [1, 3, 5, 6, 7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_the_database_to_another_instance_writes_nothing_more() {
    let server = Postgres::start();
    let url = server.database("taken");
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Store::open(&location(&here, url.clone())).await.unwrap();
    first.commit(&[row("decision", 1)], &head("first"), 1).await.unwrap();
    // The session that holds the lock is lost; another instance is faster to take it.
    let sessions = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(server.query("taken", sessions), "1");
    let second = Store::open(&location(&there, url)).await.unwrap();
    second.commit(&[row("decision", 2)], &head("second"), 2).await.unwrap();
    let error = first.commit(&[row("decision", 3)], &head("first"), 3).await.unwrap_err();
    assert!(matches!(error, StoreError::DatabaseInUse { .. }), "{error}");
    second.close().await;
    drop(second);
    // The lock is free again, but what the first one remembers is no longer what is written.
    let started = Instant::now();
    let error = loop {
        let error = first.commit(&[row("decision", 4)], &head("first"), 4).await.unwrap_err();
        assert!(started.elapsed() < DEADLINE, "{error}");
        if !matches!(error, StoreError::DatabaseInUse { .. }) {
            break error;
        }
    };
    assert!(matches!(error, StoreError::TakenOver { .. }), "{error}");
    assert_eq!(server.query("taken", "SELECT state FROM control_state"), "second");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_says_so_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://prescale:canary-pa55@localhost/db?host={}", folder.path().display());
    let away = location(&folder, url);
    assert!(!format!("{away} {away:?}").contains("canary"), "{away:?}");
    let error = Store::open(&away).await.unwrap_err();
    assert!(error.to_string().contains("is it running"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    for (url, word) in [("mysql://u:canary@h/d", "mysql"), ("canary", "relative URL"), ("postgres://u:canary@h:port/d", "port")] {
        let error = Location::try_new(folder.path().into(), Some(url.into())).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("allowed: postgres://") && !error.contains("canary"), "{error}");
    }
}
