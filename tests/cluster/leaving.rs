//! A floor is given back when nobody acts there any more: the service is taken out of the configuration, or told to act elsewhere.

use serde_json::{Value, json};

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::serve::Server;
use crate::support::wait_for;

/// Raises the floor of the HPA to what the climb needs.
fn raised(scene: &Scene) -> Server {
    scene.cluster.always("GET", HPA_LIST, list(json!([Answer::recorded("12").value()])));
    let annotations = json!({ "prescale/owner-min-replicas": "2", "prescale/min-replicas": "6" });
    let raised = Answer::recorded("13").with("/spec/minReplicas", ORDERED).with("/metadata/annotations", annotations);
    let write = json!({ "spec": { "minReplicas": ORDERED } });
    scene.cluster.expect_body("PATCH", &format!("{HPA}?fieldManager=prescale"), write, raised.clone());
    let server = scene.serve();
    scene.cluster.finish();
    server.wait_for_outcome("acknowledged");
    scene.cluster.always("GET", HPA_LIST, list(json!([raised.value()])));
    scene.scale_is(ORDERED);
    server
}

/// The floor is the owner's again.
fn expect_release(scene: &Scene, answer: Answer) {
    let gone = json!({ "prescale/owner-min-replicas": null, "prescale/min-replicas": null });
    let write = json!({ "metadata": { "annotations": gone }, "spec": { "minReplicas": 2 } });
    scene.cluster.expect_body("PATCH", &format!("{HPA}?fieldManager=prescale"), write, answer);
}

/// The service becomes another one, that acts on nothing.
fn take_away(scene: &Scene) {
    scene.rewrite(&[("name = \"shop\"", "name = \"cart\""), ("act = {", "# act = {"), ("mode = \"automatic\"", "mode = \"observe\"")]);
}

fn services(server: &Server) -> Vec<String> {
    let overview: Value = server.get("/api/v1/services");
    overview["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_service_that_is_taken_out_of_the_configuration_gives_the_floor_back_and_stops_watching() {
    let scene = Scene::new(&More::default());
    let mut server = raised(&scene);
    wait_for("the watch of the pods", || (scene.cluster.watches() == 1).then_some(()));
    // The first attempt fails, and nobody is there any more who would ask again but the loop itself.
    expect_release(&scene, Answer::status(503, "apiserver is shutting down"));
    expect_release(&scene, Answer::recorded("12"));
    take_away(&scene);
    wait_for("the other service", || (services(&server) == ["cart"]).then_some(()));
    scene.cluster.finish();
    wait_for("the end of the watch", || (scene.cluster.watches() == 0).then_some(()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    assert_eq!(scene.writes().len(), 3, "{:?}", scene.writes());
}

#[test]
fn one_change_of_where_and_whether_to_act_gives_the_floor_back_where_it_was_set() {
    let scene = Scene::new(&More::default());
    let mut server = raised(&scene);
    expect_release(&scene, Answer::recorded("12"));
    scene.rewrite(&[("act = {", "act = { kind = \"gauge\" } # {"), ("mode = \"automatic\"", "mode = \"observe\"")]);
    scene.cluster.finish();
    wait_for("the other mode", || (server.shop()["mode"] == "observe").then_some(()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    assert_eq!(scene.writes().len(), 2, "{:?}", scene.writes());
}

#[test]
fn a_service_that_is_taken_away_while_nothing_runs_gives_the_floor_back_at_the_next_start() {
    let scene = Scene::new(&More::default());
    let mut server = raised(&scene);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    take_away(&scene);
    expect_release(&scene, Answer::recorded("12"));
    let mut server = scene.serve();
    scene.cluster.finish();
    assert_eq!(services(&server), ["cart"]);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    assert_eq!(scene.writes().len(), 2, "{:?}", scene.writes());
}
