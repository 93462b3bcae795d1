//! What happens when backends fail, and what may be tried again.

use std::sync::atomic::Ordering::SeqCst;

use balancer::RetryBudgetConfig;
use proxy::{Backend as Listed, WeightUpdate};
use tokio::net::{TcpListener, TcpSocket};

use crate::kit::{Backend, Client, config, once, proxy_to, until};

const POST: &str = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi";

/// An address that refuses connections, for as long as the socket lives.
fn refusing() -> (TcpSocket, std::net::SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn total(backends: &[Backend]) -> u64 {
    backends.iter().map(Backend::requests).sum()
}

#[tokio::test]
async fn a_post_that_was_sent_is_never_sent_again() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let proxy = proxy_to(config(), &backends).await;
    // Also on a connection that was used before: what looks like a stale connection may have carried the request.
    let mut client = Client::connect(proxy.data_addr()).await;
    client.get("/").await.unwrap();
    client.get("/").await.unwrap();
    for posts in 1..=4 {
        let got = client.ask("POST /break HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        assert_eq!((got.status, got.body.as_str()), (502, "the backend broke off\n"));
        assert_eq!(total(&backends), 2 + posts);
    }
    for _ in 0..2 {
        assert_eq!(client.ask("POST /status/500 HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi").await.unwrap().status, 500);
    }
    assert_eq!(total(&backends), 2 + 4 + 2);
    assert_eq!(proxy.counters().retries, 0);
}

#[tokio::test]
async fn a_get_is_tried_on_another_backend_and_a_put_keeps_its_body() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let proxy = proxy_to(config(), &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    let got = client.get("/status/500").await.unwrap();
    assert_eq!(got.status, 500, "the last answer is the client's");
    assert_eq!((backends[0].requests(), backends[1].requests()), (1, 1));
    let got = client.ask("PUT /status/500 HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    assert!(got.body.contains("body 5\n"), "{}", got.body);
    assert_eq!((backends[0].requests(), backends[1].requests()), (2, 2));
    let counters = proxy.counters();
    assert_eq!((counters.offered, counters.retries), (2, 2), "retries aren't offered load");
}

#[tokio::test]
async fn what_was_never_sent_may_go_elsewhere_whatever_its_method() {
    let (_held, dead) = refusing();
    let backends = [Backend::start(2).await];
    let proxy = proxy_to(config(), &[]).await;
    let listed = vec![Listed::new(1, dead, 1), backends[0].listed(1)];
    proxy.apply(&WeightUpdate { epoch: 2, backends: listed }).unwrap();
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..6 {
        let got = client.ask(POST).await.unwrap();
        assert_eq!((got.status, got.backend()), (200, 2));
        assert!(got.body.contains("body 2\n"), "the streamed body arrived whole: {}", got.body);
    }
    assert!(proxy.counters().retries > 0);
}

#[tokio::test]
async fn with_nobody_left_the_client_learns_what_went_wrong() {
    let (_held, dead) = refusing();
    let proxy = proxy_to(config(), &[]).await;
    proxy.apply(&WeightUpdate { epoch: 2, backends: vec![Listed::new(1, dead, 1)] }).unwrap();
    let got = once(proxy.data_addr(), POST).await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (502, "the backend can't be reached\n"));
    assert_eq!((proxy.counters().retries, proxy.counters().shed), (0, 0));
}

#[tokio::test]
async fn an_empty_budget_allows_no_retry() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let mut config = config();
    config.retry.budget = RetryBudgetConfig { ratio: 0.0, min_per_second: 0 };
    let proxy = proxy_to(config, &backends).await;
    assert_eq!(Client::connect(proxy.data_addr()).await.get("/status/500").await.unwrap().status, 500);
    assert_eq!((total(&backends), proxy.counters().retries), (1, 0));
}

#[tokio::test]
async fn kept_connections_that_went_stale_cost_nothing() {
    let backend = Backend::start(1).await;
    let address = backend.address;
    let mut config = config();
    config.pool.passive = Some(balancer::PassiveHealth::new(1, balancer::Nanos::from_secs(3_600)));
    let proxy = proxy_to(config, std::slice::from_ref(&backend)).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    // The backend restarts on its port: the kept connection is dead, the backend is well.
    backend.kill().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    let again = Backend::on(1, socket.listen(64).unwrap());
    for _ in 0..3 {
        assert_eq!(client.get("/").await.unwrap().status, 200);
        assert_eq!(client.ask(POST).await.unwrap().status, 200);
    }
    assert_eq!(again.requests(), 6);
    assert_eq!(proxy.counters().upstream_failures, 0);
}

#[tokio::test]
async fn an_answer_that_isnt_http_is_a_502() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let liar = tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let _ = stream.writable().await;
            let _ = stream.try_write(b"SSH-2.0-OpenSSH_9.6\r\n");
        }
    });
    let proxy = proxy_to(config(), &[]).await;
    proxy.apply(&WeightUpdate { epoch: 2, backends: vec![Listed::new(1, address, 1)] }).unwrap();
    let got = once(proxy.data_addr(), POST).await.unwrap();
    assert_eq!(got.status, 502);
    liar.abort();
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    until("the answer has begun", || proxy.counters().answered.success == 1).await;
    backends[0].kill().await;
    assert!(client.read().await.is_none(), "a cut answer must not look whole");
    until("counted", || proxy.counters().in_flight == 0).await;
    assert_eq!(proxy.counters().upstream_failures, 1);
    assert_eq!(backends[0].seen.requests.load(SeqCst), 1);
}
