//! What many services cost the database: a moment's samples of all of them, and a step of the control loop. Each is measured as it is done, and
//! as it would be with a transaction a service, and with the whole state in each step. `cargo bench -p server --bench scale -- 10000` for
//! 10,000 services; 1,000 without a number.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use planner::{Event, Replica, ReplicaState, State};
use server::store::{Batch, JournalRow, Location, Queue, SeriesKey, StateChange, Store};

#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres;

const STEP_MS: i64 = 60_000;
const METRICS: [&str; 4] = ["load", "saturated", "replicas_ready", "replicas_desired"];
/// Services of which a part is enough to know what each costs.
const PART: usize = 200;

fn main() {
    let services = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000);
    let state = state(services);
    let began = Instant::now();
    let whole = serde_json::to_string(&state).unwrap();
    println!("{services} services: the state is {:.1} MB of JSON, made in {:.0} ms", whole.len() as f64 / 1e6, millis(began.elapsed()));
    let parts: BTreeMap<String, String> =
        state.services.iter().map(|(name, service)| (name.clone(), serde_json::to_string(service).unwrap())).collect();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(measure("SQLite", &Location::Folder(folder.path().into()), &whole, &parts));
    let server = postgres::Postgres::start_durable();
    let other = tempfile::tempdir().unwrap();
    let location = Location::Postgres { url: server.database("scale"), folder: other.path().into() };
    runtime.block_on(measure("PostgreSQL", &location, &whole, &parts));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Services that have run for a while: a window of samples, ten replicas, a decision.
fn state(services: usize) -> State {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prescale.toml");
    let mut text = "[prometheus]\nurl = \"http://127.0.0.1:9090\"\n".to_owned();
    for at in 0..services {
        text.push_str(&format!(
            "[[services]]\nname = \"service-{at}\"\nload = \"sum(rate(requests_total[2m]))\"\nreplicas = \"replicas_ready\"\n\
             capacity = {{ rps_per_replica = 100 }}\nslo = {{ latency_ms = 500, percentile = 99 }}\nrails = {{ min = 2, max = 30 }}\n\
             act = {{ kind = \"gauge\" }}\n"
        ));
    }
    std::fs::write(&path, text).unwrap();
    let config = server::config::Config::load(&path).unwrap();
    let mut state = State::new(config.services).unwrap();
    let names: Vec<String> = state.services.keys().cloned().collect();
    let start_ms = 1_000_000_000_000;
    for name in names {
        let replica =
            |id: u32| Replica { id, address: format!("10.0.0.{id}:8080"), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None };
        for minute in 0..30 {
            let now_ms = start_ms + minute * STEP_MS;
            let service = name.clone();
            let load_rps = Some(500.0 + minute as f64 / 7.0);
            planner::step(&mut state, Event::Sample { service: service.clone(), at_ms: now_ms, load_rps, saturated: false }, now_ms);
            planner::step(
                &mut state,
                Event::Fleet { service: service.clone(), at_ms: now_ms, replicas: (1..11).map(replica).collect() },
                now_ms,
            );
            planner::step(&mut state, Event::Tick { service }, now_ms);
        }
    }
    state
}

async fn measure(name: &str, location: &Location, whole: &str, parts: &BTreeMap<String, String>) {
    let store = Arc::new(Store::open(location).await.unwrap());
    println!("{name}");
    samples(&store, parts).await;
    steps(&store, whole, parts).await;
    store.close().await;
}

async fn samples(store: &Store, parts: &BTreeMap<String, String>) {
    let point = |minute: i64| [(minute * STEP_MS, minute as f64)];
    let queue = Queue::default();
    let put = |minute: i64| {
        for service in parts.keys() {
            METRICS.iter().for_each(|metric| queue.put(service, metric, STEP_MS, &point(minute)));
        }
    };
    let flush = async || queue.flush(store, |service, error| panic!("{service}: {error}")).await.unwrap();
    // The first time, series are made.
    put(0);
    flush().await;
    let began = Instant::now();
    for service in parts.keys().take(PART) {
        let points = point(1);
        let batch = |metric: &&'static str| Batch { key: SeriesKey { service, metric }, step_ms: STEP_MS, points: &points };
        store.append_many(&METRICS.iter().map(batch).collect::<Vec<_>>()).await.unwrap();
    }
    let each_ms = millis(began.elapsed()) / PART.min(parts.len()) as f64;
    println!("  samples of all: {:.0} ms and {} transactions, one a service", each_ms * parts.len() as f64, parts.len());
    put(2);
    let began = Instant::now();
    flush().await;
    println!("  samples of all: {:.0} ms, all together", millis(began.elapsed()));
}

async fn steps(store: &Arc<Store>, whole: &str, parts: &BTreeMap<String, String>) {
    let row =
        |reference: i64| JournalRow { at_ms: 5, service: "service-0".into(), kind: "decision".into(), reference, entry: "x".repeat(1_500) };
    let all = StateChange { head: whole.to_owned(), ..StateChange::default() };
    println!("  a step that writes the whole state: {}", timed(store, 10, |at| (row(at), all.clone())).await);
    let services = parts.iter().map(|(name, text)| (name.clone(), Some(text.clone()))).collect();
    let rows = StateChange { head: "{}".into(), services, ..StateChange::default() };
    println!("  the first step, which writes each service's row: {}", timed(store, 1, |at| (row(at), rows.clone())).await);
    let names: Vec<&String> = parts.keys().collect();
    let one = |at: i64| {
        let name = names[at as usize % names.len()];
        let services = BTreeMap::from([(name.clone(), Some(parts[name].clone()))]);
        (row(at), StateChange { head: "x".repeat(100), services, ..StateChange::default() })
    };
    println!("  a step that writes what changed: {}", timed(store, 200, one).await);

    // The journal goes first: it waits for a part of what is under way, never for all of it.
    let queue = Arc::new(Queue::default());
    for service in parts.keys() {
        METRICS.iter().for_each(|metric| queue.put(service, metric, STEP_MS, &[(3 * STEP_MS, 1.0)]));
    }
    let flushing = tokio::spawn({
        let (store, queue) = (store.clone(), queue.clone());
        async move { queue.flush(&store, |service, error| panic!("{service}: {error}")).await.unwrap() }
    });
    let mut took = Vec::new();
    while !flushing.is_finished() {
        let (row, change) = one(1_000 + took.len() as i64);
        let began = Instant::now();
        store.commit(&[row], &change, 1).await.unwrap();
        took.push(began.elapsed());
    }
    flushing.await.unwrap();
    println!("  the same while all samples are written: {}", shown(took));
}

async fn timed(store: &Store, rounds: i64, what: impl Fn(i64) -> (JournalRow, StateChange)) -> String {
    let mut took = Vec::new();
    for round in 0..rounds {
        let (row, change) = what(round);
        let began = Instant::now();
        store.commit(&[row], &change, 1).await.unwrap();
        took.push(began.elapsed());
    }
    shown(took)
}

fn shown(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default();
    format!("{:.1} ms (median of {}), {:.1} ms (95 of 100)", millis(at(50)), took.len(), millis(at(95)))
}
