//! Whose the number of replicas is: judged before the first write.

use super::*;

/// A server whose Deployment is this one; its scale has 2 replicas.
fn with(deployment: Answer) -> Server {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, deployment).always("GET", SCALE, Answer::recorded("03"));
    server
}

fn nothing_written(server: &Server) -> Vec<Call> {
    let calls = server.finish();
    assert!(writes(&calls).is_empty());
    calls
}

async fn an_update_by_somebody_else_is_overwritten_only_when_told() -> Vec<Call> {
    let server = with(Answer::recorded("02"));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await, false, &["\"gitops\"", "take_over = true"]);
    nothing_written(&server);
    server.expect("PATCH", SCALE, Answer::recorded("04"));
    actuator(&server, |options| options.take_over = true).await.scale(&order(7, 4, 1)).await.unwrap();
    server.finish()
}

async fn somebody_who_applies_the_number_is_never_overwritten() -> Vec<Call> {
    let server = with(Answer::recorded("02").with("/metadata/managedFields/0/operation", "Apply"));
    let actuator = actuator(&server, |options| options.take_over = true).await;
    says(&refused(&actuator, &order(7, 4, 1)).await, false, &["\"gitops\" applies spec.replicas", "docs/kubernetes.md"]);
    nothing_written(&server)
}

async fn a_person_who_scales_by_hand_becomes_the_owner() -> Vec<Call> {
    let server = with(Answer::recorded("09").with("/metadata/managedFields/0/manager", "kubectl"));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await, false, &["\"kubectl\" has set spec.replicas"]);
    nothing_written(&server)
}

async fn an_hpa_is_not_overridden_by_scale() -> Vec<Call> {
    let server = Server::start();
    server.always("GET", HPA_LIST, Answer::recorded("16"));
    let actuator = actuator(&server, |options| options.way = Way::Scale).await;
    says(&refused(&actuator, &order(7, 4, 1)).await, false, &["HPA \"web\" moves deployment/web", "hpa_floor"]);
    nothing_written(&server)
}

async fn without_an_hpa_there_is_no_floor() -> Vec<Call> {
    let server = Server::start();
    let elsewhere = Answer::recorded("16").with("/items/0/spec/scaleTargetRef/name", "other");
    server.always("GET", HPA_LIST, elsewhere);
    let actuator = actuator(&server, |options| options.way = Way::HpaFloor).await;
    says(&refused(&actuator, &order(7, 4, 1)).await, false, &["no HPA", "\"default\"", "deployment/web"]);
    nothing_written(&server)
}

async fn two_hpas_on_one_target_are_refused() -> Vec<Call> {
    let server = Server::start();
    let one = &Answer::recorded("16").value()["items"][0];
    let mut two = one.clone();
    two["metadata"]["name"] = json!("web-too");
    server.always("GET", HPA_LIST, list(json!([one, two])));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await, false, &["\"web\"", "\"web-too\"", "keep one"]);
    nothing_written(&server)
}

async fn a_scaled_object_keeps_its_target_unless_it_is_paused() -> Vec<Call> {
    let scaled = |annotations: Value| {
        let spec = json!({ "scaleTargetRef": { "name": "web" }, "triggers": [] });
        list(json!([{ "metadata": { "name": "web-so", "annotations": annotations }, "spec": spec }]))
    };
    let server = with(Answer::recorded("09"));
    let actuator = actuator(&server, |_| {}).await;
    let moving = [json!({}), json!({ "autoscaling.keda.sh/paused": "false" }), json!({ "autoscaling.keda.sh/paused-replicas": "3" })];
    for annotations in moving {
        server.always("GET", SCALED_OBJECT_LIST, scaled(annotations));
        says(&refused(&actuator, &order(7, 4, 1)).await, false, &["ScaledObject \"web-so\"", "prescale_desired_replicas"]);
    }
    nothing_written(&server);
    server.always("GET", SCALED_OBJECT_LIST, scaled(json!({ "autoscaling.keda.sh/paused": "true" })));
    server.expect("PATCH", SCALE, Answer::recorded("04"));
    actuator.scale(&order(7, 4, 2)).await.unwrap();
    server.finish()
}

async fn an_hpa_of_keda_is_refused() -> Vec<Call> {
    let server = Server::start();
    let owner = json!([{ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web-so", "uid": "1", "controller": true }]);
    server.always("GET", HPA_LIST, Answer::recorded("16").with("/items/0/metadata/ownerReferences", owner));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 8, 1)).await, false, &["HPA \"web\"", "ScaledObject \"web-so\"", "paused"]);
    nothing_written(&server)
}

scenarios! {
    an_update_by_somebody_else_is_overwritten_only_when_told,
    somebody_who_applies_the_number_is_never_overwritten,
    a_person_who_scales_by_hand_becomes_the_owner,
    an_hpa_is_not_overridden_by_scale,
    without_an_hpa_there_is_no_floor,
    two_hpas_on_one_target_are_refused,
    a_scaled_object_keeps_its_target_unless_it_is_paused,
    an_hpa_of_keda_is_refused,
}
