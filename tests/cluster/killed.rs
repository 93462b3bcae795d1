//! `kill -9` while the API server owes an answer, then a restart on the same data folder.

use serde_json::json;

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::serve::Server;

/// What the pods do once the order has come through; and that all of it was one order.
fn ends_well(scene: &Scene, mut server: Server) {
    let acknowledged = server.wait_for_outcome("acknowledged");
    scene.scale_is(ORDERED);
    scene.pods(ORDERED, ORDERED);
    let reached = server.wait_for_outcome("carried out");
    assert_eq!(reached["id"], acknowledged["id"]);
    assert_eq!(server.replicas(), (ORDERED.into(), ORDERED.into()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), 1, "{:?}", scene.writes());
}

#[test]
fn killed_before_the_write_the_order_is_written_once_after_the_restart() {
    let scene = Scene::new(&More::default());
    scene.cluster.expect("GET", DEPLOYMENT, Answer::withheld());
    let mut server = scene.serve();
    scene.cluster.wait_for_withheld(1);
    assert_eq!(server.order()["outcome"], "ordered", "journalled before it acts");
    server.kill();
    assert!(scene.writes().is_empty());

    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), scaled(ORDERED));
    ends_well(&scene, scene.serve());
}

#[test]
fn killed_after_the_write_nothing_is_written_again_and_the_order_is_acknowledged() {
    let scene = Scene::new(&More::default());
    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), Answer::withheld());
    let mut server = scene.serve();
    scene.cluster.wait_for_withheld(1);
    server.kill();

    // The write has taken effect, and nobody was told.
    scene.scale_is(ORDERED);
    ends_well(&scene, scene.serve());
}
