//! Hashes, stickiness, limits, levels and rules, through real sockets.

use std::sync::atomic::Ordering::SeqCst;

use balancer::{Action, Algorithm, ConcurrencyConfig, HeaderMatch, Nanos, Place, PoolConfig, QueueConfig, Rule, TokenBucketConfig};
use http::HeaderName;
use proxy::{HashBy, ProxyConfig, ProxyHandle, Sticky, Traffic, WeightUpdate};

use crate::kit::{Backend, Client, config, once, proxy_to, until};

async fn fleet(count: u32) -> Vec<Backend> {
    let mut backends = Vec::new();
    for id in 1..=count {
        backends.push(Backend::start(id).await);
    }
    backends
}

fn with(algorithm: Algorithm, traffic: Traffic) -> ProxyConfig {
    ProxyConfig { pool: PoolConfig::new(algorithm, Vec::new()), traffic, ..config() }
}

fn get(headers: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: test\r\n{headers}\r\n")
}

async fn backend_of(proxy: &ProxyHandle, headers: &str) -> u32 {
    once(proxy.data_addr(), get(headers)).await.unwrap().backend()
}

fn weigh(epoch: u64, backends: &[Backend], place: impl Fn(u32) -> (u32, Place)) -> WeightUpdate {
    let listed = backends.iter().map(|backend| {
        let (weight, place) = place(backend.id);
        proxy::Backend { place, ..backend.listed(weight) }
    });
    WeightUpdate { epoch, backends: listed.collect() }
}

#[tokio::test]
async fn a_user_stays_on_its_backend_by_consistent_hash_of_a_header() {
    for algorithm in [Algorithm::RingHash, Algorithm::Maglev, Algorithm::Rendezvous] {
        let backends = fleet(4).await;
        let traffic = Traffic { hash_by: Some(HashBy::Header(HeaderName::from_static("x-user"))), ..Traffic::default() };
        let proxy = proxy_to(with(algorithm, traffic), &backends).await;
        let mut before = Vec::new();
        for user in 0..40 {
            before.push(backend_of(&proxy, &format!("X-User: u{user}\r\n")).await);
        }
        assert!((1..=4).all(|id| before.contains(&id)), "{algorithm}: {before:?}");
        proxy.apply(&weigh(2, &backends, |id| (u32::from(id != 4), Place::default()))).unwrap();
        for (user, backend) in before.iter().enumerate() {
            let after = backend_of(&proxy, &format!("X-User: u{user}\r\n")).await;
            // Maglev moves a few others besides.
            assert!(
                after == *backend || *backend == 4 || algorithm == Algorithm::Maglev,
                "{algorithm}: u{user} moved from {backend} to {after}"
            );
            assert_ne!(after, 4);
        }
    }
}

#[tokio::test]
async fn a_cookie_of_the_proxy_keeps_a_session_on_its_backend() {
    let backends = fleet(3).await;
    let traffic = Traffic { sticky: Some(Sticky::Cookie { name: "lb".to_owned() }), ..Traffic::default() };
    let proxy = proxy_to(with(Algorithm::RoundRobin, traffic), &backends).await;
    let first = once(proxy.data_addr(), get("")).await.unwrap();
    let cookie = first.header("set-cookie").unwrap().to_owned();
    assert_eq!(cookie, format!("lb={}; Path=/; HttpOnly; SameSite=Lax", first.backend()));
    let sent = format!("Cookie: other=1; lb={}\r\n", first.backend());
    for _ in 0..6 {
        let got = once(proxy.data_addr(), get(&sent)).await.unwrap();
        assert_eq!((got.backend(), got.header("set-cookie")), (first.backend(), None));
    }
    proxy.apply(&weigh(2, &backends, |id| (u32::from(id != first.backend()), Place::default()))).unwrap();
    let moved = once(proxy.data_addr(), get(&sent)).await.unwrap();
    assert_ne!(moved.backend(), first.backend(), "weight 0 is never picked");
    assert!(moved.header("set-cookie").unwrap().starts_with(&format!("lb={};", moved.backend())));
    assert_eq!(once(proxy.data_addr(), get("Cookie: lb=made-up\r\n")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_header_keeps_a_session_on_its_backend_where_the_proxy_remembers_it() {
    let backends = fleet(3).await;
    let sticky = Sticky::Header { name: HeaderName::from_static("x-session"), ttl: Nanos::from_secs(600), capacity: 100 };
    let proxy = proxy_to(with(Algorithm::RoundRobin, Traffic { sticky: Some(sticky), ..Traffic::default() }), &backends).await;
    for session in 0..6 {
        let header = format!("X-Session: s{session}\r\n");
        let first = backend_of(&proxy, &header).await;
        for _ in 0..3 {
            assert_eq!(backend_of(&proxy, &header).await, first);
        }
    }
}

#[tokio::test]
async fn of_d_choices_the_busiest_is_never_taken() {
    let backends = fleet(4).await;
    let mut config = with(Algorithm::DChoices, Traffic::default());
    config.pool.choices = 4;
    let proxy = proxy_to(config, &backends).await;
    let mut held = Vec::new();
    backends.iter().for_each(|backend| backend.seen.hold.store(true, SeqCst));
    for busy in 0..12u32 {
        let mut client = Client::connect(proxy.data_addr()).await;
        client.write(get("")).await;
        held.push(client);
        until("it has arrived", || backends.iter().map(Backend::requests).sum::<u64>() == u64::from(busy) + 1).await;
    }
    let counts: Vec<u64> = backends.iter().map(Backend::requests).collect();
    assert_eq!(counts, [3, 3, 3, 3], "the least loaded of all four, each time");
    backends.iter().for_each(|backend| backend.seen.hold.store(false, SeqCst));
    for client in &mut held {
        assert_eq!(client.read().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn who_comes_too_often_gets_a_429_that_says_when_to_come_again() {
    let backends = fleet(1).await;
    // So slow that no token comes back while the test runs.
    let traffic = Traffic { rate_limit: Some(TokenBucketConfig { rate: 1, burst: Some(3) }), ..Traffic::default() };
    let proxy = proxy_to(with(Algorithm::RoundRobin, traffic), &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    let mut refused = None;
    for _ in 0..200 {
        let got = client.get("/").await.unwrap();
        if got.status != 200 {
            refused = Some(got);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.body, "too many requests per second\n");
    let counters = proxy.counters();
    assert!(backends[0].requests() >= 3, "a burst of three is let through");
    assert_eq!((counters.offered, counters.shed), (backends[0].requests() + 1, 1), "what is refused was offered all the same");
}

#[tokio::test]
async fn a_backup_serves_only_when_the_others_cannot() {
    let backends = fleet(3).await;
    let proxy = proxy_to(with(Algorithm::LeastConnections, Traffic::default()), &backends).await;
    let place = |id: u32| Place { backup: id == 3, ..Place::default() };
    proxy.apply(&weigh(2, &backends, |id| (1, place(id)))).unwrap();
    for _ in 0..10 {
        assert_ne!(backend_of(&proxy, "").await, 3);
    }
    backends[0].kill().await;
    backends[1].kill().await;
    proxy.apply(&weigh(3, &backends, |id| (u32::from(id == 3), place(id)))).unwrap();
    assert_eq!(backend_of(&proxy, "").await, 3);
}

#[tokio::test]
async fn a_retry_goes_to_the_backup_when_the_last_of_the_others_has_failed() {
    let backends = fleet(2).await;
    let proxy = proxy_to(with(Algorithm::LeastConnections, Traffic::default()), &backends).await;
    proxy.apply(&weigh(2, &backends, |id| (1, Place { backup: id == 2, ..Place::default() }))).unwrap();
    assert_eq!(backend_of(&proxy, "").await, 1);
    backends[0].kill().await;
    assert_eq!(backend_of(&proxy, "").await, 2);
}

#[tokio::test]
async fn a_header_chooses_the_canary() {
    let backends = fleet(2).await;
    let gold = Rule {
        name: "canary".to_owned(),
        priority: 0,
        path_prefix: None,
        header: Some(HeaderMatch { name: "x-canary".to_owned(), value: Some("yes".to_owned()) }),
        latency_above: None,
        errors_above: None,
        then: Action::Group(1),
    };
    let mut config = with(Algorithm::LeastConnections, Traffic { rules: vec![gold], ..Traffic::default() });
    config.pool.splits = vec![balancer::Split { group: 0, weight: 1 }, balancer::Split { group: 1, weight: 0 }];
    let proxy = proxy_to(config, &backends).await;
    proxy.apply(&weigh(2, &backends, |id| (1, Place { group: u8::from(id == 2), ..Place::default() }))).unwrap();
    for _ in 0..5 {
        assert_eq!(backend_of(&proxy, "").await, 1);
        assert_eq!(backend_of(&proxy, "X-Canary: yes\r\n").await, 2);
    }
}

#[tokio::test]
async fn who_finds_no_room_waits_in_line_and_the_line_has_an_end() {
    let backends = fleet(1).await;
    let traffic = Traffic {
        concurrency: Some(ConcurrencyConfig::Fixed(1)),
        queue: Some(QueueConfig { length: 1, patience: Nanos::from_secs(15) }),
        ..Traffic::default()
    };
    let proxy = proxy_to(with(Algorithm::RoundRobin, traffic), &backends).await;
    backends[0].seen.hold.store(true, SeqCst);
    let mut first = Client::connect(proxy.data_addr()).await;
    first.write(get("")).await;
    until("the first is there", || backends[0].requests() == 1).await;
    let mut second = Client::connect(proxy.data_addr()).await;
    second.write(get("")).await;
    until("the second is in", || proxy.counters().offered == 2).await;
    let third = once(proxy.data_addr(), get("")).await.unwrap();
    assert_eq!((third.status, third.header("retry-after"), third.body.as_str()), (503, Some("1"), "too many requests at once\n"));
    assert_eq!(backends[0].requests(), 1, "the second waits in the proxy");
    backends[0].seen.hold.store(false, SeqCst);
    assert_eq!(first.read().await.unwrap().status, 200);
    assert_eq!(second.read().await.unwrap().status, 200);
    assert_eq!(backends[0].requests(), 2);
}
