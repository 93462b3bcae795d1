//! `prescale check` against good and bad days.

use super::*;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// A cluster where all is well, without an HPA.
fn well() -> Server {
    let server = Server::start();
    alone(&server);
    let allowed = json!({ "kind": "SelfSubjectAccessReview", "spec": {}, "status": { "allowed": true } });
    server
        .always("GET", "/version", Answer::recorded("29"))
        .always("GET", "/apis/apps/v1", Answer::recorded("28"))
        .always("POST", REVIEWS, Answer::json(201, allowed))
        .always("GET", DEPLOYMENT, Answer::recorded("09"))
        .always("GET", SCALE, Answer::recorded("03"))
        .always("PATCH", &format!("{SCALE}?dryRun=All&fieldManager=prescale"), Answer::recorded("04").with("/spec/replicas", 2))
        .always("GET", PODS, Answer::recorded("17").with("/metadata/continue", ""));
    server
}

/// The findings as text, each with what it is.
async fn findings(server: &Server, change: impl FnOnce(&mut Options)) -> Vec<String> {
    let findings = actuator(server, change).await.test().await.unwrap();
    findings.into_iter().map(|Finding { text, ok }| format!("{} {text}", if ok { "ok" } else { "BAD" })).collect()
}

#[track_caller]
fn has(findings: &[String], words: &[&str]) {
    assert!(findings.iter().any(|one| words.iter().all(|word| one.contains(word))), "{words:?} in one of {findings:#?}");
}

async fn a_cluster_where_all_is_well() -> Vec<Call> {
    let server = well();
    let found = findings(&server, |_| {}).await;
    assert!(found.iter().all(|one| one.starts_with("ok")), "{found:#?}");
    has(&found, &["v1.36.2"]);
    has(&found, &["all rights are there", "\"default\""]);
    has(&found, &["orders patch the scale of deployment/web", "nobody else sets it", "a dry run works"]);
    has(&found, &["3 pods, 3 of them ready", "scheduled after 0.0 s"]);
    server.finish()
}

async fn a_cluster_with_an_hpa_uses_its_floor() -> Vec<Call> {
    let server = well();
    server.always("GET", HPA_LIST, list(json!([Answer::recorded("12").value()])));
    server.always("PATCH", &format!("{HPA}?dryRun=All&fieldManager=prescale"), Answer::recorded("12"));
    let found = findings(&server, |_| {}).await;
    assert!(found.iter().all(|one| one.starts_with("ok")), "{found:#?}");
    has(&found, &["minReplicas of HPA \"web\"", "now 2, its owner's 2, at most 10"]);
    let applied = Answer::recorded("12").with("/metadata/managedFields/0/operation", "Apply");
    server.always("GET", HPA_LIST, list(json!([applied.value()])));
    has(&findings(&server, |_| {}).await, &["ok", "\"gitops\" applies it", "docs/kubernetes.md"]);
    server.always("GET", SCALE, Answer::recorded("03").with("/spec/replicas", 0));
    has(&findings(&server, |_| {}).await, &["BAD", "does nothing at 0 replicas"]);
    server.finish()
}

async fn what_is_wrong_is_said_with_how_to_mend_it() -> Vec<Call> {
    let server = well();
    let refusal = json!({ "kind": "SelfSubjectAccessReview", "spec": {}, "status": { "allowed": false } });
    server.always("POST", REVIEWS, Answer::json(201, refusal));
    server.always("GET", DEPLOYMENT, Answer::recorded("02"));
    server.always("GET", PODS, Answer::status(403, "pods is forbidden"));
    let found = findings(&server, |_| {}).await;
    has(
        &found,
        &["BAD", "rbac.yaml", "patch deployments/scale", "list horizontalpodautoscalers", "list scaledobjects", "list pods", "watch pods"],
    );
    has(&found, &["BAD", "\"gitops\" has set spec.replicas", "take_over"]);
    has(&found, &["BAD", "the right to list pods"]);
    has(&findings(&server, |options| options.take_over = true).await, &["ok", "they take it over from [\"gitops\"]"]);
    server.always("GET", SCALE, Answer::recorded("08"));
    has(&findings(&server, |_| {}).await, &["BAD", "not found in namespace \"default\""]);
    server.finish()
}

async fn a_kind_that_is_not_there_or_can_not_be_scaled_is_named() -> Vec<Call> {
    let server = well();
    let named = |target: &'static str| move |options: &mut Options| options.target = target.parse().unwrap();
    has(&findings(&server, named("apps/v1/daemonsets/web")).await, &["BAD", "daemonsets in apps/v1 have no scale subresource"]);
    has(&findings(&server, named("apps/v1/widgets/web")).await, &["BAD", "there is no \"widgets\" in apps/v1"]);
    server.always("GET", "/apis/example.com/v9", Answer::status(404, "404 page not found"));
    has(&findings(&server, named("example.com/v9/widgets/web")).await, &["BAD", "no API group \"example.com\" in version \"v9\""]);
    server.finish()
}

scenarios! {
    a_cluster_where_all_is_well,
    a_cluster_with_an_hpa_uses_its_floor,
    what_is_wrong_is_said_with_how_to_mend_it,
    a_kind_that_is_not_there_or_can_not_be_scaled_is_named,
}
