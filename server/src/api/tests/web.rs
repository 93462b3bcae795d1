//! Names, origins, headers, health, metrics and the page.

use super::*;

#[tokio::test]
async fn a_foreign_host_gets_nothing() {
    let fake = shared(Fake::default());
    for host in ["evil.example:8080", "127.0.0.1", "127.0.0.1:80", "localhost:8081", "127.0.0.1:8080.evil.example", ""] {
        for path in ["/api/v1/services", "/", "/metrics", "/healthz"] {
            let request = Request::builder().uri(path).header("host", host).body(Body::empty()).unwrap();
            send(app(&fake).await, request).await.problem(403, "foreign");
        }
    }
    let nameless = Request::builder().uri("/api/v1/services").body(Body::empty()).unwrap();
    send(app(&fake).await, nameless).await.problem(403, "foreign");
    let absolute =
        Request::builder().uri("http://evil.example/api/v1/services").header("host", "127.0.0.1:8080").body(Body::empty()).unwrap();
    send(app(&fake).await, absolute).await.problem(403, "foreign");
    let twice = request("GET", "/api/v1/services").header("host", "evil.example").body(Body::empty()).unwrap();
    send(app(&fake).await, twice).await.problem(403, "foreign");
}

#[tokio::test]
async fn every_loopback_name_is_ours() {
    let fake = shared(Fake::default());
    for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
        let request = Request::builder().uri("/api/v1/services").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(send(app(&fake).await, request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let fake = shared(Fake::default());
    let order = |name: &str, value: &str| {
        let builder = request("POST", "/api/v1/pause").header("content-type", "application/json").header(name, value);
        builder.body(Body::from(r#"{"pause":"both"}"#)).unwrap()
    };
    for origin in ["http://evil.example", "null", "https://127.0.0.1:8080", "http://127.0.0.1:9090", "http://127.0.0.1:8080.evil.example"] {
        send(app(&fake).await, order("origin", origin)).await.problem(403, "foreign");
    }
    send(app(&fake).await, order("sec-fetch-site", "cross-site")).await.problem(403, "foreign");
    assert!(ordered(&fake).is_empty());
    assert_eq!(send(app(&fake).await, order("origin", "http://127.0.0.1:8080")).await.status, 200);
    assert_eq!(send(app(&fake).await, order("origin", "http://localhost:8080")).await.status, 200);
    assert_eq!(ordered(&fake).len(), 2);
}

#[tokio::test]
async fn a_page_of_another_site_takes_no_place_in_the_stream_of_events() {
    let fake = shared(Fake::default());
    let follow = |name: &str, value: &str| request("GET", "/api/v1/events").header(name, value).body(Body::empty()).unwrap();
    for (name, value) in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        send(app(&fake).await, follow(name, value)).await.problem(403, "foreign");
    }
    for (name, value) in [("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin"), ("accept", "text/event-stream")] {
        let answer = app(&fake).await.oneshot(follow(name, value)).await.unwrap();
        assert_ne!(answer.status(), 403, "{name}: {value}");
    }
    // A link in a mail leads to a run's report.
    let link = request("GET", "/api/v1/services").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(send(app(&fake).await, link).await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let fake = shared(Fake::default());
    for path in ["/", "/assets/app-1a2b.js", "/api/v1/services", "/api/v1/nothing", "/api/v1/services/broken"] {
        let answer = get(&fake, path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("x-frame-options")), ("nosniff", "DENY"), "{path}");
    }
}

#[tokio::test]
async fn readiness_names_what_is_wrong() {
    let well = get(&shared(Fake::default()), "/readyz").await;
    assert_eq!((well.status.as_u16(), &well.json()["ready"]), (200, &json!(true)));
    let fake = shared(Fake { unwell: true, ..Fake::default() });
    let answer = get(&fake, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["checks"][1], json!({"name": "store", "ok": false, "text": "disk full: free some space"}));
    assert_eq!(get(&fake, "/healthz").await.status, 200, "a process that can still answer is alive");
}

#[tokio::test]
async fn metrics_are_text_for_prometheus() {
    let answer = get(&shared(Fake::default()), "/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.text(), "# TYPE prescale_steps_total counter\nprescale_steps_total 7\n");
}

#[tokio::test]
async fn the_page_answers_its_own_addresses_and_hashed_files_last() {
    let fake = shared(Fake::default());
    for path in ["/", "/services/chat", "/services/chat.api?range=6h", "/index.html"] {
        let answer = get(&fake, path).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-cache"), "{path}");
        assert!(answer.text().contains("the page") && answer.header("content-type").starts_with("text/html"));
    }
    let script = get(&fake, "/assets/app-1a2b.js").await;
    assert_eq!((script.header("cache-control"), script.header("content-type")), ("public, max-age=31536000, immutable", "text/javascript"));
    for path in ["/assets/app-0000.js", "/favicon.ico", "/.gitkeep", "/assets/../../Cargo.toml"] {
        get(&fake, path).await.problem(404, "no-such-path");
    }
}

#[tokio::test]
async fn a_page_that_was_never_built_says_how_to_build_it() {
    let fake = shared(Fake::default());
    let gate = Gate::loopback(fake.access().await, 8080);
    let router = super::super::with_page(fake, Arc::new(super::jobs::FakeJobs::default()), gate, |_| None);
    let answer = send(router, request("GET", "/services/chat").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("make web") && !answer.text().contains("<style") && !answer.text().contains("<script"));
}

#[tokio::test]
async fn the_served_document_is_the_committed_one_and_lists_every_path() {
    let fake = shared(Fake::default());
    let answer = get(&fake, "/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["paths"].as_object().unwrap().len(), 24, "{:?}", body["paths"].as_object().unwrap().keys());
    assert!(body["components"]["schemas"]["Problem"].is_object());
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_asks() {
    let fake = shared(Fake::default());
    let path = "/api/v1/services/chat/series?metric=load&from=1998-06-04T00:00:00Z&to=1998-06-04T15:00:00Z";
    let zipped = send(app(&fake).await, request("GET", path).header("accept-encoding", "gzip, br").body(Body::empty()).unwrap()).await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let plain = get(&fake, path).await;
    assert!(zipped.bytes.len() * 4 < plain.bytes.len(), "{} of {}", zipped.bytes.len(), plain.bytes.len());
    assert_eq!(plain.json()["values"].as_array().unwrap().len(), 900);
}
