//! The feed, without a socket: who gets what, in which order, and what it may cost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::ring::Ring;
use super::*;
use crate::api::dto::*;
use crate::api::time::Time;
use crate::clock::Clock;

/// A beat that no test lives to see.
const NEVER: Duration = Duration::from_secs(3_600);

fn limits() -> Limits {
    Limits { streams: 3, ring_bytes: 1 << 20, beat: NEVER }
}

fn feed(limits: Limits) -> Arc<Feed> {
    Arc::new(Feed::new(Clock::start(1_000_000_000_000, 1.0), limits))
}

fn summary(name: &str, load_rps: f64) -> ServiceSummary {
    ServiceSummary {
        name: name.to_owned(),
        mode: Mode::Observe,
        paused: None,
        load_rps: Some(load_rps),
        load_at: Some(Time(1_000_000_000_000)),
        replicas: Replicas { ready: Some(2), booting: Some(0), draining: Some(0), desired: None, min: 1, max: 9 },
        forecast: ForecastHealth { state: ForecastState::None, origin: None, detail: None, have_s: None, need_s: None },
        next: None,
        last_decision: None,
        data: DataHealth { state: DataState::Fresh, age_s: Some(0.0), detail: None },
        spark: Spark { start: Time(0), step_s: 900.0, past: vec![Some(1.0)], future: vec![None] },
    }
}

fn load(name: &str, load_rps: f64) -> News {
    News { services: vec![summary(name, load_rps)], ..News::default() }
}

struct Event {
    name: String,
    id: Option<EventId>,
    data: Value,
}

/// The next event, which must be there already or come by a beat of a millisecond.
async fn next(subscription: &mut Subscription) -> Event {
    let bytes = tokio::time::timeout(Duration::from_secs(60), subscription.next()).await.expect("an event").expect("an open stream");
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.ends_with("\n\n") && !text.trim_end().contains("\n\n"), "one event at a time: {text:?}");
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    Event {
        name: field("event").unwrap(),
        id: field("id").map(|id| id.parse().unwrap()),
        data: serde_json::from_str(&field("data").unwrap()).unwrap(),
    }
}

#[tokio::test]
async fn it_begins_with_everything_and_goes_on_with_what_changed() {
    let feed = feed(limits());
    feed.publish(load("chat", 1.0));
    feed.publish(load("shop", 2.0));
    let mut stream = feed.subscribe(None).unwrap();
    let reset = next(&mut stream).await;
    assert_eq!((reset.name.as_str(), reset.id.unwrap().seq), ("reset", 2));
    assert_eq!((&reset.data["services"][0]["name"], &reset.data["services"][1]["load_rps"]), (&json!("chat"), &json!(2.0)));
    assert_eq!((&reset.data["speed"], &reset.data["paused"]), (&json!(1.0), &Value::Null));
    feed.publish(News { paused: Some(Pause::Down), journalled: vec!["shop".into()], ..load("shop", 3.0) });
    let change = next(&mut stream).await;
    assert_eq!((change.name.as_str(), change.id.unwrap().seq), ("change", 3));
    assert_eq!(change.data["services"], json!([{"name": "shop", "load_rps": 3.0}]), "what didn't change isn't sent");
    assert_eq!((&change.data["paused"], &change.data["journalled"]), (&json!("down"), &json!(["shop"])));
    feed.publish(News { removed: vec!["shop".into(), "nobody".into()], ..News::default() });
    let change = next(&mut stream).await;
    assert_eq!((&change.data["removed"], &change.data["paused"]), (&json!(["shop"]), &Value::Null));
    assert!(change.data.as_object().unwrap().contains_key("paused"), "the end of a pause is told as null");
}

#[tokio::test]
async fn what_is_known_is_not_told_again() {
    let feed = feed(limits());
    feed.publish(load("chat", 1.0));
    let mut older = summary("chat", 1.0);
    older.data.age_s = Some(17.0);
    feed.publish(News { services: vec![older], ..News::default() });
    feed.publish(load("chat", 5.0));
    let mut stream = feed.subscribe(None).unwrap();
    assert_eq!(next(&mut stream).await.id.unwrap().seq, 2, "an age alone is no event");
}

#[tokio::test]
async fn nothing_configured_is_news_too() {
    let feed = feed(Limits { beat: Duration::from_millis(1), ..limits() });
    let mut stream = feed.subscribe(None).unwrap();
    assert_eq!(next(&mut stream).await.name, "beat", "before the first news nothing is known");
    feed.publish(News::default());
    let reset = next(&mut stream).await;
    assert_eq!((reset.name.as_str(), &reset.data["services"]), ("reset", &json!([])));
}

#[tokio::test]
async fn it_goes_on_where_it_broke_off() {
    let feed = feed(limits());
    for load_rps in [1.0, 2.0, 3.0, 4.0] {
        feed.publish(load("chat", load_rps));
    }
    let last = next(&mut feed.subscribe(None).unwrap()).await.id.unwrap();
    let mut stream = feed.subscribe(Some(EventId { seq: 2, ..last })).unwrap();
    let seen = [next(&mut stream).await, next(&mut stream).await];
    assert_eq!(seen.each_ref().map(|event| (event.name.as_str(), event.id.unwrap().seq)), [("change", 3), ("change", 4)]);
    assert_eq!(seen[1].data["services"][0]["load_rps"], 4.0);
    // Whoever has seen everything gets nothing but what comes.
    let mut stream = feed.subscribe(Some(last)).unwrap();
    feed.publish(load("chat", 5.0));
    let event = next(&mut stream).await;
    assert_eq!((event.name.as_str(), event.id.unwrap().seq), ("change", 5));
}

#[tokio::test]
async fn another_epoch_an_id_from_the_future_and_a_gap_are_answered_with_everything() {
    let small = Limits { ring_bytes: 600, ..limits() };
    let feed = self::feed(small);
    for load_rps in 1..=20 {
        feed.publish(load("chat", f64::from(load_rps)));
    }
    let last = next(&mut feed.subscribe(None).unwrap()).await.id.unwrap();
    let other = self::feed(small);
    other.publish(load("chat", 1.0));
    let strange = next(&mut other.subscribe(None).unwrap()).await.id.unwrap();
    assert_ne!(strange.epoch, last.epoch);
    for after in [strange, EventId { seq: 21, ..last }, EventId { seq: u64::MAX, ..last }, EventId { seq: 1, ..last }] {
        let event = next(&mut feed.subscribe(Some(after)).unwrap()).await;
        assert_eq!((event.name.as_str(), event.id), ("reset", Some(last)), "{after}");
        assert_eq!(event.data["services"][0]["load_rps"], 20.0);
    }
}

#[tokio::test]
async fn a_slow_reader_misses_events_and_costs_no_memory() {
    let feed = feed(Limits { ring_bytes: 10_000, ..limits() });
    feed.publish(load("chat", 0.5));
    let mut slow = feed.subscribe(None).unwrap();
    assert_eq!(next(&mut slow).await.name, "reset");
    for load_rps in 1..=10_000 {
        feed.publish(load("chat", f64::from(load_rps)));
    }
    let event = next(&mut slow).await;
    assert_eq!((event.name.as_str(), event.id.unwrap().seq, &event.data["services"][0]["load_rps"]), ("reset", 10_001, &json!(10_000.0)));
}

#[tokio::test]
async fn places_are_counted_and_given_back() {
    let feed = feed(limits());
    feed.publish(News::default());
    let mut open: Vec<_> = (0..3).map(|_| feed.subscribe(None).unwrap()).collect();
    assert_eq!(feed.subscribe(None).err(), Some(TooMany(3)));
    open.pop();
    assert!(feed.subscribe(None).is_ok());
}

#[tokio::test]
async fn closing_ends_who_waits_and_who_comes_later() {
    let feed = feed(limits());
    feed.publish(News::default());
    let mut stream = feed.subscribe(None).unwrap();
    next(&mut stream).await;
    let waits = tokio::spawn(async move { stream.next().await });
    feed.close();
    assert_eq!(waits.await.unwrap(), None);
    assert_eq!(feed.subscribe(None).unwrap().next().await, None);
}

#[test]
fn a_ring_keeps_the_newest() {
    let mut ring = Ring::new(3 * (64 + 10));
    assert_eq!((ring.newest(), ring.get(0), ring.get(1)), (0, None, None));
    for number in 1..=5_u64 {
        ring.push(format!("{number:010}").into());
    }
    let held: Vec<u64> = (0..=7).filter(|seq| ring.get(*seq).is_some()).collect();
    assert_eq!(held, [3, 4, 5]);
    assert_eq!(ring.get(4).unwrap(), "0000000004");
    // One that is larger than the ring isn't kept, and leaves a gap.
    ring.push(vec![b'x'; 1_000].into());
    assert_eq!((ring.newest(), ring.get(6), ring.get(5)), (6, None, None));
}

#[test]
fn an_id_survives_the_wire_and_nothing_else_is_one() {
    let id = EventId { epoch: 0xc0ffee, seq: 42 };
    assert_eq!(id.to_string(), "0000000000c0ffee-42");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in ["", "-", "42", "c0ffee-", "-42", "c0ffee-42-1", "xyz-1", "c0ffee--1", "1ffffffffffffffff-1"] {
        assert!(text.parse::<EventId>().is_err(), "{text:?}");
    }
}
