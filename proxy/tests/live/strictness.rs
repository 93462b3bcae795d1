//! What has two meanings is refused, on raw sockets: one answer, then the connection ends, and no backend hears of it.

use crate::kit::{Backend, Client, config, proxy_to};

/// Behind each bad request there is one that must never be carried out.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn ambiguous_requests_get_a_400_and_the_connection_ends() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    let cases: &[(&str, u16)] = &[
        // Framing with two meanings.
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: +3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        // Whom it is for.
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nHost: test\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@test\r\n\r\n", 400),
        ("GET http://other/ HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("GET http://test:81/ HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("GET https://test/ HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        // Lines.
        ("GET / HTTP/1.1\nHost: test\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: test\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n", 400),
        // Other protocols and methods.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / HTTP/1.2\r\nHost: test\r\n\r\n", 505),
        ("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n", 405),
        ("TRACE / HTTP/1.1\r\nHost: test\r\n\r\n", 405),
        // A body that isn't exactly chunked.
        ("PUT / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    ];
    for (request, status) in cases {
        let mut client = Client::connect(proxy.data_addr()).await;
        client.write(format!("{request}{HIDDEN}")).await;
        let got = client.read().await.unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!(got.status, *status, "{request:?}: {got:?}");
        assert_eq!(got.header("connection"), Some("close"), "{request:?}");
        assert!(client.closed().await, "{request:?}");
    }
    for backend in &backends {
        assert!(backend.paths().iter().all(|path| !path.contains("hidden")), "{:?}", backend.paths());
    }
    let counters = proxy.counters();
    assert!(counters.refused >= cases.len() as u64 - 2, "{counters:?}");
    assert!(proxy.pool_view().iter().all(|view| view.in_flight == 0));
}

#[tokio::test]
async fn a_bad_request_behind_a_good_one_spoils_only_itself() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    let mut client = Client::connect(proxy.data_addr()).await;
    client.write(format!("GET /good HTTP/1.1\r\nHost: test\r\n\r\nGET /bad HTTP/1.1\r\n\r\n{HIDDEN}")).await;
    assert!(client.read().await.unwrap().body.starts_with("GET /good\n"));
    assert_eq!(client.read().await.unwrap().status, 400);
    assert!(client.closed().await);
    assert_eq!(backends[0].paths(), ["/good"]);
}

#[tokio::test]
async fn heads_may_come_in_any_number_of_pieces() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    let request = "\r\nPOST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n";
    let mut client = Client::connect(proxy.data_addr()).await;
    for byte in request.bytes() {
        client.write([byte]).await;
        tokio::task::yield_now().await;
    }
    let got = client.read().await.unwrap();
    assert!(got.status == 200 && got.body.ends_with("body 3\n"), "{got:?}");
    assert_eq!(client.get("/y").await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_merely_unusual_is_served() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    for (request, line) in [
        ("GET http://Test:80/p?q HTTP/1.1\r\nHost: test\r\n\r\n", "GET /p?q\n"),
        ("GET http://test HTTP/1.1\r\nHost: test\r\n\r\n", "GET /\n"),
        ("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", "OPTIONS *\n"),
        ("PURGE /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "PURGE /x\n"),
        ("GET / HTTP/1.1\r\nHost: test\r\nX:\r\n\r\n", "GET /\n"),
        ("GET / HTTP/1.1\r\nhOST:\ttest \r\n\r\n", "GET /\n"),
    ] {
        let got = Client::connect(proxy.data_addr()).await.ask(request).await.unwrap();
        assert!(got.status == 200 && got.body.starts_with(line), "{request:?}: {got:?}");
    }
}
