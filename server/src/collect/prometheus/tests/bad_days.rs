//! A server that is down, slow, broken, or no Prometheus at all: each has a text that says what to do, and none gives a number.

use super::*;
use crate::secret::Secret;

#[tokio::test]
async fn a_server_that_is_down_is_named_with_the_cause() {
    let fake = Fake::start(healthy).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let source = source_with(&fake, |options| options.url = format!("http://{closed}"));
    says(&source.read().await.unwrap_err(), &[&closed.to_string(), "can't be reached", "refused"]);
    assert!(source.backfill(END_MS - 600_000, END_MS).await.is_err());
    assert!(!source.test().await.unwrap_err().is_ours());
}

#[tokio::test]
async fn a_server_that_is_slow_is_given_up_after_the_time_out() {
    let fake = Fake::start(|_, _| Reply::Never).await;
    let source = source_with(&fake, |options| options.timeout = Duration::from_millis(100));
    says(&source.read().await.unwrap_err(), &["no answer within 100ms", "rule"]);
    assert!(source.patience() > Duration::from_millis(200));
}

#[tokio::test]
async fn every_status_has_its_advice() {
    let html = "<!doctype html><title>Log in</title>";
    let cases: [(Reply, &[&str]); 9] = [
        (Reply::Status(500, "text/plain", "panic\n\x07at   disk".into()), &["fails with 500: panic at disk", "asked again"]),
        (Reply::Status(503, "text/html", html.into()), &["503: a page of HTML"]),
        (
            Reply::Status(503, "application/json", r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#.into()),
            &["503: query timed out"],
        ),
        (Reply::Status(429, "text/plain", String::new()), &["429: nothing"]),
        (Reply::Status(401, "text/html", html.into()), &["401", "no credentials are configured", "bearer_token_file", "basic_auth"]),
        (Reply::Status(404, "text/plain", "404 page not found".into()), &["no Prometheus API", "404 page not found", "path prefix"]),
        (Reply::Status(200, "text/html", html.into()), &["no Prometheus API", "200 with a page of HTML"]),
        (
            Reply::Status(400, "application/json", r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error"}"#.into()),
            &["load: the server refuses the query: 1:5: parse error"],
        ),
        (Reply::Json(r#"{"status":"success","data":"#.into()), &["no Prometheus API", "200 with {"]),
    ];
    for (reply, parts) in cases {
        let reply = Mutex::new(Some(reply));
        let fake = Fake::start(move |asked, theirs_ms| match asked.query.starts_with("sum(") && !asked.range {
            true => reply.lock().take().unwrap(),
            false => healthy(asked, theirs_ms),
        })
        .await;
        says(&error(&fake).await, parts);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let fake = Fake::start(|_, _| Reply::Endless).await;
    says(&error(&fake).await, &["load", "larger than 8 MiB", "sum(...)"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let elsewhere = Fake::start(healthy).await;
    let to = elsewhere.url();
    let fake = Fake::start(move |_, _| Reply::Redirect(to.clone())).await;
    let source = source_with(&fake, |options| options.credentials = Some(Credentials::Bearer(Secret::new("canary"))));
    says(&source.read().await.unwrap_err(), &[&elsewhere.url(), "not followed"]);
    assert!(elsewhere.asked().is_empty());
    assert!(fake.asked().iter().all(|asked| asked.authorization.as_deref() == Some("Bearer canary")));
}

#[tokio::test]
async fn the_token_appears_in_no_text_even_if_the_server_says_it() {
    let fake = Fake::start(|_, _| Reply::Status(500, "text/plain", "can't parse Bearer canary".into())).await;
    let source = source_with(&fake, |options| options.credentials = Some(Credentials::Bearer(Secret::new("canary"))));
    let error = source.read().await.unwrap_err();
    says(&error, &["can't parse Bearer ***"]);
    assert!(!error.contains("canary") && !format!("{source:?}").contains("canary"));
}

#[tokio::test]
async fn a_password_is_sent_and_appears_in_no_text_even_if_the_server_says_it() {
    // "ada:canary", as it is sent.
    let sent = "YWRhOmNhbmFyeQ==";
    let fake = Fake::start(move |_, _| Reply::Status(500, "text/plain", format!("can't parse canary in Basic {sent}"))).await;
    let basic = Credentials::Basic { username: "ada".into(), password: Secret::new("canary") };
    let source = source_with(&fake, |options| options.credentials = Some(basic));
    says(&source.read().await.unwrap_err(), &["can't parse *** in Basic ***"]);
    assert!(fake.asked().iter().all(|asked| asked.authorization.as_deref() == Some(&format!("Basic {sent}"))));
    fake.now(|_, _| Reply::Status(401, "text/plain", String::new()));
    says(&source.read().await.unwrap_err(), &["401", "check user and password of prometheus.basic_auth"]);
}

#[tokio::test]
async fn a_redirect_to_a_metadata_service_goes_nowhere_and_neither_does_its_address() {
    let fake = Fake::start(|_, _| Reply::Redirect("http://169.254.169.254/latest/meta-data/".into())).await;
    says(&error(&fake).await, &["redirects to \"http://169.254.169.254/latest/meta-data/\"", "not followed"]);
    let mut forbidden = options(&fake);
    forbidden.url = "http://169.254.169.254/".into();
    says(&PrometheusSource::new(forbidden.clone(), fake.clock.clone()).unwrap_err().to_string(), &["169.254.169.254", "allow_link_local"]);
    forbidden.allow_link_local = true;
    assert!(PrometheusSource::new(forbidden, fake.clock.clone()).is_ok());
}

#[tokio::test]
async fn warnings_beside_an_answer_change_nothing_of_it() {
    let fake = Fake::start(|asked, theirs_ms| match healthy(asked, theirs_ms) {
        Reply::Json(text) => Reply::Json(text.replacen('{', r#"{"warnings":["remote storage is slow"],"#, 1)),
        other => other,
    })
    .await;
    let source = source(&fake);
    let reading = source.read().await.unwrap();
    assert_eq!((reading.steps.len(), reading.now.is_some()), (5, true));
    assert!(source.memory.lock().noted.contains("remote storage is slow"));
}
