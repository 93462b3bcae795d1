//! Pods as replicas.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use planner::ReplicaState::{Booting, Draining, Ready};

use super::*;

/// The three recorded pods as a list in one page.
fn recorded() -> Answer {
    Answer::recorded("17").with("/metadata/continue", "")
}

fn pods(change: impl FnOnce(Answer) -> Answer) -> Vec<Pod> {
    serde_json::from_value(change(recorded()).value()["items"].clone()).unwrap()
}

/// 2026-11-22T08:55:00Z.
const BASE_MS: i64 = 1_795_337_700_000;

fn at(second: u32) -> String {
    format!("2026-11-22T08:{}:{:02}Z", 55 + second / 60, second % 60)
}

/// Of the first pod: conditions (type, status, when).
fn conditions(all: &[(&str, &str, u32)]) -> Value {
    all.iter().map(|(kind, status, when)| json!({ "type": kind, "status": status, "lastTransitionTime": at(*when) })).collect()
}

async fn pods_are_listed_page_by_page_by_the_targets_own_selector() -> Vec<Call> {
    let server = Server::start();
    let second = recorded().with("/items/0/metadata/uid", "x").with("/items/1/metadata/uid", "y").with("/items/2/metadata/uid", "z");
    server
        .expect("GET", SCALE, Answer::recorded("03"))
        .expect("GET", &format!("{PODS}?labelSelector=app%3Dweb&limit=500"), Answer::recorded("17"))
        .expect("GET", &format!("{PODS}?labelSelector=app%3Dweb&limit=500&continue={TOKEN}"), second)
        .expect(
            "GET",
            &format!("{PODS}?watch=true&labelSelector=app%3Dweb&resourceVersion=1350&allowWatchBookmarks=true"),
            Answer::stalls_after(&[]),
        );
    let actuator = actuator(&server, |_| {}).await;
    let replicas = actuator.observe().await.unwrap();
    assert_eq!(replicas.len(), 6);
    let first = replicas.iter().find(|replica| replica.address == "192.168.192.168:8080").expect("podIP and the configured port");
    assert_eq!((first.state, first.ordered_ms, first.ready_ms), (Ready, Some(BASE_MS + 38_000), Some(BASE_MS + 38_000)));
    server.finish()
}

/// As recorded.
const TOKEN: &str = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTM1MCwic3RhcnQiOiJ3ZWItNmY0ZGI5ZjQ0NS1mYzRxZFx1MDAwMCJ9";

async fn a_list_that_expires_on_the_way_is_unknown_and_the_next_one_is_whole() -> Vec<Call> {
    let server = Server::start();
    server.always("GET", SCALE, Answer::recorded("03"));
    let expired = "The provided continue parameter is too old to display a consistent list result.";
    server
        .expect("GET", PODS, Answer::recorded("17"))
        .expect("GET", &format!("{PODS}?continue={TOKEN}"), Answer::status(410, expired))
        .expect("GET", PODS, recorded());
    server.always("GET", &format!("{PODS}?watch=true"), Answer::stalls_after(&[]));
    let actuator = actuator(&server, |_| {}).await;
    says(&actuator.observe().await.unwrap_err(), true, &["410", "too old"]);
    until_there_are(&actuator, 3).await;
    server.finish()
}

async fn a_target_without_a_selector_says_what_its_definition_needs() -> Vec<Call> {
    let server = Server::start();
    server.expect("GET", "/apis/example.com/v1", scale::modelservers());
    server.always("GET", "/apis/example.com/v1/namespaces/default/modelservers/llm/scale", Answer::recorded("25"));
    let actuator = actuator(&server, |options| options.target = "example.com/v1/ModelServer/llm".parse().unwrap()).await;
    says(&actuator.observe().await.unwrap_err(), false, &["modelserver/llm", "labelSelectorPath"]);
    server.finish()
}

async fn pods_that_may_not_be_listed_are_unknown_and_not_none() -> Vec<Call> {
    let server = Server::start();
    server.always("GET", SCALE, Answer::recorded("03"));
    server.always("GET", PODS, Answer::status(403, "pods is forbidden"));
    says(&actuator(&server, |_| {}).await.observe().await.unwrap_err(), false, &["the right to list pods", "rbac.yaml"]);
    server.finish()
}

#[test]
fn a_pod_boots_serves_and_drains_and_ends() {
    let of = |change: fn(Answer) -> Answer| Known::default().replicas(&pods(change), None).unwrap();
    let states = |change| of(change).iter().map(|replica| replica.state).collect::<Vec<_>>();
    assert_eq!(states(|all| all), [Ready, Ready, Ready]);
    assert_eq!(states(|all| all.with("/items/0/metadata/deletionTimestamp", at(99))).iter().filter(|state| **state == Draining).count(), 1);
    let booting = |all: Answer| all.with("/items/0/status/conditions", conditions(&[("Ready", "False", 38)]));
    assert_eq!(states(booting).iter().filter(|state| **state == Booting).count(), 1);
    assert_eq!(states(|all| all.with("/items/0/status", json!({}))).iter().filter(|state| **state == Booting).count(), 1);
    for phase in ["Succeeded", "Failed"] {
        let ended = recorded().with("/items/0/status/phase", phase).value()["items"].clone();
        let ended: Vec<Pod> = serde_json::from_value(ended).unwrap();
        assert_eq!(Known::default().replicas(&ended, None).unwrap().len(), 2, "{phase}");
    }
    assert!(of(|all| all).iter().all(|replica| replica.address.is_empty()), "no port, no address");
    let six = pods(|all| all.with("/items/0/status/podIP", "fd00::7").with("/items/1/status/podIP", "no address"));
    let addresses: BTreeSet<String> =
        Known::default().replicas(&six, Some(80)).unwrap().into_iter().map(|replica| replica.address).collect();
    assert!(addresses.contains("[fd00::7]:80") && addresses.contains(""), "{addresses:?}");
    let nameless = pods(|all| all.with("/items/0/metadata/uid", Value::Null));
    says(&Known::default().replicas(&nameless, None).unwrap_err(), true, &["without a uid"]);
}

#[test]
fn an_id_belongs_to_a_pod_as_long_as_it_exists() {
    let mut known = Known::default();
    let ids = |known: &mut Known, pods: &[Pod]| known.replicas(pods, None).unwrap().iter().map(|replica| replica.id).collect::<Vec<_>>();
    let all = pods(|all| all);
    let first = ids(&mut known, &all);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(ids(&mut Known::default(), &all), first, "also after a restart");
    assert_eq!(ids(&mut known, &all[1..]).len(), 2);
    // Two uids with the same FNV-1a hash: found by search.
    let [one, two] = ["costarring", "liquid"];
    let clash = pods(|all| all.with("/items/0/metadata/uid", one).with("/items/1/metadata/uid", two));
    let clashing = ids(&mut known, &clash);
    assert_eq!(clashing.iter().collect::<BTreeSet<_>>().len(), 3, "{clashing:?}");
    assert_eq!(ids(&mut known, &clash), clashing, "and each keeps its own");
}

/// Conditions (type, status, when), and how often a container was restarted.
type Look<'a> = (&'a [(&'a str, &'a str, u32)], u32);

/// What the planner would learn from: order and ready times of the first pod, look by look.
fn looks(looks: &[Look<'_>]) -> Vec<(planner::ReplicaState, Option<i64>, Option<i64>)> {
    let mut known = Known::default();
    let look = |(all, restarts): &Look<'_>| {
        let statuses = json!([{ "name": "c", "ready": true, "restartCount": restarts, "image": "", "imageID": "" }]);
        let list = recorded().with("/items/0/status/conditions", conditions(all)).with("/items/0/status/containerStatuses", statuses);
        let pods: Vec<Pod> = serde_json::from_value(list.value()["items"].clone()).unwrap();
        let replica = known.replicas(&pods[..1], None).unwrap().remove(0);
        let second = |ms: Option<i64>| ms.map(|ms| (ms - BASE_MS) / 1_000);
        (replica.state, second(replica.ordered_ms), second(replica.ready_ms))
    };
    looks.iter().map(look).collect()
}

#[test]
fn only_the_first_start_is_one() {
    let init = ("Initialized", "True", 39);
    let booting: &[_] = &[init, ("Ready", "False", 38)];
    let ready: &[_] = &[init, ("Ready", "True", 58)];
    let lost: &[_] = &[init, ("Ready", "False", 80)];
    let again: &[_] = &[init, ("Ready", "True", 90)];
    assert_eq!(looks(&[(booting, 0), (ready, 0)]), [(Booting, Some(38), None), (Ready, Some(38), Some(58))]);
    let back = (Ready, None, Some(90));
    assert_eq!(looks(&[(ready, 0), (lost, 0), (again, 0)])[1..], [(Booting, None, None), back], "it has been ready before");
    // Not every kubelet says when the init containers were done: then only what was seen counts.
    assert_eq!(looks(&[(&ready[1..], 0), (&lost[1..], 0), (&again[1..], 0)])[1..], [(Booting, None, None), back]);
    assert_eq!(looks(&[(lost, 0), (again, 0)]), [(Booting, None, None), back], "also when nobody was there to see it");
    assert_eq!(looks(&[(booting, 1), (again, 1)]), [(Booting, None, None), back], "a container was restarted");
}

#[test]
fn the_chain_is_measured_as_far_as_the_conditions_tell() {
    let chain =
        conditions(&[("PodScheduled", "True", 40), ("Initialized", "True", 45), ("ContainersReady", "True", 71), ("Ready", "True", 72)]);
    let pods = pods(|all| all.with("/items/0/status/conditions", chain).with("/items/1/status", json!({})));
    let first = startup::measure(&pods[0]);
    assert_eq!(first.to_string(), "scheduled after 2.0 s, initialised after 7.0 s, started after 1.0 s, ready after 34.0 s");
    assert_eq!(startup::measure(&pods[1]).to_string(), "");
    assert_eq!(startup::medians(&[first, startup::measure(&pods[1])]), first, "over those that tell");
}

scenarios! {
    pods_are_listed_page_by_page_by_the_targets_own_selector,
    a_list_that_expires_on_the_way_is_unknown_and_the_next_one_is_whole,
    a_target_without_a_selector_says_what_its_definition_needs,
    pods_that_may_not_be_listed_are_unknown_and_not_none,
}
