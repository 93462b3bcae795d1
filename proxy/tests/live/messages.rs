//! What goes through unchanged, and what ends at the hop.

use crate::kit::{Backend, Client, config, once, proxy_to};

async fn one() -> (Vec<Backend>, proxy::ProxyHandle) {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    (backends, proxy)
}

#[tokio::test]
async fn hop_by_hop_headers_end_here_in_both_directions() {
    let (_backends, proxy) = one().await;
    let got = once(
        proxy.data_addr(),
        "POST /p HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, X-Mine, Content-Length, Host\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n\
         TE: trailers\r\nProxy-Authorization: Basic eA==\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-End: 1\r\nContent-Length: 3\r\n\r\nabc",
    )
    .await
    .unwrap();
    let expected = "POST /p\ncontent-length: 3\nhost: test\nx-end: 1\nx-forwarded-for: 127.0.0.1\nx-forwarded-host: test\nx-forwarded-proto: http\nbody 3\n";
    assert_eq!(got.body, expected);
    for gone in ["x-hop", "keep-alive", "connection"] {
        assert_eq!(got.header(gone), None, "{gone} in {}", got.head);
    }
}

#[tokio::test]
async fn a_trusted_peer_may_say_for_whom_it_asks() {
    let backends = vec![Backend::start(1).await];
    let mut config = config();
    config.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let proxy = proxy_to(config, &backends).await;
    let got = once(
        proxy.data_addr(),
        "GET / HTTP/1.1\r\nHost: in\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: out\r\n\r\n",
    )
    .await
    .unwrap();
    for line in ["x-forwarded-for: 1.2.3.4, 127.0.0.1\n", "x-forwarded-proto: https\n", "x-forwarded-host: out\n", "host: in\n"] {
        assert!(got.body.contains(line), "{line} in {}", got.body);
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_without_being_collected() {
    let (_backends, proxy) = one().await;
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    // The first part comes back before the second is sent.
    client.until_unread("hello").await;
    client.write("6\r\n world\r\n").await;
    client.until_unread(" world").await;
    client.write("0\r\nX-Trailer: dropped\r\n\r\n").await;
    let got = client.read().await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (200, "hello world"));
    assert_eq!(client.get("/next").await.unwrap().status, 200, "and the connection is kept");
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let (_backends, proxy) = one().await;
    let body = "0123456789abcdef".repeat(64 * 1024);
    let mut client = Client::connect(proxy.data_addr()).await;
    for _ in 0..2 {
        let got = client.ask(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await.unwrap();
        assert!(got.body.ends_with(&format!("body {}\n", body.len())), "{}", got.body);
    }
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body() {
    let (_backends, proxy) = one().await;
    let mut client = Client::connect(proxy.data_addr()).await;
    let got = client.ask("POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await.unwrap();
    assert_eq!(got.status, 100);
    let got = client.ask("hi").await.unwrap();
    assert!(got.status == 200 && got.body.contains("body 2") && !got.body.contains("expect"), "{got:?}");
    let got = once(proxy.data_addr(), "GET / HTTP/1.1\r\nHost: test\r\nExpect: miracles\r\n\r\n").await.unwrap();
    assert_eq!(got.status, 417);
}

#[tokio::test]
async fn an_upgrade_isnt_passed_on_and_nothing_hides_behind_it() {
    let (backends, proxy) = one().await;
    let mut client = Client::connect(proxy.data_addr()).await;
    client
        .write(
            "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n\
             GET /second HTTP/1.1\r\nHost: test\r\n\r\n",
        )
        .await;
    let got = client.read().await.unwrap();
    assert!(got.status == 200 && got.body.starts_with("GET /ws\n") && !got.body.contains("upgrade"), "{got:?}");
    let got = client.read().await.unwrap();
    assert!(got.body.starts_with("GET /second\n"), "a request like any other: {got:?}");
    assert_eq!((backends[0].requests(), proxy.counters().offered), (2, 2));
}

#[tokio::test]
async fn old_clients_and_head_are_served() {
    let (_backends, proxy) = one().await;
    let mut old = Client::connect(proxy.data_addr()).await;
    let got = old.ask("GET / HTTP/1.0\r\nHost: test\r\n\r\n").await.unwrap();
    assert_eq!(got.status, 200);
    assert!(old.closed().await);
    let got = once(proxy.data_addr(), "GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(got.body.contains(&format!("host: {}\n", _backends[0].address)), "{}", got.body);
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write("HEAD / HTTP/1.1\r\nHost: test\r\n\r\nGET /after HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let head = client.read_head().await.unwrap();
    assert!(head.status == 200 && head.header("content-length").is_some());
    assert!(client.read().await.unwrap().body.starts_with("GET /after\n"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (_backends, proxy) = one().await;
    let mut client = Client::connect(proxy.data_addr()).await;
    let many: String = (0..20).map(|at| format!("GET /{at} HTTP/1.1\r\nHost: test\r\n\r\n")).collect();
    client.write(many).await;
    for at in 0..20 {
        assert!(client.read().await.unwrap().body.starts_with(&format!("GET /{at}\n")));
    }
}
