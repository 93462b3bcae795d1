//! Who gets the requests: picks, weights, health.

use std::sync::atomic::Ordering::SeqCst;

use balancer::{ActiveHealth, BackendState, Nanos, PassiveHealth, SlowStart};
use proxy::{WeightError, WeightUpdate};

use crate::kit::{Backend, Client, config, once, proxy_to, until};

async fn three() -> Vec<Backend> {
    vec![Backend::start(1).await, Backend::start(2).await, Backend::start(3).await]
}

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn requests_are_spread_over_all_backends_on_kept_connections() {
    let backends = three().await;
    let proxy = proxy_to(config(), &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..30 {
        let got = client.get("/hello?x=1").await.unwrap();
        assert_eq!(got.status, 200);
        assert!(got.body.starts_with("GET /hello?x=1\n"), "{}", got.body);
    }
    for backend in &backends {
        assert_eq!(backend.requests(), 10, "backend {}", backend.id);
        assert_eq!(backend.seen.connections.load(SeqCst), 1, "one connection is kept and used again");
    }
    let counters = proxy.counters();
    assert_eq!((counters.offered, counters.answered.success, counters.retries), (30, 30, 0));
    assert_eq!((counters.connections, counters.latency.count), (1, 30));
}

#[tokio::test]
async fn weight_0_gets_nothing_and_all_weights_0_is_a_503_that_says_why() {
    let backends = three().await;
    let proxy = proxy_to(config(), &backends).await;
    let weigh = |epoch: u64, weights: [u32; 3]| WeightUpdate {
        epoch,
        backends: backends.iter().zip(weights).map(|(backend, weight)| backend.listed(weight)).collect(),
    };
    proxy.apply(&weigh(2, [0, 1, 0])).unwrap();
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..5 {
        assert_eq!(client.get("/").await.unwrap().backend(), 2);
    }
    proxy.apply(&weigh(3, [0, 0, 0])).unwrap();
    let got = client.get("/").await.unwrap();
    assert_eq!((got.status, got.header("retry-after")), (503, Some("1")));
    assert_eq!(got.body, "every backend has weight 0\n");
    proxy.apply(&WeightUpdate { epoch: 4, backends: vec![] }).unwrap();
    let got = client.get("/").await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (503, "the pool has no backend in service\n"));
    proxy.apply(&weigh(5, [1, 1, 1])).unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200, "on the same connection");
    let counters = proxy.counters();
    assert_eq!((counters.offered, counters.shed, counters.busy, counters.answered.server_error), (8, 2, 2, 2));
}

#[tokio::test]
async fn a_stale_epoch_changes_nothing() {
    let backends = three().await;
    let proxy = proxy_to(config(), &backends).await;
    let update = |epoch: u64, weight: u32| WeightUpdate { epoch, backends: vec![backends[0].listed(weight)] };
    proxy.apply(&update(9, 5)).unwrap();
    assert_eq!(proxy.apply(&update(8, 1)), Err(WeightError::StaleEpoch { current_epoch: 9 }));
    assert_eq!(proxy.apply(&update(9, 6)), Err(WeightError::StaleEpoch { current_epoch: 9 }));
    assert_eq!(proxy.apply(&update(9, 5)).unwrap().epoch, 9, "the same again is fine");
    assert_eq!(proxy.weights(), (Some(9), vec![backends[0].listed(5)]));
}

#[tokio::test]
async fn an_id_doesnt_move_to_another_address() {
    let backends = three().await;
    let proxy = proxy_to(config(), &backends).await;
    let moved = proxy::Backend { address: backends[1].address, ..backends[0].listed(1) };
    let error = proxy.apply(&WeightUpdate { epoch: 2, backends: vec![moved] }).unwrap_err().to_string();
    assert!(error.starts_with("backends[0].address = ") && error.contains("needs a new id"), "{error}");
}

#[tokio::test]
async fn a_backend_that_dies_during_a_ramp_costs_no_get() {
    let backends = three().await;
    let mut config = config();
    // One failure ejects: after it, its penalty alone may keep least connections away from the dead one.
    config.pool.passive = Some(PassiveHealth::new(1, Nanos::from_secs(3_600)));
    config.pool.slow_start = Some(SlowStart::new(Nanos::from_secs(3_600)));
    let proxy = proxy_to(config, &backends).await;
    let newcomer = Backend::start(4).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let address = proxy.data_addr();
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..150 {
                let got = client.get("/").await.expect("an answer");
                assert_eq!(got.status, 200, "{}", got.body);
            }
        }));
    }
    until("some traffic", || proxy.counters().offered > 100).await;
    let ramp = backends.iter().chain([&newcomer]).map(|backend| backend.listed(100)).collect();
    proxy.apply(&WeightUpdate { epoch: 2, backends: ramp }).unwrap();
    backends[1].kill().await;
    for client in clients {
        client.await.unwrap();
    }
    let counters = proxy.counters();
    assert_eq!((counters.offered, counters.answered.success, counters.aborted), (600, 600, 0));
    assert!(counters.retries > 0, "{counters:?}");
    let states: Vec<_> = proxy.pool_view().iter().map(|view| (view.id.0, view.state, view.in_flight)).collect();
    assert!(states.contains(&(2, BackendState::Ejected, 0)), "{states:?}");
    assert!(states.contains(&(4, BackendState::Warming, 0)), "{states:?}");
    assert!(newcomer.requests() > 0);
}

#[tokio::test]
async fn a_backend_that_says_it_is_busy_is_neither_ejected_nor_retried() {
    let backends = three().await;
    let mut config = config();
    config.pool.passive = Some(PassiveHealth::new(2, Nanos::from_secs(3_600)));
    let proxy = proxy_to(config, &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..12 {
        assert_eq!(client.get("/status/503").await.unwrap().status, 503);
    }
    assert!(proxy.pool_view().iter().all(|view| view.state == BackendState::Up));
    let counters = proxy.counters();
    assert_eq!((counters.busy, counters.shed, counters.retries, counters.upstream_failures), (12, 0, 0, 0));
}

#[tokio::test]
async fn a_broken_answer_counts_against_its_backend_also_when_another_one_is_tried() {
    let backends = three().await;
    let mut config = config();
    config.pool.passive = Some(PassiveHealth::new(2, Nanos::from_secs(3_600)));
    let proxy = proxy_to(config, &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..6 {
        assert_eq!(client.get("/status/500").await.unwrap().status, 500);
    }
    assert!(proxy.counters().retries > 0, "{:?}", proxy.counters());
    let failures = || proxy.pool_view().iter().map(|view| view.consecutive_failures).sum::<u32>();
    until("every attempt to be booked as a failure", || {
        proxy.pool_view().iter().any(|view| view.state == BackendState::Ejected) || failures() >= 6
    })
    .await;
}

#[tokio::test]
async fn probes_take_a_sick_backend_out_and_back_in() {
    let backends = three().await;
    let mut config = config();
    config.pool.active = Some(ActiveHealth { interval: Nanos::from_secs(60), timeout: Nanos::from_secs(60), ..ActiveHealth::default() });
    // A domain minute is 100 ms here.
    config.speed = 600.0;
    let started = std::time::Instant::now();
    config.clock = std::sync::Arc::new(move || Nanos::from_secs_f64(started.elapsed().as_secs_f64() * 600.0));
    let proxy = proxy_to(config, &backends).await;
    let state = |id: u32| proxy.pool_view().iter().find(|view| view.id.0 == id).map(|view| view.state);
    until("probes", || backends.iter().all(|backend| backend.seen.probes.load(SeqCst) > 0)).await;
    backends[0].seen.sick.store(true, SeqCst);
    until("down", || state(1) == Some(BackendState::Down)).await;
    let before = backends[0].requests();
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..6 {
        assert_ne!(client.get("/").await.unwrap().backend(), 1);
    }
    assert_eq!(backends[0].requests(), before);
    backends[0].seen.sick.store(false, SeqCst);
    until("up again", || state(1) == Some(BackendState::Up)).await;
    assert_eq!(proxy.counters().offered, 6, "probes aren't requests");
}

#[tokio::test]
async fn an_answer_counts_as_in_flight_until_its_client_is_gone() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    backends[0].seen.hold.store(true, SeqCst);
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write(GET).await;
    until("in flight", || proxy.counters().in_flight == 1 && proxy.pool_view()[0].in_flight == 1).await;
    drop(client);
    until("out of flight", || proxy.counters().in_flight == 0 && proxy.pool_view()[0].in_flight == 0).await;
    assert_eq!((proxy.counters().aborted, proxy.counters().upstream_failures), (1, 0), "nobody's fault");
    backends[0].seen.hold.store(false, SeqCst);
    assert_eq!(once(proxy.data_addr(), GET).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_removed_backend_finishes_what_it_has() {
    let backends = three().await;
    let proxy = proxy_to(config(), &backends[..1]).await;
    backends[0].seen.hold.store(true, SeqCst);
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write(GET).await;
    until("in flight", || backends[0].requests() == 1).await;
    proxy.apply(&WeightUpdate { epoch: 2, backends: vec![backends[1].listed(1)] }).unwrap();
    let state = |id: u32| proxy.pool_view().iter().find(|view| view.id.0 == id).map(|view| view.state);
    assert_eq!(state(1), Some(BackendState::Draining));
    assert_eq!(once(proxy.data_addr(), GET).await.unwrap().backend(), 2);
    backends[0].seen.hold.store(false, SeqCst);
    assert_eq!(client.read().await.unwrap().backend(), 1);
    until("gone", || state(1).is_none()).await;
    assert_eq!(proxy.counters().answered.success, 2);
}
