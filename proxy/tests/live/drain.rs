//! Leaving without losing a request.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::kit::{Backend, Client, PATIENCE, config, proxy_to, until};

#[tokio::test]
async fn a_drain_loses_no_request() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let proxy = Arc::new(proxy_to(config(), &backends).await);
    let address = proxy.data_addr();
    // Busy clients on kept connections that stop only when they are told to close.
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            let mut answered = 0u64;
            loop {
                let got = client.get("/").await.expect("a request that was sent on an open connection is answered");
                assert_eq!(got.status, 200);
                answered += 1;
                if got.header("connection") == Some("close") {
                    return answered;
                }
                // Between requests the connection is idle: closing it then would lose the next one.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
    }
    until("traffic", || proxy.counters().offered > 50).await;
    let drained = proxy.drain(PATIENCE).await;
    assert_eq!(drained.cut, 0);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    let counters = proxy.counters();
    assert_eq!((counters.offered, counters.answered.success, counters.aborted), (answered, answered, 0));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn requests_in_flight_are_finished_and_idle_connections_closed() {
    let backends = vec![Backend::start(1).await];
    let proxy = Arc::new(proxy_to(config(), &backends).await);
    let mut idle = Client::connect(proxy.data_addr()).await;
    idle.get("/").await.unwrap();
    backends[0].seen.hold.store(true, SeqCst);
    let mut busy = Client::connect(proxy.data_addr()).await;
    busy.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    until("in flight", || proxy.counters().in_flight == 1).await;
    let draining = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move { proxy.drain(PATIENCE).await }
    });
    assert!(idle.closed().await);
    backends[0].seen.hold.store(false, SeqCst);
    let got = busy.read().await.unwrap();
    assert_eq!((got.status, got.header("connection")), (200, Some("close")));
    assert_eq!(draining.await.unwrap().cut, 0);
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_cut_off() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    backends[0].seen.hold.store(true, SeqCst);
    let mut stuck = Client::connect(proxy.data_addr()).await;
    stuck.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    until("in flight", || proxy.counters().in_flight == 1).await;
    assert_eq!(proxy.drain(Duration::from_millis(50)).await.cut, 1);
    assert!(stuck.closed().await);
    until("its account is closed", || proxy.counters().in_flight == 0).await;
}
