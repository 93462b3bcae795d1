//! Ready before the climb, and what happens when Prometheus goes away.

use serde_json::{Value, json};

use super::scene::Shown;
use super::*;
use crate::support::kubernetes::Answer;
use crate::support::serve::Server;
use crate::support::wait_for;

/// The pods of the order come, boot, and are ready a minute before the load passes what there was before.
fn in_time(scene: &Scene, server: &Server) {
    scene.pods(ORDERED, BEFORE);
    wait_for("the new pods to be seen", || (server.shop()["replicas"]["booting"] == ORDERED - BEFORE).then_some(()));
    assert_eq!(server.replicas(), (BEFORE.into(), ORDERED.into()));
    scene.pods(ORDERED, ORDERED);
    wait_for("all to be ready", || (server.replicas().0 == u64::from(ORDERED)).then_some(()));
    scene.is_in_time();
    // It was the forecast: the load itself is still low.
    let order = server.wait_for_outcome("carried out");
    assert_eq!((&order["reason"], &order["target"]), (&json!("forecast_up"), &json!(ORDERED)), "{order}");
    let load = server.shop()["load_rps"].as_f64().unwrap();
    assert!(load < 150.0, "{load}");
}

/// Without Prometheus nothing is written and nothing is given up, and everything says how old the data is.
fn holds_without_prometheus(scene: &mut Scene, server: &Server) {
    scene.prometheus.stop();
    let decision = wait_for("a decision on stale data", || {
        let last = server.shop()["last_decision"].clone();
        (last["reason"] == "load_unknown").then_some(last)
    });
    let sentence = decision["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Hold 6: the load is unknown since") && sentence.contains(" ago, the limit is 20 s)"), "{sentence}");
    let (ok, text) = server.check("load of shop").unwrap();
    assert!(!ok && text.starts_with("last read ") && text.contains(" s ago (") && text.ends_with("capacity holds"), "{text}");
    let shop = server.shop();
    assert_eq!(shop["data"]["state"], "stale");
    assert!(shop["data"]["age_s"].as_f64().unwrap() > 20.0, "{}", shop["data"]);
    assert_eq!(server.replicas(), (ORDERED.into(), ORDERED.into()));

    // It comes back, and so does its load.
    scene.prometheus.start();
    wait_for("the load to be known again", || server.check("load of shop").unwrap().0.then_some(()));
    assert_eq!(server.shop()["data"]["state"], "fresh");
    assert_eq!(server.replicas(), (ORDERED.into(), ORDERED.into()));
}

/// The proxy's backends `(address, weight)`.
fn backends(server: &Server) -> Vec<(String, u64)> {
    let shop = server.shop();
    let of = |backend: &Value| (backend["address"].as_str().unwrap().to_owned(), backend["weight"].as_u64().unwrap());
    let mut all: Vec<_> = shop["proxy"]["backends"].as_array().unwrap().iter().map(of).collect();
    all.sort();
    all
}

#[test]
fn a_deployment_is_scaled_before_the_climb_the_proxy_follows_and_without_prometheus_all_of_it_stays() {
    let mut scene = Scene::new(&More { service: "proxy = { listen = \"127.0.0.1:0\" }", ..More::default() });
    let write = json!({ "metadata": { "resourceVersion": "1295" }, "spec": { "replicas": ORDERED } });
    scene.cluster.expect_body("PATCH", &format!("{SCALE}?fieldManager=prescale"), write, scaled(ORDERED));
    let mut server = scene.serve();
    scene.cluster.finish();
    scene.scale_is(ORDERED);
    let addresses = |count: u32| (1..=count).map(|number| format!("127.0.1.{number}:8080")).collect::<Vec<_>>();
    let balanced = |count: u32| {
        let all = backends(&server);
        let alike = all.iter().all(|(_, weight)| *weight > 0 && *weight == all[0].1);
        (alike && all.into_iter().map(|(address, _)| address).eq(addresses(count))).then_some(())
    };
    wait_for("the weights of those that are ready", || balanced(BEFORE));
    in_time(&scene, &server);
    wait_for("the weights of all", || balanced(ORDERED));

    holds_without_prometheus(&mut scene, &server);
    assert!(balanced(ORDERED).is_some(), "{:?}", backends(&server));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), 1, "nothing was written after the order");
}

#[test]
fn the_floor_of_an_hpa_is_raised_before_the_climb_although_the_api_server_has_a_bad_minute() {
    let scene = Scene::new(&More::default());
    scene.cluster.always("GET", HPA_LIST, list(json!([Answer::recorded("12").value()])));
    let annotations = json!({ "prescale/owner-min-replicas": "2", "prescale/min-replicas": "6" });
    let write = json!({ "metadata": { "resourceVersion": "1305", "annotations": annotations }, "spec": { "minReplicas": ORDERED } });
    let raised = Answer::recorded("13").with("/spec/minReplicas", ORDERED).with("/metadata/annotations", annotations);
    let patch = format!("{HPA}?fieldManager=prescale");
    scene
        .cluster
        .expect_body("PATCH", &patch, write.clone(), Answer::status(429, "Too many requests").header("Retry-After", "2"))
        .expect_body("PATCH", &patch, write.clone(), Answer::status(503, "apiserver is shutting down"))
        .expect_body("PATCH", &patch, write, raised.clone());
    let mut server = scene.serve();
    scene.cluster.finish();
    // From here on it is the HPA that scales.
    scene.cluster.always("GET", HPA_LIST, list(json!([raised.value()])));
    scene.scale_is(ORDERED);
    in_time(&scene, &server);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    scene.cluster.finish();
    assert_eq!(scene.writes().len(), 3, "ending leaves the floor where it is");
}
