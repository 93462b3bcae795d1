//! Way 1: the floor of an HPA, and its release.

use super::*;

/// The recorded HPA as its owner made it: at least 2, at most 10.
fn fresh() -> Answer {
    list(json!([Answer::recorded("12").value()]))
}

/// The same after we have raised it to 6.
fn raised() -> Answer {
    let annotations = json!({ "prescale/owner-min-replicas": "2", "prescale/min-replicas": "6" });
    list(json!([Answer::recorded("13").with("/metadata/annotations", annotations).value()]))
}

fn with(hpas: Answer) -> Server {
    let server = Server::start();
    server.always("GET", HPA_LIST, hpas).always("GET", SCALE, Answer::recorded("03"));
    server
}

async fn the_floor_is_raised_and_the_owners_value_kept() -> Vec<Call> {
    let server = Server::start();
    server.expect("GET", HPA_LIST, fresh()).expect("GET", SCALE, Answer::recorded("03")).expect_body(
        "PATCH",
        &format!("{HPA}?fieldManager=prescale"),
        json!({
            "metadata": { "resourceVersion": "1305", "annotations": { "prescale/owner-min-replicas": "2", "prescale/min-replicas": "6" } },
            "spec": { "minReplicas": 6 }
        }),
        Answer::recorded("13"),
    );
    let actuator = actuator(&server, |_| {}).await;
    actuator.scale(&order(7, 6, 1)).await.unwrap();
    assert!(actuator.sets_floor(), "the fleet may be larger");
    server.finish()
}

async fn the_owners_value_survives_further_orders_and_is_never_undercut() -> Vec<Call> {
    let server = with(raised());
    let actuator = actuator(&server, |_| {}).await;
    for (id, target, floor) in [(8, 9, 9), (9, 1, 2)] {
        let kept = json!({ "prescale/owner-min-replicas": "2", "prescale/min-replicas": floor.to_string() });
        let expected = json!({ "metadata": { "annotations": kept }, "spec": { "minReplicas": floor } });
        server.expect_body("PATCH", HPA, expected, Answer::recorded("13").with("/spec/minReplicas", floor));
        actuator.scale(&order(id, target, 1)).await.unwrap();
    }
    server.finish()
}

async fn a_cluster_without_this_version_of_hpas_is_told_which_has_it() -> Vec<Call> {
    let server = Server::start();
    server.always("GET", HPA_LIST, Answer::status(404, "the server could not find the requested resource"));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 6, 1)).await, false, &["autoscaling/v2", "1.23"]);
    server.finish()
}

async fn a_floor_that_is_there_already_is_not_written_again() -> Vec<Call> {
    let server = with(raised());
    actuator(&server, |_| {}).await.scale(&order(7, 6, 2)).await.unwrap();
    let server_of_owner = with(fresh());
    actuator(&server_of_owner, |_| {}).await.scale(&order(7, 2, 1)).await.unwrap();
    let calls = [server.finish(), server_of_owner.finish()].concat();
    assert!(writes(&calls).is_empty());
    calls
}

async fn a_lost_answer_is_found_out_by_reading() -> Vec<Call> {
    let server = with(fresh());
    server.expect("PATCH", HPA, Answer::withheld());
    let actuator = actuator(&server, |options| options.timeout = Duration::from_millis(400)).await;
    says(&refused(&actuator, &order(7, 6, 1)).await, true, &["patch horizontalpodautoscalers", "may have been done"]);
    server.always("GET", HPA_LIST, raised());
    actuator.scale(&order(7, 6, 2)).await.unwrap();
    let calls = server.finish();
    assert_eq!(writes(&calls).len(), 1, "no second PATCH");
    calls
}

async fn a_floor_above_the_maximum_names_both_numbers() -> Vec<Call> {
    let server = with(fresh());
    server.expect("PATCH", HPA, Answer::recorded("15"));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 11, 1)).await, false, &["floor of 11", "maxReplicas is 10", "422"]);
    server.finish()
}

async fn a_floor_does_nothing_at_zero_replicas_and_says_so() -> Vec<Call> {
    let server = with(fresh());
    server.always("GET", SCALE, Answer::recorded("03").with("/spec/replicas", 0));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 6, 1)).await, false, &["0 replicas", "HPA \"web\"", "at least 1"]);
    server.finish()
}

async fn a_release_gives_the_owners_value_back() -> Vec<Call> {
    let server = Server::start();
    let gone = json!({ "prescale/owner-min-replicas": null, "prescale/min-replicas": null });
    let expected = json!({ "metadata": { "resourceVersion": "1312", "annotations": gone }, "spec": { "minReplicas": 2 } });
    server.expect("GET", HPA_LIST, raised()).expect_body("PATCH", HPA, expected, Answer::recorded("12"));
    server.expect("GET", HPA_LIST, fresh());
    let actuator = actuator(&server, |_| {}).await;
    actuator.release().await.unwrap();
    actuator.release().await.unwrap();
    server.finish()
}

async fn a_release_leaves_what_somebody_else_has_set_meanwhile() -> Vec<Call> {
    let other_value = raised().with("/items/0/spec/minReplicas", 4);
    // The same value, but its owner has applied it, too.
    let fields = json!({ "f:spec": { "f:minReplicas": {} } });
    let applied = json!([{ "manager": "argocd-controller", "operation": "Apply", "fieldsV1": fields }]);
    let other_owner = raised().with("/items/0/metadata/managedFields", applied);
    let mut calls = Vec::new();
    for hpas in [other_value, other_owner] {
        let server = with(hpas);
        server.expect("PATCH", HPA, Answer::recorded("12"));
        actuator(&server, |_| {}).await.release().await.unwrap();
        let all = server.finish();
        assert!(writes(&all)[0].get("spec").is_none(), "only our annotations go");
        calls.extend(all);
    }
    calls
}

async fn a_floor_that_somebody_else_has_set_becomes_the_owners() -> Vec<Call> {
    let server = with(raised().with("/items/0/spec/minReplicas", 4));
    let kept = json!({ "metadata": { "annotations": { "prescale/owner-min-replicas": "4", "prescale/min-replicas": "6" } } });
    server.expect_body("PATCH", HPA, kept, Answer::recorded("13"));
    actuator(&server, |_| {}).await.scale(&order(8, 6, 1)).await.unwrap();
    server.finish()
}

async fn without_an_hpa_there_is_nothing_to_release() -> Vec<Call> {
    let server = Server::start();
    server.expect("GET", HPA_LIST, list(json!([])));
    actuator(&server, |_| {}).await.release().await.unwrap();
    server.finish()
}

scenarios! {
    a_cluster_without_this_version_of_hpas_is_told_which_has_it,
    the_floor_is_raised_and_the_owners_value_kept,
    the_owners_value_survives_further_orders_and_is_never_undercut,
    a_floor_that_is_there_already_is_not_written_again,
    a_lost_answer_is_found_out_by_reading,
    a_floor_above_the_maximum_names_both_numbers,
    a_floor_does_nothing_at_zero_replicas_and_says_so,
    a_release_gives_the_owners_value_back,
    a_release_leaves_what_somebody_else_has_set_meanwhile,
    a_floor_that_somebody_else_has_set_becomes_the_owners,
    without_an_hpa_there_is_nothing_to_release,
}
