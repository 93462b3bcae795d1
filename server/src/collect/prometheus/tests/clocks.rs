//! The samples' age, and two clocks that differ.

use super::*;

fn age(reading: &Reading, fake: &Fake) -> i64 {
    fake.clock.now_ms() - reading.now.unwrap().0
}

#[tokio::test]
async fn samples_that_stopped_are_as_old_as_they_are_though_the_answer_is_stamped_now() {
    let fake = Fake::start(|asked, theirs_ms| match asked.query.as_str() {
        "max(timestamp(requests_total))" => Reply::vector(&(END_MS as f64 / 1_000.0 - 200.0).to_string()),
        _ => healthy(asked, theirs_ms),
    })
    .await;
    let reading = source(&fake).read().await.unwrap();
    assert_eq!(reading.now.unwrap().0, END_MS - 200_000);
}

#[tokio::test]
async fn series_that_ended_are_looked_for_behind_their_end() {
    let fake = Fake::start(|asked, theirs_ms| match asked.query.as_str() {
        "max(timestamp(requests_total))" => Reply::empty(),
        "max(max_over_time(timestamp(requests_total)[5m:15s]))" => Reply::vector("1799999970"),
        _ => healthy(asked, theirs_ms),
    })
    .await;
    assert_eq!(source(&fake).read().await.unwrap().now.unwrap().0, END_MS - 30_000);
}

#[tokio::test]
async fn a_load_of_two_metrics_is_as_old_as_the_older() {
    let fake = Fake::start(|asked, theirs_ms| match asked.query.as_str() {
        r#"max(timestamp(a{x="1"}))"# => Reply::vector("1799999990"),
        "max(timestamp(b))" => Reply::vector("1799999950"),
        "max(timestamp(absent))" => Reply::empty(),
        _ => healthy(asked, theirs_ms),
    })
    .await;
    let source = source_with(&fake, |options| options.queries.load = r#"sum(rate(a{x="1"}[1m])) + sum(rate(b[1m])) or absent"#.into());
    assert_eq!(source.read().await.unwrap().now.unwrap().0, END_MS - 50_000);
}

#[tokio::test]
async fn the_users_own_query_tells_the_age_and_milliseconds_are_refused() {
    let fresh = |value: &'static str| {
        Fake::start(move |asked, theirs_ms| match asked.query.as_str() {
            "newest" if value.is_empty() => Reply::empty(),
            "newest" => Reply::vector(value),
            _ => healthy(asked, theirs_ms),
        })
    };
    let read = async |fake: &Fake| source_with(fake, |options| options.queries.fresh = Some("newest".into())).read().await;
    assert_eq!(read(&fresh("1799999900.25").await).await.unwrap().now.unwrap().0, END_MS - 99_750);
    says(&read(&fresh("1799999900000").await).await.unwrap_err(), &["fresh", "1799999900000 s", "seconds since 1970"]);
    // Of unknown age is as good as nothing.
    let reading = read(&fresh("").await).await.unwrap();
    assert_eq!((reading.now, reading.steps.len()), (None, 5));
}

#[tokio::test]
async fn where_no_selector_can_be_told_the_newest_step_stands_for_the_samples() {
    let fake = Fake::start(healthy).await;
    let template = source_with(&fake, |options| options.queries.load = "WITH (x = rate(a[1m])) sum(x)".into());
    assert_eq!(template.read().await.unwrap().now.unwrap().0, END_MS);
    assert!(fake.asked().iter().all(|asked| !asked.query.contains("timestamp")));
    // The same if the server doesn't understand our query for the samples' time.
    fake.now(|asked, theirs_ms| if asked.query.contains("timestamp") { Reply::refused("parse error") } else { healthy(asked, theirs_ms) });
    assert_eq!(source(&fake).read().await.unwrap().now.unwrap().0, END_MS);
}

#[tokio::test]
async fn a_clock_that_is_ahead_gives_no_sample_from_the_future() {
    let fake = Fake::ahead(50_000, healthy).await;
    let reading = source(&fake).read().await.unwrap();
    assert!((4_000..15_000).contains(&age(&reading, &fake)), "{} ms: five seconds old, not 45 s in the future", age(&reading, &fake));
    // By their clock the step that lasts has ended; by ours it hasn't.
    assert_eq!(loads(&reading.steps).last().unwrap().0, -1);
}

#[tokio::test]
async fn a_clock_that_is_behind_makes_no_sample_stale_and_withholds_what_has_not_ended_there() {
    let fake = Fake::ahead(-50_000, healthy).await;
    let source = source(&fake);
    let reading = source.read().await.unwrap();
    assert!((4_000..15_000).contains(&age(&reading, &fake)), "{} ms: five seconds old, not 55", age(&reading, &fake));
    assert_eq!(loads(&reading.steps).last().unwrap().0, -2);
    // It is asked for again.
    assert_eq!(source.memory.lock().asked_to_ms, Some(END_MS - STEP_MS));
}

#[tokio::test]
async fn clocks_that_differ_by_minutes_are_an_error_that_says_which_way() {
    let fake = Fake::ahead(90_000, healthy).await;
    says(&error(&fake).await, &["ahead of ours", "up to 60 s", "NTP"]);
    let fake = Fake::ahead(-90_000, healthy).await;
    says(&error(&fake).await, &["behind ours"]);
    assert!(source(&fake).backfill(END_MS - 600_000, END_MS).await.unwrap_err().contains("behind ours"));
}
