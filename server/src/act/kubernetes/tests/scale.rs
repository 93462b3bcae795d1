//! Way 4: the scale subresource.

use super::*;

async fn a_scale_is_patched_against_the_version_that_was_judged() -> Vec<Call> {
    let server = Server::start();
    server
        .expect("GET", HPA_LIST, list(json!([])))
        .expect("GET", SCALED_OBJECT_LIST, list(json!([])))
        .expect("GET", SCALE, Answer::recorded("03"))
        .expect("GET", DEPLOYMENT, Answer::recorded("09"))
        .expect_body(
            "PATCH",
            "/apis/apps/v1/namespaces/default/deployments/web/scale?fieldManager=prescale",
            json!({ "metadata": { "resourceVersion": "1295" }, "spec": { "replicas": 4 } }),
            Answer::recorded("04"),
        );
    let actuator = actuator(&server, |_| {}).await;
    actuator.scale(&order(7, 4, 1)).await.unwrap();
    assert!(!actuator.sets_floor());
    server.finish()
}

async fn what_is_there_already_is_acknowledged_without_a_patch() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, Answer::recorded("09")).always("GET", SCALE, Answer::recorded("03"));
    let actuator = actuator(&server, |_| {}).await;
    for attempt in 1..=3 {
        actuator.scale(&order(7, 2, attempt)).await.unwrap();
    }
    let calls = server.finish();
    assert!(writes(&calls).is_empty());
    calls
}

async fn an_order_older_than_the_last_is_ignored() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, Answer::recorded("09")).always("GET", SCALE, Answer::recorded("03"));
    server.expect("PATCH", SCALE, Answer::recorded("04"));
    let actuator = actuator(&server, |_| {}).await;
    actuator.scale(&order(8, 4, 1)).await.unwrap();
    let asked = server.calls().len();
    actuator.scale(&order(7, 9, 2)).await.unwrap();
    let calls = server.finish();
    assert_eq!(calls.len(), asked, "nothing is even asked");
    calls
}

async fn a_writer_in_between_is_noticed_and_all_is_judged_again() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server
        .expect("GET", SCALE, Answer::recorded("03"))
        .expect("GET", DEPLOYMENT, Answer::recorded("09"))
        .expect_body("PATCH", SCALE, json!({ "metadata": { "resourceVersion": "1295" } }), Answer::recorded("05"))
        .expect("GET", SCALE, Answer::recorded("03"))
        .expect("GET", DEPLOYMENT, Answer::recorded("09").with("/metadata/resourceVersion", "1299"))
        .expect_body("PATCH", SCALE, json!({ "metadata": { "resourceVersion": "1299" } }), Answer::recorded("04"));
    let actuator = actuator(&server, |_| {}).await;
    says(&refused(&actuator, &order(7, 4, 1)).await, true, &["somebody else wrote", "the object has been modified"]);
    actuator.scale(&order(7, 4, 2)).await.unwrap();
    server.finish()
}

async fn a_custom_resource_is_looked_up_once_and_scaled() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    let object = "/apis/example.com/v1/namespaces/default/modelservers/llm";
    let scale = "/apis/example.com/v1/namespaces/default/modelservers/llm/scale";
    server
        .expect("GET", "/apis/example.com/v1", modelservers())
        .expect("GET", scale, Answer::recorded("25"))
        .expect("GET", object, Answer::json(200, json!({ "metadata": { "name": "llm", "resourceVersion": "1397" } })))
        .expect_body(
            "PATCH",
            scale,
            json!({ "metadata": { "resourceVersion": "1397" }, "spec": { "replicas": 5 } }),
            Answer::recorded("26"),
        )
        .expect("GET", scale, Answer::recorded("25").with("/spec/replicas", 5))
        .expect("GET", object, Answer::json(200, json!({ "metadata": { "name": "llm", "resourceVersion": "1398" } })))
        .expect("PATCH", scale, Answer::recorded("27"));
    let actuator = actuator(&server, |options| options.target = "example.com/v1/modelservers/llm".parse().unwrap()).await;
    actuator.scale(&order(7, 5, 1)).await.unwrap();
    says(&refused(&actuator, &order(8, 500, 1)).await, false, &["422", "less than or equal to 50"]);
    server.finish()
}

/// The discovery document of the recorded custom resource.
pub(super) fn modelservers() -> Answer {
    let of = |name: &str, kind: &str| json!({ "name": name, "singularName": "modelserver", "kind": kind, "namespaced": true, "verbs": ["get", "patch"] });
    let resources = json!([of("modelservers", "ModelServer"), of("modelservers/scale", "Scale")]);
    Answer::json(200, json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "example.com/v1", "resources": resources }))
}

async fn a_dry_run_does_everything_but_the_effect() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server.expect("GET", SCALE, Answer::recorded("03")).expect("GET", DEPLOYMENT, Answer::recorded("09")).expect(
        "PATCH",
        "/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All&fieldManager=prescale",
        Answer::recorded("06"),
    );
    actuator(&server, |options| options.dry_run = true).await.scale(&order(7, 12, 1)).await.unwrap();
    server.finish()
}

async fn a_webhook_that_sets_another_number_is_told() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, Answer::recorded("09")).always("GET", SCALE, Answer::recorded("03"));
    server.expect("PATCH", SCALE, Answer::recorded("04").with("/spec/replicas", 3));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await, false, &["4 replicas", "3 set", "webhook"]);
    server.finish()
}

scenarios! {
    a_scale_is_patched_against_the_version_that_was_judged,
    what_is_there_already_is_acknowledged_without_a_patch,
    an_order_older_than_the_last_is_ignored,
    a_writer_in_between_is_noticed_and_all_is_judged_again,
    a_custom_resource_is_looked_up_once_and_scaled,
    a_dry_run_does_everything_but_the_effect,
    a_webhook_that_sets_another_number_is_told,
}
