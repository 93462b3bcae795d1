//! The pods are listed once and then watched, and what isn't proven any more is unknown.

use k8s_openapi::api::apps::v1::Deployment;
use kube::core::WatchEvent;
use planner::ReplicaState;

use super::*;
use crate::act::kubernetes::api::Thing;

/// Soon, so that nobody has to wait.
const SOON: Duration = Duration::from_millis(20);

fn quick() -> Pace {
    Pace { pause: SOON, pause_max: SOON, ..Pace::default() }
}

async fn watching(server: &Server, pace: Pace) -> Kubernetes {
    let mut actuator = actuator(server, |options| options.timeout = Duration::from_secs(1)).await;
    actuator.pace = pace;
    actuator
}

/// A recorded pod under another identity.
fn pod(number: u32, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    let conditions = json!([{ "type": "Ready", "status": status, "lastTransitionTime": "2026-11-22T08:56:38Z" }]);
    let pod = Answer::json(200, Answer::recorded("17").value()["items"][0].clone());
    pod.with("/metadata/uid", format!("uid-{number}")).with("/status/conditions", conditions).value()
}

/// So many pods, all ready.
fn pods(count: u32) -> Vec<Value> {
    (1..=count).map(|number| pod(number, true)).collect()
}

/// A cluster with so many pods.
fn with(count: u32) -> Server {
    let server = Server::start();
    server.always("GET", SCALE, Answer::recorded("03")).holds(PODS, pods(count));
    server
}

fn is_watch(call: &Call) -> bool {
    call.path == PODS && call.query.contains(&("watch".into(), "true".into()))
}

fn lists(server: &Server) -> usize {
    server.calls().iter().filter(|call| call.path == PODS && !is_watch(call)).count()
}

fn watches(server: &Server) -> Vec<Call> {
    server.calls().into_iter().filter(is_watch).collect()
}

async fn what_happens_is_seen_without_another_list() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, quick()).await;
    assert_eq!(actuator.observe().await.unwrap().len(), 2);
    server.holds(PODS, [pods(2), vec![pod(3, false)]].concat());
    let ready = |replicas: &[Replica]| replicas.iter().filter(|replica| replica.state == ReplicaState::Ready).count();
    let three = until_there_are(&actuator, 3).await;
    assert_eq!(ready(&three), 2);
    server.holds(PODS, pods(3));
    until("it to be ready", async || ready(&actuator.observe().await.unwrap()) == 3).await;
    let ids = |replicas: Vec<Replica>| replicas.iter().map(|replica| replica.id).collect::<Vec<_>>();
    assert_eq!(ids(actuator.observe().await.unwrap()), ids(three), "each is the one that it was");
    server.holds(PODS, pods(1));
    until_there_are(&actuator, 1).await;
    assert_eq!((lists(&server), watches(&server).len()), (1, 1), "listed once, watched once");
    server.finish()
}

async fn a_watch_whose_time_is_over_goes_on_where_it_was() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, Pace { watch_s: 3, ..quick() }).await;
    assert_eq!(actuator.observe().await.unwrap().len(), 2);
    server.holds(PODS, pods(3));
    until_there_are(&actuator, 3).await;
    until("the next watch", async || watches(&server).len() >= 2).await;
    server.holds(PODS, pods(5));
    until_there_are(&actuator, 5).await;
    let version = |call: &Call| call.query.iter().find(|(key, _)| key == "resourceVersion").map(|(_, version)| version.clone());
    let of_pods: Vec<_> = server.calls().iter().filter(|call| call.path == PODS).map(version).take(3).collect();
    assert_eq!(of_pods, [None, Some("2".to_owned()), Some("3".to_owned())], "no list in between");
    server.finish()
}

async fn where_nothing_happens_the_pods_are_listed_again_before_they_are_unknown() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, Pace { watch_s: 1, fresh: Duration::from_secs(20), ..quick() }).await;
    until("the third list", async || {
        assert_eq!(actuator.observe().await.unwrap().len(), 2);
        lists(&server) >= 3
    })
    .await;
    server.finish()
}

async fn whatever_ends_a_watch_leads_to_a_fresh_list() -> Vec<Call> {
    let unreadable = json!({ "type": "ADDED", "object": { "spec": 7 } });
    let nameless = json!({ "type": "ADDED", "object": { "kind": "Pod", "apiVersion": "v1", "metadata": {} } });
    let mut calls = Vec::new();
    for bad in [
        // As recorded: success, and then an ERROR event.
        Answer::recorded("24"),
        Answer::status(410, "too old resource version: 1 (1038)"),
        Answer::status(429, "Too many requests"),
        Answer::status(500, "etcdserver: leader changed"),
        Answer::status(503, "apiserver is shutting down"),
        Answer::recorded("22"),
        Answer::json(200, ""),
        Answer::json(200, "{\"type\":\"ADDED\",\"obj"),
        Answer::json(200, format!("{unreadable}\n")),
        Answer::json(200, format!("{nameless}\n")),
        Answer::json(200, "<html>\n"),
        Answer::hang_up(),
        Answer::withheld(),
    ] {
        let server = Server::start();
        let list = |count| Answer::json(200, json!({ "metadata": { "resourceVersion": "7" }, "items": pods(count) }));
        server.always("GET", SCALE, Answer::recorded("03"));
        server.expect("GET", PODS, list(2)).expect("GET", &format!("{PODS}?watch=true&resourceVersion=7"), bad.clone());
        server.expect("GET", PODS, list(3)).expect("GET", &format!("{PODS}?watch=true&resourceVersion=7"), Answer::stalls_after(&[]));
        let actuator = watching(&server, quick()).await;
        let first = actuator.observe().await.unwrap().len();
        assert!((2..=3).contains(&first), "known all the while: {first}");
        until_there_are(&actuator, 3).await;
        calls.extend(server.finish());
    }
    calls
}

async fn a_version_that_expires_under_an_open_watch_leads_to_a_fresh_list() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, quick()).await;
    until_there_are(&actuator, 2).await;
    until("the watch", async || server.watches() == 1).await;
    server.expire(PODS);
    until("the next list", async || lists(&server) == 2).await;
    server.holds(PODS, pods(4));
    until_there_are(&actuator, 4).await;
    server.finish()
}

async fn what_is_not_proven_any_more_is_unknown_and_comes_back() -> Vec<Call> {
    let server = Server::start();
    let first = Answer::json(200, json!({ "metadata": { "resourceVersion": "7" }, "items": pods(2) }));
    let added = json!({ "type": "ADDED", "object": pod(3, true) });
    let bookmark = json!({ "type": "BOOKMARK", "object": { "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": "9" } } });
    server.always("GET", SCALE, Answer::recorded("03"));
    server.expect("GET", PODS, first).expect("GET", &format!("{PODS}?watch=true"), Answer::stalls_after(&[added, bookmark]));
    // Then nothing: the connection is as good as dead, and so are those that follow.
    server.always("GET", PODS, Answer::withheld());
    let pace = Pace { silent: Duration::from_millis(300), fresh: Duration::from_secs(2), ..quick() };
    let actuator = watching(&server, pace).await;
    until_there_are(&actuator, 3).await;
    until("the fleet to be unknown", async || actuator.observe().await.is_err()).await;
    let error = actuator.observe().await.unwrap_err();
    says(&error, true, &["the pods were last known 2 s ago", "no answer from the Kubernetes API to list pods"]);
    server.always("GET", PODS, list(json!(pods(5)))).always("GET", &format!("{PODS}?watch=true"), Answer::stalls_after(&[]));
    until_there_are(&actuator, 5).await;
    server.finish()
}

async fn without_the_right_to_watch_there_are_lists() -> Vec<Call> {
    let server = with(2);
    let forbidden = Answer::status(403, "pods is forbidden: User \"prescale\" cannot watch resource \"pods\"");
    server.always("GET", &format!("{PODS}?watch=true"), forbidden);
    let actuator = watching(&server, quick()).await;
    assert_eq!(actuator.observe().await.unwrap().len(), 2);
    server.holds(PODS, pods(3));
    until_there_are(&actuator, 3).await;
    server.finish()
}

async fn a_fleet_without_pods_is_listed_and_a_target_that_is_gone_has_none() -> Vec<Call> {
    let server = with(1);
    let actuator = watching(&server, quick()).await;
    until_there_are(&actuator, 1).await;
    server.holds(PODS, Vec::new());
    until_there_are(&actuator, 0).await;
    assert!(lists(&server) >= 2, "not believed from the watch");

    let server = with(1);
    let actuator = watching(&server, Pace { fresh: Duration::from_secs(1), ..quick() }).await;
    until_there_are(&actuator, 1).await;
    until("the watch", async || server.watches() == 1).await;
    server.always("GET", SCALE, Answer::recorded("08")).holds(PODS, Vec::new());
    until("the fleet to be unknown", async || match actuator.observe().await {
        Ok(replicas) => {
            assert_eq!(replicas.len(), 1, "nobody has said that there are none");
            false
        }
        Err(error) => error.text.contains("not found"),
    })
    .await;
    server.finish()
}

async fn another_selector_is_another_fleet() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, Pace { watch_s: 1, ..quick() }).await;
    until_there_are(&actuator, 2).await;
    server.holds(PODS, pods(3));
    server.always("GET", SCALE, Answer::recorded("03").with("/status/selector", "app=web,track=stable"));
    let selected = |call: &Call| call.query.contains(&("labelSelector".into(), "app=web,track=stable".into()));
    until("a list by the new one", async || server.calls().iter().any(|call| selected(call) && !is_watch(call))).await;
    server.finish()
}

async fn whoever_is_taken_away_ends_the_watch() -> Vec<Call> {
    let server = with(2);
    let actuator = watching(&server, quick()).await;
    assert!(server.calls().is_empty(), "nobody has looked yet");
    until_there_are(&actuator, 2).await;
    until("the watch", async || server.watches() == 1).await;
    drop(actuator);
    until("its end", async || server.watches() == 0).await;
    server.finish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_recorded_watch_is_read_to_its_end() {
    let server = Server::start();
    let deployments = Thing { group: "apps", version: "v1", resource: "deployments", name: "", subresource: "" };
    server.expect("GET", "/apis/apps/v1/namespaces/default/deployments?watch=true&timeoutSeconds=12", Answer::recorded("23"));
    let actuator = actuator(&server, |_| {}).await;
    let mut events = actuator.api.watch(deployments, "app=web", "1339", 12).await.unwrap();
    let mut versions = Vec::new();
    while let Some(event) = events.next::<Deployment>().await.unwrap() {
        versions.push(match event {
            WatchEvent::Modified(object) => object.metadata.resource_version.unwrap(),
            WatchEvent::Bookmark(mark) => format!("bookmark {}", mark.metadata.resource_version),
            other => panic!("{other:?} was not recorded"),
        });
    }
    assert_eq!(versions, ["1357", "1369", "1373", "1376", "1378", "bookmark 1378"]);
    server.finish();
}

scenarios! {
    what_happens_is_seen_without_another_list,
    a_watch_whose_time_is_over_goes_on_where_it_was,
    where_nothing_happens_the_pods_are_listed_again_before_they_are_unknown,
    whatever_ends_a_watch_leads_to_a_fresh_list,
    a_version_that_expires_under_an_open_watch_leads_to_a_fresh_list,
    what_is_not_proven_any_more_is_unknown_and_comes_back,
    without_the_right_to_watch_there_are_lists,
    a_fleet_without_pods_is_listed_and_a_target_that_is_gone_has_none,
    another_selector_is_another_fleet,
    whoever_is_taken_away_ends_the_watch,
}
