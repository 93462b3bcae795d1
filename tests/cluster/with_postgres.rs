//! The same with PostgreSQL, which is killed in the middle of an order.

use serde_json::json;

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::postgres::{PASSWORD, Postgres};
use crate::support::serve::Server;
use crate::support::wait_for;

#[test]
fn postgres_killed_during_an_order_capacity_holds_and_it_goes_on_by_itself_afterwards() {
    let mut postgres = Postgres::start();
    let url = postgres.database("prescale").replace(PASSWORD, "${DATABASE_PASSWORD}");
    let scene = Scene::new(&format!("database = \"{url}\""), "timeout = \"2s\"", "");
    // The answer to the write is lost, and the database is gone before anybody can say so in the journal.
    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), Answer::withheld());
    let mut server = scene.serve();
    scene.cluster.wait_for_withheld(1);
    let ordered = server.order().expect("journalled before it acts");
    postgres.kill();
    let (_, text) = wait_for("the loss to be seen", || server.check("store").filter(|(ok, _)| !ok));
    assert!(text.starts_with("the journal can't be written (") && text.contains("capacity holds until it can"), "{text}");

    // What was written took effect. That the fleet shows it can't be written down, so it counts as not settled yet.
    scene.scale_is(ORDERED);
    scene.pods(ORDERED, ORDERED);
    let metric = format!("prescale_desired_replicas{{service=\"shop\"}} {ORDERED}");
    assert!(server.text("/metrics").contains(&metric), "{}", server.text("/metrics"));
    let failures = |server: &Server| server.log().matches("the journal can't be written").count();
    let before = failures(&server);
    wait_for("further attempts", || (failures(&server) >= before + 2).then_some(()));

    postgres.run();
    wait_for("the journal to be written again", || server.check("store").filter(|(ok, _)| *ok));
    let reached = server.wait_for_outcome("reached");
    assert_eq!((&reached["id"], &reached["reason"]), (&ordered["id"], &json!("forecast_up")));
    scene.is_in_time();
    assert_eq!(server.replicas(), (ORDERED.into(), ORDERED.into()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), 1, "{:?}", scene.writes());
    assert!(!server.log().contains(PASSWORD), "{}", server.log());
    // Nothing is missing in the journal, and nothing is in it twice.
    let journal = |what: &str| postgres.query("prescale", &format!("SELECT {what} FROM journal"));
    assert_eq!(journal("count(*) = max(seq)"), "t");
    assert_eq!(journal("count(*) FILTER (WHERE kind = 'order_issued')"), "1");
    assert_eq!(journal("count(*) FILTER (WHERE kind = 'order_closed')"), "1");
}
