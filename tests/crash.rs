//! `kill -9` at the worst moments, then a restart on the same data folder: no order acts twice, none is forgotten.

use std::path::Path;

use serde_json::Value;

use crate::support::{Demo, wait_for};

/// What the `local` actuator has applied: order ids with how often, and the last target.
fn fleet_file(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("fleet.json")).unwrap_or_else(|_| "{}".into());
    serde_json::from_str(&text).expect("the fleet file is never half written")
}

fn ready(demo: &Demo) -> u64 {
    demo.get("/api/v1/services/worldcup")["replicas"]["ready"].as_u64().unwrap_or(0)
}

/// Runs until the process hangs at the failpoint, kills it there, restarts it, and waits until the journalled order is reached.
fn die_at(point: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Demo::start(folder.path(), &["--from", "1998-05-26T06:00:00Z"], Some(point));
    first.wait_for_log(&format!("failpoint {point} reached"));
    let before = fleet_file(folder.path());
    first.kill();
    drop(first);

    let second = Demo::start(folder.path(), &["--from", "1998-05-26T06:00:00Z"], None);
    let decisions = second.get("/api/v1/services/worldcup/decisions?limit=500");
    let ordered: Vec<&Value> = decisions["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|decision| decision["outcome"].is_string() && ["up", "down"].contains(&decision["action"].as_str().unwrap()))
        .collect();
    assert!(!ordered.is_empty(), "the order that was journalled before the crash is still there: {decisions}");
    let target = ordered.last().unwrap()["target"].as_u64().unwrap();
    // Either the order itself or a newer one that replaced it is carried out, and the service has at least what it had ordered before.
    wait_for("the fleet to reach the order", || (ready(&second) >= target).then_some(()));
    let after = fleet_file(folder.path());
    let counts = after["applied"].as_object().expect("the ledger of applied orders");
    assert!(!counts.is_empty(), "{after}");
    for (order, times) in counts {
        assert_eq!(times.as_u64(), Some(1), "order {order} acted more than once; before the crash: {before}, after: {after}");
    }
}

#[test]
fn killed_between_journal_and_act_the_order_is_carried_out_once() {
    die_at("journaled");
}

#[test]
fn killed_between_act_and_acknowledgement_the_order_is_not_carried_out_again() {
    die_at("acted");
}
