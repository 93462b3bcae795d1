//! Who may do what, and how one becomes known.

use super::super::openapi;
use super::super::roles::{NEEDS, Needs};
use super::*;
use crate::auth::desk::{self, Doer, NewToken};
use crate::auth::{Role, Tools, wall_ms};
use crate::secret::Secret;

pub const PASSWORD: &str = "correct horse battery";

pub fn guarded() -> Arc<Fake> {
    shared(Fake { guarded: true, ..Fake::default() })
}

pub async fn token(fake: &Arc<Fake>, role: Role) -> String {
    let new = NewToken { name: None, role, expires_ms: None };
    format!("Bearer {}", fake.access().await.make_token(new, "test").await.unwrap().1.expose())
}

pub async fn account(fake: &Arc<Fake>, name: &str, role: Role) {
    let by = Doer { who: "test", now_ms: wall_ms(), journal_ms: wall_ms() };
    let deed = desk::add_account(name, role, &Secret::new(PASSWORD), by, &Tools::system(Arc::new(wall_ms)).random).unwrap();
    assert!(fake.access().await.change(deed).await.unwrap());
}

pub fn order(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let headers = headers.iter().chain(&[("content-type", "application/json")]);
    headers.fold(request(method, path), |builder, (name, value)| builder.header(*name, *value)).body(Body::from("{}")).unwrap()
}

async fn sign_in(fake: &Arc<Fake>, account: &str, password: &str) -> Answer {
    with_json(fake, "POST", "/api/v1/session", &json!({"account": account, "password": password}).to_string()).await
}

/// `name=value` of the cookie that was set.
pub fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Every operation of the document: method, path, and the scopes of its first scheme.
fn operations() -> Vec<(String, String, Option<Role>, Value)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["security"][0]["token"][0].as_str().map(|name| name.parse().unwrap());
            found.push((method.to_uppercase(), path.clone(), role, operation.clone()));
        }
    }
    found
}

#[test]
fn every_operation_is_listed_with_what_it_takes_and_documents_its_refusals() {
    let found = operations();
    let listed = |method: &str, path: &str| NEEDS.iter().find(|(known, at, _)| *known == method && *at == path).map(|(_, _, needs)| *needs);
    for (method, path, role, operation) in &found {
        let needs = listed(method, path).unwrap_or_else(|| panic!("{method} {path} is not in NEEDS of api/roles.rs: say what it takes"));
        assert_eq!(role.map_or(Needs::Nothing, Needs::A), needs, "{method} {path}");
        let changes = method != "GET" && !path.ends_with("/session");
        assert!(!changes || needs >= Needs::A(Role::Operator), "{method} {path} changes something, a viewer may not");
        let mut answers = vec!["401", "403", "503"];
        if !operation["requestBody"].is_null() {
            answers.extend(["400", "413", "415"]);
        }
        for status in answers {
            assert!(operation["responses"][status].is_object(), "{method} {path} doesn't document {status}");
        }
    }
    for (method, path, _) in NEEDS {
        assert!(found.iter().any(|(known, at, ..)| known == method && at == path), "{method} {path} is listed and not served");
    }
}

#[tokio::test]
async fn every_operation_is_refused_below_its_role_and_answered_from_it_on() {
    let fake = guarded();
    let app = app(&fake).await;
    let mut callers = vec![(None, None)];
    for role in Role::ALL {
        callers.push((Some(role), Some(token(&fake, role).await)));
    }
    for (method, template, needed, _) in operations() {
        let path = template.replace("{name}", "chat").replace("{id}", "7");
        for (role, token) in &callers {
            let headers: Vec<(&str, &str)> = token.iter().map(|token| ("authorization", token.as_str())).collect();
            let answer = send(app.clone(), order(&method, &path, &headers)).await;
            match (needed, role) {
                (Some(_), None) => {
                    answer.problem(401, "not-signed-in");
                    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"prescale\"");
                }
                (Some(needed), Some(role)) if *role < needed => {
                    let problem = answer.problem(403, "not-allowed");
                    assert_eq!((&problem["role"], &problem["needed"]), (&json!(role.name()), &json!(needed.name())), "{method} {path}");
                    assert!(problem["detail"].as_str().unwrap().contains(&format!("your role {role}")));
                }
                _ => assert!(![401, 403].contains(&answer.status.as_u16()), "{method} {path} as {role:?}: {}", answer.text()),
            }
        }
    }
    let ordered = fake.ordered.lock();
    assert!(ordered.iter().all(|(who, _)| who.starts_with("token ")), "{ordered:?}");
    let names: std::collections::BTreeSet<&String> = ordered.iter().map(|(who, _)| who).collect();
    assert_eq!(names.len(), 2, "the operator's and the administrator's, and nobody else's");
}

#[tokio::test]
async fn a_browser_signs_in_changes_something_and_signs_out() {
    let fake = guarded();
    account(&fake, "ada", Role::Operator).await;
    let nobody = get(&fake, "/api/v1/session").await.json();
    assert_eq!((&nobody["who"], &nobody["role"], &nobody["sign_in_needed"]), (&Value::Null, &Value::Null, &json!(true)));
    assert_eq!(nobody["may"], json!({"operate": false, "administer": false}));

    sign_in(&fake, "ada", "wrong wrong wrong").await.problem(401, "wrong-password");
    sign_in(&fake, "eve", PASSWORD).await.problem(401, "wrong-password");
    let answer = sign_in(&fake, "ada", PASSWORD).await;
    let body = answer.json();
    assert_eq!((&body["who"], &body["role"], &body["via"]), (&json!("ada"), &json!("operator"), &json!("session")));
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("prescale=") && set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && set.contains("; Path=/"),
        "{set}"
    );
    assert!(!answer.text().contains(&cookie(&answer)[9..]), "the page's scripts don't get the session");
    let (cookie, csrf) = (cookie(&answer), body["csrf"].as_str().unwrap().to_owned());

    let app = app(&fake).await;
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    assert_eq!(send(app.clone(), order("GET", "/api/v1/session", &headers[..1])).await.json(), body);
    send(app.clone(), order("DELETE", "/api/v1/pause", &headers[..1])).await.problem(403, "no-csrf-token");
    send(app.clone(), order("DELETE", "/api/v1/pause", &[headers[0], ("x-csrf-token", "guess")])).await.problem(403, "no-csrf-token");
    assert!(ordered(&fake).is_empty());
    assert_eq!(send(app.clone(), order("DELETE", "/api/v1/pause", &headers)).await.status, 200);
    assert_eq!(fake.ordered.lock()[0].0, "ada");
    send(app.clone(), order("GET", "/api/v1/tokens", &headers)).await.problem(403, "not-allowed");

    send(app.clone(), order("DELETE", "/api/v1/session", &headers[..1])).await.problem(403, "no-csrf-token");
    let out = send(app.clone(), order("DELETE", "/api/v1/session", &headers)).await;
    assert!(out.status == 204 && out.header("set-cookie").contains("prescale=; ") && out.header("set-cookie").contains("Max-Age=0"));
    send(app, order("GET", "/api/v1/services", &headers)).await.problem(401, "not-signed-in");
}

#[tokio::test]
async fn too_many_attempts_are_told_when_to_come_again() {
    let fake = guarded();
    for _ in 0..6 {
        sign_in(&fake, "ada", "wrong wrong wrong").await.problem(401, "wrong-password");
    }
    let answer = sign_in(&fake, "ada", "wrong wrong wrong").await;
    answer.problem(429, "too-many-attempts");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_refused_sign_in_repeats_no_password() {
    let fake = guarded();
    for body in [r#"{"account":"ada","password":["hunter2hunter2"]}"#, r#"{"account":{"x":"hunter2hunter2"},"password":"x"}"#] {
        let answer = with_json(&fake, "POST", "/api/v1/session", body).await;
        answer.problem(400, "bad-input");
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let fake = guarded();
    let admin = token(&fake, Role::Admin).await;
    let app = app(&fake).await;
    let ask = async |method: &str, path: &str, body: &str, token: &str| {
        let builder = request(method, path).header("content-type", "application/json").header("authorization", token);
        send(app.clone(), builder.body(Body::from(body.to_owned())).unwrap()).await
    };
    let made = ask("POST", "/api/v1/tokens", r#"{"name":"ci","role":"viewer","expires":"90d"}"#, &admin).await;
    assert_eq!(made.status, 201);
    let (secret, id) = (made.json()["token"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    ask("POST", "/api/v1/tokens", r#"{"name":"ci","role":"viewer"}"#, &admin).await.problem(409, "conflict");
    for wrong in [
        r#"{"role":"root"}"#,
        r#"{"name":"a b","role":"viewer"}"#,
        r#"{"role":"viewer","expires":"soon"}"#,
        r#"{"role":"viewer","expires":"9999999d"}"#,
    ] {
        ask("POST", "/api/v1/tokens", wrong, &admin).await.problem(400, "bad-input");
    }
    let bearer = format!("bearer {secret}");
    assert_eq!(ask("GET", "/api/v1/services", "", &bearer).await.status, 200);
    let session = ask("GET", "/api/v1/session", "", &bearer).await.json();
    assert_eq!((&session["who"], &session["via"], &session["csrf"]), (&json!("token ci"), &json!("token"), &Value::Null));
    let list = ask("GET", "/api/v1/tokens", "", &admin).await;
    assert!(!list.text().contains(&secret) && list.json()["tokens"].as_array().unwrap().len() == 2, "{}", list.text());
    assert_eq!(ask("DELETE", &format!("/api/v1/tokens/{id}"), "", &admin).await.status, 204);
    ask("DELETE", &format!("/api/v1/tokens/{id}"), "", &admin).await.problem(404, "not-found");
    let answer = ask("GET", "/api/v1/services", "", &bearer).await;
    answer.problem(401, "bad-token");
    assert!(answer.header("www-authenticate").contains("invalid_token"));
    for wrong in ["Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "prescale"] {
        ask("GET", "/api/v1/session", "", wrong).await.problem(401, "bad-token");
    }
}

#[tokio::test]
async fn health_is_open_its_details_and_the_metrics_are_not_unless_it_is_said() {
    let fake = guarded();
    assert_eq!(get(&fake, "/healthz").await.status, 200);
    let ready = get(&fake, "/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()), (200, json!({"ready": true})));
    get(&fake, "/metrics").await.problem(401, "not-signed-in");
    assert_eq!(get(&fake, "/").await.status, 200, "the page is where one signs in");
    let viewer = token(&fake, Role::Viewer).await;
    let with = |path: &str| order("GET", path, &[("authorization", viewer.as_str())]);
    assert_eq!(send(app(&fake).await, with("/readyz")).await.json()["checks"].as_array().unwrap().len(), 2);
    assert_eq!(send(app(&fake).await, with("/metrics")).await.status, 200);
    let open = Gate { open_metrics: true, ..Gate::loopback(fake.access().await, 8080) };
    let open = behind(&fake, open);
    assert_eq!(send(open, order("GET", "/metrics", &[])).await.status, 200);
}
