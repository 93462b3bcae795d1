//! The same with PostgreSQL, which is killed when it is needed most.

use serde_json::json;

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::postgres::{PASSWORD, Postgres};
use crate::support::serve::Server;
use crate::support::wait_for;

fn scene(postgres: &Postgres, step_up: u32) -> Scene {
    let url = postgres.database("prescale").replace(PASSWORD, "${DATABASE_PASSWORD}");
    Scene::new(&More { server: format!("database = \"{url}\""), step_up, ..More::default() })
}

/// Waits until the journal couldn't be written several times from now on, and `/readyz` says so.
fn wait_for_refusals(server: &Server) {
    let refusals = || server.log().matches("the journal can't be written").count();
    let before = refusals();
    wait_for("the journal to be refused", || (refusals() >= before + 3).then_some(()));
    let (ok, text) = server.check("store").unwrap();
    assert!(!ok && text.starts_with("the journal can't be written (") && text.contains("capacity holds until it can"), "{text}");
}

/// Starts the database again, and waits until that was seen.
fn comes_back(postgres: &mut Postgres, server: &Server) {
    postgres.run();
    wait_for("the database to be found again", || server.check("store").filter(|(ok, _)| *ok));
}

/// Ends it, and looks whether anything is missing in the journal, or twice.
fn ends_well(mut server: Server, scene: &Scene, postgres: &Postgres, orders: usize) {
    wait_for("the journal to be written again", || server.check("store").filter(|(ok, _)| *ok));
    scene.is_in_time();
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    assert!(!server.log().contains(PASSWORD), "{}", server.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), orders, "{:?}", scene.writes());
    let journal = |what: &str| postgres.query("prescale", &format!("SELECT {what} FROM journal"));
    assert_eq!(journal("count(*) = max(seq)"), "t");
    for kind in ["order_issued", "order_closed"] {
        assert_eq!(journal(&format!("count(*) FILTER (WHERE kind = '{kind}')")), orders.to_string(), "{kind}");
    }
}

#[test]
fn an_order_whose_answer_and_whose_database_are_lost_is_settled_afterwards_and_not_repeated() {
    let mut postgres = Postgres::start();
    let scene = scene(&postgres, 20);
    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), Answer::withheld());
    let server = scene.serve();
    scene.cluster.wait_for_withheld(1);
    // What was written took effect.
    scene.scale_is(ORDERED);
    let ordered = server.order();
    postgres.kill();
    scene.pods(ORDERED, ORDERED);
    wait_for_refusals(&server);
    let desired = format!("prescale_desired_replicas{{service=\"shop\"}} {ORDERED}");
    assert!(server.text("/metrics").contains(&desired), "{}", server.text("/metrics"));

    comes_back(&mut postgres, &server);
    let reached = server.wait_for_outcome("carried out");
    assert_eq!((&reached["id"], &reached["reason"]), (&ordered["id"], &json!("forecast_up")));
    assert_eq!(server.replicas(), (ORDERED.into(), ORDERED.into()));
    ends_well(server, &scene, &postgres, 1);
}

#[test]
fn what_cannot_be_journalled_is_not_done_until_it_can_be() {
    let mut postgres = Postgres::start();
    // Two at a time: the second order is due when the fleet shows the first.
    let half = BEFORE + 2;
    let scene = scene(&postgres, 2);
    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": half } }), scaled(half));
    let server = scene.serve();
    server.wait_for_outcome("acknowledged");
    scene.scale_is(half);
    postgres.kill();
    scene.pods(half, half);
    wait_for_refusals(&server);
    assert_eq!(scene.writes().len(), 1, "the second order waits");

    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), scaled(ORDERED));
    comes_back(&mut postgres, &server);
    scene.cluster.finish();
    scene.scale_is(ORDERED);
    scene.pods(ORDERED, ORDERED);
    // The first one was reached as well, or the second took its place: whichever event was the first that could be written.
    let newest = || server.orders().into_iter().next().filter(|order| order["target"] == ORDERED);
    wait_for("the second order to be reached", || newest().filter(|order| order["outcome"] == "carried out"));
    assert_eq!(server.orders().len(), 2, "{:?}", server.orders());
    ends_well(server, &scene, &postgres, 2);
}
