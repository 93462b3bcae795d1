//! The admin port: weights and metrics, with a token.

use proxy::StartError;
use serde_json::{Value, json};

use crate::kit::{Backend, Client, Got, TOKEN, config, proxy_to};

async fn ask(client: &mut Client, method: &str, path: &str, token: &str, body: &str) -> Got {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let length = body.len();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: admin\r\n{authorization}Content-Length: {length}\r\n\r\n{body}");
    client.ask(request).await.unwrap()
}

fn parsed(got: &Got) -> Value {
    serde_json::from_str(&got.body).unwrap()
}

#[tokio::test]
async fn weights_are_put_and_read_back() {
    let backends = [Backend::start(1).await, Backend::start(2).await];
    let proxy = proxy_to(config(), &[]).await;
    let mut admin = Client::connect(proxy.admin_addr().unwrap()).await;
    let body = |epoch: u64, weight: u32| {
        json!({ "epoch": epoch, "backends": [{ "id": 1, "address": backends[0].address.to_string(), "weight": weight },
                                             { "id": 2, "address": backends[1].address.to_string(), "weight": 3 }] })
        .to_string()
    };
    let got = ask(&mut admin, "PUT", "/v1/weights", TOKEN, &body(7, 1)).await;
    assert_eq!((got.status, parsed(&got)), (200, json!({ "epoch": 7 })));
    let again = ask(&mut admin, "PUT", "/v1/weights", TOKEN, &body(7, 1)).await;
    assert_eq!((again.status, parsed(&again)), (200, json!({ "epoch": 7 })));
    for stale in [body(6, 1), body(7, 2)] {
        let got = ask(&mut admin, "PUT", "/v1/weights", TOKEN, &stale).await;
        assert_eq!((got.status, parsed(&got)), (409, json!({ "error": "stale epoch", "current_epoch": 7 })));
    }
    let got = ask(&mut admin, "GET", "/v1/weights", TOKEN, "").await;
    let read = parsed(&got);
    assert_eq!((got.status, &read["epoch"], &read["backends"][1]["weight"]), (200, &json!(7), &json!(3)));
    assert_eq!(read["state"][0]["state"], json!("up"));
    let mut client = Client::connect(proxy.data_addr()).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn bad_input_is_a_400_that_names_key_value_and_what_is_allowed() {
    let proxy = proxy_to(config(), &[]).await;
    let mut admin = Client::connect(proxy.admin_addr().unwrap()).await;
    let got = ask(&mut admin, "PUT", "/v1/weights", TOKEN, r#"{"epoch":2,"backends":[{"id":1,"address":"nowhere","weight":1}]}"#).await;
    let said = parsed(&got);
    assert_eq!((got.status, &said["key"], &said["value"]), (400, &json!("backends[0].address"), &json!("\"nowhere\"")));
    assert!(said["allowed"].as_str().unwrap().contains("IP address with a port"), "{said}");
    for garbage in ["", "{", "[]", "null", r#"{"epoch":"7","backends":[]}"#] {
        assert_eq!(ask(&mut admin, "PUT", "/v1/weights", TOKEN, garbage).await.status, 400, "{garbage:?}");
    }
    assert_eq!(proxy.weights().0, Some(1), "nothing was changed");
    let huge = " ".repeat(3 * 1024 * 1024);
    let head =
        format!("PUT /v1/weights HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n", huge.len());
    assert_eq!(admin.ask(head).await.unwrap().status, 413);
}

#[tokio::test]
async fn without_the_token_there_is_nothing_but_healthz() {
    let backends = vec![Backend::start(1).await];
    let proxy = proxy_to(config(), &backends).await;
    let mut admin = Client::connect(proxy.admin_addr().unwrap()).await;
    for path in ["/v1/weights", "/metrics", "/anything"] {
        for token in ["", "wrong", "a-token-for-the-test", "a-token-for-the-tests!"] {
            let got = ask(&mut admin, "GET", path, token, "").await;
            assert_eq!((got.status, got.header("www-authenticate")), (401, Some("Bearer")), "{path} {token}");
        }
    }
    assert_eq!(ask(&mut admin, "GET", "/healthz", "", "").await.status, 200);
    assert_eq!(ask(&mut admin, "GET", "/anything", TOKEN, "").await.status, 404);
    assert_eq!(ask(&mut admin, "DELETE", "/v1/weights", TOKEN, "").await.header("allow"), Some("GET, PUT"));
    // The data port knows nothing of all this: it passes the request on.
    let mut data = Client::connect(proxy.data_addr()).await;
    assert!(ask(&mut data, "PUT", "/v1/weights", TOKEN, "{}").await.body.starts_with("PUT /v1/weights\n"));
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let backends = vec![Backend::start(1).await, Backend::start(2).await];
    let proxy = proxy_to(config(), &backends).await;
    let mut data = Client::connect(proxy.data_addr()).await;
    for path in ["/", "/", "/status/404", "/status/500", "/status/503"] {
        data.get(path).await.unwrap();
    }
    data.ask("GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut admin = Client::connect(proxy.admin_addr().unwrap()).await;
    let got = ask(&mut admin, "GET", "/metrics", TOKEN, "").await;
    assert!(got.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let expected = [
        "prescale_proxy_offered_total 5",
        "prescale_proxy_requests_total{class=\"2xx\"} 2",
        "prescale_proxy_requests_total{class=\"4xx\"} 1",
        "prescale_proxy_requests_total{class=\"5xx\"} 2",
        "prescale_proxy_retries_total 1",
        "prescale_proxy_shed_total 0",
        "prescale_proxy_busy_total 1",
        "prescale_proxy_in_flight 0",
        "prescale_proxy_epoch 1",
        "prescale_proxy_refused_total{reason=\"malformed\"} 1",
        "prescale_proxy_request_duration_seconds_bucket{le=\"+Inf\"} 5",
        "prescale_proxy_request_duration_seconds_count 5",
        "prescale_proxy_backend_in_flight{backend=\"1\"} 0",
        "prescale_proxy_backend_weight{backend=\"2\"} 1",
        "prescale_proxy_backend_state{backend=\"2\",state=\"up\"} 1",
        "prescale_proxy_backend_state{backend=\"2\",state=\"draining\"} 0",
    ];
    for line in expected {
        assert!(got.body.lines().any(|have| have == line), "{line} in\n{}", got.body);
    }
    // Every line is a comment or `name{labels} value`, and every family is announced.
    for line in got.body.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("prescale_proxy_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_said_clearly() {
    let proxy = proxy_to(config(), &[]).await;
    let taken = proxy.data_addr();
    let mut second = config();
    second.listen = taken;
    let error = proxy::start(second).await.unwrap_err();
    assert!(matches!(error, StartError::AddressInUse(_)));
    assert!(error.to_string().starts_with(&format!("address {taken} is already in use")), "{error}");
    let mut third = config();
    third.admin_listen = Some(taken);
    assert!(proxy::start(third).await.unwrap_err().to_string().contains("already in use"));
}

#[tokio::test]
async fn settings_that_cant_be_are_named() {
    let mut short = config();
    short.admin_token = "short".to_owned();
    let mut zero = config();
    zero.limits.connections = 0;
    let mut still = config();
    still.speed = f64::NAN;
    let mut never = config();
    never.retry.max_attempts = 0;
    for (config, key) in [(short, "admin_token"), (zero, "limits.connections"), (still, "speed"), (never, "retry.max_attempts")] {
        let error = proxy::start(config).await.unwrap_err().to_string();
        assert!(error.starts_with(key) && error.contains("allowed is"), "{error}");
        assert!(!error.contains("short"), "a token is never shown: {error}");
    }
}
