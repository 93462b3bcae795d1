//! The stream over HTTP, without a socket.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::*;
use crate::api::tests::fake::{Fake, shared, summary};
use crate::clock::Clock;
use crate::events::{Feed, Limits, News};

fn feed() -> Arc<Feed> {
    let limits = Limits { streams: 1, beat: Duration::from_secs(3_600), ..Limits::default() };
    let feed = Feed::new(Clock::start(1_000_000_000_000, 1.0), limits);
    feed.publish(News { services: vec![summary()], ..News::default() });
    Arc::new(feed)
}

async fn ask(feed: &Arc<Feed>, last: Option<&str>) -> Response {
    let fake = shared(Fake { feed: Some(feed.clone()), ..Fake::default() });
    let request = crate::api::tests::request("GET", "/api/v1/events").header("accept-encoding", "gzip, br");
    let request = last.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    crate::api::tests::app(&fake).await.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(60), body.frame()).await.expect("an event or the end")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn events_come_at_once_uncompressed_and_go_on_after_the_last_one() {
    let feed = feed();
    let answer = ask(&feed, None).await;
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(header("content-encoding"), None, "a compressor would hold events back");
    assert_eq!((header("x-accel-buffering").as_deref(), header("cache-control").as_deref()), (Some("no"), Some("no-store")));
    let mut body = answer.into_body();
    let reset = next(&mut body).await.unwrap();
    assert!(reset.starts_with("event: reset\nid: "), "{reset}");
    let id = reset.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(body);

    let mut changed = summary();
    changed.load_rps = None;
    feed.publish(News { services: vec![changed], ..News::default() });
    let missed = next(&mut ask(&feed, Some(&id)).await.into_body()).await.unwrap();
    assert!(missed.starts_with("event: change\n") && missed.contains(r#""services":[{"name":"chat","load_rps":null}]"#), "{missed}");
    for strange in ["nonsense", "00000000c0ffee00-1", ""] {
        let event = next(&mut ask(&feed, Some(strange)).await.into_body()).await.unwrap();
        assert!(event.starts_with("event: reset\n"), "{strange:?}: {event}");
    }
}

#[tokio::test]
async fn one_stream_too_many_is_told_when_to_come_back() {
    let feed = feed();
    let open = ask(&feed, None).await;
    let refused = ask(&feed, None).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "10"));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    drop(open);
    assert_eq!(ask(&feed, None).await.status(), 200, "its place is free again");
}

#[tokio::test]
async fn a_stream_ends_when_the_feed_closes_and_when_the_right_to_read_does() {
    let feed = feed();
    let (end, ended) = oneshot::channel::<()>();
    let until = async move { _ = ended.await };
    let mut body = respond(feed.subscribe(None).unwrap(), until).into_body();
    assert!(next(&mut body).await.unwrap().starts_with("event: reset\n"));
    end.send(()).unwrap();
    assert_eq!(next(&mut body).await, None);
    drop(body);

    let mut body = respond(feed.subscribe(None).unwrap(), std::future::pending()).into_body();
    assert!(next(&mut body).await.unwrap().starts_with("event: reset\n"));
    feed.close();
    assert_eq!(next(&mut body).await, None);
}
