//! By which door a request comes, and what that means: proxies, TLS, names, addresses.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::super::AllowedHosts;
use super::access::{PASSWORD, account, cookie, guarded, order, token};
use super::*;
use crate::auth::Role;

#[tokio::test]
async fn what_comes_through_a_proxy_is_not_the_local_operator() {
    let fake = shared(Fake::default());
    let session = get(&fake, "/api/v1/session").await.json();
    assert_eq!((&session["who"], &session["via"]), (&json!("local operator"), &json!("loopback")));
    assert_eq!((&session["role"], &session["sign_in_needed"]), (&json!("admin"), &json!(false)));
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        send(app(&fake).await, order("GET", "/api/v1/services", &[(header, "203.0.113.9")])).await.problem(401, "not-signed-in");
    }
}

#[tokio::test]
async fn behind_tls_the_public_name_counts_and_the_cookie_is_bound_to_it() {
    let fake = guarded();
    account(&fake, "ada", Role::Admin).await;
    let hosts = AllowedHosts::listening("127.0.0.1:8080".parse().unwrap(), Some("https://prescale.example.com/"));
    let gate = Gate { hosts, tls: true, ..Gate::loopback(fake.access().await, 8080) };
    let app = behind(&fake, gate);
    let body = json!({"account": "ada", "password": PASSWORD}).to_string();
    let sign_in = |host: &str, origin: &str| {
        let builder = Request::builder().method("POST").uri("/api/v1/session").header("host", host).header("origin", origin);
        builder.header("content-type", "application/json").body(Body::from(body.clone())).unwrap()
    };
    send(app.clone(), sign_in("evil.example", "https://evil.example")).await.problem(403, "foreign");
    send(app.clone(), sign_in("prescale.example.com", "http://prescale.example.com")).await.problem(403, "foreign");
    send(app.clone(), sign_in("prescale.example.com", "https://evil.example")).await.problem(403, "foreign");
    let answer = send(app.clone(), sign_in("prescale.example.com", "https://prescale.example.com")).await;
    let set = answer.header("set-cookie");
    assert!(answer.status == 200 && set.starts_with("__Host-prescale=") && set.ends_with("; Secure") && !set.contains("Domain"), "{set}");
    // Another name of the cookie is none: a neighbouring site could have set it.
    let plain = cookie(&answer).replace("__Host-", "");
    send(app.clone(), order("GET", "/api/v1/services", &[("cookie", &plain)])).await.problem(401, "not-signed-in");
    assert_eq!(send(app, order("GET", "/api/v1/services", &[("cookie", &cookie(&answer))])).await.status, 200);
}

#[tokio::test]
async fn on_an_open_address_any_address_is_a_name_and_a_token_needs_none() {
    let fake = guarded();
    let viewer = token(&fake, Role::Operator).await;
    let gate = Gate { hosts: AllowedHosts::listening("0.0.0.0:8080".parse().unwrap(), None), ..Gate::loopback(fake.access().await, 8080) };
    let app = behind(&fake, gate);
    let asked = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let builder = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        send(app.clone(), builder.body(Body::empty()).unwrap()).await
    };
    for host in ["10.1.2.3:8080", "10.1.2.3:30080", "10.1.2.3", "[fd00::1]:8080", "127.0.0.1:8080"] {
        assert_eq!(asked("GET", "/healthz", &[("host", host)]).await.status, 200, "{host}");
    }
    asked("GET", "/healthz", &[("host", "prescale.monitoring.svc:8080")]).await.problem(403, "foreign");
    let named = [("host", "prescale.monitoring.svc:8080"), ("authorization", viewer.as_str())];
    assert_eq!(asked("GET", "/metrics", &named).await.status, 200);
    let same = [("host", "10.1.2.3:8080"), ("origin", "http://10.1.2.3:8080"), ("authorization", viewer.as_str())];
    assert_eq!(asked("DELETE", "/api/v1/pause", &same).await.status, 200);
    let other = [same[0], ("origin", "http://10.1.2.4:8080"), same[2]];
    asked("DELETE", "/api/v1/pause", &other).await.problem(403, "foreign");
}

#[tokio::test]
async fn whoever_waits_is_the_address_that_a_trusted_proxy_names() {
    let fake = guarded();
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let gate = Gate { trusted_proxies, ..Gate::loopback(fake.access().await, 8080) };
    let app = behind(&fake, gate);
    let attempt = async |peer: &str, client: &str, account: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        let mut request = order("POST", "/api/v1/session", &[("x-forwarded-for", client)]);
        *request.body_mut() = Body::from(json!({"account": account, "password": "wrong"}).to_string());
        request.extensions_mut().insert(ConnectInfo(peer));
        send(app.clone(), request).await.status.as_u16()
    };
    for at in 0..6 {
        assert_eq!(attempt("10.0.0.1:999", "203.0.113.9", &format!("name-{at}")).await, 401);
    }
    assert_eq!(attempt("10.0.0.1:999", "203.0.113.9", "other").await, 429);
    assert_eq!(attempt("10.0.0.1:999", "203.0.113.10", "other").await, 401, "another client of the same proxy");
    assert_eq!(attempt("192.0.2.7:999", "203.0.113.9", "other").await, 401, "a stranger who claims to be that client is itself");
}
