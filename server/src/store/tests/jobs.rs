//! Jobs, on both databases; `suite.rs` runs these.

use super::super::{Ended, KEPT, KEPT_MS, Store};
use super::suite::Site;

const DAY_MS: i64 = 86_400_000;

async fn add(store: &Store, at_ms: i64) -> i64 {
    store.add_job("what_if", "twice the traffic", "ada", "{}", at_ms).await.unwrap()
}

async fn end(store: &Store, id: i64, at_ms: i64) {
    let ended = Ended { state: "done", ended_ms: at_ms, wall_ms: 1_500, result: "{\"a\":1}", error: "", load: &[0, 255, 7] };
    store.end_job(id, &ended).await.unwrap();
}

pub async fn a_job_is_kept_with_its_result_and_one_that_ran_is_failed_at_the_next_start(site: &Site) {
    let store = site.open().await;
    let (done, ran, waits) = (add(&store, 10).await, add(&store, 11).await, add(&store, 12).await);
    store.begin_job(done).await.unwrap();
    end(&store, done, 20).await;
    store.begin_job(ran).await.unwrap();
    store.close().await;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.fail_running_jobs("it ended", 30).await.unwrap(), 1);
    let jobs = store.jobs(10).await.unwrap();
    let states: Vec<_> = jobs.iter().map(|job| (job.id, job.state.as_str(), job.ended_ms, job.error.as_str())).collect();
    assert_eq!(states, [(waits, "queued", 0, ""), (ran, "failed", 30, "it ended"), (done, "done", 20, "")]);
    assert_eq!(store.job_result(done).await.unwrap().unwrap(), ("{\"a\":1}".to_owned(), vec![0, 255, 7]));
    assert_eq!(store.job(done).await.unwrap().unwrap().wall_ms, 1_500);
    assert!(!store.delete_job(waits).await.unwrap(), "one that waits is cancelled, not deleted");
    assert!(store.delete_job(done).await.unwrap());
    assert_eq!((store.job(done).await.unwrap(), store.job_result(done).await.unwrap()), (None, None));
}

pub async fn ended_jobs_are_limited_in_number_and_age_and_numbers_are_not_used_again(site: &Site) {
    let store = site.open().await;
    let old = add(&store, 0).await;
    end(&store, old, 1).await;
    let waits = add(&store, 1).await;
    for _ in 0..KEPT + 3 {
        let id = add(&store, DAY_MS).await;
        end(&store, id, DAY_MS).await;
    }
    let newest = add(&store, DAY_MS).await;
    let ids: Vec<i64> = store.jobs(1_000).await.unwrap().iter().map(|job| job.id).collect();
    // What waits isn't counted, and stays.
    assert_eq!(ids.len() as i64, KEPT + 2);
    assert!(ids.contains(&waits) && ids.contains(&newest) && !ids.contains(&old), "{ids:?}");
    assert_eq!(newest, KEPT + 6);
    let later = add(&store, 2 * DAY_MS + KEPT_MS).await;
    let left: Vec<i64> = store.jobs(1_000).await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(left, [later, newest, waits]);
}
