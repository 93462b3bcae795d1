//! How long a start takes is measured from the pods, and planned with.

use serde_json::{Value, json};

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::wait_for;

/// From creation to ready [s].
const START_S: i64 = 20;

/// A pod that was made so long ago, and became ready after [`START_S`], or not yet.
fn pod(number: u32, created_s: i64, ready: bool) -> Value {
    let at = |after_s: i64| jiff::Timestamp::from_second(created_s + after_s).unwrap().to_string();
    let condition = |kind: &str, is: bool, after_s: i64| json!({ "type": kind, "status": if is { "True" } else { "False" }, "lastTransitionTime": at(after_s) });
    let conditions = json!([
        condition("PodScheduled", true, 1),
        condition("Initialized", true, 2),
        condition("Ready", ready, if ready { START_S } else { 0 })
    ]);
    Answer::json(200, Answer::recorded("17").value()["items"][0].clone())
        .with("/metadata/name", format!("web-{number}"))
        .with("/metadata/uid", format!("uid-{number}"))
        .with("/metadata/creationTimestamp", at(0))
        .with("/status/containerStatuses/0/state/running/startedAt", at(5))
        .with("/status/podIP", format!("127.0.1.{number}"))
        .with("/status/conditions", conditions)
        .value()
}

#[test]
fn start_up_times_of_the_pods_become_the_lead_time_that_is_planned_with() {
    let scene = Scene::new(&More::default());
    scene.cluster.expect_body("PATCH", SCALE, json!({ "spec": { "replicas": ORDERED } }), scaled(ORDERED));
    let mut server = scene.serve();
    scene.cluster.finish();
    scene.scale_is(ORDERED);
    assert_eq!((server.shop()["lead_source"].as_str(), server.shop()["lead_s"].as_f64()), (Some("configured"), Some(360.0)));

    let now_s = jiff::Timestamp::now().as_second();
    let shown = |ready: &[u32], booting: &[u32]| {
        let old = (1..=BEFORE).map(|number| pod(number, now_s - 3_600, true));
        let new = ready.iter().map(|number| pod(*number, now_s - 30, true));
        let pods = old.chain(new).chain(booting.iter().map(|number| pod(*number, now_s - 30, false))).collect();
        scene.cluster.holds(PODS, pods);
        let counts = (BEFORE as usize + ready.len(), booting.len());
        wait_for("the pods to be seen", || {
            let replicas = &server.shop()["replicas"];
            (replicas["ready"] == counts.0 && replicas["booting"] == counts.1).then_some(())
        });
    };
    shown(&[], &[3, 4, 5, 6]);
    shown(&[3, 4, 5, 6], &[]);
    // Four starts are too few to go by; a fifth one takes the place of a pod that was lost.
    assert_eq!(server.shop()["lead_source"], "configured");
    shown(&[3, 4, 5], &[7]);
    shown(&[3, 4, 5, 7], &[]);
    let shop = wait_for("the measured lead time", || Some(server.shop()).filter(|shop| shop["lead_source"] == "measured"));
    let lead_s = shop["lead_s"].as_f64().unwrap();
    assert!((START_S as f64..START_S as f64 + 60.0).contains(&lead_s), "{lead_s}");
    assert!(server.text("/metrics").contains(&format!("prescale_lead_seconds{{service=\"shop\"}} {lead_s}\n")));
    let decision = server.get("/api/v1/services/shop/decisions?limit=1")["decisions"][0].clone();
    assert_eq!((&decision["inputs"]["lead_source"], &decision["inputs"]["lead_s"]), (&json!("measured"), &json!(lead_s)), "{decision}");

    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    // It is remembered.
    let mut again = scene.serve();
    wait_for("the first decision after the restart", || (again.shop()["lead_source"] == "measured").then_some(()));
    assert_eq!(again.terminate().code(), Some(0), "{}", again.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), 1, "{:?}", scene.writes());
}
