//! Load from a real Prometheus and a real VictoriaMetrics: history, newest value, age, and everything that is refused.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use server::clock::Clock;
use server::collect::prometheus::{Freshness, Options, PrometheusSource, Queries};
use server::collect::{LoadSource, Reading, Step};

use crate::support::prometheus::{Peer, Samples};
use crate::support::{DEADLINE, run};

const MINUTE_MS: i64 = 60_000;
/// More than Prometheus gives in one answer (11,000).
const MINUTES: i64 = 12_000;
/// Samples are this far off the minute, every quarter of it.
const OFFSET_MS: i64 = 7_000;
const LOAD: &str = "sum(rate(requests_total[1m]))";

/// The real time, as `serve` takes it.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn source(url: &str, step_ms: i64, load: &str) -> PrometheusSource {
    let queries = Queries { load: load.into(), ..Queries::default() };
    let timeout = Duration::from_secs(30);
    let options = Options { url: url.into(), credentials: None, ca_pem: None, allow_link_local: false, step_ms, timeout, queries };
    PrometheusSource::new(options, Clock::start(now_ms(), 1.0)).unwrap()
}

/// What the peers hold: a load that steps from 10 to 50 requests/s, metrics that ended, and one of two instances.
struct World {
    samples: Samples,
    /// The minute at which the test began.
    minute_ms: i64,
    /// When the load rose.
    rise_ms: i64,
    /// The last sample of what ended.
    ended_ms: i64,
}

impl World {
    fn new() -> Self {
        let minute_ms = now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
        let rise_ms = minute_ms - MINUTES / 2 * MINUTE_MS;
        let ended_ms = minute_ms - 90_000;
        let quarters = |from_ms, to_ms| (from_ms, to_ms, MINUTE_MS / 4);
        let hour_ms = minute_ms - 60 * MINUTE_MS + OFFSET_MS;
        let future_ms = minute_ms + 10 * MINUTE_MS;
        let samples = Samples::default()
            .counter("requests_total{instance=\"a\"}", quarters(minute_ms - (MINUTES + 10) * MINUTE_MS + OFFSET_MS, future_ms), |at_ms| {
                if at_ms - OFFSET_MS <= rise_ms { 10.0 } else { 50.0 }
            })
            .counter("ended_total", quarters(hour_ms - OFFSET_MS, ended_ms), |_| 5.0)
            .counter("double_total{job=\"api\",instance=\"a\"}", quarters(hour_ms, future_ms), |_| 1.0)
            .counter("double_total{job=\"api\",instance=\"b\"}", quarters(hour_ms, future_ms), |_| 1.0);
        Self { samples, minute_ms, rise_ms, ended_ms }
    }
}

async fn everything_is_read(peer: &Peer, world: &World, server: &str) {
    history_is_whole_and_each_step_is_what_happened_in_it(peer, world).await;
    readings_go_on_where_the_last_ended(peer).await;
    // The samples of what ended are as old as they are, whatever the answers are stamped with.
    let ended = source(&peer.url(), MINUTE_MS, "sum(rate(ended_total[5m]))");
    assert_eq!(ended.read().await.unwrap().now.unwrap().0, world.ended_ms);
    let double = source(&peer.url(), MINUTE_MS, "rate(double_total[1m])").read().await.unwrap_err();
    assert_eq!(double, r#"load: 2 series differ in instance: "a", "b"; wrap the query in sum(...)"#);
    let both = source(&peer.url(), MINUTE_MS, "sum(rate(double_total[1m]))").read().await.unwrap();
    assert!((both.now.unwrap().1.load_rps - 2.0).abs() < 1e-6);
    assert_eq!(source(&peer.url(), MINUTE_MS, "sum(rate(nothing_total[1m]))").read().await.unwrap(), Reading::default());
    assert_eq!(source(&peer.url(), MINUTE_MS, "sum(rate(requests_total[1m])) / 0 > 0").read().await.unwrap().now, None);
    let wrong = source(&peer.url(), MINUTE_MS, "sum(rate(requests_total[1m])").read().await.unwrap_err();
    assert!(wrong.contains("load: the server refuses the query"), "{wrong}");
    checks_tell_what_is_there(peer, world, server).await;
}

async fn history_is_whole_and_each_step_is_what_happened_in_it(peer: &Peer, world: &World) {
    let from_ms = world.minute_ms - MINUTES * MINUTE_MS;
    let steps = source(&peer.url(), MINUTE_MS, LOAD).backfill(from_ms, world.minute_ms).await.unwrap();
    let starts: Vec<i64> = steps.iter().map(|step| step.from_ms).collect();
    assert_eq!(starts, (0..MINUTES).map(|minute| from_ms + minute * MINUTE_MS).collect::<Vec<_>>());
    let (before, after): (Vec<Step>, Vec<Step>) = steps.iter().partition(|step| step.from_ms < world.rise_ms);
    assert!(before.iter().all(|step| (step.load_rps - 10.0).abs() < 1e-6), "{:?}", before.last());
    // VictoriaMetrics counts from the last sample before the window, which lies in the step before.
    assert!(after[0].load_rps > 39.9, "{:?}", after[0]);
    assert!(after[1..].iter().all(|step| (step.load_rps - 50.0).abs() < 1e-6));
}

async fn readings_go_on_where_the_last_ended(peer: &Peer) {
    let step_ms = 2_000;
    let source = source(&peer.url(), step_ms, LOAD);
    let mut told: BTreeMap<i64, f64> = BTreeMap::new();
    let started = Instant::now();
    let mut first_end_ms = None;
    // Until three steps have come that hadn't ended at the first reading.
    while told.last_key_value().is_none_or(|(last, _)| last - first_end_ms.unwrap_or(*last) < 2 * step_ms) {
        assert!(started.elapsed() < DEADLINE, "{told:?}");
        let reading = source.read().await.unwrap();
        let (at_ms, now) = reading.now.unwrap();
        // Exactly the time of a sample, and of one of the last: VictoriaMetrics looks at what was 30 s ago.
        assert_eq!(at_ms.rem_euclid(MINUTE_MS / 4), OFFSET_MS);
        assert!((0..60_000).contains(&(now_ms() - at_ms)), "{}", now_ms() - at_ms);
        assert!((now.load_rps - 50.0).abs() < 1e-6);
        told.extend(reading.steps.iter().map(|step| (step.from_ms, step.load_rps)));
        first_end_ms.get_or_insert_with(|| told.last_key_value().map_or(0, |(last, _)| last + step_ms));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let starts: Vec<i64> = told.keys().copied().collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == step_ms) && starts[0] % step_ms == 0, "{starts:?}");
    assert!(told.values().all(|load| (load - 50.0).abs() < 1e-6), "{told:?}");
}

async fn checks_tell_what_is_there(peer: &Peer, world: &World, server: &str) {
    let checked = source(&peer.url(), MINUTE_MS, LOAD).test().await.unwrap();
    assert!(checked.server.starts_with(server), "{checked:?}");
    assert_eq!((checked.series, checked.skew_ms), (Some(1), Some(0)));
    assert_eq!(checked.freshness, Freshness::Selectors(vec!["requests_total".into()]));
    assert!((0..60_000).contains(&checked.age_ms.unwrap()), "{checked:?}");
    let since_ms = world.minute_ms - (MINUTES + 10) * MINUTE_MS;
    assert!((0..=2 * 60 * MINUTE_MS).contains(&(checked.history_from_ms.unwrap() - since_ms)), "{checked:?} since {since_ms}");
    let counter = source(&peer.url(), MINUTE_MS, "sum(requests_total)").test().await.unwrap_err().to_string();
    assert!(counter.contains("never fell") && counter.contains("sum(rate(requests_total[2m]))"), "{counter}");
    let nothing = source(&peer.url(), MINUTE_MS, "sum(rate(nothing_total[1m]))").test().await.unwrap_err().to_string();
    assert!(nothing.contains("no series"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_is_read() {
    let world = World::new();
    let mut peer = Peer::prometheus(&world.samples, &[]);
    everything_is_read(&peer, &world, "Prometheus 2.").await;
    // Stopped, and started again: what was missed is caught up with.
    let source = source(&peer.url(), 1_000, LOAD);
    let last = |reading: &Reading| reading.steps.last().map(|step| step.from_ms);
    let before = last(&source.read().await.unwrap()).unwrap();
    peer.stop();
    let down = source.read().await.unwrap_err();
    assert!(down.contains("can't be reached") && down.contains(&peer.url()), "{down}");
    peer.start();
    let (started, mut steps) = (Instant::now(), Vec::new());
    while steps.is_empty() {
        assert!(started.elapsed() < DEADLINE);
        steps = source.read().await.unwrap().steps;
    }
    assert!(steps[0].from_ms <= before + 1_000 && steps.windows(2).all(|pair| pair[1].from_ms - pair[0].from_ms == 1_000), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_victoria_metrics_is_read() {
    let world = World::new();
    let peer = Peer::victoria_metrics(&world.samples);
    everything_is_read(&peer, &world, "VictoriaMetrics").await;
}

/// A service with a counter, until it is closed.
fn exporter() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let closed = Arc::new(AtomicBool::new(false));
    let stop = closed.clone();
    thread::spawn(move || {
        for (count, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let (mut stream, mut request) = (stream, [0; 4_096]);
            let _ = stream.read(&mut request);
            let body = format!("# TYPE hits_total counter\nhits_total {}\n", count * 30);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (address, closed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_that_dies_leaves_a_load_that_grows_old() {
    let (address, closed) = exporter();
    let peer = Peer::prometheus(&Samples::default(), &[&address]);
    let live = source(&peer.url(), 1_000, "sum(rate(hits_total[2m]))");
    // The age of a series that ended is found at one of the quarter minutes at which it lived.
    let (started, mut first_ms) = (Instant::now(), None);
    while first_ms.is_none_or(|first: i64| now_ms().div_euclid(15_000) == first.div_euclid(15_000)) {
        assert!(started.elapsed() < DEADLINE);
        first_ms = first_ms.or(live.read().await.unwrap().now.map(|(at_ms, _)| at_ms));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let counter = source(&peer.url(), 1_000, "sum(hits_total)").test().await.unwrap_err().to_string();
    assert!(counter.contains("hits_total is a counter"), "{counter}");
    closed.store(true, Ordering::SeqCst);
    let closed_ms = now_ms();
    // Prometheus marks the series as ended; its rate lives on for two minutes.
    let gone = source(&peer.url(), 1_000, "count(hits_total)");
    while gone.read().await.unwrap().now.is_some() {
        assert!(started.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (at_ms, step) = live.read().await.unwrap().now.unwrap();
    assert!(step.load_rps > 0.0, "{step:?}");
    assert!((closed_ms - 17_000..=closed_ms + 1_000).contains(&at_ms), "{} ms after the end", at_ms - closed_ms);
}

#[test]
fn a_forecast_and_a_backtest_take_a_prometheus_for_a_file() {
    let world = World::new();
    let mut peer = Peer::prometheus(&world.samples, &[]);
    let (from_s, to_s) = ((world.minute_ms - MINUTES * MINUTE_MS) / 1_000, world.minute_ms / 1_000);
    let input = format!("prometheus:{}?query={LOAD}&start={from_s}&end={to_s}&step=15m", peer.url());
    let (code, stdout, stderr) = run(&["forecast", "--input", &input, "--horizon", "1h", "--format", "jsonl"]);
    assert_eq!(code, 0, "{stderr}");
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((line["series"].as_str().unwrap(), line["step_s"].as_f64().unwrap()), (LOAD, 900.0));
    let mean = line["points"][0]["mean"].as_f64().unwrap();
    assert!((45.0..55.0).contains(&mean), "{line}");
    let (code, stdout, stderr) = run(&["backtest", "--input", &input, "--horizon", "1h", "--origins", "2", "--format", "jsonl"]);
    assert!(code == 0 && stdout.contains("requests_total"), "{stderr}");
    let refused = |input: &str, code: i32, parts: &[&str]| {
        let (status, stdout, stderr) = run(&["forecast", "--input", input, "--horizon", "1h"]);
        assert_eq!((status, stdout.as_str()), (code, ""), "{stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{parts:?} in {stderr}");
    };
    let recent = format!("&start={}&end={to_s}", to_s - 1_800);
    let input = |query: &str| format!("prometheus:{}?query={query}{recent}", peer.url());
    refused(&input("rate(double_total[1m])"), 2, &["2 series differ in instance", "sum(...)"]);
    refused(&input("sum(rate(nothing_total[1m]))"), 2, &["no value from"]);
    refused(&input("sum("), 2, &["refuses the query"]);
    let input = input(LOAD);
    refused(&input, 2, &["not enough history"]);
    peer.stop();
    refused(&input, 1, &["can't be reached"]);
}
