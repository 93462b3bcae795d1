//! What happens to a stored history when another query or step is asked for, on both databases; `suite.rs` runs it.

use super::super::Measured;
use super::super::chunk::DAY_MS;
use super::suite::{Site, values};
use super::{LOAD, SeriesKey};

pub async fn another_query_or_step_begins_a_history_of_its_own_and_the_former_comes_back(site: &Site) {
    const REPLICAS: SeriesKey<'static> = SeriesKey { service: "api", metric: "replicas_ready" };
    let first = Measured { load: "first", step_ms: 60_000 };
    let store = site.open().await;
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    store.append(REPLICAS, 60_000, &[(0, 2.0)]).await.unwrap();
    // Nobody wrote down what it is of: it is taken for the right one, once.
    assert_eq!(store.measure("api", first).await.unwrap(), []);

    store.keep_forecaster("api", b"of the first").await.unwrap();
    store.measure("api", first).await.unwrap();
    assert!(store.forecaster("api").await.unwrap().is_some(), "nothing changed");
    let second = Measured { load: "second", ..first };
    let aside = store.measure("api", second).await.unwrap();
    assert_eq!(aside.iter().map(|one| (one.metric.as_str(), one.of_the_same_load)).collect::<Vec<_>>(), [("load", false)]);
    assert_eq!(store.read(LOAD, 0, DAY_MS).await.unwrap(), None);
    assert_eq!(store.forecaster("api").await.unwrap(), None, "what it learnt was of another load");
    assert_eq!(store.read(REPLICAS, 0, DAY_MS).await.unwrap().unwrap().observed(), 1, "whatever no query gives stays");
    // What is written now is of the second, also by a writer that knew the first.
    store.append(LOAD, 60_000, &[(60_000, 5.0)]).await.unwrap();
    assert_eq!(store.measure("api", second).await.unwrap(), [], "twice is once");

    // Another step concerns all of them.
    let coarser = Measured { step_ms: 300_000, ..second };
    let aside = store.measure("api", coarser).await.unwrap();
    assert!(aside.len() == 2 && aside.iter().all(|one| one.of_the_same_load && one.step_ms == 60_000), "{aside:?}");
    store.append(LOAD, 300_000, &[(0, 9.0)]).await.unwrap();
    let set_aside = SeriesKey { metric: &aside[0].stored_as, ..LOAD };
    assert_eq!(store.read(set_aside, 0, DAY_MS).await.unwrap().unwrap().observed(), 1);

    // Back to the first, after a restart: everything that it was.
    store.close().await;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.measure("api", first).await.unwrap().len(), 1, "what is of the second, at its coarser step");
    assert_eq!(values(&store, 0, DAY_MS).await, [Some(1.0)]);
    assert_eq!(store.read(REPLICAS, 0, DAY_MS).await.unwrap().unwrap().observed(), 1);
    store.append(LOAD, 60_000, &[(60_000, 2.0)]).await.unwrap();
    assert_eq!(values(&store, 0, DAY_MS).await, [Some(1.0), Some(2.0)]);
    store.close().await;
}
