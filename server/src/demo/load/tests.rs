use super::*;
use crate::demo::backend::{BackendConfig, LocalBackend, ServiceTime};
use proxy::{Backend, ProxyConfig, ProxyHandle, WeightUpdate};

const SLO: SloLimits = SloLimits { latency_ms: 5_000.0, percentile: 95.0, errors: 0.01 };

fn config(target: SocketAddr, requests_per_second: f64, until_ms: i64) -> LoadConfig {
    LoadConfig {
        target,
        path: "/work?x=1".to_owned(),
        rate: Arc::new(move |_| requests_per_second),
        until_ms: Some(until_ms),
        seed: 5,
        in_flight_max: 20_000,
        timeout: Duration::from_secs(20),
        slo: SLO,
    }
}

fn fleet(size: u32, config: BackendConfig, clock: &Clock) -> Vec<LocalBackend> {
    (1..=size).map(|id| LocalBackend::start(id, config, clock.clone()).unwrap()).collect()
}

const QUICK: BackendConfig =
    BackendConfig { concurrency: 8, queue: 1_000, service_time: ServiceTime::Exponential { mean_ms: 4.0 }, boot: Duration::ZERO, seed: 1 };

async fn proxy_to(backends: &[LocalBackend]) -> ProxyHandle {
    let proxy = proxy::start(ProxyConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let listed = backends.iter().zip(1..).map(|(backend, id)| Backend::new(id, backend.address(), 1));
    proxy.apply(&WeightUpdate { epoch: 1, backends: listed.collect() }).unwrap();
    while !backends.iter().all(LocalBackend::is_ready) {
        tokio::task::yield_now().await;
    }
    proxy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_counted_alike_by_generator_proxy_and_backends() {
    // At speed 60, one wall second is a domain minute.
    let clock = Clock::start(0, 60.0);
    let backends = fleet(3, QUICK, &clock);
    let proxy = proxy_to(&backends).await;
    let until = clock.now_ms() + 90_000;
    let mut load = start(config(proxy.data_addr(), 200.0, until), &clock);
    load.finished().await;
    let summary = load.summary();
    assert!(summary.requests > 150, "{summary:?}");
    assert_eq!((summary.errors, load.in_flight()), (0, 0), "{summary:?}");
    assert_eq!(proxy.counters().offered, summary.requests);
    assert_eq!(backends.iter().map(|backend| backend.counts().served).sum::<u64>(), summary.requests);
    let minutes = load.minutes();
    assert_eq!(minutes.iter().map(|minute| minute.sent).sum::<u64>(), summary.requests);
    assert!(minutes.iter().all(|minute| minute.start_ms % MINUTE_MS == 0));
    assert!(proxy.counters().connections < 200, "connections are kept, not opened per request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_answers_and_the_limit_is_reported() {
    let clock = Clock::start(0, 60.0);
    let stuck = BackendConfig { service_time: ServiceTime::Fixed { mean_ms: 60_000.0 }, ..QUICK };
    let backends = fleet(1, stuck, &clock);
    let proxy = proxy_to(&backends).await;
    let limited =
        LoadConfig { in_flight_max: 20, timeout: Duration::from_millis(700), ..config(proxy.data_addr(), 200.0, clock.now_ms() + 30_000) };
    let mut load = start(limited, &clock);
    load.finished().await;
    let summary = load.summary();
    assert!(summary.timed_out >= 20 && summary.limited > 0, "{summary:?}");
    assert_eq!(summary.errors, summary.requests);
    assert_eq!(summary.violation_minutes, summary.minutes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_fleet_shows_as_rejected() {
    let clock = Clock::start(0, 60.0);
    let tiny = BackendConfig { concurrency: 1, queue: 0, service_time: ServiceTime::Fixed { mean_ms: 300.0 }, ..QUICK };
    let backends = fleet(1, tiny, &clock);
    let proxy = proxy_to(&backends).await;
    let mut load = start(config(proxy.data_addr(), 100.0, clock.now_ms() + 60_000), &clock);
    load.finished().await;
    let (summary, counters) = (load.summary(), proxy.counters());
    assert!(summary.rejected > 0, "{summary:?}");
    assert_eq!(counters.busy, summary.rejected);
    assert_eq!((counters.shed, counters.retries), (0, 0), "busy backends are neither ejected nor tried again");
}

#[tokio::test]
async fn stopping_ends_an_endless_run() {
    let clock = Clock::start(0, 60.0);
    let backends = fleet(1, QUICK, &clock);
    let proxy = proxy_to(&backends).await;
    let endless = LoadConfig { until_ms: None, ..config(proxy.data_addr(), 50.0, 0) };
    let mut load = start(endless, &clock);
    while load.summary().requests < 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    load.stop();
    load.finished().await;
    assert_eq!(load.in_flight(), 0);
}
