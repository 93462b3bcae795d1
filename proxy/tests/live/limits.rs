//! How big and how slow things may be.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::kit::{Backend, Client, PATIENCE, config, once, proxy_to, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn what_is_too_big_gets_its_status_and_the_connection_ends() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.head_bytes = 4_096;
    config.limits.headers = 20;
    config.limits.body_bytes = 1_000;
    let proxy = proxy_to(config, &backends).await;
    let long = "x".repeat(5_000);
    let cases = [
        (format!("GET /{long} HTTP/1.1\r\nHost: test\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: test\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: test\r\n{}\r\n", "X: 1\r\n".repeat(20)), 431),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1001\r\n\r\n".to_owned(), 413),
        (format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5000\r\n\r\n{long}"), 413),
        (format!("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{}", &long[..1_001]), 413),
        (
            format!("PUT / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", &long[..1_000]),
            413,
        ),
    ];
    for (request, status) in cases {
        let mut client = Client::connect(proxy.data_addr()).await;
        let got = client.ask(&request).await.unwrap_or_else(|| panic!("no answer to {:?}", &request[..60]));
        assert_eq!(got.status, status, "{:?}", &request[..60]);
        assert!(client.closed().await);
    }
    let fits = format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n{}", &long[..1_000]);
    assert_eq!(once(proxy.data_addr(), fits).await.unwrap().status, 200);
    assert!(proxy.pool_view().iter().all(|view| view.in_flight == 0));
    assert_eq!(proxy.counters().upstream_failures, 0, "the client's mistakes aren't the backend's");
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_a_408() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.head_time = Duration::from_millis(50);
    let proxy = proxy_to(config, &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    // Not before the first byte: an idle connection is another matter.
    assert_eq!(client.get("/").await.unwrap().status, 200);
    client.write("GET / HTTP/1.1\r\nHost: te").await;
    assert_eq!(client.read().await.unwrap().status, 408);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_body_that_stops_is_a_408() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.stall_time = Duration::from_millis(50);
    let proxy = proxy_to(config, &backends).await;
    for method in ["POST", "PUT"] {
        let mut client = Client::connect(proxy.data_addr()).await;
        client.write(format!("{method} / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc")).await;
        assert_eq!(client.read().await.unwrap().status, 408, "{method}");
    }
    until("the backend is free", || proxy.pool_view()[0].in_flight == 0).await;
    assert_eq!(proxy.counters().upstream_failures, 0);
}

#[tokio::test]
async fn a_backend_that_takes_too_long_is_a_504() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let mut config = config();
    config.limits.request_time = Duration::from_millis(60);
    let proxy = proxy_to(config, &backends).await;
    for backend in &backends {
        backend.seen.hold.store(true, SeqCst);
    }
    let mut client = Client::connect(proxy.data_addr()).await;
    let got = client.get("/").await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (504, "the backend took too long\n"));
    for backend in &backends {
        backend.seen.hold.store(false, SeqCst);
    }
    assert_eq!(client.get("/").await.unwrap().status, 200, "the connection goes on");
    let counters = proxy.counters();
    assert_eq!((counters.timeouts, counters.upstream_failures), (1, 1));
}

#[tokio::test]
async fn an_answer_that_stops_is_cut_off() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.stall_time = Duration::from_millis(60);
    let proxy = proxy_to(config, &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write("GET /stall HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(client.read().await.is_none(), "it must not look whole");
    until("counted", || proxy.counters().upstream_failures == 1).await;
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.idle_time = Duration::from_millis(40);
    let proxy = proxy_to(config, &backends).await;
    let mut silent = Client::connect(proxy.data_addr()).await;
    assert!(silent.closed().await);
    let mut client = Client::connect(proxy.data_addr()).await;
    backends[0].seen.hold.store(true, SeqCst);
    client.write(GET).await;
    until("in flight", || proxy.counters().in_flight == 1).await;
    // Several idle times later the request is still being served.
    tokio::time::sleep(Duration::from_millis(150)).await;
    backends[0].seen.hold.store(false, SeqCst);
    assert_eq!(client.read().await.unwrap().status, 200);
    assert!(client.closed().await, "then it is idle");
    assert_eq!(proxy.counters().refused, 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.connections = 1;
    let proxy = proxy_to(config, &backends).await;
    let mut first = Client::connect(proxy.data_addr()).await;
    assert_eq!(first.get("/").await.unwrap().status, 200);
    let mut second = Client::connect(proxy.data_addr()).await;
    second.write(GET).await;
    assert_eq!(first.get("/").await.unwrap().status, 200);
    assert_eq!(backends[0].requests(), 2, "the second waits");
    drop(first);
    assert_eq!(second.read().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.limits.stall_time = Duration::from_millis(100);
    config.limits.body_bytes = u64::MAX;
    let proxy = proxy_to(config, &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    // An endless answer that nobody reads fills every buffer on the way.
    client.write("GET /endless HTTP/1.1\r\nHost: test\r\n\r\n").await;
    until("in flight", || proxy.counters().in_flight == 1).await;
    tokio::time::timeout(PATIENCE, until("cut off", || proxy.counters().in_flight == 0)).await.unwrap();
    until("the backend is free", || proxy.pool_view()[0].in_flight == 0).await;
}
